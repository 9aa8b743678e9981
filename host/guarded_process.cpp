#include "host/guarded_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <vector>

#include "host/fd.h"

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace burrow::host {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_failure(errno, "pipe");
  return Pipe{Fd{fds[0]}, Fd{fds[1]}};
}

// A write to a program that does not read must fail, not end us.
class IgnoreSigpipe {
 public:
  IgnoreSigpipe() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  IgnoreSigpipe(const IgnoreSigpipe&) = delete;
  IgnoreSigpipe& operator=(const IgnoreSigpipe&) = delete;
  ~IgnoreSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const auto& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  return result;
}

// The program's three streams and a fourth for the reason why it could not be started.
struct Streams {
  Pipe input;
  Pipe output;
  Pipe error_output;
  Pipe failure;

  static Result<Streams> open() {
    return made_of<Streams>(open_pipe(), open_pipe(), open_pipe(), open_pipe());
  }
};

// What happens between fork and exec: system calls and nothing else, as other threads of ours may
// have held any lock at that moment.
[[noreturn]] void become(const Streams& streams, pid_t parent, char* const* arguments,
                         char* const* environment) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before we asked
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(streams.input.read.get(), STDIN_FILENO);
  ::dup2(streams.output.write.get(), STDOUT_FILENO);
  ::dup2(streams.error_output.write.get(), STDERR_FILENO);
  ::execve(arguments[0], arguments, environment);
  const int code = errno;
  static_cast<void>(!::write(streams.failure.write.get(), &code, sizeof code));
  ::_exit(127);
}

// A process that is waited for in any case, and killed with its group unless it has ended.
class Process {
 public:
  // By number: Debian 12's header declares pidfd_open without C linkage.
  explicit Process(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      kill();
      static_cast<void>(wait());
    }
  }

  [[nodiscard]] const Fd& pidfd() const { return pidfd_; }
  /// Before it is waited for its number, and its group's, can be nobody else's.
  void kill() const {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
  }
  Result<int> wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return system_failure(errno, "wait");
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  Fd pidfd_;
};

enum class Talk { ended, timed_out, flooded };

// The conversation with a running program.
class Conversation {
 public:
  Conversation(const Process& process, Streams& streams, std::string_view input,
               const Bounds& bounds)
      : process_(process),
        input_(std::move(streams.input.write)),
        output_(std::move(streams.output.read)),
        error_output_(std::move(streams.error_output.read)),
        rest_(input),
        bounds_(bounds),
        deadline_(Clock::now() + bounds.time) {
    for (const auto* fd : {&input_, &output_, &error_output_}) {
      ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    }
    if (rest_.empty()) input_.reset();
  }

  Result<Talk> hold(GuardedOutcome& outcome) {
    for (;;) {
      std::array<pollfd, 4> polled{
          pollfd{process_.pidfd().get(), POLLIN, 0}, pollfd{output_.get(), POLLIN, 0},
          pollfd{error_output_.get(), POLLIN, 0}, pollfd{input_.get(), POLLOUT, 0}};
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return Talk::timed_out;
      const int timeout = static_cast<int>(std::min<int64_t>(left, 3'600'000));
      if (::poll(polled.data(), polled.size(), timeout) < 0) {
        if (errno == EINTR) continue;
        return system_failure(errno, "poll");
      }
      if (polled[1].revents != 0) read(output_, bounds_.output, outcome.output);
      if (polled[2].revents != 0) read(error_output_, bounds_.error_output, outcome.error_output);
      if (is_flooded_) return Talk::flooded;
      if (polled[3].revents != 0) feed();
      if (polled[0].revents != 0) break;
    }
    // What it wrote before it ended is there now.
    while (output_.is_open()) read(output_, bounds_.output, outcome.output);
    while (error_output_.is_open() && outcome.error_output.size() < bounds_.error_output) {
      read(error_output_, bounds_.error_output, outcome.error_output);
    }
    return is_flooded_ ? Talk::flooded : Talk::ended;
  }

 private:
  // Appends what is there, up to `limit` in all. At the end of the stream, or when nothing is there
  // that the process could still write, the descriptor is closed.
  void read(Fd& fd, size_t limit, std::string& into) {
    std::array<char, 16384> buffer;
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
      fd.reset();
      return;
    }
    const auto room = limit - std::min(limit, into.size());
    const auto size = static_cast<size_t>(count);
    into.append(buffer.data(), std::min(room, size));
    if (size <= room) return;
    if (&fd == &output_) {
      is_flooded_ = true;
      fd.reset();
    }
  }

  void feed() {
    const auto count = ::write(input_.get(), rest_.data(), rest_.size());
    if (count >= 0) rest_.remove_prefix(static_cast<size_t>(count));
    const bool is_broken = count < 0 && errno != EINTR && errno != EAGAIN;
    if (rest_.empty() || is_broken) input_.reset();
  }

  const Process& process_;
  Fd input_;
  Fd output_;
  Fd error_output_;
  std::string_view rest_;
  const Bounds& bounds_;
  Clock::time_point deadline_;
  bool is_flooded_ = false;
};

// The error of a start that failed; waits until the program has taken our place in the child.
std::optional<int> why_not_started(const Pipe& failure) {
  int code = 0;
  for (;;) {
    const auto count = ::read(failure.read.get(), &code, sizeof code);
    if (count == sizeof code) return code;
    if (count >= 0 || errno != EINTR) return std::nullopt;
  }
}

}  // namespace

Result<GuardedOutcome> run_guarded(const Command& command, const Bounds& bounds) {
  auto streams = TRY(Streams::open());
  auto arguments = pointers(command.arguments);
  arguments.push_back(nullptr);
  // Ours first would win for getenv: the added ones go in front.
  auto environment = pointers(command.environment);
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);

  const IgnoreSigpipe quiet;
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_failure(errno, "fork");
  if (pid == 0) become(streams, self, arguments.data(), environment.data());
  ::setpgid(pid, pid);  // also here: nobody knows who is first, and kill() needs the group
  Process process{pid};
  if (!process.pidfd().is_open()) return system_failure(errno, "pidfd_open");
  streams.input.read.reset();
  streams.output.write.reset();
  streams.error_output.write.reset();
  streams.failure.write.reset();
  if (const auto code = why_not_started(streams.failure)) {
    return system_failure(*code, fmt::format("run \"{}\"", command.arguments[0]));
  }

  GuardedOutcome outcome;
  const auto talk = TRY(Conversation{process, streams, command.input, bounds}.hold(outcome));
  if (talk != Talk::ended) process.kill();
  const int status = TRY(process.wait());
  if (talk == Talk::timed_out) {
    outcome.end = TimedOut{};
  } else if (talk == Talk::flooded) {
    outcome.end = Flooded{};
  } else if (WIFSIGNALED(status)) {
    outcome.end = Killed{WTERMSIG(status)};
  } else {
    outcome.end = Exited{WEXITSTATUS(status)};
  }
  return outcome;
}

}  // namespace burrow::host
