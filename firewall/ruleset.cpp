#include "firewall/ruleset.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "firewall/limit_rules.h"
#include "firewall/rule_text.h"

namespace burrow::firewall {
namespace {

// Behind every chain that could drop a packet for this host, in front of conntrack's confirmation,
// so that what is dropped there leaves no connection behind. That is the last hook of IPv4, and of
// IPv6 the last but one (net/netfilter/nf_conntrack_proto.c).
constexpr int32_t kBehindAllFilters = NF_IP_PRI_LAST - 2;

constexpr std::array<Chain, 26> kChains{{
    {"guard", Hook{"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW}, ""},
    {"prerouting", Hook{"nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST}, ""},
    {"output", Hook{"nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST}, ""},
    {"incoming", {}, "not yet admitted by the host's firewall: no further"},
    {"names", {}, "from gateways to DNS servers"},
    {"publish", {}, "from addresses of this host to containers"},
    {"loopback", Hook{"filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER}, ""},
    {"admission", Hook{"filter", NF_INET_LOCAL_IN, kBehindAllFilters}, ""},
    {"postrouting", Hook{"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC}, ""},
    {"egress4", {}, "sources of packets that leave their network"},
    {"egress6", {}, "sources of packets that leave their network"},
    {kAdminChain, {}, "yours: only you write here"},
    {kMarkedChain, Hook{"filter", NF_INET_FORWARD, NF_IP_PRI_FILTER}, ""},
    {"container", {}, "packets that enter or leave one of our bridges"},
    {"limits", {}, "what those who have limits may begin"},
    {"gate4", {}, "nobody who has limits: no more questions"},
    {"gate6", {}, "nobody who has limits: no more questions"},
    {"limits4", {}, ""},
    {"egress_limits4", {}, "whom they may send to"},
    {"ingress_limits4", {}, "who may send to them"},
    {"limits6", {}, ""},
    {"egress_limits6", {}, "whom they may send to"},
    {"ingress_limits6", {}, "who may send to them"},
    {"refused", {}, "at once, so that nobody waits"},
    {"between", {}, "new connections from network to network"},
    {"entering", {}, "new connections from outside to an address of a container"},
}};

// Bits of NFT_CT_STATE: one for invalid, then those of enum ip_conntrack_info.
constexpr uint32_t kInvalid = 1;
constexpr uint32_t kEstablishedOrRelated = 2 | 4;
constexpr uint32_t kNew = 8;

}  // namespace

std::span<const Chain> all_chains() { return kChains; }

std::vector<Rule> all_rules() {
  using enum SetName;
  constexpr auto v4 = Family::ipv4;
  constexpr auto v6 = Family::ipv6;
  const std::vector<uint8_t> localhost6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  std::vector<Rule> rules;
  const auto add = [&](Rule one) { rules.push_back(std::move(one)); };

  // Our bridges accept 127.0.0.0/8 (route_localnet) for answers to the host's own connections,
  // which carry another address until they are translated back. Nobody else may use that.
  add(rule("guard").family(v4).destination_is(v4, {127}).in(bridges).drop());

  // A port published on 127.0.0.1 is for this host alone, also where others' settings let packets
  // with such addresses in from a wire.
  add(rule("prerouting").family(v4).destination_is(v4, {127}).accept());
  add(rule("prerouting").to_this_host().jump("incoming"));
  add(rule("output").to_this_host().jump("names"));
  add(rule("output").to_this_host().jump("publish"));

  // What goes no further here reaches the host itself, and so its own firewall's input chains. What
  // they let through meets chain `admission`, which notes it down and drops it. Its sender sends it
  // again, as after any loss, and now it is led to the container.
  add(rule("incoming").jump("names"));
  add(rule("incoming")
          .family(v4)
          .destination_port_in(v4, asked4)
          .visit_not_in(v4, admitted4)
          .accept());
  add(rule("incoming")
          .family(v6)
          .destination_port_in(v6, asked6)
          .visit_not_in(v6, admitted6)
          .accept());
  add(rule("incoming").jump("publish"));

  add(rule("names").family(v4).destination_from(v4, dns4));
  add(rule("names").family(v6).destination_from(v6, dns6));

  for (const auto map : {publish4_at, publish4, publish4_range}) {
    add(rule("publish").family(v4).destination_from(v4, map));
  }
  for (const auto map : {publish6_at, publish6, publish6_range}) {
    add(rule("publish").family(v6).destination_from(v6, map));
  }

  // A connection to ::1 that was led to a container whose answer could not come back.
  add(rule("loopback")
          .tcp()
          .any_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v6)
          .source_is(v6, localhost6)
          .destination_not_in(v6, loopback6)
          .reset());
  add(rule("loopback")
          .any_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v6)
          .source_is(v6, localhost6)
          .destination_not_in(v6, loopback6)
          .reject6());

  // A container that asks its gateway for names is no visitor, whoever publishes that port.
  constexpr uint16_t kNames = 53;
  add(rule("admission").in(bridges).to_port(kNames).to_incoming_link().accept());
  for (const auto family : {v4, v6}) {
    const auto asked = family == v4 ? asked4 : asked6;
    const auto admitted = family == v4 ? admitted4 : admitted6;
    const auto first_packet = [&] {
      // Not what is meant for many, nor what was led to a server of names on another port.
      return rule("admission")
          .any_of(NFT_CT_STATE, kNew)
          .to_this_host()
          .none_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(family)
          .destination_port_in(family, asked);
    };
    add(first_packet().remember_visit(family, admitted).drop());
    add(first_packet().drop());  // where no more can be remembered
  }

  // The host talks to its own gateway addresses: there is nothing to hide, and a server on such an
  // address would see its client change the address.
  add(rule("postrouting").out_of_loopback().accept());
  // The host's loopback means nothing to a container: its answers would never come back.
  add(rule("postrouting")
          .any_of(NFT_CT_STATUS, IPS_DST_NAT)
          .out(bridges)
          .family(v4)
          .source_is(v4, {127})
          .masquerade());
  add(rule("postrouting")
          .any_of(NFT_CT_STATUS, IPS_DST_NAT)
          .out(bridges)
          .family(v6)
          .source_is(v6, localhost6)
          .masquerade());
  add(rule("postrouting").family(v4).source_in(v4, subnets4).jump("egress4"));
  add(rule("postrouting").family(v6).source_in(v6, subnets6).jump("egress6"));

  // A container that reaches its own network through a published port must be masqueraded too, or
  // the answer would take the short way and not be recognised.
  add(rule("egress4")
          .none_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v4)
          .source_and_destination_in(v4, same_network4)
          .accept());
  add(rule("egress4").family(v4).destination_is_multicast(v4).accept());
  add(rule("egress4")
          .none_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v4)
          .source_in(v4, routed4)
          .accept());
  add(rule("egress4").family(v4).source_from(v4, snat4));
  add(rule("egress4").masquerade());
  add(rule("egress6")
          .none_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v6)
          .source_and_destination_in(v6, same_network6)
          .accept());
  add(rule("egress6").family(v6).destination_is_multicast(v6).accept());
  add(rule("egress6")
          .none_of(NFT_CT_STATUS, IPS_DST_NAT)
          .family(v6)
          .source_in(v6, routed6)
          .accept());
  add(rule("egress6").family(v6).source_from(v6, snat6));
  add(rule("egress6").masquerade());

  auto marked = rule(kMarkedChain).in(bridges).jump("container");
  marked.comment = kVersionMark;
  add(std::move(marked));
  add(rule(kMarkedChain).out(bridges).jump("container"));
  add(rule(kMarkedChain).in_vrf(bridges).jump("container"));

  add(rule("container").jump(kAdminChain));
  add(rule("container").any_of(NFT_CT_STATE, kInvalid).drop());
  for (auto& limit : packet_rate_rules("container")) add(std::move(limit));
  add(rule("container").any_of(NFT_CT_STATE, kEstablishedOrRelated).accept());
  add(rule("container").jump("limits"));
  add(rule("container").in_and_out(same_bridge).accept());
  add(rule("container").in_and_out(same_bridge, NFT_META_SDIFNAME).accept());
  add(rule("container").in(internal).drop());
  add(rule("container").in_vrf(internal).drop());
  add(rule("container").out(internal).drop());
  add(rule("container").any_of(NFT_CT_STATUS, IPS_DST_NAT).accept());
  add(rule("container").in(bridges).out(bridges).jump("between"));
  add(rule("container").in_vrf(bridges).out(bridges).jump("between"));
  add(rule("container").out(bridges).jump("entering"));

  for (auto& limit : limit_rules()) add(std::move(limit));

  add(rule("between").in(strict).drop());
  add(rule("between").in_vrf(strict).drop());
  add(rule("between").out(strict).drop());
  add(rule("between").in(isolated).out(isolated).drop());
  add(rule("between").in_vrf(isolated).out(isolated).drop());
  add(rule("between").accept());

  // Who has a route to a container's address would otherwise reach ports that are not published.
  add(rule("entering").family(v4).destination_in(v4, routed4).accept());
  add(rule("entering").family(v6).destination_in(v6, routed6).accept());
  add(rule("entering").drop());
  return rules;
}

}  // namespace burrow::firewall
