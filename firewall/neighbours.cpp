#include "firewall/neighbours.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "firewall/foreign_rules.h"
#include "firewall/messages.h"
#include "firewall/nftnl.h"
#include "firewall/replies.h"
#include "firewall/session.h"

namespace burrow::firewall {
namespace {

// A chain of so many is no place where anybody looks for a rule.
constexpr size_t kMostRules = 65'536;
// Base chains, and what they lead to: hosts have ten.
constexpr size_t kMostChains = 64;
constexpr int kMostAttempts = 24;

using Chains = std::map<ChainPlace, ForeignChain>;
using Table = std::pair<TableFamily, std::string>;

Result<Chains> read_chains(NetfilterSocket& socket) {
  Chains chains;
  TRY_VOID(socket.dump([](Messages& messages) { put_dump_foreign_chains(messages); },
                       [&](const nlmsghdr& message) -> Result<void> {
                         auto chain = read_foreign_chain(message);
                         if (!chain || is_left_out(chain->place)) return {};
                         auto place = chain->place;
                         chains.insert_or_assign(std::move(place), *std::move(chain));
                         return {};
                       },
                       [&] { chains.clear(); }));
  return chains;
}

// What decides for all packets, or is ours. Of what does not one in a row is enough to know that
// there is something: a list of ten thousand addresses is not kept.
bool matters(const ForeignRule& rule) {
  return rule.is_ours() || (!rule.is_conditional && rule.ending != ForeignRule::Ending::none);
}

Result<void> read_rules(NetfilterSocket& socket, ForeignChain& chain) {
  const auto uses = chain.uses;
  return socket.dump(
      [&](Messages& messages) { put_dump_foreign_rules(messages, chain.place); },
      [&](const nlmsghdr& message) -> Result<void> {
        auto placed = read_foreign_rule(message);
        if (!placed || placed->place != chain.place) return {};
        if (!matters(placed->rule) && !chain.rules.empty() && !matters(chain.rules.back())) {
          --chain.uses;
        } else if (chain.rules.size() == kMostRules) {
          chain.is_cut = true;
        } else {
          chain.rules.push_back(std::move(placed->rule));
        }
        return {};
      },
      [&] {
        chain.rules.clear();
        chain.is_cut = false;
        chain.uses = uses;
      });
}

// Base chains first; each chain that all packets are led to from there is read, too.
Result<Neighbourhood> look(NetfilterSocket& socket) {
  Neighbourhood there{.generation = TRY(Session{socket}.look_up({})).generation, .chains = {}};
  auto chains = TRY(read_chains(socket));
  std::vector<ChainPlace> wanted;
  for (const auto& [place, chain] : chains) {
    if (chain.hook) wanted.push_back(place);
  }
  for (size_t i = 0; i < wanted.size() && i < kMostChains; ++i) {
    const auto found = chains.find(wanted[i]);
    if (found == chains.end()) continue;  // read already, or gone
    auto chain = std::move(found->second);
    chains.erase(found);
    TRY_VOID(read_rules(socket, chain));
    for (const auto& rule : chain.rules) {
      if (rule.is_conditional || rule.target.empty()) continue;
      auto target = chain.place;
      target.chain = rule.target;
      wanted.push_back(std::move(target));
    }
    there.chains.push_back(std::move(chain));
  }
  return there;
}

std::string reason_of(const std::vector<Refusal>& refusals) {
  const auto& first = refusals.front();
  // The kernel says so of a table with the flag owner (nft_table_validate in nf_tables_api.c).
  if (first.code == EPERM) return "its table belongs to a running program";
  if (!first.text.empty()) return first.text;
  return system_failure(first.code, "change it").value().message;
}

bool is_overtaken(const std::vector<Refusal>& refusals) {
  return std::ranges::any_of(refusals, [](const Refusal& one) { return one.code == ERESTART; });
}

Table table_of(const ChainEdit& edit) { return {edit.place.family, edit.place.table}; }

Result<std::vector<Refusal>> commit(NetfilterSocket& socket, const std::vector<ChainEdit>& edits,
                                    uint32_t generation) {
  Messages batch;
  put_batch_begin(batch, generation);
  for (const auto& edit : edits) {
    for (const auto handle : edit.remove) put_delete_rule(batch, edit.place, handle);
    for (const auto& rule : edit.add) put_accept_rule(batch, edit.place, rule, edit.before);
  }
  put_batch_end(batch);
  return socket.commit(batch);
}

void note_ours(const Neighbourhood& there, Placement& placement) {
  placement.places.clear();
  for (const auto& chain : there.chains) {
    const auto is_ours = [](const ForeignRule& rule) { return rule.is_ours(); };
    if (std::ranges::any_of(chain.rules, is_ours)) placement.places.insert(chain.place);
  }
}

void count(const std::vector<ChainEdit>& edits, Placement& placement) {
  for (const auto& edit : edits) {
    if (!edit.add.empty()) placement.places.insert(edit.place);
    placement.added += edit.add.size();
    placement.removed += edit.remove.size();
  }
}

// Looks and changes, until nothing is left to change but what is refused.
Result<Placement> carry_out(
    const std::function<std::vector<ChainEdit>(const Neighbourhood&)>& plan) {
  auto socket = TRY(NetfilterSocket::open());
  Placement result;
  std::set<Table> refused;
  bool is_one_by_one = false;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto there = TRY(look(socket));
    note_ours(there, result);
    auto edits = plan(there);
    std::erase_if(edits, [&](const ChainEdit& edit) { return refused.contains(table_of(edit)); });
    if (edits.empty()) return result;
    const auto first = table_of(edits.front());
    if (is_one_by_one) {
      std::erase_if(edits, [&](const ChainEdit& edit) { return table_of(edit) != first; });
    }
    const auto refusals = TRY(commit(socket, edits, there.generation));
    if (refusals.empty()) {
      count(edits, result);
      if (!is_one_by_one) return result;
    } else if (!is_overtaken(refusals)) {
      if (!std::exchange(is_one_by_one, true)) continue;
      refused.insert(first);
      for (const auto& edit : edits) {
        result.trouble.push_back(fmt::format("chain \"{}\" cannot be changed: {}",
                                             to_string(edit.place), reason_of(refusals)));
      }
    }
  }
  return fail(Errc::changed, "the firewall kept changing, {} attempts were overtaken",
              kMostAttempts);
}

}  // namespace

Result<Neighbourhood> look_at_neighbours() {
  auto socket = TRY(NetfilterSocket::open());
  return look(socket);
}

Result<bool> has_table(const std::string& name) {
  auto socket = TRY(NetfilterSocket::open());
  const TablePointer object{nftnl_table_alloc()};
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, name.c_str());
  Messages request;
  nftnl_table_nlmsg_build_payload(
      request.start(message_type(NFT_MSG_GETTABLE), NLM_F_ACK, NFPROTO_INET, 0, 4096),
      object.get());
  request.finish();
  const auto refusals =
      TRY(socket.request(request, [](const nlmsghdr&) -> Result<void> { return {}; }));
  if (refusals.empty()) return true;
  if (refusals.front().code == ENOENT) return false;
  return system_failure(refusals.front().code, "look for a table");
}

Result<Placement> place_accepts(std::span<const Accepts> wanted) {
  if (wanted.empty()) return Placement{};
  return carry_out([&](const Neighbourhood& there) { return plan_accepts(there, wanted); });
}

Result<Placement> remove_accepts(const Accepts& accepts) {
  return carry_out([&](const Neighbourhood& there) { return plan_removal(there, accepts); });
}

}  // namespace burrow::firewall
