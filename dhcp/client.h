// How netstack gets leases: the proxy's caller. Blocks, but never for longer than said.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dhcp/protocol.h"
#include "host/fd.h"

namespace burrow::dhcp {

/// Where a proxy may listen, best first: where BURROW_DHCP_SOCKET says, else our place and
/// netavark's.
std::vector<std::filesystem::path> socket_paths();

/// A conversation with the proxy. Leases that were set up in it and not committed are given back
/// when it ends, whatever ends it: this value is the guard.
class Client {
 public:
  /// Errors: not_found, naming the sockets and the remedy, when no proxy listens.
  static Result<Client> connect(const std::vector<std::filesystem::path>& paths = socket_paths());

  /// Whether the proxy is one of ours and answers, which takes it no time. Before anything is set
  /// up: what was would be kept. Errors: timeout, corrupt, system.
  Result<void> check();
  /// Gets leases and has them on the link, one per family in the order asked for. Errors: those of
  /// the proxy, timeout.
  Result<std::vector<Lease>> set_up(const LeaseRequest& request);
  /// Keeps all that was set up, beyond this conversation.
  Result<void> commit();
  /// Gives a holder's leases back; whether there were any.
  Result<bool> tear_down(const Holder& holder);
  Result<std::vector<LeaseStatus>> list();

 private:
  Client(host::Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<Json> ask(const Command& command, seconds patience);
  host::Fd fd_;
  std::filesystem::path path_;
  std::string incoming_;
};

}  // namespace burrow::dhcp
