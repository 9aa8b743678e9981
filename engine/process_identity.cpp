#include "engine/process_identity.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "engine/text_lines.h"
#include "host/file.h"

namespace burrow::engine {

Result<ProcessIdentity> identify(int pid) {
  auto text = host::read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return fail(Errc::not_found, "no process {}", pid);
  // The program's name may hold anything; the fields count from its closing bracket.
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) return fail(Errc::corrupt, "/proc/{}/stat", pid);
  const auto fields = words_of(std::string_view{*text}.substr(name_end + 1));
  constexpr size_t kState = 0;
  constexpr size_t kStartTicks = 19;
  if (fields.size() <= kStartTicks) return fail(Errc::corrupt, "/proc/{}/stat", pid);
  if (fields[kState] == "Z" || fields[kState] == "X") {
    return fail(Errc::not_found, "process {} has ended", pid);
  }
  ProcessIdentity process{.pid = pid};
  const auto ticks = fields[kStartTicks];
  std::from_chars(ticks.data(), ticks.data() + ticks.size(), process.start_ticks);
  return process;
}

bool is_alive(const ProcessIdentity& process) {
  const auto now = identify(process.pid);
  return now && *now == process;
}

Result<std::optional<ProcessHandle>> ProcessHandle::open(const ProcessIdentity& process) {
  host::Fd fd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
  if (!fd.is_open()) {
    if (errno == ESRCH) return std::nullopt;
    return system_failure(errno, fmt::format("open process {}", process.pid));
  }
  // Looked at after opening: from here on the descriptor cannot change its process.
  if (!is_alive(process)) return std::nullopt;
  return ProcessHandle{std::move(fd)};
}

Result<void> ProcessHandle::send(int signal) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    return system_failure(errno, fmt::format("send signal {}", signal));
  }
  return {};
}

Result<bool> ProcessHandle::wait(std::optional<std::chrono::milliseconds> limit) const {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit.value_or(std::chrono::milliseconds{0});
  pollfd polled{fd_.get(), POLLIN, 0};
  for (;;) {
    int timeout = -1;
    if (limit) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      timeout = static_cast<int>(std::max<int64_t>(left, 0));
    }
    const int ready = ::poll(&polled, 1, timeout);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return system_failure(errno, "wait for a process");
  }
}

}  // namespace burrow::engine
