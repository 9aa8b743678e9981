#include "dns/answer.h"

#include <doctest/doctest.h>

#include "messages.h"
#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

Zones make_zones(ZoneSettings settings) {
  if (settings.search_domain.labels().empty()) {
    settings.search_domain = *DomainName::parse("dns.podman");
  }
  std::string many = "10.4.0.1\n";
  for (int i = 2; i < 200; ++i) many += fmt::format("c{0} 10.4.0.{0} fd04::{0} group\n", i);
  return {{make_network("a",
                        "10.1.0.1\nx 10.1.0.2 fd01::2 web,alias,x\ny 10.1.0.3  both,y\n"
                        "d 10.1.0.4  a.b,x.dns.podman\nv  fd01::5 six\n"),
           make_network("b", "10.2.0.1\ny 10.2.0.3,10.1.0.3  both,y\nz 10.2.0.4  secret\n"),
           make_network("int%int", "10.3.0.1\ni 10.3.0.2  inside\n"), make_network("many", many)},
          {*IpNetwork::parse("10.1.0.0/24"), *IpNetwork::parse("10.2.0.0/24"),
           *IpNetwork::parse("fd01::/64")},
          std::move(settings)};
}

// One question and what became of it.
struct Outcome {
  Verdict verdict;
  Parsed reply;
  [[nodiscard]] bool is_forward() const { return std::holds_alternative<Forward>(verdict); }
  [[nodiscard]] bool is_drop() const { return std::holds_alternative<Drop>(verdict); }
};

Outcome send(const Message& message, std::string_view source = "10.1.0.2",
             std::string_view network = "a", Transport transport = Transport::udp,
             ZoneSettings settings = {}) {
  const auto zones = make_zones(std::move(settings));
  std::vector<uint8_t> buffer(transport == Transport::tcp ? 65535 : kUdpSize);
  Query query;
  Outcome outcome{
      answer(zones, {*zones.find_network(network), *IpAddress::parse(source), transport}, message,
             query, buffer),
      {}};
  if (const auto* reply = std::get_if<Reply>(&outcome.verdict)) {
    outcome.reply = ReplyReader{std::span{buffer}.first(reply->size)}.read();
    CHECK(outcome.reply.is_whole);
    CHECK((outcome.reply.flags & 0x8000U) != 0);
    CHECK((outcome.reply.flags & 0x0020U) == 0);  // AD
  }
  return outcome;
}

Outcome ask(std::string_view name, uint16_t type, std::string_view source = "10.1.0.2",
            std::string_view network = "a") {
  return send(make_query(name, type), source, network);
}

void check_negative(const Outcome& outcome, unsigned rcode, std::string_view zone) {
  CHECK(outcome.reply.rcode() == rcode);
  CHECK(outcome.reply.is_authoritative());
  CHECK(outcome.reply.answer.empty());
  REQUIRE(outcome.reply.authority.size() == 1);
  CHECK(outcome.reply.authority[0].type == kSoa);
  CHECK(outcome.reply.authority[0].name == zone);
}

constexpr unsigned kNxDomain = 3;

}  // namespace

TEST_CASE("a name, an alias and the search domain in any case give the address with TTL 0") {
  for (const auto* name : {"web", "alias", "x", "web.dns.podman", "WEB.dns.PodMan", "wEb"}) {
    CAPTURE(name);
    const auto outcome = ask(name, kA);
    CHECK(outcome.reply.rcode() == 0);
    CHECK(outcome.reply.is_authoritative());
    CHECK((outcome.reply.flags & 0x0180U) == 0x0180U);  // RD, RA
    CHECK(outcome.reply.id == 0x1234);
    REQUIRE(outcome.reply.answer.size() == 1);
    CHECK(outcome.reply.answer[0].name == std::string{name} + ".");  // case kept
    CHECK(outcome.reply.answer[0].data == "10.1.0.2");
    CHECK(outcome.reply.answer[0].ttl == 0);
    CHECK(outcome.reply.authority.empty());
  }
  CHECK(ask("web", kAaaa).reply.data() == Texts{"fd01::2"});
}

TEST_CASE("another type of a name that exists is an empty answer with SOA, never forwarded") {
  for (const uint16_t type :
       {kMx, kNs, uint16_t{16}, uint16_t{33}, uint16_t{64}, uint16_t{65}, uint16_t{65280}}) {
    CAPTURE(type);
    check_negative(ask("web", type), 0, "web.");
    check_negative(ask("web.dns.podman", type), 0, "dns.podman.");
  }
  check_negative(ask("both", kAaaa), 0, "both.");
  check_negative(ask("six", kA), 0, "six.");
}

