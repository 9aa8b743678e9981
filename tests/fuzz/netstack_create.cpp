// fuzz: netstack
// Any bytes as a create request: what is planned decodes again as a network, and says the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netstack/create.h"

using namespace burrow;
using namespace burrow::netstack;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto request =
      decode_create_request(std::string_view{reinterpret_cast<const char*>(bytes), size});
  if (!request) return 0;
  uint64_t random = 0;
  const CreateSurroundings surroundings{
      .now = "2026-01-01T00:00:00Z",
      .random = [&] { return random += 0x9e3779b97f4a7c15; },
      .is_link = [](const LinkName& name) { return name.str().size() % 2 == 0; },
      .plugin = [](const Network& network) -> Result<Network> { return network; }};
  const auto network = plan_create(*request, surroundings);
  if (!network) return 0;
  const auto document = encode(*network);
  const auto again = decode_network(JsonCursor{document});
  if (!again || encode(*again) != document) __builtin_trap();
  return 0;
}
