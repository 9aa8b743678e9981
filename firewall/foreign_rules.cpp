#include "firewall/foreign_rules.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "firewall/messages.h"
#include "firewall/nftnl.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

constexpr size_t kRoom = 4096;  // a rule of ours takes a few hundred bytes
constexpr uint32_t kPortOffset = 2;
constexpr uint32_t kPortSize = 2;

using Bytes = std::span<const uint8_t>;

// Targets of iptables after which a rule's packet goes on.
constexpr std::array<std::string_view, 14> kTargetsThatGoOn{
    "LOG",      "NFLOG", "ULOG", "AUDIT",    "MARK", "CONNMARK", "TCPMSS",
    "CHECKSUM", "TRACE", "SET",  "CLASSIFY", "DSCP", "TOS",      "CONNSECMARK"};
// Expressions that neither compare nor decide.
constexpr std::array<std::string_view, 4> kWithoutEffect{"counter", "log", "notrack", "last"};
// Expressions that hand packets to somebody else.
constexpr std::array<std::string_view, 4> kHandedOver{"queue", "synproxy", "tproxy", "fwd"};

bool is_among(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::optional<TableFamily> family_of(const nlmsghdr& message) {
  switch (static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family) {
    case NFPROTO_IPV4:
      return TableFamily::ip;
    case NFPROTO_IPV6:
      return TableFamily::ip6;
    case NFPROTO_INET:
      return TableFamily::inet;
    case NFPROTO_BRIDGE:
      return TableFamily::bridge;
    default:
      return std::nullopt;
  }
}

uint8_t number_of(TableFamily family) {
  switch (family) {
    case TableFamily::ip:
      return NFPROTO_IPV4;
    case TableFamily::ip6:
      return NFPROTO_IPV6;
    case TableFamily::inet:
      return NFPROTO_INET;
    case TableFamily::bridge:
      return NFPROTO_BRIDGE;
  }
  return NFPROTO_UNSPEC;
}

std::string_view text_of(Bytes bytes) {
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return text.substr(0, text.find('\0'));
}

std::optional<uint32_t> number(Bytes bytes) {
  uint32_t value = 0;
  if (bytes.size() != sizeof(value)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return ntohl(value);
}

int hand_on(const nlattr* attribute, void* opaque) {
  const auto& use = *static_cast<const std::function<void(Bytes)>*>(opaque);
  use({static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)),
       mnl_attr_get_payload_len(attribute)});
  return MNL_CB_OK;
}

void for_each_attribute(Bytes attributes, const std::function<void(Bytes)>& use) {
  // The callback's argument is not const in libmnl's header.
  auto copy = use;
  mnl_attr_parse_payload(attributes.data(), attributes.size(), hand_on, &copy);
}

std::string comment_in(Bytes notes) {
  while (notes.size() >= 2 && notes.size() >= 2U + notes[1]) {
    const auto value = notes.subspan(2, notes[1]);
    if (notes[0] == NFTNL_UDATA_RULE_COMMENT) return std::string{text_of(value)};
    notes = notes.subspan(2U + notes[1]);
  }
  return {};
}

// Reads a rule expression by expression. Registers are followed from one load to the comparison
// behind it, which is all that rules like ours have.
class RuleReader {
 public:
  explicit RuleReader(std::string comment) { accept_.comment = std::move(comment); }

  void read(std::string_view name, Bytes body) {
    if (name == "meta") {
      load({.key = number(find_nested(body, NFTA_META_KEY)), .payload = {}},
           find_nested(body, NFTA_META_DREG));
    } else if (name == "payload") {
      load({.key = {}, .payload = payload_of(body)}, find_nested(body, NFTA_PAYLOAD_DREG));
    } else if (name == "cmp") {
      compare(body);
    } else if (name == "immediate") {
      decide(body);
    } else if (name == "reject") {
      end(ForeignRule::Ending::drop);
    } else if (name == "match") {
      match(body);
    } else if (name == "target") {
      const auto target = text_of(find_nested(body, NFTA_TARGET_NAME));
      is_plain_ = false;
      if (target == "REJECT") {
        end(ForeignRule::Ending::drop);
      } else if (!is_among(target, kTargetsThatGoOn)) {
        end(ForeignRule::Ending::unknown);
      }
    } else if (is_among(name, kHandedOver)) {
      end(ForeignRule::Ending::unknown);
    } else if (is_among(name, kWithoutEffect)) {
      is_plain_ &= name == "counter";
    } else {
      condition();
    }
  }

