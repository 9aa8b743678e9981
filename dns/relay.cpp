#include "dns/relay.h"

#include <algorithm>
#include <array>

#include "dns/name.h"
#include "dns/records.h"

namespace burrow::dns {
namespace {

// Where the question section ends, and whether it holds the one question that
// was asked.
std::optional<size_t> skip_question(Bytes response, Bytes asked) {
  const size_t end = kHeaderSize + asked.size();
  if (read_u16(&response[4]) != 1 || response.size() < end) return {};
  const bool is_same = std::ranges::equal(response.subspan(kHeaderSize, asked.size()), asked,
                                          std::ranges::equal_to{}, to_lower, to_lower);
  if (!is_same) return {};
  return end;
}

}  // namespace

PendingQuestion::PendingQuestion(const Query& query, Transport asked_over)
    : id(query.id),
      flags(query.flags),
      edns(query.edns),
      transport(asked_over),
      question(query.question.begin(), query.question.end()) {}

Query PendingQuestion::query() const {
  Query result;
  result.id = id;
  result.flags = flags;
  result.edns = edns;
  result.question = question;
  return result;
}

std::string question_text(const PendingQuestion& pending) {
  const auto& question = pending.question;
  return fmt::format(
      "\"{}\" type {}",
      name_text({reinterpret_cast<const char*>(question.data()), question.size() - 5}),
      read_u16(&question[question.size() - 4]));
}

std::vector<uint8_t> upstream_query(const PendingQuestion& pending, uint16_t id, Dialect dialect) {
  std::vector<uint8_t> message(kHeaderSize);
  write_u16(&message[0], id);
  write_u16(&message[2],
            pending.flags & (kFlagRecursionDesired | kFlagAuthenticData | kFlagCheckingDisabled));
  write_u16(&message[4], 1);
  message.insert(message.end(), pending.question.begin(), pending.question.end());
  if (pending.edns && dialect == Dialect::edns) {
    const size_t at = message.size();
    message.resize(at + kOptSize);
    write_u16(&message[10], 1);
    write_u16(&message[at + 1], static_cast<uint16_t>(RecordType::opt));
    write_u16(&message[at + 3], kUdpSize);
    write_u16(&message[at + 7], pending.edns->is_dnssec_ok ? kEdnsFlagDnssecOk : 0);
  }
  return message;
}

bool refuses_edns(Bytes response) {
  if (response.size() < kHeaderSize) return false;
  const auto rcode = static_cast<Rcode>(read_u16(&response[2]) & kMaskRcode);
  if (rcode != Rcode::format_error && rcode != Rcode::not_implemented) return false;
  // Who knows them has put one of its own into the refusal.
  if (read_u16(&response[4]) == 0) return read_u16(&response[10]) == 0;
  const auto name_end = skip_name(response, kHeaderSize);
  if (!name_end || *name_end + 4 > response.size()) return false;
  const auto records = read_records(response, *name_end + 4);
  return records && !records->opt;
}

Judgement judge(Bytes response) {
  if (response.size() < kHeaderSize) return Judgement::garbage;
  const auto flags = read_u16(&response[2]);
  if ((flags & kFlagResponse) == 0 || (flags & kMaskOpcode) != 0) return Judgement::garbage;
  if ((flags & kFlagTruncated) != 0) return Judgement::truncated;
  switch (static_cast<Rcode>(flags & kMaskRcode)) {
    case Rcode::format_error:
    case Rcode::server_failure:
    case Rcode::not_implemented:
    case Rcode::refused:
      return Judgement::failed;
    default:
      return Judgement::good;
  }
}

std::optional<std::vector<uint8_t>> relayed_response(const PendingQuestion& pending,
                                                     Bytes response) {
  if (response.size() < kHeaderSize) return {};
  const auto question_end = skip_question(response, pending.question);
  if (!question_end) return {};
  const auto records = read_records(response, *question_end);
  if (!records) return {};

  const bool has_opt = records->opt && pending.edns;
  size_t opt_size = has_opt ? records->opt->end - records->opt->begin : 0;
  const size_t limit = reply_limit(pending.query(), pending.transport);
  // Options of an upstream are a courtesy; a server that fills the reply with
  // them loses them.
  const bool has_options = opt_size <= limit / 2;
  if (!has_options) opt_size = kOptSize;

  std::vector<uint8_t> reply;
  reply.reserve(std::min(limit, response.size()));
  reply.insert(reply.end(), response.begin(), response.begin() + kHeaderSize);
  reply.insert(reply.end(), pending.question.begin(), pending.question.end());
  // Compression pointers stay right as long as nothing before a record moves:
  // everything up to the first record that is left out keeps its place. An OPT
  // record in front of others would move them, so what follows one is left out.
  auto flags = static_cast<uint16_t>(read_u16(&response[2]) | kFlagRecursionAvailable);
  flags = static_cast<uint16_t>(flags & ~kFlagRecursionDesired);
  flags |= pending.flags & kFlagRecursionDesired;
  std::array<uint16_t, 3> counts{};
  size_t section = 0;
  for (const auto& record : records->all) {
    while (counts[section] == records->counts[section]) ++section;
    if (record.begin != reply.size()) break;
    if (reply.size() + (record.end - record.begin) + opt_size > limit) {
      if (section < 2) flags |= kFlagTruncated;
      break;
    }
    reply.insert(reply.end(), response.begin() + static_cast<std::ptrdiff_t>(record.begin),
                 response.begin() + static_cast<std::ptrdiff_t>(record.end));
    ++counts[section];
  }
  if (has_opt) {
    const size_t at = reply.size();
    const auto begin = response.begin() + static_cast<std::ptrdiff_t>(records->opt->begin);
    reply.insert(reply.end(), begin, begin + static_cast<std::ptrdiff_t>(opt_size));
    write_u16(&reply[at + 3], kUdpSize);
    if (!has_options) write_u16(&reply[at + 9], 0);
    ++counts[2];
  }
  write_u16(&reply[0], pending.id);
  write_u16(&reply[2], flags);
  for (size_t i = 0; i < 3; ++i) write_u16(&reply[6 + 2 * i], counts[i]);
  return reply;
}

}  // namespace burrow::dns
