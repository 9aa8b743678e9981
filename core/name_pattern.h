// Names of hosts as lists have them: one name, or all below one. Pure. Not for names inside DNS
// messages or zones: dns/name.h.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow {

/// A name of hosts, or `*.` and one, which stands for all names below it.
class NamePattern {
 public:
  /// Labels of letters, digits, '-' and '_' with dots between, in any case; a label neither begins
  /// nor ends with '-', and the last one begins with a letter and has no '_'. What begins with two
  /// numbers is a mistyped address. One dot at the end is passed over. Errors: invalid_input.
  static Result<NamePattern> parse(std::string_view text);

  /// Whether `name`, in lower case and without a dot at its end, is meant. `*.example.com` means
  /// any number of labels before `example.com`, and not that name itself.
  [[nodiscard]] bool matches(std::string_view name) const;

  /// In lower case, without a dot at its end.
  [[nodiscard]] const std::string& str() const { return text_; }
  friend auto operator<=>(const NamePattern&, const NamePattern&) = default;

 private:
  explicit NamePattern(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Whether `text` can only be meant as a name: addresses and prefixes have digits and dots alone,
/// or a colon or slash among them.
bool looks_like_name(std::string_view text);

}  // namespace burrow
