#include "netstack/plan_repair.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "netstack/plan_neighbours.h"
#include "netstack/plan_reload.h"

namespace burrow::netstack {
namespace {

template <typename Kind>
const Kind* find_step(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* found = std::get_if<Kind>(&step)) return found;
  }
  return nullptr;
}

bool has(const std::vector<IpInterface>& addresses, const IpInterface& address) {
  return std::ranges::find(addresses, address) != addresses.end();
}

// What makes links and what is on them: not the firewall and not names, which are compared by
// themselves.
bool makes_links(const Step& step) {
  return !std::holds_alternative<ChangeFirewall>(step) &&
         !std::holds_alternative<ChangeFirewalld>(step) &&
         !std::holds_alternative<PlaceAccepts>(step) &&
         !std::holds_alternative<ForgetFlows>(step) && !std::holds_alternative<AddDnsEntry>(step) &&
         !std::holds_alternative<ServeDns>(step);
}

Steps link_steps(const Steps& steps) {
  Steps result;
  std::ranges::copy_if(steps, std::back_inserter(result), makes_links);
  return result;
}

class Comparison {
 public:
  explicit Comparison(const RepairView& view) : view_(view) {}

  RepairPlan make() {
    for (const auto& network : view_.networks) compare(network);
    for (const auto& attachment : view_.attachments) compare(attachment);
    compare_firewall();
    compare_firewalld();
    compare_neighbours();
    return std::move(plan_);
  }

 private:
  void note(std::string where, std::string what, std::string remedy) {
    plan_.differences.push_back({std::move(where), std::move(what), std::move(remedy), {}});
  }
  void regret(std::string where, std::string what, std::string advice) {
    plan_.differences.push_back(
        {std::move(where), std::move(what), std::nullopt, std::move(advice)});
  }

  void compare(const NetworkView& network) {
    const auto& record = network.record;
    const auto where = fmt::format("network {}", record.network);
    if (!network.bridge) {
      if (!record.owns_bridge()) {
        regret(where, fmt::format("bridge \"{}\" is gone", record.bridge),
               "somebody else made it: make it again, then repair");
        return;
      }
      note(where, fmt::format("bridge \"{}\" is gone", record.bridge), "make it again");
      append(plan_.host, link_steps(record.steps));
      return;
    }
    for (const auto& step : record.steps) {
      if (const auto* add = std::get_if<AddAddress>(&step)) {
        if (has(network.bridge->addresses, add->address)) continue;
        note(where, fmt::format("address {} is not on \"{}\"", add->address.to_string(), add->link),
             "add it");
        plan_.host.push_back(step);
      } else if (std::holds_alternative<BringUp>(step) && !network.bridge->is_up) {
        note(where, fmt::format("bridge \"{}\" is down", record.bridge), "bring it up");
        plan_.host.push_back(step);
      } else if (const auto* lead = std::get_if<LeadBridgedPackets>(&step)) {
        if (network.bridge->bridged_packets == lead->packets) continue;
        note(where, fmt::format("packets within \"{}\" do not meet the firewall", lead->bridge),
             "lead them there, so that limits hold");
        plan_.host.push_back(step);
      } else if (const auto* set = std::get_if<SetSysctl>(&step)) {
        const auto value = network.settings.find(set->key);
        if (value == network.settings.end() || value->second == set->value) continue;
        note(where, fmt::format("{} is {} instead of {}", set->key, value->second, set->value),
             "set it");
        plan_.host.emplace_back(
            SetSysctl{.place = Place::host, .key = set->key, .value = set->value});
      }
    }
  }

  void compare(const AttachmentView& attachment) {
    const auto& record = attachment.record;
    const auto where = fmt::format("container {} on {}", record.container_name, record.network);
    if (!attachment.has_netns) {
      note(where, fmt::format("its namespace \"{}\" is gone", record.netns), "take it down");
      plan_.ended[record.container].push_back(record.network);
      return;
    }
    live_.push_back(&record);
    compare_links(attachment, where);
    const auto* entry = find_step<AddDnsEntry>(record.steps);
    if (entry != nullptr && !attachment.has_dns_entry) {
      note(where, fmt::format("no names in the DNS file \"{}\"", entry->file), "put them in");
      plan_.host.emplace_back(*entry);
      plan_.serves_dns = true;
    }
  }

  void compare_links(const AttachmentView& attachment, const std::string& where) {
    const auto& record = attachment.record;
    const auto* veth = find_step<CreateVeth>(record.steps);
    if (veth == nullptr && find_step<CreateLanLink>(record.steps) == nullptr) return;
    const auto make_again = [&](Steps first) {
      append(first, link_steps(record.steps));
      plan_.containers.push_back({record.netns, std::move(first)});
    };
    if (veth != nullptr && attachment.host_link) {
      const auto& link = *attachment.host_link;
      const auto& made = veth->veth;
      if (link.mac != made.mac) {
        regret(where, fmt::format("link \"{}\" is somebody else's", made.name),
               "rename that link, then repair");
        return;
      }
      if (!attachment.inside) {
        regret(where,
               fmt::format("the other end of \"{}\" is not \"{}\" in its namespace", made.name,
                           record.interface),
               "somebody renamed or moved it: put it back, or set the container up again");
        return;
      }
      if (link.master != made.bridge.str()) {
        note(where, fmt::format("link \"{}\" is no port of \"{}\"", made.name, made.bridge),
             "make the pair again");
        make_again({DeleteLinks{{{made.name, made.mac}}}});
        return;
      }
      if (!link.is_up) {
        note(where, fmt::format("link \"{}\" is down", made.name), "bring it up");
        plan_.host.emplace_back(BringUp{Place::host, made.name});
      }
    } else if (!attachment.inside) {
      note(where, fmt::format("interface \"{}\" is gone", record.interface), "make it again");
      make_again({});
      return;
    }
    compare_inside(attachment, where);
  }

