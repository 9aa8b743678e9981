// What a lent link was like, so that it can be given back as it was. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "host/link_values.h"
#include "plugins/sdk/attachment.h"

namespace burrow::plugins {

/// A link as it was before it was lent.
struct Loan {
  LinkName name;
  MacAddress mac;
  uint32_t mtu = 0;
  bool is_up = false;
  bool is_physical = false;  ///< survives the namespace that it is lent to
  std::string alias;
  std::vector<IpInterface> addresses;
  friend bool operator==(const Loan&, const Loan&) = default;
};

std::string encode(const Loan& loan);
/// Errors: corrupt.
Result<Loan> decode_loan(std::string_view text);

/// The alias of a link while it is lent: by it the link is found, wherever it is and whatever it is
/// called.
std::string alias_of(const Attachment& attachment);

}  // namespace burrow::plugins
