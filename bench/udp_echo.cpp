// The floor of a DNS server: answers every datagram with itself, marked as a response. Also an
// upstream for caches: answers every question with one A record that holds for an hour.
//
//   bench-udp-echo ADDRESS PORT [answer]      until it is killed
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
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

// Makes the query in `message` a response with an A record; returns its size. Other records are
// left out. A message without room for it stays as it is.
size_t answer(std::array<uint8_t, kLargest>& message, size_t size) {
  constexpr size_t kHeader = 12;
  constexpr std::array<uint8_t, 16> kRecord{0xc0, kHeader, 0, 1, 0,   1, 0, 0,
                                            14,   16,      0, 4, 192, 0, 2, 1};
  size_t end = kHeader;
  while (end < size && message[end] != 0) end += 1 + size_t{message[end]};
  end += 5;
  if (end > size || end + kRecord.size() > kLargest) return size;
  std::copy(kRecord.begin(), kRecord.end(), message.begin() + static_cast<std::ptrdiff_t>(end));
  std::fill(message.begin() + 6, message.begin() + kHeader, uint8_t{0});
  message[3] = 0x80;  // RA, no error
  message[7] = 1;
  return end + kRecord.size();
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
  const bool is_answering = argc == 4 && std::strcmp(argv[3], "answer") == 0;
  if (argc != 3 && !is_answering) {
    std::fprintf(stderr, "usage: bench-udp-echo ADDRESS PORT [answer]\n");
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
      if (is_answering) buffers[i].iov_len = answer(datagrams[i], messages[i].msg_len);
    }
    if (::sendmmsg(fd, messages.data(), static_cast<unsigned>(received), 0) < 0) die("sendmmsg");
  }
}
