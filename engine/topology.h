// The picture of networks, bridges, containers, addresses and published ports. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/canvas.h"
#include "engine/networks.h"

namespace burrow::engine {

/// How to draw.
struct TopologyStyle {
  Glyphs glyphs = Glyphs::box_drawing;
  size_t width = 80;  ///< columns of the terminal; rows of containers are broken to fit
};

/// Draws `host`, below it each network with its bridge and subnets, and below that the containers
/// that run on it. A container on several networks appears on each and names the others.
std::string draw_topology(const std::string& host, const std::vector<NetworkView>& networks,
                          const TopologyStyle& style);

}  // namespace burrow::engine
