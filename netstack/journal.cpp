#include "netstack/journal.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "core/log.h"

namespace burrow::netstack {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPending = "pending.json";
constexpr std::string_view kUnfinished = "unfinished.json";
constexpr size_t kLargestRecordFile = 256U << 20U;
constexpr std::string_view kLock = "lock";
constexpr std::string_view kScratch = "scratch";
constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kErrands = "errands";
constexpr std::string_view kClaimSuffix = ".lock";

// Which life of the host records belong to: the lock's content.
Result<std::string> current_life() {
  struct stat netns {};
  if (::stat("/proc/self/ns/net", &netns) != 0) return system_failure(errno, "look at own netns");
  const auto boot = host::read_file("/proc/sys/kernel/random/boot_id", 256).value_or("");
  return fmt::format("{}{}:{}\n", boot, netns.st_dev, netns.st_ino);
}

}  // namespace

Result<Journal> Journal::open(const fs::path& run_directory) {
  auto root = run_directory / "burrow";
  auto lock = TRY(host::FileLock::acquire(root / kLock));
  Journal journal{std::move(root)};
  journal.lock_ = std::move(lock);
  TRY_VOID(journal.forget_other_lives());
  return journal;
}

Result<Journal> Journal::look(const fs::path& run_directory) {
  Journal journal{run_directory / "burrow"};
  journal.shared_lock_ = TRY(host::SharedLock::acquire(journal.root_ / kLock));
  journal.is_void_ =
      !journal.shared_lock_ || TRY(journal.shared_lock_->content()) != TRY(current_life());
  return journal;
}

void Journal::foresee(const std::vector<RecordChange>& changes) {
  for (const auto& change : changes) foreseen_[change.path] = change.after;
}

void Journal::foresee_restored(const std::vector<RecordChange>& changes) {
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    foreseen_[change->path] = change->before;
  }
}

Result<void> Journal::forget_other_lives() const {
  const auto now = TRY(current_life());
  const auto then = TRY(lock_->content());
  if (then == now) return {};
  if (!then.empty()) {
    log::info("journal", "dropping the records of another life of this host");
    std::error_code error;
    for (const auto* name :
         {"attachments", "networks", "errands", "host.json", "pending.json", "unfinished.json"}) {
      fs::remove_all(root_ / name, error);
      if (error) return system_failure(error.value(), fmt::format("remove old {}", name));
    }
  }
  return lock_->set_content(now);
}

Journal::~Journal() {
  if (root_.empty() || !lock_) return;  // moved from, or only looked
  const auto names = host::list_directory(root_);
  if (!names || !std::ranges::all_of(*names, [](const std::string& name) {
        return name == kLock || name == kScratch;
      })) {
    return;
  }
  if (names->size() > 1) static_cast<void>(host::remove_file(scratch()));  // of a crash
  lock_->remove_file();
  std::error_code ignored;
  fs::remove(root_, ignored);
}

fs::path Journal::scratch() const { return root_ / kScratch; }

Result<std::optional<std::string>> Journal::text_of(const std::string& path) const {
  if (const auto known = foreseen_.find(path); known != foreseen_.end()) return known->second;
  if (is_void_) return std::optional<std::string>{};
  return host::read_file_if_exists(root_ / path, kLargestRecordFile);
}

