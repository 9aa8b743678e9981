// The DNS daemon as netstack sees it: a directory of files, a pid file and a signal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "netstack/dns_lists.h"
#include "netstack/step.h"

namespace burrow::netstack {

enum class Rootless { no, yes };

/// Whether there are lists that the daemon has to open names for (dns_lists.h).
enum class NamesInLists : uint8_t { none, some };

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
  /// Whether all lists of names that the entry has, and its network, stand in their file.
  [[nodiscard]] bool has_name_lists(const AddDnsEntry& entry) const;
  /// The first line of `file`; nothing when there is no file.
  [[nodiscard]] std::optional<std::string> header(const std::string& file) const;
  Result<void> add(const AddDnsEntry& entry) const;
  /// Of the network's own lines the lists of names alone are written anew.
  Result<void> replace(const ReplaceDnsEntry& entry) const;
  /// An entry or a file that is gone is fine.
  Result<void> remove(const RemoveDnsEntry& entry) const;
  /// Starts the daemon and waits until it serves, or has the running one read its files: when ours
  /// runs, names of the files are answered when this returns. Errors: unsupported when there are
  /// `names` that it would not open, because it is another program.
  Result<void> serve(NamesInLists names = NamesInLists::none) const;
  /// Has the daemon read its files, if it runs.
  Result<void> notify() const;

 private:
  [[nodiscard]] Result<void> start_or_tell() const;
  [[nodiscard]] Result<void> check_opens_names() const;
};

/// The names in lists of all networks, by their DNS files in `directory`; files that cannot be read
/// are passed over.
std::vector<ListedNames> names_in_lists(const std::filesystem::path& directory);

/// Has the daemon of the configuration `directory` put back into the firewall what it opened for
/// names in lists, if it runs and is ours.
void renew_names(const std::filesystem::path& directory);

}  // namespace burrow::netstack