  ForeignRule take(uint64_t handle) {
    rule_.handle = handle;
    const bool is_accept = rule_.ending == ForeignRule::Ending::accept;
    if (is_plain_ && is_accept && (accept_.in || accept_.out)) rule_.accept = std::move(accept_);
    return std::move(rule_);
  }

 private:
  struct Payload {
    uint32_t base = 0;
    uint32_t offset = 0;
    uint32_t length = 0;
  };
  struct Loaded {
    std::optional<uint32_t> key;  // of NFT_META_*
    std::optional<Payload> payload;
    uint32_t to = 0;
  };

  static std::optional<Payload> payload_of(Bytes body) {
    const auto base = number(find_nested(body, NFTA_PAYLOAD_BASE));
    const auto offset = number(find_nested(body, NFTA_PAYLOAD_OFFSET));
    const auto length = number(find_nested(body, NFTA_PAYLOAD_LEN));
    if (!base || !offset || !length) return std::nullopt;
    return Payload{*base, *offset, *length};
  }

  // Something that not all packets may satisfy, and that rules of ours do not have.
  void condition() {
    rule_.is_conditional = true;
    is_plain_ = false;
    loaded_.reset();
  }

  void load(Loaded loaded, Bytes to) {
    const auto place = number(to);
    loaded_.reset();
    if (!place) {
      is_plain_ = false;  // it writes into the packet, or about it
      return;
    }
    loaded.to = *place;
    loaded_ = loaded;
  }

  void compare(Bytes body) {
    const auto loaded = std::exchange(loaded_, std::nullopt);
    rule_.is_conditional = true;
    const auto value = find_nested(find_nested(body, NFTA_CMP_DATA), NFTA_DATA_VALUE);
    const bool is_equal = number(find_nested(body, NFTA_CMP_OP)) == uint32_t{NFT_CMP_EQ};
    if (!loaded || !is_equal || number(find_nested(body, NFTA_CMP_SREG)) != loaded->to ||
        !take_in(*loaded, value)) {
      is_plain_ = false;
    }
  }

  bool take_in(const Loaded& loaded, Bytes value) {
    if (loaded.key == uint32_t{NFT_META_IIFNAME}) return take_in_link(accept_.in, value);
    if (loaded.key == uint32_t{NFT_META_OIFNAME}) return take_in_link(accept_.out, value);
    if (loaded.key == uint32_t{NFT_META_L4PROTO}) {
      if (accept_.protocol || value.size() != 1) return false;
      accept_.protocol = value[0];
      return true;
    }
    if (!loaded.payload || loaded.payload->base != NFT_PAYLOAD_TRANSPORT_HEADER ||
        loaded.payload->offset != kPortOffset || loaded.payload->length != kPortSize ||
        accept_.port || value.size() != kPortSize) {
      return false;
    }
    accept_.port = static_cast<uint16_t>(value[0] << 8 | value[1]);
    return true;
  }

  // Without the byte that ends it a name stands for all that begin so.
  static bool take_in_link(std::optional<LinkName>& link, Bytes value) {
    auto name = LinkName::parse(text_of(value));
    if (link || !name || text_of(value).size() == value.size()) return false;
    link = *std::move(name);
    return true;
  }

