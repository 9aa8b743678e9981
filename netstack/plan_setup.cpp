#include <algorithm>
#include <set>

#include "netstack/bridge_fitness.h"
#include "netstack/dns_records.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"
#include "netstack/plan_checks.h"
#include "netstack/plan_firewalld.h"
#include "netstack/plan_host.h"
#include "netstack/plan_lan.h"
#include "netstack/plan_lease.h"
#include "netstack/plan_limits.h"
#include "netstack/plan_network.h"
#include "netstack/plan_reload.h"
#include "netstack/plan_zones.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kSearchDomain = "dns.podman";

// The growing plan of one set-up.
class Planner {
 public:
  Planner(const SetupRequest& request, const Snapshot& snapshot, const Settings& settings)
      : request_(request), snapshot_(snapshot), settings_(settings) {
    for (const auto& record : snapshot.attachments) {
      next_order_ = std::max(next_order_, record.order + 1);
      carried4_ |= record.carries(Family::ipv4);
      carried6_ |= record.carries(Family::ipv6);
    }
    if (snapshot.container) {
      metrics_ = {snapshot.container->default_metrics4, snapshot.container->default_metrics6};
    }
  }

  Result<SetupPlan> plan() {
    if (!snapshot_.container) return fail(Errc::not_found, "the container has no namespace");
    std::vector<BridgeAttachment> attachments;
    std::vector<LanAttachment> lans;
    for (const auto& asked : request_.attachments) {
      if (is_lan_driver(asked.network.driver)) {
        lans.push_back(TRY(decode_lan_attachment(asked)));
      } else if (is_builtin_driver(asked.network.driver)) {
        attachments.push_back(TRY(decode_bridge_attachment(asked)));
        TRY_VOID(check_limits(attachments.back(), settings_.firewall));
        TRY_VOID(keep_changed_lists(snapshot_.networks.at(asked.network.name).record,
                                    attachments.back()));
        TRY_VOID(check_listed_names(attachments.back(), snapshot_));
      } else {
        TRY(program_of(asked.network));
      }
    }
    for (const auto& attachment : attachments) {
      TRY_VOID(check_bridge(attachment, snapshot_.networks.at(attachment.request->network.name),
                            snapshot_));
    }
    TRY_VOID(check_request(request_, attachments, snapshot_));
    if (snapshot_.firewalld_driver) TRY_VOID(check_firewalld_driver(*snapshot_.firewalld_driver));
    take(plan_host(attachments, snapshot_, settings_));
    if (!snapshot_.container->is_loopback_up) {
      steps_.emplace_back(StartLoopback{});
    }
    for (const auto& attachment : attachments) {
      if (attachment.is_managed()) {
        take(TRY(plan_network(attachment, snapshot_, settings_)));
      } else {
        plan_vlan_filtering(attachment, snapshot_.networks.at(attachment.request->network.name));
      }
    }
    auto bridge = attachments.begin();
    auto lan = lans.begin();
    for (const auto& asked : request_.attachments) {
      if (is_lan_driver(asked.network.driver)) {
        TRY_VOID(plan_lan_attachment(*lan++));
      } else if (is_builtin_driver(asked.network.driver)) {
        TRY_VOID(plan_attachment(*bridge++));
      } else {
        TRY_VOID(plan_plugin(asked));
      }
    }
    // A plugin may make something of them.
    const bool has_plugin = std::ranges::any_of(request_.attachments, [](const auto& asked) {
      return !is_builtin_driver(asked.network.driver);
    });
    if (!request_.ports.empty() && !request_.attachments.empty() && !has_plugin &&
        std::ranges::none_of(attachments, &BridgeAttachment::is_managed)) {
      result_.warnings.push_back(
          "published ports have no effect: the container is on no bridge that is managed");
    }
    if (has_udp_) steps_.emplace_back(ForgetFlows{request_.ports, targets_});
    result_.plan.errands = take_errands(steps_);
    result_.plan.steps = merge(std::move(steps_));
    return std::move(result_);
  }

