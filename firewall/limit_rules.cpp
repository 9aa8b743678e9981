#include "firewall/limit_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#include "firewall/rule_text.h"

namespace burrow::firewall {
namespace {

using enum SetName;

// RFC 4861: neighbour solicitation and advertisement.
constexpr uint8_t kNeighbourSolicitation = 135;
constexpr uint8_t kNeighbourAdvertisement = 136;
constexpr std::string_view kRefused = "refused";

/// The sets of one direction and family, and the chain that asks them.
struct Lists {
  std::string_view chain;
  SetName deny;
  SetName allow;
  SetName only;
  SetName network_deny;
  SetName network_allow;
};

/// What stands beside them for a while: addresses that names in the lists stand for.
struct NamedLists {
  SetName deny;
  SetName allow;
  SetName network_deny;
  SetName network_allow;
};

/// What is the same for both families but for its names. Each has chains of its own: a new
/// connection of a container without limits passes no rule of the other one.
struct Limits {
  Family family;
  std::string_view gate;
  SetName limited;
  std::string_view chain;
  Lists egress;
  NamedLists named;
  Lists ingress;
  SetName connection_rate;
  SetName connections;
};
constexpr std::array<Limits, 2> kLimits{{
    {Family::ipv4,
     "gate4",
     limited4,
     "limits4",
     {"egress_limits4", egress_deny4, egress_allow4, egress_only4, network_egress_deny4,
      network_egress_allow4},
     {egress_deny_named4, egress_allow_named4, network_egress_deny_named4,
      network_egress_allow_named4},
     {"ingress_limits4", ingress_deny4, ingress_allow4, ingress_only4, network_ingress_deny4,
      network_ingress_allow4},
     connection_rate4,
     connections4},
    {Family::ipv6,
     "gate6",
     limited6,
     "limits6",
     {"egress_limits6", egress_deny6, egress_allow6, egress_only6, network_egress_deny6,
      network_egress_allow6},
     {egress_deny_named6, egress_allow_named6, network_egress_deny_named6,
      network_egress_allow_named6},
     {"ingress_limits6", ingress_deny6, ingress_allow6, ingress_only6, network_ingress_deny6,
      network_ingress_allow6},
     connection_rate6,
     connections6},
}};

// A network's lists are about what crosses its border.
void add_end_for_neighbours(std::vector<Rule>& rules, std::string_view chain) {
  for (const uint32_t link : {NFT_META_IIFNAME, NFT_META_SDIFNAME}) {
    rules.push_back(rule(chain).in_and_out(same_bridge, link).go_back());
  }
}

// A container's list decides before its network's, and what is denied in a list before what is
// allowed in it. Who goes back from a chain is through with it.
void add_egress(std::vector<Rule>& rules, const Lists& sets, const NamedLists& named,
                Family family) {
  const auto next = [&] { return rule(sets.chain).family(family); };
  for (const auto set : {sets.deny, named.deny}) {
    rules.push_back(next().source_and_destination_in(family, set).jump(kRefused));
  }
  for (const auto set : {sets.allow, named.allow}) {
    rules.push_back(next().source_and_destination_in(family, set).go_back());
  }
  rules.push_back(next().source_in(family, sets.only).jump(kRefused));
  add_end_for_neighbours(rules, sets.chain);
  // In a VRF, packets come in by its link (rule_text.h).
  for (const uint32_t link : {NFT_META_IIFNAME, NFT_META_SDIFNAME}) {
    for (const auto set : {sets.network_deny, named.network_deny}) {
      rules.push_back(next().link_and_destination_in(link, family, set).jump(kRefused));
    }
    for (const auto set : {sets.network_allow, named.network_allow}) {
      rules.push_back(next().link_and_destination_in(link, family, set).go_back());
    }
  }
  rules.push_back(rule(sets.chain).in(network_egress_only).jump(kRefused));
  rules.push_back(rule(sets.chain).in_vrf(network_egress_only).jump(kRefused));
}

void add_ingress(std::vector<Rule>& rules, const Lists& sets, Family family) {
  const auto next = [&] { return rule(sets.chain).family(family); };
  rules.push_back(next().destination_and_source_in(family, sets.deny).jump(kRefused));
  rules.push_back(next().destination_and_source_in(family, sets.allow).go_back());
  rules.push_back(next().destination_in(family, sets.only).jump(kRefused));
  add_end_for_neighbours(rules, sets.chain);
  rules.push_back(next().out_and_source_in(family, sets.network_deny).jump(kRefused));
  rules.push_back(next().out_and_source_in(family, sets.network_allow).go_back());
  rules.push_back(rule(sets.chain).out(network_ingress_only).jump(kRefused));
}

// Everybody's new connections come by here, so this is all that they are asked. Who goes on does so
// once, whoever of the two ends is why: a connection must not be counted twice.
void add_gate(std::vector<Rule>& rules, const Limits& limits) {
  const auto next = [&] { return rule(limits.gate); };
  const auto family = limits.family;
  rules.push_back(next().family(family).source_in(family, limits.limited).go_to(limits.chain));
  rules.push_back(next().family(family).destination_in(family, limits.limited).go_to(limits.chain));
  rules.push_back(next().in(limited_bridges).go_to(limits.chain));
  rules.push_back(next().in_vrf(limited_bridges).go_to(limits.chain));
  rules.push_back(next().out(limited_bridges).go_to(limits.chain));
}

}  // namespace

std::vector<Rule> packet_rate_rules(std::string_view chain) {
  std::vector<Rule> rules;
  rules.push_back(rule(chain).family(Family::ipv4).source_in(Family::ipv4, packet_rate4).drop());
  rules.push_back(rule(chain).family(Family::ipv6).source_in(Family::ipv6, packet_rate6).drop());
  return rules;
}

std::vector<Rule> limit_rules() {
  std::vector<Rule> rules;
  for (const auto& limits : kLimits) {
    rules.push_back(rule("limits").family(limits.family).jump(limits.gate));
  }
  for (const auto& limits : kLimits) add_gate(rules, limits);
  for (const auto& limits : kLimits) {
    const auto family = limits.family;
    if (family == Family::ipv6) {
      // Where bridged packets meet the firewall, neighbours must find each other before any list
      // says whether they may speak. A router never forwards these.
      for (const auto type : {kNeighbourSolicitation, kNeighbourAdvertisement}) {
        rules.push_back(rule(limits.chain).icmp6(type).go_back());
      }
    }
    // The lists come first: what they refuse does not count.
    rules.push_back(rule(limits.chain).jump(limits.egress.chain));
    rules.push_back(rule(limits.chain).jump(limits.ingress.chain));
    // An element holds its rate, and is in the set as long as that is exceeded.
    for (const auto set : {limits.connection_rate, limits.connections}) {
      rules.push_back(rule(limits.chain).family(family).source_in(family, set).drop());
    }
    add_egress(rules, limits.egress, limits.named, family);
    add_ingress(rules, limits.ingress, family);
  }
  // Of an ICMP error, a client that is still about to send its first packet learns a second later.
  // A reset of a connection that was led elsewhere would not be translated back on its way.
  rules.push_back(rule(kRefused).tcp().none_of(NFT_CT_STATUS, IPS_DST_NAT).reset());
  rules.push_back(rule(kRefused).refuse());
  return rules;
}

}  // namespace burrow::firewall
