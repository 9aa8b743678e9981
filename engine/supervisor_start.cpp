// The side of the command that starts a supervisor.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "engine/programs.h"
#include "engine/supervisor.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

// Puts each of `sources` at `first`, `first` + 1, ..., free of close-on-exec.
bool place_descriptors(const std::array<int, 8>& sources) {
  std::array<int, 8> safe{};
  // First out of the way, so that none is overwritten before its turn.
  for (size_t i = 0; i < sources.size(); ++i) {
    safe.at(i) = ::fcntl(sources.at(i), F_DUPFD_CLOEXEC, 20);
    if (safe.at(i) < 0) return false;
  }
  for (size_t i = 0; i < safe.size(); ++i) {
    if (::dup2(safe.at(i), static_cast<int>(i)) < 0) return false;
  }
  return true;
}

}  // namespace

Result<host::Fd> start_supervisor(const Directories& directories, const ContainerId& id,
                                  const ContainerLock& supervision, const Stdio& stdio) {
  const auto program = TRY(own_program());
  TRY_VOID(host::make_directories(directories.container_state(id)));
  const auto log = directories.container_state(id) / "supervisor.log";
  const host::Fd log_fd{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (!log_fd.is_open()) return system_failure(errno, fmt::format("open \"{}\"", log.native()));
  const host::Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null.is_open()) return system_failure(errno, "open \"/dev/null\"");
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return system_failure(errno, "pipe");
  host::Fd read_end{pipe[0]};
  const host::Fd write_end{pipe[1]};

  const std::array<const char*, 7> arguments{program.c_str(),
                                             "supervise",
                                             directories.definitions.c_str(),
                                             directories.run.c_str(),
                                             directories.state.c_str(),
                                             id.str().c_str(),
                                             nullptr};
  static_assert(SupervisorFds::report == 3 && SupervisorFds::first_stdio == 5);
  const std::array<int, 8> descriptors{
      null.get(), log_fd.get(), log_fd.get(), write_end.get(), supervision.fd().get(),
      stdio[0],   stdio[1],     stdio[2]};
  const pid_t child = ::fork();
  if (child < 0) return system_failure(errno, "fork");
  if (child == 0) {
    // A session of its own: the terminal's signals are for the command, which passes them on.
    ::setsid();
    if (place_descriptors(descriptors)) {
      ::execv(program.c_str(), const_cast<char* const*>(arguments.data()));
    }
    ::_exit(127);
  }
  return read_end;
}

}  // namespace burrow::engine
