#include "netstack/trace.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::netstack;
using firewall::Decider;
using firewall::TraceEvent;
using firewall::TraceVerdict;

namespace {

TraceEvent event(uint32_t packet, std::string chain, TraceVerdict verdict,
                 Decider decider = Decider::policy) {
  return {.packet = packet,
          .family = "inet",
          .table = "burrow",
          .chain = std::move(chain),
          .decider = decider,
          .verdict = verdict,
          .packet_words = "tcp 10.0.0.2 port 1 to 10.0.0.3 port 2"};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a flow is two addresses, perhaps a port, which is TCP's unless something else is said") {
  const auto plain = *parse_flow("10.0.0.1", "10.0.0.2", {});
  CHECK_FALSE(plain.port);
  CHECK_FALSE(plain.protocol);
  const auto web = *parse_flow("10.0.0.1", "10.0.0.2:80", {});
  CHECK(web.port == 80);
  CHECK(web.protocol == Protocol::tcp);
  const auto dns = *parse_flow("fd00::1", "[fd00::2]:53", "udp");
  CHECK(dns.to == *IpAddress::parse("fd00::2"));
  CHECK(dns.port == 53);
  CHECK(dns.protocol == Protocol::udp);
  CHECK_FALSE(parse_flow("fd00::1", "fd00::2", {})->port);
  for (const auto* to : {"10.0.0.2:", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:x", "[fd00::2",
                         "[fd00::2]x", "", "fd00::2"}) {
    CHECK_FALSE(parse_flow("10.0.0.1", to, {}));
  }
  CHECK_FALSE(parse_flow("10.0.0.1", "10.0.0.2", "smtp"));
}

TEST_CASE("a story ends with who dropped the packet") {
  TraceStory story;
  CHECK(has(story.tell(event(7, "forward", TraceVerdict::accept)), "packet 1: tcp 10.0.0.2"));
  auto drop = event(7, "between", TraceVerdict::drop, Decider::rule);
  drop.rule = "oifname in @strict, drop";
  CHECK(has(story.tell(drop), "drops it"));
  CHECK(has(story.end(), "dropped by rule \"oifname in @strict, drop\" of inet burrow between"));
  CHECK(story.ended() == 1);
  CHECK(story.end().empty());
}

TEST_CASE("another number is the same packet until it meets a chain again") {
  TraceStory story;
  story.tell(event(1, "prerouting", TraceVerdict::accept));
  CHECK_FALSE(has(story.tell(event(2, "forward", TraceVerdict::accept)), "packet"));
  CHECK(story.ended() == 0);
  const auto next = story.tell(event(3, "prerouting", TraceVerdict::accept));
  CHECK(has(next, "no chain dropped it"));
  CHECK(has(next, "packet 2:"));
  CHECK(story.ended() == 1);
}
