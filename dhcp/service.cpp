#include "dhcp/service.h"

#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <list>
#include <map>

#include "core/log.h"
#include "dhcp/connection.h"
#include "dhcp/keeper.h"
#include "dhcp/listener.h"
#include "host/random.h"

namespace burrow::dhcp {
namespace {

constexpr size_t kMostCallers = 256;
constexpr size_t kMostKeepers = 4096;
// How often the namespaces are looked for that leases were got for.
constexpr std::chrono::seconds kRounds{10};

// Without the kernel's, the time will do: it only keeps clients apart.
uint64_t random_number() {
  const auto bits = host::random_bits();
  return bits ? *bits : static_cast<uint64_t>(BootClock::now().time_since_epoch().count());
}

host::Fd signals_held_back() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the log may have gone
  return host::Fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

std::string name_of(const Holder& holder) {
  return fmt::format("\"{}\" of container {}", holder.interface, holder.container);
}

}  // namespace

class Service::Implementation {
 public:
  explicit Implementation(const CommandLine& command_line) : command_line_(command_line) {}

  Result<void> start() {
    // First what only one proxy can have: a second must not take the socket away.
    store_.emplace(TRY(Store::open(command_line_.directory / "leases")));
    premises_.emplace(Premises{loop_, clock_, *store_, random_number});
    for (const auto& record : TRY(store_->load())) resume(record);
    listener_.emplace(TRY(Listener::open(command_line_.socket)));
    callers_watch_ = std::make_unique<host::FdWatch>(loop_, listener_->fd(), [this] { accept(); });
    callers_watch_->await_readable();
    signals_watch_.await_readable();
    rounds_.start(kRounds);
    note_activity();
    return {};
  }

  void run() {
    loop_.run();
    for (auto& caller : callers_) leave(caller);
  }

 private:
  // Somebody connected. What it has set up and not committed goes with it.
  struct Caller {
    std::unique_ptr<Connection> connection;
    std::vector<Holder> provisional;
  };
  using CallerPlace = std::list<Caller>::iterator;

  void resume(const LeaseRecord& record) {
    const auto& holder = record.request.holder;
    auto keeper = std::make_unique<Keeper>(*premises_, record.request);
    if (const auto resumed = keeper->resume(record); !resumed) {
      log::warn("dhcp", "{} is gone: {}", name_of(holder), resumed.error().message);
      keeper->drop();
      return;
    }
    if (record.commitment == Commitment::provisional) {
      // Its set-up was cut short together with us.
      keeper->release();
      return;
    }
    keepers_.emplace(holder, std::move(keeper));
  }

  void accept() {
    while (true) {
      auto fd = listener_->accept();
      if (!fd.is_open()) break;
      if (callers_.size() >= kMostCallers) {
        log::warn("dhcp", "too many callers: one is turned away");
        continue;
      }
      note_activity();
      const auto place = callers_.emplace(callers_.end());
      place->connection = std::make_unique<Connection>(
          loop_, std::move(fd), [this, place](std::string_view line) { on_line(place, line); },
          [this, place] { on_end(place); });
    }
    callers_watch_->await_readable();
  }

  void on_line(CallerPlace caller, std::string_view line) {
    note_activity();
    auto command = decode_command(line);
    if (!command) {
      caller->connection->send(encode_refusal(command.error()));
      return;
    }
    struct Visitor {
      Implementation& service;
      CallerPlace caller;
      void operator()(SetUp& command) const { service.set_up(caller, std::move(command.request)); }
      void operator()(const Commit&) const { service.commit(caller); }
      void operator()(const TearDown& command) const { service.tear_down(caller, command.holder); }
      void operator()(const ListLeases&) const { service.list(caller); }
    };
    std::visit(Visitor{*this, caller}, *command);
  }

  void set_up(CallerPlace caller, LeaseRequest request) {
    const auto holder = request.holder;
    const auto refuse = [&](Errc code, std::string why) {
      caller->connection->send(encode_refusal({code, std::move(why)}));
    };
    for (const auto& other : callers_) {
      if (std::ranges::find(other.provisional, holder) != other.provisional.end()) {
        return refuse(Errc::already_exists, name_of(holder) + " is being set up by another caller");
      }
    }
    end_keeper(holder);  // a set-up that is repeated replaces
    if (keepers_.size() >= kMostKeepers) return refuse(Errc::exhausted, "too many leases");
    const auto patience = request.patience.value_or(command_line_.patience);
    auto& keeper =
        *keepers_.emplace(holder, std::make_unique<Keeper>(*premises_, std::move(request)))
             .first->second;
    caller->provisional.push_back(holder);
    caller->connection->set_turn(Connection::Turn::ours);
    keeper.acquire(patience, [this, caller, holder](Keeper::Outcome outcome) {
      note_activity();
      if (outcome) {
        caller->connection->send(encode_leases(*outcome));
      } else {
        log::warn("dhcp", "{}", outcome.error().message);
        std::erase(caller->provisional, holder);
        bury(holder);
        caller->connection->send(encode_refusal(outcome.error()));
      }
      caller->connection->set_turn(Connection::Turn::callers);
    });
  }

