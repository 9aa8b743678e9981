// The words by which steps in JSON name places, changes of the table, types of routes, how far
// packets go, VLAN filtering and the way of bridged packets. Pure.
#pragma once

#include <string_view>

#include "core/result.h"
#include "netstack/step.h"

namespace burrow::netstack {

std::string_view word(Place place);
std::string_view word(TableChange change);
std::string_view word(host::RouteKind kind);
std::string_view word(firewall::Accepts::Reach reach);
std::string_view word(host::BridgedPackets packets);

/// Errors of all: invalid_input for a word that is none of theirs.
Result<Place> parse_place(std::string_view text);
Result<TableChange> parse_table_change(std::string_view text);
Result<host::RouteKind> parse_route_kind(std::string_view text);
Result<firewall::Accepts::Reach> parse_reach(std::string_view text);
Result<host::VlanFiltering> parse_filtering(std::string_view text);
Result<host::BridgedPackets> parse_bridged_packets(std::string_view text);

}  // namespace burrow::netstack
