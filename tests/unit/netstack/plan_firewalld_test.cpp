// firewalld as firewall driver: what is planned, put back and refused.
#include "netstack/plan_firewalld.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

template <typename T>
const T* find(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* found = std::get_if<T>(&step)) return found;
  }
  return nullptr;
}

SetupRequest asked() { return *decode_setup_request(examples::request_text()); }

Snapshot host_with(FirewalldDriverSnapshot there = {}) {
  auto snapshot = examples::empty_host(asked());
  snapshot.firewalld_driver = std::move(there);
  return snapshot;
}

Result<SetupPlan> planned(const Snapshot& snapshot,
                          FirewallDriver driver = FirewallDriver::firewalld) {
  auto settings = examples::settings();
  settings.firewall = driver;
  return plan_setup(asked(), snapshot, settings);
}

NetworkRecord network_record(const SetupPlan& plan) {
  const auto change = std::ranges::find_if(
      plan.plan.changes, [](const RecordChange& one) { return one.path.starts_with("networks/"); });
  return *decode_network_record(*change->after);
}

AttachmentRecord attachment_record(const SetupPlan& plan) {
  const auto change = std::ranges::find_if(plan.plan.changes, [](const RecordChange& one) {
    return one.path.starts_with("attachments/");
  });
  return *decode_attachment_record(*change->after);
}

// The host as it is after the network has been set up.
Snapshot with_network(const NetworkRecord& record) {
  auto snapshot = host_with();
  snapshot.networks.begin()->second.record = record;
  for (auto& entry : firewall::firewalld_entries(firewalld_elements_of(record.steps))) {
    snapshot.firewalld_driver->standing.insert(std::move(entry));
  }
  return snapshot;
}

bool names_bridge(const std::vector<firewall::Element>& elements) {
  return std::ranges::find(elements, firewall::SetName::bridges, &firewall::Element::set) !=
         elements.end();
}

}  // namespace

TEST_CASE("one change of firewalld when links stand, and no table of ours") {
  const auto plan = *planned(host_with());
  CHECK(find<ChangeFirewall>(plan.plan.steps) == nullptr);
  CHECK(find<JoinZone>(plan.plan.steps) == nullptr);
  const auto& steps = plan.plan.steps;
  const auto is_change = [](const Step& step) {
    return std::holds_alternative<ChangeFirewalld>(step);
  };
  CHECK(std::ranges::count_if(steps, is_change) == 1);
  const auto change = std::ranges::find_if(steps, is_change);
  CHECK(std::none_of(change, steps.end(), [](const Step& step) {
    return std::holds_alternative<CreateVeth>(step) || std::holds_alternative<AddAddress>(step);
  }));
  // Flows are forgotten when their ports lead elsewhere.
  CHECK(std::none_of(steps.begin(), change,
                     [](const Step& step) { return std::holds_alternative<ForgetFlows>(step); }));
  CHECK(find<ForgetFlows>(steps) != nullptr);
}

TEST_CASE("network and container have on record what is theirs, by which both are taken back") {
  const auto plan = *planned(host_with());
  const auto network = network_record(plan);
  const auto attachment = attachment_record(plan);
  CHECK(names_bridge(firewalld_elements_of(network.steps)));
  CHECK(attachment.carries(Family::ipv4));
  CHECK(attachment.carries(Family::ipv6));
  CHECK(elements_of(attachment.steps).empty());
  const auto back = invert(plan.plan.steps);
  REQUIRE(find<ChangeFirewalld>(back) != nullptr);
  CHECK(find<ChangeFirewalld>(back)->remove == find<ChangeFirewalld>(plan.plan.steps)->add);
  CHECK(find<ChangeFirewalld>(back)->add.empty());
}

TEST_CASE("a network that stands is left alone, and what it lost is put back for good") {
  const auto record = network_record(*planned(host_with()));
  auto snapshot = with_network(record);
  CHECK_FALSE(names_bridge(find<ChangeFirewalld>(planned(snapshot)->plan.steps)->add));
  CHECK(find<ChangeFirewalld>(planned(snapshot)->plan.steps)->restore.empty());
  snapshot.firewalld_driver->standing.erase(snapshot.firewalld_driver->standing.begin());
  const auto plan = *planned(snapshot);
  CHECK(names_bridge(find<ChangeFirewalld>(plan.plan.steps)->restore));
  // Others live by it: a set-up that fails takes its own back, and not theirs.
  CHECK_FALSE(names_bridge(find<ChangeFirewalld>(invert(plan.plan.steps))->remove));
}

