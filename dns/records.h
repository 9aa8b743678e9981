// The records of a response by position. Pure. Single records: message.h.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "dns/message.h"

namespace burrow::dns {

struct Records {
  std::vector<RecordSpan> all;  ///< without OPT
  std::optional<RecordSpan> opt;
  std::array<uint16_t, 3> counts{};  ///< answer, authority, additional; without OPT
};

/// Reads the records of all sections, the first of which begins at `at`. Nothing when one does not
/// fit or an OPT record stands where none may.
std::optional<Records> read_records(Bytes response, size_t at);

}  // namespace burrow::dns
