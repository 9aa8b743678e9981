#include "host/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "host/fd.h"

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace burrow::host {
namespace {

constexpr size_t kOutputLimit = 16U << 20U;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_failure(errno, "pipe");
  return Pipe{Fd{fds[0]}, Fd{fds[1]}};
}

// The actions and attributes of one posix_spawn, freed with it.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    // The caller may ignore or block signals; the child starts with none of that.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void connect(const Fd& from, int to) {
    posix_spawn_file_actions_adddup2(&actions_, from.get(), to);
  }
  int start(pid_t& pid, char* const* arguments, char* const* environment) {
    return ::posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const auto& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  return result;
}

// Appends what is there; closes the descriptor at the end of the stream.
void drain(Fd& fd, std::string& into) {
  std::array<char, 16384> buffer;
  const auto count = ::read(fd.get(), buffer.data(), buffer.size());
  if (count > 0) {
    const auto room = kOutputLimit - std::min(kOutputLimit, into.size());
    into.append(buffer.data(), std::min(room, static_cast<size_t>(count)));
  } else if (count == 0 || errno != EINTR) {
    fd.reset();
  }
}

void feed(Fd& fd, std::string_view& rest) {
  const auto count = ::write(fd.get(), rest.data(), rest.size());
  if (count >= 0) rest.remove_prefix(static_cast<size_t>(count));
  const bool is_broken = count < 0 && errno != EINTR && errno != EAGAIN;
  if (rest.empty() || is_broken) fd.reset();
}

// Writes input and reads both outputs at once, so that neither side waits for the other.
void exchange(Fd input, std::string_view rest, Fd output, Fd error_output, Outcome& outcome) {
  ::fcntl(input.get(), F_SETFL, O_NONBLOCK);
  if (rest.empty()) input.reset();
  while (input.is_open() || output.is_open() || error_output.is_open()) {
    std::array<pollfd, 3> polled{pollfd{input.get(), POLLOUT, 0}, pollfd{output.get(), POLLIN, 0},
                                 pollfd{error_output.get(), POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) break;
    if (polled[0].revents != 0) feed(input, rest);
    if (polled[1].revents != 0) drain(output, outcome.output);
    if (polled[2].revents != 0) drain(error_output, outcome.error_output);
  }
}

}  // namespace

Result<Outcome> run(const Command& command) {
  auto input = TRY(open_pipe());
  auto output = TRY(open_pipe());
  auto error_output = TRY(open_pipe());
  Spawn spawn;
  spawn.connect(input.read, STDIN_FILENO);
  spawn.connect(output.write, STDOUT_FILENO);
  spawn.connect(error_output.write, STDERR_FILENO);

  auto arguments = pointers(command.arguments);
  arguments.push_back(nullptr);
  // Ours first would win for getenv: the added ones go in front.
  auto environment = pointers(command.environment);
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);

  // A program that ends before it read its input must not end us.
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  pid_t pid = 0;
  const int failed = spawn.start(pid, arguments.data(), environment.data());
  if (failed != 0) {
    ::sigaction(SIGPIPE, &before, nullptr);
    return system_failure(failed, fmt::format("run \"{}\"", command.arguments[0]));
  }
  input.read.reset();
  output.write.reset();
  error_output.write.reset();

  Outcome outcome;
  exchange(std::move(input.write), command.input, std::move(output.read),
           std::move(error_output.read), outcome);
  ::sigaction(SIGPIPE, &before, nullptr);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return system_failure(errno, "wait");
  }
  if (WIFSIGNALED(status)) {
    outcome.signal = WTERMSIG(status);
  } else {
    outcome.exit_code = WEXITSTATUS(status);
  }
  return outcome;
}

}  // namespace burrow::host
