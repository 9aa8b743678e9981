// The grammar of a custom record: a line of words to the data that goes on the wire. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "dns/name.h"
#include "dns/wire.h"

namespace burrow::dns {

/// The name that the data of a record ends with.
struct RecordTarget {
  DomainName name;
  /// Where it hangs: below the domain that the question was asked in, or the root.
  enum class Base : uint8_t { asked_domain, root };
  Base base = Base::asked_domain;
  friend bool operator==(const RecordTarget&, const RecordTarget&) = default;
};

/// One record but its owner's name.
struct Record {
  RecordType type = RecordType::a;
  uint32_t ttl = 0;
  std::string bytes;  ///< the data; of CNAME, MX and SRV what stands before the target
  std::optional<RecordTarget> target;
  friend bool operator==(const Record&, const Record&) = default;
};

/// A record and its owner below a network's domain; the root stands for the domain itself.
struct OwnedRecord {
  DomainName owner;
  Record record;
};

/// Reads "NAME TTL TYPE DATA", words between single spaces:
///   web 60 A 10.0.0.1, web 60 AAAA fd00::1, www 0 CNAME web, @ 0 MX 10 mail,
///   _http._tcp.web 0 SRV PRIORITY WEIGHT PORT web, @ 0 TXT "text" "more text".
/// A target with a dot at its end is absolute, and somebody else's unless it lies below the search
/// domain. Texts take \" \\ and \DDD. Errors: invalid_input.
Result<OwnedRecord> parse_record(std::string_view text);

}  // namespace burrow::dns
