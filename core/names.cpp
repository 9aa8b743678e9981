#include "core/names.h"

#include <algorithm>

namespace burrow {
namespace {

constexpr size_t kLongestLinkName = 15;  // IFNAMSIZ - 1
constexpr size_t kLongestNetworkName = 120;
constexpr size_t kLongestContainerId = 128;
constexpr size_t kLongestContainerName = 253;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<void> check_identifier(std::string_view text, std::string_view kind, size_t longest) {
  if (text.empty()) return fail(Errc::invalid_input, "{} is empty", kind);
  if (text.size() > longest) {
    return fail(Errc::invalid_input, "{} is longer than {} characters: \"{}...\"", kind, longest,
                text.substr(0, 32));
  }
  const bool is_clean = std::ranges::all_of(
      text, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
  if (!is_clean || !is_alphanumeric(text.front())) {
    return fail(Errc::invalid_input,
                "invalid characters in {} \"{}\": must match [a-zA-Z0-9][a-zA-Z0-9_.-]*", kind,
                text);
  }
  return {};
}

}  // namespace

Result<void> LinkNameRule::check(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid_input, "interface name is empty");
  if (text.size() > kLongestLinkName) {
    return fail(Errc::invalid_input, "interface name is longer than {} characters: \"{}\"",
                kLongestLinkName, text.substr(0, 64));
  }
  const bool is_clean = std::ranges::none_of(text, [](unsigned char c) {
    return c == '/' || c == ':' || c == '%' || c == ' ' || (c >= '\t' && c <= '\r') || c == 0 ||
           c == 0xa0;
  });
  if (!is_clean || text == "." || text == "..") {
    return fail(Errc::invalid_input, "invalid interface name: \"{}\"", text);
  }
  return {};
}

Result<void> NetworkNameRule::check(std::string_view text) {
  return check_identifier(text, "network name", kLongestNetworkName);
}

Result<void> ContainerIdRule::check(std::string_view text) {
  return check_identifier(text, "container id", kLongestContainerId);
}

Result<void> ContainerNameRule::check(std::string_view text) {
  return check_identifier(text, "container name", kLongestContainerName);
}

}  // namespace burrow
