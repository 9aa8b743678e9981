#include "host/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <set>
#include <vector>

#include "host/fd.h"

namespace burrow::host {
namespace {

constexpr std::chrono::milliseconds kLongestPause{1};

}  // namespace

// What the kernel is asked to watch is changed only when a callback did not ask for the same again:
// a busy socket costs one epoll_wait per batch and nothing else.
struct FdWatch::State {
  State(EventLoop::Implementation& owner, int descriptor, Callback readable, Callback writable)
      : loop(owner),
        fd(descriptor),
        on_readable(std::move(readable)),
        on_writable(std::move(writable)) {}

  void await(uint32_t event);
  void settle();
  void dispatch(uint32_t events);

  EventLoop::Implementation& loop;
  int fd;
  Callback on_readable;
  Callback on_writable;
  uint64_t key = 0;  // place and generation in the loop
  uint32_t wanted = 0;
  uint32_t registered = 0;
  bool is_watched = true;
  bool is_dispatching = false;
};

struct Timer::State {
  State(EventLoop::Implementation& owner, std::function<void()> expiry)
      : loop(owner), on_expiry(std::move(expiry)) {}

  EventLoop::Implementation& loop;
  std::function<void()> on_expiry;
  Clock::time_point deadline;
  bool is_running = false;
};

struct EventLoop::Implementation {
  using WatchState = std::shared_ptr<FdWatch::State>;
  using TimerState = std::shared_ptr<Timer::State>;
  struct Place {
    uint32_t generation = 0;
    WatchState state;
  };

  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Place> places;
  std::vector<uint32_t> free_places;
  std::set<std::pair<Clock::time_point, TimerState>> deadlines;
  Clock::duration pause{};
  bool is_stopped = false;

  uint64_t add(WatchState state) {
    if (free_places.empty()) {
      free_places.push_back(static_cast<uint32_t>(places.size()));
      places.emplace_back();
    }
    const uint32_t place = free_places.back();
    free_places.pop_back();
    places[place].state = std::move(state);
    return uint64_t{places[place].generation} << 32U | place;
  }

  void remove(uint64_t key) {
    const auto place = static_cast<uint32_t>(key);
    ++places[place].generation;
    places[place].state.reset();
    free_places.push_back(place);
  }

  // Nothing when an earlier callback of the same round has ended the watch.
  [[nodiscard]] WatchState find(uint64_t key) const {
    const Place& place = places[static_cast<uint32_t>(key)];
    return place.generation == key >> 32U ? place.state : nullptr;
  }

  // In milliseconds, rounded up, as epoll_wait takes it.
  [[nodiscard]] int time_to_next_deadline() const {
    if (deadlines.empty()) return -1;
    const auto left = deadlines.begin()->first - Clock::now();
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<int64_t>(rounded, 0, 3'600'000));
  }

  void wait_and_dispatch() {
    std::array<epoll_event, 64> events;
    const int count =
        ::epoll_wait(epoll.get(), events.data(), events.size(), time_to_next_deadline());
    for (int i = 0; i < count && !is_stopped; ++i) {
      const auto& event = events[static_cast<size_t>(i)];
      if (const auto state = find(event.data.u64)) state->dispatch(event.events);
    }
  }

  void rest() {
    if (pause == Clock::duration::zero()) return;
    const timespec time{0, static_cast<long>(std::chrono::nanoseconds{pause}.count())};
    // Cut short by a signal: then there is something to do.
    ::nanosleep(&time, nullptr);
    pause = {};
  }

  void expire() {
    if (deadlines.empty()) return;
    const auto now = Clock::now();
    while (!deadlines.empty() && deadlines.begin()->first <= now && !is_stopped) {
      const auto state = deadlines.begin()->second;
      deadlines.erase(deadlines.begin());
      state->is_running = false;
      state->on_expiry();
    }
  }
};

EventLoop::EventLoop() : implementation_(std::make_unique<Implementation>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  while (!implementation_->is_stopped) {
    implementation_->wait_and_dispatch();
    implementation_->expire();
    implementation_->rest();
  }
}

void EventLoop::stop() { implementation_->is_stopped = true; }

void EventLoop::rest(Clock::duration pause) {
  implementation_->pause =
      std::clamp(pause, implementation_->pause, Clock::duration{kLongestPause});
}

void FdWatch::State::await(uint32_t event) {
  wanted |= event;
  if (!is_dispatching) settle();
}

// Makes the kernel watch what is wanted. A descriptor of which nothing is wanted is taken out: its
// errors would be told again and again.
void FdWatch::State::settle() {
  if (!is_watched || wanted == registered) return;
  epoll_event event{.events = wanted, .data = {.u64 = key}};
  const int operation = wanted == 0       ? EPOLL_CTL_DEL
                        : registered == 0 ? EPOLL_CTL_ADD
                                          : EPOLL_CTL_MOD;
  ::epoll_ctl(loop.epoll.get(), operation, fd, &event);
  registered = wanted;
}

void FdWatch::State::dispatch(uint32_t events) {
  // An error or the end shows in the next read or write: whoever waits is told.
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) events |= EPOLLIN | EPOLLOUT;
  const uint32_t fired = events & wanted;
  wanted &= ~(fired | EPOLLET);
  is_dispatching = true;
  if ((fired & EPOLLIN) != 0) on_readable();
  if ((fired & EPOLLOUT) != 0 && is_watched) on_writable();
  is_dispatching = false;
  settle();
}

FdWatch::FdWatch(EventLoop& loop, int fd, Callback on_readable, Callback on_writable)
    : state_(std::make_shared<State>(*loop.implementation_, fd, std::move(on_readable),
                                     std::move(on_writable))) {
  state_->key = state_->loop.add(state_);
}

FdWatch::~FdWatch() {
  state_->wanted = 0;
  state_->settle();
  state_->is_watched = false;
  state_->loop.remove(state_->key);
}

void FdWatch::await_readable() { state_->await(EPOLLIN); }
void FdWatch::await_arrival() { state_->await(EPOLLIN | EPOLLET); }
void FdWatch::await_writable() { state_->await(EPOLLOUT); }

Timer::Timer(EventLoop& loop, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(*loop.implementation_, std::move(on_expiry))) {}

Timer::~Timer() { stop(); }

void Timer::start(Clock::duration after) {
  stop();
  state_->deadline = Clock::now() + after;
  state_->is_running = true;
  state_->loop.deadlines.insert({state_->deadline, state_});
}

void Timer::stop() {
  if (!state_->is_running) return;
  state_->is_running = false;
  state_->loop.deadlines.erase({state_->deadline, state_});
}

bool Timer::is_running() const { return state_->is_running; }

}  // namespace burrow::host