  void decide(Bytes body) {
    if (number(find_nested(body, NFTA_IMMEDIATE_DREG)) != uint32_t{NFT_REG_VERDICT}) {
      is_plain_ = false;
      loaded_.reset();
      return;
    }
    const auto verdict = find_nested(find_nested(body, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT);
    const auto code = number(find_nested(verdict, NFTA_VERDICT_CODE));
    rule_.target = text_of(find_nested(verdict, NFTA_VERDICT_CHAIN));
    switch (static_cast<int32_t>(code.value_or(NF_QUEUE))) {
      case NF_ACCEPT:
        return end(ForeignRule::Ending::accept);
      case NF_DROP:
        return end(ForeignRule::Ending::drop);
      case NFT_RETURN:
        return end(ForeignRule::Ending::go_back);
      case NFT_JUMP:
        return end(ForeignRule::Ending::jump);
      case NFT_GOTO:
        return end(ForeignRule::Ending::go_to);
      case NFT_CONTINUE:
        return;
      case NFT_BREAK:
        return condition();
      default:
        return end(ForeignRule::Ending::unknown);
    }
  }

  // iptables-restore writes a comment as a match that matches always (xt_comment.h: 256 bytes).
  void match(Bytes body) {
    if (text_of(find_nested(body, NFTA_MATCH_NAME)) != "comment") return condition();
    if (accept_.comment.empty()) {
      accept_.comment = text_of(find_nested(body, NFTA_MATCH_INFO));
    }
  }

  // What follows a decision is never reached.
  void end(ForeignRule::Ending ending) {
    if (rule_.ending == ForeignRule::Ending::none) rule_.ending = ending;
  }

  ForeignRule rule_;
  AcceptRule accept_;
  bool is_plain_ = true;
  std::optional<Loaded> loaded_;
};

std::optional<ChainHook> hook_of(Bytes hook) {
  const auto where = number(find_nested(hook, NFTA_HOOK_HOOKNUM));
  if (where == uint32_t{NF_INET_LOCAL_IN}) return ChainHook::input;
  if (where == uint32_t{NF_INET_FORWARD}) return ChainHook::forward;
  return std::nullopt;
}

nlmsghdr* start(Messages& messages, int type, int flags, TableFamily family) {
  return messages.start(message_type(type), static_cast<uint16_t>(flags), number_of(family), 0,
                        kRoom);
}

RulePointer rule_in(const ChainPlace& place) {
  RulePointer object{nftnl_rule_alloc()};
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, place.table.c_str());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, place.chain.c_str());
  return object;
}

nftnl_expr* add_expression(nftnl_rule* rule, const char* name) {
  auto* object = nftnl_expr_alloc(name);
  nftnl_rule_add_expr(rule, object);  // which owns it from here on
  return object;
}

void add_load(nftnl_rule* rule, uint32_t key) {
  auto* meta = add_expression(rule, "meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void add_comparison(nftnl_rule* rule, const void* bytes, size_t size) {
  auto* compare = add_expression(rule, "cmp");
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, bytes, static_cast<uint32_t>(size));
}

void add_link(nftnl_rule* rule, uint32_t key, const std::optional<LinkName>& link) {
  if (!link) return;
  add_load(rule, key);
  add_comparison(rule, link->str().c_str(), link->str().size() + 1);
}

void add_port(nftnl_rule* rule, uint16_t port) {
  auto* payload = add_expression(rule, "payload");
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, kPortOffset);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, kPortSize);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
  const uint16_t on_wire = htons(port);
  add_comparison(rule, &on_wire, sizeof(on_wire));
}

}  // namespace

std::optional<PlacedRule> read_foreign_rule(const nlmsghdr& message) {
  const bool goes = message.nlmsg_type == message_type(NFT_MSG_DELRULE);
  if (!goes && message.nlmsg_type != message_type(NFT_MSG_NEWRULE)) return std::nullopt;
  const auto family = family_of(message);
  if (!family) return std::nullopt;
  const auto attribute = [&](uint16_t type) {
    return find_attribute(message, sizeof(nfgenmsg), type);
  };
  PlacedRule placed{.place = {.family = *family,
                              .table = std::string{text_of(attribute(NFTA_RULE_TABLE))},
                              .chain = std::string{text_of(attribute(NFTA_RULE_CHAIN))}},
                    .rule = {}};
  RuleReader reader{comment_in(attribute(NFTA_RULE_USERDATA))};
  for_each_attribute(attribute(NFTA_RULE_EXPRESSIONS), [&](Bytes expression) {
    reader.read(text_of(find_nested(expression, NFTA_EXPR_NAME)),
                find_nested(expression, NFTA_EXPR_DATA));
  });
  uint64_t handle = 0;
  const auto bytes = attribute(NFTA_RULE_HANDLE);
  if (bytes.size() == sizeof(handle)) std::memcpy(&handle, bytes.data(), sizeof(handle));
  placed.rule = reader.take(be64toh(handle));
  return placed;
}

