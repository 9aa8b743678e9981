#include "dns/message_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/ip.h"
#include "dns/name.h"

namespace burrow::dns {
namespace {

struct TypeWord {
  uint16_t number;
  std::string_view word;
};
constexpr std::array<TypeWord, 23> kTypes{{
    {1, "A"},     {2, "NS"},     {5, "CNAME"},  {6, "SOA"},   {12, "PTR"},    {13, "HINFO"},
    {15, "MX"},   {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},  {35, "NAPTR"},  {39, "DNAME"},
    {41, "OPT"},  {43, "DS"},    {46, "RRSIG"}, {47, "NSEC"}, {48, "DNSKEY"}, {52, "TLSA"},
    {64, "SVCB"}, {65, "HTTPS"}, {252, "AXFR"}, {255, "ANY"}, {257, "CAA"},
}};
constexpr std::array<std::string_view, 6> kRcodes{"NOERROR",  "FORMERR", "SERVFAIL",
                                                  "NXDOMAIN", "NOTIMP",  "REFUSED"};
constexpr std::string_view kTypePrefix = "TYPE";
constexpr size_t kMostRecords = 4096;

// The name at `at` with its pointers followed; nothing when it is broken. Each pointer must lead
// further back than the one before, so that there is an end.
std::optional<std::string> read_name(Bytes message, size_t at) {
  std::string labels;
  size_t limit = at;
  while (at < message.size()) {
    const uint8_t length = message[at];
    if (length == 0) return name_text(labels) + (labels.empty() ? "" : ".");
    if (length >= 0xc0) {
      if (at + 2 > message.size()) return {};
      const size_t target = read_u16(&message[at]) & 0x3fffU;
      if (target >= limit) return {};
      limit = at = target;
      continue;
    }
    if (length > kMaximumLabelSize || at + 1 + length > message.size()) return {};
    labels.append(reinterpret_cast<const char*>(&message[at]), size_t{1} + length);
    if (labels.size() >= kMaximumNameSize) return {};
    at += size_t{1} + length;
  }
  return {};
}

std::string quoted(Bytes text) {
  std::string result{'"'};
  for (const uint8_t c : text) {
    if (c == '"' || c == '\\') {
      result += fmt::format("\\{}", static_cast<char>(c));
    } else if (c < ' ' || c >= 0x7f) {
      result += fmt::format("\\{:03}", c);
    } else {
      result += static_cast<char>(c);
    }
  }
  return result + '"';
}

std::string texts(Bytes data) {
  std::string result;
  while (!data.empty()) {
    const size_t size = std::min<size_t>(data[0], data.size() - 1);
    if (!result.empty()) result += ' ';
    result += quoted(data.subspan(1, size));
    data = data.subspan(1 + size);
  }
  return result;
}

// RFC 3597 section 5.
std::string unknown(Bytes data) {
  std::string result = fmt::format("\\# {} ", data.size());
  for (const uint8_t byte : data) result += fmt::format("{:02x}", byte);
  return result;
}

// Numbers of 16 bits, then a name.
std::string numbers_and_name(Bytes message, size_t at, size_t end, int numbers) {
  std::string result;
  for (int i = 0; i < numbers; ++i, at += 2) {
    if (at + 2 > end) return result + "?";
    result += fmt::format("{} ", read_u16(&message[at]));
  }
  return result + read_name(message, at).value_or("?");
}

std::string data_text(Bytes message, const RecordSpan& record) {
  const size_t at = record.fields + 10;
  const auto data = message.subspan(at, record.end - at);
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::a:
      if (data.size() == 4) return IpAddress::from_bytes(data).to_string();
      break;
    case RecordType::aaaa:
      if (data.size() == 16) return IpAddress::from_bytes(data).to_string();
      break;
    case RecordType::cname:
    case RecordType::ptr:
      return read_name(message, at).value_or("?");
    case RecordType::soa:
      return read_name(message, at).value_or("?") + " ...";
    case RecordType::mx:
      return numbers_and_name(message, at, record.end, 1);
    case RecordType::srv:
      return numbers_and_name(message, at, record.end, 3);
    case RecordType::txt:
      return texts(data);
    default:
      break;
  }
  return unknown(data);
}

std::string record_text(Bytes message, const RecordSpan& record) {
  const uint8_t* fields = &message[record.fields];
  const uint32_t ttl = (uint32_t{read_u16(fields + 4)} << 16U) | read_u16(fields + 6);
  return fmt::format("{} {} {} {}", read_name(message, record.begin).value_or("?"), ttl,
                     type_text(record.type), data_text(message, record));
}

}  // namespace

std::string type_text(uint16_t type) {
  const auto found = std::ranges::find(kTypes, type, &TypeWord::number);
  if (found != kTypes.end()) return std::string{found->word};
  return fmt::format("{}{}", kTypePrefix, type);
}

std::optional<uint16_t> parse_type(std::string_view text) {
  std::string upper{text};
  for (auto& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  const auto found = std::ranges::find(kTypes, upper, &TypeWord::word);
  if (found != kTypes.end()) return found->number;
  if (!upper.starts_with(kTypePrefix)) return {};
  const auto digits = std::string_view{upper}.substr(kTypePrefix.size());
  uint16_t type = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), type);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return type;
}

std::string rcode_text(uint16_t rcode) {
  if (rcode < kRcodes.size()) return std::string{kRcodes[rcode]};
  if (rcode == static_cast<uint16_t>(Rcode::bad_version)) return "BADVERS";
  return fmt::format("RCODE{}", rcode);
}

MessageText describe(Bytes message) {
  MessageText text;
  if (message.size() < kHeaderSize) return text;
  const uint16_t flags = read_u16(&message[2]);
  uint16_t rcode = flags & kMaskRcode;
  text.is_authoritative = (flags & kFlagAuthoritative) != 0;
  text.is_truncated = (flags & kFlagTruncated) != 0;
  size_t at = kHeaderSize;
  bool is_broken = false;
  if (read_u16(&message[4]) > 0) {
    const auto end = skip_name(message, at);
    is_broken = !end || *end + 4 > message.size();
    if (!is_broken) at = *end + 4;
  }
  const size_t answers = read_u16(&message[6]);
  const size_t authorities = read_u16(&message[8]);
  const size_t all = answers + authorities + read_u16(&message[10]);
  for (size_t i = 0; i < std::min(all, kMostRecords) && !is_broken; ++i) {
    const auto record = read_record(message, at);
    if (!record) break;
    at = record->end;
    if (record->type == static_cast<uint16_t>(RecordType::opt)) {
      // The upper bits of the extended code (RFC 6891 section 6.1.3).
      rcode = static_cast<uint16_t>(rcode | (message[record->fields + 4] << 4U));
    } else if (i < answers) {
      text.answer.push_back(record_text(message, *record));
    } else if (i < answers + authorities) {
      text.authority.push_back(record_text(message, *record));
    }
  }
  text.rcode = rcode_text(rcode);
  return text;
}

}  // namespace burrow::dns
