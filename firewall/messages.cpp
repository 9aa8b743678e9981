#include "firewall/messages.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "firewall/bound.h"
#include "firewall/fields.h"
#include "firewall/nftnl.h"
#include "firewall/rule_mark.h"

namespace burrow::firewall {
namespace {

// Room for one message that is not a list of elements: a rule takes a few hundred bytes.
constexpr size_t kSmallMessage = 4096;
// An element takes at most 400 bytes with its comment, twice that as an interval of one field; a
// list must stay under the 65,535 bytes of an attribute. Room is made for what comes and not more:
// buffers are zeroed, and fresh pages are the dearest part of a short-lived program.
constexpr size_t kElementsPerMessage = 64;
constexpr size_t kElementRoom = 1024;

// The burst that nft does not print.
constexpr uint32_t kListedBurst = 5;

// Bounds what strangers can make the kernel remember: a few megabytes.
constexpr uint32_t kMostRemembered = 65'536;

constexpr const char* kTable = kTableName.data();  // made from a literal, so that it ends in zero

nlmsghdr* start(Messages& messages, int type, int flags, size_t room = kSmallMessage) {
  return messages.start(message_type(type), static_cast<uint16_t>(flags), NFPROTO_INET, 0, room);
}

// One entry of user data as nft writes comments: type, length, text, zero.
std::vector<uint8_t> user_data(uint8_t type, std::string_view text) {
  std::vector<uint8_t> bytes{type, static_cast<uint8_t>(text.size() + 1)};
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
  return bytes;
}

void put_chain_message(Messages& batch, int type, int flags, std::string_view name) {
  const ChainPointer object{nftnl_chain_alloc()};
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, kTable);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, std::string{name}.c_str());
  nftnl_chain_nlmsg_build_payload(start(batch, type, flags), object.get());
  batch.finish();
}

SetPointer set_named(std::string_view name) {
  SetPointer object{nftnl_set_alloc()};
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, std::string{name}.c_str());
  return object;
}

uint32_t to_kernel(Register slot) { return NFT_REG32_00 + slot.slot; }

// Adds one expression to a rule.
struct Adder {
  nftnl_rule* rule;