 private:
  // All that is changed for an unmanaged network: the bridge keeps VLANs apart while one is asked
  // for. Every network that relies on it has it on record, not only the one that began.
  void plan_vlan_filtering(const BridgeAttachment& attachment, const NetworkSnapshot& there) {
    const bool is_ours = !there.filtering_for.empty() || filtering_.contains(attachment.bridge);
    const bool is_on = there.bridge->default_vlan.has_value();
    if (!attachment.options.vlan || (is_on && !is_ours)) return;
    if (there.record && there.record->filters_vlans()) return;
    const auto& name = attachment.request->network.name;
    const SetVlanFiltering step{attachment.bridge};
    NetworkRecord after{name, attachment.bridge, there.record ? there.record->steps : Steps{}};
    if (there.record) after.limits = there.record->limits;
    after.steps.emplace_back(step);
    record(network_record_path(name),
           there.record ? std::optional{encode(*there.record)} : std::nullopt, encode(after));
    if (!is_on && filtering_.insert(attachment.bridge).second) steps_.emplace_back(step);
  }

  // The program of a network whose driver is none of ours.
  [[nodiscard]] Result<std::string> program_of(const Network& network) const {
    if (auto name = PluginName::parse(network.driver); !name) {
      return with_context(std::move(name).error(), fmt::format("network \"{}\"", network.name));
    }
    const auto program = settings_.plugins.find(network.driver);
    if (program == settings_.plugins.end()) {
      return fail(
          Errc::unsupported,
          "network \"{}\": unknown network driver \"{}\": it is none of ours, and no plugin "
          "of that name was found",
          network.name, network.driver);
    }
    return program->second;
  }

  Result<void> check_interface_is_free(const AttachmentRequest& asked) const {
    if (!snapshot_.container->taken_links.contains(asked.interface)) return {};
    return fail(Errc::already_exists,
                "interface \"{}\" for network \"{}\" already exists in the container",
                asked.interface, asked.network.name);
  }

  // The next record of the container, without steps.
  AttachmentRecord fresh_record(const AttachmentRequest& asked) {
    return {.container = request_.container,
            .container_name = request_.container_name,
            .network = asked.network.name,
            .interface = asked.interface,
            .netns = settings_.netns,
            .order = next_order_++};
  }

  Result<void> plan_lan_attachment(const LanAttachment& attachment) {
    const auto& asked = *attachment.request;
    const auto& there = snapshot_.networks.at(asked.network.name);
    TRY_VOID(check_interface_is_free(asked));
    const auto link = TRY(lan_link_of(attachment, request_.container, there));
    if (!there.parent->is_up) {
      result_.warnings.push_back(
          fmt::format("network \"{}\": parent \"{}\" is down", asked.network.name, link.parent));
    }
    auto after = fresh_record(asked);
    const auto mac = mac_of(link, *there.parent);
    after.steps = lan_attachment_steps(attachment, link, *snapshot_.container, metrics_);
    if (attachment.addressing.ipam == Ipam::dhcp) {
      TRY_VOID(lease(lease_of(attachment, mac), after.steps));
    }
    append(after.steps);
    record(attachment_record_path(request_.container, asked.network.name), std::nullopt,
           encode(after));
    result_.statuses.push_back({.network = asked.network.name,
                                .interface = asked.interface,
                                .mac = mac,
                                .addresses = attachment.addressing.addresses,
                                .dns_servers = request_.dns_servers});
    return {};
  }

  Result<void> lease(const LeasedLink& link, Steps& steps) {
    steps.emplace_back(TRY(lease_step(link, request_, settings_.netns, metrics_)));
    std::ranges::move(lease_warnings(request_, link.attachment),
                      std::back_inserter(result_.warnings));
    return {};
  }

  // A plugin's attachment is one step, whatever it does.
  Result<void> plan_plugin(const AttachmentRequest& asked) {
    TRY_VOID(check_interface_is_free(asked));
    const auto& name = asked.network.name;
    auto after = fresh_record(asked);
    after.steps.emplace_back(SetUpPlugin{.call = {.program = TRY(program_of(asked.network)),
                                                  .network = name,
                                                  .netns = settings_.netns,
                                                  .input = plugin_input(request_, asked)}});
    append(after.steps);
    record(attachment_record_path(request_.container, name), std::nullopt, encode(after));
    return {};
  }

