// What networks have of chains of others on record, and what set-ups, teardowns and repairs do.
#include "netstack/plan_neighbours.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"
#include "netstack/foresee.h"
#include "netstack/plan_repair.h"

using namespace burrow;
using namespace burrow::netstack;
using firewall::OtherFirewalls;

namespace {

template <typename T>
const T* find(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* found = std::get_if<T>(&step)) return found;
  }
  return nullptr;
}

SetupRequest asked(const std::string& text = examples::request_text()) {
  return *decode_setup_request(text);
}

// A chain that forwards nothing that it does not know.
firewall::Neighbourhood dropping() {
  return {
      .generation = 1,
      .chains = {
          {.place = {.family = firewall::TableFamily::ip, .table = "filter", .chain = "FORWARD"},
           .hook = firewall::ChainHook::forward,
           .policy = firewall::ChainPolicy::drop,
           .uses = 0,
           .is_cut = false,
           .rules = {}}}};
}

// The same, with what a plan puts there.
firewall::Neighbourhood with(firewall::Neighbourhood there, const firewall::Accepts& accepts) {
  auto& chain = there.chains.front();
  for (const auto& rule : firewall::rules_for(accepts, chain.place.family, *chain.hook)) {
    chain.rules.push_back({.handle = chain.rules.size() + 1,
                           .is_conditional = true,
                           .ending = firewall::ForeignRule::Ending::accept,
                           .target = {},
                           .accept = rule});
  }
  return there;
}

Snapshot host_with(std::optional<firewall::Neighbourhood> neighbours) {
  auto snapshot = examples::empty_host(asked());
  snapshot.neighbours = std::move(neighbours);
  return snapshot;
}

SetupPlan planned(const Snapshot& snapshot, uint16_t dns_port = 53,
                  const SetupRequest& request = asked(),
                  OtherFirewalls other_firewalls = OtherFirewalls::accept) {
  auto settings = examples::settings();
  settings.dns_port = dns_port;
  settings.other_firewalls = other_firewalls;
  return *plan_setup(request, snapshot, settings);
}

SetupPlan planned_without_leave(const Snapshot& snapshot) {
  return planned(snapshot, 53, asked(), OtherFirewalls::leave);
}

NetworkRecord network_record(const SetupPlan& plan) {
  const auto change = std::ranges::find_if(
      plan.plan.changes, [](const RecordChange& one) { return one.path.starts_with("networks/"); });
  return *decode_network_record(*change->after);
}

// The host after a set-up that had `neighbours` to look at.
Snapshot host_after(const SetupPlan& plan, std::optional<firewall::Neighbourhood> neighbours) {
  auto snapshot = host_with(std::move(neighbours));
  auto& network = snapshot.networks.begin()->second;
  network.record = network_record(plan);
  network.in_firewall = elements_of(network.record->steps);
  network.bridge = BridgeSnapshot{
      .is_bridge = true,
      .kind = "bridge",
      .mtu = 1500,
      .is_up = true,
      .addresses = {*IpInterface::parse("10.1.0.1/24"), *IpInterface::parse("fd00:1::1/64")}};
  return snapshot;
}

}  // namespace

TEST_CASE("without leave chains of others are no matter of a set-up, and on no record") {
  // They may have been looked at for something else.
  for (const auto& there : {std::optional{dropping()}, {}}) {
    const auto plan = planned_without_leave(host_with(there));
    CHECK(find<PlaceAccepts>(plan.plan.steps) == nullptr);
    CHECK_FALSE(recorded_accepts(network_record(plan).steps));
  }
}

TEST_CASE("a chain that drops gets rules when our table stands, and loses them before it goes") {
  const auto plan = planned(host_with(dropping()), 1053);
  const auto* place = find<PlaceAccepts>(plan.plan.steps);
  REQUIRE(place != nullptr);
  CHECK(place->accepts == firewall::Accepts{.network = *NetworkName::parse("front"),
                                            .bridge = *LinkName::parse("br-front"),
                                            .has_ipv4 = true,
                                            .has_ipv6 = true,
                                            .reach = firewall::Accepts::Reach::anywhere,
                                            .dns_port = 1053});
  const auto at = [](const Steps& steps, auto is_it) {
    return std::ranges::find_if(steps, is_it) - steps.begin();
  };
  const auto is_table = [](const Step& step) {
    return std::holds_alternative<ChangeFirewall>(step);
  };
  CHECK(at(plan.plan.steps, is_table) < at(plan.plan.steps, [](const Step& step) {
          return std::holds_alternative<PlaceAccepts>(step);
        }));
  const auto back = invert(plan.plan.steps);
  REQUIRE(find<RemoveAccepts>(back) != nullptr);
  CHECK(at(back, [](const Step& step) { return std::holds_alternative<RemoveAccepts>(step); }) <
        at(back, is_table));
}

