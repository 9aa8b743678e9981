#include "dns/kept_answer.h"

#include <algorithm>
#include <cstring>

#include "dns/records.h"

namespace burrow::dns {
namespace {

using std::chrono::seconds;

constexpr size_t kExtendedErrorSize = 6;
constexpr uint16_t kOptionExtendedError = 15;
// Beyond it a kept answer would cost others their place.
constexpr size_t kLargestKept = 8192;

constexpr uint32_t read_u32(const uint8_t* at) {
  return uint32_t{read_u16(at)} << 16U | read_u16(at + 2);
}

// RFC 2181 section 8: with the highest bit set it means zero.
seconds ttl_at(Bytes response, size_t at) {
  const auto ttl = read_u32(&response[at]);
  return seconds{ttl > 0x7fffffffU ? 0 : ttl};
}

// The last field of a SOA record's data; nothing when the record is too short to be one.
std::optional<seconds> minimum_of(Bytes response, const RecordSpan& soa) {
  constexpr size_t kNumbers = 20;
  if (soa.end - (soa.fields + 10) < kNumbers + 2) return {};
  return ttl_at(response, soa.end - 4);
}

// How long the whole holds; nothing when it says no and not for how long.
std::optional<seconds> lifetime(Bytes response, const Records& records, Rcode rcode) {
  const bool is_negative = rcode == Rcode::name_error || records.counts[0] == 0;
  auto ttl = is_negative ? kLongestNegativeTtl : kLongestTtl;
  bool has_soa = false;
  const size_t authority_end = size_t{records.counts[0]} + records.counts[1];
  for (size_t i = 0; i < records.all.size(); ++i) {
    const auto& record = records.all[i];
    ttl = std::min(ttl, ttl_at(response, record.fields + 4));
    if (record.type != static_cast<uint16_t>(RecordType::soa) || i < records.counts[0] ||
        i >= authority_end) {
      continue;
    }
    const auto minimum = minimum_of(response, record);
    if (!minimum) return {};
    has_soa = true;
    ttl = std::min(ttl, *minimum);
  }
  if (is_negative && !has_soa) return {};
  return ttl;
}

// Our OPT record at `at`; the caller has made room. Returns its size.
size_t write_opt(uint8_t* at, const Edns& edns, std::optional<ExtendedError> error) {
  const size_t options = error ? kExtendedErrorSize : 0;
  at[0] = 0;
  write_u16(at + 1, static_cast<uint16_t>(RecordType::opt));
  write_u16(at + 3, kUdpSize);
  write_u16(at + 5, 0);
  write_u16(at + 7, edns.is_dnssec_ok ? kEdnsFlagDnssecOk : 0);
  write_u16(at + 9, options);
  if (error) {
    write_u16(at + 11, kOptionExtendedError);
    write_u16(at + 13, 2);
    write_u16(at + 15, static_cast<uint16_t>(*error));
  }
  return kOptSize + options;
}

// How many bytes of `response` fit into `room` in whole records; counts those of each section and
// says whether something that matters is missing.
struct Part {
  size_t size = 0;
  std::array<uint16_t, 3> counts{};
  bool is_truncated = false;
};
Part cut(Bytes response, size_t question_size, size_t room) {
  Part part{.size = kHeaderSize + question_size};
  for (size_t section = 0; section < 3; ++section) {
    for (unsigned left = read_u16(&response[6 + 2 * section]); left > 0; --left) {
      const auto record = read_record(response, part.size);
      if (!record || record->end > room) {
        part.is_truncated = section < 2;
        return part;
      }
      part.size = record->end;
      ++part.counts[section];
    }
  }
  return part;
}

}  // namespace

std::optional<KeptAnswer> keep_answer(Bytes response, size_t question_size) {
  if (response.size() < kHeaderSize + question_size || response.size() > kLargestKept) return {};
  const auto flags = read_u16(&response[2]);
  const auto rcode = static_cast<Rcode>(flags & kMaskRcode);
  if (read_u16(&response[4]) != 1 || (flags & kFlagTruncated) != 0 ||
      (rcode != Rcode::no_error && rcode != Rcode::name_error)) {
    return {};
  }
  const auto records = read_records(response, kHeaderSize + question_size);
  if (!records) return {};
  // The upper bits of the response code lie in the OPT record.
  if (records->opt && response[records->opt->fields + 4] != 0) return {};
  const auto ttl = lifetime(response, *records, rcode);
  if (!ttl || *ttl < seconds{1}) return {};

  KeptAnswer kept{.ttl = *ttl};
  size_t end = kHeaderSize + question_size;
  std::array<uint16_t, 3> counts{};
  size_t section = 0;
  for (const auto& record : records->all) {
    while (counts[section] == records->counts[section]) ++section;
    // Behind an OPT record: left out, because pointers into what moves would go astray.
    if (record.begin != end) break;
    kept.ttls.push_back(static_cast<uint16_t>(record.fields + 4));
    end = record.end;
    ++counts[section];
  }
  kept.response.assign(response.begin(), response.begin() + static_cast<std::ptrdiff_t>(end));
  for (size_t i = 0; i < 3; ++i) write_u16(&kept.response[6 + 2 * i], counts[i]);
  return kept;
}

KeptAnswer keep_failure(const Query& query, seconds ttl) {
  KeptAnswer kept{.ttl = ttl};
  kept.response.resize(kHeaderSize);
  write_u16(&kept.response[2], kFlagResponse | static_cast<uint16_t>(Rcode::server_failure));
  write_u16(&kept.response[4], 1);
  kept.response.insert(kept.response.end(), query.question.begin(), query.question.end());
  return kept;
}

size_t write_kept(Bytes response, std::span<const uint16_t> ttls, const Query& query,
                  Transport transport, const Presentation& presentation, std::span<uint8_t> reply) {
  const size_t opt_size =
      !query.edns ? 0 : kOptSize + (presentation.extended_error ? kExtendedErrorSize : 0);
  const size_t room = std::min(reply_limit(query, transport), reply.size()) - opt_size;
  auto flags = static_cast<uint16_t>(
      (read_u16(&response[2]) & (kFlagResponse | kFlagAuthenticData | kMaskRcode)) |
      kFlagRecursionAvailable | (query.flags & (kFlagRecursionDesired | kFlagCheckingDisabled)));
  size_t size = response.size();
  std::array<uint16_t, 3> counts{};
  if (size <= room) {
    for (size_t i = 0; i < 3; ++i) counts[i] = read_u16(&response[6 + 2 * i]);
  } else {
    const auto part = cut(response, query.question.size(), room);
    size = part.size;
    counts = part.counts;
    if (part.is_truncated) flags |= kFlagTruncated;
  }
  uint8_t* const begin = reply.data();
  std::memcpy(begin, response.data(), size);
  std::memcpy(begin + kHeaderSize, query.question.data(), query.question.size());
  for (const size_t at : ttls) {
    if (at > size) break;
    const auto ttl = presentation.stale_ttl.value_or(
        std::max(ttl_at(response, at) - presentation.age, seconds{0}));
    write_u32(begin + at, static_cast<uint32_t>(ttl.count()));
  }
  if (query.edns) {
    size += write_opt(begin + size, *query.edns, presentation.extended_error);
    ++counts[2];
  }
  write_u16(begin, query.id);
  write_u16(begin + 2, flags);
  for (size_t i = 0; i < 3; ++i) write_u16(begin + 6 + 2 * i, counts[i]);
  return size;
}

}  // namespace burrow::dns
