#include "core/name_pattern.h"

#include <algorithm>

namespace burrow {
namespace {

// RFC 1035 section 2.3.4, as text.
constexpr size_t kLongestName = 253;
constexpr size_t kLongestLabel = 63;
constexpr std::string_view kAllBelow = "*.";

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

bool is_number(std::string_view label) {
  return !label.empty() && std::ranges::all_of(label, is_digit);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kLongestLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
  });
}

// Of all top-level domains and of names without dots. Digits in front are those of a mistyped
// address, which would be a name that nobody ever asks for.
bool is_last_label(std::string_view label) {
  return is_label(label) && !is_digit(static_cast<unsigned char>(label.front())) &&
         label.find('_') == label.npos;
}

bool begins_like_address(std::string_view name) {
  const auto first = name.find('.');
  if (first == name.npos || !is_number(name.substr(0, first))) return false;
  const auto rest = name.substr(first + 1);
  return is_number(rest.substr(0, rest.find('.')));
}

}  // namespace

Result<NamePattern> NamePattern::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid_input, "\"{}\" is no name of hosts: {}", text.substr(0, 64), why);
  };
  std::string name{text};
  std::ranges::transform(name, name.begin(), lower);
  if (name.ends_with('.')) name.pop_back();
  std::string_view rest{name};
  if (rest.starts_with(kAllBelow)) rest.remove_prefix(kAllBelow.size());
  if (rest.size() > kLongestName) return refuse("longer than 253 bytes");
  if (begins_like_address(rest)) return refuse("it begins like an address, and is none");
  std::string_view last;
  for (bool is_last = false; !is_last;) {
    const auto end = rest.find('.');
    is_last = end == rest.npos;
    last = rest.substr(0, end);
    if (!is_label(last)) {
      return refuse("labels have 1 to 63 letters, digits, \"-\" inside and \"_\"");
    }
    rest.remove_prefix(is_last ? rest.size() : end + 1);
  }
  if (!is_last_label(last)) {
    return refuse("the last label has letters, digits and \"-\", and a letter first");
  }
  return NamePattern{std::move(name)};
}

bool NamePattern::matches(std::string_view name) const {
  const std::string_view pattern{text_};
  if (!pattern.starts_with(kAllBelow)) return name == pattern;
  const auto end = pattern.substr(1);  // with its dot
  return name.size() > end.size() && name.ends_with(end);
}

bool looks_like_name(std::string_view text) {
  return text.find_first_of(":/") == text.npos &&
         text.find_first_not_of("0123456789.") != text.npos;
}

}  // namespace burrow
