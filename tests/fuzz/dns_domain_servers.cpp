// fuzz: dns
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/domain_servers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto forwards =
      burrow::dns::parse_domain_forwards({reinterpret_cast<const char*>(bytes), size});
  if (!forwards) return 0;
  for (const auto& forward : *forwards) {
    // Each domain's own name finds its servers.
    const auto found = burrow::dns::find_domain_servers(*forwards, forward.domain.labels());
    if (found.data() != forward.servers.data()) std::abort();
  }
  return 0;
}
