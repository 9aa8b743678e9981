// What one record of the journal has in the firewall. A plain value.
#pragma once

#include <string>
#include <vector>

#include "firewall/elements.h"

namespace burrow::netstack {

/// What one record has in the firewall.
struct RecordedGroup {
  std::string record;  ///< its path inside the journal's directory
  std::vector<firewall::Element> elements;
};

}  // namespace burrow::netstack
