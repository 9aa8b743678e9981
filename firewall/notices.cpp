#include "firewall/notices.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "firewall/foreign_rules.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/replies.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// A flush of a large map is told element by element. What does not fit is a lost notice, which is
// fine: then all is compared.
constexpr int kSocketBuffer = 4 << 20;
constexpr size_t kDatagram = 65536;
// More than these are compared with all that stands at less cost than singly.
constexpr size_t kMostElements = 4096;
constexpr size_t kMostAdminRules = 4096;
constexpr size_t kMostFollowed = 64;

// All kinds of messages about objects of a table name it by attribute 1.
constexpr uint16_t kTableAttribute = NFTA_RULE_TABLE;
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
              NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1);

std::string_view text_of(std::span<const uint8_t> bytes) {
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return text.substr(0, text.find('\0'));
}

std::span<const uint8_t> attribute(const nlmsghdr& message, uint16_t type) {
  return find_attribute(message, sizeof(nfgenmsg), type);
}

bool is_of_our_table(const nlmsghdr& message) {
  const auto* general = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message));
  return general->nfgen_family == NFPROTO_INET &&
         text_of(attribute(message, kTableAttribute)) == kTableName;
}

template <typename Number>
std::optional<Number> number(std::span<const uint8_t> bytes) {
  Number value = 0;
  if (bytes.size() != sizeof(value)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(value));
  if constexpr (sizeof(value) == 8) return be64toh(value);
  return ntohl(static_cast<uint32_t>(value));
}

bool is_our_set(std::string_view name) {
  return std::ranges::find(all_shapes(), name, &SetShape::name) != all_shapes().end();
}

// Intervals of one field are told in halves.
bool is_told_whole(std::string_view name) {
  const auto shape = std::ranges::find(all_shapes(), name, &SetShape::name);
  return shape->key.size() > 1 || !shape->has_intervals();
}

// Who fills these takes out of them as well, all the time, and nobody has them on record.
bool is_filled_by_answers(std::string_view name) {
  const auto shape = std::ranges::find(all_shapes(), name, &SetShape::name);
  return shape->filled_by == FilledBy::answers;
}

std::string printable(std::string_view text) {
  std::string result{text};
  std::ranges::replace_if(
      result, [](unsigned char byte) { return byte < ' ' || byte >= 0x7f; }, '?');
  return result;
}

}  // namespace

void Losses::add(Losses later) {
  needs_comparison |= later.needs_comparison;
  had_no_table |= later.had_no_table;
  changed_admin |= later.changed_admin;
  changed_others |= later.changed_others;
  std::ranges::move(later.elements, std::back_inserter(elements));
  std::ranges::move(later.admin_rules, std::back_inserter(admin_rules));
  if (later.by) blame(*std::move(later.by));
  if (elements.size() > kMostElements || admin_rules.size() > kMostAdminRules) {
    needs_comparison = true;
    elements.clear();
    admin_rules.clear();
  }
}

// A teardown that ends after a flush must not stand in for who flushed.
void Losses::blame(Culprit later) {
  const bool is_less = by && by->deed > later.deed;
  if (!is_less) by = std::move(later);
}

void LossReader::follow_others(std::optional<std::set<ChainPlace>> places) {
  follows_others_ = places.has_value();
  followed_ = std::move(places).value_or(std::set<ChainPlace>{});
}

// A chain that is new or has another policy, a rule of ours that goes, one that comes to ours, and
// rules that all packets meet: no other change can drop what passed before, or bring rules out of
// their place.
void LossReader::read_others(const nlmsghdr& message) {
  if (const auto chain = read_foreign_chain(message)) {
    losses_.changed_others |= chain->hook && !is_left_out(chain->place) &&
                              (chain->policy == ChainPolicy::drop || follows_others_);
    return;
  }
  const auto placed = read_foreign_rule(message);
  if (!placed || is_left_out(placed->place)) return;
  const auto& rule = placed->rule;
  if (rule.is_ours()) {
    follows_others_ = true;
    if (followed_.size() < kMostFollowed) followed_.insert(placed->place);
    if (message.nlmsg_type != message_type(NFT_MSG_DELRULE)) return;
    losses_.changed_others = takes_away_ = true;
    return;
  }
  using Ending = ForeignRule::Ending;
  const bool is_new = message.nlmsg_type == message_type(NFT_MSG_NEWRULE);
  losses_.changed_others |= is_new && followed_.contains(placed->place);
  if (rule.is_conditional || rule.ending == Ending::none) return;
  losses_.changed_others |= rule.ending == Ending::drop || follows_others_;
}

