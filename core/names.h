// Names with one meaning each, parsed once at the edge.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow {

/// A name that satisfied the rules of `Rule`; cannot be made otherwise.
template <typename Rule>
class Name {
 public:
  /// Errors: invalid_input, naming the kind of name and what was found.
  static Result<Name> parse(std::string_view text) {
    TRY_VOID(Rule::check(text));
    return Name{std::string{text}};
  }
  [[nodiscard]] const std::string& str() const { return text_; }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct LinkNameRule {
  static Result<void> check(std::string_view text);
};
struct NetworkNameRule {
  static Result<void> check(std::string_view text);
};
struct ContainerIdRule {
  static Result<void> check(std::string_view text);
};
struct ContainerNameRule {
  static Result<void> check(std::string_view text);
};

/// The name of a link: 1 to 15 bytes, no '/', ':' or white space, not "." or ".." (dev_valid_name
/// in the kernel's net/core/dev.c), and no '%', by which the kernel makes up a name of its own.
using LinkName = Name<LinkNameRule>;
/// A network: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 120 bytes so that it fits into file names.
using NetworkName = Name<NetworkNameRule>;
/// A container's identifier: the same letters, at most 128 bytes.
using ContainerId = Name<ContainerIdRule>;
/// A container's name: the same letters, at most 253 bytes, the longest domain name.
using ContainerName = Name<ContainerNameRule>;

}  // namespace burrow

template <typename Rule>
struct fmt::formatter<burrow::Name<Rule>> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const burrow::Name<Rule>& name, Context& context) const {
    return fmt::formatter<std::string_view>::format(name.str(), context);
  }
};
