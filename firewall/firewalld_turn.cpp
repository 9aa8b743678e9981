#include "firewall/firewalld_turn.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace burrow::firewall {
namespace {

// Shared with a thread that waits for the lock, since flock(2) knows no deadline.
struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<host::FileLock>> outcome;
  bool is_given_up = false;
};

void wait_for_lock(const std::shared_ptr<Waiting>& waiting, const host::fs::path& file) {
  auto lock = host::FileLock::acquire(file);
  const std::scoped_lock guard{waiting->mutex};
  if (waiting->is_given_up) {
    if (lock) lock->remove_file();
    return;
  }
  waiting->outcome.emplace(std::move(lock));
  waiting->changed.notify_one();
}

}  // namespace

FirewalldTurn::FirewalldTurn(host::FileLock lock)
    : lock_(std::make_unique<host::FileLock>(std::move(lock))) {}

FirewalldTurn::~FirewalldTurn() {
  if (lock_) lock_->remove_file();
}

Result<FirewalldTurn> FirewalldTurn::await(std::chrono::milliseconds patience,
                                           const host::fs::path& file) {
  if (auto lock = TRY(host::FileLock::try_acquire(file))) return FirewalldTurn{*std::move(lock)};
  auto waiting = std::make_shared<Waiting>();
  std::thread{wait_for_lock, waiting, file}.detach();
  std::unique_lock guard{waiting->mutex};
  waiting->changed.wait_for(guard, patience, [&] { return waiting->outcome.has_value(); });
  if (waiting->outcome) return FirewalldTurn{TRY(*std::move(waiting->outcome))};
  waiting->is_given_up = true;
  return fail(Errc::timeout,
              "firewalld: other commands have been changing it for {} ms and are not done",
              patience.count());
}

}  // namespace burrow::firewall
