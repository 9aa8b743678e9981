#include "netstack/limit_words.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "netstack/option_words.h"

namespace burrow::netstack {
namespace {

using firewall::LimitKind;
using firewall::Limits;

constexpr std::string_view kNobody = "none";
constexpr std::string_view kSeparators = ",;";
constexpr uint32_t kMostConnections = 10'000'000;

// Letters that are in no address: those of a name, if anything.
bool looks_like_name(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF.:/") != text.npos &&
         std::ranges::all_of(text, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_' || c == '*';
         });
}

Result<IpNetwork> parse_prefix(std::string_view key, std::string_view text) {
  if (looks_like_name(text)) {
    return fail(Errc::invalid_input, "{}: \"{}\" is a name: lists hold addresses and prefixes", key,
                text.substr(0, 64));
  }
  auto prefix = [&]() -> Result<IpNetwork> {
    if (text.find('/') != text.npos) return IpNetwork::parse(text);
    const auto address = TRY(IpAddress::parse(text));
    return IpNetwork::containing(address, address_bits(address.family()));
  }();
  if (!prefix) return with_context(std::move(prefix).error(), key);
  return prefix;
}

Result<std::vector<IpNetwork>> parse_list(std::string_view key, std::string_view word) {
  std::vector<IpNetwork> list;
  if (word == kNobody) return list;
  if (word.empty()) {
    return bad_option(key, word, "addresses and prefixes with commas between them, or none");
  }
  std::set<IpNetwork> seen;
  for (bool is_last = false; !is_last;) {
    const auto end = word.find_first_of(kSeparators);
    is_last = end == word.npos;
    const auto prefix = TRY(parse_prefix(key, word.substr(0, end)));
    if (!seen.insert(prefix).second) {
      return fail(Errc::invalid_input, "{}: \"{}\" stands there twice", key, prefix.to_string());
    }
    if (list.size() == kMostListed) {
      return fail(Errc::invalid_input, "{}: more than {} entries", key, kMostListed);
    }
    list.push_back(prefix);
    word.remove_prefix(is_last ? word.size() : end + 1);
  }
  return list;
}

Result<Rate> parse_rate(std::string_view key, std::string_view word) {
  auto rate = Rate::parse(word);
  if (!rate) return with_context(std::move(rate).error(), key);
  return rate;
}

Result<firewall::ConnectionCount> parse_count(std::string_view key, std::string_view word) {
  uint32_t most = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), most);
  const bool is_number = error == std::errc{} && end == word.data() + word.size();
  if (!is_number || most == 0 || most > kMostConnections) {
    return bad_option(key, word, "a number from 1 to 10000000");
  }
  return firewall::ConnectionCount{most};
}

// Puts the limit that `word` says into its place.
Result<void> read_limit(const LimitWord& limit, std::string_view word, Limits& into) {
  const auto key = limit.key;
  switch (limit.kind) {
    case LimitKind::connection_rate:
      into.connection_rate = TRY(parse_rate(key, word));
      return {};
    case LimitKind::connections:
      into.connections = TRY(parse_count(key, word));
      return {};
    case LimitKind::packet_rate:
      into.packet_rate = TRY(parse_rate(key, word));
      return {};
    case LimitKind::egress_allow:
      into.egress.allow = TRY(parse_list(key, word));
      return {};
    case LimitKind::egress_deny:
      into.egress.deny = TRY(parse_list(key, word));
      return {};
    case LimitKind::ingress_allow:
      into.ingress.allow = TRY(parse_list(key, word));
      return {};
    case LimitKind::ingress_deny:
      into.ingress.deny = TRY(parse_list(key, word));
      return {};
  }
  return {};
}

}  // namespace

std::string_view to_string(LimitKind kind) { return kLimitWords.at(static_cast<size_t>(kind)).key; }

Result<void> check_limit(std::string_view key, std::string_view word) {
  const auto* limit = std::ranges::find(kLimitWords, key, &LimitWord::key);
  if (limit == kLimitWords.end()) {
    return fail(Errc::invalid_input, "\"{}\" is no limit", key.substr(0, 64));
  }
  Limits limits;
  return read_limit(*limit, word, limits);
}

Result<Limits> read_limits(const Strings& options) {
  Limits limits;
  for (const auto& limit : kLimitWords) {
    if (const auto* word = find_word(options, std::string{limit.key})) {
      TRY_VOID(read_limit(limit, *word, limits));
    }
  }
  return limits;
}

Limits limits_of_container(Limits own, const Limits& network) {
  if (!own.connection_rate) own.connection_rate = network.connection_rate;
  if (!own.connections) own.connections = network.connections;
  if (!own.packet_rate) own.packet_rate = network.packet_rate;
  return own;
}

Result<void> check_unlimited(const Strings& options, std::string_view reason) {
  for (const auto& limit : kLimitWords) {
    if (options.contains(std::string{limit.key})) {
      return fail(Errc::unsupported, "option {} has no effect: {}", limit.key, reason);
    }
  }
  return {};
}

}  // namespace burrow::netstack
