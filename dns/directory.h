// The configuration directory, read again and again: only what changed is read, of a file that
// changed only its new lines are understood anew, and what cannot be read keeps its last good
// version. The grammar of one file: network_file.h.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dns/network_file.h"
#include "dns/network_zone.h"
#include "host/file.h"

namespace burrow::dns {

constexpr std::string_view kPidFileName = "aardvark.pid";

class Directory {
 public:
  using Networks = std::vector<std::shared_ptr<const NetworkZone>>;

  explicit Directory(host::fs::path path) : path_(std::move(path)) {}

  /// Brings `networks()` up to date with the files. True when something changed.
  /// Errors: not_found, permission, system when the directory itself cannot be read; then nothing
  /// changes.
  Result<bool> refresh();

  /// One zone per network, in order of their names. Unchanged networks keep theirs.
  [[nodiscard]] const Networks& networks() const { return networks_; }
  /// True when there are files that are not networks (yet): torn, empty or unreadable ones.
  [[nodiscard]] bool has_unread() const { return has_unread_; }
  /// Why files are not read or keep their last good version, one sentence each.
  [[nodiscard]] std::vector<std::string> complaints() const;

 private:
  // What tells a changed file from an unchanged one.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    timespec changed{};
  };
  // The last good version of a file.
  struct Version {
    ino_t inode = 0;
    std::string content;
    std::vector<NumberedLine> lines;
  };
  struct Entry {
    std::optional<Stamp> stamp;  // of the content that was read; none: to be read again
    std::optional<Version> version;
    std::string complaint;  // why the file is not read; empty: it is
  };

  Result<void> refresh_entry(const std::string& name, Entry& entry);
  Result<void> take_content(const std::string& name, Entry& entry, Version fresh);
  void edit_zone(const std::string& name, std::string_view before, std::string_view now,
                 std::span<const NumberedLine> gone, std::span<const NumberedLine> come);
  [[nodiscard]] bool is_only_file(const std::string& name) const;
  Networks::iterator find_zone(std::string_view network);
  void make_zone(const std::string& network);

  host::fs::path path_;
  std::map<std::string, Entry> entries_;  // by file name
  Networks networks_;
  std::vector<std::string> changed_;  // networks whose zones are to be made anew
  bool is_edited_ = false;
  Version spare_;  // memory for the next version
  bool has_unread_ = false;
};

}  // namespace burrow::dns
