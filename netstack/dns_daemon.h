// The DNS daemon as netstack sees it: a directory of files, a pid file and a signal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "netstack/step.h"

namespace burrow::netstack {

enum class Rootless { no, yes };

/// Where names are asked for, whoever answers.
constexpr uint16_t kDnsPort = 53;

/// Where the daemon is and how it is started.
struct DnsDaemon {
  std::filesystem::path binary;     ///< may be empty or missing: then there is no DNS
  std::filesystem::path directory;  ///< its configuration, "aardvark-dns" in the run directory
  std::filesystem::path lock;       ///< what all launchers lock while they edit files
  std::filesystem::path scratch;    ///< for writing by rename, outside of `directory`
  std::optional<uint16_t> port;     ///< where it is to serve; nothing: chosen by each set-up
  Rootless rootless = Rootless::no;

  [[nodiscard]] bool is_installed() const;
  /// Where the running daemon serves, by its command line; nothing when none runs.
  [[nodiscard]] std::optional<uint16_t> running_port() const;
  /// Whether the container has a line in `file`.
  [[nodiscard]] bool has_entry(const std::string& file, const ContainerId& container) const;
  /// The first line of `file`; nothing when there is no file.
  [[nodiscard]] std::optional<std::string> header(const std::string& file) const;
  Result<void> add(const AddDnsEntry& entry) const;
  /// An entry or a file that is gone is fine.
  Result<void> remove(const RemoveDnsEntry& entry) const;
  /// Starts the daemon and waits until it serves, or has the running one read its files: when ours
  /// runs, names of the files are answered when this returns.
  Result<void> serve() const;
  /// Has the daemon read its files, if it runs.
  Result<void> notify() const;
};

}  // namespace burrow::netstack
