#include "host/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace burrow::host {

Result<NetNs> NetNs::open(const std::filesystem::path& path) {
  // Without waiting, should it be a FIFO.
  Fd fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!fd.is_open()) {
    return system_failure(errno, fmt::format("invalid namespace path \"{}\"", path.native()));
  }
  const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
  if (type != CLONE_NEWNET) {
    return fail(Errc::invalid_input, "invalid namespace path \"{}\": not a network namespace",
                path.native());
  }
  struct stat opened {};
  struct stat own {};
  if (::fstat(fd.get(), &opened) == 0 && ::stat("/proc/self/ns/net", &own) == 0 &&
      opened.st_ino == own.st_ino && opened.st_dev == own.st_dev) {
    return fail(Errc::invalid_input, "invalid namespace path \"{}\": it is the host's own",
                path.native());
  }
  return NetNs{std::move(fd)};
}

Result<NetNs> NetNs::own() {
  Fd fd{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!fd.is_open()) return system_failure(errno, "open own network namespace");
  return NetNs{std::move(fd)};
}

// Hands one piece of work at a time to the thread and waits for it.
class NetNsThread::Worker {
 public:
  explicit Worker(int netns) : thread_([this, netns] { live(netns); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    {
      const std::lock_guard lock{mutex_};
      is_ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // The error of entering the namespace, 0 for none.
  int wait_until_inside() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return has_entered_; });
    return error_;
  }

  void call(const std::function<void()>& work) {
    std::unique_lock lock{mutex_};
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [&] { return work_ == nullptr; });
  }

 private:
  void live(int netns) {
    const int error = ::setns(netns, CLONE_NEWNET) == 0 ? 0 : errno;
    std::unique_lock lock{mutex_};
    error_ = error;
    has_entered_ = true;
    changed_.notify_all();
    while (error == 0) {
      changed_.wait(lock, [&] { return is_ending_ || work_ != nullptr; });
      if (work_ == nullptr) return;
      (*work_)();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool has_entered_ = false;
  bool is_ending_ = false;
  int error_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

Result<NetNsThread> NetNsThread::start(const NetNs& netns) {
  NetNsThread thread{std::make_unique<Worker>(netns.fd().get())};
  if (const int error = thread.worker_->wait_until_inside(); error != 0) {
    return system_failure(error, "enter network namespace");
  }
  return thread;
}

NetNsThread::NetNsThread(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
NetNsThread::NetNsThread(NetNsThread&&) noexcept = default;
NetNsThread& NetNsThread::operator=(NetNsThread&&) noexcept = default;
NetNsThread::~NetNsThread() = default;

void NetNsThread::call(const std::function<void()>& work) { worker_->call(work); }

}  // namespace burrow::host
