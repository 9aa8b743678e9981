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

constexpr std::array kFamilies{Family::ipv4, Family::ipv6};

/// The sets of one direction and family.
struct Lists {
  SetName deny;
  SetName allow;
  SetName only;
  SetName network_deny;
  SetName network_allow;
};

constexpr Lists egress_of(Family family) {
  return family == Family::ipv4 ? Lists{egress_deny4, egress_allow4, egress_only4,
                                        network_egress_deny4, network_egress_allow4}
                                : Lists{egress_deny6, egress_allow6, egress_only6,
                                        network_egress_deny6, network_egress_allow6};
}

constexpr Lists ingress_of(Family family) {
  return family == Family::ipv4 ? Lists{ingress_deny4, ingress_allow4, ingress_only4,
                                        network_ingress_deny4, network_ingress_allow4}
                                : Lists{ingress_deny6, ingress_allow6, ingress_only6,
                                        network_ingress_deny6, network_ingress_allow6};
}

// A network's lists are about what crosses its border.
void add_end_for_neighbours(std::vector<Rule>& rules, std::string_view chain) {
  for (const uint32_t link : {NFT_META_IIFNAME, NFT_META_SDIFNAME}) {
    rules.push_back(rule(chain).in_and_out(same_bridge, link).go_back());
  }
}

// A container's list decides before its network's, and what is denied in a list before what is
// allowed in it. Who goes back from a chain is through with it.
void add_egress(std::vector<Rule>& rules) {
  constexpr std::string_view kChain = "egress_limits";
  for (const auto family : kFamilies) {
    const auto sets = egress_of(family);
    rules.push_back(
        rule(kChain).family(family).source_and_destination_in(family, sets.deny).jump(kRefused));
    rules.push_back(
        rule(kChain).family(family).source_and_destination_in(family, sets.allow).go_back());
    rules.push_back(rule(kChain).family(family).source_in(family, sets.only).jump(kRefused));
  }
  add_end_for_neighbours(rules, kChain);
  // In a VRF, packets come in by its link (rule_text.h).
  for (const uint32_t link : {NFT_META_IIFNAME, NFT_META_SDIFNAME}) {
    for (const auto family : kFamilies) {
      const auto sets = egress_of(family);
      rules.push_back(rule(kChain)
                          .family(family)
                          .link_and_destination_in(link, family, sets.network_deny)
                          .jump(kRefused));
      rules.push_back(rule(kChain)
                          .family(family)
                          .link_and_destination_in(link, family, sets.network_allow)
                          .go_back());
    }
  }
  rules.push_back(rule(kChain).in(network_egress_only).jump(kRefused));
  rules.push_back(rule(kChain).in_vrf(network_egress_only).jump(kRefused));
}

void add_ingress(std::vector<Rule>& rules) {
  constexpr std::string_view kChain = "ingress_limits";
  for (const auto family : kFamilies) {
    const auto sets = ingress_of(family);
    rules.push_back(
        rule(kChain).family(family).destination_and_source_in(family, sets.deny).jump(kRefused));
    rules.push_back(
        rule(kChain).family(family).destination_and_source_in(family, sets.allow).go_back());
    rules.push_back(rule(kChain).family(family).destination_in(family, sets.only).jump(kRefused));
  }
  add_end_for_neighbours(rules, kChain);
  for (const auto family : kFamilies) {
    const auto sets = ingress_of(family);
    rules.push_back(
        rule(kChain).family(family).out_and_source_in(family, sets.network_deny).jump(kRefused));
    rules.push_back(
        rule(kChain).family(family).out_and_source_in(family, sets.network_allow).go_back());
  }
  rules.push_back(rule(kChain).out(network_ingress_only).jump(kRefused));
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
  // Where bridged packets meet the firewall, neighbours must find each other before any list says
  // whether they may speak. A router never forwards these.
  for (const auto type : {kNeighbourSolicitation, kNeighbourAdvertisement}) {
    rules.push_back(rule("limits").icmp6(type).go_back());
  }
  // The lists come first: what they refuse does not count.
  rules.push_back(rule("limits").jump("egress_limits"));
  rules.push_back(rule("limits").jump("ingress_limits"));
  for (const auto family : kFamilies) {
    const bool is_v4 = family == Family::ipv4;
    // An element holds its rate, and is in the set as long as that is exceeded.
    for (const auto set :
         {is_v4 ? connection_rate4 : connection_rate6, is_v4 ? connections4 : connections6}) {
      rules.push_back(rule("limits").family(family).source_in(family, set).drop());
    }
  }
  add_egress(rules);
  add_ingress(rules);
  // Of an ICMP error, a client that is still about to send its first packet learns a second later.
  // A reset of a connection that was led elsewhere would not be translated back on its way.
  rules.push_back(rule(kRefused).tcp().none_of(NFT_CT_STATUS, IPS_DST_NAT).reset());
  rules.push_back(rule(kRefused).refuse());
  return rules;
}

}  // namespace burrow::firewall
