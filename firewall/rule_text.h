// A rule while it is written down: grows expression by expression, each match reading like nft's
// own text. For this folder alone; which rules there are is ruleset.h's matter.
#pragma once

#include <arpa/inet.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "firewall/ruleset.h"

namespace burrow::firewall {

/// One rule on its way.
class RuleText {
 public:
  explicit RuleText(std::string_view chain) { rule_.chain = chain; }

  RuleText&& in(SetName set) && { return std::move(*this).link(NFT_META_IIFNAME, set); }
  RuleText&& out(SetName set) && { return std::move(*this).link(NFT_META_OIFNAME, set); }
  // Packets of a bridge in a VRF come in by the VRF's link when they are forwarded: the bridge is
  // the link that was its slave (linux/netfilter/nf_tables.h, NFT_META_SDIFNAME; Linux 5.6).
  RuleText&& in_vrf(SetName set) && { return std::move(*this).link(NFT_META_SDIFNAME, set); }
  RuleText&& in_and_out(SetName set, uint32_t in = NFT_META_IIFNAME) && {
    add(expression::Meta{in, kFirst});
    add(expression::Meta{NFT_META_OIFNAME, Register{4}});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  RuleText&& out_of_loopback() && {
    constexpr uint32_t kLoopbackIndex = 1;  // LOOPBACK_IFINDEX, in every network namespace
    add(expression::Meta{NFT_META_OIF, kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, in_host_order(kLoopbackIndex)});
    return std::move(*this);
  }
  RuleText&& family(Family family) && {
    add(expression::Meta{NFT_META_NFPROTO, kFirst});
    const uint8_t protocol = family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    add(expression::Compare{kFirst, expression::Comparison::equal, {protocol}});
    return std::move(*this);
  }
  RuleText&& to_this_host() && {
    add(expression::DestinationType{kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, in_host_order(RTN_LOCAL)});
    return std::move(*this);
  }
  // To an address that the host has on the link that the packet came in by.
  RuleText&& to_incoming_link() && {
    add(expression::DestinationType{kFirst, expression::DestinationType::On::incoming_link});
    add(expression::Compare{kFirst, expression::Comparison::equal, in_host_order(RTN_LOCAL)});
    return std::move(*this);
  }
  RuleText&& to_port(uint16_t port) && {
    add(expression::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, kFirst});
    add(expression::Compare{kFirst,
                            expression::Comparison::equal,
                            {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port & 0xff)}});
    return std::move(*this);
  }
  RuleText&& any_of(uint32_t key, uint32_t bits) && {
    add(expression::Conntrack{key, kFirst});
    add(expression::Mask{kFirst, in_host_order(bits)});
    add(expression::Compare{kFirst, expression::Comparison::different, in_host_order(0)});
    return std::move(*this);
  }
  RuleText&& none_of(uint32_t key, uint32_t bits) && {
    add(expression::Conntrack{key, kFirst});
    add(expression::Mask{kFirst, in_host_order(bits)});
    add(expression::Compare{kFirst, expression::Comparison::equal, in_host_order(0)});
    return std::move(*this);
  }
  // The first bytes of an address; the family must have been asked for.
  RuleText&& source_is(Family family, std::vector<uint8_t> prefix) && {
    add(expression::Payload{NFT_PAYLOAD_NETWORK_HEADER, source_offset(family),
                            static_cast<uint32_t>(prefix.size()), kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, std::move(prefix)});
    return std::move(*this);
  }
  RuleText&& destination_is(Family family, std::vector<uint8_t> prefix) && {
    add(expression::Payload{NFT_PAYLOAD_NETWORK_HEADER, destination_offset(family),
                            static_cast<uint32_t>(prefix.size()), kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, std::move(prefix)});
    return std::move(*this);
  }
  RuleText&& destination_is_multicast(Family family) && {
    if (family == Family::ipv4) {
      add(expression::Payload{NFT_PAYLOAD_NETWORK_HEADER, destination_offset(family), 4, kFirst});
      add(expression::Mask{kFirst, {0xf0, 0, 0, 0}});
      add(expression::Compare{kFirst, expression::Comparison::equal, {0xe0, 0, 0, 0}});
    } else {
      return std::move(*this).destination_is(family, {0xff});
    }
    return std::move(*this);
  }
  RuleText&& source_in(Family family, SetName set) && {
    source(family, kFirst);
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  RuleText&& destination_in(Family family, SetName set) && {
    destination(family, kFirst);
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  RuleText&& source_and_destination_in(Family family, SetName set) && {
    source(family, kFirst);
    destination(family, Register{slots(family)});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  RuleText&& destination_and_source_in(Family family, SetName set) && {
    destination(family, kFirst);
    source(family, Register{slots(family)});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  // The link that the packet came in by, as `key` has it, and where it goes.
  RuleText&& link_and_destination_in(uint32_t key, Family family, SetName set) && {
    add(expression::Meta{key, kFirst});
    destination(family, Register{kLinkSlots});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  RuleText&& out_and_source_in(Family family, SetName set) && {
    add(expression::Meta{NFT_META_OIFNAME, kFirst});
    source(family, Register{kLinkSlots});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  // ICMPv6 of one type.
  RuleText&& icmp6(uint8_t type) && {
    add(expression::Meta{NFT_META_L4PROTO, kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, {IPPROTO_ICMPV6}});
    add(expression::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, {type}});
    return std::move(*this);
  }
  RuleText&& destination_not_in(Family family, SetName set) && {
    destination(family, kFirst);
    add(expression::Lookup{set, kFirst, {}, expression::Membership::outside});
    return std::move(*this);
  }
  RuleText&& tcp() && {
    add(expression::Meta{NFT_META_L4PROTO, kFirst});
    add(expression::Compare{kFirst, expression::Comparison::equal, {IPPROTO_TCP}});
    return std::move(*this);
  }
  // destination . protocol . port
  RuleText&& destination_port_in(Family family, SetName set) && {
    destination(family, kFirst);
    protocol_and_port(slots(family));
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  // incoming link . source . destination . protocol . port
  RuleText&& visit_not_in(Family family, SetName set) && {
    visit(family);
    add(expression::Lookup{set, kFirst, {}, expression::Membership::outside});
    return std::move(*this);
  }
  RuleText&& remember_visit(Family family, SetName set) && {
    visit(family);
    add(expression::Remember{set, kFirst});
    return std::move(*this);
  }
  Rule source_from(Family family, SetName map) && {
    source(family, kFirst);
    add(expression::Lookup{map, kFirst, kFirst});
    add(expression::Nat{NFT_NAT_SNAT, family, kFirst, {}});
    return std::move(rule_);
  }
  // Translates by a map whose key begins with the destination address, or does not.
  Rule destination_from(Family family, SetName map) && {
    uint32_t slot = 0;
    if (shape_of(map).key.size() == 3) {
      destination(family, kFirst);
      slot = slots(family);
    }
    protocol_and_port(slot);
    add(expression::Lookup{map, kFirst, kFirst});
    std::optional<Register> port;
    if (shape_of(map).value.size() == 2) port = Register{slots(family)};
    add(expression::Nat{NFT_NAT_DNAT, family, kFirst, port});
    return std::move(rule_);
  }
  Rule masquerade() && { return std::move(*this).end(expression::Masquerade{}); }
  Rule reset() && { return std::move(*this).end(expression::Reject{NFT_REJECT_TCP_RST, 0}); }
  Rule reject6() && {
    return std::move(*this).end(expression::Reject{NFT_REJECT_ICMP_UNREACH, ICMPV6_PORT_UNREACH});
  }
  // Tells the sender, in either family, that somebody forbids it.
  Rule refuse() && {
    return std::move(*this).end(
        expression::Reject{NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED});
  }
  Rule go_back() && {
    return std::move(*this).end(expression::Verdict{expression::Action::go_back});
  }
  Rule accept() && { return std::move(*this).end(expression::Verdict{expression::Action::accept}); }
  Rule drop() && { return std::move(*this).end(expression::Verdict{expression::Action::drop}); }
  Rule jump(std::string_view chain) && { return std::move(*this).end(expression::Jump{chain}); }
  Rule go_to(std::string_view chain) && { return std::move(*this).end(expression::GoTo{chain}); }

 private:
  static constexpr Register kFirst{0};
  static constexpr uint32_t kLinkSlots = 4;

  // Registers are in host byte order where the kernel holds a number.
  static std::vector<uint8_t> in_host_order(uint32_t value) {
    const auto bytes = std::bit_cast<std::array<uint8_t, 4>>(value);
    return {bytes.begin(), bytes.end()};
  }
  static uint32_t slots(Family family) { return family == Family::ipv4 ? 1 : 4; }
  static uint32_t source_offset(Family family) { return family == Family::ipv4 ? 12 : 8; }
  static uint32_t destination_offset(Family family) { return family == Family::ipv4 ? 16 : 24; }
  void add(Expression expression) { rule_.expressions.push_back(std::move(expression)); }
  RuleText&& link(uint32_t key, SetName set) && {
    add(expression::Meta{key, kFirst});
    add(expression::Lookup{set, kFirst, {}});
    return std::move(*this);
  }
  void protocol_and_port(uint32_t slot) {
    add(expression::Meta{NFT_META_L4PROTO, Register{slot}});
    add(expression::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, Register{slot + 1}});
  }
  void visit(Family family) {
    add(expression::Meta{NFT_META_IIFNAME, kFirst});
    source(family, Register{kLinkSlots});
    destination(family, Register{kLinkSlots + slots(family)});
    protocol_and_port(kLinkSlots + 2 * slots(family));
  }
  void source(Family family, Register to) {
    add(expression::Payload{NFT_PAYLOAD_NETWORK_HEADER, source_offset(family), slots(family) * 4,
                            to});
  }
  void destination(Family family, Register to) {
    add(expression::Payload{NFT_PAYLOAD_NETWORK_HEADER, destination_offset(family),
                            slots(family) * 4, to});
  }
  Rule end(Expression expression) && {
    add(std::move(expression));
    return std::move(rule_);
  }

  Rule rule_;
};

inline RuleText rule(std::string_view chain) { return RuleText{chain}; }

}  // namespace burrow::firewall