  nftnl_expr* make(const char* name) const {
    auto* object = nftnl_expr_alloc(name);
    nftnl_rule_add_expr(rule, object);  // which owns it from here on
    return object;
  }
  void operator()(const expression::Meta& meta) const {
    auto* object = make("meta");
    nftnl_expr_set_u32(object, NFTNL_EXPR_META_KEY, meta.key);
    nftnl_expr_set_u32(object, NFTNL_EXPR_META_DREG, to_kernel(meta.to));
  }
  void operator()(const expression::Payload& payload) const {
    auto* object = make("payload");
    nftnl_expr_set_u32(object, NFTNL_EXPR_PAYLOAD_BASE, payload.base);
    nftnl_expr_set_u32(object, NFTNL_EXPR_PAYLOAD_OFFSET, payload.offset);
    nftnl_expr_set_u32(object, NFTNL_EXPR_PAYLOAD_LEN, payload.length);
    nftnl_expr_set_u32(object, NFTNL_EXPR_PAYLOAD_DREG, to_kernel(payload.to));
  }
  void operator()(const expression::Conntrack& conntrack) const {
    auto* object = make("ct");
    nftnl_expr_set_u32(object, NFTNL_EXPR_CT_KEY, conntrack.key);
    nftnl_expr_set_u32(object, NFTNL_EXPR_CT_DREG, to_kernel(conntrack.to));
  }
  void operator()(const expression::DestinationType& type) const {
    auto* object = make("fib");
    nftnl_expr_set_u32(object, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    const bool is_bound = type.on == expression::DestinationType::On::incoming_link;
    nftnl_expr_set_u32(object, NFTNL_EXPR_FIB_FLAGS,
                       NFTA_FIB_F_DADDR | (is_bound ? uint32_t{NFTA_FIB_F_IIF} : 0U));
    nftnl_expr_set_u32(object, NFTNL_EXPR_FIB_DREG, to_kernel(type.to));
  }
  void operator()(const expression::Mask& mask) const {
    auto* object = make("bitwise");
    const auto length = static_cast<uint32_t>(mask.mask.size());
    const std::vector<uint8_t> zero(length);
    nftnl_expr_set_u32(object, NFTNL_EXPR_BITWISE_SREG, to_kernel(mask.at));
    nftnl_expr_set_u32(object, NFTNL_EXPR_BITWISE_DREG, to_kernel(mask.at));
    nftnl_expr_set_u32(object, NFTNL_EXPR_BITWISE_LEN, length);
    nftnl_expr_set(object, NFTNL_EXPR_BITWISE_MASK, mask.mask.data(), length);
    nftnl_expr_set(object, NFTNL_EXPR_BITWISE_XOR, zero.data(), length);
  }
  void operator()(const expression::Compare& compare) const {
    auto* object = make("cmp");
    const bool is_equal = compare.comparison == expression::Comparison::equal;
    nftnl_expr_set_u32(object, NFTNL_EXPR_CMP_SREG, to_kernel(compare.with));
    nftnl_expr_set_u32(object, NFTNL_EXPR_CMP_OP, is_equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
    nftnl_expr_set(object, NFTNL_EXPR_CMP_DATA, compare.bytes.data(),
                   static_cast<uint32_t>(compare.bytes.size()));
  }
  void operator()(const expression::Lookup& lookup) const {
    auto* object = make("lookup");
    nftnl_expr_set_str(object, NFTNL_EXPR_LOOKUP_SET,
                       std::string{shape_of(lookup.set).name}.c_str());
    nftnl_expr_set_u32(object, NFTNL_EXPR_LOOKUP_SREG, to_kernel(lookup.key));
    if (lookup.membership == expression::Membership::outside) {
      nftnl_expr_set_u32(object, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    }
    if (lookup.value) nftnl_expr_set_u32(object, NFTNL_EXPR_LOOKUP_DREG, to_kernel(*lookup.value));
  }
  void operator()(const expression::Remember& remember) const {
    const auto& shape = shape_of(remember.set);
    auto* object = make("dynset");
    nftnl_expr_set_str(object, NFTNL_EXPR_DYNSET_SET_NAME, std::string{shape.name}.c_str());
    nftnl_expr_set_u32(object, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
    nftnl_expr_set_u32(object, NFTNL_EXPR_DYNSET_SREG_KEY, to_kernel(remember.key));
  }
  void operator()(const expression::Nat& nat) const {
    auto* object = make("nat");
    const uint32_t family = nat.family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    nftnl_expr_set_u32(object, NFTNL_EXPR_NAT_TYPE, nat.type);
    nftnl_expr_set_u32(object, NFTNL_EXPR_NAT_FAMILY, family);
    nftnl_expr_set_u32(object, NFTNL_EXPR_NAT_REG_ADDR_MIN, to_kernel(nat.address));
    if (nat.port) nftnl_expr_set_u32(object, NFTNL_EXPR_NAT_REG_PROTO_MIN, to_kernel(*nat.port));
  }
  void operator()(const expression::Reject& reject) const {
    auto* object = make("reject");
    nftnl_expr_set_u32(object, NFTNL_EXPR_REJECT_TYPE, reject.type);
    nftnl_expr_set_u8(object, NFTNL_EXPR_REJECT_CODE, reject.code);
  }
  void operator()(const expression::Masquerade&) const { make("masq"); }
  static uint32_t verdict_of(expression::Action action) {
    switch (action) {
      case expression::Action::accept:
        return NF_ACCEPT;
      case expression::Action::drop:
        return NF_DROP;
      case expression::Action::go_back:
        return static_cast<uint32_t>(NFT_RETURN);
    }
    return NF_DROP;
  }
  void operator()(const expression::Verdict& verdict) const {
    auto* object = make("immediate");
    nftnl_expr_set_u32(object, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(object, NFTNL_EXPR_IMM_VERDICT, verdict_of(verdict.action));
  }
  void lead_to(std::string_view chain, int32_t verdict) const {
    auto* object = make("immediate");
    nftnl_expr_set_u32(object, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(object, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(verdict));
    nftnl_expr_set_str(object, NFTNL_EXPR_IMM_CHAIN, std::string{chain}.c_str());
  }
  void operator()(const expression::Jump& jump) const { lead_to(jump.chain, NFT_JUMP); }
  void operator()(const expression::GoTo& next) const { lead_to(next.chain, NFT_GOTO); }
};

// What of an element a message carries: all of it, its key, or what a lookup asks for.
enum class Part : uint8_t { whole, key, question };

nftnl_set_elem* new_element(std::span<const uint8_t> key) {
  auto* object = nftnl_set_elem_alloc();
  nftnl_set_elem_set(object, NFTNL_SET_ELEM_KEY, key.data(), static_cast<uint32_t>(key.size()));
  return object;
}

// Adds an element to a libnftnl set, which owns it from then on. Intervals of one field are two
// elements for the kernel, the second being the first key behind the interval; intervals in
// concatenations are one with two keys.
void add_element(nftnl_set* set, const Element& element, Part part,
                 std::optional<std::chrono::milliseconds> time = std::nullopt) {
  const auto& shape = shape_of(element.set);
  const auto bounds = encode_key(element.key);
  auto* object = new_element(bounds.first);
  if (time) {
    nftnl_set_elem_set_u64(object, NFTNL_SET_ELEM_TIMEOUT, static_cast<uint64_t>(time->count()));
  }
  if (part == Part::whole) {
    const auto value = encode_fields(element.value);
    if (shape.has_bound()) {
      nftnl_set_elem_add_expr(object, bound_expression(element.value.front()));
    } else if (!value.empty()) {
      nftnl_set_elem_set(object, NFTNL_SET_ELEM_DATA, value.data(),
                         static_cast<uint32_t>(value.size()));
    }
    if (!element.owner.empty()) {
      const auto comment = user_data(NFTNL_UDATA_SET_ELEM_COMMENT, element.owner);
      nftnl_set_elem_set(object, NFTNL_SET_ELEM_USERDATA, comment.data(),
                         static_cast<uint32_t>(comment.size()));
    }
  }
  const bool is_interval = shape.has_intervals();
  if (is_interval && shape.key.size() > 1) {
    nftnl_set_elem_set(object, NFTNL_SET_ELEM_KEY_END, bounds.last.data(),
                       static_cast<uint32_t>(bounds.last.size()));
  }
  nftnl_set_elem_add(set, object);
  if (!is_interval || shape.key.size() > 1) return;
  if (const auto behind = next_key(bounds.last)) {
    // Asked for an end, the kernel finds the first one behind a key; asked for the exact key it may
    // find the start of the next interval instead.
    auto* end = new_element(part == Part::question ? bounds.last : *behind);
    nftnl_set_elem_set_u32(end, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    nftnl_set_elem_add(set, end);
  }
}

void put_elements(Messages& batch, std::span<const Element> elements, int type, int flags,
                  Part part, std::span<const std::chrono::milliseconds> whiles = {}) {
  while (!elements.empty()) {
    const auto now = elements.first(std::min(elements.size(), kElementsPerMessage));
    elements = elements.subspan(now.size());
    const auto set = set_named(shape_of(now.front().set).name);
    for (const auto& element : now) {
      std::optional<std::chrono::milliseconds> time;
      if (!whiles.empty()) {
        time = whiles.front();
        whiles = whiles.subspan(1);
      }
      add_element(set.get(), element, part, time);
    }
    const size_t room = (now.size() + 1) * kElementRoom;
    nftnl_set_elems_nlmsg_build_payload(start(batch, type, flags, room), set.get());
    batch.finish();
  }
}

}  // namespace

uint16_t message_type(int type) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type); }

uint32_t set_flags(const SetShape& shape) {
  uint32_t flags = 0;
  if (shape.has_intervals()) flags |= NFT_SET_INTERVAL;
  if (shape.has_intervals() && shape.key.size() > 1) flags |= NFT_SET_CONCAT;
  if (shape.is_map()) flags |= NFT_SET_MAP;
  if (shape.filled_by == FilledBy::packets) flags |= NFT_SET_EVAL | NFT_SET_TIMEOUT;
  if (shape.filled_by == FilledBy::answers) flags |= NFT_SET_TIMEOUT;
  return flags;
}

void put_batch_begin(Messages& batch, std::optional<uint32_t> generation) {
  auto* message = batch.start(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 64);
  if (generation) mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
  batch.finish();
}

void put_batch_end(Messages& batch) {
  // Kernels before 6.10 acknowledge the messages of a batch, but not its end.
  batch.acknowledge_last();
  batch.start(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0);
  batch.finish();
}

void put_new_table(Messages& batch) {
  const TablePointer object{nftnl_table_alloc()};
  const auto comment = user_data(NFTNL_UDATA_TABLE_COMMENT, kTableComment);
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, kTable);
  nftnl_table_set_data(object.get(), NFTNL_TABLE_USERDATA, comment.data(),
                       static_cast<uint32_t>(comment.size()));
  nftnl_table_nlmsg_build_payload(start(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL),
                                  object.get());
  batch.finish();
}

void put_delete_table(Messages& batch) {
  const TablePointer object{nftnl_table_alloc()};
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, kTable);
  nftnl_table_nlmsg_build_payload(start(batch, NFT_MSG_DELTABLE, 0), object.get());
  batch.finish();
}

void put_new_chain(Messages& batch, const Chain& chain) {
  const ChainPointer object{nftnl_chain_alloc()};
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, kTable);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, std::string{chain.name}.c_str());
  if (chain.hook) {
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, std::string{chain.hook->type}.c_str());
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, chain.hook->number);
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.hook->priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  }
  if (!chain.comment.empty()) {
    const auto comment = user_data(NFTNL_UDATA_CHAIN_COMMENT, chain.comment);
    nftnl_chain_set_data(object.get(), NFTNL_CHAIN_USERDATA, comment.data(),
                         static_cast<uint32_t>(comment.size()));
  }
  nftnl_chain_nlmsg_build_payload(start(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), object.get());
  batch.finish();
}

