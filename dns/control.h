// The control socket: what the daemon does and tells when its own user asks. The protocol is in
// docs/dns.md; connections are control_server.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dns/control_server.h"
#include "host/file.h"

namespace burrow::dns {

/// What a reload came to.
struct Refreshed {
  uint64_t generation = 0;            ///< counts the versions of what is answered
  size_t networks = 0;                ///< none: the daemon ends
  std::vector<std::string> failures;  ///< addresses that could not be bound
};

/// What the commands act on.
struct ControlActions {
  /// Reads the files; what changed is answered when it returns.
  std::function<Result<Refreshed>()> refresh;
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
  /// Takes the path away, unless another daemon's socket has come to its place.
  void remove();

 private:
  ControlSocket(EventLoop& loop, host::Fd socket, host::fs::path path, ControlActions actions);
  void on_request(std::string_view request, const std::shared_ptr<Conversation>& conversation);

  host::fs::path path_;
  uint64_t inode_ = 0;  // of the path
  ControlActions actions_;
  ControlServer server_;
};

}  // namespace burrow::dns
