// Messages as text for people. Pure. Names alone: name.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"

namespace burrow::dns {

/// "A", "HTTPS", ...; "TYPE65280" when we know no word (RFC 3597 section 5).
std::string type_text(uint16_t type);
/// The number behind such a word in any case; nothing when it is none.
std::optional<uint16_t> parse_type(std::string_view text);

/// "NOERROR", "NXDOMAIN", ...; "RCODE12" when we know no word.
std::string rcode_text(uint16_t rcode);

/// A message taken apart: each record as "NAME TTL TYPE DATA", without OPT.
struct MessageText {
  std::string rcode;
  bool is_authoritative = false;
  bool is_truncated = false;
  std::vector<std::string> answer;
  std::vector<std::string> authority;
};

/// Reads a whole response with one question or none; as many records as can be read of a broken
/// one.
MessageText describe(Bytes message);

}  // namespace burrow::dns
