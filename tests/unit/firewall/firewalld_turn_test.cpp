#include "firewall/firewalld_turn.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

using namespace burrow;
using namespace burrow::firewall;
using namespace std::chrono_literals;

namespace {

struct Place {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("burrow-turn-{}", ::getpid());
  std::filesystem::path file = directory / "turn.lock";
  ~Place() { std::filesystem::remove_all(directory); }
};

}  // namespace

TEST_CASE("who has the turn keeps others waiting for as long as they have patience") {
  const Place place;
  auto first = FirewalldTurn::await(1ms, place.file);
  REQUIRE(first.has_value());
  const auto second = FirewalldTurn::await(5ms, place.file);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::timeout);

  bool had_turn = false;
  std::thread waiting{[&] { had_turn = FirewalldTurn::await(60s, place.file).has_value(); }};
  { const auto done = *std::move(first); }
  waiting.join();
  CHECK(had_turn);
}

TEST_CASE("the file of the turn goes with it") {
  const Place place;
  {
    const auto turn = FirewalldTurn::await(1ms, place.file);
    CHECK(std::filesystem::exists(place.file));
  }
  CHECK_FALSE(std::filesystem::exists(place.file));
}
