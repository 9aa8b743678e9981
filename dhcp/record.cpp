#include "dhcp/record.h"

#include <array>

namespace burrow::dhcp {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kLongestDuid = 130;  // RFC 8415 section 11.1

std::string to_hex(Bytes bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<uint8_t> nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

Result<Buffer> from_hex(std::string_view text) {
  Buffer bytes;
  if (text.size() % 2 != 0 || text.size() > 2 * kLongestDuid) {
    return fail(Errc::invalid_input, "no bytes in hexadecimal");
  }
  for (size_t i = 0; i < text.size(); i += 2) {
    const auto high = nibble(text[i]);
    const auto low = nibble(text[i + 1]);
    if (!high || !low) return fail(Errc::invalid_input, "no bytes in hexadecimal");
    bytes.push_back(static_cast<uint8_t>(*high << 4U | *low));
  }
  return bytes;
}

Json encode(const Held& held) {
  Json json{{"lease", encode(held.lease)}, {"since", held.since.time_since_epoch().count()}};
  if (held.hop) json["hop"] = held.hop->to_string();
  if (!held.server_duid.empty()) json["server_duid"] = to_hex(held.server_duid);
  return json;
}

Result<Held> decode_held(const JsonCursor& cursor) {
  Held held{.lease = TRY(decode_lease(TRY(cursor.at("lease"))))};
  held.since =
      Instant{milliseconds{TRY(TRY(cursor.at("since")).unsigned_integer(INT64_MAX / 1024))}};
  if (const auto hop = TRY(cursor.find("hop"))) held.hop = TRY(hop->parsed(MacAddress::parse));
  if (const auto duid = TRY(cursor.find("server_duid"))) {
    held.server_duid = TRY(duid->parsed(from_hex));
  }
  return held;
}

Result<std::optional<LeaseRecord>> decode(const JsonCursor& cursor, const std::string& boot) {
  if (TRY(TRY(cursor.at("version")).unsigned_integer(UINT32_MAX)) != kVersion) {
    return cursor.failure("a record of another version");
  }
  if (TRY(TRY(cursor.at("boot")).string()) != boot) return std::nullopt;
  LeaseRecord record{.request = TRY(decode_lease_request(TRY(cursor.at("request"))))};
  const auto netns = TRY(cursor.at("namespace"));
  record.netns =
      TRY(made_of<decltype(record.netns)>(TRY(netns.at("device")).unsigned_integer(UINT64_MAX),
                                          TRY(netns.at("inode")).unsigned_integer(UINT64_MAX)));
  record.mac = TRY(TRY(cursor.at("mac")).parsed(MacAddress::parse));
  record.commitment =
      TRY(TRY(cursor.at("committed")).boolean()) ? Commitment::committed : Commitment::provisional;
  if (const auto held = TRY(cursor.find("ipv4"))) {
    record.ipv4 = TRY(decode_held(*held));
    if (!record.ipv4->lease.address.address.is_v4() || !record.ipv4->lease.server) {
      return held->failure("no lease of IPv4");
    }
  }
  if (const auto held = TRY(cursor.find("ipv6"))) {
    record.ipv6 = TRY(decode_held(*held));
    if (!record.ipv6->lease.address.address.is_v6() || record.ipv6->server_duid.empty()) {
      return held->failure("no lease of IPv6");
    }
  }
  return record;
}

}  // namespace

std::string encode(const LeaseRecord& record, const std::string& boot) {
  Json json{{"version", kVersion},
            {"boot", boot},
            {"request", encode(record.request)},
            {"namespace", {{"device", record.netns.device}, {"inode", record.netns.inode}}},
            {"mac", record.mac.to_string()},
            {"committed", record.commitment == Commitment::committed}};
  if (record.ipv4) json["ipv4"] = encode(*record.ipv4);
  if (record.ipv6) json["ipv6"] = encode(*record.ipv6);
  return json.dump(1, '\t', false, Json::error_handler_t::replace) + "\n";
}

Result<std::optional<LeaseRecord>> decode_record(std::string_view text, const std::string& boot) {
  constexpr size_t kLargest = 256U << 10U;
  auto document = parse_json(text, kLargest);
  auto record = document ? decode(JsonCursor{*document}, boot)
                         : Result<std::optional<LeaseRecord>>{Failure{document.error()}};
  if (!record) record.error().code = Errc::corrupt;
  return record;
}

}  // namespace burrow::dhcp
