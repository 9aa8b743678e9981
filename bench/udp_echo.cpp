// The floor of a DNS server: answers every datagram with itself, marked as a response.
//
//   bench-udp-echo ADDRESS PORT      until it is killed
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kBatch = 64;
constexpr size_t kLargest = 512;
constexpr uint8_t kResponseBit = 0x80;  // QR, RFC 1035 section 4.1.1

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "bench-udp-echo: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

int listen_at(const char* address, const char* port) {
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(static_cast<uint16_t>(std::strtoul(port, nullptr, 10)));
  if (::inet_pton(AF_INET, address, &local.sin_addr) != 1) {
    errno = EINVAL;
    die(address);
  }
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) die("bind");
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-udp-echo ADDRESS PORT\n");
    return 2;
  }
  const int fd = listen_at(argv[1], argv[2]);

  static std::array<std::array<uint8_t, kLargest>, kBatch> datagrams;
  static std::array<sockaddr_storage, kBatch> peers;
  static std::array<iovec, kBatch> buffers;
  static std::array<mmsghdr, kBatch> messages;
  while (true) {
    for (size_t i = 0; i < kBatch; ++i) {
      buffers[i] = {.iov_base = datagrams[i].data(), .iov_len = kLargest};
      messages[i] = {.msg_hdr = {.msg_name = &peers[i],
                                 .msg_namelen = sizeof peers[i],
                                 .msg_iov = &buffers[i],
                                 .msg_iovlen = 1}};
    }
    const int received = ::recvmmsg(fd, messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (received < 0) die("recvmmsg");
    for (size_t i = 0; i < static_cast<size_t>(received); ++i) {
      buffers[i].iov_len = messages[i].msg_len;
      if (messages[i].msg_len > 2) datagrams[i][2] |= kResponseBit;
    }
    if (::sendmmsg(fd, messages.data(), static_cast<unsigned>(received), 0) < 0) die("sendmmsg");
  }
}
