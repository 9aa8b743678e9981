#include "dns/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace burrow::dns {

namespace asio = boost::asio;
using boost::system::error_code;

struct EventLoop::Implementation {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

EventLoop::EventLoop() : implementation_(std::make_unique<Implementation>()) {}
EventLoop::~EventLoop() = default;
void EventLoop::run() { implementation_->context.run(); }
void EventLoop::stop() { implementation_->context.stop(); }
void EventLoop::post(std::function<void()> work) {
  asio::post(implementation_->context, std::move(work));
}

// Lives until the last wait has come back, so that a callback may end its watch.
struct FdWatch::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, int fd, Callback readable, Callback writable)
      : descriptor(loop.implementation_->context, fd),
        on_readable(std::move(readable)),
        on_writable(std::move(writable)) {}

  void await(asio::posix::descriptor_base::wait_type type, const Callback& callback) {
    descriptor.async_wait(type, [self = shared_from_this(), &callback](const error_code& error) {
      if (!error && self->is_watched) callback();
    });
  }

  asio::posix::stream_descriptor descriptor;
  Callback on_readable;
  Callback on_writable;
  bool is_watched = true;
};

FdWatch::FdWatch(EventLoop& loop, int fd, Callback on_readable, Callback on_writable)
    : state_(std::make_shared<State>(loop, fd, std::move(on_readable), std::move(on_writable))) {}

FdWatch::~FdWatch() {
  state_->is_watched = false;
  if (state_->descriptor.is_open()) state_->descriptor.release();
}

void FdWatch::await_readable() {
  state_->await(asio::posix::descriptor_base::wait_read, state_->on_readable);
}

void FdWatch::await_writable() {
  state_->await(asio::posix::descriptor_base::wait_write, state_->on_writable);
}

struct Timer::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, std::function<void()> expiry)
      : timer(loop.implementation_->context), on_expiry(std::move(expiry)) {}

  asio::steady_timer timer;
  std::function<void()> on_expiry;
  // Which start() a wait belongs to: one that has expired can no longer be cancelled.
  uint64_t generation = 0;
  bool is_running = false;
};

Timer::Timer(EventLoop& loop, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(loop, std::move(on_expiry))) {}

Timer::~Timer() { stop(); }

void Timer::start(Clock::duration after) {
  state_->timer.expires_after(after);
  state_->is_running = true;
  state_->timer.async_wait(
      [self = state_, generation = ++state_->generation](const error_code& error) {
        if (error || generation != self->generation) return;
        self->is_running = false;
        self->on_expiry();
      });
}

void Timer::stop() {
  ++state_->generation;
  state_->is_running = false;
  state_->timer.cancel();
}

bool Timer::is_running() const { return state_->is_running; }

}  // namespace burrow::dns
