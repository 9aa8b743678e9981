// Writing a reply of our own into a buffer: whole records only, TC when one did not fit, our own
// OPT record. Pure and without allocation. Which records: answer.h.
#pragma once

#include <span>
#include <string_view>

#include "core/ip.h"
#include "dns/message.h"
#include "dns/record.h"

namespace burrow::dns {

/// Writes one reply. Owner names are pointers into the question, so its case is kept (0x20) and
/// nothing is searched.
class ReplyWriter {
 public:
  /// Starts a reply to `query` in `buffer`, with its question when that was understood. The size
  /// limit is the least of `limit` and the buffer; the buffer holds at least 512 bytes.
  ReplyWriter(std::span<uint8_t> buffer, const Query& query, size_t limit);

  void set_rcode(Rcode rcode) { rcode_ = rcode; }
  void set_authoritative() { flags_ |= kFlagAuthoritative; }
  /// Says why, to clients that speak EDNS (RFC 8914); must be called before the first record.
  void set_extended_error(ExtendedError error) {
    if (query_.edns) extended_error_ = error;
  }

  /// Whose the records are that follow: the name at `offset` of the message, at first the name
  /// asked for.
  void set_owner(size_t offset) { owner_ = offset; }
  /// An A or AAAA record.
  void add_address(const IpAddress& address, uint32_t ttl);
  /// A PTR record, TTL 0; `labels` without the root label.
  void add_pointer(std::string_view labels);
  /// A custom record, whose target hangs below `base` if it says so. Returns where the target
  /// stands in the message; nothing when it has none, or the record is left out since its target
  /// would be too long a name or the reply is full.
  std::optional<size_t> add_record(const Record& record, std::string_view base);
  enum class Section { answer, authority };
  /// A SOA record with TTL and minimum 0, so that a negative answer is forgotten at once (RFC
  /// 2308). `owner` is the size of the part of the asked name, root label not counted, that is cut
  /// off in front to get the zone's name.
  void add_soa(Section section, size_t owner);

  /// The labels, in lower case, of the target that add_record() returned the place of.
  [[nodiscard]] std::string_view target_at(size_t offset) const;
  [[nodiscard]] bool is_truncated() const { return (flags_ & kFlagTruncated) != 0; }

  /// Completes the reply and returns its size in bytes.
  size_t finish();
  /// The same, without an OPT record: somebody is to add more.
  size_t suspend();

 private:
  // Reserves a record and writes its fields but the data; null when it does not fit.
  uint8_t* begin_record(size_t owner, RecordType type, uint32_t ttl, size_t data_size);
  [[nodiscard]] size_t opt_size() const;
  void write_header(uint16_t additionals);

  std::span<uint8_t> buffer_;
  const Query& query_;
  size_t limit_;
  size_t used_;
  size_t owner_ = kHeaderSize;
  uint16_t flags_;
  Rcode rcode_ = Rcode::no_error;
  std::optional<ExtendedError> extended_error_;
  uint16_t answers_ = 0;
  uint16_t authorities_ = 0;
};

}  // namespace burrow::dns