  void commit(CallerPlace caller) {
    bool had_lease = false;
    for (const auto& holder : std::exchange(caller->provisional, {})) {
      const auto keeper = keepers_.find(holder);
      if (keeper == keepers_.end()) continue;
      if (const auto committed = keeper->second->commit(); !committed) {
        caller->provisional.push_back(holder);
        caller->connection->send(encode_refusal(committed.error()));
        return;
      }
      had_lease = true;
    }
    caller->connection->send(encode_done(had_lease));
  }

  void tear_down(CallerPlace caller, const Holder& holder) {
    for (auto& other : callers_) std::erase(other.provisional, holder);
    caller->connection->send(encode_done(end_keeper(holder)));
  }

  void list(CallerPlace caller) {
    std::vector<LeaseStatus> statuses;
    for (const auto& [holder, keeper] : keepers_) {
      for (auto& status : keeper->statuses()) statuses.push_back(std::move(status));
    }
    caller->connection->send(encode_statuses(statuses));
  }

  void on_end(CallerPlace caller) {
    leave(*caller);
    note_activity();
    ended_callers_.splice(ended_callers_.end(), callers_, caller);
    burial_.start(host::Clock::duration::zero());
  }

  void leave(Caller& caller) {
    for (const auto& holder : std::exchange(caller.provisional, {})) {
      log::warn("dhcp", "{}: the caller has gone before it was done", name_of(holder));
      end_keeper(holder);
    }
  }

  bool end_keeper(const Holder& holder) {
    const auto keeper = keepers_.find(holder);
    if (keeper == keepers_.end()) return false;
    const bool had_lease = keeper->second->release();
    bury(holder);
    return had_lease;
  }

  // Not at once: it may be the one that calls.
  void bury(const Holder& holder) {
    auto node = keepers_.extract(holder);
    if (node.empty()) return;
    dead_keepers_.push_back(std::move(node.mapped()));
    burial_.start(host::Clock::duration::zero());
  }

  void make_rounds() {
    std::vector<Holder> homeless;
    for (const auto& [holder, keeper] : keepers_) {
      if (!keeper->is_acquiring() && keeper->is_homeless()) homeless.push_back(holder);
    }
    for (const auto& holder : homeless) {
      log::info("dhcp", "{}: its namespace is gone", name_of(holder));
      keepers_.at(holder)->drop();
      bury(holder);
    }
    rounds_.start(kRounds);
  }

  void note_activity() {
    if (command_line_.idle) idle_.start(*command_line_.idle);
  }

  void on_idle() {
    if (!keepers_.empty() || !callers_.empty()) return note_activity();
    log::info("dhcp", "no leases and no callers for {} s: the end", command_line_.idle->count());
    loop_.stop();
  }

  const CommandLine& command_line_;
  host::EventLoop loop_;
  AlarmClock clock_{loop_};
  std::optional<Listener> listener_;
  std::optional<Store> store_;
  std::optional<Premises> premises_;
  std::map<Holder, std::unique_ptr<Keeper>> keepers_;
  std::vector<std::unique_ptr<Keeper>> dead_keepers_;
  std::list<Caller> callers_;
  std::list<Caller> ended_callers_;
  host::Fd signals_ = signals_held_back();
  host::FdWatch signals_watch_{loop_, signals_.get(), [this] { loop_.stop(); }};
  std::unique_ptr<host::FdWatch> callers_watch_;
  host::Timer idle_{loop_, [this] { on_idle(); }};
  host::Timer rounds_{loop_, [this] { make_rounds(); }};
  host::Timer burial_{loop_, [this] {
                        dead_keepers_.clear();
                        ended_callers_.clear();
                      }};
};

Service::Service(const CommandLine& command_line)
    : implementation_(std::make_unique<Implementation>(command_line)) {}
Service::~Service() = default;

Result<void> Service::start() { return implementation_->start(); }
void Service::run() { implementation_->run(); }

}  // namespace burrow::dhcp
