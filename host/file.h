// Files: read whole with a bound, written whole by rename, locked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

namespace fs = std::filesystem;

/// The whole of `path`, at most `limit` bytes. Errors: not_found, invalid_input when larger,
/// system.
Result<std::string> read_file(const fs::path& path, size_t limit = 16U << 20U);
/// The rest of what `fd` gives, at most `limit` bytes.
Result<std::string> read_all(int fd, size_t limit = 16U << 20U);
/// The same, or nothing when there is no such file.
Result<std::optional<std::string>> read_file_if_exists(const fs::path& path,
                                                       size_t limit = 16U << 20U);

/// Replaces `path` in one step: readers see the old content or the new, never a mix. The new
/// content is first written to `scratch`, which must be on the same file system.
Result<void> write_file(const fs::path& path, std::string_view content, const fs::path& scratch);
/// The same with a scratch file beside `path`.
Result<void> write_file(const fs::path& path, std::string_view content);

/// Removes a file; one that is not there is fine.
Result<void> remove_file(const fs::path& path);
/// Makes a directory and its parents with mode 0755; one that is there is fine.
Result<void> make_directories(const fs::path& path);
/// Names in a directory, sorted, without "." and ".."; none when it does not exist.
Result<std::vector<std::string>> list_directory(const fs::path& path);

/// An exclusive flock(2) on a file, made if missing with its directory, held until destruction.
class FileLock {
 public:
  /// Waits for the holder to let go. A holder may have removed the file meanwhile: then it is made
  /// anew.
  static Result<FileLock> acquire(const fs::path& path);
  /// The same, or nothing while somebody else holds it.
  static Result<std::optional<FileLock>> try_acquire(const fs::path& path);
  /// What the file says: up to 256 bytes.
  [[nodiscard]] Result<std::string> content() const;
  [[nodiscard]] Result<void> set_content(std::string_view text) const;
  /// Removes the file while the lock is held; whoever waits for it makes a new one.
  void remove_file() const;

 private:
  FileLock(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  // The file, locked by `operation` of flock(2); nothing where that does not wait and would have
  // to.
  static Result<std::optional<Fd>> lock(const fs::path& path, int operation);
  Fd fd_;
  fs::path path_;
};

}  // namespace burrow::host
