// Reading queries and walking messages: strict, bounded, without allocation. Pure. Replies are
// written in reply.h; what comes back from upstream is judged in relay.h.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "dns/wire.h"

namespace burrow::dns {

/// What a query's OPT record says (RFC 6891 section 6.1.3).
struct Edns {
  uint16_t udp_size = kPlainUdpSize;
  uint8_t version = 0;
  bool is_dnssec_ok = false;
};

/// A query with one question. Refers to the message that it was read from.
struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;
  /// Name, type and class as sent, the case of the name kept (0x20).
  Bytes question;
  uint16_t type = 0;
  uint16_t record_class = 0;
  std::optional<Edns> edns;

  /// The name in lower case: labels without the root label.
  [[nodiscard]] std::string_view labels() const { return {lower_name.data(), name_size}; }
  uint8_t name_size = 0;
  std::array<char, kMaximumNameSize> lower_name;
};

/// How a message was understood.
enum class Decoded {
  query,           ///< whole
  no_query,        ///< shorter than a header, or a response: must not be answered (RFC 1035 7.1)
  malformed,       ///< header only: FORMERR
  several,         ///< not exactly one question (RFC 9619): FORMERR
  unknown_opcode,  ///< header only: NOTIMP
};

/// Reads `message` into `query`. `query.id` and `query.flags` are set unless the result is
/// no_query; `query.question` unless the question itself was broken. Bytes after the counted
/// records are ignored.
Decoded decode_query(Bytes message, Query& query);

/// One record of a message, by position.
struct RecordSpan {
  size_t begin = 0;   ///< of the owner name
  size_t fields = 0;  ///< of the type field
  size_t end = 0;     ///< after the last byte of the data
  uint16_t type = 0;
};

/// Where the name at `at` ends, following no pointer; nothing when it is broken. Pointers must lead
/// backwards; what they lead to is not looked at.
std::optional<size_t> skip_name(Bytes message, size_t at);
/// The record at `at`; nothing when it does not fit into the message.
std::optional<RecordSpan> read_record(Bytes message, size_t at);

}  // namespace burrow::dns
