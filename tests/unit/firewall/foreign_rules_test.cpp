// Rules as messages and back: ours are known again, and nothing else is taken for them.
#include "firewall/foreign_rules.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>

#include <cstring>
#include <functional>

#include "firewall/messages.h"
#include "firewall/nftnl.h"

using namespace burrow;
using namespace burrow::firewall;

namespace {

using Ending = ForeignRule::Ending;

const ChainPlace kForward{.family = TableFamily::ip, .table = "filter", .chain = "FORWARD"};

ForeignRule read(const Messages& said) {
  return read_foreign_rule(*reinterpret_cast<const nlmsghdr*>(said.bytes().data()))->rule;
}

AcceptRule front() {
  return {.in = *LinkName::parse("br-front"),
          .out = {},
          .protocol = IPPROTO_UDP,
          .port = uint16_t{53},
          .comment = "burrow: network front"};
}

nftnl_expr* add(nftnl_rule* rule, const char* name) {
  auto* expression = nftnl_expr_alloc(name);
  nftnl_rule_add_expr(rule, expression);
  return expression;
}

void add_verdict(nftnl_rule* rule, int code, const char* chain = nullptr) {
  auto* verdict = add(rule, "immediate");
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(code));
  if (chain != nullptr) nftnl_expr_set_str(verdict, NFTNL_EXPR_IMM_CHAIN, chain);
}

void add_link(nftnl_rule* rule, uint32_t key, const void* bytes, uint32_t size,
              uint32_t operation = NFT_CMP_EQ) {
  auto* meta = add(rule, "meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
  auto* compare = add(rule, "cmp");
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, bytes, size);
}

ForeignRule made(const std::function<void(nftnl_rule*)>& write) {
  const RulePointer rule{nftnl_rule_alloc()};
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, "filter");
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, "FORWARD");
  write(rule.get());
  Messages said;
  nftnl_rule_nlmsg_build_payload(
      said.start(message_type(NFT_MSG_NEWRULE), 0, NFPROTO_IPV4, 0, 4096), rule.get());
  said.finish();
  return read(said);
}

}  // namespace

TEST_CASE("a rule of ours is read as it was written, whatever it asks about") {
  auto bridge = front();
  bridge.protocol.reset();
  bridge.port.reset();
  auto out = bridge;
  std::swap(out.in, out.out);
  auto both = bridge;
  both.out = bridge.in;
  for (const auto& rule : {front(), bridge, out, both}) {
    Messages said;
    put_accept_rule(said, kForward, rule, std::nullopt);
    const auto found = read(said);
    CHECK(found.accept == rule);
    CHECK(found.is_conditional);
    CHECK(found.is_ours());
  }
}

TEST_CASE("a name without its end stands for many links, and one that is asked not to be for all") {
  const char name[] = "br-front";  // NOLINT(*-avoid-c-arrays)
  const auto with = [&](uint32_t size, uint32_t operation) {
    return made([&](nftnl_rule* rule) {
      add_link(rule, NFT_META_IIFNAME, name, size, operation);
      add_verdict(rule, NF_ACCEPT);
    });
  };
  CHECK(with(sizeof(name), NFT_CMP_EQ).accept);
  CHECK_FALSE(with(sizeof(name) - 1, NFT_CMP_EQ).accept);
  CHECK_FALSE(with(sizeof(name), NFT_CMP_NEQ).accept);
  CHECK_FALSE(with(sizeof(name), NFT_CMP_EQ).is_ours());  // nobody says so
}

TEST_CASE("a comment that iptables has written counts as much as one of nft's") {
  constexpr size_t kSize = 256;
  auto* info = static_cast<char*>(std::calloc(1, kSize));  // which libnftnl frees
  std::strcpy(info, "burrow: network front");              // NOLINT(*-strcpy)
  const auto rule = made([&](nftnl_rule* one) {
    add_link(one, NFT_META_IIFNAME, "br-front", sizeof("br-front"));
    auto* match = add(one, "match");
    nftnl_expr_set_str(match, NFTNL_EXPR_MT_NAME, "comment");
    nftnl_expr_set(match, NFTNL_EXPR_MT_INFO, info, kSize);
    add(one, "counter");
    add_verdict(one, NF_ACCEPT);
  });
  CHECK(rule.is_ours());
  CHECK(rule.accept->comment == "burrow: network front");
}

TEST_CASE("what applies to all packets and ends them is told from what does not") {
  const auto ending = [](const char* name, const std::function<void(nftnl_expr*)>& fill = {}) {
    return made([&](nftnl_rule* rule) {
      add(rule, "counter");
      auto* expression = add(rule, name);
      if (fill) fill(expression);
    });
  };
  CHECK(ending("reject").ending == Ending::drop);
  CHECK_FALSE(ending("reject").is_conditional);
  CHECK(ending("queue").ending == Ending::unknown);
  CHECK(ending("log").ending == Ending::none);
  CHECK_FALSE(ending("log").is_conditional);
  CHECK(ending("limit").is_conditional);
  CHECK(ending("lookup").is_conditional);
  const auto target = [&](const char* name) {
    return ending("target",
                  [&](nftnl_expr* one) { nftnl_expr_set_str(one, NFTNL_EXPR_TG_NAME, name); });
  };
  CHECK(target("REJECT").ending == Ending::drop);
  CHECK(target("LOG").ending == Ending::none);
  CHECK(target("NFQUEUE").ending == Ending::unknown);
  const auto match = ending(
      "match", [](nftnl_expr* one) { nftnl_expr_set_str(one, NFTNL_EXPR_MT_NAME, "physdev"); });
  CHECK(match.is_conditional);
}

TEST_CASE("verdicts are read with the chains that they lead to") {
  const auto verdict = [](int code, const char* chain = nullptr) {
    return made([&](nftnl_rule* rule) { add_verdict(rule, code, chain); });
  };
  CHECK(verdict(NF_ACCEPT).ending == Ending::accept);
  CHECK(verdict(NF_DROP).ending == Ending::drop);
  CHECK(verdict(NFT_RETURN).ending == Ending::go_back);
  CHECK(verdict(NF_QUEUE).ending == Ending::unknown);
  CHECK(verdict(NFT_JUMP, "rest").ending == Ending::jump);
  CHECK(verdict(NFT_GOTO, "rest").target == "rest");
  CHECK_FALSE(verdict(NF_ACCEPT).accept);  // of all packets: none of ours
}

TEST_CASE("tables of ours and of firewalld are nobody's chains") {
  CHECK(is_left_out({.family = TableFamily::inet, .table = "burrow", .chain = "forward"}));
  CHECK(is_left_out({.family = TableFamily::inet, .table = "burrow_watch", .chain = "c"}));
  CHECK(
      is_left_out({.family = TableFamily::inet, .table = "firewalld", .chain = "filter_FORWARD"}));
  CHECK_FALSE(is_left_out({.family = TableFamily::ip, .table = "burrow", .chain = "forward"}));
  CHECK_FALSE(is_left_out(kForward));
}
