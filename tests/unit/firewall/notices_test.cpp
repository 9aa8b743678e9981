#include "firewall/notices.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "firewall/foreign_rules.h"
#include "firewall/messages.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

nlmsghdr* start(Messages& said, int type, const char* table) {
  auto* message = said.start(message_type(type), 0, NFPROTO_INET, 0, 512);
  mnl_attr_put_strz(message, 1, table);
  return message;
}

void say(Messages& said, int type, const char* table, uint16_t attribute, const char* name) {
  mnl_attr_put_strz(start(said, type, table), attribute, name);
  said.finish();
}

void say_rule(Messages& said, int type, const char* chain, uint64_t handle) {
  auto* message = start(said, type, "burrow");
  mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
  mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(handle));
  said.finish();
}

void end_transaction(Messages& said, uint32_t process, const char* name) {
  auto* message = said.start(message_type(NFT_MSG_NEWGEN), 0, 0, 0, 128);
  mnl_attr_put_u32(message, NFTA_GEN_PROC_PID, htonl(process));
  mnl_attr_put_strz(message, NFTA_GEN_PROC_NAME, name);
  said.finish();
}

Losses told(const Messages& said) {
  LossReader reader;
  reader.read(said.bytes());
  return reader.take();
}

}  // namespace

TEST_CASE("the end of our table, of a chain, a rule or a set of ours needs a comparison") {
  for (const auto& [type, attribute, name] :
       {std::tuple{NFT_MSG_DELCHAIN, uint16_t{NFTA_CHAIN_NAME}, "forward"},
        std::tuple{NFT_MSG_DELRULE, uint16_t{NFTA_RULE_CHAIN}, "between"},
        std::tuple{NFT_MSG_DELSET, uint16_t{NFTA_SET_NAME}, "strict"}}) {
    Messages said;
    say(said, type, "burrow", attribute, name);
    end_transaction(said, 42, "nft");
    const auto losses = told(said);
    CHECK(losses.needs_comparison);
    CHECK(losses.any());
    CHECK(losses.by == Culprit{42, "nft"});
    CHECK_FALSE(losses.had_no_table);
  }
  Messages said;
  start(said, NFT_MSG_DELTABLE, "burrow");
  said.finish();
  CHECK(told(said).had_no_table);
  CHECK(told(said).needs_comparison);
}

TEST_CASE("what others do, and what is added, is nothing to us") {
  Messages said;
  say(said, NFT_MSG_DELCHAIN, "other", NFTA_CHAIN_NAME, "forward");
  say(said, NFT_MSG_NEWCHAIN, "burrow", NFTA_CHAIN_NAME, "forward");
  say(said, NFT_MSG_NEWRULE, "burrow", NFTA_RULE_CHAIN, "forward");
  say(said, NFT_MSG_NEWSET, "burrow", NFTA_SET_NAME, "strict");
  end_transaction(said, 42, "nft");
  const auto losses = told(said);
  CHECK_FALSE(losses.any());
  CHECK_FALSE(losses.changed_admin);
  CHECK_FALSE(losses.by);
}

TEST_CASE("rules of admin that somebody deletes are noted, those that go with the table are not") {
  Messages deleted;
  say_rule(deleted, NFT_MSG_DELRULE, "admin", 7);
  end_transaction(deleted, 42, "nft");
  auto losses = told(deleted);
  CHECK_FALSE(losses.any());
  CHECK(losses.changed_admin);
  CHECK(losses.admin_rules == std::vector<uint64_t>{7});

  Messages flushed;
  say_rule(flushed, NFT_MSG_DELRULE, "admin", 8);
  start(flushed, NFT_MSG_DELTABLE, "burrow");
  flushed.finish();
  end_transaction(flushed, 42, "nft");
  losses = told(flushed);
  CHECK(losses.any());
  CHECK(losses.admin_rules.empty());
}

TEST_CASE("who took the whole table is named, whoever took less of it later") {
  Messages said;
  start(said, NFT_MSG_DELTABLE, "burrow");
  said.finish();
  end_transaction(said, 42, "nft");
  say(said, NFT_MSG_DELSET, "burrow", NFTA_SET_NAME, "strict");
  end_transaction(said, 43, "burrow-netstack");
  CHECK(told(said).by == Culprit{42, "nft", Culprit::Deed::whole_table});
}

TEST_CASE("a transaction may come in several datagrams") {
  Messages first;
  say_rule(first, NFT_MSG_DELRULE, "admin", 8);
  Messages second;
  start(second, NFT_MSG_DELTABLE, "burrow");
  second.finish();
  end_transaction(second, 42, "nft");
  LossReader reader;
  reader.read(first.bytes());
  CHECK(reader.take().admin_rules.empty());
  reader.read(second.bytes());
  CHECK(reader.take().admin_rules.empty());
}