TEST_CASE("the SOA of a bare name is an answer when it is asked for") {
  const auto outcome = ask("web", kSoa);
  REQUIRE(outcome.reply.answer.size() == 1);
  CHECK(outcome.reply.answer[0].type == kSoa);
  CHECK(ask("dns.podman", kSoa).reply.answer.size() == 1);
  check_negative(ask("web.dns.podman", kSoa), 0, "dns.podman.");
}

TEST_CASE("unknown names below the search domain do not exist, others go upstream") {
  check_negative(ask("nope.dns.podman", kA), kNxDomain, "dns.podman.");
  check_negative(ask("nope.DNS.podman", kMx), kNxDomain, "DNS.podman.");
  check_negative(ask("b.dns.podman", kA), kNxDomain, "dns.podman.");  // musl: not an empty answer
  check_negative(ask("dns.podman", kA), 0, "dns.podman.");
  for (const auto* name : {"nope", "example.com", "xdns.podman", "podman", ""}) {
    CAPTURE(name);
    CHECK(ask(name, kA).is_forward());
  }
}

TEST_CASE("dotted names answer, and one that ends in the search domain answers as it is") {
  CHECK(ask("a.b", kA).reply.data() == Texts{"10.1.0.4"});
  CHECK(ask("a.b.dns.podman", kA).reply.data() == Texts{"10.1.0.4"});
  CHECK(ask("x.dns.podman", kA).reply.data() == Texts{"10.1.0.2"});
  CHECK(ask("x.dns.podman.dns.podman", kA).reply.data() == Texts{"10.1.0.4"});
}

TEST_CASE("addresses on the asked network come first, and none comes twice") {
  CHECK(ask("both", kA, "10.1.0.3", "a").reply.data() == Texts{"10.1.0.3", "10.2.0.3"});
  const auto from_b = ask("both", kA, "10.2.0.3", "b").reply.data();
  CHECK(from_b.size() == 2);
  CHECK(ask("both", kA, "10.1.0.2", "a").reply.data() == Texts{"10.1.0.3"});
}

TEST_CASE("names of networks that the client is not on are not there") {
  CHECK(ask("secret", kA, "10.1.0.2", "a").is_forward());
  check_negative(ask("secret.dns.podman", kA, "10.1.0.2", "a"), kNxDomain, "dns.podman.");
  check_negative(ask("secret.dns.podman", kA, "10.1.0.2", "b"), kNxDomain, "dns.podman.");
  CHECK(ask("secret", kA, "10.1.0.3", "a").reply.data() == Texts{"10.2.0.4"});
}

TEST_CASE("an internal network and forwarding off give NXDOMAIN for everything unknown") {
  check_negative(ask("example.com", kA, "10.3.0.2", "int"), kNxDomain, ".");
  check_negative(ask("example.com", kA, "10.3.0.77", "int"), kNxDomain, ".");
  CHECK(ask("example.com", kA, "10.3.0.1", "int").is_forward());
  CHECK(ask("inside", kA, "10.3.0.2", "int").reply.data() == Texts{"10.3.0.2"});
  check_negative(send(make_query("example.com", kA), "10.1.0.2", "a", Transport::udp,
                      {.forwarding = Forwarding::never}),
                 kNxDomain, ".");
}

TEST_CASE("an address gives its bare names in order, for containers and for the host") {
  for (const auto* source : {"10.1.0.2", "10.1.0.1", "10.1.0.77"}) {
    CHECK(ask("2.0.1.10.in-addr.arpa", kPtr, source).reply.data() == Texts{"web.", "alias.", "x."});
  }
  CHECK(ask("2.0.1.10.IN-ADDR.ARPA", kPtr).reply.answer.size() == 3);
  CHECK(ask("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.d.f.ip6.arpa", kPtr)
            .reply.data() == Texts{"web.", "alias.", "x."});
  check_negative(ask("2.0.1.10.in-addr.arpa", kA), 0, "in-addr.arpa.");
}

TEST_CASE("reverse names of container subnets and of nobody stay here, others go upstream") {
  check_negative(ask("77.0.1.10.in-addr.arpa", kPtr), kNxDomain, "in-addr.arpa.");
  check_negative(ask("4.0.2.10.in-addr.arpa", kPtr), kNxDomain, "in-addr.arpa.");  // not in view
  check_negative(ask("0.1.10.in-addr.arpa", kNs), kNxDomain, "in-addr.arpa.");
  check_negative(ask("1.0.254.169.in-addr.arpa", kPtr), kNxDomain, "in-addr.arpa.");
  check_negative(ask("1.0.0.127.in-addr.arpa", kPtr), kNxDomain, "in-addr.arpa.");
  check_negative(ask("8.e.f.ip6.arpa", kPtr), kNxDomain, "ip6.arpa.");
  for (const auto* name : {"1.10.in-addr.arpa", "8.8.8.8.in-addr.arpa", "1.0.168.192.in-addr.arpa",
                           "1.0.254.168.in-addr.arpa", "c.e.f.ip6.arpa", "d.f.ip6.arpa"}) {
    CAPTURE(name);
    CHECK(ask(name, kPtr).is_forward());
  }
}