TEST_CASE("where nothing drops the record has it all the same, for when something does") {
  const auto plan = planned(host_with(firewall::Neighbourhood{}));
  CHECK(recorded_accepts(network_record(plan).steps));
}

TEST_CASE("rules that stand are left, and such as are gone come back") {
  const auto first = planned(host_with(dropping()));
  const auto accepts = *recorded_accepts(network_record(first).steps);
  CHECK(find<PlaceAccepts>(planned(host_after(first, with(dropping(), accepts))).plan.steps) ==
        nullptr);
  CHECK(find<PlaceAccepts>(planned(host_after(first, dropping())).plan.steps) != nullptr);
}

TEST_CASE("a set-up that fails takes no accepts from containers that run") {
  const auto first = planned(host_with(dropping()));
  CHECK(find<RemoveAccepts>(invert(first.plan.steps)) != nullptr);
  const auto second = planned(host_after(first, dropping()));
  REQUIRE(find<PlaceAccepts>(second.plan.steps) != nullptr);
  CHECK(find<RemoveAccepts>(invert(second.plan.steps)) == nullptr);
  // The network's own end does, whoever put them back last.
  auto again = host_after(first, dropping());
  again.networks.begin()->second.in_firewall.clear();
  CHECK(find<RemoveAccepts>(invert(network_record(planned(again)).steps)) != nullptr);
}

TEST_CASE("names on another port mean other rules, and the old ones go") {
  const auto first = planned(host_with(dropping()));
  const auto plan = planned(host_after(first, dropping()), 1053);
  REQUIRE(find<RemoveAccepts>(plan.plan.steps) != nullptr);
  CHECK(find<RemoveAccepts>(plan.plan.steps)->accepts.dns_port == 53);
  CHECK(recorded_accepts(network_record(plan).steps)->dns_port == 1053);
  CHECK(find<RemoveAccepts>(network_record(plan).steps) == nullptr);
}

TEST_CASE("leave that comes later, or goes, counts for a network that runs") {
  const auto without = planned_without_leave(host_with(std::nullopt));
  const auto later = planned(host_after(without, firewall::Neighbourhood{}));
  CHECK(recorded_accepts(network_record(later).steps));

  auto gone = host_after(later, std::nullopt);
  gone.networks.begin()->second.in_firewall.clear();  // so that there is something to record
  CHECK(recorded_accepts(network_record(planned_without_leave(gone)).steps));
}

TEST_CASE("with leave, a need is on record also when chains of others could not be read") {
  const auto plan = planned(host_with(std::nullopt));
  CHECK(find<PlaceAccepts>(plan.plan.steps) != nullptr);
  CHECK(recorded_accepts(network_record(plan).steps));
}

TEST_CASE("an internal network needs its bridge alone") {
  auto text = examples::request_text();
  text.replace(text.find("\"internal\":false"), 16, "\"internal\":true");
  const auto plan = planned(host_with(dropping()), 53, asked(text));
  CHECK(find<PlaceAccepts>(plan.plan.steps)->accepts.reach == firewall::Accepts::Reach::own_bridge);
}

