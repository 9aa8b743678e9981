// The control socket and the metrics port: what the daemon does and tells when it is asked. The
// protocol is in docs/dns.md; connections are control_server.h, the documents inspection.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "dns/control_server.h"
#include "dns/inspection.h"
#include "dns/log_listeners.h"
#include "dns/udp_server.h"
#include "host/file.h"

namespace burrow::dns {

/// What a reload came to.
struct Refreshed {
  uint64_t generation = 0;            ///< counts the versions of what is answered
  size_t networks = 0;                ///< none: the daemon ends
  size_t named_lists = 0;             ///< lists of egress with names, which are opened
  std::vector<std::string> failures;  ///< addresses that could not be bound
};

/// What the commands act on; must outlive the socket.
struct ControlActions {
  /// Reads the files; what changed is answered when it returns.
  std::function<Result<Refreshed>()> refresh;
  /// Puts back into the firewall what names in lists opened; how many addresses that are.
  std::function<Result<size_t>()> renew;
  std::function<Inspected()> inspect;
  /// What all servers answer from, with the way to upstreams of one of them.
  const Authority& authority;
  /// Who hears of each query, and what to call when there is a first or no more of them.
  LogListeners& listeners;
  std::function<void()> on_listeners;
};

/// Where the daemon of a configuration directory can be asked: beside it, so that no other daemon
/// takes it for a network.
host::fs::path control_path(const host::fs::path& directory);

/// The socket at its path.
class ControlSocket {
 public:
  /// Nothing, with a warning, when there can be none: names are answered without it.
  static std::unique_ptr<ControlSocket> open(EventLoop& loop, const host::fs::path& path,
                                             ControlActions actions);
  ~ControlSocket() = default;
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;
  /// Takes the path away, unless another daemon's socket has come to its place.
  void remove();

 private:
  using Peer = std::shared_ptr<Conversation>;

  ControlSocket(EventLoop& loop, host::Fd socket, host::fs::path path, ControlActions actions);
  void on_request(std::string_view request, const Peer& peer);
  void refresh(const Peer& peer);
  void listen(const Peer& peer);

  host::fs::path path_;
  uint64_t inode_ = 0;  // of the path
  ControlActions actions_;
  ControlServer server_;
};

/// Serves the metrics over HTTP. Nothing, with a warning, when the port is taken.
std::unique_ptr<ControlServer> open_metrics(EventLoop& loop, const IpAddress& address,
                                            uint16_t port, std::function<Inspected()> inspect);

}  // namespace burrow::dns
