// Who listens to the query log: conversations at the control socket, each of which gets every line
// or is told how many it lost. What a line says: query_log.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "dns/control_server.h"

namespace burrow::dns {

class LogListeners {
 public:
  void add(std::shared_ptr<Conversation> listener);
  void remove(const Conversation* listener);
  [[nodiscard]] bool is_empty() const { return listeners_.empty(); }

  /// Gives `line`, which has no end yet, to all.
  void tell(std::string line);
  /// So many lines were lost before they came here.
  void lose(size_t lines);

 private:
  struct Listener {
    std::shared_ptr<Conversation> conversation;
    size_t lost = 0;  // lines since the last one that it took
  };

  std::vector<Listener> listeners_;
};

}  // namespace burrow::dns
