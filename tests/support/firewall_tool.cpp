// Test-only: drives firewall/ in the current network namespace from JSON on stdin, so that tests
// written in Python can send real packets through it.
//
//   firewall-tool observe | bridges | ruleset
//   firewall-tool compile | owners | apply [keep|create|remove|replace|ensure] < policy.json
//   firewall-tool forget-udp < ports.json
//   firewall-tool bench EXISTING NEW
//
// policy.json: {"networks": [...], "publications": [...], "remove": {"networks": ..., ...}}.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "core/json.h"
#include "firewall/conntrack.h"
#include "firewall/nftables.h"
#include "firewall/policy.h"
#include "firewall/ruleset.h"

namespace {

using namespace burrow;
using namespace burrow::firewall;

Result<std::optional<IpAddress>> optional_address(const JsonCursor& cursor, std::string_view key) {
  const auto member = TRY(cursor.find(key));
  if (!member) return std::nullopt;
  return std::optional{TRY(member->parsed(IpAddress::parse))};
}

template <typename Value, typename Decode>
Result<std::vector<Value>> list(const JsonCursor& cursor, std::string_view key, Decode decode) {
  std::vector<Value> values;
  const auto member = TRY(cursor.find(key));
  if (!member) return values;
  for (const auto& element : TRY(member->elements())) values.push_back(TRY(decode(element)));
  return values;
}

Result<PortMapping> decode_mapping(const JsonCursor& cursor) {
  const auto number = [&](std::string_view key, uint16_t absent) -> Result<uint16_t> {
    const auto member = TRY(cursor.find(key));
    if (!member) return absent;
    return static_cast<uint16_t>(TRY(member->unsigned_integer(65535)));
  };
  PortMapping mapping;
  mapping.host_address = TRY(optional_address(cursor, "host_ip"));
  mapping.host_port = TRY(number("host_port", 0));
  mapping.container_port = TRY(number("container_port", mapping.host_port));
  mapping.count = TRY(number("range", 1));
  const auto protocol = TRY(cursor.find("protocol"));
  if (protocol) mapping.protocol = TRY(protocol->parsed(parse_protocol));
  return mapping;
}

Result<NetworkPolicy> decode_network(const JsonCursor& cursor) {
  NetworkPolicy policy{
      .name = TRY(TRY(cursor.at("name")).parsed(NetworkName::parse)),
      .bridge = TRY(TRY(cursor.at("bridge")).parsed(LinkName::parse)),
  };
  policy.subnets = TRY(list<IpNetwork>(
      cursor, "subnets", [](const JsonCursor& one) { return one.parsed(IpNetwork::parse); }));
  const auto isolate = TRY(cursor.find("isolate"));
  if (isolate) {
    const auto word = TRY(isolate->string());
    if (word == "true") policy.isolation = Isolation::isolated;
    if (word == "strict") policy.isolation = Isolation::strict;
  }
  const auto internal = TRY(cursor.find("internal"));
  if (internal && TRY(internal->boolean())) policy.reach = Reach::internal;
  const auto loopback = TRY(cursor.find("loopback6"));
  if (loopback && TRY(loopback->boolean())) policy.loopback6 = Loopback6::reachable;
  const auto gateway = TRY(cursor.find("gateway_mode"));
  if (gateway && TRY(gateway->string()) == "routed") policy.gateway = GatewayMode::routed;
  policy.outbound4 = TRY(optional_address(cursor, "outbound4"));
  policy.outbound6 = TRY(optional_address(cursor, "outbound6"));
  policy.dns =
      TRY(list<DnsRedirect>(cursor, "dns", [](const JsonCursor& one) -> Result<DnsRedirect> {
        return DnsRedirect{
            .listen = TRY(TRY(one.at("listen")).parsed(IpAddress::parse)),
            .port = static_cast<uint16_t>(TRY(TRY(one.at("port")).unsigned_integer(65535)))};
      }));
  return policy;
}

Result<Publication> decode_publication(const JsonCursor& cursor) {
  Publication publication{
      .container = TRY(TRY(cursor.at("container")).parsed(ContainerId::parse)),
      .container_name = TRY(TRY(cursor.at("name")).string()),
      .network = TRY(TRY(cursor.at("network")).parsed(NetworkName::parse)),
  };
  publication.ports = TRY(list<PortMapping>(cursor, "ports", decode_mapping));
  publication.address4 = TRY(optional_address(cursor, "address4"));
  publication.address6 = TRY(optional_address(cursor, "address6"));
  const auto publish = TRY(cursor.find("publish"));
  if (publish && TRY(publish->string()) == "host-firewall") {
    publication.publishing = Publishing::host_firewall;
  }
  return publication;
}

Result<std::vector<Element>> decode_policy(const JsonCursor& cursor) {
  std::vector<Element> elements;
  for (const auto& network : TRY(list<NetworkPolicy>(cursor, "networks", decode_network))) {
    std::ranges::move(compile(network), std::back_inserter(elements));
  }
  for (const auto& one : TRY(list<Publication>(cursor, "publications", decode_publication))) {
    std::ranges::move(TRY(compile(one)), std::back_inserter(elements));
  }
  for (auto& element : TRY(list<Element>(cursor, "elements", decode_element))) {
    elements.push_back(std::move(element));
  }
  return elements;
}

Result<Json> read_input() {
  const std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
  return parse_json(text);
}

std::string_view to_string(TableState state) {
  switch (state) {
    case TableState::missing:
      return "missing";
    case TableState::current:
      return "current";
    case TableState::damaged:
      return "damaged";
    case TableState::outdated:
      return "outdated";
  }
  return "?";
}

Result<Change::Table> decode_table(std::string_view word, Nftables& nftables) {
  if (word == "keep") return Change::Table::keep;
  if (word == "create") return Change::Table::create;
  if (word == "remove") return Change::Table::remove;
  if (word == "mend") return Change::Table::mend;
  if (word == "replace") return Change::Table::replace;
  if (word == "ensure") {
    switch (TRY(nftables.observe())) {
      case TableState::missing:
        return Change::Table::create;
      case TableState::current:
        return Change::Table::keep;
      case TableState::damaged:
        return Change::Table::mend;
      case TableState::outdated:
        return Change::Table::replace;
    }
  }
  return fail(Errc::invalid_input, "unknown word \"{}\"", word);
}

Result<void> apply(std::string_view word) {
  auto nftables = TRY(Nftables::open());
  Change change;
  change.table = TRY(decode_table(word, nftables));
  const auto document = TRY(read_input());
  const JsonCursor root{document};
  change.add = TRY(decode_policy(root));
  if (const auto removed = TRY(root.find("remove"))) change.remove = TRY(decode_policy(*removed));
  return nftables.apply(change);
}

std::vector<Element> many_ports(uint32_t first, uint32_t count, std::string_view name) {
  std::vector<Element> elements;
  for (uint32_t i = first; i < first + count; ++i) {
    const auto port = static_cast<uint16_t>(1 + i);
    elements.push_back(
        {.set = SetName::publish4,
         .key = {Protocol::tcp, PortRange{port, port}},
         .value = {IpAddress::v4(0x0a590002), PortRange{80, 80}},
         .owner = fmt::format("container {}{} (0123456789ab) on network front", name, i / 10)});
  }
  return elements;
}

// Prints how many microseconds adding and removing `count` elements take beside `existing` others.
Result<void> bench(uint32_t existing, uint32_t count) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  };
  auto nftables = TRY(Nftables::open());
  auto start = Clock::now();
  TRY_VOID(nftables.apply({.table = Change::Table::create, .add = many_ports(0, existing, "old")}));
  fmt::print("{{\"create\": {:.0f}, \"rounds\": [", since(start));
  const auto added = many_ports(existing, count, "new");
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    start = Clock::now();
    TRY(nftables.observe());
    const auto observed = since(start);
    start = Clock::now();
    TRY_VOID(nftables.apply({.add = added}));
    const auto applied = since(start);
    start = Clock::now();
    TRY_VOID(nftables.apply({.remove = added}));
    fmt::print("{}[{:.1f}, {:.1f}, {:.1f}]", round == 0 ? "" : ", ", observed, applied,
               since(start));
  }
  fmt::print("]}}\n");
  return {};
}

