// Where in firewalld our bridges belong, and what of its settings matters to us. Pure: decides,
// asks and changes nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace burrow::firewall {

/// What firewalld does with connections that somebody else has led to another address: lets them
/// pass, or only where it has a forward port for them itself (its StrictForwardPorts).
enum class ForwardPorts { anybodys, own_only };

/// A port that firewalld forwards, in its words.
struct ForwardPort {
  std::string ports;     ///< "8080" or "8080-8090"
  std::string protocol;  ///< "tcp", "udp", "sctp" or "dccp"
  std::string to_ports;
  std::string to_address;
  friend bool operator==(const ForwardPort&, const ForwardPort&) = default;
};

/// The zone of ours, packaging/firewalld/zones/burrow.xml: packets go on from it to anywhere, and
/// of the host it reaches DHCP, DNS and ping.
inline constexpr std::string_view kOwnZone = "burrow";
/// Where our bridges are while firewalld has not read ours. It has this one always.
inline constexpr std::string_view kStandInZone = "trusted";

/// The zone for our bridges among those that firewalld has read; nothing when neither is there.
std::optional<std::string> zone_for_bridges(std::span<const std::string> zones);

/// Whether a bridge has to be put into `wanted`: where it is in no zone, or in the one that we had
/// put it into for want of a better. A zone that somebody else chose for it stays. `recorded` is
/// the zone on record.
bool has_to_move(const std::optional<std::string>& current,
                 const std::optional<std::string>& recorded, std::string_view wanted);

}  // namespace burrow::firewall
