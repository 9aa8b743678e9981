#include "dhcp/message4.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>

namespace burrow::dhcp {
namespace {

constexpr uint8_t kBootRequest = 1;
constexpr uint8_t kBootReply = 2;
constexpr uint8_t kEthernet = 1;
constexpr uint32_t kMagic = 0x63825363;
constexpr size_t kSmallest = 300;
constexpr size_t kServerNameSize = 64;
constexpr size_t kFileSize = 128;
// What we can take in: RFC 2132 section 9.10 counts the IP header in. An Ethernet frame's worth.
constexpr uint16_t kLargest = 1500;

enum Option : uint8_t {
  pad = 0,
  netmask = 1,
  router = 3,
  dns = 6,
  hostname = 12,
  domain = 15,
  mtu = 26,
  wish = 50,
  valid = 51,
  overload = 52,
  type = 53,
  server = 54,
  parameters = 55,
  message = 56,
  largest = 57,
  renew = 58,
  rebind = 59,
  client = 61,
  classless_routes = 121,
  end = 255,
};
constexpr std::array<uint8_t, 9> kParameters{
    netmask, classless_routes, router, dns, domain, mtu, valid, renew, rebind};

constexpr size_t kMostServers = 8;
constexpr size_t kMostRoutes = 64;
// The least that IPv4 hosts take (RFC 791); a server that offers less has not meant it.
constexpr uint32_t kLeastMtu = 576;
// What may be granted without our doing nothing but renewing.
constexpr seconds kShortest{2};

void put_option(Buffer& out, uint8_t code, Bytes value) {
  put_u8(out, code);
  put_u8(out, value.size());
  put_bytes(out, value);
}

void put_address(Buffer& out, const std::optional<IpAddress>& address) {
  if (address) {
    put_bytes(out, address->bytes());
  } else {
    put_u32(out, 0);
  }
}

using Options = std::map<uint8_t, Buffer>;

// One field of options. Those that stand several times are parts of one (RFC 3396).
Result<void> collect(Bytes field, Options& options) {
  ByteReader reader{field};
  while (!reader.is_at_end()) {
    const auto code = reader.u8();
    if (code == pad) continue;
    if (code == end) return {};
    const auto value = reader.take(reader.u8());
    if (!reader.is_whole()) return fail(Errc::invalid_input, "option {} is cut short", code);
    put_bytes(options[code], value);
  }
  return {};  // without the end mark: what stands there stands there
}

// The options of all fields, in the order of RFC 2131 section 4.1.
Result<Options> collect_all(Bytes options, Bytes file, Bytes server_name) {
  Options result;
  TRY_VOID(collect(options, result));
  const auto found = result.find(overload);
  if (found == result.end()) return result;
  const auto where = found->second.size() == 1 ? found->second.front() : 0;
  if ((where & 1U) != 0) TRY_VOID(collect(file, result));
  if ((where & 2U) != 0) TRY_VOID(collect(server_name, result));
  return result;
}

std::optional<uint32_t> number(const Options& options, uint8_t code, size_t size) {
  const auto found = options.find(code);
  if (found == options.end() || found->second.size() != size) return std::nullopt;
  uint32_t value = 0;
  for (const auto byte : found->second) value = value << 8U | byte;
  return value;
}

std::optional<seconds> duration(const Options& options, uint8_t code) {
  const auto value = number(options, code, 4);
  return value ? std::optional{seconds{*value}} : std::nullopt;
}

bool is_host(const IpAddress& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() &&
         address != IpAddress::v4(0xffffffffU);
}

std::optional<IpAddress> address(const Options& options, uint8_t code) {
  const auto value = number(options, code, 4);
  return value ? std::optional{IpAddress::v4(*value)} : std::nullopt;
}

std::vector<IpAddress> addresses(const Options& options, uint8_t code) {
  std::vector<IpAddress> result;
  const auto found = options.find(code);
  if (found == options.end() || found->second.size() % 4 != 0) return result;
  ByteReader reader{found->second};
  while (!reader.is_at_end() && result.size() < kMostServers) {
    const auto one = reader.v4();
    if (is_host(one)) result.push_back(one);
  }
  return result;
}

std::string_view text(const Options& options, uint8_t code) {
  const auto found = options.find(code);
  if (found == options.end()) return {};
  std::string_view value{reinterpret_cast<const char*>(found->second.data()), found->second.size()};
  while (!value.empty() && value.back() == '\0') value.remove_suffix(1);
  return value;
}

// RFC 3442: the prefix length, as many octets of the destination as it covers, the router. Nothing
// when it is malformed: half a routing table is worse than the router option.
std::optional<std::vector<LeaseRoute>> classless(const Options& options) {
  const auto found = options.find(classless_routes);
  if (found == options.end()) return std::nullopt;
  std::vector<LeaseRoute> routes;
  ByteReader reader{found->second};
  while (!reader.is_at_end()) {
    const auto length = reader.u8();
    if (length > 32 || routes.size() == kMostRoutes) return std::nullopt;
    std::array<uint8_t, 4> octets{};
    std::ranges::copy(reader.take((length + 7U) / 8U), octets.begin());
    const auto gateway = reader.v4();
    if (!reader.is_whole()) return std::nullopt;
    auto destination = IpNetwork::containing(IpAddress::from_bytes(octets), length);
    if (!destination || (!gateway.is_unspecified() && !is_host(gateway))) return std::nullopt;
    routes.push_back(
        {*destination, gateway.is_unspecified() ? std::nullopt : std::optional{gateway}});
  }
  return routes;
}

std::vector<LeaseRoute> routes_of(const Options& options) {
  // RFC 3442: with classless routes the router option must be ignored.
  if (auto routes = classless(options)) return *std::move(routes);
  const auto routers = addresses(options, router);
  if (routers.empty()) return {};
  return {{*IpNetwork::parse("0.0.0.0/0"), routers.front()}};
}

// A mask whose ones are all in front; without a mask the address's class, as RFC 950 has it.
std::optional<uint8_t> prefix_length(const Reply4& reply) {
  ByteReader reader{reply.netmask ? reply.netmask->bytes() : reply.address->bytes()};
  const auto word = reader.u32();
  if (!reply.netmask) {
    if (word < 0x80000000U) return 8;
    return word < 0xc0000000U ? 16 : 24;
  }
  const auto ones = std::countl_one(word);
  if (ones == 0 || ones + std::countr_zero(word) < 32) return std::nullopt;
  return static_cast<uint8_t>(ones);
}

}  // namespace

Buffer encode(const Request4& request, const Identity4& identity) {
  Buffer out;
  out.reserve(kSmallest);
  put_u8(out, kBootRequest);
  put_u8(out, kEthernet);
  put_u8(out, identity.mac.bytes().size());
  put_u8(out, 0);  // hops
  put_u32(out, request.transaction);
  put_u16(out, request.seconds_asking);
  put_u16(out, 0);  // flags: we take unicast in before we have an address
  put_address(out, request.own_address);
  out.resize(out.size() + 12);  // yiaddr, siaddr, giaddr
  put_bytes(out, identity.mac.bytes());
  out.resize(out.size() + 16 - identity.mac.bytes().size() + kServerNameSize + kFileSize);
  put_u32(out, kMagic);
  put_option(out, type, std::array{static_cast<uint8_t>(request.type)});
  if (!identity.client_id.empty()) put_option(out, client, identity.client_id);
  if (request.wish) put_option(out, wish, request.wish->bytes());
  if (request.server) put_option(out, server, request.server->bytes());
  // RFC 2131 table 5: a DECLINE or RELEASE asks for nothing.
  if (request.type == Type4::discover || request.type == Type4::request) {
    if (!identity.hostname.empty()) {
      put_u8(out, hostname);
      put_u8(out, identity.hostname.size());
      put_text(out, identity.hostname);
    }
    put_option(out, largest, std::array{uint8_t{kLargest >> 8U}, uint8_t{kLargest & 0xffU}});
    put_option(out, parameters, kParameters);
  }
  put_u8(out, end);
  if (out.size() < kSmallest) out.resize(kSmallest);
  return out;
}

Result<Reply4> decode_reply4(Bytes payload) {
  ByteReader reader{payload};
  const auto operation = reader.u8();
  const auto hardware = reader.u8();
  const auto hardware_size = reader.u8();
  reader.take(1);
  Reply4 reply{.transaction = reader.u32()};
  reader.take(8);  // secs, flags, ciaddr
  const auto granted = reader.v4();
  reader.take(8);  // siaddr, giaddr
  const auto hardware_address = reader.take(16);
  const auto server_name = reader.take(kServerNameSize);
  const auto file = reader.take(kFileSize);
  const auto magic = reader.u32();
  if (!reader.is_whole())
    return fail(Errc::invalid_input, "{} bytes are no message", payload.size());
  if (operation != kBootReply) return fail(Errc::invalid_input, "not from a server");
  if (hardware != kEthernet || hardware_size != 6) {
    return fail(Errc::invalid_input, "not for an Ethernet client");
  }
  if (magic != kMagic) return fail(Errc::invalid_input, "BOOTP without DHCP");
  const auto options = TRY(collect_all(reader.rest(), file, server_name));
  const auto kind = number(options, type, 1).value_or(0);
  if (kind != 2 && kind != 5 && kind != 6) {
    return fail(Errc::invalid_input, "message type {} is not a server's", kind);
  }
  reply.type = static_cast<Type4>(kind);
  std::array<uint8_t, 6> mac{};
  std::copy_n(hardware_address.begin(), mac.size(), mac.begin());
  reply.mac = MacAddress{mac};
  if (is_host(granted)) reply.address = granted;
  reply.server = address(options, server);
  if (reply.server && !is_host(*reply.server)) reply.server.reset();
  reply.netmask = address(options, netmask);
  reply.valid = duration(options, valid);
  reply.renew = duration(options, renew);
  reply.rebind = duration(options, rebind);
  reply.routes = routes_of(options);
  reply.dns_servers = addresses(options, dns);
  if (const auto name = text(options, domain); is_domain(name)) reply.domain = name;
  if (const auto size = number(options, mtu, 2); size && *size >= kLeastMtu) reply.mtu = *size;
  for (const auto c : text(options, message).substr(0, 128)) {
    reply.message += c >= ' ' && c <= '~' ? c : '?';
  }
  return reply;
}

Result<Lease> lease_of(const Reply4& reply) {
  if (!reply.address) return fail(Errc::invalid_input, "no address");
  if (!reply.server) return fail(Errc::invalid_input, "no server identifier");
  if (!reply.valid) return fail(Errc::invalid_input, "no lease time");
  if (*reply.valid < kShortest) {
    return fail(Errc::invalid_input, "a lease of {} seconds", reply.valid->count());
  }
  const auto length = prefix_length(reply);
  if (!length) {
    return fail(Errc::invalid_input, "\"{}\" is no netmask", reply.netmask->to_string());
  }
  Lease lease{
      .address = {*reply.address, *length},
      .times = {.renew = *reply.valid / 2, .rebind = *reply.valid * 7 / 8, .valid = *reply.valid},
      .server = reply.server,
      .routes = reply.routes,
      .dns_servers = reply.dns_servers,
      .mtu = reply.mtu};
  if (reply.domain) lease.domains.push_back(*reply.domain);
  const auto renew = reply.renew.value_or(lease.times.renew);
  const auto rebind = reply.rebind.value_or(lease.times.rebind);
  if (renew >= seconds{1} && renew <= rebind && rebind < lease.times.valid) {
    lease.times.renew = renew;
    lease.times.rebind = rebind;
  }
  return lease;
}

Buffer derived_duid(std::string_view seed) {
  Buffer out;
  put_u16(out, 4);  // DUID-UUID
  for (const auto* part : {"duid 0 ", "duid 1 "}) {
    const auto hash = fnv1a(std::string{part} + std::string{seed});
    put_u32(out, static_cast<uint32_t>(hash >> 32U));
    put_u32(out, static_cast<uint32_t>(hash));
  }
  // RFC 9562: version 8 (made our own way), variant 1.
  out[8] = static_cast<uint8_t>((out[8] & 0x0fU) | 0x80U);
  out[10] = static_cast<uint8_t>((out[10] & 0x3fU) | 0x80U);
  return out;
}

uint32_t derived_iaid(std::string_view seed) {
  return static_cast<uint32_t>(fnv1a("iaid " + std::string{seed}));
}

Buffer derived_client_id(std::string_view seed) {
  Buffer out{255};
  put_u32(out, derived_iaid(seed));
  put_bytes(out, derived_duid(seed));
  return out;
}

}  // namespace burrow::dhcp
