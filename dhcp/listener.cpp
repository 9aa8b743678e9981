#include "dhcp/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/log.h"
#include "host/file.h"

namespace burrow::dhcp {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstInherited = 3;  // sd_listen_fds(3)
constexpr int kBacklog = 128;

// A number in the environment; nothing when it is not set. Anything else than a number counts as
// -1.
std::optional<long> number(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (text == nullptr) return std::nullopt;
  long value = -1;
  const auto* end = text + std::strlen(text);
  if (std::from_chars(text, end, value).ptr != end) return -1;
  return value;
}

Result<std::optional<host::Fd>> inherited() {
  const auto count = number("LISTEN_FDS");
  const auto process = number("LISTEN_PID");
  // For another process, from which we have only inherited the words.
  if (!count || (process && *process != ::getpid())) return std::nullopt;
  if (*count != 1) return fail(Errc::invalid_input, "LISTEN_FDS must be 1: one socket");
  int is_listening = 0;
  int domain = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(kFirstInherited, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0 ||
      ::getsockopt(kFirstInherited, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
      is_listening == 0 || domain != AF_UNIX) {
    return fail(Errc::invalid_input, "LISTEN_FDS: descriptor 3 is no listening unix socket");
  }
  ::fcntl(kFirstInherited, F_SETFD, FD_CLOEXEC);
  ::fcntl(kFirstInherited, F_SETFL, O_NONBLOCK);
  return host::Fd{kFirstInherited};
}

bool is_answering(const sockaddr_un& address) {
  const host::Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

}  // namespace

Result<Listener> Listener::open(const fs::path& path) {
  if (auto passed = TRY(inherited())) return Listener{*std::move(passed), {}};
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(Errc::invalid_input, "socket path \"{}\" is too long", path.native());
  }
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  TRY_VOID(host::make_directories(path.parent_path()));
  if (is_answering(address)) {
    return fail(Errc::already_exists, "somebody answers on \"{}\" already", path.native());
  }
  TRY_VOID(host::remove_file(path));
  host::Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd.is_open()) return system_failure(errno, "open unix socket");
  const auto mask = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int problem = errno;
  ::umask(mask);
  if (bound != 0) return system_failure(problem, fmt::format("socket \"{}\"", path.native()));
  if (::listen(fd.get(), kBacklog) != 0) return system_failure(errno, "listen");
  return Listener{std::move(fd), path};
}

Listener::~Listener() {
  if (fd_.is_open() && !made_.empty()) ::unlink(made_.c_str());
}

host::Fd Listener::accept() const {
  while (true) {
    host::Fd fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd.is_open()) return {};
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool is_known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (is_known && (peer.uid == 0 || peer.uid == ::geteuid())) return fd;
    log::warn("dhcp", "user {} is turned away", is_known ? peer.uid : 0);
  }
}

}  // namespace burrow::dhcp
