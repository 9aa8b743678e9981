#include "dns/directory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/log.h"

namespace burrow::dns {
namespace {

constexpr size_t kMaximumFileSize = size_t{64} << 20U;
// A file system counts time in ticks: a file that was written so lately may have been written again
// in the same tick, and is read again next time.
constexpr int64_t kSettledAfterNs = 50'000'000;

bool is_same(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

bool is_settled(const timespec& modified) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return (now.tv_sec - modified.tv_sec) * 1'000'000'000 + now.tv_nsec - modified.tv_nsec >
         kSettledAfterNs;
}

// Hidden files and editors' backups are nobody's network: Podman's names begin with a letter or a
// digit.
bool is_network_name(std::string_view name) {
  return name != kPidFileName && !name.starts_with('.') && !name.ends_with('~');
}

}  // namespace

Result<bool> Directory::refresh() {
  // A missing directory lists as empty; here it is an error.
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    return system_failure(errno, fmt::format("read directory \"{}\"", path_.native()));
  }
  const auto names = TRY(host::list_directory(path_));
  bool is_changed = std::erase_if(entries_, [&](const auto& entry) {
                      return !std::ranges::binary_search(names, entry.first) && entry.second.file;
                    }) > 0;
  std::erase_if(entries_,
                [&](const auto& entry) { return !std::ranges::binary_search(names, entry.first); });
  for (const auto& name : names) {
    if (!is_network_name(name)) continue;
    if (refresh_entry(name, entries_[name])) is_changed = true;
  }
  has_unread_ = std::ranges::any_of(
      entries_, [](const auto& entry) { return !entry.second.last_complaint.empty(); });
  if (is_changed) rebuild();
  return is_changed;
}

// True when the entry has another content than before.
bool Directory::refresh_entry(const std::string& name, Entry& entry) {
  const auto complain = [&](std::string complaint) {
    if (complaint != entry.last_complaint) {
      log::error("dns", "network file \"{}\" {}: {}", name,
                 entry.file ? "keeps its last good version" : "left out", complaint);
    }
    entry.last_complaint = std::move(complaint);
    return false;
  };
  const host::Fd fd{::openat(AT_FDCWD, (path_ / name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    const int code = errno;
    entry.stamp.reset();
    return complain(system_failure(code, "open").value().message);
  }
  if (!S_ISREG(status.st_mode)) return false;
  if (entry.stamp && entry.stamp->device == status.st_dev && entry.stamp->inode == status.st_ino &&
      entry.stamp->size == status.st_size && is_same(entry.stamp->modified, status.st_mtim) &&
      is_same(entry.stamp->changed, status.st_ctim)) {
    return false;
  }
  entry.stamp.reset();
  auto content = host::read_all(fd.get(), kMaximumFileSize);
  if (!content) return complain(std::move(content).error().message);
  if (is_settled(status.st_mtim)) {
    entry.stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
  }
  auto file = parse_network_file(name, *content);
  if (!file) return complain(std::move(file).error().message);
  entry.last_complaint.clear();
  for (const auto& complaint : file->complaints) {
    log::warn("dns", "network file \"{}\": {}", name, complaint);
  }
  entry.file = std::make_shared<const NetworkFile>(*std::move(file));
  return true;
}

void Directory::rebuild() {
  std::map<std::string, std::vector<std::shared_ptr<const NetworkFile>>> sources;
  for (const auto& [name, entry] : entries_) {
    if (entry.file) sources[entry.file->network].push_back(entry.file);
  }
  std::vector<std::shared_ptr<const NetworkZone>> networks;
  for (const auto& source : sources) {
    const auto& network = source.first;
    const auto& files = source.second;
    const auto before = sources_.find(network);
    if (before != sources_.end() && before->second == files) {
      networks.push_back(*std::ranges::find_if(
          networks_, [&](const auto& zone) { return zone->name() == network; }));
      continue;
    }
    std::vector<const NetworkFile*> pointers;
    for (const auto& file : files) pointers.push_back(file.get());
    networks.push_back(std::make_shared<const NetworkZone>(pointers));
  }
  sources_ = std::move(sources);
  networks_ = std::move(networks);
}

}  // namespace burrow::dns
