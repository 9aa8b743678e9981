#include "firewall/admin_rules.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/nftnl.h"
#include "firewall/replies.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// Of libnftnl's own sets ours have the numbers up to kSetCount.
constexpr uint32_t kFirstSetId = 1000;
// A list of elements fills the 65,535 bytes of an attribute at most.
constexpr size_t kElementsRoom = 70'000;
constexpr std::string_view kTable = kTableName;
// What the kernel makes a name of: a set without one is made by this text
// (nf_tables_set_alloc_name).
constexpr std::string_view kUnnamed = "__";
constexpr const char* kUnnamedSet = "__set%d";
constexpr const char* kUnnamedMap = "__map%d";
// NFT_DATA_VERDICT: maps to what happens, perhaps in another chain.
constexpr uint32_t kVerdictType = 0xffffff00U;

std::string text(const char* bytes) { return bytes == nullptr ? "" : bytes; }

bool is_ours(std::string_view set) {
  return std::ranges::find(all_shapes(), set, &SetShape::name) != all_shapes().end();
}

// What an expression needs besides itself and sets; nothing when it stands alone.
std::optional<std::string> need_of(const nftnl_expr* expression) {
  const auto kind = text(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME));
  if (kind == "immediate" && nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN)) {
    return fmt::format("chain \"{}\"", text(nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN)));
  }
  if (kind == "dynset") return "a set that packets are written into";
  if (kind == "objref") return "a named counter, quota or limit";
  if (kind == "flow_offload") return "a flow table";
  return std::nullopt;
}

template <typename Use>
void for_each_expression(nftnl_rule* rule, Use use) {
  auto* all = nftnl_expr_iter_create(rule);
  if (all == nullptr) return;
  while (auto* expression = nftnl_expr_iter_next(all)) use(expression);
  nftnl_expr_iter_destroy(all);
}

bool is_lookup(const nftnl_expr* expression) {
  return text(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME)) == "lookup";
}

}  // namespace

struct AdminRules::Kept {
  struct OneRule {
    uint64_t handle = 0;
    RulePointer rule;
  };
  struct OneSet {
    uint32_t id = 0;
    bool is_unnamed = false;
    SetPointer set;
    bool has_elements = false;
  };
  std::vector<OneRule> rules;
  std::map<std::string, OneSet> sets;
};

AdminRules::AdminRules() : kept_(std::make_unique<Kept>()) {}
AdminRules::AdminRules(AdminRules&&) noexcept = default;
AdminRules& AdminRules::operator=(AdminRules&&) noexcept = default;
AdminRules::~AdminRules() = default;

size_t AdminRules::count() const { return kept_->rules.size(); }

void AdminRules::forget(uint64_t handle) {
  std::erase_if(kept_->rules, [&](const Kept::OneRule& one) { return one.handle == handle; });
}

