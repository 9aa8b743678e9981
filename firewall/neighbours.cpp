#include "firewall/neighbours.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/nftnl.h"
#include "firewall/replies.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// Family, table and chain.
using Place = std::tuple<uint32_t, std::string, std::string>;

// IPv4, IPv6 and bridges: what containers send.
bool sees_containers(uint32_t family) {
  return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET ||
         family == NFPROTO_BRIDGE;
}

ChainHook hook_of(uint32_t number) {
  if (number == NF_INET_LOCAL_IN) return ChainHook::input;
  if (number == NF_INET_FORWARD) return ChainHook::forward;
  return ChainHook::other;
}

std::string text(const char* bytes) { return bytes == nullptr ? "" : bytes; }

// The place of a base chain, and the chain; nothing for others.
std::optional<std::pair<Place, ForeignChain>> read_base_chain(const nlmsghdr& message) {
  if (message.nlmsg_type != message_type(NFT_MSG_NEWCHAIN)) return std::nullopt;
  const ChainPointer object{nftnl_chain_alloc()};
  if (nftnl_chain_nlmsg_parse(&message, object.get()) < 0) return std::nullopt;
  if (!nftnl_chain_is_set(object.get(), NFTNL_CHAIN_HOOKNUM)) return std::nullopt;
  const auto family = nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_FAMILY);
  ForeignChain chain{.family = std::string{family_word(family)},
                     .table = text(nftnl_chain_get_str(object.get(), NFTNL_CHAIN_TABLE)),
                     .name = text(nftnl_chain_get_str(object.get(), NFTNL_CHAIN_NAME)),
                     .hook = hook_of(nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_HOOKNUM))};
  if (!sees_containers(family) || (family == NFPROTO_INET && chain.table == kTableName)) {
    return std::nullopt;
  }
  if (nftnl_chain_is_set(object.get(), NFTNL_CHAIN_POLICY) &&
      nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_POLICY) == NF_DROP) {
    chain.policy = ChainPolicy::drop;
  }
  return std::pair{Place{family, chain.table, chain.name}, std::move(chain)};
}

std::optional<Place> read_rule_place(const nlmsghdr& message) {
  if (message.nlmsg_type != message_type(NFT_MSG_NEWRULE)) return std::nullopt;
  const RulePointer object{nftnl_rule_alloc()};
  if (nftnl_rule_nlmsg_parse(&message, object.get()) < 0) return std::nullopt;
  return Place{nftnl_rule_get_u32(object.get(), NFTNL_RULE_FAMILY),
               text(nftnl_rule_get_str(object.get(), NFTNL_RULE_TABLE)),
               text(nftnl_rule_get_str(object.get(), NFTNL_RULE_CHAIN))};
}

Result<void> dump(NetfilterSocket& socket, int type, const NetfilterSocket::OnMessage& on_message,
                  const std::function<void()>& on_restart) {
  return socket.dump(
      [&](Messages& messages) {
        messages.start(message_type(type), NLM_F_DUMP, NFPROTO_UNSPEC, 0, 0);
        messages.finish();
      },
      on_message, on_restart);
}

}  // namespace

Result<std::vector<ForeignChain>> foreign_base_chains() {
  auto socket = TRY(NetfilterSocket::open());
  std::map<Place, ForeignChain> chains;
  TRY_VOID(dump(
      socket, NFT_MSG_GETCHAIN,
      [&](const nlmsghdr& message) -> Result<void> {
        if (auto chain = read_base_chain(message)) chains.insert(*std::move(chain));
        return {};
      },
      [&] { chains.clear(); }));
  const auto forget_counts = [&] {
    for (auto& [place, chain] : chains) chain.rule_count = 0;
  };
  TRY_VOID(dump(
      socket, NFT_MSG_GETRULE,
      [&](const nlmsghdr& message) -> Result<void> {
        const auto place = read_rule_place(message);
        const auto chain = place ? chains.find(*place) : chains.end();
        if (chain != chains.end()) ++chain->second.rule_count;
        return {};
      },
      forget_counts));
  std::vector<ForeignChain> result;
  for (auto& [place, chain] : chains) result.push_back(std::move(chain));
  return result;
}

}  // namespace burrow::firewall
