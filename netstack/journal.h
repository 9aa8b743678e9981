// The journal on disk: records of what stands, and of the command in flight. Written by rename, so
// that a reader or a crash sees an old or a new record, never half of one. Beside it the claims of
// commands that run errands: a locked file for each container.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/file.h"
#include "host/shared_lock.h"
#include "netstack/record.h"

namespace burrow::netstack {

/// The journal of one run directory, under "burrow/" in it. Holds the directory's lock as long as
/// it lives: one command at a time observes and acts.
class Journal {
 public:
  /// Waits for the lock. Records of another boot or of another network namespace of the host, where
  /// nothing of them can exist any more, are dropped. Errors: system, permission.
  static Result<Journal> open(const std::filesystem::path& run_directory);
  /// For whoever only looks: waits for a command at work, and changes nothing on disk, not even
  /// what is damaged. Writing through it is a mistake of ours. Without a journal it is empty.
  static Result<Journal> look(const std::filesystem::path& run_directory);
  /// From here on records read as they will when `changes` are made, or taken back. For look().
  void foresee(const std::vector<RecordChange>& changes);
  void foresee_restored(const std::vector<RecordChange>& changes);
  Journal(Journal&&) noexcept = default;
  Journal& operator=(Journal&&) noexcept = default;
  /// An empty journal leaves nothing on disk, not even its lock.
  ~Journal();

  /// Where a file is written before it is renamed into its place.
  std::filesystem::path scratch() const;

  /// The command that was cut short, if one was. A record that does not decode is put aside as
  /// "pending.json.damaged" with a warning: it must not block every command from then on.
  Result<std::optional<PendingRecord>> pending() const;
  Result<void> write_pending(const PendingRecord& record) const;
  Result<void> clear_pending() const;

  /// Lets other commands at the journal while errands are run. Until `relock` nothing of it may be
  /// read or written.
  void unlock();
  /// Waits for the lock again.
  Result<void> relock();

  /// Whose errands are being run, or were when their command went; in no order.
  Result<std::vector<ErrandRecord>> errands() const;
  /// Says that errands of the container are run from here on, also without the journal's lock,
  /// until the lock that is returned goes or `end_errands` is told. Only while nobody else does.
  Result<host::FileLock> begin_errands(const ContainerId& container) const;
  void end_errands(host::FileLock lock) const;
  /// Whether a command that lives runs errands for the container.
  Result<bool> are_errands_run(const ContainerId& container) const;
  /// Waits until it does not; not while the journal's lock is held.
  Result<void> wait_for_errands(const ContainerId& container) const;
  /// Removes what commands that have gone left of their claims.
  Result<void> clear_claims() const;

  /// What earlier commands could not take back.
  Result<std::optional<UnfinishedRecord>> unfinished() const;
  Result<void> write_unfinished(const UnfinishedRecord& record) const;
  Result<void> clear_unfinished() const;

  /// Makes the records say what `changes` say, or said before; a record may change twice.
  Result<void> commit(const std::vector<RecordChange>& changes) const;
  Result<void> restore(const std::vector<RecordChange>& changes) const;

  /// Records that do not decode are put aside with a warning and count as absent.
  Result<std::optional<HostRecord>> host() const;
  Result<std::optional<NetworkRecord>> network(const NetworkName& name) const;
  /// Of one container, in the order of their attachment.
  Result<std::vector<AttachmentRecord>> attachments(const ContainerId& container) const;
  /// Everything, for the rebuilding of a lost table and for searches without a container.
  Result<std::vector<NetworkRecord>> all_networks() const;
  Result<std::vector<AttachmentRecord>> all_attachments() const;

 private:
  Result<void> forget_other_lives() const;
  [[nodiscard]] std::filesystem::path claim_of(const ContainerId& container) const;
  explicit Journal(std::filesystem::path root) : root_(std::move(root)) {}
  // The names in a directory of the journal, and the text of a record in it.
  Result<std::vector<std::string>> names_in(const std::string& directory) const;
  Result<std::optional<std::string>> text_of(const std::string& path) const;
  Result<void> put(const std::string& path, const std::optional<std::string>& content) const;
  template <typename Decode>
  auto read(const std::string& path, Decode decode) const
      -> Result<std::optional<typename decltype(decode(std::string_view{}))::value_type>>;
  std::filesystem::path root_;
  std::optional<host::FileLock> lock_;  // absent while only looking
  std::optional<host::SharedLock> shared_lock_;
  bool is_void_ = false;  // only looking: there are no records that count
  // Records that read otherwise than they are on disk, by path.
  std::map<std::string, std::optional<std::string>> foreseen_;
};

}  // namespace burrow::netstack
