#include "dns/race.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dns;
using std::chrono::milliseconds;

namespace {

constexpr Clock::time_point kStart{std::chrono::hours{1}};

Clock::time_point at(int ms) { return kStart + milliseconds{ms}; }

// A race between servers 0, 1, ... with 300 ms each and 4.5 s in all.
Race make_race(size_t servers, size_t trusted, std::optional<size_t> probe = {},
               Race::Rules::OnFailure on_failure = Race::Rules::OnFailure::next_server,
               Transport transport = Transport::udp) {
  Turns turns{.servers = std::vector<Upstream>(servers), .trusted = trusted, .probe = probe};
  return Race{turns,
              {.transport = transport,
               .patience = milliseconds{4500},
               .turns = std::vector<Clock::duration>(servers, milliseconds{300}),
               .on_failure = on_failure},
              kStart};
}

// Which servers a decision asks, as "0u 1t".
std::string asked(const Race::Decision& decision) {
  std::string text;
  for (const auto& ask : decision.asks) {
    if (!text.empty()) text += ' ';
    text += std::to_string(ask.server) + (ask.transport == Transport::udp ? 'u' : 't');
  }
  return text;
}

}  // namespace

TEST_CASE("the next server is asked when the first had its turn, and the first answer wins") {
  auto race = make_race(2, 2);
  CHECK(asked(race.begin()) == "0u");
  CHECK(race.next_event() == at(300));
  CHECK(asked(race.reached(at(299))).empty());
  CHECK(asked(race.reached(at(300))) == "1u");
  const auto decision = race.found(1, Finding::positive, at(310));
  CHECK(decision.end == Race::End::use_this);
}

TEST_CASE("a late answer of the first server still counts") {
  auto race = make_race(2, 2);
  race.begin();
  race.reached(at(300));
  CHECK(race.found(0, Finding::positive, at(1500)).end == Race::End::use_this);
}

TEST_CASE("a server that refuses EDNS is asked once more, without it, and then loses its turn") {
  auto race = make_race(2, 2);
  race.begin();
  CHECK(asked(race.found(0, Finding::without_edns, at(10))) == "0u");
  CHECK(asked(race.found(0, Finding::without_edns, at(20))) == "1u");
  CHECK(race.found(1, Finding::positive, at(30)).end == Race::End::use_this);
}

TEST_CASE("a server that fails makes room for the next at once") {
  for (const auto finding : {Finding::failed, Finding::broken, Finding::unreachable}) {
    auto race = make_race(2, 2);
    race.begin();
    const auto decision = race.found(0, finding, at(5));
    CHECK(asked(decision) == "1u");
    CHECK_FALSE(decision.end);
    CHECK(race.found(1, Finding::positive, at(9)).end == Race::End::use_this);
  }
}

TEST_CASE("the last failure is used when nobody does better, and given up when there is none") {
  auto race = make_race(2, 2);
  race.begin();
  CHECK(race.found(0, Finding::failed, at(5)).keep == Race::Keep::as_failure);
  CHECK(race.found(1, Finding::unreachable, at(6)).end == Race::End::use_failure);
  auto silent = make_race(1, 1);
  silent.begin();
  CHECK(silent.reached(at(4500)).end == Race::End::give_up);
  auto gone = make_race(1, 1);
  gone.begin();
  CHECK(gone.found(0, Finding::unreachable, at(1)).end == Race::End::give_up);
}

TEST_CASE("the first failure is final where that is the rule") {
  auto race = make_race(2, 2, {}, Race::Rules::OnFailure::relay);
  race.begin();
  CHECK(race.found(0, Finding::failed, at(5)).end == Race::End::use_this);
}

TEST_CASE("a later server's no waits for an earlier one, for a second at most") {
  auto race = make_race(2, 2);
  race.begin();
  race.reached(at(300));
  const auto decision = race.found(1, Finding::negative, at(310));
  CHECK(decision.keep == Race::Keep::as_negative);
  CHECK_FALSE(decision.end);
  SUBCASE("whose yes wins") {
    CHECK(race.found(0, Finding::positive, at(600)).end == Race::End::use_this);
  }
  SUBCASE("whose own no is taken") {
    CHECK(race.found(0, Finding::negative, at(600)).end == Race::End::use_this);
  }
  SUBCASE("whose failure makes it count") {
    CHECK(race.found(0, Finding::failed, at(600)).end == Race::End::use_negative);
  }
  SUBCASE("whose silence makes it count") {
    CHECK(race.next_event() == at(800));  // sent again before
    CHECK(race.reached(at(800)).is_time_to_resend);
    CHECK(race.next_event() == at(1000));
    CHECK(race.reached(at(1000)).end == Race::End::use_negative);
  }
}

TEST_CASE("the first server's no counts at once") {
  auto race = make_race(2, 2);
  race.begin();
  race.reached(at(300));
  CHECK(race.found(0, Finding::negative, at(310)).end == Race::End::use_this);
}

TEST_CASE("a no does not wait for a server that was silent lately") {
  auto race = make_race(2, 1, 1);
  CHECK(asked(race.begin()) == "0u 1u");
  CHECK(race.found(0, Finding::negative, at(5)).end == Race::End::use_this);
  auto other = make_race(2, 0);
  other.begin();
  other.reached(at(300));
  CHECK(other.found(1, Finding::negative, at(310)).end == Race::End::use_this);
}

TEST_CASE("a truncated answer is fetched over TCP and used cut when there is no TCP") {
  auto race = make_race(1, 1);
  race.begin();
  const auto decision = race.found(0, Finding::truncated, at(5));
  CHECK(decision.keep == Race::Keep::as_failure);
  CHECK(asked(decision) == "0t");
  CHECK(race.found(0, Finding::unreachable, at(6)).end == Race::End::use_failure);
}

TEST_CASE("a doubtful answer is decided over TCP, or once more over UDP when there is no TCP") {
  auto race = make_race(1, 1);
  race.begin();
  CHECK(asked(race.found(0, Finding::doubtful, at(5))) == "0t");
  CHECK(asked(race.found(0, Finding::unreachable, at(6))) == "0u");
  CHECK(race.found(0, Finding::doubtful, at(7)).end == Race::End::give_up);
}

TEST_CASE("a question that came over TCP goes up over TCP, or over UDP when there is no TCP") {
  auto race = make_race(1, 1, {}, Race::Rules::OnFailure::next_server, Transport::tcp);
  CHECK(asked(race.begin()) == "0t");
  CHECK(asked(race.found(0, Finding::unreachable, at(6))) == "0u");
  CHECK(race.found(0, Finding::positive, at(7)).end == Race::End::use_this);
}

TEST_CASE("what stays unanswered is sent again twice") {
  auto race = make_race(1, 1);
  race.begin();
  int resends = 0;
  while (race.next_event() < at(4500)) {
    resends += race.reached(race.next_event()).is_time_to_resend ? 1 : 0;
  }
  CHECK(resends == 2);
  CHECK(race.reached(at(4500)).end == Race::End::give_up);
}