TEST_CASE("a container's port that another has on record is refused, whatever driver led it") {
  firewall::Publication other{.container = *ContainerId::parse("beef"),
                              .container_name = "other",
                              .network = *NetworkName::parse("back"),
                              .ports = {{.host_port = 8080, .container_port = 90}},
                              .address4 = *IpAddress::parse("10.7.0.2"),
                              .address6 = {}};
  const auto refused = planned(host_with({.claims = *firewall::compile(other)}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK(refused.error().message ==
        "port 8080/tcp is already published by container \"other\" on network \"back\"");
}

TEST_CASE("until firewalld has read the package's files the driver names them and the one reload") {
  const auto refused = planned(host_with({.unread = {"burrow-open", "burrow-ports"}}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message.find("burrow-open, burrow-ports") != std::string::npos);
  CHECK(refused.error().message.find("firewall-cmd --reload once") != std::string::npos);
}

TEST_CASE("a bridge in a zone of somebody's choice is refused, in one of ours it is moved") {
  using firewall::FirewalldHolder;
  const auto in = [](const char* zone) {
    return host_with({.standing = {{FirewalldHolder::zone, zone, "br-front"}}});
  };
  CHECK(planned(in("home")).error().code == Errc::invalid_input);
  CHECK(planned(in("trusted")).error().code == Errc::invalid_input);
  CHECK(planned(in("burrow")));
  CHECK(planned(in("burrow-internal")));
}

TEST_CASE("a network is kept by one driver as long as it is on record") {
  const auto record = network_record(*planned(host_with()));
  auto snapshot = with_network(record);
  const auto refused = planned(snapshot, FirewallDriver::nftables);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("kept by the firewall driver \"firewalld\"") !=
        std::string::npos);
  // Without a firewall the record keeps what it has.
  const auto plan = *planned(snapshot, FirewallDriver::none);
  snapshot.firewalld_driver.reset();
  CHECK(find<ChangeFirewalld>(plan.plan.steps) == nullptr);
}

TEST_CASE("where only the administrator opens ports none is led, and each is named") {
  const auto plan =
      *planned(host_with({.forward_ports = firewall::ForwardPorts::own_only, .forwarded = {}}));
  CHECK_FALSE(attachment_record(plan).carries(Family::ipv4));
  CHECK(std::ranges::any_of(plan.warnings, [](const std::string& warning) {
    return warning.starts_with("port 8080/tcp waits for firewalld's administrator");
  }));
}

TEST_CASE("ports that one network loses go on to the container's next one, by the same driver") {
  const auto first = attachment_record(*planned(host_with()));
  auto second = first;
  second.network = *NetworkName::parse("back");
  second.order = 1;
  std::erase_if(second.steps,
                [](const Step& step) { return std::holds_alternative<ChangeFirewalld>(step); });
  second.address4 = *IpAddress::parse("10.2.0.2");
  Snapshot snapshot;
  snapshot.networks.emplace(first.network, NetworkSnapshot{});
  snapshot.attachments = {first, second};
  const auto plan = plan_teardown({first.network}, snapshot);
  const auto* change = find<ChangeFirewalld>(plan.steps);
  REQUIRE(change != nullptr);
  CHECK(change->remove == firewalld_elements_of(first.steps));
  CHECK_FALSE(change->add.empty());
  CHECK(find<ChangeFirewall>(plan.steps) == nullptr);
  const auto back = plan_put_back(plan, snapshot, first.netns);
  CHECK(find<ChangeFirewalld>(back)->remove == change->add);
}

TEST_CASE("all that records have is put back at once, after a reload") {
  const auto plan = *planned(host_with());
  const auto change = restored_firewalld({network_record(plan)}, {attachment_record(plan)});
  CHECK(change.restore.size() == find<ChangeFirewalld>(plan.plan.steps)->add.size());
  CHECK(change.add.empty());
  CHECK_FALSE(inverse(change));
}
