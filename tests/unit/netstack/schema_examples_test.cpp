// The examples beside the JSON Schemas, through the real decoders: schema and decoder cannot drift
// apart. That the examples satisfy the schemas is an integration test, which has a validator.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "netstack/create_request.h"
#include "netstack/network.h"
#include "netstack/request.h"
#include "netstack/status.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

struct Example {
  std::string name;
  std::string text;
};

std::vector<Example> examples(const std::string& kind_and_schema) {
  std::vector<Example> found;
  const auto directory =
      std::filesystem::path(BURROW_SOURCE_DIR) / "schemas" / "examples" / kind_and_schema;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path());
    found.push_back({entry.path().stem(), {std::istreambuf_iterator<char>(file), {}}});
  }
  std::ranges::sort(found, {}, &Example::name);
  REQUIRE_FALSE(found.empty());
  return found;
}

std::string error_of_network(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error().message;
  const auto network = decode_network(JsonCursor{*document});
  return network ? "" : network.error().message;
}

std::string error_of_request(const std::string& text) {
  const auto request = decode_setup_request(text);
  return request ? "" : request.error().message;
}

std::string error_of_create_request(const std::string& text) {
  const auto request = decode_create_request(text);
  return request ? "" : request.error().message;
}

std::string error_of_status(const std::string& text) {
  const auto statuses = decode_statuses(text);
  return statuses ? "" : statuses.error().message;
}

template <typename Decode>
void check_accepted(const std::string& kind_and_schema, Decode error_of) {
  for (const auto& [name, text] : examples(kind_and_schema)) {
    CAPTURE(name);
    CHECK(error_of(text) == "");
  }
}

template <typename Decode>
void check_refused(const std::string& kind_and_schema, Decode error_of) {
  for (const auto& [name, text] : examples(kind_and_schema)) {
    CAPTURE(name);
    CHECK(error_of(text) != "");
  }
}

}  // namespace

TEST_CASE("valid examples of a network are accepted, invalid and contradictory ones refused") {
  check_accepted("valid/network", error_of_network);
  check_refused("invalid/network", error_of_network);
  check_refused("contradictory/network", error_of_network);
}

TEST_CASE("valid examples of a request are accepted, invalid and contradictory ones refused") {
  check_accepted("valid/setup-request", error_of_request);
  check_refused("invalid/setup-request", error_of_request);
  check_refused("contradictory/setup-request", error_of_request);
}

TEST_CASE(
    "valid examples of a create request are accepted, invalid and contradictory ones refused") {
  check_accepted("valid/create-request", error_of_create_request);
  check_refused("invalid/create-request", error_of_create_request);
  check_refused("contradictory/create-request", error_of_create_request);
}

TEST_CASE("valid examples of a status are accepted and invalid ones refused") {
  check_accepted("valid/status", error_of_status);
  check_refused("invalid/status", error_of_status);
}
