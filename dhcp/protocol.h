// What netstack and the proxy say to each other: a JSON document a line, over a unix socket.
// Values, written and read; docs/dhcp.md describes them. No socket here.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/names.h"
#include "dhcp/lease.h"

namespace burrow::dhcp {

/// No line is longer, in either direction; a status of a thousand leases fits.
constexpr size_t kLongestRequest = 16U << 10U;
constexpr size_t kLongestReply = 4U << 20U;

enum class DefaultRoute : uint8_t { take, leave };
/// Whose MTU the link gets: a lease can lower it, never raise it.
enum class MtuFrom : uint8_t { lease, link };

/// Which interface of which container; the key of all leases.
struct Holder {
  ContainerId container;
  LinkName interface;
  friend auto operator<=>(const Holder&, const Holder&) = default;
};

/// Leases that are asked for, and what is to become of them.
struct LeaseRequest {
  Holder holder;
  NetworkName network;
  std::string netns;                     ///< path
  std::optional<MacAddress> mac;         ///< that the link must have
  std::string hostname;                  ///< told to the server; may be empty
  std::optional<std::string> client_id;  ///< option 61 as text; nothing: derived from the names
  std::vector<Family> families;          ///< one or both, none twice
  DefaultRoute default_route = DefaultRoute::take;
  uint32_t metric = 0;  ///< of all routes
  MtuFrom mtu = MtuFrom::lease;
  std::optional<seconds> patience;  ///< 1 to 300; nothing: the proxy's own
  friend bool operator==(const LeaseRequest&, const LeaseRequest&) = default;
};

/// Get leases and put them on the link. They end with the connection unless committed.
struct SetUp {
  LeaseRequest request;
};
/// Keep what the connection has set up.
struct Commit {};
/// Give a holder's leases back.
struct TearDown {
  Holder holder;
};
/// List all leases.
struct ListLeases {};

using Command = std::variant<SetUp, Commit, TearDown, ListLeases>;

Json encode(const Holder& holder);
/// Errors: invalid_input with the path of the field.
Result<Holder> decode_holder(const JsonCursor& cursor);
Json encode(const LeaseRequest& request);
/// Errors: invalid_input with the path of the field.
Result<LeaseRequest> decode_lease_request(const JsonCursor& cursor);

/// A command as one line, without the line's end.
std::string encode(const Command& command);
/// Errors: invalid_input.
Result<Command> decode_command(std::string_view line);

/// One lease in the answer to ListLeases.
struct LeaseStatus {
  Holder holder;
  NetworkName network;
  std::string netns;
  std::string state;
  std::optional<Lease> lease;
  std::optional<seconds> left;  ///< of the lease; nothing for a lease without end
};

/// A refusal as one line, and back.
std::string encode_refusal(const Error& error);
/// The leases that a set-up got, one per family asked for.
std::string encode_leases(const std::vector<Lease>& leases);
std::string encode_statuses(const std::vector<LeaseStatus>& statuses);
/// The answer to Commit and TearDown: whether there was something.
std::string encode_done(bool had_lease);

/// The document of an answer. Errors: those of the refusal, if it is one; corrupt when the line is
/// none of ours.
Result<Json> decode_answer(std::string_view line);
Result<std::vector<Lease>> decode_leases(const Json& answer);
Result<std::vector<LeaseStatus>> decode_statuses(const Json& answer);

}  // namespace burrow::dhcp
