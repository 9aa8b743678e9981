#include "firewall/trace.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/trace.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <tuple>

#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/nftnl.h"
#include "firewall/replies.h"
#include "firewall/rule_words.h"

namespace burrow::firewall {
namespace {

constexpr const char* kTraceTable = "burrow_trace";
// Before everybody else: connection tracking begins at -200, raw tables are at -300.
constexpr int32_t kPriority = -500;
constexpr int kSocketBuffer = 1 << 20;
constexpr size_t kDatagram = 65536;
constexpr size_t kMostRulesKnown = 4096;

nlmsghdr* start_message(Messages& messages, int type, int flags, uint8_t family = NFPROTO_INET) {
  return messages.start(message_type(type), static_cast<uint16_t>(flags), family, 0, 4096);
}

void put_table(Messages& batch, int type, int flags, bool is_owned) {
  const TablePointer object{nftnl_table_alloc()};
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, kTraceTable);
  if (is_owned) nftnl_table_set_u32(object.get(), NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  nftnl_table_nlmsg_build_payload(start_message(batch, type, flags), object.get());
  batch.finish();
}

void put_chain(Messages& batch, const char* name, uint32_t hook) {
  const ChainPointer object{nftnl_chain_alloc()};
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, kTraceTable);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, name);
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, "filter");
  nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, hook);
  nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, kPriority);
  nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nftnl_chain_nlmsg_build_payload(start_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE),
                                  object.get());
  batch.finish();
}

/// Matches a flow and marks its packets.
class FlowRule {
 public:
  explicit FlowRule(const char* chain) : rule_(nftnl_rule_alloc()) {
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, kTraceTable);
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain);
  }
  void match(const Flow& flow) {
    const bool is_v6 = flow.from.is_v6();
    const std::array<uint8_t, 1> family{static_cast<uint8_t>(is_v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)};
    meta(NFT_META_NFPROTO, family);
    payload(NFT_PAYLOAD_NETWORK_HEADER, is_v6 ? 8 : 12, flow.from.bytes());
    payload(NFT_PAYLOAD_NETWORK_HEADER, is_v6 ? 24 : 16, flow.to.bytes());
    if (!flow.protocol) return;
    const std::array<uint8_t, 1> protocol{static_cast<uint8_t>(*flow.protocol)};
    meta(NFT_META_L4PROTO, protocol);
    if (!flow.port) return;
    const std::array<uint8_t, 2> port{static_cast<uint8_t>(*flow.port >> 8U),
                                      static_cast<uint8_t>(*flow.port & 0xffU)};
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, port);
  }
  void mark() {
    auto* one = make("immediate");
    const uint8_t on = 1;
    nftnl_expr_set_u32(one, NFTNL_EXPR_IMM_DREG, NFT_REG32_00);
    nftnl_expr_set(one, NFTNL_EXPR_IMM_DATA, &on, sizeof on);
    auto* set = make("meta");
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_SREG, NFT_REG32_00);
  }
  void put(Messages& batch) {
    nftnl_rule_nlmsg_build_payload(
        start_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), rule_.get());
    batch.finish();
  }

 private:
  nftnl_expr* make(const char* kind) {
    auto* expression = nftnl_expr_alloc(kind);
    nftnl_rule_add_expr(rule_.get(), expression);  // which owns it from here on
    return expression;
  }
  void equal(std::span<const uint8_t> bytes) {
    auto* compare = make("cmp");
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, bytes.data(), static_cast<uint32_t>(bytes.size()));
  }
  void meta(uint32_t key, std::span<const uint8_t> bytes) {
    auto* load = make("meta");
    nftnl_expr_set_u32(load, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(load, NFTNL_EXPR_META_DREG, NFT_REG32_00);
    equal(bytes);
  }
  void payload(uint32_t base, uint32_t offset, std::span<const uint8_t> bytes) {
    auto* load = make("payload");
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_LEN, static_cast<uint32_t>(bytes.size()));
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG32_00);
    equal(bytes);
  }
  RulePointer rule_;
};

bool has_code(const std::vector<Refusal>& refusals, int code) {
  return std::ranges::any_of(refusals, [&](const Refusal& one) { return one.code == code; });
}

// A table that a killed trace left, on kernels that do not take it away with its owner.
Result<void> remove_stale(NetfilterSocket& socket) {
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  put_table(batch, NFT_MSG_DELTABLE, 0, false);
  put_batch_end(batch);
  const auto refusals = TRY(socket.commit(batch));
  if (refusals.empty() || has_code(refusals, ENOENT)) return {};
  if (has_code(refusals, EPERM)) {
    return fail(Errc::already_exists, "another trace is at work: one at a time");
  }
  return system_failure(refusals.front().code, "remove the table of an earlier trace");
}

