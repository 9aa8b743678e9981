// What the watcher may wait for besides the kernel's notices. For services that change the firewall
// and tell of it themselves.
#pragma once

#include <optional>

#include "core/result.h"

namespace burrow::netstack {

/// Whether what was heard means that our table should be compared with the journal.
enum class Heard { nothing_of_ours, compare };

/// Something with a descriptor that becomes readable. Borrowed by the watcher for as long as it
/// runs; called from its thread alone.
class WatchSource {
 public:
  WatchSource() = default;
  WatchSource(const WatchSource&) = delete;
  WatchSource& operator=(const WatchSource&) = delete;
  virtual ~WatchSource() = default;

  /// Its descriptor now, or nothing while it has none: then it is asked again after the next event.
  [[nodiscard]] virtual std::optional<int> fd() const = 0;
  /// Takes in all that there is, without waiting. A failure is logged, and the source kept.
  virtual Result<Heard> take() = 0;
};

}  // namespace burrow::netstack
