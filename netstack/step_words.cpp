#include "netstack/step_words.h"

#include <array>
#include <utility>

namespace burrow::netstack {
namespace {

constexpr std::array<std::pair<TableChange, std::string_view>, 5> kTableWords{{
    {TableChange::keep, "keep"},
    {TableChange::create, "create"},
    {TableChange::mend, "mend"},
    {TableChange::replace, "replace"},
    {TableChange::remove, "remove"},
}};

constexpr std::array<std::pair<host::RouteKind, std::string_view>, 4> kRouteWords{{
    {host::RouteKind::unicast, "unicast"},
    {host::RouteKind::blackhole, "blackhole"},
    {host::RouteKind::unreachable, "unreachable"},
    {host::RouteKind::prohibit, "prohibit"},
}};

}  // namespace

std::string_view word(Place place) { return place == Place::host ? "host" : "container"; }

Result<Place> parse_place(std::string_view text) {
  if (text == "host") return Place::host;
  if (text == "container") return Place::container;
  return fail(Errc::invalid_input, "unknown place \"{}\"", text);
}

std::string_view word(TableChange change) {
  for (const auto& [value, text] : kTableWords) {
    if (value == change) return text;
  }
  return "keep";
}

Result<TableChange> parse_table_change(std::string_view text) {
  for (const auto& [value, known] : kTableWords) {
    if (text == known) return value;
  }
  return fail(Errc::invalid_input, "unknown table change \"{}\"", text);
}

Result<host::RouteKind> parse_route_kind(std::string_view text) {
  for (const auto& [value, known] : kRouteWords) {
    if (text == known) return value;
  }
  return fail(Errc::invalid_input, "unknown route type \"{}\"", text);
}

std::string_view word(firewall::Accepts::Reach reach) {
  return reach == firewall::Accepts::Reach::anywhere ? "anywhere" : "own_bridge";
}

Result<firewall::Accepts::Reach> parse_reach(std::string_view text) {
  using firewall::Accepts;
  for (const auto reach : {Accepts::Reach::anywhere, Accepts::Reach::own_bridge}) {
    if (text == word(reach)) return reach;
  }
  return fail(Errc::invalid_input, "unknown reach \"{}\"", text);
}

Result<host::VlanFiltering> parse_filtering(std::string_view text) {
  for (const auto filtering : {host::VlanFiltering::off, host::VlanFiltering::on}) {
    if (text == to_string(filtering)) return filtering;
  }
  return fail(Errc::invalid_input, "unknown VLAN filtering \"{}\"", text);
}

Result<host::BridgedPackets> parse_bridged_packets(std::string_view text) {
  using enum host::BridgedPackets;
  for (const auto packets : {past_firewall, through_firewall}) {
    if (text == word(packets)) return packets;
  }
  return fail(Errc::invalid_input, "unknown way of bridged packets \"{}\"", text);
}

std::string_view word(host::BridgedPackets packets) {
  return packets == host::BridgedPackets::through_firewall ? "through_firewall" : "past_firewall";
}

std::string_view word(host::RouteKind kind) {
  for (const auto& [value, text] : kRouteWords) {
    if (value == kind) return text;
  }
  return "unicast";
}

}  // namespace burrow::netstack
