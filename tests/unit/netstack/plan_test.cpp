#include "netstack/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "../../support/netstack_examples.h"
#include "netstack/step_json.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

std::string text_of(const Steps& steps) {
  std::string text;
  for (const auto& step : steps) text += to_string(step) + "\n";
  return text;
}

// Compares with a golden file; BURROW_UPDATE_GOLDEN=1 writes it.
void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string{BURROW_SOURCE_DIR} + "/tests/unit/netstack/golden/" + name;
  if (std::getenv("BURROW_UPDATE_GOLDEN") != nullptr) std::ofstream{path} << text;
  std::ifstream file{path};
  std::stringstream content;
  content << file.rdbuf();
  CHECK(content.str() == text);
}

SetupRequest request() { return *decode_setup_request(examples::request_text()); }

template <typename T>
size_t count_of(const Steps& steps) {
  return static_cast<size_t>(std::ranges::count_if(
      steps, [](const Step& step) { return std::holds_alternative<T>(step); }));
}

// What a snapshot looks like after the plan, as far as teardown wants to know.
Snapshot after_setup(const SetupRequest& asked, const SetupPlan& planned) {
  Snapshot snapshot;
  snapshot.table = firewall::TableState::current;
  for (const auto& change : planned.plan.changes) {
    if (change.path == "host.json") snapshot.host = *decode_host_record(*change.after);
    if (change.path.starts_with("attachments/")) {
      snapshot.attachments.push_back(*decode_attachment_record(*change.after));
    }
  }
  for (const auto& attachment : asked.attachments) {
    NetworkSnapshot network;
    for (const auto& change : planned.plan.changes) {
      if (change.path == network_record_path(attachment.network.name)) {
        network.record = *decode_network_record(*change.after);
      }
    }
    network.bridge = BridgeSnapshot{.is_bridge = true, .is_up = true};
    for (const auto& record : snapshot.attachments) {
      if (record.network == attachment.network.name) {
        network.bridge->ports.insert(record.host_link()->name.str());
      }
    }
    if (network.record) snapshot.firewall_bridges.push_back(network.record->bridge);
    snapshot.networks.emplace(attachment.network.name, network);
  }
  return snapshot;
}

}  // namespace

TEST_CASE("the first container's set-up makes everything, firewall first and DNS last") {
  const auto asked = request();
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  check_golden("setup_first.txt", text_of(planned.plan.steps));
}

TEST_CASE(
    "the last container's teardown takes everything back in one firewall batch and one deletion") {
  const auto asked = request();
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  const auto plan = plan_teardown({asked.attachments[0].network.name}, after_setup(asked, planned));
  check_golden("teardown_last.txt", text_of(plan.steps));
  CHECK(count_of<ChangeFirewall>(plan.steps) == 1);
  CHECK(count_of<DeleteLinks>(plan.steps) == 1);
  for (const auto& change : plan.changes) CHECK_FALSE(change.after);
}

TEST_CASE("the second container makes no bridge, and its teardown leaves it") {
  const auto first = request();
  const auto planned = *plan_setup(first, examples::empty_host(first), examples::settings());
  const auto text = examples::request_text("decaf", "10.1.0.3");
  auto second = *decode_setup_request(text);
  second.ports.clear();
  auto snapshot = after_setup(first, planned);
  auto& network = snapshot.networks.begin()->second;
  network.in_firewall = elements_of(network.record->steps);
  network.bridge->addresses = {*IpInterface::parse("10.1.0.1/24"),
                               *IpInterface::parse("fd00:1::1/64")};
  network.bridge->mtu = 1400;
  network.free_host_link = host_link_names(second.container, network.record->network).front();
  snapshot.attachments.clear();
  snapshot.container = ContainerSnapshot{.is_loopback_up = true, .has_ipv6 = true};
  snapshot.forwarding4 = ForwardingSnapshot{.is_on = true};
  snapshot.has_dns_daemon = true;
  const auto more = *plan_setup(second, snapshot, examples::settings());
  CHECK(count_of<CreateBridge>(more.plan.steps) == 0);
  CHECK(count_of<ChangeFirewall>(more.plan.steps) == 0);
  CHECK(count_of<CreateVeth>(more.plan.steps) == 1);
  REQUIRE(more.plan.changes.size() == 1);

  auto both = after_setup(second, more);
  both.networks.begin()->second.record = network.record;
  both.networks.begin()->second.bridge->ports.insert("vethother");
  both.firewall_bridges = {network.record->bridge};
  const auto plan = plan_teardown({network.record->network}, both);
  for (const auto& step : plan.steps) {
    if (const auto* gone = std::get_if<DeleteLinks>(&step)) CHECK(gone->links.size() == 1);
    CHECK_FALSE(std::holds_alternative<ChangeFirewall>(step));
  }
}

