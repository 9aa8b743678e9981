#include "dns/server_threads.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <system_error>
#include <thread>

#include "host/mailbox.h"

namespace burrow::dns {
namespace {

// Lines of the query log between two threads; beyond that they are lost and counted.
constexpr size_t kLogLines = 4096;

// One server's part of what all may hold. What is turned off for all stays so for each.
ServerLimits part_of(ServerLimits limits, size_t count) {
  limits.forwarder.outstanding /= count;
  limits.forwarder.cache.bytes /= count;
  limits.tcp.connections /= count;
  return limits;
}

}  // namespace

// Takes lines from other threads to the listeners, who live on the first.
class ServerThreads::LogChannel {
 public:
  LogChannel(EventLoop& loop, LogListeners& listeners) : listeners_(listeners), mailbox_(loop) {}

  void post(std::string line) {
    if (waiting_.fetch_add(1) >= kLogLines) {
      --waiting_;
      ++lost_;
      return;
    }
    mailbox_.post([this, line = std::move(line)]() mutable {
      --waiting_;
      if (const auto lost = lost_.exchange(0); lost > 0) listeners_.lose(lost);
      listeners_.tell(std::move(line));
    });
  }

 private:
  LogListeners& listeners_;
  std::atomic<size_t> waiting_ = 0;
  std::atomic<size_t> lost_ = 0;
  host::Mailbox mailbox_;
};

// A loop and its server. Before the thread runs, and after, they belong to the caller.
class ServerThreads::Thread {
 public:
  Thread(Compatibility compatibility, const ServerLimits& limits, QueryLog::Tell tell,
         NameOpenings* openings)
      : mailbox_(loop_), server_(loop_, compatibility, limits, std::move(tell), openings) {}
  ~Thread() { stop(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  Result<void> start() {
    try {
      thread_ = std::thread{[this] { loop_.run(); }};
    } catch (const std::system_error& error) {
      return system_failure(error.code().value(), "starting a server thread");
    }
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    mailbox_.post([this] { loop_.stop(); });
    thread_.join();
  }

  // Runs `work` with the server, at once or soon; `done` is told after it.
  void visit(const std::function<void(Server&)>& work, const std::shared_ptr<std::latch>& done) {
    if (!thread_.joinable()) {
      work(server_);
      return done->count_down();
    }
    mailbox_.post([this, work, done] {
      work(server_);
      done->count_down();
    });
  }

 private:
  EventLoop loop_;
  host::Mailbox mailbox_;
  Server server_;
  std::thread thread_;
};

ServerThreads::ServerThreads(EventLoop& loop, size_t count, Compatibility compatibility,
                             const ServerLimits& limits, LogListeners& listeners,
                             NameOpenings* openings)
    : channel_(std::make_unique<LogChannel>(loop, listeners)),
      first_(
          loop, compatibility, part_of(limits, count),
          [&listeners](std::string line) { listeners.tell(std::move(line)); }, openings) {
  for (size_t i = 1; i < count; ++i) {
    others_.push_back(std::make_unique<Thread>(
        compatibility, part_of(limits, count),
        [channel = channel_.get()](std::string line) { channel->post(std::move(line)); },
        openings));
  }
}

ServerThreads::~ServerThreads() = default;

size_t ServerThreads::count() const { return 1 + others_.size(); }
const Server& ServerThreads::first() const { return first_; }

Result<void> ServerThreads::start() {
  for (const auto& thread : others_) TRY_VOID(thread->start());
  return {};
}

void ServerThreads::stop() {
  for (const auto& thread : others_) thread->stop();
}

void ServerThreads::for_each(const std::function<void(size_t number, Server&)>& visit) {
  // Shared, because who counts last may still touch it when this has returned.
  const auto done = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(others_.size()));
  for (size_t i = 0; i < others_.size(); ++i) {
    others_[i]->visit([&visit, number = i + 1](Server& server) { visit(number, server); }, done);
  }
  visit(0, first_);
  done->wait();
}

ServerReport ServerThreads::report() {
  std::vector<ServerReport> reports(count());
  for_each([&](size_t number, Server& server) { reports[number] = server.report(); });
  for (size_t i = 1; i < reports.size(); ++i) reports[0].add(reports[i]);
  return std::move(reports[0]);
}

}  // namespace burrow::dns