TEST_CASE("limits that have packets within a network meet a chain that drops them say so") {
  const auto warnings = [](const Snapshot& snapshot, OtherFirewalls leave) {
    auto request = asked();
    request.attachments.front().options["connections"] = "5";
    return planned(snapshot, 53, request, leave).warnings;
  };
  auto host = host_with(dropping());
  host.bridge_netfilter = BridgeNetfilter{};
  const auto said = warnings(host, OtherFirewalls::leave);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("\"ip filter FORWARD\"") != std::string::npos);
  CHECK(said[0].find("BURROW_OTHER_FIREWALLS=accept") != std::string::npos);
  // Not where rules are put there, where nothing changes, or where they have been accepted.
  CHECK(warnings(host, OtherFirewalls::accept).empty());
  CHECK(planned_without_leave(host).warnings.empty());
  const auto accepts = *recorded_accepts(network_record(planned(host)).steps);
  auto accepting = host;
  accepting.neighbours = with(dropping(), accepts);
  CHECK(warnings(accepting, OtherFirewalls::leave).empty());
  auto other = dropping();
  other.chains.front().hook = firewall::ChainHook::input;
  accepting.neighbours = other;
  CHECK(warnings(accepting, OtherFirewalls::leave).empty());
}

TEST_CASE("a network in a VRF is left alone, which is said where it matters") {
  auto text = examples::request_text();
  text.replace(text.find("\"internal\":false"), 16, R"("internal":false,"options":{"vrf":"red"})");
  for (const auto& [there, warnings] :
       {std::pair{dropping(), size_t{1}}, {firewall::Neighbourhood{}, size_t{0}}}) {
    auto snapshot = host_with(there);
    snapshot.networks.begin()->second.vrf = VrfSnapshot{.kind = "vrf", .default_route_mtu = {}};
    const auto plan = planned(snapshot, 53, asked(text));
    CHECK(find<PlaceAccepts>(plan.plan.steps) == nullptr);
    CHECK_FALSE(recorded_accepts(network_record(plan).steps));
    CHECK(plan.warnings.size() == warnings);
  }
}

TEST_CASE("the network's end takes its rules along, and a dry run looks past them") {
  const auto record = network_record(planned(host_with(dropping())));
  Snapshot snapshot;
  snapshot.networks.emplace(record.network, NetworkSnapshot{.record = record});
  const auto plan = plan_teardown({record.network}, snapshot);
  REQUIRE(find<RemoveAccepts>(plan.steps) != nullptr);
  const auto accepts = find<RemoveAccepts>(plan.steps)->accepts;
  auto host = host_with(with(dropping(), accepts));
  const auto after = foresee(host, asked(), {.steps = plan.steps, .links = {}, .routes = {}});
  CHECK(after.neighbours->chains.front().rules.empty());
}

TEST_CASE("both steps survive the journal, and nonsense in it does not") {
  auto record = network_record(planned(host_with(dropping())));
  const auto accepts = *recorded_accepts(record.steps);
  record.steps.emplace_back(RemoveAccepts{accepts});
  record.steps.emplace_back(PlaceAccepts{accepts, PlaceAccepts::Occasion::put_back});
  const auto text = encode(record);
  CHECK(decode_network_record(text)->steps == record.steps);
  for (const auto& [word, nonsense] : {std::pair{"\"ipv6\"", "\"ipv5\""},
                                       {"\"anywhere\"", "\"nowhere\""},
                                       {"\"put_back\"", "\"put_forth\""},
                                       {"\"dns_port\":53", "\"dns_port\":65536"}}) {
    auto damaged = text;
    const auto at = damaged.find(word);
    REQUIRE(at != damaged.npos);
    damaged.replace(at, std::string_view{word}.size(), nonsense);
    CHECK_FALSE(decode_network_record(damaged));
  }
}

TEST_CASE("a repair names each chain that does not accept a network, and mends what is on record") {
  const auto record = network_record(planned(host_with(dropping())));
  RepairView view;
  view.table = firewall::TableState::current;
  view.standing = elements_of(record.steps);
  std::ranges::sort(view.standing);
  view.networks.push_back({.record = record, .bridge = {}, .settings = {}});
  view.neighbours = dropping();
  const auto plan = plan_repair(view);
  const auto named = std::ranges::find_if(plan.differences, [](const Difference& one) {
    return one.what == "chain \"ip filter FORWARD\" does not accept iifname \"br-front\"";
  });
  CHECK(named != plan.differences.end());
  REQUIRE(plan.neighbours.size() == 1);
  CHECK(find<PlaceAccepts>(plan.host) == nullptr);
  view.neighbours = with(dropping(), *recorded_accepts(record.steps));
  CHECK(plan_repair(view).neighbours.empty());
}
