// fuzz: firewall
// Elements as they come back from journal records: what decodes must encode to what decodes to the
// same, and survive the kernel's bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/json.h"
#include "firewall/conflicts.h"
#include "firewall/elements.h"
#include "firewall/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace burrow;
  using namespace burrow::firewall;
  const auto json = parse_json({reinterpret_cast<const char*>(bytes), size}, 65536);
  if (!json) return 0;
  const auto element = decode_element(JsonCursor{*json});
  if (!element) return 0;
  const auto encoded = encode(*element);
  const auto again = decode_element(JsonCursor{encoded});
  if (!again || *again != *element) std::abort();
  const auto& shape = shape_of(element->set);
  if (decode_key(shape.key, encode_key(element->key)) != element->key) std::abort();
  // A bound stands beside key and value.
  if (!shape.has_bound() &&
      decode_fields(shape.value, encode_fields(element->value)) != element->value) {
    std::abort();
  }
  if (!overlaps(*element, *element)) std::abort();
  (void)probes_for(*element);
  return 0;
}
