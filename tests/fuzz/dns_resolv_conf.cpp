// fuzz: dns
#include <cstdlib>

#include "dns/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto parsed = burrow::dns::parse_resolv_conf({reinterpret_cast<const char*>(bytes), size});
  if (parsed.nameservers.size() > 3) std::abort();
  for (const auto& server : parsed.nameservers) {
    if (!server.zone.empty() && server.address.is_v4()) std::abort();
  }
  return 0;
}
