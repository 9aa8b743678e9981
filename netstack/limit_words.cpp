#include "netstack/limit_words.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "netstack/option_words.h"

namespace burrow::netstack {
namespace {

using firewall::LimitKind;
using firewall::Limits;

constexpr std::string_view kNobody = "none";
constexpr std::string_view kSeparators = ",;";
constexpr uint32_t kMostConnections = 10'000'000;

Result<IpNetwork> parse_prefix(std::string_view key, std::string_view text) {
  auto prefix = [&]() -> Result<IpNetwork> {
    if (text.find('/') != text.npos) return IpNetwork::parse(text);
    const auto address = TRY(IpAddress::parse(text));
    return IpNetwork::containing(address, address_bits(address.family()));
  }();
  if (!prefix) return with_context(std::move(prefix).error(), key);
  return prefix;
}

/// The entries of a list, as far as they are what it may hold.
struct Entries {
  std::vector<IpNetwork> prefixes;
  std::vector<NamePattern> names;
};

/// Nobody asks for the name of who sends something: only whom one sends to can be listed by name.
enum class Names : uint8_t { allowed, refused };

Result<void> read_entry(std::string_view key, std::string_view text, Names names,
                        Entries& entries) {
  if (!looks_like_name(text)) {
    entries.prefixes.push_back(TRY(parse_prefix(key, text)));
    return {};
  }
  if (names == Names::refused) {
    return fail(Errc::invalid_input,
                "{}: \"{}\" is a name: lists of who may send hold addresses and prefixes", key,
                text.substr(0, 64));
  }
  if (text == kNobody) {
    return fail(Errc::invalid_input, "{}: \"{}\" stands alone or not at all", key, kNobody);
  }
  auto name = NamePattern::parse(text);
  if (!name) return with_context(std::move(name).error(), key);
  entries.names.push_back(*std::move(name));
  return {};
}

template <typename Entry>
bool is_last_repeated(const std::vector<Entry>& entries) {
  return !entries.empty() &&
         std::find(entries.begin(), entries.end() - 1, entries.back()) != entries.end() - 1;
}

Result<Entries> parse_list(std::string_view key, std::string_view word, Names names) {
  Entries entries;
  if (word == kNobody) return entries;
  if (word.empty()) {
    return bad_option(key, word, "addresses and prefixes with commas between them, or none");
  }
  for (bool is_last = false; !is_last;) {
    const auto end = word.find_first_of(kSeparators);
    is_last = end == word.npos;
    const auto text = word.substr(0, end);
    const auto before = entries.names.size();
    TRY_VOID(read_entry(key, text, names, entries));
    const bool is_repeated = entries.names.size() > before ? is_last_repeated(entries.names)
                                                           : is_last_repeated(entries.prefixes);
    if (is_repeated) {
      return fail(Errc::invalid_input, "{}: \"{}\" stands there twice", key,
                  entries.names.size() > before ? entries.names.back().str()
                                                : entries.prefixes.back().to_string());
    }
    if (entries.prefixes.size() + entries.names.size() > kMostListed) {
      return fail(Errc::invalid_input, "{}: more than {} entries", key, kMostListed);
    }
    word.remove_prefix(is_last ? word.size() : end + 1);
  }
  return entries;
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

Result<void> read_list(const LimitWord& limit, std::string_view word, Limits& into) {
  const bool is_egress =
      limit.kind == LimitKind::egress_allow || limit.kind == LimitKind::egress_deny;
  auto entries = TRY(parse_list(limit.key, word, is_egress ? Names::allowed : Names::refused));
  auto& list = is_egress ? into.egress : into.ingress;
  if (limit.kind == LimitKind::egress_allow || limit.kind == LimitKind::ingress_allow) {
    list.allow = std::move(entries.prefixes);
    list.allow_names = std::move(entries.names);
  } else {
    list.deny = std::move(entries.prefixes);
    list.deny_names = std::move(entries.names);
  }
  return {};
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
    case LimitKind::egress_deny:
    case LimitKind::ingress_allow:
    case LimitKind::ingress_deny:
      return read_list(limit, word, into);
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