std::optional<ForeignChain> read_foreign_chain(const nlmsghdr& message) {
  if (message.nlmsg_type != message_type(NFT_MSG_NEWCHAIN)) return std::nullopt;
  const auto family = family_of(message);
  if (!family) return std::nullopt;
  const auto attribute = [&](uint16_t type) {
    return find_attribute(message, sizeof(nfgenmsg), type);
  };
  ForeignChain chain{.place = {.family = *family,
                               .table = std::string{text_of(attribute(NFTA_CHAIN_TABLE))},
                               .chain = std::string{text_of(attribute(NFTA_CHAIN_NAME))}}};
  chain.uses = number(attribute(NFTA_CHAIN_USE)).value_or(0);
  const auto hook = attribute(NFTA_CHAIN_HOOK);
  if (hook.empty()) return chain;
  chain.hook = hook_of(hook);
  if (!chain.hook || text_of(attribute(NFTA_CHAIN_TYPE)) != "filter") return std::nullopt;
  if (number(attribute(NFTA_CHAIN_POLICY)) == uint32_t{NF_DROP}) chain.policy = ChainPolicy::drop;
  return chain;
}

bool is_left_out(const ChainPlace& place) {
  if (place.table == "firewalld") return true;
  return place.family == TableFamily::inet &&
         (place.table == kTableName || place.table.starts_with("burrow_"));
}

void put_dump_foreign_chains(Messages& requests) {
  requests.start(message_type(NFT_MSG_GETCHAIN), NLM_F_DUMP, NFPROTO_UNSPEC, 0, 0);
  requests.finish();
}

void put_dump_foreign_rules(Messages& requests, const ChainPlace& place) {
  const auto object = rule_in(place);
  nftnl_rule_nlmsg_build_payload(start(requests, NFT_MSG_GETRULE, NLM_F_DUMP, place.family),
                                 object.get());
  requests.finish();
}

void put_accept_rule(Messages& batch, const ChainPlace& place, const AcceptRule& rule,
                     std::optional<uint64_t> before) {
  const auto object = rule_in(place);
  auto* all = object.get();
  add_link(all, NFT_META_IIFNAME, rule.in);
  add_link(all, NFT_META_OIFNAME, rule.out);
  if (rule.protocol) {
    add_load(all, NFT_META_L4PROTO);
    add_comparison(all, &*rule.protocol, sizeof(*rule.protocol));
  }
  if (rule.port) add_port(all, *rule.port);
  add_expression(all, "counter");
  auto* verdict = add_expression(all, "immediate");
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
  std::vector<uint8_t> notes{NFTNL_UDATA_RULE_COMMENT,
                             static_cast<uint8_t>(rule.comment.size() + 1)};
  notes.insert(notes.end(), rule.comment.begin(), rule.comment.end());
  notes.push_back(0);
  nftnl_rule_set_data(all, NFTNL_RULE_USERDATA, notes.data(), static_cast<uint32_t>(notes.size()));
  // Without NLM_F_APPEND a position is what the new rule goes before (nf_tables_newrule).
  if (before) nftnl_rule_set_u64(all, NFTNL_RULE_POSITION, *before);
  const int flags = NLM_F_CREATE | (before ? 0 : NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(start(batch, NFT_MSG_NEWRULE, flags, place.family), all);
  batch.finish();
}

void put_delete_rule(Messages& batch, const ChainPlace& place, uint64_t handle) {
  const auto object = rule_in(place);
  nftnl_rule_set_u64(object.get(), NFTNL_RULE_HANDLE, handle);
  nftnl_rule_nlmsg_build_payload(start(batch, NFT_MSG_DELRULE, 0, place.family), object.get());
  batch.finish();
}

}  // namespace burrow::firewall
