#include "engine/network_create.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace burrow::engine {
namespace {

using netstack::Network;
using netstack::Subnet;

constexpr int kBridgeNumbers = 1'000'000;
constexpr int kRandomTries = 10'000;

// Words that --network gives another meaning.
constexpr std::array kReservedNames{"none",  "host", "bridge",    "private", "slirp4netns",
                                    "pasta", "ns",   "container", "default"};

bool is_link_in_use(const InUse& in_use, std::string_view name) {
  return std::ranges::find(in_use.host.links, name) != in_use.host.links.end() ||
         std::ranges::any_of(in_use.networks, [&](const Network& network) {
           return network.interface && network.interface->str() == name;
         });
}

bool is_name_in_use(const InUse& in_use, std::string_view name) {
  return std::ranges::any_of(in_use.networks,
                             [&](const Network& network) { return network.name.str() == name; });
}

Result<std::string> free_name(const InUse& in_use) {
  for (int number = 1; number < kBridgeNumbers; ++number) {
    auto name = fmt::format("burrow{}", number);
    if (!is_name_in_use(in_use, name) && !is_link_in_use(in_use, name)) return name;
  }
  return fail(Errc::exhausted, "no free bridge name up to burrow{}", kBridgeNumbers);
}

Result<NetworkName> plan_name(const NewNetwork& wanted, const InUse& in_use) {
  const auto text = wanted.name ? *wanted.name : TRY(free_name(in_use));
  if (std::ranges::find(kReservedNames, text) != kReservedNames.end()) {
    return fail(Errc::invalid_input,
                "cannot create network with name \"{}\" because it conflicts with a valid network "
                "mode",
                text);
  }
  auto name = TRY(NetworkName::parse(text));
  if (is_name_in_use(in_use, text)) {
    return fail(Errc::already_exists, "network already exists {}", text);
  }
  return name;
}

Result<void> check_number(const std::string& key, const std::string& word, uint32_t max) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || value > max) {
    return fail(Errc::invalid_input, "unable to parse \"{}\": found \"{}\", expected 0 to {}", key,
                word.substr(0, 64), max);
  }
  return {};
}

Result<void> check_word(const std::string& key, const std::string& word,
                        std::initializer_list<std::string_view> words) {
  if (std::ranges::find(words, word) != words.end()) return {};
  return fail(Errc::invalid_input, "invalid {} option \"{}\": must be one of {}", key,
              word.substr(0, 64), fmt::join(words, ", "));
}

Result<void> check_outbound(const std::string& key, const std::string& word, Family family) {
  const auto address = IpAddress::parse(word);
  if (address && address->family() == family) return {};
  return fail(Errc::invalid_input,
              "unable to parse \"{}\": found \"{}\", expected an IPv{} address", key,
              word.substr(0, 64), family == Family::ipv4 ? 4 : 6);
}

Result<void> check_option(const std::string& key, const std::string& word) {
  constexpr uint32_t kLargestMtu = 65535;
  if (key == "mtu") return check_number(key, word, kLargestMtu);
  if (key == "metric") return check_number(key, word, UINT32_MAX);
  if (key == "isolate") return check_word(key, word, {"true", "false", "strict"});
  if (key == "no_default_route") return check_word(key, word, {"true", "false"});
  if (key == "outbound_addr4") return check_outbound(key, word, Family::ipv4);
  if (key == "outbound_addr6") return check_outbound(key, word, Family::ipv6);
  if (key == "mode") return check_word(key, word, {"managed"});
  return fail(Errc::invalid_input,
              "unsupported bridge network option: {} (known: isolate, metric, mode, mtu, "
              "no_default_route, outbound_addr4, outbound_addr6)",
              key);
}

// Docker's words for the same things are taken as ours.
Result<void> plan_options(const NewNetwork& wanted, Network& network) {
  for (const auto& [written, word] : wanted.options) {
    if (written == "com.docker.network.bridge.name") {
      network.interface = TRY(LinkName::parse(word));
      continue;
    }
    const std::string key = written == "com.docker.network.driver.mtu" ? "mtu" : written;
    TRY_VOID(check_option(key, word));
    network.options[key] = word;
  }
  return {};
}

