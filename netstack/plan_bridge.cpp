#include "netstack/plan_bridge.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

constexpr uint32_t kDefaultMetric = 100;

// What `recorded` has systemd keep of the link, if that is not what `keep` says.
std::optional<std::vector<Setting>> kept_otherwise(const Steps& recorded,
                                                   const KeepSettings& keep) {
  for (const auto& step : recorded) {
    const auto* before = std::get_if<KeepSettings>(&step);
    if (before != nullptr && before->settings != keep.settings) return before->settings;
  }
  return std::nullopt;
}

}  // namespace

std::string forwarding_key(const LinkName& bridge) {
  return fmt::format("net/ipv4/conf/{}/forwarding", bridge);
}

std::string route_localnet_key(const LinkName& bridge) {
  return fmt::format("net/ipv4/conf/{}/route_localnet", bridge);
}

bool BridgeAttachment::has_family(Family family) const {
  return std::ranges::any_of(request->network.subnets, [&](const Subnet& subnet) {
    return subnet.network.family() == family;
  });
}

Result<BridgeAttachment> decode_bridge_attachment(const AttachmentRequest& request) {
  const auto& network = request.network;
  if (network.driver != "bridge") {
    return fail(Errc::unsupported, "network \"{}\": driver \"{}\" is not supported", network.name,
                network.driver.substr(0, 64));
  }
  if (!network.interface) {
    return fail(Errc::invalid_input, "network \"{}\": network_interface is missing: no bridge name",
                network.name);
  }
  auto options = decode_bridge_options(request);
  if (!options) {
    return with_context(std::move(options).error(), fmt::format("network \"{}\"", network.name));
  }
  auto addressing = TRY(decode_addressing(request));
  BridgeAttachment attachment{.request = &request,
                              .bridge = *network.interface,
                              .options = *std::move(options),
                              .addressing = std::move(addressing)};
  if (attachment.addressing.ipam == Ipam::dhcp && attachment.is_managed()) {
    return fail(Errc::unsupported,
                "network \"{}\": ipam driver \"dhcp\" needs a bridge that leads to a DHCP server: "
                "set the option mode to unmanaged",
                network.name);
  }
  return attachment;
}

firewall::NetworkPolicy policy_of(const BridgeAttachment& attachment, bool serves_dns,
                                  uint16_t dns_port, firewall::Loopback6 loopback6) {
  const auto& network = attachment.request->network;
  firewall::NetworkPolicy policy{
      .name = network.name,
      .bridge = attachment.bridge,
      .isolation = attachment.options.isolation,
      .reach = network.is_internal ? firewall::Reach::internal : firewall::Reach::external,
      .gateway = attachment.options.gateway,
      .outbound4 = attachment.options.outbound4,
      .outbound6 = attachment.options.outbound6,
      .loopback6 = loopback6,
      .limits = attachment.options.limits};
  for (const auto& subnet : network.subnets) policy.subnets.push_back(subnet.network);
  if (serves_dns) {
    for (const auto& gateway : attachment.addressing.gateways)
      policy.dns.push_back({gateway, dns_port});
  }
  return policy;
}

Steps fresh_network_steps(const BridgeAttachment& attachment,
                          std::vector<firewall::Element> elements) {
  const auto& network = attachment.request->network;
  const auto& bridge = attachment.bridge;
  const bool has_ipv6 = attachment.has_family(Family::ipv6);
  Steps steps;
  if (!elements.empty()) steps.emplace_back(ChangeFirewall{.add = std::move(elements)});
  // The address depends on the network alone: neighbours never see a bridge change its own.
  const auto mac = MacAddress::derived_from(fmt::format("bridge {} {}", network.id, bridge));
  const auto& options = attachment.options;
  steps.emplace_back(CreateBridge{{bridge, mac, options.mtu, options.vlan, options.vrf}});
  const auto set = [&](std::string key, std::string value) {
    steps.emplace_back(
        SetSysctl{.place = Place::host, .key = std::move(key), .value = std::move(value)});
  };
  // Also where the host forwards: what new links begin with (conf/default) is a setting of its own.
  if (network.is_internal || attachment.has_family(Family::ipv4)) {
    set(forwarding_key(bridge), network.is_internal ? "0" : "1");
  }
  // Ports published on 127.0.0.1 lead from the loopback network to the bridge.
  if (!network.is_internal) set(route_localnet_key(bridge), "1");
  // Loose: a container on two networks may answer by the other one.
  steps.emplace_back(link_setting(Place::host, "ipv4", bridge, "rp_filter", "2"));
  if (has_ipv6) {
    if (network.is_internal) {
      steps.emplace_back(link_setting(Place::host, "ipv6", bridge, "forwarding", "0"));
    }
    // Without duplicate address detection: until its link-local address is settled, a bridge asks
    // for no neighbours, and nothing reaches the first container for seconds.
    steps.emplace_back(link_setting(Place::host, "ipv6", bridge, "accept_dad", "0"));
    steps.emplace_back(link_setting(Place::host, "ipv6", bridge, "accept_ra", "0"));
  }
  for (const auto& subnet : network.subnets) {
    if (!subnet.gateway || attachment.addressing.gateways.empty()) continue;
    steps.emplace_back(
        AddAddress{Place::host, bridge, {*subnet.gateway, subnet.network.prefix_length()}});
  }
  steps.emplace_back(BringUp{Place::host, bridge});
  if (has_ipv6 && !network.is_internal) steps.emplace_back(AnswerLoopback{bridge});
  return steps;
}