Result<void> make_table(NetfilterSocket& socket, const Flow& flow) {
  // Owned by the socket, the table goes when it is closed, also by SIGKILL (Linux 5.12).
  for (const bool is_owned : {true, false}) {
    Messages batch;
    put_batch_begin(batch, std::nullopt);
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, is_owned);
    for (const auto& [name, hook] : {std::pair{"arriving", uint32_t{NF_INET_PRE_ROUTING}},
                                     std::pair{"leaving", uint32_t{NF_INET_LOCAL_OUT}}}) {
      put_chain(batch, name, hook);
      FlowRule rule{name};
      rule.match(flow);
      rule.mark();
      rule.put(batch);
    }
    put_batch_end(batch);
    const auto refusals = TRY(socket.commit(batch));
    if (refusals.empty()) return {};
    if (has_code(refusals, EEXIST)) {
      return fail(Errc::already_exists, "another trace is at work: one at a time");
    }
    const bool knows_no_owner = has_code(refusals, EOPNOTSUPP) || has_code(refusals, EINVAL);
    if (!is_owned || !knows_no_owner) {
      return system_failure(refusals.front().code, "make the table of the trace");
    }
  }
  return {};
}

std::string printable(const char* bytes) {
  std::string text = bytes == nullptr ? "" : bytes;
  std::ranges::replace_if(
      text, [](unsigned char byte) { return byte < ' ' || byte >= 0x7f; }, '?');
  return text;
}

std::string link_name(uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return ::if_indextoname(index, name.data()) == nullptr ? fmt::format("link {}", index)
                                                         : printable(name.data());
}

std::span<const uint8_t> bytes_of(const nftnl_trace* trace, uint16_t attribute) {
  uint32_t size = 0;
  const void* start = nftnl_trace_get_data(trace, attribute, &size);
  if (start == nullptr) return {};
  return {static_cast<const uint8_t*>(start), size};
}

// Addresses and ports, as far as the kernel copied the headers.
std::string packet_words(const nftnl_trace* trace) {
  const auto header = bytes_of(trace, NFTNL_TRACE_NETWORK_HEADER);
  if (header.empty()) return {};
  const bool is_v6 = header.front() >> 4U == 6;
  if (header.size() < (is_v6 ? 40U : 20U)) return {};
  const auto from = IpAddress::from_bytes(is_v6 ? header.subspan(8, 16) : header.subspan(12, 4));
  const auto to = IpAddress::from_bytes(is_v6 ? header.subspan(24, 16) : header.subspan(16, 4));
  const uint8_t protocol = header[is_v6 ? 6 : 9];
  const auto transport = bytes_of(trace, NFTNL_TRACE_TRANSPORT_HEADER);
  for (const auto known : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
    if (protocol != static_cast<uint8_t>(known) || transport.size() < 4) continue;
    return fmt::format("{} {} port {} to {} port {}", to_string(known), from.to_string(),
                       transport[0] << 8U | transport[1], to.to_string(),
                       transport[2] << 8U | transport[3]);
  }
  return fmt::format("{} to {}, protocol {}", from.to_string(), to.to_string(), protocol);
}

TraceVerdict verdict_of(uint32_t code) {
  switch (static_cast<int32_t>(code)) {
    case NF_ACCEPT:
      return TraceVerdict::accept;
    case NF_DROP:
    case NF_STOLEN:
      return TraceVerdict::drop;
    case NFT_JUMP:
    case NFT_GOTO:
      return TraceVerdict::jump;
    case NFT_RETURN:
      return TraceVerdict::give_back;
    default:
      return (code & 0xffU) == NF_QUEUE ? TraceVerdict::queue : TraceVerdict::go_on;
  }
}

}  // namespace

struct Tracer::State {
  explicit State(NetfilterSocket made) : owner(std::move(made)) {}
  NetfilterSocket owner;  ///< by which the table lives, and by which rules are asked for
  host::Fd notices;
  std::map<std::tuple<uint32_t, std::string, std::string, uint64_t>, std::string> rules;
  /// Of the last event that told of headers and links: the kernel does so once in each base chain,
  /// also in events that are not passed on.
  std::optional<TraceEvent> introduction;

