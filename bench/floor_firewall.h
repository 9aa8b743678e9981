// The firewall of bench-floor: a table with one map of published ports and the two chains that look
// them up.
#pragma once

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "floor_batch.h"

namespace bench {

constexpr char kTable[] = "floor";
constexpr char kMap[] = "publish4";
constexpr uint32_t kFirstHostPort = 10000;
constexpr uint32_t kFirstContainerPort = 8000;

inline void begin_nft(Batch& batch, uint16_t type, uint16_t flags) {
  batch.begin(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type), flags,
              nfgenmsg{.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0});
}

inline void mark_transaction(Batch& batch, uint16_t type) {
  batch.begin(type, 0,
              nfgenmsg{.nfgen_family = AF_UNSPEC,
                       .version = NFNETLINK_V0,
                       .res_id = htons(NFNL_SUBSYS_NFTABLES)});
}

template <typename Fill>
inline void expression(Batch& batch, const char* name, Fill fill) {
  batch.nest(NFTA_LIST_ELEM, [&] {
    batch.text(NFTA_EXPR_NAME, name);
    batch.nest(NFTA_EXPR_DATA, fill);
  });
}

/// fib daddr type local dnat ip to meta l4proto . th dport map @publish4
inline void add_publish_rule(Batch& batch, const char* chain) {
  begin_nft(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  batch.text(NFTA_RULE_TABLE, kTable);
  batch.text(NFTA_RULE_CHAIN, chain);
  batch.nest(NFTA_RULE_EXPRESSIONS, [&] {
    expression(batch, "fib", [&] {
      batch.number(NFTA_FIB_DREG, NFT_REG32_00);
      batch.number(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
      batch.number(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    });
    expression(batch, "cmp", [&] {
      batch.number(NFTA_CMP_SREG, NFT_REG32_00);
      batch.number(NFTA_CMP_OP, NFT_CMP_EQ);
      batch.nest(NFTA_CMP_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, uint32_t{RTN_LOCAL}); });
    });
    expression(batch, "meta", [&] {
      batch.number(NFTA_META_KEY, NFT_META_L4PROTO);
      batch.number(NFTA_META_DREG, NFT_REG32_00);
    });
    expression(batch, "payload", [&] {
      batch.number(NFTA_PAYLOAD_DREG, NFT_REG32_01);
      batch.number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
      batch.number(NFTA_PAYLOAD_OFFSET, 2);
      batch.number(NFTA_PAYLOAD_LEN, 2);
    });
    expression(batch, "lookup", [&] {
      batch.text(NFTA_LOOKUP_SET, kMap);
      batch.number(NFTA_LOOKUP_SREG, NFT_REG32_00);
      batch.number(NFTA_LOOKUP_DREG, NFT_REG32_04);
    });
    expression(batch, "nat", [&] {
      batch.number(NFTA_NAT_TYPE, NFT_NAT_DNAT);
      batch.number(NFTA_NAT_FAMILY, NFPROTO_IPV4);
      batch.number(NFTA_NAT_REG_ADDR_MIN, NFT_REG32_04);
      batch.number(NFTA_NAT_REG_PROTO_MIN, NFT_REG32_05);
    });
  });
}

inline void add_nat_chain(Batch& batch, const char* name, uint32_t hook) {
  begin_nft(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  batch.text(NFTA_CHAIN_TABLE, kTable);
  batch.text(NFTA_CHAIN_NAME, name);
  batch.nest(NFTA_CHAIN_HOOK, [&] {
    batch.number(NFTA_HOOK_HOOKNUM, hook);
    batch.number(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(-100));
  });
  batch.text(NFTA_CHAIN_TYPE, "nat");
  add_publish_rule(batch, name);
}

/// The table with its map and the two chains that look ports up.
inline void add_table(Batch& batch) {
  // As nft names types: 12 protocol, 13 port, 7 IPv4 address, six bits each.
  constexpr uint32_t kKeyType = 12U << 6U | 13U;
  constexpr uint32_t kValueType = 7U << 6U | 13U;
  begin_nft(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
  batch.text(NFTA_TABLE_NAME, kTable);
  begin_nft(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
  batch.text(NFTA_SET_TABLE, kTable);
  batch.text(NFTA_SET_NAME, kMap);
  batch.number(NFTA_SET_FLAGS, NFT_SET_MAP);
  batch.number(NFTA_SET_KEY_TYPE, kKeyType);
  batch.number(NFTA_SET_KEY_LEN, 8);
  batch.number(NFTA_SET_DATA_TYPE, kValueType);
  batch.number(NFTA_SET_DATA_LEN, 8);
  batch.number(NFTA_SET_ID, 1);
  add_nat_chain(batch, "prerouting", NF_INET_PRE_ROUTING);
  add_nat_chain(batch, "output", NF_INET_LOCAL_OUT);
}

/// One message for all published ports of a container; `type` adds or deletes them.
inline void change_ports(Batch& batch, uint16_t type, uint32_t address, uint32_t number,
                         uint32_t ports) {
  begin_nft(batch, type, static_cast<uint16_t>(NLM_F_ACK | NLM_F_CREATE));
  batch.text(NFTA_SET_ELEM_LIST_TABLE, kTable);
  batch.text(NFTA_SET_ELEM_LIST_SET, kMap);
  batch.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    for (uint32_t i = 0; i < ports; ++i) {
      // Each part of a concatenation stands in a register of four bytes.
      const uint16_t host_port[2] = {
          htons(static_cast<uint16_t>(kFirstHostPort + number * ports + i))};
      const uint16_t container_port[2] = {htons(static_cast<uint16_t>(kFirstContainerPort + i))};
      uint32_t key[2] = {};
      uint32_t value[2] = {htonl(address)};
      const uint8_t protocol = IPPROTO_TCP;
      std::memcpy(&key[0], &protocol, sizeof protocol);
      std::memcpy(&key[1], host_port, sizeof host_port);
      std::memcpy(&value[1], container_port, sizeof container_port);
      batch.nest(NFTA_LIST_ELEM, [&] {
        batch.nest(NFTA_SET_ELEM_KEY, [&] { batch.attribute(NFTA_DATA_VALUE, key); });
        batch.nest(NFTA_SET_ELEM_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, value); });
      });
    }
  });
}

}  // namespace bench