Result<std::vector<std::string>> Journal::names_in(const std::string& directory) const {
  std::vector<std::string> names;
  if (!is_void_) names = TRY(host::list_directory(root_ / directory));
  const auto prefix = directory + '/';
  for (const auto& [path, text] : foreseen_) {
    if (!text || !path.starts_with(prefix)) continue;
    auto name = path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

template <typename Decode>
auto Journal::read(const std::string& path, Decode decode) const
    -> Result<std::optional<typename decltype(decode(std::string_view{}))::value_type>> {
  const auto file = root_ / path;
  const auto text = text_of(path);
  if (text && !*text) return std::nullopt;
  auto record = text ? decode(std::string_view{**text}) : Failure{text.error()};
  if (record) return std::optional{*std::move(record)};
  if (!lock_) {
    log::warn("journal", "damaged record \"{}\" counts as absent: {}", file.native(),
              record.error().message);
    return std::nullopt;
  }
  log::error("journal", "damaged record \"{}\" is put aside as \"{}.damaged\": {}", file.native(),
             file.filename().native(), record.error().message);
  std::error_code error;
  fs::rename(file, fs::path{file}.concat(".damaged"), error);
  if (error) return system_failure(error.value(), fmt::format("put aside \"{}\"", file.native()));
  return std::nullopt;
}

Result<std::optional<PendingRecord>> Journal::pending() const {
  return read(std::string{kPending}, decode_pending_record);
}

Result<void> Journal::write_pending(const PendingRecord& record) const {
  return host::write_file(root_ / kPending, encode(record), scratch());
}

Result<void> Journal::clear_pending() const { return host::remove_file(root_ / kPending); }

void Journal::unlock() { lock_.reset(); }

Result<void> Journal::relock() {
  lock_ = TRY(host::FileLock::acquire(root_ / kLock));
  return forget_other_lives();
}

fs::path Journal::claim_of(const ContainerId& container) const {
  return root_ / kErrands / (container.str() + std::string{kClaimSuffix});
}

Result<std::vector<ErrandRecord>> Journal::errands() const {
  std::vector<ErrandRecord> records;
  for (const auto& name : TRY(names_in(std::string{kErrands}))) {
    if (!name.ends_with(kSuffix)) continue;
    auto record = TRY(read(fmt::format("{}/{}", kErrands, name), decode_errand_record));
    if (record) records.push_back(*std::move(record));
  }
  return records;
}

Result<host::FileLock> Journal::begin_errands(const ContainerId& container) const {
  return host::FileLock::acquire(claim_of(container));
}

void Journal::end_errands(host::FileLock lock) const {
  lock.remove_file();
  std::error_code ignored;
  fs::remove(root_ / kErrands, ignored);
}

Result<bool> Journal::are_errands_run(const ContainerId& container) const {
  return host::is_locked(claim_of(container));
}

Result<void> Journal::wait_for_errands(const ContainerId& container) const {
  TRY(host::SharedLock::acquire(claim_of(container)));
  return {};
}

Result<void> Journal::clear_claims() const {
  const auto directory = root_ / kErrands;
  for (const auto& name : TRY(host::list_directory(directory))) {
    if (!name.ends_with(kClaimSuffix) || TRY(host::is_locked(directory / name))) continue;
    TRY_VOID(host::remove_file(directory / name));
  }
  std::error_code ignored;
  fs::remove(directory, ignored);
  return {};
}

Result<std::optional<UnfinishedRecord>> Journal::unfinished() const {
  return read(std::string{kUnfinished}, decode_unfinished_record);
}

Result<void> Journal::write_unfinished(const UnfinishedRecord& record) const {
  return host::write_file(root_ / kUnfinished, encode(record), scratch());
}

Result<void> Journal::clear_unfinished() const { return host::remove_file(root_ / kUnfinished); }

Result<void> Journal::put(const std::string& path,
                          const std::optional<std::string>& content) const {
  const auto file = root_ / path;
  if (content) {
    TRY_VOID(host::make_directories(file.parent_path()));
    return host::write_file(file, *content, scratch());
  }
  TRY_VOID(host::remove_file(file));
  // The directories go with their last record; ours at the top stays for its lock.
  std::error_code ignored;
  for (auto directory = file.parent_path(); directory != root_;
       directory = directory.parent_path()) {
    fs::remove(directory, ignored);
    if (ignored) break;
  }
  return {};
}

Result<void> Journal::commit(const std::vector<RecordChange>& changes) const {
  for (const auto& change : changes) TRY_VOID(put(change.path, change.after));
  return {};
}

Result<void> Journal::restore(const std::vector<RecordChange>& changes) const {
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    TRY_VOID(put(change->path, change->before));
  }
  return {};
}

Result<std::optional<HostRecord>> Journal::host() const {
  return read(host_record_path(), decode_host_record);
}

Result<std::optional<NetworkRecord>> Journal::network(const NetworkName& name) const {
  return read(network_record_path(name), decode_network_record);
}

Result<std::vector<AttachmentRecord>> Journal::attachments(const ContainerId& container) const {
  std::vector<AttachmentRecord> records;
  const auto directory = fmt::format("attachments/{}", container);
  for (const auto& name : TRY(names_in(directory))) {
    if (!name.ends_with(kSuffix)) continue;
    auto record = TRY(read(fmt::format("{}/{}", directory, name), decode_attachment_record));
    if (record) records.push_back(*std::move(record));
  }
  std::ranges::sort(records, {}, &AttachmentRecord::order);
  return records;
}

Result<std::vector<NetworkRecord>> Journal::all_networks() const {
  std::vector<NetworkRecord> records;
  for (const auto& name : TRY(names_in("networks"))) {
    if (!name.ends_with(kSuffix)) continue;
    auto record = TRY(read(fmt::format("networks/{}", name), decode_network_record));
    if (record) records.push_back(*std::move(record));
  }
  return records;
}

Result<std::vector<AttachmentRecord>> Journal::all_attachments() const {
  std::vector<AttachmentRecord> records;
  for (const auto& name : TRY(names_in("attachments"))) {
    const auto container = ContainerId::parse(name);
    if (!container) continue;
    auto own = TRY(attachments(*container));
    std::ranges::move(own, std::back_inserter(records));
  }
  return records;
}

}  // namespace burrow::netstack
