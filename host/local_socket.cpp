#include "host/local_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace burrow::host {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 64;
constexpr size_t kLongestAnswer = size_t{64} << 20U;

// A socket address that stands for a path, also for one that is longer than the kernel's 108 bytes:
// then through the open directory.
struct LocalAddress {
  Fd directory;
  sockaddr_un name{.sun_family = AF_UNIX};

  [[nodiscard]] const sockaddr* any() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<LocalAddress> address_of(const fs::path& path) {
  LocalAddress address;
  auto text = path.native();
  if (text.size() >= sizeof address.name.sun_path) {
    address.directory = Fd{::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!address.directory.is_open()) {
      return system_failure(errno, fmt::format("open \"{}\"", path.parent_path().native()));
    }
    text = fmt::format("/proc/self/fd/{}/{}", address.directory.get(), path.filename().native());
  }
  if (text.size() >= sizeof address.name.sun_path) {
    return fail(Errc::invalid_input, "name too long for a socket: \"{}\"", path.native());
  }
  std::memcpy(address.name.sun_path, text.data(), text.size());
  return address;
}

Result<Fd> make_socket() {
  Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd.is_open()) return system_failure(errno, "local socket");
  return fd;
}

using Clock = std::chrono::steady_clock;

// Waits until `fd` is ready for `events`. Errors: timeout, system.
Result<void> wait_for(const Fd& fd, short events, Clock::time_point deadline) {
  for (;;) {
    int patience = -1;
    if (deadline != Clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return fail(Errc::timeout, "no answer in time");
      patience = static_cast<int>(left.count());
    }
    pollfd waiting{.fd = fd.get(), .events = events, .revents = 0};
    const int count = ::poll(&waiting, 1, patience);
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return system_failure(errno, "wait");
  }
}

// What a wait without an end ends at.
constexpr auto kNever = Clock::time_point::max();

Result<void> send_all(const Fd& socket, std::string_view request, Clock::time_point deadline) {
  while (!request.empty()) {
    const auto sent = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      request.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      TRY_VOID(wait_for(socket, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return system_failure(errno, "send");
    }
  }
  return {};
}

// Adds what comes to `answer`. False when the other end has closed.
Result<bool> receive(const Fd& socket, std::string& answer, Clock::time_point deadline) {
  for (;;) {
    const size_t before = answer.size();
    answer.resize(before + 65536);
    const auto count = ::recv(socket.get(), &answer[before], answer.size() - before, 0);
    const int code = errno;
    answer.resize(before + (count > 0 ? static_cast<size_t>(count) : 0));
    if (answer.size() > kLongestAnswer) {
      return fail(Errc::invalid_input, "an answer of more than {} bytes", kLongestAnswer);
    }
    if (count >= 0) return count > 0;
    if (code == EAGAIN) {
      TRY_VOID(wait_for(socket, POLLIN, deadline));
    } else if (code != EINTR) {
      return system_failure(code, "receive");
    }
  }
}

Result<std::string> exchange(const Fd& socket, std::string_view request,
                             Clock::time_point deadline) {
  TRY_VOID(send_all(socket, request, deadline));
  std::string answer;
  while (TRY(receive(socket, answer, deadline))) {
  }
  return answer;
}

}  // namespace

Result<Fd> listen_local(const fs::path& path) {
  const auto failure = [&](int code) {
    return system_failure(code, fmt::format("listen at \"{}\"", path.native()));
  };
  auto fd = TRY(make_socket());
  // Made aside and renamed: a connection finds a listener or the old file, never a half of it.
  const auto scratch = fs::path{path}.concat(".new");
  const auto address = TRY(address_of(scratch));
  ::unlink(scratch.c_str());
  if (::bind(fd.get(), address.any(), sizeof address.name) != 0) return failure(errno);
  if (::chmod(scratch.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::rename(scratch.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(scratch.c_str());
    return failure(code);
  }
  return fd;
}

bool is_trusted_peer(const Fd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

Result<Fd> connect_local(const fs::path& path) {
  auto fd = TRY(make_socket());
  const auto address = TRY(address_of(path));
  if (::connect(fd.get(), address.any(), sizeof address.name) != 0) {
    return system_failure(errno, fmt::format("connect to \"{}\"", path.native()));
  }
  return fd;
}

Result<std::string> ask_local(const fs::path& path, std::string_view request,
                              std::chrono::milliseconds deadline) {
  const auto socket = TRY(connect_local(path));
  auto answer = exchange(socket, request, Clock::now() + deadline);
  if (!answer) {
    return with_context(std::move(answer).error(), fmt::format("\"{}\"", path.native()));
  }
  return answer;
}

Result<void> follow_local(const fs::path& path, std::string_view request,
                          const std::function<void(std::string_view)>& on_line) {
  const auto socket = TRY(connect_local(path));
  TRY_VOID(send_all(socket, request, kNever));
  std::string text;
  bool is_open = true;
  while (is_open) {
    is_open = TRY(receive(socket, text, kNever));
    size_t begin = 0;
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
      on_line(std::string_view{text}.substr(begin, end - begin));
      begin = end + 1;
    }
    text.erase(0, begin);
  }
  return {};
}

}  // namespace burrow::host