Result<void> run(std::span<char*> arguments) {
  const std::string_view command = arguments.size() > 1 ? arguments[1] : "";
  const std::string_view word = arguments.size() > 2 ? arguments[2] : "ensure";
  if (command == "apply") return apply(word);
  if (command == "bench" && arguments.size() == 4) {
    return bench(static_cast<uint32_t>(std::stoul(arguments[2])),
                 static_cast<uint32_t>(std::stoul(arguments[3])));
  }
  if (command == "observe") {
    auto nftables = TRY(Nftables::open());
    fmt::print("{}\n", to_string(TRY(nftables.observe())));
    return {};
  }
  if (command == "bridges") {
    auto nftables = TRY(Nftables::open());
    for (const auto& name : TRY(nftables.bridges())) fmt::print("{}\n", name);
    return {};
  }
  const auto document = TRY(read_input());
  const JsonCursor root{document};
  if (command == "forget-udp") {
    const auto ports = TRY(list<PortMapping>(root, "ports", decode_mapping));
    const auto targets = TRY(list<IpAddress>(
        root, "targets", [](const JsonCursor& one) { return one.parsed(IpAddress::parse); }));
    fmt::print("{}\n", TRY(forget_udp(ports, targets)));
    return {};
  }
  const auto elements = TRY(decode_policy(root));
  if (command == "compile") {
    Json json = Json::array();
    for (const auto& element : elements) json.push_back(encode(element));
    fmt::print("{}\n", json.dump());
    return {};
  }
  if (command == "owners") {
    auto nftables = TRY(Nftables::open());
    Json json = Json::array();
    for (const auto& owner : TRY(nftables.owners(elements))) {
      json.push_back(owner ? Json(*owner) : Json());
    }
    fmt::print("{}\n", json.dump());
    return {};
  }
  return fail(Errc::invalid_input, "unknown command \"{}\"", command);
}

}  // namespace

int main(int count, char** arguments) {
  const auto outcome = run({arguments, static_cast<size_t>(count)});
  if (outcome) return 0;
  const auto& error = outcome.error();
  fmt::print("{}\n", burrow::Json{{"code", static_cast<int>(error.code)},
                                  {"changed", error.code == burrow::Errc::changed},
                                  {"exists", error.code == burrow::Errc::already_exists},
                                  {"error", error.message}}
                         .dump());
  return 1;
}
