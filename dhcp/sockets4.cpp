#include "dhcp/sockets4.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace burrow::dhcp {
namespace {

constexpr MacAddress kEverybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr int kMostAtOnce = 64;
// Larger messages are none of ours: what we say we take in is an Ethernet frame's worth.
constexpr size_t kLargestPacket = 2048;

uint16_t network_order(uint16_t value) { return htons(value); }

// Accepts whole UDP packets to port 68 and cuts nothing off.
constexpr std::array<sock_filter, 9> kDhcpOnly{{
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 6),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kClientPort4, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0x40000),
    BPF_STMT(BPF_RET | BPF_K, 0),
}};

sockaddr_ll link_address(uint32_t link, uint16_t protocol) {
  return {.sll_family = AF_PACKET,
          .sll_protocol = network_order(protocol),
          .sll_ifindex = static_cast<int>(link)};
}

// Bound only when the filter is in place, so that nothing else ever gets in.
Result<host::Fd> open_packets(uint32_t link, uint16_t protocol) {
  host::Fd fd{::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return system_failure(errno, "open packet socket");
  if (protocol == ETH_P_IP) {
    const sock_fprog program{.len = kDhcpOnly.size(),
                             .filter = const_cast<sock_filter*>(kDhcpOnly.data())};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
      return system_failure(errno, "filter packet socket");
    }
    const int on = 1;
    ::setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
  }
  const auto address = link_address(link, protocol);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(errno, "bind packet socket");
  }
  return fd;
}

struct Packet {
  Bytes bytes;
  MacAddress from;
  bool is_for_us = false;
  UdpChecksum checksum = UdpChecksum::whole;
};

// The next packet, in `buffer`; nothing when there is none.
std::optional<Packet> receive_one(int fd, std::array<uint8_t, kLargestPacket>& buffer) {
  sockaddr_ll from{};
  iovec place{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> control{};
  msghdr message{.msg_name = &from,
                 .msg_namelen = sizeof from,
                 .msg_iov = &place,
                 .msg_iovlen = 1,
                 .msg_control = control.data(),
                 .msg_controllen = control.size()};
  const auto size = ::recvmsg(fd, &message, 0);
  if (size < 0) return std::nullopt;
  Packet packet{.bytes = Bytes{buffer}.first(static_cast<size_t>(size)),
                .is_for_us = (message.msg_flags & MSG_TRUNC) == 0 &&
                             from.sll_pkttype != PACKET_OTHERHOST &&
                             from.sll_pkttype != PACKET_OUTGOING};
  std::array<uint8_t, 6> mac{};
  std::copy_n(from.sll_addr, mac.size(), mac.begin());
  packet.from = MacAddress{mac};
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_PACKET || header->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata auxiliary{};
    std::memcpy(&auxiliary, CMSG_DATA(header), sizeof auxiliary);
    if ((auxiliary.tp_status & TP_STATUS_CSUMNOTREADY) != 0) {
      packet.checksum = UdpChecksum::unfinished;
    }
  }
  return packet;
}

sockaddr_in socket_address(const IpAddress& address, uint16_t port) {
  sockaddr_in result{.sin_family = AF_INET, .sin_port = network_order(port)};
  std::memcpy(&result.sin_addr, address.bytes().data(), sizeof result.sin_addr);
  return result;
}

Result<host::Fd> open_routed(const std::string& link, const IpAddress& source) {
  host::Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return system_failure(errno, "open UDP socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, link.c_str(),
                   static_cast<socklen_t>(link.size())) != 0) {
    return system_failure(errno, fmt::format("bind UDP socket to \"{}\"", link));
  }
  const auto address = socket_address(source, kClientPort4);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(errno, fmt::format("bind UDP socket to {}", source.to_string()));
  }
  return fd;
}

}  // namespace

Result<Sockets4> Sockets4::open(Footing& footing) {
  const auto link = footing.link.index;
  auto packets = TRY(footing.thread.run([&] { return open_packets(link, ETH_P_IP); }));
  auto arp = TRY(footing.thread.run([&] { return open_packets(link, ETH_P_ARP); }));
  return Sockets4{std::move(packets), std::move(arp), link};
}

void Sockets4::receive(const std::function<void(Bytes, const MacAddress&)>& on_payload) const {
  std::array<uint8_t, kLargestPacket> buffer;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto packet = receive_one(packets_.get(), buffer);
    if (!packet) return;
    if (!packet->is_for_us) continue;
    if (const auto payload = decode_packet(packet->bytes, packet->checksum)) {
      on_payload(*payload, packet->from);
    }
  }
}

void Sockets4::receive_claims(const std::function<void(const Claim&)>& on_claim) const {
  std::array<uint8_t, kLargestPacket> buffer;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto packet = receive_one(arp_.get(), buffer);
    if (!packet) return;
    if (!packet->is_for_us) continue;
    if (const auto claim = decode_claim(packet->bytes)) on_claim(*claim);
  }
}

Result<void> Sockets4::send(int socket, uint16_t protocol, const MacAddress& hop,
                            Bytes packet) const {
  auto address = link_address(link_, protocol);
  address.sll_halen = 6;
  std::ranges::copy(hop.bytes(), address.sll_addr);
  if (::sendto(socket, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&address),
               sizeof address) < 0) {
    return system_failure(errno, "send packet");
  }
  return {};
}

Result<void> Sockets4::broadcast(Bytes payload, const IpAddress& source) const {
  return send(packets_.get(), ETH_P_IP, kEverybody,
              encode_packet(payload, source, IpAddress::v4(0xffffffffU)));
}

Result<void> Sockets4::send_to(const MacAddress& hop, Bytes payload, const IpAddress& source,
                               const IpAddress& server) const {
  return send(packets_.get(), ETH_P_IP, hop, encode_packet(payload, source, server));
}

Result<void> Sockets4::send_routed(Footing& footing, Bytes payload, const IpAddress& source,
                                   const IpAddress& server) {
  routed_.reset();
  routed_ = TRY(footing.thread.run([&] { return open_routed(footing.link.name, source); }));
  const auto address = socket_address(server, kServerPort4);
  if (::sendto(routed_.get(), payload.data(), payload.size(), 0,
               reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return system_failure(errno, fmt::format("send to {}", server.to_string()));
  }
  return {};
}

Result<void> Sockets4::probe(const MacAddress& own, const IpAddress& target) const {
  return send(arp_.get(), ETH_P_ARP, kEverybody, encode_probe(own, target));
}

}  // namespace burrow::dhcp
