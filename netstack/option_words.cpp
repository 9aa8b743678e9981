#include "netstack/option_words.h"

#include <charconv>

namespace burrow::netstack {
namespace {

template <typename Number>
Result<Number> parse(std::string_view key, std::string_view word, std::string_view wanted) {
  Number value = 0;
  const char* begin = word.data();
  const char* end = begin + word.size();
  const bool has_sign = word.size() > 1 && *begin == '+';
  if (has_sign) ++begin;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stop != end || (has_sign && *begin == '-')) {
    return bad_option(key, word, wanted);
  }
  return value;
}

}  // namespace

const std::string* find_word(const Strings& words, const std::string& key) {
  const auto entry = words.find(key);
  return entry == words.end() ? nullptr : &entry->second;
}

Failure bad_option(std::string_view key, std::string_view word, std::string_view wanted) {
  return fail(Errc::invalid_input, "unable to parse \"{}\": found \"{}\", expected {}", key,
              word.substr(0, 64), wanted);
}

Result<uint32_t> parse_number(std::string_view key, std::string_view word) {
  return parse<uint32_t>(key, word, "a number from 0 to 4294967295");
}

Result<int32_t> parse_signed_number(std::string_view key, std::string_view word) {
  return parse<int32_t>(key, word, "a number from -2147483648 to 2147483647");
}

Result<std::optional<uint32_t>> parse_mtu(std::string_view key, std::string_view word) {
  constexpr uint32_t kSmallest = 68;  // ETH_MIN_MTU in linux/if_ether.h
  constexpr uint32_t kLargest = 65535;
  const auto* wanted = "68 to 65535, or 0 for automatic";
  const auto mtu = TRY(parse<uint32_t>(key, word, wanted));
  if (mtu == 0) return std::nullopt;
  if (mtu < kSmallest || mtu > kLargest) return bad_option(key, word, wanted);
  return mtu;
}

Result<DefaultRoute> parse_default_route(std::string_view key, std::string_view word) {
  if (word == "false") return DefaultRoute::wanted;
  if (word == "true") return DefaultRoute::unwanted;
  return bad_option(key, word, "true or false");
}

Result<IpAddress> parse_address(std::string_view key, std::string_view word, Family family) {
  const auto address = IpAddress::parse(word);
  if (address && address->family() == family) return *address;
  return bad_option(key, word, family == Family::ipv4 ? "an IPv4 address" : "an IPv6 address");
}

Result<std::optional<uint32_t>> read_number(const Strings& words, const std::string& key) {
  const auto* word = find_word(words, key);
  if (word == nullptr) return std::nullopt;
  return TRY(parse_number(key, *word));
}

Result<std::optional<int32_t>> read_signed_number(const Strings& words, const std::string& key) {
  const auto* word = find_word(words, key);
  if (word == nullptr) return std::nullopt;
  return TRY(parse_signed_number(key, *word));
}

Result<std::optional<uint32_t>> read_mtu(const Strings& words) {
  const auto* word = find_word(words, "mtu");
  if (word == nullptr) return std::nullopt;
  return parse_mtu("mtu", *word);
}

Result<DefaultRoute> read_default_route(const Strings& words) {
  const auto* word = find_word(words, "no_default_route");
  if (word == nullptr) return DefaultRoute::wanted;
  return parse_default_route("no_default_route", *word);
}

Result<std::optional<IpAddress>> read_address(const Strings& words, const std::string& key,
                                              Family family) {
  const auto* word = find_word(words, key);
  if (word == nullptr) return std::nullopt;
  return TRY(parse_address(key, *word, family));
}

}  // namespace burrow::netstack
