// What the daemon knows and does, as documents: the answers of the control socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/server_report.h"
#include "dns/zones.h"

namespace burrow::dns {

/// The daemon at one moment; borrowed.
struct Inspected {
  const Zones& zones;
  ServerReport report;  ///< of all servers together
  size_t threads = 1;
  std::span<const Upstream> host_servers;
  uint64_t generation = 0;
  Clock::time_point started;
  uint16_t port = 0;
  size_t listeners = 0;
  std::vector<std::string> complaints;  ///< files that are not read, addresses not bound
};

/// The whole state, as one JSON document on one line.
std::string status_document(const Inspected& inspected);

/// Every name with what it stands for, of one network or of all; {"error": ...} when there is no
/// such network.
std::string names_document(const Zones& zones, std::string_view network);

/// Counters in the text format of Prometheus.
std::string metrics_text(const Inspected& inspected);

}  // namespace burrow::dns
