// fuzz: dns
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/egress_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view words{reinterpret_cast<const char*>(bytes), size};
  for (const auto* id : {"", "3f1c"}) {
    const auto list = burrow::dns::parse_egress_list(id, words);
    if (!list) continue;
    if (list->names.empty() || list->owners.empty()) std::abort();
    for (const auto& name : list->names) {
      // What was read is read again as the same, and a name is on its own list.
      const auto again = burrow::NamePattern::parse(name.str());
      if (!again || *again != name) std::abort();
      const bool is_wildcard = name.str().starts_with("*.");
      if (list->has(is_wildcard ? "x" + name.str().substr(1) : name.str())) continue;
      std::abort();
    }
  }
  return 0;
}
