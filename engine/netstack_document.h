// The document that burrow-netstack reads, made of what the engine knows. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/container.h"
#include "netstack/network.h"

namespace burrow::engine {

/// Which networks of a container a document speaks of: all of them, or one on connect.
struct NetstackSubject {
  const Container& container;
  const std::vector<PortMapping>& ports;
  std::vector<netstack::Network> networks;  ///< definitions, in the container's order
};

/// The document for `setup` and `teardown`; `networks` is an array in the given order.
/// Source: reference engine.md 0.2 and appendix A1.
std::string render_netstack_document(const NetstackSubject& subject);

}  // namespace burrow::engine
