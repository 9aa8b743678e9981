#include <algorithm>
#include <set>

#include "netstack/bridge_fitness.h"
#include "netstack/dns_records.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"
#include "netstack/plan_checks.h"
#include "netstack/plan_firewalld.h"
#include "netstack/plan_lan.h"
#include "netstack/plan_lease.h"
#include "netstack/plan_limits.h"
#include "netstack/plan_reload.h"
#include "netstack/plan_zones.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kSearchDomain = "dns.podman";

bool is_forwarding4(std::string_view key) {
  return key.starts_with("net/ipv4/") && key.ends_with("/forwarding");
}

bool is_firewall(const Step& step) {
  return std::holds_alternative<ChangeFirewall>(step) ||
         std::holds_alternative<ChangeFirewalld>(step) || std::holds_alternative<JoinZone>(step);
}

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
    plan_host(attachments);
    if (!snapshot_.container->is_loopback_up) {
      steps_.emplace_back(StartLoopback{});
    }
    for (const auto& attachment : attachments) TRY_VOID(plan_network(attachment));
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
  [[nodiscard]] bool serves_dns(const BridgeAttachment& attachment) const {
    return attachment.request->network.has_dns && snapshot_.has_dns_daemon;
  }

  void plan_host(const std::vector<BridgeAttachment>& attachments) {
    if (std::ranges::none_of(attachments, &BridgeAttachment::is_managed)) return;
    Steps steps;
    Steps kept_off;
    if (settings_.firewall == FirewallDriver::nftables &&
        snapshot_.table != firewall::TableState::current) {
      steps.emplace_back(ChangeFirewall{.table = table_change_for(snapshot_.table),
                                        .restore = restored(attachments)});
    }
    const auto forward = [&](Family family, const char* key,
                             const std::optional<ForwardingSnapshot>& there) {
      const bool is_needed = std::ranges::any_of(attachments, [&](const BridgeAttachment& one) {
        return one.is_managed() && !one.request->network.is_internal && one.has_family(family);
      });
      if (is_needed && there && !there->is_on) {
        steps.emplace_back(SetSysctl{Place::host, key, "1", "0", there->along});
        // The switch is that of all links: bridges of internal networks go back to where they were.
        auto stay_off = there->stay_off;
        if (family == Family::ipv4) add_adopted_internal(attachments, stay_off);
        for (const auto& setting : stay_off) {
          kept_off.emplace_back(SetSysctl{Place::host, setting, "0", "1"});
        }
      }
    };
    forward(Family::ipv4, "net/ipv4/ip_forward", snapshot_.forwarding4);
    forward(Family::ipv6, "net/ipv6/conf/all/forwarding", snapshot_.forwarding6);
    HostRecord after{snapshot_.host ? snapshot_.host->steps : Steps{}};
    const auto remember = [&](const Step& step) {
      if (std::ranges::find(after.steps, step) == after.steps.end()) after.steps.push_back(step);
    };
    // Whoever uses the table has it on record, also where another run directory made it: the last
    // to leave removes it.
    if (settings_.firewall == FirewallDriver::nftables) {
      remember(ChangeFirewall{.table = TableChange::create});
    }
    for (const auto& step : steps) {
      if (!is_firewall(step)) remember(step);
    }
    const bool is_unchanged =
        snapshot_.host ? snapshot_.host->steps == after.steps : after.steps.empty();
    if (!is_unchanged) {
      record(host_record_path(),
             snapshot_.host ? std::optional{encode(*snapshot_.host)} : std::nullopt, encode(after));
    }
    append(std::move(steps));
    append(std::move(kept_off));
  }

  // Bridges of internal networks that stand already, but are on no record yet.
  void add_adopted_internal(const std::vector<BridgeAttachment>& attachments,
                            std::vector<std::string>& stay_off) const {
    for (const auto& one : attachments) {
      const auto& network = one.request->network;
      if (!one.is_managed() || !network.is_internal) continue;
      if (!snapshot_.networks.at(network.name).bridge) continue;
      auto key = forwarding_key(one.bridge);
      if (std::ranges::find(stay_off, key) == stay_off.end()) stay_off.push_back(std::move(key));
    }
  }

  // What a lost table gets back: all recorded elements but those of the networks that this request
  // plans anyway.
  [[nodiscard]] std::vector<firewall::Element> restored(
      const std::vector<BridgeAttachment>& attachments) const {
    std::set<firewall::Element> planned;
    for (const auto& attachment : attachments) {
      const auto& network = snapshot_.networks.at(attachment.request->network.name);
      if (!network.record) continue;
      for (const auto& element : elements_of(network.record->steps)) planned.insert(element);
    }
    std::vector<firewall::Element> result;
    for (const auto& element : snapshot_.recorded_elements) {
      if (!planned.contains(element)) result.push_back(element);
    }
    return result;
  }

  Result<void> plan_network(const BridgeAttachment& attachment) {
    const auto& network = attachment.request->network;
    const auto& there = snapshot_.networks.at(network.name);
    if (!attachment.is_managed()) {
      plan_vlan_filtering(attachment, there);
      return {};
    }
    // Not an error: an address may move between hosts, and come here later.
    for (const auto& address : there.absent_outbound) {
      result_.warnings.push_back(
          fmt::format("network \"{}\": the outbound address {} is none of the host's: answers to "
                      "containers do not come back until it is",
                      network.name, address.to_string()));
    }
    TRY_VOID(check_one_driver(network.name, there));
    std::vector<firewall::Element> elements;
    if (settings_.firewall == FirewallDriver::nftables) {
      elements = firewall::compile(
          policy_of(attachment, serves_dns(attachment), settings_.dns_port, loopback6_of(there)));
    }
    auto fresh = fresh_network_steps(attachment, std::move(elements));
    if (snapshot_.has_systemd) fresh.insert(fresh.begin(), kept_settings(attachment, fresh));
    auto missing = missing_network_steps(fresh, there);
    if (settings_.firewall == FirewallDriver::nftables) join_zone(attachment, fresh, missing);
    if (snapshot_.firewalld_driver) TRY_VOID(join_firewalld(attachment, fresh, missing));
    if (missing.empty() && there.record) return {};
    const bool is_ours = !there.bridge || (there.record && there.record->owns_bridge());
    NetworkRecord after{.network = network.name,
                        .bridge = attachment.bridge,
                        .limits = there.record ? there.record->limits : Strings{}};
    if (is_ours) {
      // With another firewall driver than before, what the record has of the firewall stays on it.
      if (settings_.firewall == FirewallDriver::none && there.record) {
        std::ranges::copy_if(there.record->steps, std::back_inserter(after.steps), is_firewall);
      }
      std::ranges::move(fresh, std::back_inserter(after.steps));
    } else {
      after.steps = adopted_steps(fresh, missing, there);
    }
    record(network_record_path(network.name),
           there.record ? std::optional{encode(*there.record)} : std::nullopt, encode(after));
    append(std::move(missing));
    return {};
  }

  // The zone of firewalld stands on the record in any case: firewalld may be started later.
  void join_zone(const BridgeAttachment& attachment, Steps& fresh, Steps& missing) {
    const auto& network = attachment.request->network;
    const auto& there = snapshot_.networks.at(network.name);
    fresh.emplace_back(zone_on_record(attachment.bridge, there, snapshot_.firewalld));
    if (has_to_join(there, snapshot_.firewalld)) missing.push_back(fresh.back());
    if (auto warning = zone_warning(network.name, attachment.bridge, there, snapshot_.firewalld)) {
      result_.warnings.push_back(*std::move(warning));
    }
  }

  // What one driver has set up the other knows nothing of.
  Result<void> check_one_driver(const NetworkName& network, const NetworkSnapshot& there) const {
    if (!there.record || settings_.firewall == FirewallDriver::none) return {};
    const auto& steps = there.record->steps;
    const bool is_nftables = settings_.firewall == FirewallDriver::nftables;
    const auto other = is_nftables ? firewalld_elements_of(steps) : elements_of(steps);
    if (other.empty()) return {};
    return fail(Errc::invalid_input,
                "network \"{}\" is kept by the firewall driver \"{}\" as long as containers are on "
                "it: it cannot have \"{}\" until they have been stopped",
                network, is_nftables ? "firewalld" : "nftables",
                is_nftables ? "nftables" : "firewalld");
  }

  Result<void> join_firewalld(const BridgeAttachment& attachment, Steps& fresh, Steps& missing) {
    const auto& network = attachment.request->network;
    const auto& there = snapshot_.networks.at(network.name);
    auto elements =
        firewall::compile(policy_of(attachment, serves_dns(attachment), settings_.dns_port));
    auto change = TRY(firewalld_network_change(network.name, elements, there.record,
                                               *snapshot_.firewalld_driver));
    fresh.emplace_back(ChangeFirewalld{.add = std::move(elements)});
    if (change) missing.emplace_back(*std::move(change));
    return {};
  }

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

  // ::1 can be reached through bridges of our making, which take its answers in, unless bridged
  // packets meet the firewall.
  [[nodiscard]] firewall::Loopback6 loopback6_of(const NetworkSnapshot& there) const {
    const bool takes_answers =
        !there.bridge ||
        (there.record && std::ranges::any_of(there.record->steps, [](const Step& step) {
           return std::holds_alternative<AnswerLoopback>(step);
         }));
    return takes_answers && !snapshot_.filters_bridged_ipv6 ? firewall::Loopback6::reachable
                                                            : firewall::Loopback6::refused;
  }

  // For a bridge that somebody else made: our elements, and what we had to add before and now.
  static Steps adopted_steps(const Steps& fresh, const Steps& missing,
                             const NetworkSnapshot& there) {
    Steps steps;
    for (const auto& step : fresh) {
      if (is_firewall(step)) steps.push_back(step);
    }
    const auto add = [&](const Steps& more) {
      for (const auto& step : more) {
        if (is_firewall(step)) continue;
        if (std::ranges::find(steps, step) == steps.end()) steps.push_back(step);
      }
    };
    if (there.record) add(there.record->steps);
    add(missing);
    // That an internal network's bridge does not forward is its own, also where it did not before:
    // it stays so when the host begins to.
    for (const auto& step : fresh) {
      const auto* set = std::get_if<SetSysctl>(&step);
      if (set == nullptr || set->value != "0" || !is_forwarding4(set->key)) continue;
      const auto has_key = [&](const Step& known) {
        const auto* other = std::get_if<SetSysctl>(&known);
        return other != nullptr && other->key == set->key;
      };
      if (std::ranges::none_of(steps, has_key)) {
        steps.emplace_back(SetSysctl{set->place, set->key, set->value, set->value});
      }
    }
    return steps;
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
    if (!serves_dns(attachment)) return;
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
    // They were read before: what cannot be meant was refused.
    auto lines = network_dns_lines(network).value_or(std::vector<std::string>{});
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
    status.dns_servers =
        serves_dns(attachment) ? listens_on(attachment, snapshot_) : request_.dns_servers;
    return status;
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