void put_flush_chain(Messages& batch, std::string_view chain) {
  const RulePointer object{nftnl_rule_alloc()};
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kTable);
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string{chain}.c_str());
  nftnl_rule_nlmsg_build_payload(start(batch, NFT_MSG_DELRULE, 0), object.get());
  batch.finish();
}

void put_delete_chain(Messages& batch, std::string_view chain) {
  put_chain_message(batch, NFT_MSG_DELCHAIN, 0, chain);
}

void put_new_set(Messages& batch, const SetShape& shape) {
  const auto set = set_named(shape.name);
  auto* object = set.get();
  nftnl_set_set_u32(object, NFTNL_SET_ID, static_cast<uint32_t>(shape.set) + 1);
  nftnl_set_set_u32(object, NFTNL_SET_FLAGS, set_flags(shape));
  nftnl_set_set_u32(object, NFTNL_SET_KEY_TYPE, kernel_type(shape.key));
  nftnl_set_set_u32(object, NFTNL_SET_KEY_LEN, kernel_length(shape.key));
  if (shape.has_bound()) {
    // nft loads a listing with elements that count only where their set says so. Each of ours says
    // by what, so that the set's own bound never holds.
    nftnl_set_add_expr(object, bound_expression(shape.value[0] == FieldType::rate
                                                    ? Field{Rate{.burst = kListedBurst}}
                                                    : Field{ConnectionCount{}}));
  }
  if (shape.is_map()) {
    nftnl_set_set_u32(object, NFTNL_SET_DATA_TYPE, kernel_type(shape.value));
    nftnl_set_set_u32(object, NFTNL_SET_DATA_LEN, kernel_length(shape.value));
  }
  if (shape.lifetime) {
    const std::chrono::milliseconds lifetime{*shape.lifetime};
    nftnl_set_set_u64(object, NFTNL_SET_TIMEOUT, static_cast<uint64_t>(lifetime.count()));
  }
  if (shape.filled_by != FilledBy::commands) {
    nftnl_set_set_u32(object, NFTNL_SET_DESC_SIZE, kMostRemembered);
  }
  if ((set_flags(shape) & NFT_SET_CONCAT) != 0) {
    std::vector<uint8_t> lengths;
    for (const auto type : shape.key) {
      lengths.push_back(static_cast<uint8_t>(kernel_length(std::span{&type, 1})));
    }
    nftnl_set_set_data(object, NFTNL_SET_DESC_CONCAT, lengths.data(),
                       static_cast<uint32_t>(lengths.size()));
  }
  auto comment = user_data(NFTNL_UDATA_SET_COMMENT, shape.comment);
  if (shape.key.size() == 1 && shape.key[0] == FieldType::link) {
    // Without it nft lists names backwards: BYTEORDER_HOST_ENDIAN of its include/datatype.h.
    constexpr std::array<uint8_t, 6> kHostOrder{NFTNL_UDATA_SET_KEYBYTEORDER, 4, 1, 0, 0, 0};
    comment.insert(comment.begin(), kHostOrder.begin(), kHostOrder.end());
  }
  nftnl_set_set_data(object, NFTNL_SET_USERDATA, comment.data(),
                     static_cast<uint32_t>(comment.size()));
  nftnl_set_nlmsg_build_payload(start(batch, NFT_MSG_NEWSET, NLM_F_CREATE), object);
  batch.finish();
}

