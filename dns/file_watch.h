// Tells when a file or a directory changes, through renames and symbolic links.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/result.h"
#include "dns/event_loop.h"
#include "host/fd.h"
#include "host/file.h"

namespace burrow::dns {

/// Watches by the directories that hold what is watched, so that a file replaced by rename, a link
/// led elsewhere and a file made later are all noticed.
class FileWatch {
 public:
  using Callback = std::function<void()>;

  /// Errors: exhausted or system when the kernel gives no inotify instance.
  static Result<std::unique_ptr<FileWatch>> open(EventLoop& loop);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// `callback` runs after each change of `path` or of a link on the way to it.
  void watch_file(const host::fs::path& path, Callback callback);
  /// `callback` runs after files of `path` were written, renamed or removed.
  void watch_directory(const host::fs::path& path, Callback callback);

 private:
  struct Wanted {
    std::string name;  // in the directory; empty: any
    size_t subject = 0;
  };
  struct Subject {
    host::fs::path path;
    Callback callback;
    bool is_file = true;
  };

  FileWatch(EventLoop& loop, host::Fd inotify);
  void add_watches(size_t subject);
  void add_watch(const host::fs::path& directory, std::string name, size_t subject);
  void on_readable();

  host::Fd inotify_;
  std::vector<Subject> subjects_;
  std::multimap<int, Wanted> watches_;
  FdWatch watch_;
};

}  // namespace burrow::dns
