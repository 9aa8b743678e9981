#include "engine/supervisor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "engine/lifecycle.h"
#include "engine/report.h"

namespace burrow::engine {
namespace {

// The descriptors that were inherited; they must not reach the programs that we run.
struct Inherited {
  host::Fd report{SupervisorFds::report};
  ContainerLock supervision = ContainerLock::adopt(host::Fd{SupervisorFds::supervision_lock});
  std::array<host::Fd, 3> stdio{host::Fd{SupervisorFds::first_stdio},
                                host::Fd{SupervisorFds::first_stdio + 1},
                                host::Fd{SupervisorFds::first_stdio + 2}};

  Inherited() {
    for (int fd = SupervisorFds::report; fd < SupervisorFds::first_stdio + 3; ++fd) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
  [[nodiscard]] Stdio numbers() const { return {stdio[0].get(), stdio[1].get(), stdio[2].get()}; }
};

// The command that started us may be gone; the container does not depend on it.
void tell(const host::Fd& fd, const Report& report) {
  const auto line = render(report);
  (void)!::write(fd.get(), line.data(), line.size());
}

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Takes in every child that has ended; yields the exit code of `pid` once it is among them.
std::optional<int> reap(pid_t pid) {
  std::optional<int> code;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended <= 0) return code;
    if (ended == pid) code = code_of(status);
  }
}

// Waits for the container's end. When the machine asks us to go, the container is asked.
int wait_for_end(const ProcessIdentity& process, const sigset_t& signals) {
  for (;;) {
    if (const auto code = reap(process.pid)) return *code;
    const int signal = ::sigwaitinfo(&signals, nullptr);
    if (signal == SIGTERM) ::kill(process.pid, SIGTERM);
  }
}

Report end(Engine& engine, const ContainerId& id, std::optional<int> exit_code) {
  Report report{.started = {}, .exit_code = exit_code, .error = {}};
  auto ended = [&]() -> Result<void> {
    const auto container = TRY(engine.store.find(id));
    if (!container) return {};
    const auto operation = TRY(ContainerLock::acquire(engine.directories, id, LockKind::operation));
    TRY_VOID(end_container(engine, id, exit_code));
    if (container->spec.removes_itself) return remove_container(engine, id);
    return {};
  }();
  if (!ended) report.error = std::move(ended).error().message;
  return report;
}

// A container that never ran is not kept: the same command may be tried again.
Report give_up(Engine& engine, const ContainerId& id, const StartFailure& failure) {
  Report report{.started = {}, .exit_code = failure.exit_code, .error = failure.message};
  const auto container = engine.store.find(id);
  if (container && *container && !(*container)->started) {
    if (const auto removed = remove_container(engine, id); !removed) {
      report.error += "; then, while removing: " + removed.error().message;
    }
  }
  return report;
}

Result<void> supervise_with(Inherited& inherited, const Directories& directories,
                            const ContainerId& id) {
  const auto signals = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return system_failure(errno, "become a subreaper");
  (void)::chdir("/");

  auto engine = TRY(Engine::open_as_supervisor(directories));
  StartOutcome outcome;
  {
    const auto operation = TRY(ContainerLock::acquire(directories, id, LockKind::operation));
    outcome = start_container(engine, id, inherited.numbers());
    for (auto& fd : inherited.stdio) fd.reset();
    if (!outcome.started) {
      tell(inherited.report, give_up(engine, id, outcome.failure));
      return fail(Errc::system, "{}", outcome.failure.message);
    }
  }
  tell(inherited.report, {.started = outcome.started->process, .exit_code = {}, .error = {}});
  const int code = wait_for_end(outcome.started->process, signals);
  const auto report = end(engine, id, code);
  tell(inherited.report, report);
  if (!report.error.empty()) return fail(Errc::system, "{}", report.error);
  return {};
}

}  // namespace

Result<void> supervise(const Directories& directories, const ContainerId& id) {
  Inherited inherited;
  auto result = supervise_with(inherited, directories, id);
  if (!result) {
    // The log of the container's supervisor; nobody else reads it.
    fmt::print(stderr, "{}\n", result.error().message);
    // Failures before the first report; after it the reader has what it waits for.
    tell(inherited.report,
         {.started = {}, .exit_code = kExitEngineError, .error = result.error().message});
  }
  return result;
}

}  // namespace burrow::engine
