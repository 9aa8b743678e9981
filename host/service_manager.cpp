#include "host/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/fd.h"

namespace burrow::host {

Result<void> tell_service_manager(std::string_view state) {
  const char* variable = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
  if (variable == nullptr) return {};
  const std::string_view path{variable};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path ||
      (path.front() != '/' && path.front() != '@')) {
    return fail(Errc::invalid_input, "not a socket's path in NOTIFY_SOCKET: \"{}\"",
                path.substr(0, 128));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  // An abstract socket, whose name begins with a zero byte.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_failure(errno, "open a socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    return system_failure(errno, fmt::format("tell the service manager at \"{}\"", path));
  }
  return {};
}

}  // namespace burrow::host
