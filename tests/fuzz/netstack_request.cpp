// fuzz: netstack
// Any bytes as a request: decoded for set-up, planned on an empty host, and read for teardown.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../support/netstack_examples.h"

using namespace burrow::netstack;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  if (const auto request = decode_setup_request(text)) {
    const auto planned = plan_setup(*request, examples::empty_host(*request), examples::settings());
    // What can be planned can be taken back and be remembered.
    if (planned) {
      (void)invert(planned->plan.steps);
      for (const auto& change : planned->plan.changes) {
        if (change.path.starts_with("attachments/") && !decode_attachment_record(*change.after)) {
          __builtin_trap();
        }
      }
    }
  }
  (void)decode_teardown_request(text);
  return 0;
}
