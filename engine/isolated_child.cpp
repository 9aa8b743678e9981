#include "engine/isolated_child.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "host/fd.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr auto kCgroups = "/sys/fs/cgroup";

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
}

// An error crosses to the parent as its code, a blank and its message.
[[noreturn]] void report(int fd, const Error& error) {
  const auto text = fmt::format("{} {}", static_cast<int>(error.code), error.message);
  (void)!::write(fd, text.data(), text.size());
  ::_exit(1);
}

Error read_report(std::string_view text) {
  int code = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), code);
  const auto message = text.substr(static_cast<size_t>(end - text.data()));
  const bool is_known = bad == std::errc{} && code >= 0 && code <= static_cast<int>(Errc::system);
  return {is_known ? static_cast<Errc>(code) : Errc::system,
          std::string{message.substr(std::min<size_t>(1, message.size()))}};
}

Result<void> connect_stdio(const std::array<int, 3>& stdio) {
  // First out of the way, so that none is overwritten before its turn.
  std::array<int, 3> safe{};
  for (size_t i = 0; i < stdio.size(); ++i) {
    safe.at(i) = ::fcntl(stdio.at(i), F_DUPFD_CLOEXEC, 10);
    if (safe.at(i) < 0) return system_failure(errno, "copy standard descriptors");
  }
  for (size_t i = 0; i < safe.size(); ++i) {
    if (::dup2(safe.at(i), static_cast<int>(i)) < 0) {
      return system_failure(errno, "connect standard descriptors");
    }
  }
  return {};
}

Result<std::vector<std::string>> prepare_child(
    const std::function<Result<std::vector<std::string>>()>& prepare,
    const std::array<int, 3>& stdio) {
  TRY_VOID(enter_private_mounts());
  auto arguments = TRY(prepare());
  TRY_VOID(connect_stdio(stdio));
  return arguments;
}

[[noreturn]] void become(const std::vector<std::string>& arguments, int report_fd) {
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  report(report_fd, system_failure(errno, fmt::format("run \"{}\"", arguments.front())).value());
}

}  // namespace

Result<void> enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return system_failure(errno, "make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return system_failure(errno, "make mounts private");
  }
  struct statfs status {};
  const bool is_unified =
      ::statfs(kCgroups, &status) == 0 &&
      status.f_type == static_cast<decltype(status.f_type)>(CGROUP2_SUPER_MAGIC);
  // A host without it says more by what the runtime makes of it.
  if (!is_unified) (void)::mount("cgroup2", kCgroups, "cgroup2", 0, nullptr);
  return {};
}

Result<ChildOutcome> run_isolated(const std::function<Result<std::vector<std::string>>()>& prepare,
                                  const std::array<int, 3>& stdio) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return system_failure(errno, "pipe");
  const host::Fd read_end{pipe[0]};
  host::Fd write_end{pipe[1]};
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return system_failure(errno, "fork");
  if (child == 0) {
    // Without us it must not go on: whoever cleans up after us would not know of what it makes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    reset_signals();
    auto arguments = prepare_child(prepare, stdio);
    if (!arguments) report(write_end.get(), arguments.error());
    become(*arguments, write_end.get());
  }
  write_end.reset();
  const auto text = host::read_all(read_end.get(), 65536);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_failure(errno, "wait");
  }
  if (!text) return Failure{text.error()};
  if (!text->empty()) return Failure{read_report(*text)};
  return ChildOutcome{.exit_code =
                          WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
}

}  // namespace burrow::engine
