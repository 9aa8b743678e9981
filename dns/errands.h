// Questions on their way through upstream servers, to the end of each. Who
// asked is not known here (forwarder.h); who is asked next is decided by
// race.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dns/command_line.h"
#include "dns/event_loop.h"
#include "dns/relay.h"
#include "dns/server_health.h"

namespace burrow::dns {

/// What was done so far.
struct ErrandCounts {
  uint64_t sent = 0;      ///< queries to upstreams, without what was sent again
  uint64_t over_tcp = 0;  ///< of them
  uint64_t forged = 0;    ///< times that answers looked forged and TCP had to decide
};

class Errands {
 public:
  using Token = uint64_t;
  enum class Worth {
    answer,   ///< a yes or a no
    failure,  ///< SERVFAIL, REFUSED, ... or a truncated answer of a server
              ///< without TCP
    nothing,  ///< nobody answered; the response is empty
  };
  struct End {
    Token token = 0;
    Worth worth = Worth::nothing;
    Bytes response;  ///< of an upstream, to the question as it was asked
    /// The first server in line gave it, or it is a yes.
    bool is_beyond_doubt = false;
    std::optional<IpAddress> server;  ///< that gave it
    size_t servers = 0;               ///< that could have been asked
  };
  /// Runs once for each errand, maybe within start().
  using Callback = std::function<void(const End&)>;

  Errands(EventLoop& loop, Compatibility compatibility, Clock::duration patience, Callback on_end);
  ~Errands();
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  /// Asks `servers`, at least one, in their order but with silent ones last.
  /// `token` is new.
  void start(Token token, const PendingQuestion& question, std::vector<Upstream> servers);
  /// True while `server` is being asked this.
  [[nodiscard]] bool is_asking(Token token, const IpAddress& server) const;

  [[nodiscard]] const ErrandCounts& counts() const;
  [[nodiscard]] const ServerHealth& health() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