void put_flush_set(Messages& batch, std::string_view set) {
  const auto object = set_named(set);
  nftnl_set_elems_nlmsg_build_payload(start(batch, NFT_MSG_DELSETELEM, 0), object.get());
  batch.finish();
}

void put_delete_set(Messages& batch, std::string_view set) {
  const auto object = set_named(set);
  nftnl_set_nlmsg_build_payload(start(batch, NFT_MSG_DELSET, 0), object.get());
  batch.finish();
}

void put_new_rule(Messages& batch, const Rule& rule, size_t ordinal,
                  std::optional<uint64_t> before) {
  const RulePointer object{nftnl_rule_alloc()};
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kTable);
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string{rule.chain}.c_str());
  for (const auto& expression : rule.expressions) std::visit(Adder{object.get()}, expression);
  auto notes = encode_mark(ordinal);
  if (!rule.comment.empty()) {
    const auto comment = user_data(NFTNL_UDATA_RULE_COMMENT, rule.comment);
    notes.insert(notes.begin(), comment.begin(), comment.end());
  }
  nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, notes.data(),
                      static_cast<uint32_t>(notes.size()));
  // Without NLM_F_APPEND a position is what the new rule goes before (nf_tables_newrule).
  if (before) nftnl_rule_set_u64(object.get(), NFTNL_RULE_POSITION, *before);
  nftnl_rule_nlmsg_build_payload(
      start(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | (before ? 0 : NLM_F_APPEND)), object.get());
  batch.finish();
}

