#include "netstack/execute.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "../../support/netstack_examples.h"
#include "core/overloaded.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

// A host made of values, with the kernel's rules: what stands on a link goes with it, what exists
// cannot be made again. Fails at a chosen step.
class FakeHost : public Applier {
 public:
  struct State {
    std::set<std::string> things;  // links, addresses, routes, elements, DNS lines, by description
    std::map<std::string, std::string> settings;
    bool has_table = false;
    bool is_loopback_up = false;
  };

  /// The state as text, for a readable failure.
  [[nodiscard]] std::string describe() const {
    std::string text = fmt::format("table {} loopback {}\n", state.has_table, state.is_loopback_up);
    for (const auto& thing : state.things) text += thing + "\n";
    for (const auto& [key, value] : state.settings) text += key + " = " + value + "\n";
    return text;
  }

  State state;
  int steps_until_failure = -1;

  Result<void> apply(const Step& step) override {
    if (steps_until_failure == 0) {
      steps_until_failure = -1;
      return fail(Errc::system, "chosen to fail: {}", to_string(step));
    }
    if (steps_until_failure > 0) --steps_until_failure;
    return std::visit(
        Overloaded{
            [&](const CreateBridge& s) { return make("link " + s.bridge.name.str()); },
            [&](const CreateVeth& s) { return make("link " + s.veth.name.str()); },
            [&](const DeleteLinks& s) -> Result<void> {
              for (const auto& link : s.links) {
                std::erase_if(state.things, [&](const std::string& thing) {
                  return thing == "link " + link.name.str() ||
                         thing.find(" on " + link.name.str()) != std::string::npos ||
                         (link.name.str().starts_with("veth") && is_of_container(thing));
                });
                std::erase_if(state.settings, [&](const auto& setting) {
                  return setting.first.find("/" + link.name.str() + "/") != std::string::npos ||
                         setting.first.starts_with("container ");
                });
              }
              return {};
            },
            [&](const CreateLanLink& s) { return make(lan_link(s.link.group, s.link.name)); },
            [&](const DeleteLinkGroups& s) -> Result<void> {
              for (const auto group : s.groups) {
                const auto link = lan_link(group, *LinkName::parse("eth0"));
                if (state.things.erase(link) == 0) continue;
                std::erase_if(state.things,
                              [](const auto& thing) { return is_of_container(thing); });
                std::erase_if(state.settings, [](const auto& setting) {
                  return setting.first.starts_with("container ");
                });
              }
              return {};
            },
            [&](const AddAddress& s) {
              return make("address " + s.address.to_string() + " on " + s.link.str());
            },
            [&](const RemoveAddress& s) {
              return drop("address " + s.address.to_string() + " on " + s.link.str());
            },
            [&](const BringUp& s) { return make("up on " + s.link.str()); },
            [&](const TakeDown& s) { return drop("up on " + s.link.str()); },
            [&](const JoinZone& s) { return make("zone of " + s.bridge.str()); },
            [&](const LeaveZone& s) { return drop("zone of " + s.bridge.str()); },
            [&](const PlaceAccepts& s) { return make("accepts of " + s.accepts.bridge.str()); },
            [&](const RemoveAccepts& s) { return drop("accepts of " + s.accepts.bridge.str()); },
            [&](const EnableHairpin& s) { return make("hairpin on " + s.link.str()); },
            [&](const StartLoopback&) -> Result<void> {
              state.is_loopback_up = true;
              return {};
            },
            [&](const StopLoopback&) -> Result<void> {
              state.is_loopback_up = false;
              return {};
            },
            [&](const AddRoute& s) { return make(route(s.route)); },
            [&](const RemoveRoute& s) { return drop(route(s.route)); },
            [&](const SetSysctl& s) -> Result<void> {
              const auto key = (s.place == Place::host ? "" : "container ") + s.key;
              if (s.before && state.settings[key] != *s.before) return {};
              state.settings[key] = s.value;
              return {};
            },
            [&](const ChangeFirewalld& s) -> Result<void> {
              for (const auto& e : s.remove) TRY_VOID(drop("firewalld " + firewall::to_string(e)));
              for (const auto* more : {&s.restore, &s.add}) {
                for (const auto& e : *more) TRY_VOID(make("firewalld " + firewall::to_string(e)));
              }
              return {};
            },
            [&](const ChangeFirewall& s) -> Result<void> {
              if (s.table == TableChange::remove) {
                state.has_table = false;
                std::erase_if(state.things,
                              [](const auto& thing) { return thing.starts_with("element"); });
                return {};
              }
              if (s.table != TableChange::keep) state.has_table = true;
              for (const auto& e : s.remove) TRY_VOID(drop("element " + firewall::to_string(e)));
              for (const auto& e : s.restore) TRY_VOID(make("element " + firewall::to_string(e)));
              for (const auto& e : s.add) TRY_VOID(make("element " + firewall::to_string(e)));
              return {};
            },
            [&](const AddDnsEntry& s) { return make("dns " + s.file + s.container.str()); },
            [&](const RemoveDnsEntry& s) { return drop("dns " + s.file + s.container.str()); },
            [](const auto&) { return Result<void>{}; }},
        step);
  }

 private:
  static std::string lan_link(uint32_t group, const LinkName& name) {
    return fmt::format("link {} of group {}", name, group);
  }
  static std::string route(const host::Route& route) {
    return "route " + route.destination.to_string() + " metric " + std::to_string(route.metric) +
           (route.gateway ? " by gateway" : "");
  }
  static bool is_of_container(const std::string& thing) {
    // A route through a gateway goes with its link; a blackhole does not.
    return thing.find(" on eth") != std::string::npos ||
           (thing.starts_with("route") && thing.ends_with(" by gateway"));
  }
  Result<void> make(const std::string& thing) {
    if (!state.things.insert(thing).second) return fail(Errc::already_exists, "{}", thing);
    return {};
  }
  Result<void> drop(const std::string& thing) {
    state.things.erase(thing);
    return {};
  }
};

