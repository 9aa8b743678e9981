#include "dns/reply.h"

#include <algorithm>
#include <cstring>

namespace burrow::dns {
namespace {

constexpr size_t kRecordFieldsSize = 12;  // a pointer as owner, type, class, TTL, data size
constexpr size_t kExtendedErrorSize = 6;
constexpr uint16_t kOptionExtendedError = 15;
constexpr size_t kPointer = 0xc000;

// RNAME of our zones: nobody reads mail about them (RFC 6303 section 3).
constexpr std::string_view kNobody{"\6nobody\7invalid\0", 16};

}  // namespace

ReplyWriter::ReplyWriter(std::span<uint8_t> buffer, const Query& query, size_t limit)
    : buffer_(buffer),
      query_(query),
      limit_(std::min(limit, buffer.size())),
      used_(kHeaderSize + query.question.size()),
      flags_(static_cast<uint16_t>(
          kFlagResponse | kFlagRecursionAvailable |
          (query.flags & (kMaskOpcode | kFlagRecursionDesired | kFlagCheckingDisabled)))) {
  if (!query.question.empty()) {
    std::memcpy(&buffer_[kHeaderSize], query.question.data(), query.question.size());
  }
}

size_t ReplyWriter::opt_size() const {
  if (!query_.edns) return 0;
  return kOptSize + (extended_error_ ? kExtendedErrorSize : 0);
}

uint8_t* ReplyWriter::begin_record(size_t owner, RecordType type, uint32_t ttl, size_t data_size) {
  if ((flags_ & kFlagTruncated) != 0 ||
      used_ + kRecordFieldsSize + data_size + opt_size() > limit_) {
    flags_ |= kFlagTruncated;
    return nullptr;
  }
  uint8_t* at = &buffer_[used_];
  write_u16(at, kPointer | owner);
  write_u16(at + 2, static_cast<uint16_t>(type));
  write_u16(at + 4, kClassInternet);
  write_u32(at + 6, ttl);
  write_u16(at + 10, data_size);
  used_ += kRecordFieldsSize + data_size;
  return at + kRecordFieldsSize;
}

void ReplyWriter::add_address(const IpAddress& address, uint32_t ttl) {
  const auto bytes = address.bytes();
  const auto type = address.is_v4() ? RecordType::a : RecordType::aaaa;
  if (uint8_t* at = begin_record(owner_, type, ttl, bytes.size())) {
    std::memcpy(at, bytes.data(), bytes.size());
    ++answers_;
  }
}

void ReplyWriter::add_pointer(std::string_view labels) {
  if (uint8_t* at = begin_record(owner_, RecordType::ptr, 0, labels.size() + 1)) {
    std::memcpy(at, labels.data(), labels.size());
    at[labels.size()] = 0;
    ++answers_;
  }
}

std::optional<size_t> ReplyWriter::add_record(const Record& record, std::string_view base) {
  std::string_view target;
  if (record.target) target = record.target->name.labels();
  if (!record.target || record.target->base == RecordTarget::Base::root) base = {};
  if (target.size() + base.size() + 1 > kMaximumNameSize) return {};
  const size_t name_size = record.target ? target.size() + base.size() + 1 : 0;
  uint8_t* at = begin_record(owner_, record.type, record.ttl, record.bytes.size() + name_size);
  if (at == nullptr) return {};
  ++answers_;
  at = std::copy(record.bytes.begin(), record.bytes.end(), at);
  if (!record.target) return {};
  const auto offset = static_cast<size_t>(at - buffer_.data());
  at = std::copy(target.begin(), target.end(), at);
  at = std::copy(base.begin(), base.end(), at);
  *at = 0;
  return offset;
}

void ReplyWriter::add_soa(Section section, size_t owner) {
  constexpr size_t kNumbersSize = 20;
  uint8_t* at =
      begin_record(kHeaderSize + owner, RecordType::soa, 0, 2 + kNobody.size() + kNumbersSize);
  if (at == nullptr) return;
  write_u16(at, kPointer | (kHeaderSize + owner));  // MNAME: the zone itself
  std::memcpy(at + 2, kNobody.data(), kNobody.size());
  at += 2 + kNobody.size();
  write_u32(at, 1);            // serial
  write_u32(at + 4, 3600);     // refresh
  write_u32(at + 8, 1200);     // retry
  write_u32(at + 12, 604800);  // expire
  write_u32(at + 16, 0);       // minimum: the negative TTL
  ++(section == Section::answer ? answers_ : authorities_);
}

size_t ReplyWriter::finish() {
  if (query_.edns) {
    const size_t options = extended_error_ ? kExtendedErrorSize : 0;
    uint8_t* at = &buffer_[used_];
    at[0] = 0;
    write_u16(at + 1, static_cast<uint16_t>(RecordType::opt));
    write_u16(at + 3, kUdpSize);
    at[5] = static_cast<uint8_t>(static_cast<uint16_t>(rcode_) >> 4);
    at[6] = 0;  // our version
    write_u16(at + 7, query_.edns->is_dnssec_ok ? kEdnsFlagDnssecOk : 0);
    write_u16(at + 9, options);
    if (extended_error_) {
      write_u16(at + 11, kOptionExtendedError);
      write_u16(at + 13, 2);
      write_u16(at + 15, static_cast<uint16_t>(*extended_error_));
    }
    used_ += kOptSize + options;
  }
  write_header(query_.edns ? 1 : 0);
  return used_;
}

size_t ReplyWriter::suspend() {
  write_header(0);
  return used_;
}

std::string_view ReplyWriter::target_at(size_t offset) const {
  const auto end = skip_name(buffer_.first(used_), offset).value_or(offset + 1);
  return {reinterpret_cast<const char*>(&buffer_[offset]), end - 1 - offset};
}

void ReplyWriter::write_header(uint16_t additionals) {
  uint8_t* header = buffer_.data();
  write_u16(header, query_.id);
  write_u16(header + 2, flags_ | (static_cast<uint16_t>(rcode_) & kMaskRcode));
  write_u16(header + 4, query_.question.empty() ? 0 : 1);
  write_u16(header + 6, answers_);
  write_u16(header + 8, authorities_);
  write_u16(header + 10, additionals);
}

}  // namespace burrow::dns