TEST_CASE("ANY gets one RRset") {
  const auto outcome = ask("web", kAny);
  CHECK(outcome.reply.data() == Texts{"10.1.0.2"});
  CHECK(ask("six", kAny).reply.data() == Texts{"fd01::5"});
}

TEST_CASE("localhost is here, invalid and onion are nowhere") {
  CHECK(ask("localhost", kA).reply.data() == Texts{"127.0.0.1"});
  CHECK(ask("x.localhost", kAaaa).reply.data() == Texts{"::1"});
  check_negative(ask("localhost", kMx), 0, "localhost.");
  check_negative(ask("x.invalid", kA), kNxDomain, "invalid.");
  check_negative(ask("abc.onion", kA), kNxDomain, "onion.");
}

TEST_CASE("an OPT record of our own answers an OPT record, and its version is checked") {
  CHECK(ask("web", kA).reply.additional.empty());
  const auto outcome = send(make_query("web", kA, {.udp_size = 4096}));
  REQUIRE(outcome.reply.additional.size() == 1);
  CHECK(outcome.reply.additional[0].type == kOpt);
  CHECK(outcome.reply.additional[0].record_class == kUdpSize);
  CHECK(outcome.reply.additional[0].ttl == 0x8000);  // DO, version 0
  CHECK(outcome.reply.additional[0].data.empty());

  const auto newer = send(make_query("web", kA, {.udp_size = 4096, .version = 1}));
  CHECK(newer.reply.rcode() == 0);
  REQUIRE(newer.reply.additional.size() == 1);
  CHECK(newer.reply.additional[0].ttl == 0x01008000);  // BADVERS, version 0
  CHECK(newer.reply.answer.empty());
}

TEST_CASE("what cannot be served is refused with its own code") {
  const auto rcode = [](const Message& message) { return send(message).reply.rcode(); };
  CHECK(rcode(make_query("web", kA, {.record_class = 3})) == 5);
  CHECK(rcode(make_query("web", kA, {.record_class = 255})) == 5);
  CHECK(rcode(make_query("web", 252)) == 5);
  CHECK(rcode(make_query("web", 251)) == 5);
  CHECK(rcode(make_query("web", kOpt)) == 1);
  CHECK(rcode(make_query("web", kA, {.flags = 0x2800})) == 4);
  auto several = make_query("web", kA);
  several[5] = 2;
  CHECK(rcode(several) == 1);
  auto cut = make_query("web", kA);
  cut.pop_back();
  CHECK(rcode(cut) == 1);
  CHECK(send(make_query("web", kA, {.flags = 0x8180})).is_drop());
  CHECK(send(Message(11)).is_drop());
}

TEST_CASE("a reply keeps RD and CD and clears what a client may not set") {
  CHECK(send(make_query("web", kA, {.flags = 0x0000})).reply.flags == 0x8480);
  CHECK(send(make_query("web", kA, {.flags = 0x077f})).reply.flags == 0x8590);
}

TEST_CASE("a reply that does not fit holds whole records and TC; TCP holds them all") {
  const auto plain = send(make_query("group", kA), "10.4.0.2", "many");
  CHECK(plain.reply.is_truncated());
  CHECK(plain.reply.answer.size() == (512 - 12 - 11) / 16);
  const auto wide = send(make_query("group", kAaaa, {.udp_size = 4096}), "10.4.0.2", "many");
  CHECK(wide.reply.is_truncated());
  CHECK(wide.reply.answer.size() == (kUdpSize - 12 - 11 - 11) / 28);
  CHECK(wide.reply.additional.size() == 1);
  const auto tiny = send(make_query("group", kA, {.udp_size = 0}), "10.4.0.2", "many");
  CHECK(tiny.reply.answer.size() == (512 - 12 - 11 - 11) / 16);
  const auto tcp = send(make_query("group", kA), "10.4.0.2", "many", Transport::tcp);
  CHECK_FALSE(tcp.reply.is_truncated());
  CHECK(tcp.reply.answer.size() == 198);
}

TEST_CASE("a group turns with the message id and stands still when asked to") {
  const auto first = [](uint16_t id, Rotation rotation) {
    return send(make_query("group", kA, {.id = id}), "10.4.0.2", "many", Transport::tcp,
                {.rotation = rotation})
        .reply.data()[0];
  };
  CHECK(first(0, Rotation::rotate) == "10.4.0.2");
  CHECK(first(10, Rotation::rotate) != "10.4.0.2");
  CHECK(first(10, Rotation::fixed) == "10.4.0.2");
}