Result<AdminRules> AdminRules::read() {
  AdminRules result;
  auto& kept = *result.kept_;
  auto socket = TRY(NetfilterSocket::open());
  TRY_VOID(socket.dump([](Messages& messages) { put_dump_rules(messages); },
                       [&](const nlmsghdr& message) -> Result<void> {
                         const auto place = read_rule(message);
                         if (!place || place->chain != kAdminChain) return {};
                         RulePointer rule{nftnl_rule_alloc()};
                         if (nftnl_rule_nlmsg_parse(&message, rule.get()) < 0) {
                           return fail(Errc::corrupt, "netfilter sent a rule that does not decode");
                         }
                         kept.rules.push_back({place->handle, std::move(rule)});
                         return {};
                       },
                       [&] { kept.rules.clear(); }));
  for (size_t i = 0; i < kept.rules.size(); ++i) {
    for_each_expression(kept.rules[i].rule.get(), [&](const nftnl_expr* expression) {
      if (auto need = need_of(expression)) {
        result.obstacle_ =
            fmt::format("rule {} of chain \"{}\" uses {}", i + 1, kAdminChain, *need);
      }
      if (!is_lookup(expression)) return;
      auto name = text(nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET));
      if (!is_ours(name)) kept.sets[std::move(name)];
    });
  }
  if (kept.sets.empty()) return result;

  TRY_VOID(socket.dump([](Messages& messages) { put_dump_sets(messages); },
                       [&](const nlmsghdr& message) -> Result<void> {
                         const auto found = read_set(message);
                         const auto wanted = found ? kept.sets.find(found->name) : kept.sets.end();
                         if (wanted == kept.sets.end()) return {};
                         SetPointer set{nftnl_set_alloc()};
                         if (nftnl_set_nlmsg_parse(&message, set.get()) < 0) {
                           return fail(Errc::corrupt, "netfilter sent a set that does not decode");
                         }
                         wanted->second.set = std::move(set);
                         return {};
                       },
                       [] {}));
  uint32_t id = kFirstSetId;
  for (auto& [name, one] : kept.sets) {
    if (!one.set) return fail(Errc::changed, "set \"{}\" went away while it was read", name);
    one.id = id++;
    one.is_unnamed = name.starts_with(kUnnamed);
    const auto number = [&](uint16_t attribute) {
      return nftnl_set_is_set(one.set.get(), attribute)
                 ? nftnl_set_get_u32(one.set.get(), attribute)
                 : 0;
    };
    const bool is_map = (number(NFTNL_SET_FLAGS) & NFT_SET_MAP) != 0;
    if (is_map && number(NFTNL_SET_DATA_TYPE) == kVerdictType) {
      result.obstacle_ = fmt::format("chain \"{}\" uses a map of verdicts", kAdminChain);
    }
    TRY_VOID(socket.dump([&](Messages& messages) { put_dump_elements(messages, name); },
                         [&](const nlmsghdr& message) -> Result<void> {
                           if (message.nlmsg_type != message_type(NFT_MSG_NEWSETELEM)) return {};
                           if (nftnl_set_elems_nlmsg_parse(&message, one.set.get()) < 0) {
                             return fail(Errc::corrupt,
                                         "netfilter sent elements that do not decode");
                           }
                           one.has_elements = true;
                           return {};
                         },
                         [] {}));
    if (one.is_unnamed) {
      nftnl_set_set_str(one.set.get(), NFTNL_SET_NAME, is_map ? kUnnamedMap : kUnnamedSet);
    }
    nftnl_set_unset(one.set.get(), NFTNL_SET_HANDLE);
    nftnl_set_set_u32(one.set.get(), NFTNL_SET_ID, one.id);
  }
  return result;
}

void AdminRules::put(Messages& batch) const {
  const auto start = [&](int type, int flags, size_t room) {
    return batch.start(message_type(type), static_cast<uint16_t>(flags), NFPROTO_INET, 0, room);
  };
  for (const auto& [name, one] : kept_->sets) {
    nftnl_set_nlmsg_build_payload(start(NFT_MSG_NEWSET, NLM_F_CREATE, 4096), one.set.get());
    batch.finish();
    if (!one.has_elements) continue;
    auto* all = nftnl_set_elems_iter_create(one.set.get());
    while (all != nullptr) {
      const int more = nftnl_set_elems_nlmsg_build_payload_iter(
          start(NFT_MSG_NEWSETELEM, NLM_F_CREATE, kElementsRoom), all);
      batch.finish();
      if (more > 0) continue;
      nftnl_set_elems_iter_destroy(all);
      break;
    }
  }
  for (const auto& one : kept_->rules) {
    auto* rule = one.rule.get();
    nftnl_rule_unset(rule, NFTNL_RULE_HANDLE);
    nftnl_rule_unset(rule, NFTNL_RULE_POSITION);
    for_each_expression(rule, [&](nftnl_expr* expression) {
      if (!is_lookup(expression)) return;
      const auto known =
          kept_->sets.find(text(nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET)));
      if (known == kept_->sets.end()) return;
      nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, known->second.id);
      if (known->second.is_unnamed) {
        nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET,
                           nftnl_set_get_str(known->second.set.get(), NFTNL_SET_NAME));
      }
    });
    nftnl_rule_nlmsg_build_payload(start(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, 8192), rule);
    batch.finish();
  }
}

}  // namespace burrow::firewall
