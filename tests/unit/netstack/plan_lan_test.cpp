#include "netstack/plan_lan.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "../../support/netstack_examples.h"

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

std::string error_of(const std::string& text) {
  const auto asked = *decode_setup_request(text);
  const auto planned = plan_setup(asked, examples::empty_host(asked), examples::settings());
  return planned ? std::string{} : planned.error().message;
}

}  // namespace

TEST_CASE("a macvlan is one link with what stands on it, and nothing on the host") {
  const auto asked = *decode_setup_request(examples::lan_request_text(
      "macvlan", R"({"mode":"private","bclim":"-1","mtu":"1400","metric":"7"})"));
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  check_golden("setup_macvlan.txt", text_of(planned.plan.steps));
  REQUIRE(planned.plan.changes.size() == 1);
  CHECK(planned.plan.changes[0].path == "attachments/c0ffee/lan.json");
}

TEST_CASE("the teardown of LAN links deletes their groups and what does not go with them") {
  Snapshot snapshot;
  for (const std::string driver : {"macvlan", "ipvlan"}) {
    auto asked = *decode_setup_request(examples::lan_request_text(driver, "{}"));
    asked.attachments[0].network.name = *NetworkName::parse(driver);
    const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
    snapshot.attachments.push_back(*decode_attachment_record(*planned.plan.changes[0].after));
    snapshot.networks.emplace(asked.attachments[0].network.name, NetworkSnapshot{});
  }
  const auto plan =
      plan_teardown({*NetworkName::parse("macvlan"), *NetworkName::parse("ipvlan")}, snapshot);
  check_golden("teardown_lan.txt", text_of(plan.steps));
}

TEST_CASE("an ipvlan has its parent's address and mode l2 unless an option says otherwise") {
  const auto asked = *decode_setup_request(examples::lan_request_text("ipvlan", "{}"));
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  CHECK(planned.statuses[0].mac == *MacAddress::parse("02:00:00:00:00:01"));
  const auto link = std::get<CreateLanLink>(planned.plan.steps[1]).link;
  CHECK(std::get<host::Ipvlan>(link.kind).mode == host::IpvlanMode::l2);
  CHECK_FALSE(link.mtu);
}

TEST_CASE("routers of the LAN are believed unless the network is to be no way out") {
  const auto settings_of = [](const std::string& options, bool is_internal) {
    auto asked = *decode_setup_request(examples::lan_request_text("macvlan", options));
    asked.attachments[0].network.is_internal = is_internal;
    const auto plan = plan_setup(asked, examples::empty_host(asked), examples::settings())->plan;
    return text_of(plan.steps);
  };
  CHECK(settings_of("{}", false).find("accept_ra") == std::string::npos);
  CHECK(settings_of(R"({"no_default_route":"true"})", false).find("accept_ra_defrtr = 0") !=
        std::string::npos);
  CHECK(settings_of("{}", true).find("accept_ra = 0") != std::string::npos);
}

TEST_CASE("what a LAN link cannot be is refused with a sentence") {
  CHECK(error_of(examples::lan_request_text("macvlan", R"({"mode":"l2"})")) ==
        "network \"lan\": unknown macvlan mode \"l2\": must be bridge, private, vepa, passthru or "
        "source");
  CHECK(error_of(examples::lan_request_text("ipvlan", R"({"mode":"l4"})")) ==
        "network \"lan\": unknown ipvlan mode \"l4\": must be l2, l3 or l3s");
  CHECK(error_of(examples::lan_request_text("macvlan", R"({"bclim":"2147483648"})")) ==
        "network \"lan\": unable to parse \"bclim\": found \"2147483648\", expected a number from "
        "-2147483648 to 2147483647");
  CHECK(error_of(examples::lan_request_text("macvlan", R"({"mtu":"1501"})")) ==
        "network \"lan\": mtu 1501 is more than 1500 of parent \"uplink\"");
  const auto* mac = R"(,"static_mac":"02:00:00:00:00:07")";
  CHECK(error_of(examples::lan_request_text("ipvlan", "{}", mac)) ==
        "network \"lan\": static_mac 02:00:00:00:00:07 on an ipvlan, which has its parent's "
        "address");
  CHECK(error_of(examples::lan_request_text("macvlan", R"({"mode":"passthru"})", mac)) ==
        "network \"lan\": static_mac 02:00:00:00:00:07 on a macvlan in mode passthru, which has "
        "its parent's address");
}

TEST_CASE("the group of a LAN link is its attachment's own and nobody's whom people number") {
  const auto container = *ContainerId::parse("c");
  const auto group = lan_group(container, *NetworkName::parse("lan"));
  CHECK(group == lan_group(container, *NetworkName::parse("lan")));
  CHECK(group != lan_group(container, *NetworkName::parse("lan2")));
  CHECK(group != lan_group(*ContainerId::parse("d"), *NetworkName::parse("lan")));
  CHECK(group >= 0x20000000U);
}
