#include "dns/answered_addresses.h"

#include "dns/message.h"

namespace burrow::dns {
namespace {

constexpr size_t kMostAddresses = 256;
constexpr size_t kTypeAndClass = 4;
constexpr uint16_t kInternet = 1;

// The name in text; a byte that is none of a host's might pass for another name.
std::optional<std::string> host_name(Bytes reply, size_t at, size_t end) {
  std::string name;
  while (at < end && reply[at] != 0) {
    const size_t size = reply[at++];
    if (size > kMaximumLabelSize || at + size > end) return std::nullopt;
    if (!name.empty()) name += '.';
    for (const auto byte : reply.subspan(at, size)) {
      auto c = static_cast<char>(byte);
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
      const bool is_of_host =
          (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!is_of_host) return std::nullopt;
      name += c;
    }
    at += size;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

}  // namespace

std::optional<AnsweredAddresses> read_addresses(Bytes reply) {
  if (reply.size() < kHeaderSize || read_u16(&reply[4]) != 1) return std::nullopt;
  const auto name_end = skip_name(reply, kHeaderSize);
  if (!name_end || *name_end + kTypeAndClass > reply.size()) return std::nullopt;
  const auto type = static_cast<RecordType>(read_u16(&reply[*name_end]));
  if (type != RecordType::a && type != RecordType::aaaa) return std::nullopt;
  AnsweredAddresses answered;
  size_t at = *name_end + kTypeAndClass;
  for (size_t left = read_u16(&reply[6]); left > 0; --left) {
    const auto record = read_record(reply, at);
    if (!record) return std::nullopt;
    at = record->end;
    const size_t data = record->fields + 10;
    const size_t wanted = type == RecordType::a ? 4 : 16;
    if (record->type != static_cast<uint16_t>(type) || record->end - data != wanted ||
        read_u16(&reply[record->fields + 2]) != kInternet) {
      continue;
    }
    if (answered.addresses.size() == kMostAddresses) break;
    const uint32_t ttl = uint32_t{read_u16(&reply[record->fields + 4])} << 16U |
                         read_u16(&reply[record->fields + 6]);
    // RFC 2181 section 8: with the highest bit set it means zero.
    answered.addresses.push_back({IpAddress::from_bytes(reply.subspan(data, wanted)),
                                  std::chrono::seconds{ttl > 0x7fffffffU ? 0 : ttl}});
  }
  if (answered.addresses.empty()) return std::nullopt;
  auto name = host_name(reply, kHeaderSize, *name_end);
  if (!name) return std::nullopt;
  answered.name = *std::move(name);
  return answered;
}

}  // namespace burrow::dns
