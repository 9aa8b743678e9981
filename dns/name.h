// Domain names in wire form. Not for names inside messages: message.h reads those.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "core/result.h"
#include "dns/wire.h"

namespace burrow::dns {

/// A name as the zones keep it: length-prefixed labels in lower case (ASCII, RFC 4343), without the
/// root label, so that the same key stands for the name below any suffix.
class DomainName {
 public:
  /// The root.
  DomainName() = default;
  /// Labels between dots, one trailing dot allowed; any byte may stand in a label but a dot.
  /// Errors: invalid_input when empty, or a label or the whole is empty or too long.
  static Result<DomainName> parse(std::string_view text);

  /// Labels without the root label.
  [[nodiscard]] std::string_view labels() const { return labels_; }
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const DomainName&, const DomainName&) = default;

 private:
  std::string labels_;
};

/// Text of a wire name, for logs: unprintable bytes and dots inside labels as \DDD.
std::string name_text(std::string_view labels);

/// What a name below in-addr.arpa or ip6.arpa stands for.
struct ReverseName {
  enum class Kind {
    not_reverse,  ///< another part of the tree
    partial,      ///< below one of the two zones, but no whole address
    address,      ///< a whole address
  };
  Kind kind = Kind::not_reverse;
  /// The address; of a partial name the part that it gives, and zeros.
  IpAddress address;
  uint8_t prefix_length = 0;
  /// Size of the labels of the zone ("in-addr.arpa" or "ip6.arpa") in the name.
  uint8_t zone_size = 0;
};

/// Reads a lower-case wire name as a reverse name (RFC 1035 3.5, RFC 3596 2.5).
ReverseName parse_reverse_name(std::string_view labels);

}  // namespace burrow::dns