  // Routes go when a link goes down or loses its address: they are added again with those.
  void compare_inside(const AttachmentView& attachment, const std::string& where) {
    const auto& record = attachment.record;
    if (!attachment.inside) return;
    Steps steps;
    if (!attachment.inside->is_up) {
      note(where, fmt::format("interface \"{}\" is down", record.interface), "bring it up");
      steps.emplace_back(BringUp{Place::container, record.interface});
    }
    for (const auto& step : record.steps) {
      const auto* add = std::get_if<AddAddress>(&step);
      if (add == nullptr || add->place != Place::container || add->link != record.interface ||
          has(attachment.inside->addresses, add->address)) {
        continue;
      }
      note(where,
           fmt::format("address {} is not on \"{}\"", add->address.to_string(), record.interface),
           "add it, and the routes");
      steps.push_back(step);
    }
    if (steps.empty()) return;
    std::ranges::copy_if(record.steps, std::back_inserter(steps),
                         [](const Step& step) { return std::holds_alternative<AddRoute>(step); });
    plan_.containers.push_back({record.netns, std::move(steps)});
  }

  // What networks and live attachments have on record, each with its name.
  using Recorded = std::vector<std::pair<std::string, std::vector<firewall::Element>>>;
  Recorded recorded(std::vector<firewall::Element> (*elements_in)(const Steps&)) const {
    Recorded result;
    const auto collect = [&](std::string where, const Steps& steps) {
      auto elements = elements_in(steps);
      if (!elements.empty()) result.emplace_back(std::move(where), std::move(elements));
    };
    for (const auto& network : view_.networks) {
      collect(fmt::format("network {}", network.record.network), network.record.steps);
    }
    for (const auto* record : live_) {
      collect(fmt::format("container {} on {}", record->container_name, record->network),
              record->steps);
    }
    return result;
  }

  void compare_firewalld() {
    auto wanted = recorded(firewalld_elements_of);
    if (wanted.empty() || !view_.firewalld) return;
    const auto& firewalld = *view_.firewalld;
    if (!firewalld.is_running) {
      regret("firewall", "firewalld does not run, by which networks were set up",
             "start it, then repair");
      return;
    }
    if (!firewalld.unread.empty()) {
      regret("firewall",
             fmt::format("firewalld has not read {}", fmt::join(firewalld.unread, ", ")),
             "install the driver's files and reload firewalld, then repair");
      return;
    }
    for (auto& [where, elements] : wanted) {
      auto entries = firewall::firewalld_entries(elements);
      std::erase_if(entries, [&](const firewall::FirewalldEntry& entry) {
        return firewalld.standing.contains(entry);
      });
      if (entries.empty()) continue;
      note(where,
           entries.size() == 1
               ? fmt::format("not in firewalld: {}", firewall::to_string(entries.front()))
               : fmt::format("{} entries are not in firewalld, such as {}", entries.size(),
                             firewall::to_string(entries.front())),
           "put back");
      std::ranges::move(elements, std::back_inserter(plan_.firewalld.restore));
    }
  }

  void compare_firewall() {
    auto recorded_elements = recorded(elements_of);
    if (recorded_elements.empty()) return;
    if (!view_.table) {
      regret("firewall", "this kernel has no nftables, by which networks were set up",
             "load its module, then repair");
      return;
    }
    switch (*view_.table) {
      case firewall::TableState::current:
        break;
      case firewall::TableState::missing:
        note("firewall", "table inet burrow is gone", "make it again");
        break;
      case firewall::TableState::damaged:
        note("firewall", "chains, sets or rules of table inet burrow are gone", "put them back");
        break;
      case firewall::TableState::outdated:
        note("firewall", "table inet burrow is another release's", "renew it");
        break;
    }
    plan_.table = table_change_for(*view_.table);
    for (auto& [where, elements] : recorded_elements) {
      std::erase_if(elements, [&](const firewall::Element& element) {
        return std::ranges::binary_search(view_.standing, element);
      });
      if (elements.empty()) continue;
      note(where,
           elements.size() == 1
               ? fmt::format("not in the firewall: {}", firewall::to_string(elements.front()))
               : fmt::format("{} elements are not in the firewall, such as {}", elements.size(),
                             firewall::to_string(elements.front())),
           "put back");
      plan_.elements.push_back(std::move(elements));
    }
  }

  void compare_neighbours() {
    if (!view_.neighbours) return;
    for (const auto& network : view_.networks) {
      const auto accepts = recorded_accepts(network.record.steps);
      if (!accepts) continue;
      const auto edits = firewall::plan_accepts(*view_.neighbours, {&*accepts, 1});
      for (const auto& edit : edits) {
        note(fmt::format("network {}", network.record.network),
             edit.add.empty()
                 ? fmt::format("chain \"{}\" has rules for it out of their place",
                               firewall::to_string(edit.place))
                 : fmt::format("chain \"{}\" does not accept {}", firewall::to_string(edit.place),
                               firewall::to_string(edit.add.front())),
             "put it right");
      }
      if (!edits.empty()) plan_.neighbours.emplace_back(PlaceAccepts{*accepts});
    }
  }

  static void append(Steps& to, Steps more) { std::ranges::move(more, std::back_inserter(to)); }

  const RepairView& view_;
  RepairPlan plan_;
  std::vector<const AttachmentRecord*> live_;
};

}  // namespace

RepairPlan plan_repair(const RepairView& view) { return Comparison{view}.make(); }

}  // namespace burrow::netstack