void put_all_rules(Messages& batch) {
  size_t ordinal = 0;
  for (const auto& rule : all_rules()) put_new_rule(batch, rule, ordinal++);
}

void put_add_elements(Messages& batch, std::span<const Element> elements) {
  put_elements(batch, elements, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, Part::whole);
}

void put_delete_elements(Messages& batch, std::span<const Element> elements) {
  put_elements(batch, elements, NFT_MSG_DELSETELEM, 0, Part::key);
}

void put_ensure_elements(Messages& batch, std::span<const Element> elements) {
  put_elements(batch, elements, NFT_MSG_NEWSETELEM, NLM_F_CREATE, Part::whole);
}

void put_add_elements_for(Messages& batch, std::span<const Element> elements,
                          std::span<const std::chrono::milliseconds> whiles) {
  put_elements(batch, elements, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, Part::whole, whiles);
}

void put_get_generation(Messages& requests) {
  requests.start(message_type(NFT_MSG_GETGEN), NLM_F_ACK, AF_UNSPEC, 0, 0);
  requests.finish();
}

void put_get_table(Messages& requests) {
  const TablePointer object{nftnl_table_alloc()};
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, kTable);
  nftnl_table_nlmsg_build_payload(start(requests, NFT_MSG_GETTABLE, NLM_F_ACK), object.get());
  requests.finish();
}

void put_get_element(Messages& requests, const Element& element) {
  put_elements(requests, std::span{&element, 1}, NFT_MSG_GETSETELEM, NLM_F_ACK, Part::question);
}

void put_dump_elements(Messages& requests, std::string_view set) {
  const auto object = set_named(set);
  nftnl_set_elems_nlmsg_build_payload(start(requests, NFT_MSG_GETSETELEM, NLM_F_DUMP),
                                      object.get());
  requests.finish();
}

void put_dump_rules(Messages& requests) {
  const RulePointer object{nftnl_rule_alloc()};
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kTable);
  nftnl_rule_nlmsg_build_payload(start(requests, NFT_MSG_GETRULE, NLM_F_DUMP), object.get());
  requests.finish();
}

void put_dump_chains(Messages& requests) {
  start(requests, NFT_MSG_GETCHAIN, NLM_F_DUMP);
  requests.finish();
}

void put_dump_sets(Messages& requests) {
  const SetPointer object{nftnl_set_alloc()};
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, kTable);
  nftnl_set_nlmsg_build_payload(start(requests, NFT_MSG_GETSET, NLM_F_DUMP), object.get());
  requests.finish();
}

}  // namespace burrow::firewall
