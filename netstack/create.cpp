#include "netstack/create.h"

#include <algorithm>

#include "netstack/driver_options.h"
#include "netstack/network_rules.h"

namespace burrow::netstack {
namespace {

constexpr size_t kIdentifierDigits = 64;

bool is_hexadecimal(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// The growing definition of one network.
class Creation {
 public:
  Creation(const CreateRequest& request, const CreateSurroundings& surroundings)
      : request_(request), surroundings_(surroundings), network_(request.network) {}

  Result<Network> complete() {
    TRY_VOID(check_identity());
    ipam_ = TRY(ipam_driver(network_.ipam_options));
    if (ipam_ == IpamDriver::none && !network_.subnets.empty()) {
      return fail(Errc::invalid_input, "ipam driver none is set but subnets are given");
    }
    TRY_VOID(complete_by_driver());
    if (ipam_ == IpamDriver::none) network_.has_dns = false;
    if (!network_.dns_servers.empty() && !network_.has_dns) {
      return fail(Errc::invalid_input,
                  "cannot set NetworkDNSServers if DNS is not enabled for the network");
    }
    TRY_VOID(complete_subnets());
    network_.created = surroundings_.now;
    return std::move(network_);
  }

 private:
  Result<void> check_identity() const {
    // Podman knows a name that is taken by the words "already exists".
    if (request_.used_names.contains(network_.name.str())) {
      return fail(Errc::already_exists, "network already exists {}", network_.name);
    }
    const auto& id = network_.id;
    if (id.size() == kIdentifierDigits && std::ranges::all_of(id, is_hexadecimal)) return {};
    return fail(Errc::invalid_input, "invalid network id \"{}\": must be {} hexadecimal digits",
                id.substr(0, 2 * kIdentifierDigits), kIdentifierDigits);
  }

  Result<void> complete_by_driver() {
    const auto driver = find_driver(network_.driver);
    if (!driver) return complete_by_plugin();
    switch (*driver) {
      case Driver::bridge:
        return complete_bridge();
      case Driver::macvlan:
      case Driver::ipvlan:
        return complete_child(*driver);
    }
    return {};
  }

  Result<void> complete_bridge() {
    auto words = TRY(translate_docker_words(network_.options));
    network_.options = std::move(words.options);
    if (words.bridge) network_.interface = *std::move(words.bridge);
    TRY_VOID(check_options(Driver::bridge, network_.options));
    const auto mode = TRY(bridge_mode(network_.options));
    TRY_VOID(check_bridge_ipam(mode));
    // Several networks on one bridge are what VLANs and bridges of others are for.
    if (mode == BridgeMode::unmanaged || network_.options.contains("vlan")) {
      shares_ = Shares::everything;
    } else if (request_.when_used == UsedSubnets::allowed) {
      shares_ = Shares::subnets;
    }
    TRY_VOID(choose_bridge());
    if (ipam_.value_or(IpamDriver::host_local) != IpamDriver::host_local) return {};
    network_.ipam_options["driver"] = to_string(IpamDriver::host_local);
    return choose_subnets();
  }

  Result<void> check_bridge_ipam(BridgeMode mode) const {
    if (ipam_ != IpamDriver::dhcp) return {};
    if (mode == BridgeMode::managed) {
      return fail(Errc::invalid_input,
                  "ipam driver dhcp needs a bridge that leads to a DHCP server: set the option "
                  "\"mode\" to unmanaged");
    }
    return check_no_subnets();
  }

  Result<void> check_no_subnets() const {
    if (network_.subnets.empty()) return {};
    return fail(Errc::invalid_input, "ipam driver dhcp set but subnets are set");
  }

  Result<void> choose_bridge() {
    if (network_.interface) {
      TRY_VOID(check_bridge_name(*network_.interface));
      if (shares_ != Shares::everything &&
          request_.used_interfaces.contains(network_.interface->str())) {
        return fail(Errc::already_exists, "bridge name {} already in use", *network_.interface);
      }
      return {};
    }
    if (!request_.default_interface) {
      return fail(Errc::invalid_input,
                  "no name for the bridge: neither network_interface nor default_interface_name is "
                  "given");
    }
    const auto is_taken = [&](const LinkName& name) {
      return request_.used_interfaces.contains(name.str()) ||
             request_.used_names.contains(name.str()) || surroundings_.is_link(name);
    };
    network_.interface = TRY(free_bridge_name(*request_.default_interface, is_taken));
    return {};
  }

  // The prefixes that a new subnet must not overlap.
  [[nodiscard]] ipam::PrefixSet taken(Family family) const {
    std::vector<IpNetwork> prefixes;
    for (const auto& subnet : network_.subnets) prefixes.push_back(subnet.network);
    // There are enough random subnets: those keep clear of others whatever is asked.
    if (shares_ == Shares::nothing || family == Family::ipv6) {
      prefixes.insert(prefixes.end(), request_.used_subnets.begin(), request_.used_subnets.end());
    }
    return ipam::PrefixSet{prefixes};
  }

  Result<void> choose_subnets() {
    if (network_.subnets.empty() || (network_.has_ipv6 && !has_family(network_, Family::ipv4))) {
      const auto free = TRY(ipam::first_free_block(request_.pools, taken(Family::ipv4)));
      network_.subnets.push_back({.network = free, .gateway = {}, .lease_range = {}});
    }
    if (network_.has_ipv6 && !has_family(network_, Family::ipv6)) {
      const auto free = TRY(ipam::random_unique_local(surroundings_.random, taken(Family::ipv6)));
      network_.subnets.push_back({.network = free, .gateway = {}, .lease_range = {}});
    }
    return {};
  }

  // macvlan and ipvlan: links that live on a parent link and share its segment.
  Result<void> complete_child(Driver driver) {
    // The subnet of a segment is in use: that is why a container wants to be there.
    shares_ = Shares::everything;
    if (network_.interface && !surroundings_.is_link(*network_.interface)) {
      return fail(Errc::not_found, "parent interface {} does not exist", *network_.interface);
    }
    network_.has_dns = false;
    const auto word = to_string(driver);
    if (!ipam_) {
      ipam_ = network_.subnets.empty() ? IpamDriver::dhcp : IpamDriver::host_local;
      network_.ipam_options["driver"] = to_string(*ipam_);
    } else if (ipam_ == IpamDriver::host_local && network_.subnets.empty()) {
      return fail(Errc::invalid_input,
                  "{} driver needs at least one subnet specified when the host-local ipam driver "
                  "is set",
                  word);
    }
    if (ipam_ == IpamDriver::dhcp) {
      // All ipvlan links of a parent have its MAC address, by which a server knows its clients.
      if (driver == Driver::ipvlan) {
        return fail(Errc::invalid_input,
                    "ipam driver dhcp is not supported with ipvlan: give a subnet");
      }
      TRY_VOID(check_no_subnets());
    }
    return check_options(driver, network_.options);
  }

  Result<void> complete_by_plugin() {
    auto answer = TRY(surroundings_.plugin(network_));
    const auto check = [&](std::string_view what, const std::string& asked,
                           const std::string& got) -> Result<void> {
      if (asked == got) return {};
      return fail(Errc::invalid_input,
                  "plugin \"{}\" changed the network's {} from \"{}\" to \"{}\"", network_.driver,
                  what, asked, got.substr(0, 2 * kIdentifierDigits));
    };
    TRY_VOID(check("name", network_.name.str(), answer.name.str()));
    TRY_VOID(check("id", network_.id, answer.id));
    TRY_VOID(check("driver", network_.driver, answer.driver));
    network_ = std::move(answer);
    if (request_.when_used == UsedSubnets::allowed) shares_ = Shares::subnets;
    return {};
  }

  Result<void> complete_subnets() {
    TRY_VOID(check_disjoint(network_.subnets));
    std::optional<ipam::PrefixSet> used;
    if (shares_ == Shares::nothing) used.emplace(request_.used_subnets);
    for (auto& subnet : network_.subnets) {
      if (const auto other = used ? used->find_overlap(subnet.network) : std::nullopt) {
        return fail(Errc::already_exists,
                    "subnet {} is already used on the host or by another config (overlaps {})",
                    subnet.network.to_string(), other->to_string());
      }
      TRY_VOID(complete_gateway(subnet, gateways_of(network_)));
      TRY_VOID(check_lease_range(subnet));
    }
    network_.has_ipv6 = network_.has_ipv6 || has_family(network_, Family::ipv6);
    return {};
  }

  // What the network may have in common with others.
  enum class Shares { nothing, subnets, everything };

  const CreateRequest& request_;
  const CreateSurroundings& surroundings_;
  Network network_;
  std::optional<IpamDriver> ipam_;
  Shares shares_ = Shares::nothing;
};

}  // namespace

Result<Network> plan_create(const CreateRequest& request, const CreateSurroundings& surroundings) {
  return Creation{request, surroundings}.complete();
}

}  // namespace burrow::netstack
