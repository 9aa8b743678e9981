// fuzz: dns
// Any bytes as a file of the configuration directory, made into zones and looked up.
#include <cstdlib>

#include "dns/zones.h"

using namespace burrow;
using namespace burrow::dns;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view content{reinterpret_cast<const char*>(bytes), size};
  const auto file = parse_network_file("net", content);
  if (!file) return 0;
  if (file->header.listen_addresses.empty()) std::abort();
  const auto other = *parse_network_file("other%int", "10.0.0.1\na 10.0.0.2  a\n");
  const std::vector<const NetworkFile*> files{&*file};
  const std::vector<const NetworkFile*> other_files{&other};
  const Zones zones{{std::make_shared<const NetworkZone>(files),
                     std::make_shared<const NetworkZone>(other_files)},
                    {},
                    {}};
  for (const auto& line : file->lines) {
    const auto* container = std::get_if<ContainerLine>(&line.content);
    if (container == nullptr) continue;
    for (const auto& address : container->addresses) {
      if (zones.view(0, address).networks.empty()) std::abort();
      for (const auto& name : container->names) {
        if (zones.networks()[0]->find_name(name.labels()) == nullptr) std::abort();
      }
    }
  }
  return 0;
}
