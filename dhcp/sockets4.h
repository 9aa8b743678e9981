// The sockets of one DHCPv4 client on one link. They work before the link has an address, and below
// a container's firewall.
#pragma once

#include <functional>
#include <optional>

#include "dhcp/bytes.h"
#include "dhcp/footing.h"
#include "dhcp/frame.h"
#include "host/fd.h"

namespace burrow::dhcp {

class Sockets4 {
 public:
  /// Opens them in the footing's namespace, on its link.
  static Result<Sockets4> open(Footing& footing);

  /// Readable when DHCP messages are there, and when ARP packets are.
  [[nodiscard]] int packets() const { return packets_.get(); }
  [[nodiscard]] int arp() const { return arp_.get(); }

  /// Calls back with UDP payloads to port 68, at most 64 a call, and where their frames came from.
  void receive(const std::function<void(Bytes, const MacAddress&)>& on_payload) const;
  /// The same for what ARP packets claim.
  void receive_claims(const std::function<void(const Claim&)>& on_claim) const;

  [[nodiscard]] Result<void> broadcast(Bytes payload, const IpAddress& source) const;
  /// In a frame to `hop`: leaves at once, without ARP.
  [[nodiscard]] Result<void> send_to(const MacAddress& hop, Bytes payload, const IpAddress& source,
                                     const IpAddress& server) const;
  /// By the kernel's routes, from port 68 of `source`. Answers come as packets().
  Result<void> send_routed(Footing& footing, Bytes payload, const IpAddress& source,
                           const IpAddress& server);
  [[nodiscard]] Result<void> probe(const MacAddress& own, const IpAddress& target) const;

 private:
  Sockets4(host::Fd packets, host::Fd arp, uint32_t link)
      : packets_(std::move(packets)), arp_(std::move(arp)), link_(link) {}
  [[nodiscard]] Result<void> send(int socket, uint16_t protocol, const MacAddress& hop,
                                  Bytes packet) const;
  host::Fd packets_;
  host::Fd arp_;
  host::Fd routed_;  // its being open keeps the kernel from calling port 68 unreachable
  uint32_t link_;
};

}  // namespace burrow::dhcp