Result<void> plan_interface(const InUse& in_use, Network& network) {
  if (!network.interface) {
    // A network called as a bridge could be gets the bridge of that name.
    const auto& own = network.name.str();
    const bool is_like_ours =
        own.starts_with("burrow") && LinkName::parse(own) && !is_link_in_use(in_use, own);
    network.interface = TRY(LinkName::parse(is_like_ours ? own : TRY(free_name(in_use))));
    return {};
  }
  const auto& name = network.interface->str();
  if (!NetworkName::parse(name)) {
    return fail(Errc::invalid_input, "bridge name {} is invalid", name);
  }
  if (is_link_in_use(in_use, name)) {
    return fail(Errc::already_exists, "bridge name {} already in use", name);
  }
  return {};
}

// The prefix that `candidate` collides with, if any.
std::optional<IpNetwork> collision(const IpNetwork& candidate, const InUse& in_use,
                                   const Network& network) {
  for (const auto& other : in_use.networks) {
    for (const auto& subnet : other.subnets) {
      if (subnet.network.overlaps(candidate)) return subnet.network;
    }
  }
  for (const auto& prefix : in_use.host.prefixes) {
    if (prefix.overlaps(candidate)) return prefix;
  }
  for (const auto& subnet : network.subnets) {
    if (subnet.network.overlaps(candidate)) return subnet.network;
  }
  return std::nullopt;
}

Result<IpNetwork> free_ipv4(const std::vector<SubnetPool>& pools, const InUse& in_use,
                            const Network& network) {
  for (const auto& pool : pools) {
    std::optional<IpAddress> start = pool.base.address();
    while (start && pool.base.contains(*start)) {
      const auto block = TRY(IpNetwork::containing(*start, pool.block_length));
      const auto taken = collision(block, in_use, network);
      if (!taken) return block;
      // A prefix that holds the whole block is left behind at once, not block by block.
      start = std::max(block.last(), taken->last()).next();
    }
  }
  return fail(Errc::exhausted, "could not find free subnet from subnet pools");
}

Result<IpNetwork> free_ipv6(const Birth& birth, const InUse& in_use, const Network& network) {
  for (int attempt = 0; attempt < kRandomTries; ++attempt) {
    // fd00::/8, then 40 bits of global identifier and 16 of subnet (RFC 4193 section 3.1).
    const uint64_t random = birth.random();
    std::array<uint8_t, 16> bytes{0xfd};
    for (size_t i = 1; i < 8; ++i) bytes.at(i) = static_cast<uint8_t>(random >> (8 * i));
    const auto block = TRY(IpNetwork::containing(IpAddress::from_bytes(bytes), 64));
    if (!collision(block, in_use, network)) return block;
  }
  return fail(Errc::exhausted, "failed to get random ipv6 subnet");
}

Result<void> check_lease_range(const Subnet& subnet) {
  if (!subnet.lease_range) return {};
  const auto check = [&](const std::optional<IpAddress>& bound,
                         std::string_view which) -> Result<void> {
    if (!bound || subnet.network.contains(*bound)) return {};
    return fail(Errc::invalid_input, "lease range {} {} not in subnet {}", which,
                bound->to_string(), subnet.network.to_string());
  };
  const auto& [start, end] = *subnet.lease_range;
  TRY_VOID(check(start, "start_ip"));
  TRY_VOID(check(end, "end_ip"));
  if (start && end && *start > *end) {
    return fail(Errc::invalid_input, "lease range start_ip {} is after end_ip {}",
                start->to_string(), end->to_string());
  }
  return {};
}