TEST_CASE("a lost table is renewed with what the journal knows, and taking that back leaves it") {
  const auto asked = request();
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  const auto before = after_setup(asked, planned);
  auto other = *decode_setup_request(examples::request_text("decaf", "10.1.0.3"));
  other.ports.clear();
  auto snapshot = examples::empty_host(other);
  snapshot.networks.begin()->second.record = before.networks.begin()->second.record;
  snapshot.host = before.host;
  snapshot.recorded_elements = elements_of(before.attachments[0].steps);
  const auto plan = plan_setup(other, snapshot, examples::settings())->plan;
  const auto& change = std::get<ChangeFirewall>(plan.steps.front());
  CHECK(change.table == TableChange::create);
  CHECK(change.restore == elements_of(before.attachments[0].steps));
  const auto back = invert(plan.steps);
  for (const auto& step : back) {
    if (const auto* undo = std::get_if<ChangeFirewall>(&step)) {
      CHECK(undo->table == TableChange::keep);
      for (const auto& element : change.restore) {
        CHECK(std::ranges::find(undo->remove, element) == undo->remove.end());
      }
    }
  }
}

TEST_CASE("the ports of a container go on to its next network when the first one leaves") {
  auto text = examples::request_text();
  const auto at = text.find(R"("networks":{)") + 12;
  text.insert(at, R"("back":{"static_ips":["10.2.0.2"],"interface_name":"eth1"},)");
  text.insert(text.find(R"("network_info":{)") + 16,
              R"("back":{"name":"back","id":"fe","driver":"bridge","network_interface":"br-back",
       "subnets":[{"subnet":"10.2.0.0/24","gateway":"10.2.0.1"}],
       "ipv6_enabled":false,"internal":false,"dns_enabled":false},)");
  const auto asked = *decode_setup_request(text);
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  const auto snapshot = after_setup(asked, planned);
  REQUIRE(snapshot.attachments.size() == 2);
  CHECK(snapshot.attachments[0].carries(Family::ipv4));
  CHECK_FALSE(snapshot.attachments[0].carries(Family::ipv6));
  CHECK_FALSE(snapshot.attachments[1].carries(Family::ipv4));
  CHECK(snapshot.attachments[1].carries(Family::ipv6));

  const auto plan = plan_teardown({*NetworkName::parse("back")}, snapshot);
  const auto change = std::ranges::find_if(
      plan.steps, [](const Step& step) { return std::holds_alternative<ChangeFirewall>(step); });
  REQUIRE(change != plan.steps.end());
  const auto& added = std::get<ChangeFirewall>(*change).add;
  REQUIRE(added.size() == 2);  // tcp and udp
  CHECK(firewall::to_string(added[0]).find("10.1.0.2 . 80") != std::string::npos);
}

TEST_CASE("the first network in order has the best default route") {
  auto asked = request();
  auto snapshot = examples::empty_host(asked);
  snapshot.container->default_metrics4 = {100, 101};
  const auto plan = plan_setup(asked, snapshot, examples::settings())->plan;
  std::vector<uint32_t> metrics;
  for (const auto& step : plan.steps) {
    const auto* add = std::get_if<AddRoute>(&step);
    if (add != nullptr && add->route.gateway) metrics.push_back(add->route.metric);
  }
  CHECK(metrics == std::vector<uint32_t>{102, 100});
}

TEST_CASE("what cannot be meant is refused before anything is planned") {
  const auto refused = [](const std::string& from, const std::string& to) {
    auto text = examples::request_text();
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    const auto asked = decode_setup_request(text);
    if (!asked) return asked.error().message;
    const auto planned = plan_setup(*asked, examples::empty_host(*asked), examples::settings());
    return planned ? std::string{"accepted"} : planned.error().message;
  };
  CHECK(refused("\"10.1.0.2\"", "\"10.1.0.1\"") ==
        "requested static ip 10.1.0.1 is the gateway of network \"front\"");
  CHECK(refused("\"10.1.0.2\"", "\"10.7.0.2\"") ==
        "requested static ip 10.7.0.2 not in any subnet on network \"front\"");
  CHECK(refused("\"10.1.0.2\"", "\"fd00:1::2\"") ==
        "static ip fd00:1::2 is requested twice on network \"front\"");
  CHECK(refused("192.0.2.53", "10.1.0.1") ==
        "DNS server 10.1.0.1 is the gateway of network \"front\": queries would go in a circle");
  CHECK(
      refused("\"driver\":\"bridge\"", "\"driver\":\"vortex\"") ==
      "network \"front\": unknown network driver \"vortex\": it is none of ours, and no plugin of "
      "that name was found");
  CHECK(refused("\"network_interface\":\"br-front\",", "") ==
        "network \"front\": network_interface is missing: no bridge name");
  CHECK(refused("\"ipv6_enabled\":true", "\"options\":{\"mtu\":\"-1\"},\"ipv6_enabled\":true") ==
        "network \"front\": unable to parse \"mtu\": found \"-1\", expected 68 to 65535, or 0 for "
        "automatic");
  CHECK(refused("\"ipv6_enabled\":true",
                "\"options\":{\"isolate\":\"maybe\"},\"ipv6_enabled\":true") ==
        "network \"front\": invalid isolate option \"maybe\": must be true, false or strict");
}
