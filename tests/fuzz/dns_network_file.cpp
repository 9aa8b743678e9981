// fuzz: dns
// Any bytes as a file of the configuration directory, made into zones and looked up.
#include <cstdlib>

#include "dns/zones.h"

using namespace burrow;
using namespace burrow::dns;

namespace {

// The zone of `now` made of the one of `before` by their differences must be as one made afresh.
void try_edit(std::string_view before, std::string_view now) {
  const auto first = parse_network_file("net", before);
  const auto second = parse_network_file("net", now);
  if (!first || !second) return;
  const auto lines = number_lines(before);
  const auto diff = diff_lines(before, lines, now);
  if (!diff || diff->lines[0].of(now) != lines[0].of(before)) return;
  const auto read = [](std::string_view text, const std::vector<NumberedLine>& some) {
    std::vector<NetworkLine> result;
    Complaints complaints;
    for (const auto& line : some) {
      if (auto content = parse_line(line.of(text), complaints)) {
        result.push_back({line.number, *std::move(content)});
      }
    }
    return result;
  };
  const std::vector<const NetworkFile*> old_files{&*first};
  const std::vector<const NetworkFile*> new_files{&*second};
  const NetworkZone edited{NetworkZone{old_files}, read(before, diff->gone), read(now, diff->come)};
  const NetworkZone fresh{new_files};
  if (edited.name_count() != fresh.name_count() ||
      edited.container_count() != fresh.container_count() ||
      edited.egress_lists().size() != fresh.egress_lists().size()) {
    std::abort();
  }
  fresh.for_each_name([&](std::string_view labels, const burrow::dns::Name& name) {
    const auto* other = edited.find_name(labels);
    if (other == nullptr || other->addresses.size() != name.addresses.size() ||
        other->records.size() != name.records.size()) {
      std::abort();
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view content{reinterpret_cast<const char*>(bytes), size};
  // Two versions of a file, a zero byte between them.
  if (const auto cut = content.find('\0'); cut != content.npos) {
    try_edit(content.substr(0, cut), content.substr(cut + 1));
  }
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
