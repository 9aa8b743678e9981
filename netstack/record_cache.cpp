#include "netstack/record_cache.h"

#include <algorithm>
#include <cerrno>

#include "core/log.h"
#include "host/file.h"
#include "netstack/journal.h"
#include "netstack/plan_neighbours.h"
#include "netstack/record.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kNetworks = "networks/";
constexpr std::string_view kAttachments = "attachments/";
constexpr std::string_view kSuffix = ".json";
constexpr size_t kLargestRecordFile = 256U << 20U;

Result<Steps> steps_in(const std::string& path, std::string_view text) {
  if (path.starts_with(kNetworks)) return TRY(decode_network_record(text)).steps;
  return TRY(decode_attachment_record(text)).steps;
}

bool has_elements(const std::string& path) {
  return (path.starts_with(kNetworks) || path.starts_with(kAttachments)) && path.ends_with(kSuffix);
}

}  // namespace

bool RecordCache::Identity::operator==(const Identity& other) const {
  return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
         changed.tv_nsec == other.changed.tv_nsec;
}

void RecordCache::put(const std::string& path, const std::optional<std::string>& text,
                      std::optional<Identity> file) {
  if (!text) {
    entries_.erase(path);
    return;
  }
  Entry entry{
      .file = file, .group = {.record = path, .elements = {}}, .accepts = {}, .is_seen = true};
  if (const auto steps = steps_in(path, *text)) {
    entry.group.elements = elements_of(*steps);
    entry.accepts = recorded_accepts(*steps);
  } else {
    log::warn("watch", "damaged record \"{}\" counts as absent: {}", path, steps.error().message);
  }
  entries_.insert_or_assign(path, std::move(entry));
}

Result<void> RecordCache::refresh_record(const Journal& journal, const std::string& path) {
  const auto file = journal.root() / path;
  struct stat now {};
  if (::stat(file.c_str(), &now) != 0) {
    if (errno == ENOENT) return {};
    return system_failure(errno, fmt::format("look at \"{}\"", file.native()));
  }
  const Identity identity{.inode = now.st_ino, .size = now.st_size, .changed = now.st_ctim};
  if (const auto known = entries_.find(path);
      known != entries_.end() && known->second.file == identity) {
    known->second.is_seen = true;
    return {};
  }
  put(path, TRY(host::read_file_if_exists(file, kLargestRecordFile)), identity);
  return {};
}

Result<void> RecordCache::refresh(const Journal& journal) {
  for (auto& [path, entry] : entries_) entry.is_seen = false;
  if (!journal.is_void()) {
    for (const auto& name : TRY(host::list_directory(journal.root() / kNetworks))) {
      if (name.ends_with(kSuffix)) {
        TRY_VOID(refresh_record(journal, fmt::format("{}{}", kNetworks, name)));
      }
    }
    for (const auto& container : TRY(host::list_directory(journal.root() / kAttachments))) {
      const auto directory = fmt::format("{}{}/", kAttachments, container);
      for (const auto& name : TRY(host::list_directory(journal.root() / directory))) {
        if (name.ends_with(kSuffix)) TRY_VOID(refresh_record(journal, directory + name));
      }
    }
  }
  std::erase_if(entries_, [](const auto& entry) { return !entry.second.is_seen; });
  const auto pending = TRY(journal.pending());
  if (!pending) return {};
  const bool is_setup = pending->command == PendingRecord::Command::setup;
  // A set-up is taken back from its end: of two changes of one record the first knows what was
  // there.
  auto changes = pending->changes;
  if (is_setup) std::ranges::reverse(changes);
  for (const auto& change : changes) {
    if (has_elements(change.path)) {
      put(change.path, is_setup ? change.before : change.after, std::nullopt);
    }
  }
  return {};
}

std::vector<const RecordedGroup*> RecordCache::groups() const {
  std::vector<const RecordedGroup*> groups;
  for (const auto kind : {kNetworks, kAttachments}) {
    for (const auto& [path, entry] : entries_) {
      if (path.starts_with(kind) && !entry.group.elements.empty()) groups.push_back(&entry.group);
    }
  }
  return groups;
}

std::vector<firewall::Accepts> RecordCache::accepts() const {
  std::vector<firewall::Accepts> all;
  for (const auto& [path, entry] : entries_) {
    if (entry.accepts) all.push_back(*entry.accepts);
  }
  return all;
}

}  // namespace burrow::netstack