Result<void> plan_gateway(Subnet& subnet, const Network& network) {
  const auto text = subnet.network.to_string();
  if (subnet.gateway) {
    if (subnet.network.contains(*subnet.gateway)) return {};
    return fail(Errc::invalid_input, "gateway {} not in subnet {}", subnet.gateway->to_string(),
                text);
  }
  if (network.is_internal && !network.has_dns) return {};
  const int longest = subnet.network.family() == Family::ipv4 ? 30 : 127;
  if (subnet.network.prefix_length() > longest) {
    return fail(Errc::invalid_input,
                "could not create gateway for subnet {} because it has a {} or greater subnet "
                "prefix",
                text, longest + 1);
  }
  subnet.gateway = subnet.network.address().next();
  return {};
}

Result<void> check_free(const Subnet& subnet, const InUse& in_use, const Network& network) {
  const auto text = subnet.network.to_string();
  for (const auto& other : network.subnets) {
    if (other.network == subnet.network) {
      return fail(Errc::invalid_input, "duplicate subnet defined: {}", text);
    }
    if (other.network.overlaps(subnet.network)) {
      return fail(Errc::invalid_input, "overlapping subnets: {} and {}", other.network.to_string(),
                  text);
    }
  }
  if (const auto taken = collision(subnet.network, in_use, network)) {
    return fail(Errc::already_exists,
                "subnet {} is already used on the host or by another config (overlaps {})", text,
                taken->to_string());
  }
  return {};
}

bool has_family(const Network& network, Family family) {
  return std::ranges::any_of(
      network.subnets, [&](const Subnet& subnet) { return subnet.network.family() == family; });
}

Result<void> plan_subnets(const NewNetwork& wanted, const InUse& in_use, const Birth& birth,
                          const std::vector<SubnetPool>& pools, Network& network) {
  for (const auto& subnet : wanted.subnets) {
    TRY_VOID(check_free(subnet, in_use, network));
    network.subnets.push_back(subnet);
  }
  if (network.subnets.empty() || (wanted.wants_ipv6 && !has_family(network, Family::ipv4))) {
    network.subnets.push_back({.network = TRY(free_ipv4(pools, in_use, network))});
  }
  if (wanted.wants_ipv6 && !has_family(network, Family::ipv6)) {
    network.subnets.push_back({.network = TRY(free_ipv6(birth, in_use, network))});
  }
  network.has_ipv6 = has_family(network, Family::ipv6);
  for (auto& subnet : network.subnets) {
    TRY_VOID(plan_gateway(subnet, network));
    TRY_VOID(check_lease_range(subnet));
  }
  return {};
}

}  // namespace

std::vector<SubnetPool> default_pools() {
  std::vector<SubnetPool> pools;
  for (const auto* base :
       {"10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "10.96.0.0/11", "10.128.0.0/9"}) {
    pools.push_back({.base = IpNetwork::parse(base).value()});
  }
  return pools;
}

Result<Network> plan_network(const NewNetwork& wanted, const InUse& in_use, const Birth& birth,
                             const std::vector<SubnetPool>& pools) {
  if (wanted.driver != "bridge") {
    return fail(Errc::unsupported, "network driver \"{}\" is not supported: use bridge",
                wanted.driver);
  }
  Network network{.name = TRY(plan_name(wanted, in_use)),
                  .id = birth.id,
                  .driver = wanted.driver,
                  .interface = wanted.interface,
                  .created = birth.created,
                  .routes = wanted.routes,
                  .is_internal = wanted.is_internal,
                  .has_dns = wanted.has_dns,
                  .dns_servers = wanted.dns_servers,
                  .labels = wanted.labels,
                  .ipam_options = {{"driver", "host-local"}}};
  TRY_VOID(plan_options(wanted, network));
  TRY_VOID(plan_interface(in_use, network));
  if (!network.dns_servers.empty() && !network.has_dns) {
    return fail(Errc::invalid_input,
                "cannot set NetworkDNSServers if DNS is not enabled for the network");
  }
  TRY_VOID(plan_subnets(wanted, in_use, birth, pools, network));
  return network;
}

}  // namespace burrow::engine
