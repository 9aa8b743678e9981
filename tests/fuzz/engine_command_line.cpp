// fuzz: engine
// The words of the command line: ports, networks, host entries, and the text files of /etc.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/hosts_file.h"
#include "engine/network_option.h"
#include "engine/port_grammar.h"
#include "engine/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace burrow::engine;
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  if (const auto port = parse_port(text)) {
    if (port->container_port == 0 || port->container_port + port->count - 1 > 65535)
      __builtin_trap();
  }
  (void)parse_network_choice(text).has_value();
  (void)parse_network_choices({std::string{text}}).has_value();
  (void)parse_host_entry(text).has_value();
  // Rendering what was read must be stable: a second reading sees the same.
  const auto once = render(parse_resolv_conf(text));
  if (render(parse_resolv_conf(once)) != once) __builtin_trap();
  (void)render_hosts({.base = text}).has_value();
  return 0;
}
