#include "firewall/nat_guard.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#include <cerrno>

#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/nftnl.h"

namespace burrow::firewall {
namespace {

constexpr const char* kGuardTable = "burrow_watch";

nlmsghdr* start(Messages& batch, int type, int flags) {
  return batch.start(message_type(type), static_cast<uint16_t>(flags), NFPROTO_INET, 0, 4096);
}

void put_table(Messages& batch) {
  const TablePointer object{nftnl_table_alloc()};
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, kGuardTable);
  nftnl_table_set_u32(object.get(), NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  nftnl_table_nlmsg_build_payload(start(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL),
                                  object.get());
  batch.finish();
}

void put_chain(Messages& batch, const char* name, uint32_t hook, int32_t priority) {
  const ChainPointer object{nftnl_chain_alloc()};
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, kGuardTable);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, name);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, "nat");
  nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, hook);
  nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, priority);
  nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nftnl_chain_nlmsg_build_payload(start(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), object.get());
  batch.finish();
}

// Hooks of translation alone do nothing: a namespace tracks connections only as long as a rule asks
// for them (nf_ct_netns_get in net/netfilter/nft_ct.c). This one asks, and does nothing.
void put_question(Messages& batch, const char* chain) {
  const RulePointer object{nftnl_rule_alloc()};
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kGuardTable);
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain);
  auto* state = nftnl_expr_alloc("ct");
  nftnl_expr_set_u32(state, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
  nftnl_expr_set_u32(state, NFTNL_EXPR_CT_DREG, NFT_REG32_00);
  nftnl_rule_add_expr(object.get(), state);
  constexpr uint32_t kInvalid = 1;  // in host byte order, as the register has it
  auto* compare = nftnl_expr_alloc("cmp");
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &kInvalid, sizeof kInvalid);
  nftnl_rule_add_expr(object.get(), compare);
  nftnl_rule_nlmsg_build_payload(start(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND),
                                 object.get());
  batch.finish();
}

}  // namespace

NatGuard::NatGuard(std::unique_ptr<NetfilterSocket> owner) : owner_(std::move(owner)) {}
NatGuard::NatGuard(NatGuard&&) noexcept = default;
NatGuard& NatGuard::operator=(NatGuard&&) noexcept = default;
NatGuard::~NatGuard() = default;

Result<NatGuard> NatGuard::put_up() {
  auto socket = std::make_unique<NetfilterSocket>(TRY(NetfilterSocket::open()));
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  put_table(batch);
  put_chain(batch, "prerouting", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
  put_chain(batch, "input", NF_INET_LOCAL_IN, NF_IP_PRI_NAT_SRC);
  put_chain(batch, "output", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
  put_chain(batch, "postrouting", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
  put_question(batch, "prerouting");
  put_batch_end(batch);
  const auto refusals = TRY(socket->commit(batch));
  if (refusals.empty()) return NatGuard{std::move(socket)};
  const int code = refusals.front().code;
  if (code == EEXIST || code == EPERM) {
    return fail(Errc::already_exists, "table \"{}\" is somebody else's", kGuardTable);
  }
  if (code == EOPNOTSUPP || code == EINVAL) {
    return fail(Errc::unsupported, "this kernel has no tables that belong to a program");
  }
  return system_failure(code, fmt::format("make table \"{}\"", kGuardTable));
}

}  // namespace burrow::firewall
