#include "dhcp/message6.h"

#include <algorithm>

namespace burrow::dhcp {
namespace {

enum Option : uint16_t {
  client_id = 1,
  server_id = 2,
  association = 3,
  association_address = 5,
  option_request = 6,
  preference = 7,
  elapsed_time = 8,
  status_code = 13,
  dns_servers = 23,
  domain_list = 24,
};

constexpr size_t kMostAddresses = 8;
constexpr size_t kMostServers = 8;
constexpr size_t kMostDomains = 8;
constexpr size_t kLongestDuid = 130;
// What may be granted without our doing nothing but renewing.
constexpr seconds kShortest{2};

void put_option(Buffer& out, uint16_t code, const Buffer& value) {
  put_u16(out, code);
  put_u16(out, value.size());
  put_bytes(out, value);
}

Buffer encode_association(const Identity6& identity, const std::optional<IpAddress>& address) {
  Buffer out;
  put_u32(out, identity.iaid);
  put_u32(out, 0);  // T1 and T2: as the server likes
  put_u32(out, 0);
  if (address) {
    Buffer value{address->bytes().begin(), address->bytes().end()};
    put_u32(value, 0);  // lifetimes: as the server likes
    put_u32(value, 0);
    put_option(out, association_address, value);
  }
  return out;
}

// Calls back with every option. Errors: invalid_input when one overruns.
template <typename Visit>
Result<void> for_each_option(Bytes options, Visit visit) {
  ByteReader reader{options};
  while (!reader.is_at_end()) {
    const auto code = reader.u16();
    const auto value = reader.take(reader.u16());
    if (!reader.is_whole()) return fail(Errc::invalid_input, "option {} is cut short", code);
    TRY_VOID(visit(code, value));
  }
  return {};
}

void note_status(Bytes value, Reply6& reply) {
  ByteReader reader{value};
  const auto status = static_cast<Status6>(reader.u16());
  if (!reader.is_whole() || status == Status6::success) return;
  reply.status = status;
  reply.message.clear();
  for (const auto byte : reader.rest().first(std::min<size_t>(reader.rest().size(), 128))) {
    reply.message += byte >= ' ' && byte <= '~' ? static_cast<char>(byte) : '?';
  }
}

// T1 and T2 by RFC 8415 sections 14.2 and 21.4; zero leaves them to us.
Times times_of(seconds renew, seconds rebind, seconds preferred, seconds valid) {
  if (valid == kForever) return {kForever, kForever, kForever};
  const auto base = std::clamp(preferred, seconds{1}, valid);
  Times times{.renew = base / 2, .rebind = base * 4 / 5, .valid = valid};
  if (renew >= seconds{1} && rebind >= renew && rebind < valid) {
    times.renew = renew;
    times.rebind = rebind;
  }
  return times;
}

Result<void> read_association(Bytes value, uint32_t iaid, Reply6& reply) {
  ByteReader reader{value};
  const auto found = reader.u32();
  const seconds renew{reader.u32()};
  const seconds rebind{reader.u32()};
  if (!reader.is_whole() || found != iaid) return {};
  // RFC 8415 section 21.4: such an association must be discarded.
  if (rebind != seconds{0} && renew > rebind) return {};
  return for_each_option(reader.rest(), [&](uint16_t code, Bytes option) -> Result<void> {
    if (code == status_code) note_status(option, reply);
    if (code != association_address) return {};
    ByteReader fields{option};
    const auto address = fields.v6();
    const seconds preferred{fields.u32()};
    const seconds valid{fields.u32()};
    const bool is_usable = fields.is_whole() && address.is_v6() && preferred <= valid &&
                           !address.is_unspecified() && !address.is_multicast() &&
                           !address.is_loopback() && !address.is_link_local();
    if (is_usable && reply.addresses.size() < kMostAddresses) {
      reply.addresses.push_back(
          {.address = {address, 128}, .times = times_of(renew, rebind, preferred, valid)});
    }
    return {};
  });
}

std::vector<IpAddress> read_servers(Bytes value) {
  std::vector<IpAddress> servers;
  ByteReader reader{value};
  while (!reader.is_at_end() && servers.size() < kMostServers) {
    const auto server = reader.v6();
    if (reader.is_whole() && !server.is_unspecified() && !server.is_multicast()) {
      servers.push_back(server);
    }
  }
  return servers;
}

// RFC 8415 section 10: names one after the other, without compression.
std::vector<std::string> read_domains(Bytes value) {
  std::vector<std::string> domains;
  ByteReader reader{value};
  std::string name;
  while (!reader.is_at_end() && domains.size() < kMostDomains) {
    const auto label = reader.take(reader.u8());
    if (!reader.is_whole()) break;
    if (!label.empty()) {
      if (!name.empty()) name += '.';
      name.append(label.begin(), label.end());
      continue;
    }
    if (is_domain(name)) domains.push_back(name);
    name.clear();
  }
  return domains;
}

}  // namespace

Buffer encode(const Request6& request, const Identity6& identity) {
  Buffer out;
  put_u32(out,
          uint32_t{static_cast<uint8_t>(request.type)} << 24U | (request.transaction & 0xffffffU));
  put_option(out, client_id, identity.duid);
  if (!request.server_duid.empty()) put_option(out, server_id, request.server_duid);
  Buffer elapsed;
  put_u16(elapsed,
          static_cast<size_t>(std::clamp<int64_t>(request.asking.count() / 10, 0, 0xffff)));
  put_option(out, elapsed_time, elapsed);
  put_option(out, association, encode_association(identity, request.address));
  if (request.type != Type6::release) {
    Buffer wanted;
    put_u16(wanted, dns_servers);
    put_u16(wanted, domain_list);
    put_option(out, option_request, wanted);
  }
  return out;
}

Result<Reply6> decode_reply6(Bytes payload, uint32_t iaid) {
  ByteReader reader{payload};
  const auto first = reader.u32();
  if (!reader.is_whole()) {
    return fail(Errc::invalid_input, "{} bytes are no message", payload.size());
  }
  Reply6 reply{.type = static_cast<Type6>(first >> 24U), .transaction = first & 0xffffffU};
  if (reply.type != Type6::advertise && reply.type != Type6::reply) {
    return fail(Errc::invalid_input, "message type {} is not a server's", first >> 24U);
  }
  TRY_VOID(for_each_option(reader.rest(), [&](uint16_t code, Bytes value) -> Result<void> {
    switch (code) {
      case client_id:
        reply.client_duid.assign(value.begin(), value.end());
        break;
      case server_id:
        reply.server_duid.assign(value.begin(), value.end());
        break;
      case association:
        return read_association(value, iaid, reply);
      case preference:
        if (value.size() == 1) reply.preference = value.front();
        break;
      case status_code:
        note_status(value, reply);
        break;
      case dns_servers:
        reply.dns_servers = read_servers(value);
        break;
      case domain_list:
        reply.domains = read_domains(value);
        break;
      default:
        break;
    }
    return {};
  }));
  if (reply.server_duid.empty() || reply.server_duid.size() > kLongestDuid) {
    return fail(Errc::invalid_input, "no server identifier");
  }
  return reply;
}

std::optional<Lease> lease_of(const Reply6& reply, const std::optional<IpAddress>& wish) {
  std::optional<Lease> best;
  for (const auto& lease : reply.addresses) {
    if (lease.times.valid < kShortest) continue;
    if (!best || lease.address.address == wish) best = lease;
  }
  if (!best) return std::nullopt;
  best->dns_servers = reply.dns_servers;
  best->domains = reply.domains;
  return best;
}

}  // namespace burrow::dhcp