  /// What a rule says now, in words; empty when it is gone.
  Result<std::string> words_of(uint32_t family, const std::string& table, const std::string& chain,
                               uint64_t handle) {
    const auto key = std::tuple{family, table, chain, handle};
    if (const auto known = rules.find(key); known != rules.end()) return known->second;
    const RulePointer object{nftnl_rule_alloc()};
    nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table.c_str());
    nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
    nftnl_rule_set_u64(object.get(), NFTNL_RULE_HANDLE, handle);
    Messages request;
    nftnl_rule_nlmsg_build_payload(
        start_message(request, NFT_MSG_GETRULE, NLM_F_ACK, static_cast<uint8_t>(family)),
        object.get());
    request.finish();
    std::string words;
    TRY(owner.request(request, [&](const nlmsghdr& message) -> Result<void> {
      if (message.nlmsg_type != message_type(NFT_MSG_NEWRULE)) return {};
      const RulePointer rule{nftnl_rule_alloc()};
      if (nftnl_rule_nlmsg_parse(&message, rule.get()) >= 0) words = rule_words(rule.get());
      return {};
    }));
    if (rules.size() < kMostRulesKnown) rules.emplace(key, words);
    return words;
  }

  Result<std::optional<TraceEvent>> read(const nlmsghdr& message) {
    auto event = TRY(decode(message));
    if (event && event->packet_words.empty() && introduction &&
        introduction->packet == event->packet) {
      event->packet_words = introduction->packet_words;
      event->in = introduction->in;
      event->out = introduction->out;
    }
    return event;
  }

  /// Nothing for what is of no interest to people.
  Result<std::optional<TraceEvent>> decode(const nlmsghdr& message) {
    struct Free {
      void operator()(nftnl_trace* trace) const { nftnl_trace_free(trace); }
    };
    if (message.nlmsg_type != message_type(NFT_MSG_TRACE)) return std::nullopt;
    const std::unique_ptr<nftnl_trace, Free> trace{nftnl_trace_alloc()};
    if (nftnl_trace_nlmsg_parse(&message, trace.get()) < 0) return std::nullopt;
    const auto number = [&](uint16_t attribute) {
      return nftnl_trace_is_set(trace.get(), attribute)
                 ? nftnl_trace_get_u32(trace.get(), attribute)
                 : 0;
    };
    const auto family = number(NFTNL_TRACE_FAMILY);
    TraceEvent event{.packet = number(NFTNL_TRACE_ID),
                     .family = std::string{family_word(family)},
                     .table = printable(nftnl_trace_get_str(trace.get(), NFTNL_TRACE_TABLE)),
                     .chain = printable(nftnl_trace_get_str(trace.get(), NFTNL_TRACE_CHAIN)),
                     .packet_words = packet_words(trace.get())};
    if (const auto in = number(NFTNL_TRACE_IIF); in != 0) event.in = link_name(in);
    if (const auto out = number(NFTNL_TRACE_OIF); out != 0) event.out = link_name(out);
    if (!event.packet_words.empty()) introduction = event;
    if (event.table == kTraceTable) return std::nullopt;
    switch (number(NFTNL_TRACE_TYPE)) {
      case NFT_TRACETYPE_RULE:
        event.verdict = verdict_of(number(NFTNL_TRACE_VERDICT));
        if (nftnl_trace_is_set(trace.get(), NFTNL_TRACE_RULE_HANDLE)) {
          event.rule = TRY(words_of(family, event.table, event.chain,
                                    nftnl_trace_get_u64(trace.get(), NFTNL_TRACE_RULE_HANDLE)));
        }
        // The end of a base chain is told as a rule without a verdict that nobody made.
        if (event.rule.empty() && event.verdict == TraceVerdict::go_on) return std::nullopt;
        break;
      case NFT_TRACETYPE_RETURN:
        event.decider = Decider::end_of_chain;
        event.verdict = verdict_of(number(NFTNL_TRACE_VERDICT));
        break;
      case NFT_TRACETYPE_POLICY:
        event.decider = Decider::policy;
        event.verdict = verdict_of(number(NFTNL_TRACE_POLICY));
        break;
      default:
        return std::nullopt;
    }
    if (event.verdict == TraceVerdict::jump) {
      event.target = printable(nftnl_trace_get_str(trace.get(), NFTNL_TRACE_JUMP_TARGET));
    }
    return std::optional{std::move(event)};
  }
};

Tracer::Tracer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;

Tracer::~Tracer() {
  if (state_) static_cast<void>(remove_stale(state_->owner));
}

int Tracer::fd() const { return state_->notices.get(); }

Result<Tracer> Tracer::start(const Flow& flow) {
  if (flow.from.family() != flow.to.family()) {
    return fail(Errc::invalid_input, "{} and {} are of two families", flow.from.to_string(),
                flow.to.to_string());
  }
  if (flow.port && !flow.protocol) {
    return fail(Errc::invalid_input, "a port means nothing without a protocol");
  }
  auto socket = TRY(NetfilterSocket::open());
  TRY_VOID(remove_stale(socket));
  auto state = std::make_unique<State>(std::move(socket));
  state->notices =
      host::Fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)};
  if (!state->notices.is_open()) return system_failure(errno, "open a netfilter socket");
  (void)::setsockopt(state->notices.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer,
                     sizeof kSocketBuffer);
  const int group = NFNLGRP_NFTRACE;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  // Without an address of its own, a socket is taken for the kernel's and hears nothing.
  if (::bind(state->notices.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::setsockopt(state->notices.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
                   sizeof group) != 0) {
    return system_failure(errno, "listen to traces");
  }
  TRY_VOID(make_table(state->owner, flow));
  return Tracer{std::move(state)};
}

Result<std::vector<TraceEvent>> Tracer::take() {
  std::vector<TraceEvent> events;
  std::array<uint8_t, kDatagram> buffer;  // NOLINT(*-member-init): filled by what comes
  // Not all there is: what comes faster than it is read would keep us here.
  constexpr int kDatagrams = 64;
  for (int i = 0; i < kDatagrams; ++i) {
    const auto size = ::recv(state_->notices.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) {
      if (errno == EAGAIN) return events;
      if (errno == EINTR || errno == ENOBUFS) continue;
      return system_failure(errno, "hear of traces");
    }
    int left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (auto event = TRY(state_->read(*message))) events.push_back(*std::move(event));
    }
  }
  return events;
}

}  // namespace burrow::firewall