  Result<void> plan_attachment(const BridgeAttachment& attachment) {
    const auto& asked = *attachment.request;
    const auto& name = asked.network.name;
    const auto& container = *snapshot_.container;
    TRY_VOID(check_interface_is_free(asked));
    const auto veth = TRY(veth_of(attachment));
    auto after = fresh_record(asked);
    if (attachment.is_managed()) after.ports = request_.ports;
    after.publishing = attachment.options.publishing.value_or(settings_.publishing);
    if (attachment.is_managed() && !asked.network.is_internal) {
      after.address4 = attachment.addressing.first_address(Family::ipv4);
      after.address6 = attachment.addressing.first_address(Family::ipv6);
    }
    TRY_VOID(publish(after));
    auto limits = limit_elements(request_.container, request_.container_name, attachment);
    if (!limits.empty()) after.steps.emplace_back(ChangeFirewall{.add = std::move(limits)});
    for (auto& step : attachment_steps(attachment, veth, container, metrics_)) {
      after.steps.push_back(std::move(step));
    }
    if (attachment.addressing.ipam == Ipam::dhcp) {
      TRY_VOID(lease(lease_of(attachment, veth.peer_mac), after.steps));
    }
    // A bridge sends frames back out of a port only in hairpin mode; where bridged packets meet the
    // firewall (br_netfilter), a container that calls its own published port needs that.
    if (!after.ports.empty()) after.steps.emplace_back(EnableHairpin{veth.name});
    add_dns_entry(attachment, after.steps);
    append(after.steps);
    for (auto& step : after.steps) {
      // A failed set-up puts an old header back; a teardown, long after, must not.
      if (auto* add = std::get_if<AddDnsEntry>(&step)) add->header_before.reset();
    }
    record(attachment_record_path(request_.container, name), std::nullopt, encode(after));
    result_.statuses.push_back(status_of(attachment, veth.peer_mac));
    return {};
  }

  Result<host::NewVeth> veth_of(const BridgeAttachment& attachment) const {
    const auto& asked = *attachment.request;
    const auto& there = snapshot_.networks.at(asked.network.name);
    if (there.taken_host_link) {
      return fail(Errc::already_exists, "host interface \"{}\" for network \"{}\" already exists",
                  *there.taken_host_link, asked.network.name);
    }
    if (!there.free_host_link) {
      return fail(Errc::already_exists, "no free name for the host's link on network \"{}\"",
                  asked.network.name);
    }
    const auto seed = attachment.addressing.mac_seed(request_.container, asked.interface);
    auto mtu = attachment.options.mtu;
    if (!mtu && there.bridge) mtu = there.bridge->mtu;
    if (!mtu) mtu = there.vrf ? there.vrf->default_route_mtu : snapshot_.default_route_mtu;
    // The ports of a bridge of our making are in its VLAN from the start.
    const auto& vlan = attachment.options.vlan;
    const bool has_vlan = !there.bridge || there.bridge->default_vlan == vlan;
    return host::NewVeth{
        .name = *there.free_host_link,
        .mac = MacAddress::derived_from(fmt::format("host {} {}", request_.container, seed)),
        .bridge = attachment.bridge,
        .peer_name = asked.interface,
        .peer_mac = asked.mac.value_or(
            MacAddress::derived_from(fmt::format("{} {}", asked.network.id, seed))),
        .mtu = mtu,
        .vlan = has_vlan ? std::nullopt : vlan};
  }

  // The first attachment of each family carries the container's ports; the others stand by.
  Result<void> publish(AttachmentRecord& record) {
    if (settings_.firewall == FirewallDriver::none || record.ports.empty()) return {};
    auto publication = record.publication();
    if (carried4_) publication.address4.reset();
    if (carried6_) publication.address6.reset();
    carried4_ |= publication.address4.has_value();
    carried6_ |= publication.address6.has_value();
    for (const auto& address : {publication.address4, publication.address6}) {
      if (address) targets_.push_back(*address);
    }
    auto elements = TRY(firewall::compile(publication));
    if (settings_.firewall == FirewallDriver::firewalld) {
      return publish_by_firewalld(record, publication, std::move(elements));
    }
    std::ranges::move(waiting_ports(record.ports, publication.address4, publication.address6,
                                    snapshot_.firewalld),
                      std::back_inserter(result_.warnings));
    note_udp(elements);
    if (!elements.empty()) record.steps.emplace_back(ChangeFirewall{.add = std::move(elements)});
    return {};
  }

  void note_udp(const std::vector<firewall::Element>& elements) {
    has_udp_ |= !elements.empty() &&
                std::ranges::find(request_.ports, Protocol::udp, &PortMapping::protocol) !=
                    request_.ports.end();
  }

