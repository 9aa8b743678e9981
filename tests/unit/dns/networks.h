// Networks for the tests of dns/, made of the text of their files.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dns/network_zone.h"

namespace burrow::dns::test {

using Texts = std::vector<std::string>;

inline std::shared_ptr<const NetworkZone> make_network(std::string_view name,
                                                       std::string_view content) {
  const auto file = parse_network_file(name, content);
  REQUIRE(file);
  const std::vector<const NetworkFile*> files{&*file};
  return std::make_shared<const NetworkZone>(files);
}

/// The containers among the lines.
inline std::vector<ContainerLine> containers(const NetworkFile& file) {
  std::vector<ContainerLine> result;
  for (const auto& line : file.lines) {
    if (const auto* container = std::get_if<ContainerLine>(&line.content)) {
      result.push_back(*container);
    }
  }
  return result;
}

/// The addresses that a name is answered with, each once.
inline Texts addresses(const NetworkZone& zone, std::string_view labels) {
  Texts result;
  if (const auto* name = zone.find_name(labels)) {
    for (const auto& each : name->addresses) {
      if (!each.is_repeated) result.push_back(each.address.to_string());
    }
  }
  return result;
}

}  // namespace burrow::dns::test
