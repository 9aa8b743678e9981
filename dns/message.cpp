#include "dns/message.h"

namespace burrow::dns {
namespace {

// Copies the uncompressed name at the start of the question section in lower case.
// Returns where it ends; nothing when it is broken.
std::optional<size_t> read_question_name(Bytes message, Query& query) {
  size_t at = kHeaderSize;
  size_t size = 0;
  for (;;) {
    if (at >= message.size()) return {};
    const uint8_t length = message[at];
    if (length == 0) break;
    // A pointer here could only lead into the header or to itself.
    if (length > kMaximumLabelSize) return {};
    if (at + 1 + length >= message.size() || size + 1 + length + 1 > kMaximumNameSize) return {};
    query.lower_name[size++] = static_cast<char>(length);
    for (size_t i = 1; i <= length; ++i) {
      query.lower_name[size++] = static_cast<char>(to_lower(message[at + i]));
    }
    at += 1 + size_t{length};
  }
  query.name_size = static_cast<uint8_t>(size);
  return at + 1;
}

// Walks the records after the question and takes the OPT record. False when they are broken.
bool read_records(Bytes message, size_t at, Query& query) {
  const size_t before = size_t{read_u16(&message[6])} + read_u16(&message[8]);
  const size_t count = before + read_u16(&message[10]);
  for (size_t i = 0; i < count; ++i) {
    const auto record = read_record(message, at);
    if (!record) return false;
    at = record->end;
    if (record->type != static_cast<uint16_t>(RecordType::opt)) continue;
    // One OPT alone, owned by the root, in the additional section (RFC 6891 6.1.1).
    if (query.edns || i < before || record->fields != record->begin + 1) return false;
    const uint8_t* fields = &message[record->fields];
    query.edns = Edns{.udp_size = read_u16(fields + 2),
                      .version = fields[5],
                      .is_dnssec_ok = (read_u16(fields + 6) & kEdnsFlagDnssecOk) != 0};
  }
  return true;
}

}  // namespace

Decoded decode_query(Bytes message, Query& query) {
  if (message.size() < kHeaderSize) return Decoded::no_query;
  query.id = read_u16(&message[0]);
  query.flags = read_u16(&message[2]);
  query.question = {};
  query.edns.reset();
  query.name_size = 0;
  if ((query.flags & kFlagResponse) != 0) return Decoded::no_query;
  if ((query.flags & kMaskOpcode) != 0) return Decoded::unknown_opcode;
  if (read_u16(&message[4]) != 1) return Decoded::several;

  const auto name_end = read_question_name(message, query);
  if (!name_end || *name_end + 4 > message.size()) return Decoded::malformed;
  query.type = read_u16(&message[*name_end]);
  query.record_class = read_u16(&message[*name_end + 2]);
  query.question = message.subspan(kHeaderSize, *name_end + 4 - kHeaderSize);
  return read_records(message, *name_end + 4, query) ? Decoded::query : Decoded::malformed;
}

std::optional<size_t> skip_name(Bytes message, size_t at) {
  const size_t begin = at;
  while (at < message.size()) {
    const uint8_t length = message[at];
    if (length == 0) return at + 1;
    if ((length & 0xc0U) == 0xc0U) {
      if (at + 2 > message.size()) return {};
      const size_t target = read_u16(&message[at]) & 0x3fffU;
      if (target < kHeaderSize || target >= begin) return {};
      return at + 2;
    }
    if (length > kMaximumLabelSize || at + 1 + length - begin >= kMaximumNameSize) return {};
    at += 1 + size_t{length};
  }
  return {};
}

std::optional<RecordSpan> read_record(Bytes message, size_t at) {
  const auto fields = skip_name(message, at);
  if (!fields || *fields + 10 > message.size()) return {};
  const size_t end = *fields + 10 + read_u16(&message[*fields + 8]);
  if (end > message.size()) return {};
  return RecordSpan{
      .begin = at, .fields = *fields, .end = end, .type = read_u16(&message[*fields])};
}

}  // namespace burrow::dns
