#include "dhcp/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/log.h"
#include "host/file.h"
#include "host/local_socket.h"

namespace burrow::dhcp {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstInherited = 3;  // sd_listen_fds(3)

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

}  // namespace

Result<Listener> Listener::open(const fs::path& path) {
  if (auto passed = TRY(inherited())) return Listener{*std::move(passed), {}};
  if (host::connect_local(path)) {
    return fail(Errc::already_exists, "somebody answers on \"{}\" already", path.native());
  }
  TRY_VOID(host::make_directories(path.parent_path()));
  return Listener{TRY(host::listen_local(path)), path};
}

Listener::~Listener() {
  if (fd_.is_open() && !made_.empty()) ::unlink(made_.c_str());
}

host::Fd Listener::accept() const {
  while (true) {
    host::Fd fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd.is_open()) return {};
    if (host::is_trusted_peer(fd)) return fd;
    log::warn("dhcp", "a caller of another user is turned away");
  }
}

}  // namespace burrow::dhcp
