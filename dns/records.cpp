#include "dns/records.h"

namespace burrow::dns {

std::optional<Records> read_records(Bytes response, size_t at) {
  Records records;
  for (size_t section = 0; section < 3; ++section) {
    const auto count = read_u16(&response[6 + 2 * section]);
    for (size_t i = 0; i < count; ++i) {
      const auto record = read_record(response, at);
      if (!record) return {};
      at = record->end;
      if (record->type == static_cast<uint16_t>(RecordType::opt)) {
        // One alone, owned by the root, in the additional section (RFC 6891 6.1.1).
        if (records.opt || section != 2 || record->fields != record->begin + 1) return {};
        records.opt = record;
      } else {
        records.all.push_back(*record);
        ++records.counts[section];
      }
    }
  }
  return records;
}

}  // namespace burrow::dns
