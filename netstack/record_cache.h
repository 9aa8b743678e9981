// What a journal has on record of firewalls, our own and others, read again only where a record
// changed: for who asks often. Decides nothing and writes nothing.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "firewall/accepts.h"
#include "netstack/recorded_group.h"

namespace burrow::netstack {

class Journal;

/// The elements of one run directory, and what its networks need of other firewalls.
class RecordCache {
 public:
  /// Brings the cache up to date with what `journal` has now, which must be the same directory's at
  /// every call. A command that was cut short counts as recovery will have it: a set-up as never
  /// begun, a teardown as done. A record that does not decode is logged and has none. Errors:
  /// system.
  Result<void> refresh(const Journal& journal);
  /// Networks first; records without elements are left out.
  [[nodiscard]] std::vector<const RecordedGroup*> groups() const;
  /// What networks need of chains of others, as far as they have it on record.
  [[nodiscard]] std::vector<firewall::Accepts> accepts() const;

 private:
  /// What tells one content of a file from another: records are written by rename.
  struct Identity {
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Identity& other) const;
  };
  struct Entry {
    std::optional<Identity> file;  ///< nothing: not read from the file
    RecordedGroup group;
    std::optional<firewall::Accepts> accepts;
    bool is_seen = false;
  };
  Result<void> refresh_record(const Journal& journal, const std::string& path);
  void put(const std::string& path, const std::optional<std::string>& text,
           std::optional<Identity> file);

  std::map<std::string, Entry> entries_;
};

}  // namespace burrow::netstack