void LossReader::read(std::span<const uint8_t> datagram) {
  int left = static_cast<int>(datagram.size());
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
       mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) continue;
    const auto is = [&](int type) { return message->nlmsg_type == message_type(type); };
    if (is(NFT_MSG_NEWGEN)) {
      // The end of a transaction. What went with the whole table was not taken out by its
      // administrator.
      if (!ends_table_) {
        std::ranges::move(admin_rules_, std::back_inserter(losses_.admin_rules));
      }
      if (takes_away_) {
        const auto process = number<uint32_t>(attribute(*message, NFTA_GEN_PROC_PID));
        const auto name = text_of(attribute(*message, NFTA_GEN_PROC_NAME));
        const auto deed = ends_table_ ? Culprit::Deed::whole_table : Culprit::Deed::less;
        if (process) losses_.blame({*process, printable(name), deed});
      }
      admin_rules_.clear();
      takes_away_ = ends_table_ = false;
      continue;
    }
    if (!is_of_our_table(*message)) {
      read_others(*message);
      continue;
    }
    if (is(NFT_MSG_NEWTABLE)) {
      losses_.changed_admin = true;
    } else if (is(NFT_MSG_DELTABLE)) {
      losses_.needs_comparison = losses_.had_no_table = takes_away_ = ends_table_ = true;
    } else if (is(NFT_MSG_DELCHAIN)) {
      losses_.needs_comparison = takes_away_ = true;
    } else if (is(NFT_MSG_DELRULE) || is(NFT_MSG_NEWRULE)) {
      const bool goes = is(NFT_MSG_DELRULE);
      if (text_of(attribute(*message, NFTA_RULE_CHAIN)) != kAdminChain) {
        losses_.needs_comparison |= goes;
        takes_away_ |= goes;
        continue;
      }
      losses_.changed_admin = true;
      const auto handle = number<uint64_t>(attribute(*message, NFTA_RULE_HANDLE));
      if (goes && handle && admin_rules_.size() < kMostAdminRules) admin_rules_.push_back(*handle);
    } else if (is(NFT_MSG_DELSET) || is(NFT_MSG_NEWSET)) {
      const bool is_ours = is_our_set(text_of(attribute(*message, NFTA_SET_NAME)));
      const bool goes = is_ours && is(NFT_MSG_DELSET);
      losses_.needs_comparison |= goes;
      takes_away_ |= goes;
      losses_.changed_admin |= !is_ours;
    } else if (is(NFT_MSG_DELSETELEM) || is(NFT_MSG_NEWSETELEM)) {
      const auto set = text_of(attribute(*message, NFTA_SET_ELEM_LIST_SET));
      if (!is_our_set(set)) {
        losses_.changed_admin = true;
        continue;
      }
      if (is(NFT_MSG_NEWSETELEM) || is_filled_by_answers(set)) continue;
      takes_away_ = true;
      ElementReader reader;
      if (!is_told_whole(set) || !reader.read(*message)) {
        losses_.needs_comparison = true;
        continue;
      }
      losses_.add({.elements = reader.take()});
    }
  }
}

Losses LossReader::take() {
  auto losses = std::exchange(losses_, {});
  // A comparison covers elements as well.
  if (losses.needs_comparison) losses.elements.clear();
  return losses;
}

Result<NoticeSocket> NoticeSocket::open() {
  host::Fd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)};
  if (!fd.is_open()) {
    if (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT) {
      return fail(Errc::unsupported, "this kernel has no nfnetlink");
    }
    return system_failure(errno, "open a netfilter socket");
  }
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer) !=
      0) {
    // Fine without: more is lost, and compared.
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const int group = NFNLGRP_NFTABLES;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return system_failure(errno, "listen to nftables");
  }
  return NoticeSocket{std::move(fd)};
}

Result<Losses> NoticeSocket::take() {
  std::array<uint8_t, kDatagram> buffer;  // NOLINT(*-member-init): filled by what comes
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const auto size = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                 reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return reader_.take();
      if (errno != ENOBUFS) return system_failure(errno, "hear from nftables");
      reader_.miss();
      continue;
    }
    if (sender.nl_pid != 0) continue;  // not from the kernel
    if (static_cast<size_t>(size) > buffer.size()) {
      reader_.miss();
      continue;
    }
    reader_.read(std::span{buffer}.first(static_cast<size_t>(size)));
  }
}

}  // namespace burrow::firewall
