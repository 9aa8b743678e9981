// The configuration directory, read again and again: only what changed is read, and what cannot be
// read keeps its last good version. The grammar of one file: network_file.h.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dns/network_file.h"
#include "dns/zones.h"
#include "host/file.h"

namespace burrow::dns {

constexpr std::string_view kPidFileName = "aardvark.pid";

class Directory {
 public:
  explicit Directory(host::fs::path path) : path_(std::move(path)) {}

  /// Brings `networks()` up to date with the files. True when something changed.
  /// Errors: not_found, permission, system when the directory itself cannot be read; then nothing
  /// changes.
  Result<bool> refresh();

  /// One zone per network, in order of their names. Unchanged networks keep theirs.
  [[nodiscard]] const std::vector<std::shared_ptr<const NetworkZone>>& networks() const {
    return networks_;
  }
  /// True when there are files that are not networks (yet): torn, empty or unreadable ones.
  [[nodiscard]] bool has_unread() const { return has_unread_; }

 private:
  // What tells a changed file from an unchanged one.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    timespec changed{};
  };
  struct Entry {
    std::optional<Stamp> stamp;  // of the content that was read; none: to be read again
    std::shared_ptr<const NetworkFile> file;  // the last good version, if there was one
    std::string last_complaint;
  };

  bool refresh_entry(const std::string& name, Entry& entry);
  void rebuild();

  host::fs::path path_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::vector<std::shared_ptr<const NetworkFile>>> sources_;
  std::vector<std::shared_ptr<const NetworkZone>> networks_;
  bool has_unread_ = false;
};

}  // namespace burrow::dns