Steps planned_steps(const std::string& request) {
  const auto asked = *decode_setup_request(request);
  return plan_setup(asked, examples::empty_host(asked), examples::settings())->plan.steps;
}

const std::vector<std::string> kRequests{examples::request_text(), examples::lan_request_text(),
                                         examples::lan_request_text("ipvlan", "{}")};

}  // namespace

TEST_CASE("whichever step fails, the host is as before") {
  for (const auto& request : kRequests) {
    const auto steps = planned_steps(request);
    REQUIRE(steps.size() > 12);
    for (size_t failing = 0; failing < steps.size(); ++failing) {
      CAPTURE(to_string(steps[failing]));
      FakeHost host;
      host.state.settings["net/ipv4/ip_forward"] = "0";
      const auto before = host.describe();
      host.steps_until_failure = static_cast<int>(failing);
      const auto done = execute_all_or_nothing(steps, host);
      REQUIRE_FALSE(done);
      CHECK(done.error().message.starts_with("chosen to fail"));
      CHECK(host.describe() == before);
    }
  }
}

// Takes up to three steps along in one visit.
class VisitedHost : public FakeHost {
 public:
  Applied apply_first(std::span<const Step> steps) override {
    Applied applied;
    for (const auto& step : steps.first(std::min<size_t>(steps.size(), 3))) {
      applied.outcome = apply(step);
      if (!applied.outcome) break;
      ++applied.count;
    }
    return applied;
  }
};

TEST_CASE("whichever step of a visit fails, the host is as before, and the other steps are done") {
  const auto steps = planned_steps(examples::request_text());
  FakeHost whole;
  whole.state.settings["net/ipv4/ip_forward"] = "0";
  CHECK(execute_all(steps, whole).empty());
  for (size_t failing = 0; failing < steps.size(); ++failing) {
    CAPTURE(to_string(steps[failing]));
    VisitedHost host;
    host.state.settings["net/ipv4/ip_forward"] = "0";
    const auto before = host.describe();
    host.steps_until_failure = static_cast<int>(failing);
    REQUIRE_FALSE(execute_all_or_nothing(steps, host));
    CHECK(host.describe() == before);
    host.steps_until_failure = static_cast<int>(steps.size());  // none
    CHECK(execute_all(steps, host).empty());
    CHECK(host.describe() == whole.describe());
    host.steps_until_failure = static_cast<int>(failing);
    CHECK(execute_all(steps, host).size() > 5);  // all that is there already, and the chosen one
  }
}

TEST_CASE("a set-up that was cut short anywhere is taken back by the inverse of its whole plan") {
  for (const auto& request : kRequests) {
    const auto steps = planned_steps(request);
    for (size_t done = 0; done <= steps.size(); ++done) {
      CAPTURE(done);
      FakeHost host;
      host.state.settings["net/ipv4/ip_forward"] = "0";
      const auto before = host.describe();
      CHECK(execute_all({steps.data(), done}, host).empty());
      CHECK(execute_all(invert(steps), host).empty());
      CHECK(host.describe() == before);
    }
  }
}

TEST_CASE("all of a plan fails only where steps fail, and says so for each") {
  const auto steps = planned_steps(examples::request_text());
  FakeHost host;
  CHECK(execute_all(steps, host).empty());
  const auto errors = execute_all(steps, host);
  CHECK(errors.size() > 5);
  for (const auto& error : errors) CHECK(error.code == Errc::already_exists);
}

namespace {

Steps planned_for_firewalld() {
  const auto asked = *decode_setup_request(examples::request_text());
  auto there = examples::empty_host(asked);
  there.firewalld_driver = FirewalldDriverSnapshot{};
  auto settings = examples::settings();
  settings.firewall = FirewallDriver::firewalld;
  return plan_setup(asked, there, settings)->plan.steps;
}

// firewalld does not answer; whether it has done what it was asked for, nobody knows.
class SilentFirewalld : public FakeHost {
 public:
  Result<void> apply(const Step& step) override {
    if (std::holds_alternative<ChangeFirewalld>(step)) return fail(Errc::timeout, "no answer");
    return FakeHost::apply(step);
  }
};

}  // namespace

TEST_CASE("whichever step fails with the driver firewalld, the host is as before") {
  const auto steps = planned_for_firewalld();
  for (size_t failing = 0; failing < steps.size(); ++failing) {
    CAPTURE(to_string(steps[failing]));
    FakeHost host;
    host.state.settings["net/ipv4/ip_forward"] = "0";
    const auto before = host.describe();
    host.steps_until_failure = static_cast<int>(failing);
    REQUIRE_FALSE(execute_all_or_nothing(steps, host));
    CHECK(host.describe() == before);
  }
}

TEST_CASE("what firewalld was asked for in vain is left to be taken back later: it may do it yet") {
  const auto steps = planned_for_firewalld();
  SilentFirewalld host;
  host.state.settings["net/ipv4/ip_forward"] = "0";
  const auto before = host.describe();
  const auto attempt = attempt_all(steps, host);
  CHECK(attempt.outcome.error().code == Errc::timeout);
  CHECK(host.describe() == before);
  REQUIRE(attempt.left.size() == 1);
  const auto* left = std::get_if<ChangeFirewalld>(&attempt.left.front().step);
  REQUIRE(left != nullptr);
  CHECK_FALSE(left->remove.empty());
  CHECK(left->add.empty());
}
