#include "engine/run_front.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "engine/process_identity.h"
#include "engine/report.h"
#include "engine/supervisor.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

struct OwnedStdio {
  host::Fd input;
  host::Fd output;  ///< also its error output when detached
  Stdio numbers{};
};

Result<host::Fd> open_file(const fs::path& path, int flags) {
  host::Fd fd{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
  if (!fd.is_open()) return system_failure(errno, fmt::format("open \"{}\"", path.native()));
  return fd;
}

Result<OwnedStdio> open_stdio(const Directories& directories, const ContainerId& id,
                              const ContainerSpec& spec) {
  OwnedStdio stdio;
  stdio.input = TRY(open_file("/dev/null", O_RDONLY));
  stdio.numbers = {stdio.input.get(), STDOUT_FILENO, STDERR_FILENO};
  if (spec.is_detached) {
    TRY_VOID(host::make_directories(directories.container_state(id)));
    stdio.output = TRY(open_file(directories.log(id), O_WRONLY | O_CREAT | O_APPEND));
    stdio.numbers = {stdio.input.get(), stdio.output.get(), stdio.output.get()};
  } else if (spec.reads_stdin) {
    stdio.numbers[0] = STDIN_FILENO;
  }
  return stdio;
}

// Signals that mean the container, not us.
Result<host::Fd> catch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  host::Fd fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd.is_open()) return system_failure(errno, "signalfd");
  return fd;
}

// Lines of reports as they arrive.
class ReportReader {
 public:
  explicit ReportReader(const host::Fd& fd) : fd_(fd) {}

  /// The next report; nothing at the end.
  Result<std::optional<Report>> next() {
    for (;;) {
      if (const auto end = text_.find('\n'); end != std::string::npos) {
        auto report = TRY(parse_report(std::string_view{text_}.substr(0, end)));
        text_.erase(0, end + 1);
        return report;
      }
      std::array<char, 4096> buffer;
      const auto count = ::read(fd_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return std::nullopt;
      text_.append(buffer.data(), static_cast<size_t>(count));
    }
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool has_more() const { return text_.find('\n') != std::string::npos; }

 private:
  const host::Fd& fd_;
  std::string text_;
};

void pass_on(const host::Fd& signals, const std::optional<ProcessIdentity>& process) {
  signalfd_siginfo info{};
  while (::read(signals.get(), &info, sizeof info) == sizeof info) {
    if (!process) continue;
    const auto handle = ProcessHandle::open(*process);
    if (handle && *handle) (void)(*handle)->send(static_cast<int>(info.ssi_signo));
  }
}

Result<RunOutcome> follow(ReportReader& reports, const host::Fd& signals,
                          const ContainerSpec& spec) {
  std::optional<ProcessIdentity> process;
  for (;;) {
    // Signals wait until there is a container to pass them on to.
    std::array<pollfd, 2> polled{pollfd{reports.fd(), POLLIN, 0},
                                 pollfd{process ? signals.get() : -1, POLLIN, 0}};
    if (!reports.has_more() && ::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      return system_failure(errno, "poll");
    }
    if (polled[1].revents != 0) pass_on(signals, process);
    if (polled[0].revents == 0 && !reports.has_more()) continue;
    const auto report = TRY(reports.next());
    if (!report) return fail(Errc::system, "the container's supervisor died without a word");
    if (report->started) {
      process = report->started;
      if (spec.is_detached) return RunOutcome{};
    }
    if (report->exit_code) return RunOutcome{*report->exit_code, report->error};
  }
}

}  // namespace

Result<RunOutcome> run_in_front(const Directories& directories, const ContainerId& id,
                                const ContainerSpec& spec, ContainerLock supervision) {
  const auto stdio = TRY(open_stdio(directories, id, spec));
  const auto signals = TRY(catch_signals());
  const auto pipe = TRY(start_supervisor(directories, id, supervision, stdio.numbers));
  {
    // Ours alone would outlive the supervisor and keep others from cleaning up after it.
    const auto handed_over = std::move(supervision);
  }
  ReportReader reports{pipe};
  return follow(reports, signals, spec);
}

}  // namespace burrow::engine
