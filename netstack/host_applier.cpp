#include "netstack/host_applier.h"

#include <algorithm>
#include <cerrno>

#include "core/log.h"
#include "firewall/conntrack.h"
#include "host/sysctl.h"
#include "netstack/dns_lists.h"
#include "netstack/firewalld_driver.h"
#include "netstack/neighbours.h"
#include "netstack/zones.h"

namespace burrow::netstack {
namespace {

// What is gone already needs no removal.
Result<void> tolerate_absence(Result<void> result) {
  if (!result && result.error().code == Errc::not_found) return {};
  return result;
}

Result<void> set_sysctl(const SetSysctl& step) {
  // Taking a setting back changes only what still is as we left it: `before` is our value then.
  if (step.before) {
    const auto current = host::read_sysctl(step.key);
    if (!current || *current != *step.before) return {};
  }
  TRY_VOID(host::write_sysctl(step.key, step.value));
  if (!step.taking_back) return {};
  for (const auto& setting : step.along) {
    TRY_VOID(tolerate_absence(host::write_sysctl(setting.key, setting.value)));
  }
  return {};
}

LinkName loopback_name() { return *LinkName::parse("lo"); }

Failure no_link(const LinkName& name) {
  return fail(Errc::not_found, "link \"{}\" does not exist", name);
}

}  // namespace

host::RouteSocket* HostApplier::route_at(Place place) {
  if (place == Place::host) return &handles_.route;
  return handles_.container ? &handles_.container->route : nullptr;
}

Result<void> HostApplier::apply(const Step& step) {
  return std::visit([this](const auto& known) { return act(known); }, step);
}

Applied HostApplier::apply_first(std::span<const Step> steps) {
  const auto* first = std::get_if<SetSysctl>(&steps.front());
  const auto is_visit = [first](const Step& step) {
    const auto* set = std::get_if<SetSysctl>(&step);
    return set != nullptr && first != nullptr && set->place == first->place;
  };
  const auto end = std::ranges::find_if_not(steps, is_visit);
  const auto visit = steps.first(static_cast<size_t>(end - steps.begin()));
  if (visit.size() < 2) return Applier::apply_first(steps);
  const auto write = [&visit] {
    Applied applied;
    host::Sysctls settings;
    for (const auto& step : visit) {
      const auto& set = std::get<SetSysctl>(step);
      // Settings of links, which go with them, have no value before that would have to be looked
      // at.
      applied.outcome = set.before ? set_sysctl(set) : settings.write(set.key, set.value);
      if (!applied.outcome) break;
      ++applied.count;
    }
    return applied;
  };
  if (first->place == Place::host) return write();
  if (!handles_.container) return Applier::apply_first(steps);
  return handles_.container->thread.run(write);
}

Result<void> HostApplier::act(const CreateBridge& step) {
  return handles_.route.create_bridge(step.bridge);
}

Result<void> HostApplier::act(const SetVlanFiltering& step) {
  auto set = handles_.route.set_vlan_filtering(step.bridge, step.filtering);
  return step.filtering == host::VlanFiltering::off ? tolerate_absence(std::move(set)) : set;
}

Result<void> HostApplier::act(const LeadBridgedPackets& step) {
  auto led = handles_.route.set_bridged_packets(step.bridge, step.packets);
  return step.packets == host::BridgedPackets::past_firewall ? tolerate_absence(std::move(led))
                                                             : led;
}

Result<void> HostApplier::act(const KeepSettings& step) {
  // A container works without the file, as long as nobody sets its bridge's settings anew.
  if (auto written = write_sysctl_file(step); !written) {
    log::warn("netstack", "{}", written.error().message);
  }
  return {};
}

Result<void> HostApplier::act(const JoinZone& step) {
  join_zone(step, handles_.firewalld);
  return {};
}

Result<void> HostApplier::act(const LeaveZone& step) {
  leave_zone(step, handles_.firewalld);
  return {};
}

Result<void> HostApplier::act(const PlaceAccepts& step) {
  open_neighbours(step);
  return {};
}

Result<void> HostApplier::act(const RemoveAccepts& step) { return close_neighbours(step); }

Result<void> HostApplier::act(const CreateVeth& step) {
  if (!handles_.container) return fail(Errc::not_found, "the container's namespace is gone");
  return handles_.route.create_veth(step.veth, handles_.container->netns);
}

Result<void> HostApplier::act(const CreateLanLink& step) {
  if (!handles_.container) return fail(Errc::not_found, "the container's namespace is gone");
  return handles_.route.create_lan_link(step.link, handles_.container->netns);
}

Result<void> HostApplier::act(const DeleteLinkGroups& step) {
  auto* route = route_at(Place::container);
  if (route == nullptr) return {};
  for (const auto group : step.groups) {
    TRY_VOID(tolerate_absence(route->delete_link_group(group)));
  }
  return {};
}

Result<void> HostApplier::act(const EnableHairpin& step) {
  const auto link = TRY(handles_.route.find_link(step.link));
  if (!link) return no_link(step.link);
  return handles_.route.enable_hairpin(link->index);
}

Result<void> HostApplier::act(const BringUp& step) {
  auto* route = route_at(step.place);
  return route == nullptr ? Result<void>{} : route->set_up(step.link);
}

Result<void> HostApplier::act(const TakeDown& step) {
  auto* route = route_at(step.place);
  return route == nullptr ? Result<void>{} : tolerate_absence(route->set_down(step.link));
}

Result<void> HostApplier::act(const StartLoopback& /*step*/) {
  return act(BringUp{Place::container, loopback_name()});
}

Result<void> HostApplier::act(const StopLoopback& /*step*/) {
  // The kernel gave the address when the link came up; it stays when the link goes down.
  TRY_VOID(
      act(RemoveAddress{Place::container, loopback_name(), *IpInterface::parse("127.0.0.1/8")}));
  return act(TakeDown{Place::container, loopback_name()});
}

Result<void> HostApplier::act(const AnswerLoopback& step) {
  const auto bridge = TRY(handles_.route.find_link(step.bridge));
  if (!bridge) return no_link(step.bridge);
  return handles_.route.add_loopback_route(bridge->index);
}

Result<void> HostApplier::act(const DeleteLinks& step) {
  std::vector<uint32_t> indexes;
  for (const auto& owned : step.links) {
    const auto link = TRY(handles_.route.find_link(owned.name));
    if (link && link->mac == owned.mac) indexes.push_back(link->index);
  }
  // A link may vanish by itself meanwhile, with the namespace of its peer.
  return tolerate_absence(handles_.route.delete_links(indexes));
}

Result<void> HostApplier::act(const DeleteContainerLink& step) {
  auto* route = route_at(Place::container);
  return route == nullptr ? Result<void>{} : tolerate_absence(route->delete_link(step.link));
}

Result<void> HostApplier::act(const AddAddress& step) {
  auto* route = route_at(step.place);
  if (route == nullptr) return {};
  const auto link = TRY(route->find_link(step.link));
  if (!link) return no_link(step.link);
  return route->add_address(link->index, step.address);
}

Result<void> HostApplier::act(const RemoveAddress& step) {
  auto* route = route_at(step.place);
  if (route == nullptr) return {};
  const auto link = TRY(route->find_link(step.link));
  if (!link) return {};
  auto removed = route->delete_address(link->index, step.address);
  const bool is_gone = !removed && removed.error().os_error == EADDRNOTAVAIL;
  return is_gone ? Result<void>{} : removed;
}

Result<void> HostApplier::act(const AddRoute& step) {
  auto* route = route_at(Place::container);
  return route == nullptr ? Result<void>{} : route->add_route(step.route);
}

Result<void> HostApplier::act(const RemoveRoute& step) {
  auto* route = route_at(Place::container);
  return route == nullptr ? Result<void>{} : tolerate_absence(route->delete_route(step.route));
}

Result<void> HostApplier::act(const SetSysctl& step) {
  if (step.place == Place::host) return set_sysctl(step);
  if (!handles_.container) return {};
  return handles_.container->thread.run([&] { return set_sysctl(step); });
}

Result<void> HostApplier::act(const ChangeFirewall& step) {
  if (!handles_.nftables) {
    return fail(Errc::unsupported, "the kernel has no nftables, by which this was set up");
  }
  using Table = firewall::Change::Table;
  firewall::Change change{.remove = step.remove, .add = step.restore};
  change.add.insert(change.add.end(), step.add.begin(), step.add.end());
  switch (step.table) {
    case TableChange::keep:
      change.table = Table::keep;
      break;
    case TableChange::create:
      change.table = Table::create;
      break;
    case TableChange::mend:
      change.table = Table::mend;
      break;
    case TableChange::replace:
      change.table = Table::replace;
      break;
    case TableChange::remove:
      change.table = Table::remove_if_last;
      break;
  }
  TRY_VOID(handles_.nftables->apply(change));
  // What answers opened is on no record of ours.
  const bool is_renewed = change.table == Table::create || change.table == Table::mend ||
                          change.table == Table::replace;
  if (is_renewed) renew_names(dns_.directory);
  return {};
}

Result<void> HostApplier::act(const ChangeFirewalld& step) {
  return change_firewalld(step, handles_.firewalld);
}

void HostApplier::note_lists(std::string_view header, std::string_view entry) {
  if (has_name_list(header) || has_name_list(entry)) names_in_lists_ = NamesInLists::some;
}

Result<void> HostApplier::act(const AddDnsEntry& step) {
  note_lists(step.header, step.entry);
  return dns_.add(step);
}

Result<void> HostApplier::act(const ReplaceDnsEntry& step) {
  note_lists(step.header, step.entry);
  return dns_.replace(step);
}

Result<void> HostApplier::act(const ServeDns& /*step*/) { return dns_.serve(names_in_lists_); }

Result<void> HostApplier::act(const ForgetFlows& step) {
  TRY(firewall::forget_udp(step.ports, step.targets));
  return {};
}

Result<void> HostApplier::act(const SetUpPlugin& step) {
  plugin_answers_[step.call.network] = TRY(plugin_setup(step.call, plugins_));
  return {};
}

Result<void> HostApplier::act(const TearDownPlugin& step) {
  return plugin_teardown(step.call, plugins_);
}

Result<void> HostApplier::act(const ReleaseLease& step) {
  leases_.release(step);
  return {};
}

}  // namespace burrow::netstack