TEST_CASE("elements that go are told one by one, halves of intervals by a comparison") {
  const Element port{.set = SetName::publish4,
                     .key = {Protocol::tcp, PortRange{8080, 8080}},
                     .value = {IpAddress::v4(0x0a590002), PortRange{80, 80}},
                     .owner = "container web (0123456789ab) on network front"};
  Messages said;
  put_add_elements(said, std::span{&port, 1});
  std::vector<uint8_t> bytes{said.bytes().begin(), said.bytes().end()};
  reinterpret_cast<nlmsghdr*>(bytes.data())->nlmsg_type = message_type(NFT_MSG_DELSETELEM);
  LossReader reader;
  reader.read(bytes);
  auto losses = reader.take();
  CHECK(losses.elements == std::vector{port});
  CHECK_FALSE(losses.needs_comparison);
  CHECK_FALSE(reader.take().any());

  reader.read(said.bytes());  // added
  CHECK_FALSE(reader.take().any());

  const Element subnet{.set = SetName::subnets4, .key = {*IpNetwork::parse("10.0.0.0/24")}};
  Messages interval;
  put_delete_elements(interval, std::span{&subnet, 1});
  reader.read(interval.bytes());
  CHECK(reader.take().needs_comparison);
}

TEST_CASE("more elements than are worth naming, and lost notices, need a comparison") {
  Losses losses;
  losses.add({.elements = std::vector<Element>(5000, Element{.set = SetName::publish4})});
  CHECK(losses.needs_comparison);
  CHECK(losses.elements.empty());
  LossReader reader;
  reader.miss();
  CHECK(reader.take().needs_comparison);
}

TEST_CASE("torn messages are passed over") {
  Messages said;
  start(said, NFT_MSG_DELTABLE, "burrow");
  said.finish();
  end_transaction(said, 42, "nft");
  for (size_t length = 0; length < said.bytes().size(); ++length) {
    LossReader reader;
    reader.read(said.bytes().first(length));
  }
}

TEST_CASE("of chains of others only what drops, and what becomes of our rules, is told") {
  const ChainPlace forward{.family = TableFamily::ip, .table = "filter", .chain = "FORWARD"};
  const AcceptRule ours{.in = *LinkName::parse("br-front"),
                        .out = {},
                        .protocol = {},
                        .port = {},
                        .comment = "burrow: network front"};
  const auto say_chain = [](Messages& said, uint32_t policy) {
    auto* message = said.start(message_type(NFT_MSG_NEWCHAIN), 0, NFPROTO_IPV4, 0, 512);
    mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, "filter");
    mnl_attr_put_strz(message, NFTA_CHAIN_NAME, "FORWARD");
    mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
    auto* hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(NF_INET_FORWARD));
    mnl_attr_nest_end(message, hook);
    mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(policy));
    said.finish();
  };
  Messages drops;
  say_chain(drops, NF_DROP);
  CHECK(told(drops).changed_others);
  CHECK_FALSE(told(drops).any());

  Messages accepts;
  say_chain(accepts, NF_ACCEPT);
  CHECK_FALSE(told(accepts).changed_others);
  LossReader follower;
  follower.follow_others({{forward}});
  follower.read(accepts.bytes());
  CHECK(follower.take().changed_others);

  // When no network has accepts any more, it is nobody's matter again.
  LossReader done;
  done.follow_others({{forward}});
  done.follow_others(std::nullopt);
  done.read(accepts.bytes());
  CHECK_FALSE(done.take().changed_others);

  // What comes into a chain of ours may have come behind our rules.
  auto theirs = ours;
  theirs.comment = "theirs";
  Messages behind;
  put_accept_rule(behind, forward, theirs, std::nullopt);
  CHECK_FALSE(told(behind).changed_others);
  done.read(behind.bytes());
  CHECK_FALSE(done.take().changed_others);
  follower.read(behind.bytes());
  CHECK(follower.take().changed_others);

  Messages added;
  put_accept_rule(added, forward, ours, std::nullopt);
  end_transaction(added, 42, "burrow-netstack");
  CHECK_FALSE(told(added).changed_others);

  // The same rule again, as it goes.
  Messages gone;
  put_accept_rule(gone, forward, ours, std::nullopt);
  std::vector<uint8_t> bytes{gone.bytes().begin(), gone.bytes().end()};
  reinterpret_cast<nlmsghdr*>(bytes.data())->nlmsg_type = message_type(NFT_MSG_DELRULE);
  Messages end;
  end_transaction(end, 42, "nft");
  LossReader reader;
  reader.read(bytes);
  reader.read(end.bytes());
  const auto losses = reader.take();
  CHECK(losses.changed_others);
  CHECK_FALSE(losses.needs_comparison);
  CHECK(losses.by == Culprit{42, "nft"});
}

}  // namespace burrow::firewall
