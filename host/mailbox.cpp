#include "host/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace burrow::host {

Mailbox::Mailbox(EventLoop& loop)
    : wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(loop, wakeup_.get(), [this] { on_readable(); }) {
  watch_.await_readable();
}

Mailbox::~Mailbox() = default;

void Mailbox::post(Work work) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(work));
  }
  // Fails only when the count is full, and so is above zero: the loop is woken all the same.
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
}

void Mailbox::on_readable() {
  // Taken back before the work is taken: what comes later wakes us again.
  uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(wakeup_.get(), &count, sizeof count);
  std::vector<Work> work;
  {
    const std::lock_guard lock{mutex_};
    work.swap(waiting_);
  }
  for (const auto& each : work) each();
  watch_.await_readable();
}

}  // namespace burrow::host