KeepSettings kept_settings(const BridgeAttachment& attachment, const Steps& fresh) {
  KeepSettings keep{.link = attachment.bridge, .settings = {}};
  if (!attachment.request->network.is_internal) {
    keep.settings.push_back({"net/ipv4/ip_forward", "1"});
    if (attachment.has_family(Family::ipv6)) {
      keep.settings.push_back({"net/ipv6/conf/all/forwarding", "1"});
    }
  }
  for (const auto& step : fresh) {
    if (const auto* set = std::get_if<SetSysctl>(&step)) {
      keep.settings.push_back({set->key, set->value});
    }
  }
  return keep;
}

Steps missing_network_steps(const Steps& fresh, const NetworkSnapshot& snapshot) {
  Steps missing;
  for (const auto& step : fresh) {
    const auto* change = std::get_if<ChangeFirewall>(&step);
    if (change != nullptr) {
      const auto& before = snapshot.in_firewall;
      ChangeFirewall difference;
      const auto without = [](const auto& all, const auto& known) {
        std::vector<firewall::Element> rest;
        std::ranges::copy_if(all, std::back_inserter(rest), [&](const firewall::Element& element) {
          return std::ranges::find(known, element) == known.end();
        });
        return rest;
      };
      difference.remove = without(before, change->add);
      difference.add = without(change->add, before);
      if (!difference.add.empty() || !difference.remove.empty()) {
        missing.emplace_back(std::move(difference));
      }
      continue;
    }
    if (!snapshot.bridge) {
      missing.push_back(step);
    } else if (const auto* add = std::get_if<AddAddress>(&step)) {
      const auto& there = snapshot.bridge->addresses;
      if (std::ranges::find(there, add->address) == there.end()) missing.push_back(step);
    } else if (std::holds_alternative<BringUp>(step) && !snapshot.bridge->is_up) {
      missing.push_back(step);
    } else if (const auto* lead = std::get_if<LeadBridgedPackets>(&step)) {
      if (snapshot.bridge->bridged_packets != lead->packets) missing.push_back(step);
    } else if (const auto* set = std::get_if<SetSysctl>(&step)) {
      const auto& there = snapshot.bridge->settings;
      const auto found = std::ranges::find(there, set->key, &Setting::key);
      if (found == there.end() || found->value == set->value) continue;
      missing.emplace_back(SetSysctl{set->place, set->key, set->value, found->value});
    } else if (const auto* keep = std::get_if<KeepSettings>(&step)) {
      // The file of a bridge of our making, which says what the bridge had before.
      if (!snapshot.record) continue;
      if (auto before = kept_otherwise(snapshot.record->steps, *keep)) {
        missing.emplace_back(KeepSettings{keep->link, keep->settings, std::move(before)});
      }
    }
  }
  return missing;
}

Steps attachment_steps(const BridgeAttachment& attachment, const host::NewVeth& veth,
                       const ContainerSnapshot& container, UsedMetrics& used) {
  Steps steps;
  steps.emplace_back(CreateVeth{veth});
  const ContainerSide side{
      .link = attachment.request->interface,
      .mtu = veth.mtu,
      .addressing = attachment.addressing,
      .default_route =
          default_route_of(attachment.request->network, attachment.options.default_route),
      .metric = attachment.options.metric.value_or(kDefaultMetric),
      .advertisements =
          attachment.is_managed() ? RouterAdvertisements::off : RouterAdvertisements::untouched,
      .has_ipv6 = attachment.has_family(Family::ipv6)};
  auto inside = container_steps(side, container, used);
  std::ranges::move(inside, std::back_inserter(steps));
  return steps;
}

LeasedLink lease_of(const BridgeAttachment& attachment, const MacAddress& mac) {
  const auto& options = attachment.options;
  return {.attachment = *attachment.request,
          .mac = mac,
          .default_route = default_route_of(attachment.request->network, options.default_route),
          .metric = options.metric.value_or(kDefaultMetric),
          .mtu = options.mtu};
}

}  // namespace burrow::netstack