  // Where only the administrator opens ports, what the driver led on would be open as well: it
  // leads nothing, and says so.
  Result<void> publish_by_firewalld(AttachmentRecord& record,
                                    const firewall::Publication& publication,
                                    std::vector<firewall::Element> elements) {
    if (!snapshot_.firewalld_driver) return {};
    const auto& driver = *snapshot_.firewalld_driver;
    if (driver.forward_ports == firewall::ForwardPorts::own_only) {
      const FirewalldSnapshot firewalld{
          .zone = {}, .forward_ports = driver.forward_ports, .forwarded = driver.forwarded};
      std::ranges::move(
          waiting_ports(record.ports, publication.address4, publication.address6, firewalld),
          std::back_inserter(result_.warnings));
      return {};
    }
    TRY_VOID(check_firewalld_ports(elements, driver));
    note_udp(elements);
    if (elements.empty()) return {};
    record.steps.emplace_back(ChangeFirewalld{.add = std::move(elements)});
    return {};
  }

  void add_dns_entry(const BridgeAttachment& attachment, Steps& steps) const {
    if (!serves_dns(attachment, snapshot_)) return;
    const auto& network = attachment.request->network;
    DnsEntry entry{.container = request_.container, .servers = request_.dns_servers};
    const auto add = [&](const std::string& name) {
      if (is_dns_name(name) && std::ranges::find(entry.names, name) == entry.names.end()) {
        entry.names.push_back(name);
      }
    };
    add(request_.container_name);
    for (const auto& alias : attachment.request->aliases) add(alias);
    for (const auto& address : attachment.addressing.addresses) {
      entry.addresses.push_back(address.address.address);
    }
    entry.lines = service_dns_lines(request_.container, entry.names, request_.ports);
    std::ranges::move(name_lines(request_.container, request_.container_name, attachment),
                      std::back_inserter(entry.lines));
    // They were read before: what cannot be meant was refused.
    auto lines = network_dns_lines(network).value_or(std::vector<std::string>{});
    std::ranges::move(network_name_lines(attachment), std::back_inserter(lines));
    steps.emplace_back(
        AddDnsEntry{.file = dns_file_of(network),
                    .container = request_.container,
                    .header = encode(DnsHeader{listens_on(attachment, snapshot_),
                                               network.dns_servers, std::move(lines)}),
                    .entry = encode(entry),
                    .header_before = snapshot_.networks.at(network.name).dns_header});
    steps.emplace_back(ServeDns{});
  }

  [[nodiscard]] Status status_of(const BridgeAttachment& attachment, const MacAddress& mac) const {
    const auto& asked = *attachment.request;
    Status status{.network = asked.network.name,
                  .interface = asked.interface,
                  .mac = mac,
                  .addresses = attachment.addressing.addresses};
    if (asked.network.has_dns) status.search_domains.emplace_back(kSearchDomain);
    status.dns_servers = serves_dns(attachment, snapshot_) ? listens_on(attachment, snapshot_)
                                                           : request_.dns_servers;
    return status;
  }

  void take(PlanPart part) {
    append(std::move(part.steps));
    std::ranges::move(part.changes, std::back_inserter(result_.plan.changes));
    std::ranges::move(part.warnings, std::back_inserter(result_.warnings));
  }

  void append(Steps steps) {
    steps_.insert(steps_.end(), std::make_move_iterator(steps.begin()),
                  std::make_move_iterator(steps.end()));
  }

  void record(std::string path, std::optional<std::string> before, std::string after) {
    result_.plan.changes.push_back({std::move(path), std::move(before), std::move(after)});
  }

  const SetupRequest& request_;
  const Snapshot& snapshot_;
  const Settings& settings_;
  Steps steps_;
  SetupPlan result_;
  UsedMetrics metrics_;
  std::vector<IpAddress> targets_;
  std::set<LinkName> filtering_;  // bridges whose VLAN filtering this plan switches on
  uint32_t next_order_ = 0;
  bool carried4_ = false;
  bool carried6_ = false;
  bool has_udp_ = false;
};

}  // namespace

Result<SetupPlan> plan_setup(const SetupRequest& request, const Snapshot& snapshot,
                             const Settings& settings) {
  return Planner{request, snapshot, settings}.plan();
}

std::string dns_file_of(const Network& network) {
  return network.name.str() + (network.is_internal ? "%int" : "");
}

std::vector<LinkName> host_link_names(const ContainerId& container, const NetworkName& network) {
  std::vector<LinkName> names;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const auto hash = fnv1a(fmt::format("{} {} {}", container, network, attempt));
    names.push_back(*LinkName::parse(fmt::format("veth{:010x}", hash & 0xffffffffffU)));
  }
  return names;
}

}  // namespace burrow::netstack
