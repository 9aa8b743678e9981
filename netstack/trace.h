// The sub-command `trace`: follows packets of one flow through every table of the host and says in
// words what each chain does with them.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "firewall/trace.h"

namespace burrow::netstack {

/// Reads "10.0.0.2" and "192.0.2.1:80" or "[2001:db8::1]:80". A port without a protocol is TCP's.
/// Errors: invalid_input.
Result<firewall::Flow> parse_flow(std::string_view from, std::string_view to,
                                  std::optional<std::string_view> protocol);

/// Turns steps of packets into lines, packet by packet. Pure.
class TraceStory {
 public:
  /// The lines that this step adds, each with its end.
  std::string tell(const firewall::TraceEvent& event);
  /// How the packet at hand ended, once nothing more comes of it; empty without one.
  std::string end();
  /// Packets whose end was told.
  [[nodiscard]] size_t ended() const { return ended_; }
  [[nodiscard]] bool is_following() const { return packet_.has_value(); }

 private:
  std::optional<uint32_t> packet_;
  std::set<std::string> earlier_;  ///< chains that it met before the kernel gave it another number
  std::set<std::string> places_;   ///< chains that it met since
  std::string dropped_by_;
  size_t told_ = 0;
  size_t ended_ = 0;
};

/// Follows `packets` packets of `flow` and hands out text as it happens, until then or until SIGINT
/// or SIGTERM. The table that marks them is taken away in any case. Errors: as of Tracer::start;
/// system.
Result<void> trace(const firewall::Flow& flow, size_t packets,
                   const std::function<void(const std::string&)>& print);

}  // namespace burrow::netstack
