// fuzz: netstack
// Any bytes as a record of the journal; what decodes must encode to something that decodes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netstack/record.h"

using namespace burrow::netstack;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  if (const auto record = decode_attachment_record(text)) {
    if (!decode_attachment_record(encode(*record))) __builtin_trap();
    (void)invert(record->steps);
  }
  if (const auto record = decode_network_record(text)) {
    if (!decode_network_record(encode(*record))) __builtin_trap();
  }
  if (const auto record = decode_pending_record(text)) {
    if (!decode_pending_record(encode(*record))) __builtin_trap();
  }
  return 0;
}
