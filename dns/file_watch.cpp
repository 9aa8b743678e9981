#include "dns/file_watch.h"

#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>

namespace burrow::dns {
namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE;
// As many symbolic links as the kernel follows.
constexpr int kMaximumLinks = 40;

}  // namespace

Result<std::unique_ptr<FileWatch>> FileWatch::open(EventLoop& loop) {
  host::Fd fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd.is_open()) return system_failure(errno, "inotify");
  return std::unique_ptr<FileWatch>{new FileWatch{loop, std::move(fd)}};
}

FileWatch::FileWatch(EventLoop& loop, host::Fd inotify)
    : inotify_(std::move(inotify)), watch_(loop, inotify_.get(), [this] { on_readable(); }) {
  watch_.await_readable();
}

void FileWatch::watch_file(const host::fs::path& path, Callback callback) {
  subjects_.push_back({path, std::move(callback), true});
  add_watches(subjects_.size() - 1);
}

void FileWatch::watch_directory(const host::fs::path& path, Callback callback) {
  subjects_.push_back({path, std::move(callback), false});
  add_watches(subjects_.size() - 1);
}

void FileWatch::add_watches(size_t subject) {
  auto path = subjects_[subject].path;
  if (!subjects_[subject].is_file) return add_watch(path, "", subject);
  for (int links = 0; links < kMaximumLinks; ++links) {
    add_watch(path.parent_path(), path.filename(), subject);
    std::error_code error;
    const auto target = host::fs::read_symlink(path, error);
    if (error) break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
}

void FileWatch::add_watch(const host::fs::path& directory, std::string name, size_t subject) {
  // The kernel gives the same number for a directory that is watched already. One that does not
  // exist is left out: it shows when a link leads there anew.
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents | IN_ONLYDIR);
  if (watch >= 0) watches_.insert({watch, {std::move(name), subject}});
}

void FileWatch::on_readable() {
  alignas(inotify_event) std::array<char, 8192> buffer;
  std::set<size_t> changed;
  for (;;) {
    const auto size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, &buffer[at], sizeof event);
      const std::string_view name{event.len > 0 ? &buffer[at + sizeof event] : ""};
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        for (size_t i = 0; i < subjects_.size(); ++i) changed.insert(i);
      }
      // A created file is not written yet; a created link is whole.
      const auto [first, last] = watches_.equal_range(event.wd);
      for (auto wanted = first; wanted != last; ++wanted) {
        const bool is_file = subjects_[wanted->second.subject].is_file;
        if (is_file ? wanted->second.name == name : (event.mask & IN_CREATE) == 0) {
          changed.insert(wanted->second.subject);
        }
      }
      if ((event.mask & IN_IGNORED) != 0) watches_.erase(event.wd);
    }
  }
  for (const size_t subject : changed) {
    std::erase_if(watches_, [&](const auto& watch) { return watch.second.subject == subject; });
    add_watches(subject);
    subjects_[subject].callback();
  }
  watch_.await_readable();
}

}  // namespace burrow::dns
