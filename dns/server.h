// What one thread serves with: its sockets, what they answer from, its own way to upstreams and its
// own counts. Knows of no other thread: server_threads.h does.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "dns/late_replies.h"
#include "dns/query_log.h"
#include "dns/server_report.h"
#include "dns/tcp_server.h"
#include "dns/udp_server.h"

namespace burrow::dns {

/// One server's sockets of an address, bound: as many as its part of the group has.
struct AddressSockets {
  IpAddress address;
  std::vector<host::Fd> udp;  ///< each for some of the clients
  std::optional<host::Fd> tcp;
};

struct ServerLimits {
  ForwarderLimits forwarder;
  TcpLimits tcp;
};

/// What is answered from now on.
struct Serving {
  std::shared_ptr<const Zones> zones;
  std::map<IpAddress, uint32_t> networks;  ///< by address, as an index in the zones
};

class Server {
 public:
  /// `openings` is what opens names in lists, if anything is to; it must outlive this.
  Server(EventLoop& loop, Compatibility compatibility, const ServerLimits& limits,
         QueryLog::Tell tell, NameOpenings* openings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Answers as `serving` says, on the sockets that it has and those of `opened`. Sockets of other
  /// addresses are closed.
  void serve(const Serving& serving, std::vector<AddressSockets> opened);
  void set_host_servers(std::vector<Upstream> servers);
  enum class Logging : uint8_t { off, on };
  void set_logging(Logging logging);

  [[nodiscard]] const Authority& authority() const { return authority_; }
  [[nodiscard]] ServerReport report() const;

 private:
  struct Listener {
    std::vector<std::unique_ptr<UdpServer>> udp;
    std::unique_ptr<TcpServer> tcp;
  };

  EventLoop& loop_;
  ServerCounts counts_;
  QueryLog log_;
  std::optional<LateReplies> late_replies_;
  Forwarder forwarder_;
  Authority authority_;
  DatagramBatchPointer batch_;
  TcpConnections connections_;
  std::map<IpAddress, Listener> listeners_;
};

}  // namespace burrow::dns
