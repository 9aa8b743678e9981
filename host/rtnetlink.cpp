#include "host/rtnetlink.h"

#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace burrow::host {
namespace {

constexpr size_t kReceiveSize = 64 * 1024;

}  // namespace

void RouteSocket::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<RouteSocket> RouteSocket::open() {
  RouteSocket result{std::unique_ptr<nl_sock, Close>{nl_socket_alloc()}};
  auto* socket = result.socket_.get();
  if (socket == nullptr) return fail(Errc::system, "open rtnetlink socket: out of memory");
  if (const int failed = nl_connect(socket, NETLINK_ROUTE); failed < 0) {
    return fail(Errc::system, "open rtnetlink socket: {}", nl_geterror(failed));
  }
  // Older kernels lack some of these: then errors are shorter and dumps longer.
  const int on = 1;
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    ::setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, option, &on, sizeof on);
  }
  // One receive for an answer and not two: the kernel never fills more than this at once.
  nl_socket_disable_msg_peek(socket);
  nl_socket_set_msg_buf_size(socket, kReceiveSize);
  return result;
}

}  // namespace burrow::host
