#include "netstack/plan_heal.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace burrow;
using namespace burrow::netstack;
using firewall::Element;
using firewall::PortRange;
using firewall::SetName;

namespace {

Element port(uint16_t number, std::string owner, uint8_t host = 2) {
  return {.set = SetName::publish4,
          .key = {Protocol::tcp, PortRange{number, number}},
          .value = {IpAddress::v4(0x0a590000U + host), PortRange{80, 80}},
          .owner = std::move(owner)};
}

}  // namespace

TEST_CASE("missing is what is on record and does not stand, record by record") {
  const RecordedGroup web{"attachments/web/front.json", {port(80, "web"), port(81, "web")}};
  const RecordedGroup api{"attachments/api/front.json", {port(90, "api")}};
  const std::vector<const RecordedGroup*> recorded{&web, &api};
  const std::vector<Element> standing{port(80, "web"), port(99, "somebody")};
  const auto missing = missing_from(recorded, standing);
  REQUIRE(missing.size() == 2);
  CHECK(missing[0].record == web.record);
  CHECK(missing[0].elements == std::vector{port(81, "web")});
  CHECK(missing[1].elements == api.elements);
  CHECK(elements_of(missing).size() == 2);
  CHECK(missing_from(recorded, elements_of(missing)).size() == 1);
}

TEST_CASE("what somebody else has at the same key, or what leads elsewhere, is missing") {
  const RecordedGroup web{"web", {port(80, "web")}};
  const std::vector<const RecordedGroup*> recorded{&web};
  CHECK(missing_from(recorded, std::vector{port(80, "api")}).size() == 1);
  CHECK(missing_from(recorded, std::vector{port(80, "web", 3)}).size() == 1);
  CHECK(missing_from(recorded, std::vector{port(80, "web")}).empty());
}

TEST_CASE("of what was taken away only that comes back which is on record") {
  const RecordedGroup web{"web", {port(80, "web"), port(81, "web")}};
  const std::vector<const RecordedGroup*> recorded{&web};
  const auto back = recorded_among(recorded, {port(99, "gone"), port(81, "web")});
  REQUIRE(back.size() == 1);
  CHECK(back.front().elements == std::vector{port(81, "web")});
  CHECK(recorded_among(recorded, {port(99, "gone")}).empty());
}
