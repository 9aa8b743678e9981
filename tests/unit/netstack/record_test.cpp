#include "netstack/record.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"
#include "netstack/step_json.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

Steps steps_of_every_kind() {
  const auto asked = *decode_setup_request(examples::request_text());
  auto steps = plan_setup(asked, examples::empty_host(asked), examples::settings())->plan.steps;
  for (const auto& options : {R"({"mode":"private","bclim":"-1"})", R"({"mtu":"1400"})"}) {
    for (const std::string driver : {"macvlan", "ipvlan"}) {
      const auto lan = decode_setup_request(
          examples::lan_request_text(driver, driver == "macvlan" ? options : R"({"mode":"l3s"})"));
      const auto more = plan_setup(*lan, examples::empty_host(*lan), examples::settings());
      steps.push_back(*std::ranges::find_if(more->plan.steps, [](const Step& step) {
        return std::holds_alternative<CreateLanLink>(step);
      }));
    }
  }
  const auto back = invert(steps);
  steps.insert(steps.end(), back.begin(), back.end());
  const auto eth0 = *LinkName::parse("eth0");
  steps.emplace_back(DeleteContainerLink{eth0});
  steps.emplace_back(KeepSettings{eth0, {{"net/ipv4/conf/eth0/rp_filter", "2"}}});
  steps.emplace_back(KeepSettings{eth0, {}, {{{"net/ipv4/conf/eth0/rp_filter", "1"}}}});
  steps.emplace_back(ForgetSettings{eth0});
  steps.emplace_back(JoinZone{eth0, "burrow"});
  const auto elements = firewall::compile(
      firewall::NetworkPolicy{.name = *NetworkName::parse("front"), .bridge = eth0});
  steps.emplace_back(ChangeFirewalld{elements, elements, elements});
  steps.emplace_back(LeaveZone{eth0, "trusted"});
  steps.emplace_back(SetVlanFiltering{eth0, host::VlanFiltering::off});
  steps.emplace_back(LeadBridgedPackets{eth0, host::BridgedPackets::past_firewall});
  steps.emplace_back(CreateBridge{{eth0, {}, 1400, 10, *LinkName::parse("red")}});
  steps.emplace_back(TakeDown{Place::container, eth0});
  steps.emplace_back(BringUp{Place::host, eth0});
  steps.emplace_back(RemoveAddress{Place::host, eth0, *IpInterface::parse("10.0.0.1/8")});
  steps.emplace_back(SetSysctl{
      Place::host, "net/ipv4/ip_forward", "0", "1", {{"net/ipv4/conf/x/forwarding", "1"}}, true});
  const auto leased = *decode_setup_request(examples::leased_request_text());
  steps.push_back(
      plan_setup(leased, examples::empty_host(leased), examples::settings())->plan.errands[0]);
  steps.push_back(*inverse(steps.back()));
  return steps;
}

}  // namespace

TEST_CASE("every step reads back from JSON as it was written") {
  for (const auto& step : steps_of_every_kind()) {
    CAPTURE(to_string(step));
    const auto json = encode(step);
    const auto back = decode_step(JsonCursor{json});
    REQUIRE(back);
    CHECK(*back == step);
  }
}

TEST_CASE("records and what is pending read back as they were written") {
  const auto asked = *decode_setup_request(examples::request_text());
  const auto planned = *plan_setup(asked, examples::empty_host(asked), examples::settings());
  for (const auto& change : planned.plan.changes) {
    if (change.path.starts_with("attachments/")) {
      CHECK(encode(*decode_attachment_record(*change.after)) == *change.after);
    } else if (change.path.starts_with("networks/")) {
      CHECK(encode(*decode_network_record(*change.after)) == *change.after);
    } else {
      CHECK(encode(*decode_host_record(*change.after)) == *change.after);
    }
  }
  const PendingRecord pending{
      .netns = "/run/netns/c", .steps = steps_of_every_kind(), .changes = planned.plan.changes};
  const auto back = *decode_pending_record(encode(pending));
  CHECK(back.steps == pending.steps);
  CHECK(encode(back) == encode(pending));
}

TEST_CASE("what is said of errands reads back as it was written") {
  const ErrandRecord record{.container = *ContainerId::parse("c0ffee"),
                            .netns = "/run/netns/c",
                            .networks = {*NetworkName::parse("front"), *NetworkName::parse("lan")},
                            .besides = {StartLoopback{}}};
  const auto back = *decode_errand_record(encode(record));
  CHECK(encode(back) == encode(record));
  CHECK(back.networks == record.networks);
  CHECK(back.besides == record.besides);
  CHECK(decode_errand_record(R"({"version":1,"container":"../x"})").error().code == Errc::corrupt);
}

TEST_CASE("a damaged record is corrupt and never half read") {
  for (
      const auto* text :
      {"", "{", "{}", R"({"version":2,"steps":[]})", R"({"version":1})",
       R"({"version":1,"steps":[{"step":"format_disk"}]})",
       R"({"version":1,"steps":[{"step":"set_sysctl","place":"host","key":"kernel/panic","value":"1"}]})",
       R"({"version":1,"steps":[{"step":"set_sysctl","place":"host","key":"net/../kernel/panic","value":"1"}]})",
       R"({"version":1,"steps":[{"step":"remove_dns_entry","file":"../../etc/passwd","container":"c"}]})"}) {
    CAPTURE(text);
    const auto record = decode_host_record(text);
    REQUIRE_FALSE(record);
    CHECK(record.error().code == Errc::corrupt);
  }
  CHECK_FALSE(decode_pending_record(
      R"({"version":1,"command":"setup","netns":"","steps":[],"changes":[{"path":"../x","after":"y"}]})"));
}
