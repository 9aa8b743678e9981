#include "dns/alias_chase.h"

#include <algorithm>

#include "dns/records.h"

namespace burrow::dns {
namespace {

constexpr size_t kFieldsSize = 10;      // type, class, TTL, data size
constexpr uint8_t kPointerMark = 0xc0;  // RFC 1035 section 4.1.4
constexpr size_t kMostPointers = 64;

// Where a record's data has names, which may be compressed (RFC 3597 section 4): after so many
// bytes, so many of them, and what comes behind is copied.
struct NamesInData {
  size_t before = 0;
  size_t count = 0;
};
NamesInData names_in(uint16_t type) {
  switch (static_cast<RecordType>(type)) {
    case RecordType::cname:
    case RecordType::ptr:
      return {.before = 0, .count = 1};
    case RecordType::mx:
      return {.before = 2, .count = 1};
    case RecordType::srv:
      return {.before = 6, .count = 1};
    case RecordType::soa:
      return {.before = 0, .count = 2};
    default:
      break;
  }
  constexpr uint16_t kNs = 2;
  constexpr uint16_t kDname = 39;
  return {.before = 0, .count = type == kNs || type == kDname ? size_t{1} : size_t{0}};
}

// Appends the name at `at`, with all its labels. False when it is broken.
bool append_name(Bytes message, size_t at, std::vector<uint8_t>& to) {
  const size_t begin = to.size();
  for (size_t pointers = 0; at < message.size();) {
    const uint8_t size = message[at];
    if ((size & kPointerMark) == kPointerMark) {
      if (at + 1 >= message.size() || ++pointers > kMostPointers) return false;
      at = (size & ~size_t{kPointerMark}) << 8U | message[at + 1];
      continue;
    }
    if (size > kMaximumLabelSize || at + 1 + size > message.size()) return false;
    to.insert(to.end(), message.begin() + static_cast<std::ptrdiff_t>(at),
              message.begin() + static_cast<std::ptrdiff_t>(at + 1 + size));
    if (to.size() - begin > kMaximumNameSize) return false;
    if (size == 0) return true;
    at += 1 + size_t{size};
  }
  return false;
}

// Appends the record with all names in full, so that it can stand in any message. False when it is
// broken; `to` is of no use then.
bool append_record(Bytes message, const RecordSpan& record, std::vector<uint8_t>& to) {
  if (!append_name(message, record.begin, to)) return false;
  const size_t fields = to.size();
  const auto part = message.subspan(record.fields, kFieldsSize);
  to.insert(to.end(), part.begin(), part.end());
  size_t at = record.fields + kFieldsSize;
  const auto names = names_in(record.type);
  if (names.count > 0) {
    if (at + names.before > record.end) return false;
    const auto before = message.subspan(at, names.before);
    to.insert(to.end(), before.begin(), before.end());
    at += names.before;
    for (size_t i = 0; i < names.count; ++i) {
      const auto end = skip_name(message, at);
      if (!end || *end > record.end || !append_name(message, at, to)) return false;
      at = *end;
    }
  }
  const auto rest = message.subspan(at, record.end - at);
  to.insert(to.end(), rest.begin(), rest.end());
  write_u16(&to[fields + 8], to.size() - fields - kFieldsSize);
  return true;
}

bool is_failure(Rcode rcode) { return rcode != Rcode::no_error && rcode != Rcode::name_error; }

}  // namespace

AliasChase::AliasChase(const Query& query, Transport transport, Bytes so_far, size_t target)
    : asked_(query, transport), so_far_(so_far.begin(), so_far.end()), target_(target) {
  const auto end = skip_name(so_far, target_);
  const auto name = so_far.subspan(target_, *end - target_);
  question_.assign(name.begin(), name.end());
  const auto type_and_class = query.question.last(4);
  question_.insert(question_.end(), type_and_class.begin(), type_and_class.end());
}

Query AliasChase::query() const {
  Query query = asked_.query();
  query.question = question_;
  query.type = read_u16(&question_[question_.size() - 4]);
  query.record_class = read_u16(&question_[question_.size() - 2]);
  query.name_size = static_cast<uint8_t>(question_.size() - 5);
  std::copy_n(question_.begin(), query.name_size, query.lower_name.begin());
  return query;
}

std::vector<uint8_t> AliasChase::completed(Bytes reply) const {
  auto whole = so_far_;
  const size_t opt_size = asked_.edns ? kOptSize : 0;
  const size_t limit = reply_limit(asked_.query(), asked_.transport) - opt_size;
  auto flags = read_u16(&so_far_[2]);
  std::array<uint16_t, 2> counts{read_u16(&so_far_[6]), 0};
  const auto records = reply.size() >= kHeaderSize + question_.size()
                           ? read_records(reply, kHeaderSize + question_.size())
                           : std::nullopt;
  const auto rcode =
      records ? static_cast<Rcode>(read_u16(&reply[2]) & kMaskRcode) : Rcode::server_failure;
  flags |= static_cast<uint16_t>(is_failure(rcode) ? Rcode::server_failure : rcode);
  if (!is_failure(rcode)) {
    flags |= static_cast<uint16_t>(read_u16(&reply[2]) & kFlagTruncated);
    for (size_t i = 0; i < records->all.size(); ++i) {
      const auto& record = records->all[i];
      const size_t section = i < records->counts[0] ? 0 : 1;
      // Of the rest, only how long a "no" holds matters to a stub resolver.
      if (section == 1 && (i >= size_t{records->counts[0]} + records->counts[1] ||
                           record.type != static_cast<uint16_t>(RecordType::soa))) {
        continue;
      }
      const size_t before = whole.size();
      if (append_record(reply, record, whole) && whole.size() <= limit) {
        ++counts[section];
        continue;
      }
      whole.resize(before);
      if (section == 0) flags |= kFlagTruncated;
      break;
    }
  }
  if (asked_.edns) {
    const size_t at = whole.size();
    whole.resize(at + kOptSize);
    write_u16(&whole[at + 1], static_cast<uint16_t>(RecordType::opt));
    write_u16(&whole[at + 3], kUdpSize);
    write_u16(&whole[at + 7], asked_.edns->is_dnssec_ok ? kEdnsFlagDnssecOk : 0);
  }
  write_u16(&whole[2], flags);
  write_u16(&whole[6], counts[0]);
  write_u16(&whole[8], counts[1]);
  write_u16(&whole[10], asked_.edns ? 1 : 0);
  return whole;
}

}  // namespace burrow::dns
