#include "dns/command_line.h"

#include <doctest/doctest.h>

#include <vector>

using namespace burrow;
using namespace burrow::dns;

namespace {

Result<CommandLine> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "/usr/libexec/podman/burrow-dns");
  return parse_command_line(arguments);
}

}  // namespace

TEST_CASE("options stand before the subcommand, in every spelling") {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{"--config", "/d", "-p", "53", "run"},
                                             {"--config=/d", "--port=53", "run"},
                                             {"-c/d", "-p53", "run"},
                                             {"-c=/d", "-p=53", "run"}}) {
    const auto line = parse(arguments);
    REQUIRE(line);
    CHECK(line->subcommand == Subcommand::run);
    CHECK(line->config_directory == "/d");
    CHECK(line->port == 53);
    CHECK(line->search_domain == ".dns.podman");
    CHECK(line->compatibility == Compatibility::none);
  }
  CHECK(parse({"run"})->port == 5533);
  CHECK(parse({"-f", "", "run"})->search_domain.empty());
}

TEST_CASE("usage errors are refused") {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{},
                                                                     {"walk"},
                                                                     {"run", "-c", "/d"},
                                                                     {"run", "run"},
                                                                     {"-p", "65536", "run"},
                                                                     {"-p", "-1", "run"},
                                                                     {"-p", "", "run"},
                                                                     {"-p", "5x", "run"},
                                                                     {"--config"},
                                                                     {"-x", "run"},
                                                                     {"--compat=bind", "run"},
                                                                     {"--cache=all", "run"},
                                                                     {"--cache=1048577", "run"},
                                                                     {"-", "run"},
                                                                     {"--", "run"},
                                                                     {"--configs", "/d", "run"}}) {
    CHECK_FALSE(parse(arguments));
  }
}

TEST_CASE("called as aardvark-dns it has that name, version and habits") {
  const std::vector<const char*> arguments{"/usr/lib/podman/aardvark-dns", "--version"};
  const auto line = parse_command_line(arguments);
  REQUIRE(line);
  CHECK(line->subcommand == Subcommand::print_version);
  CHECK(line->compatibility == Compatibility::aardvark);
  CHECK(version_text(line->compatibility).starts_with("aardvark-dns 2.0.0"));
  CHECK(version_text(Compatibility::none).starts_with("burrow-dns "));
  CHECK(parse({"--compat=aardvark", "run"})->compatibility == Compatibility::aardvark);
  CHECK(parse({"--compat", "none", "run"})->compatibility == Compatibility::none);
}

TEST_CASE("the size of the cache is set in KiB, and 0 turns it off") {
  CHECK(!parse({"run"})->cache_kib);
  CHECK(parse({"--cache", "64", "run"})->cache_kib == 64);
  CHECK(parse({"--cache=0", "run"})->cache_kib == 0);
}

TEST_CASE("the version document has aardvark-dns' four keys in their order") {
  const auto document = version_document(Compatibility::aardvark);
  size_t at = 0;
  for (const auto* key :
       {"{\n  \"version\": \"2.0.0\"", "\"commit\"", "\"build_time\"", "\"target\""}) {
    at = document.find(key, at);
    CHECK(at != document.npos);
  }
}

TEST_CASE("there is one thread unless more are asked for") {
  CHECK(parse({"run"})->threads == 1);
  CHECK(parse({"--threads", "2", "run"})->threads == 2);
  for (const char* bad : {"--threads=0", "--threads=65", "--threads=two", "--threads=-1"}) {
    CHECK_MESSAGE(!parse({bad, "run"}), bad);
  }
}

TEST_CASE("metrics are served at loopback addresses alone") {
  const auto line = parse({"--metrics", "127.0.0.1:9153", "run"});
  REQUIRE(line);
  CHECK(line->metrics->address.to_string() == "127.0.0.1");
  CHECK(line->metrics->port == 9153);
  CHECK(parse({"--metrics=[::1]:0", "run"})->metrics->address.is_v6());
  CHECK_FALSE(parse({"run"})->metrics);
  for (const auto* value : {"", "9153", "127.0.0.1", "0.0.0.0:9153", "10.0.0.1:1", "[::]:1", "::1",
                            "127.0.0.1:65536", "localhost:1", "[127.0.0.1:1"}) {
    CAPTURE(value);
    CHECK_FALSE(parse({"--metrics", value, "run"}));
  }
}
