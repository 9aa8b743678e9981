#include "netstack/bridge_options.h"

#include "netstack/limit_words.h"

namespace burrow::netstack {
namespace {

Result<firewall::Isolation> isolation(const Strings& options) {
  const auto* word = find_word(options, "isolate");
  if (word == nullptr || *word == "strict") return firewall::Isolation::strict;
  if (*word == "true") return firewall::Isolation::isolated;
  if (*word == "false") return firewall::Isolation::none;
  return fail(Errc::invalid_input, "invalid isolate option \"{}\": must be true, false or strict",
              word->substr(0, 64));
}

Result<firewall::GatewayMode> gateway_mode(const Strings& options) {
  const auto* word = find_word(options, "gateway_mode");
  if (word == nullptr || *word == "nat") return firewall::GatewayMode::translated;
  if (*word != "routed") return bad_option("gateway_mode", *word, "nat or routed");
  for (const auto* key : {"outbound_addr4", "outbound_addr6"}) {
    if (options.contains(key)) {
      return fail(Errc::invalid_input,
                  "{} has no meaning with gateway_mode \"routed\": containers keep their addresses",
                  key);
    }
  }
  return firewall::GatewayMode::routed;
}

Result<std::optional<firewall::Publishing>> publishing(const Strings& options) {
  const auto* word = find_word(options, "publish");
  if (word == nullptr) return std::nullopt;
  auto parsed = read_publishing(*word);
  if (!parsed) return bad_option("publish", *word, "open or host-firewall");
  return parsed;
}

// 0 stands for no VLAN: the standard keeps it for frames without one.
Result<std::optional<uint16_t>> vlan(const Strings& options) {
  constexpr uint32_t kLargest = 4094;  // IEEE 802.1Q keeps 4095 for itself
  const auto number = read_number(options, "vlan");
  if (!number || (*number && **number > kLargest)) {
    return bad_option("vlan", *find_word(options, "vlan"), "a number from 0 to 4094");
  }
  if (!*number || **number == 0) return std::nullopt;
  return static_cast<uint16_t>(**number);
}

// An empty word means none.
Result<std::optional<LinkName>> link_name(const Strings& words, const std::string& key) {
  const auto* word = find_word(words, key);
  if (word == nullptr || word->empty()) return std::nullopt;
  auto name = LinkName::parse(*word);
  if (!name) return with_context(std::move(name).error(), key);
  return *std::move(name);
}

}  // namespace

std::optional<firewall::Publishing> read_publishing(std::string_view word) {
  if (word == "open") return firewall::Publishing::open;
  if (word == "host-firewall") return firewall::Publishing::host_firewall;
  return std::nullopt;
}

Result<BridgeOptions> decode_bridge_options(const AttachmentRequest& attachment) {
  const auto& words = attachment.network.options;
  BridgeOptions options;
  options.mode = TRY(bridge_mode(words));
  options.mtu = TRY(read_mtu(words));
  options.metric = TRY(read_number(words, "metric"));
  options.default_route = TRY(read_default_route(words));
  options.isolation = TRY(isolation(words));
  options.gateway = TRY(gateway_mode(words));
  options.publishing = TRY(publishing(words));
  options.outbound4 = TRY(read_address(words, "outbound_addr4", Family::ipv4));
  options.outbound6 = TRY(read_address(words, "outbound_addr6", Family::ipv6));
  options.vlan = TRY(vlan(words));
  options.vrf = TRY(link_name(words, "vrf"));
  options.limits = TRY(read_limits(words));
  options.own_limits = TRY(read_limits(attachment.options));
  options.host_interface = TRY(link_name(attachment.options, "host_interface_name"));
  return options;
}

}  // namespace burrow::netstack
