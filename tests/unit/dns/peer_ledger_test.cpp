#include "dns/peer_ledger.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dns;
using burrow::firewall::NamedPeer;
using burrow::firewall::PeerVerdict;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Noted = PeerLedger::Noted;

const PeerLedger::Time kStart{hours{1000}};

NamedPeer peer(int number, std::string_view owner = "10.0.0.2") {
  return {PeerVerdict::allow, *IpAddress::parse(owner),
          *IpAddress::parse(fmt::format("192.0.2.{}", number))};
}

Noted note(PeerLedger& ledger, const NamedPeer& one, seconds time, seconds at = seconds{0},
           std::string_view name = "a.example") {
  return ledger.note(one, kStart + at + time, name, fmt::format("web: {}", name), kStart + at);
}

}  // namespace

TEST_CASE("an address stays open for its time and a minute, at least two minutes, at most a day") {
  CHECK(opening_time(seconds{0}) == seconds{120});
  CHECK(opening_time(seconds{60}) == seconds{120});
  CHECK(opening_time(seconds{300}) == seconds{360});
  CHECK(opening_time(hours{24 * 365}) == hours{24} + seconds{60});
}

TEST_CASE("what is new is written once, and what stands long enough is not") {
  PeerLedger ledger;
  CHECK(note(ledger, peer(1), seconds{120}) == Noted::to_write);
  // Noted again before it is written: written once, for the longer time.
  CHECK(note(ledger, peer(1), seconds{100}) == Noted::to_write);
  const auto first = ledger.take_unwritten(kStart + seconds{1});
  REQUIRE(first.size() == 1);
  CHECK(first[0].peer == peer(1));
  CHECK(first[0].time == seconds{119});
  CHECK(first[0].comment == "web: a.example");
  CHECK(ledger.take_unwritten(kStart).empty());
  CHECK(note(ledger, peer(1), seconds{120}, seconds{30}) == Noted::standing);
  CHECK(note(ledger, peer(1), seconds{120}, seconds{31}) == Noted::to_write);
  CHECK(ledger.take_unwritten(kStart + seconds{31})[0].time == seconds{120});
  // Never for shorter.
  CHECK(note(ledger, peer(1), seconds{60}, seconds{40}) == Noted::standing);
}

TEST_CASE("what ended is written again, and what was not written after all, too") {
  PeerLedger ledger;
  note(ledger, peer(1), seconds{20});
  ledger.take_unwritten(kStart);
  CHECK(note(ledger, peer(1), seconds{20}, seconds{20}) == Noted::to_write);
  const auto taken = ledger.take_unwritten(kStart + seconds{20});
  ledger.mark_unwritten(taken);
  CHECK(ledger.take_unwritten(kStart + seconds{20}).empty());
  CHECK(note(ledger, peer(1), seconds{20}, seconds{21}) == Noted::to_write);
  CHECK(ledger.take_unwritten(kStart + seconds{60})[0].time == milliseconds{1});
}

TEST_CASE("an owner and all of them have a bound, and what ended makes room") {
  PeerLedger ledger{{.per_owner = 2, .in_all = 3}};
  CHECK(note(ledger, peer(1), seconds{10}) == Noted::to_write);
  CHECK(note(ledger, peer(2), seconds{100}) == Noted::to_write);
  CHECK(note(ledger, peer(3), seconds{100}) == Noted::full);
  CHECK(note(ledger, peer(2), seconds{100}) == Noted::to_write);  // is in already
  CHECK(note(ledger, peer(1, "10.0.0.3"), seconds{100}) == Noted::to_write);
  CHECK(note(ledger, peer(2, "10.0.0.3"), seconds{100}) == Noted::full);
  CHECK(ledger.size() == 3);
  CHECK(note(ledger, peer(3), seconds{100}, seconds{10}) == Noted::to_write);
  CHECK(ledger.size() == 3);
}

TEST_CASE("who has no room is looked for what ended when something has, and once in a second") {
  PeerLedger ledger{{.per_owner = 4, .in_all = 4}};
  for (int i = 1; i <= 4; ++i) note(ledger, peer(i), seconds{10 + i});
  for (int i = 5; i <= 250; ++i) {
    CHECK(note(ledger, peer(i), seconds{100}, seconds{10}) == Noted::full);
  }
  CHECK(ledger.sweeps() == 0);
  CHECK(note(ledger, peer(5), seconds{100}, seconds{11}) == Noted::to_write);
  CHECK(ledger.sweeps() == 1);
  CHECK(note(ledger, peer(6), seconds{100}, seconds{11}) == Noted::full);
  CHECK(ledger.sweeps() == 1);
  CHECK(note(ledger, peer(6), seconds{100}, seconds{12}) == Noted::to_write);
  // 13 and 14 are over by now; the sooner end was looked for within the second before.
  CHECK(note(ledger, peer(7), seconds{1}, seconds{14}) == Noted::to_write);
  CHECK(note(ledger, peer(8), seconds{100}, seconds{14}) == Noted::to_write);
  CHECK(note(ledger, peer(9), seconds{100}, seconds{14}) == Noted::full);
  CHECK(ledger.sweeps() == 3);
  CHECK(note(ledger, peer(9), seconds{100}, seconds{15}) == Noted::to_write);
  CHECK(ledger.sweeps() == 4);
  CHECK(ledger.size() == 4);
}

TEST_CASE("half of what one may have, and of all, has to be free for good room") {
  PeerLedger ledger{{.per_owner = 2, .in_all = 4}};
  const ListOwner two = *IpAddress::parse("10.0.0.2");
  CHECK(ledger.is_half_free(two));
  note(ledger, peer(1), seconds{100});
  CHECK(ledger.is_half_free(two));
  note(ledger, peer(2), seconds{100});
  CHECK_FALSE(ledger.is_half_free(two));
  const ListOwner three = *IpAddress::parse("10.0.0.3");
  CHECK(ledger.is_half_free(three));
  note(ledger, peer(1, "10.0.0.3"), seconds{100});
  CHECK_FALSE(ledger.is_half_free(three));
}

TEST_CASE("all that stands can be taken again, and nothing that ended") {
  PeerLedger ledger;
  note(ledger, peer(1), seconds{10});
  note(ledger, peer(2), seconds{100});
  ledger.take_unwritten(kStart);
  const auto all = ledger.take_all(kStart + seconds{10});
  REQUIRE(all.size() == 1);
  CHECK(all[0].peer == peer(2));
  CHECK(all[0].time == seconds{90});
}

TEST_CASE("what no list has any more is forgotten and told, by the name that opened it last") {
  PeerLedger ledger;
  note(ledger, peer(1), seconds{100}, seconds{0}, "a.example");
  note(ledger, peer(2), seconds{100}, seconds{0}, "b.example");
  note(ledger, peer(3), seconds{5}, seconds{0}, "a.example");
  const auto gone = ledger.forget_unlisted(
      [](const NamedPeer&, std::string_view name) { return name == "b.example"; },
      kStart + seconds{6});
  CHECK(gone == std::vector{peer(1)});
  CHECK(ledger.size() == 1);
  // It was still to be written: not any more.
  CHECK(ledger.take_unwritten(kStart).size() == 1);
  CHECK(note(ledger, peer(1), seconds{100}) == Noted::to_write);
}
