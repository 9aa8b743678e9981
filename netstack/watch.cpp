#include "netstack/watch.h"

#include <malloc.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "core/log.h"
#include "firewall/notices.h"
#include "host/service_manager.h"
#include "netstack/firewalld_follow.h"
#include "netstack/healer.h"
#include "netstack/restraint.h"

namespace burrow::netstack {
namespace {

using Clock = Restraint::Clock;

std::string describe(const std::optional<firewall::Culprit>& by) {
  if (!by) return "";
  return fmt::format(", which \"{}\" (process {}) had taken away", by->name, by->process);
}

class Watcher {
 public:
  Watcher(firewall::NoticeSocket notices, Healer healer)
      : notices_(std::move(notices)), healer_(std::move(healer)) {}

  // What happened before we listened is found by comparing.
  void begin() {
    losses_.needs_comparison = losses_.changed_admin = losses_.changed_others = true;
    heal();
  }

  Result<void> run() {
    while (true) {
      TRY_VOID(wait());
      losses_.add(TRY(notices_.take()));
      if (!has_work()) continue;
      if (Clock::now() >= restraint_.next()) heal();
    }
  }

 private:
  [[nodiscard]] bool has_work() const {
    return losses_.any() || losses_.changed_admin || losses_.changed_others;
  }

  // In milliseconds, as poll(2) has it; for ever while there is nothing to do.
  [[nodiscard]] int time_left() const {
    if (!has_work()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(restraint_.next() - Clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  Result<void> wait() {
    pollfd polled{.fd = notices_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&polled, 1, time_left()) < 0 && errno != EINTR) {
      return system_failure(errno, "wait for changes of the firewall");
    }
    return {};
  }

  void heal() {
    const auto losses = std::exchange(losses_, {});
    const auto healed = healer_.heal(losses);
    if (!healed) {
      log::error("watch", "the firewall could not be healed: {}", healed.error().message);
      losses_.add(losses);
      losses_.needs_comparison = true;
      restraint_.note(Clock::now());
      return;
    }
    // Else the healer has not looked, and knows less than what was told since.
    if (losses.any() || losses.changed_others) notices_.follow_others(healer_.opened());
    if (healed->any()) {
      log::warn("watch", "put back {}{}", to_string(*healed), describe(losses.by));
      note_repair(losses.by);
      // What was read for it need not stay.
      ::malloc_trim(0);
    }
    if (healed->trouble != trouble_) {
      for (const auto& sentence : healed->trouble) log::error("watch", "{}", sentence);
      trouble_ = healed->trouble;
    }
  }

  void note_repair(const std::optional<firewall::Culprit>& by) {
    const auto before = restraint_.pause();
    restraint_.note(Clock::now());
    if (restraint_.pause() <= before) return;
    log::error(
        "watch",
        "{} keeps taking away what is ours: it is put back again in {} ms at the "
        "earliest",
        by ? fmt::format("\"{}\" (process {})", by->name, by->process) : std::string{"somebody"},
        restraint_.pause().count());
  }

  firewall::NoticeSocket notices_;
  Healer healer_;
  Restraint restraint_;
  firewall::Losses losses_;
  std::vector<std::string> trouble_;
};

}  // namespace

std::vector<std::filesystem::path> usual_run_directories() {
  return {"/run/containers/networks", "/run/burrow/networks"};
}

Result<void> watch(const std::vector<std::filesystem::path>& run_directories) {
  // Listen first, then look: nothing is missed in between.
  auto notices = TRY(firewall::NoticeSocket::open());
  auto healer = TRY(Healer::open(run_directories));
  Watcher watcher{std::move(notices), std::move(healer)};
  watcher.begin();
  // It may wait long for a firewalld that starts, and ends with the process.
  std::thread{[run_directories] {
    if (auto ended = keep_zones(run_directories); !ended) {
      const bool has_no_bus = ended.error().code == Errc::not_found;
      const auto text = fmt::format("firewalld is not watched: {}", ended.error().message);
      log::write(has_no_bus ? log::Level::info : log::Level::error, "watch", text);
    }
  }}.detach();
  for (const auto& path : run_directories) log::info("watch", "watching for \"{}\"", path.native());
  if (auto told = host::tell_service_manager("READY=1\nSTATUS=watching the firewall"); !told) {
    log::warn("watch", "{}", told.error().message);
  }
  return watcher.run();
}

}  // namespace burrow::netstack
