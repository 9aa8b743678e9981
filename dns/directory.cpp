#include "dns/directory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/log.h"

namespace burrow::dns {
namespace {

constexpr off_t kMaximumFileSize = off_t{64} << 20U;
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

// A file that is rewritten in its place may be read half-way: it then ends inside a line or is a
// beginning of what it was. Whoever renames a new file into its place never shows that.
bool is_perhaps_torn(std::string_view before, std::string_view now) {
  return !now.ends_with('\n') || (now.size() < before.size() && before.starts_with(now));
}

// A file of `size` bytes, give or take what changes meanwhile.
Result<std::string> read_whole(int fd, off_t size) {
  if (size > kMaximumFileSize) {
    return fail(Errc::invalid_input, "more than {} bytes", kMaximumFileSize);
  }
  std::string content(static_cast<size_t>(size) + 1, '\0');
  size_t used = 0;
  for (;;) {
    const auto count = ::read(fd, &content[used], content.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure(errno, "read");
    used += static_cast<size_t>(count);
    if (count == 0) break;
    if (used > static_cast<size_t>(kMaximumFileSize)) {
      return fail(Errc::invalid_input, "more than {} bytes", kMaximumFileSize);
    }
    if (used == content.size()) content.resize(used * 2);
  }
  content.resize(used);
  return content;
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
  changed_.clear();
  is_edited_ = false;
  std::erase_if(entries_, [&](const auto& entry) {
    if (std::ranges::binary_search(names, entry.first)) return false;
    if (entry.second.version) changed_.push_back(parse_file_name(entry.first).network);
    return true;
  });
  for (const auto& name : names) {
    if (!is_network_name(name)) continue;
    Entry& entry = entries_[name];
    const auto refreshed = refresh_entry(name, entry);
    auto complaint = refreshed ? std::string{} : refreshed.error().message;
    if (!complaint.empty() && complaint != entry.complaint) {
      log::error("dns", "network file \"{}\" {}: {}", name,
                 entry.version ? "keeps its last good version" : "left out", complaint);
    }
    entry.complaint = std::move(complaint);
  }
  has_unread_ = std::ranges::any_of(
      entries_, [](const auto& entry) { return !entry.second.complaint.empty(); });
  const bool is_changed = is_edited_ || !changed_.empty();
  for (const auto& network : changed_) make_zone(network);
  return is_changed;
}

std::vector<std::string> Directory::complaints() const {
  std::vector<std::string> texts;
  for (const auto& [name, entry] : entries_) {
    if (entry.complaint.empty()) continue;
    texts.push_back(fmt::format("network file \"{}\": {}", name, entry.complaint));
  }
  return texts;
}

Result<void> Directory::refresh_entry(const std::string& name, Entry& entry) {
  const host::Fd fd{::openat(AT_FDCWD, (path_ / name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    const int code = errno;
    entry.stamp.reset();
    return system_failure(code, "open");
  }
  if (!S_ISREG(status.st_mode)) return {};
  if (entry.stamp && entry.stamp->device == status.st_dev && entry.stamp->inode == status.st_ino &&
      entry.stamp->size == status.st_size && is_same(entry.stamp->modified, status.st_mtim) &&
      is_same(entry.stamp->changed, status.st_ctim)) {
    return {};
  }
  entry.stamp.reset();
  auto content = TRY(read_whole(fd.get(), status.st_size));
  Version fresh{.inode = status.st_ino, .content = std::move(content), .lines = {}};
  const bool is_final = is_settled(status.st_mtim);
  if (!is_final && entry.version && entry.version->inode == fresh.inode &&
      is_perhaps_torn(entry.version->content, fresh.content)) {
    return fail(Errc::changed, "it is perhaps being written");
  }
  if (is_final) {
    entry.stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
  }
  if (entry.version && entry.version->content == fresh.content) {
    entry.version->inode = fresh.inode;
    return {};
  }
  return take_content(name, entry, std::move(fresh));
}

// Another content than the last good one: the lines that changed are put into the zone, or the
// whole is understood anew.
Result<void> Directory::take_content(const std::string& name, Entry& entry, Version fresh) {
  if (entry.version && is_only_file(name)) {
    auto diff = diff_lines(entry.version->content, entry.version->lines, fresh.content);
    // Another first line changes what holds for the whole network.
    if (diff && !diff->lines.empty() &&
        diff->lines[0].of(fresh.content) == entry.version->lines[0].of(entry.version->content)) {
      fresh.lines = std::move(diff->lines);
      edit_zone(name, entry.version->content, fresh.content, diff->gone, diff->come);
      entry.version = std::move(fresh);
      return {};
    }
  }
  fresh.lines = number_lines(fresh.content);
  const auto file = TRY(parse_network_file(name, fresh.content, fresh.lines));
  for (const auto& complaint : file.complaints) {
    log::warn("dns", "network file \"{}\": {}", name, complaint);
  }
  entry.version = std::move(fresh);
  changed_.push_back(file.network);
  return {};
}

// Whether the zone of the file's network is made of this file alone, and is there to be edited.
bool Directory::is_only_file(const std::string& name) const {
  const auto network = parse_file_name(name).network;
  if (std::ranges::find(changed_, network) != changed_.end()) return false;
  return std::ranges::count_if(entries_, [&](const auto& entry) {
           return entry.second.version && parse_file_name(entry.first).network == network;
         }) == 1;
}

void Directory::edit_zone(const std::string& name, std::string_view before, std::string_view now,
                          std::span<const NumberedLine> gone, std::span<const NumberedLine> come) {
  std::vector<NetworkLine> removed;
  std::vector<NetworkLine> added;
  for (const auto& line : gone) {
    Complaints known;
    if (auto content = parse_line(line.of(before), known)) {
      removed.push_back({line.number, *std::move(content)});
    }
  }
  for (const auto& line : come) {
    Complaints complaints;
    if (auto content = parse_line(line.of(now), complaints)) {
      added.push_back({line.number, *std::move(content)});
    } else {
      complaints.add(content.error().message);
    }
    const auto number = 1 + std::ranges::count(now.substr(0, line.begin), '\n');
    for (const auto& complaint : complaints.texts()) {
      log::warn("dns", "network file \"{}\": line {}: {}", name, number, complaint);
    }
  }
  auto& zone = *find_zone(parse_file_name(name).network);
  zone = std::make_shared<const NetworkZone>(*zone, removed, added);
  is_edited_ = true;
}

Directory::Networks::iterator Directory::find_zone(std::string_view network) {
  return std::ranges::find_if(networks_, [&](const auto& zone) { return zone->name() == network; });
}

// Of all its files; none when they have all gone.
void Directory::make_zone(const std::string& network) {
  std::vector<NetworkFile> files;
  for (const auto& [name, entry] : entries_) {
    if (!entry.version || parse_file_name(name).network != network) continue;
    auto file = parse_network_file(name, entry.version->content, entry.version->lines);
    if (file) files.push_back(*std::move(file));
  }
  const auto found = find_zone(network);
  if (files.empty()) {
    if (found != networks_.end()) networks_.erase(found);
    return;
  }
  std::vector<const NetworkFile*> pointers;
  for (const auto& file : files) pointers.push_back(&file);
  auto zone = std::make_shared<const NetworkZone>(pointers);
  if (found != networks_.end()) {
    *found = std::move(zone);
    return;
  }
  const auto place =
      std::ranges::find_if(networks_, [&](const auto& other) { return other->name() > network; });
  networks_.insert(place, std::move(zone));
}

}  // namespace burrow::dns
