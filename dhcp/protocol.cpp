#include "dhcp/protocol.h"

#include <algorithm>
#include <array>

namespace burrow::dhcp {
namespace {

constexpr size_t kLongestPath = 4096;
// What fits into an option after the type byte.
constexpr size_t kLongestClientId = 254;
constexpr uint64_t kLongestPatience = 300;
constexpr size_t kMostLeases = 16384;

struct CodeWord {
  Errc code;
  std::string_view word;
};
constexpr std::array kCodes{
    CodeWord{Errc::invalid_input, "invalid_input"},
    CodeWord{Errc::not_found, "not_found"},
    CodeWord{Errc::already_exists, "already_exists"},
    CodeWord{Errc::exhausted, "exhausted"},
    CodeWord{Errc::unsupported, "unsupported"},
    CodeWord{Errc::permission, "permission"},
    CodeWord{Errc::changed, "changed"},
    CodeWord{Errc::timeout, "timeout"},
    CodeWord{Errc::corrupt, "corrupt"},
    CodeWord{Errc::system, "system"},
};

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view word_of(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

Result<std::vector<Family>> decode_families(const JsonCursor& cursor) {
  std::vector<Family> families;
  for (const auto& one : TRY(cursor.elements(2))) {
    const auto word = TRY(one.string());
    if (word != "ipv4" && word != "ipv6") return one.failure("must be \"ipv4\" or \"ipv6\"");
    const auto family = word == "ipv4" ? Family::ipv4 : Family::ipv6;
    if (std::ranges::find(families, family) != families.end()) return one.failure("stands twice");
    families.push_back(family);
  }
  if (families.empty()) return cursor.failure("is empty");
  return families;
}

// A word of two; the first when there is none.
template <typename Choice>
Result<Choice> decode_choice(const JsonCursor& object, std::string_view key, std::string_view first,
                             Choice if_first, std::string_view second, Choice if_second) {
  const auto member = TRY(object.find(key));
  if (!member) return if_first;
  const auto word = TRY(member->string());
  if (word == first) return if_first;
  if (word == second) return if_second;
  return member->failure("must be \"{}\" or \"{}\"", first, second);
}

}  // namespace

Json encode(const Holder& holder) {
  return {{"container", holder.container.str()}, {"interface", holder.interface.str()}};
}

Result<Holder> decode_holder(const JsonCursor& cursor) {
  return made_of<Holder>(TRY(cursor.at("container")).parsed(ContainerId::parse),
                         TRY(cursor.at("interface")).parsed(LinkName::parse));
}

Json encode(const LeaseRequest& request) {
  Json json = encode(request.holder);
  json["network"] = request.network.str();
  json["netns"] = request.netns;
  if (request.mac) json["mac"] = request.mac->to_string();
  if (!request.hostname.empty()) json["hostname"] = request.hostname;
  if (request.client_id) json["client_id"] = *request.client_id;
  for (const auto family : request.families) json["families"].push_back(word_of(family));
  json["default_route"] = request.default_route == DefaultRoute::take ? "take" : "leave";
  json["metric"] = request.metric;
  json["mtu"] = request.mtu == MtuFrom::lease ? "lease" : "link";
  if (request.patience) json["patience"] = request.patience->count();
  return json;
}

Result<LeaseRequest> decode_lease_request(const JsonCursor& cursor) {
  auto holder = TRY(decode_holder(cursor));
  auto network = TRY(TRY(cursor.at("network")).parsed(NetworkName::parse));
  auto netns = TRY(TRY(cursor.at("netns")).string());
  auto families = TRY(decode_families(TRY(cursor.at("families"))));
  LeaseRequest request{.holder = std::move(holder),
                       .network = std::move(network),
                       .netns = std::move(netns),
                       .families = std::move(families)};
  if (!request.netns.starts_with('/') || request.netns.size() > kLongestPath) {
    return cursor.failure("netns \"{}\" is no absolute path", request.netns.substr(0, 64));
  }
  if (const auto mac = TRY(cursor.find("mac"))) request.mac = TRY(mac->parsed(MacAddress::parse));
  if (const auto hostname = TRY(cursor.find("hostname"))) {
    request.hostname = TRY(hostname->string());
    if (!is_domain(request.hostname)) return hostname->failure("is no host name");
  }
  if (const auto id = TRY(cursor.find("client_id"))) {
    request.client_id = TRY(id->string());
    if (request.client_id->empty() || request.client_id->size() > kLongestClientId) {
      return id->failure("must have 1 to {} bytes", kLongestClientId);
    }
  }
  request.default_route = TRY(decode_choice(cursor, "default_route", "take", DefaultRoute::take,
                                            "leave", DefaultRoute::leave));
  if (const auto metric = TRY(cursor.find("metric"))) {
    request.metric = static_cast<uint32_t>(TRY(metric->unsigned_integer(UINT32_MAX)));
  }
  request.mtu = TRY(decode_choice(cursor, "mtu", "lease", MtuFrom::lease, "link", MtuFrom::link));
  if (const auto patience = TRY(cursor.find("patience"))) {
    request.patience = seconds{TRY(patience->unsigned_integer(kLongestPatience))};
    if (request.patience == seconds{0}) return patience->failure("must be 1 to 300");
  }
  return request;
}

std::string encode(const Command& command) {
  struct Encoder {
    Json operator()(const SetUp& setup) const {
      return {{"command", "setup"}, {"request", encode(setup.request)}};
    }
    Json operator()(const Commit&) const { return {{"command", "commit"}}; }
    Json operator()(const TearDown& teardown) const {
      return {{"command", "teardown"}, {"holder", encode(teardown.holder)}};
    }
    Json operator()(const ListLeases&) const { return {{"command", "status"}}; }
  };
  return line(std::visit(Encoder{}, command));
}

Result<Command> decode_command(std::string_view text) {
  const auto document = TRY(parse_json(text, kLongestRequest));
  const JsonCursor cursor{document};
  const auto word = TRY(TRY(cursor.at("command")).string());
  if (word == "setup") return SetUp{TRY(decode_lease_request(TRY(cursor.at("request"))))};
  if (word == "commit") return Commit{};
  if (word == "teardown") return TearDown{TRY(decode_holder(TRY(cursor.at("holder"))))};
  if (word == "status") return ListLeases{};
  return fail(Errc::invalid_input, "command \"{}\" is none of setup, commit, teardown, status",
              word.substr(0, 32));
}

std::string encode_refusal(const Error& error) {
  const auto known = std::ranges::find(kCodes, error.code, &CodeWord::code);
  return line({{"error", {{"code", known->word}, {"message", error.message}}}});
}

std::string encode_leases(const std::vector<Lease>& leases) {
  Json list = Json::array();
  for (const auto& lease : leases) list.push_back(encode(lease));
  return line({{"leases", std::move(list)}});
}

std::string encode_statuses(const std::vector<LeaseStatus>& statuses) {
  Json list = Json::array();
  for (const auto& status : statuses) {
    Json one = encode(status.holder);
    one["network"] = status.network.str();
    one["netns"] = status.netns;
    one["state"] = status.state;
    if (status.lease) one["lease"] = encode(*status.lease);
    if (status.left) one["seconds_left"] = status.left->count();
    list.push_back(std::move(one));
  }
  return line({{"status", std::move(list)}});
}

std::string encode_done(bool had_lease) { return line({{"had_lease", had_lease}}); }

Result<Json> decode_answer(std::string_view text) {
  auto document = parse_json(text, kLongestReply);
  if (!document || !document->is_object()) {
    return fail(Errc::corrupt, "the answer is none of a burrow-dhcp");
  }
  const JsonCursor cursor{*document};
  if (const auto refusal = TRY(cursor.find("error"))) {
    const auto word = TRY(TRY(refusal->at("code")).string());
    const auto known = std::ranges::find(kCodes, word, &CodeWord::word);
    auto message = TRY(TRY(refusal->at("message")).string());
    return Failure{Error{known == kCodes.end() ? Errc::system : known->code, std::move(message)}};
  }
  return *std::move(document);
}

Result<std::vector<Lease>> decode_leases(const Json& answer) {
  std::vector<Lease> leases;
  for (const auto& one : TRY(TRY(JsonCursor{answer}.at("leases")).elements(2))) {
    leases.push_back(TRY(decode_lease(one)));
  }
  return leases;
}

Result<std::vector<LeaseStatus>> decode_statuses(const Json& answer) {
  std::vector<LeaseStatus> statuses;
  for (const auto& one : TRY(TRY(JsonCursor{answer}.at("status")).elements(kMostLeases))) {
    auto holder = TRY(decode_holder(one));
    auto network = TRY(TRY(one.at("network")).parsed(NetworkName::parse));
    auto netns = TRY(TRY(one.at("netns")).string());
    auto state = TRY(TRY(one.at("state")).string());
    LeaseStatus status{.holder = std::move(holder),
                       .network = std::move(network),
                       .netns = std::move(netns),
                       .state = std::move(state)};
    if (const auto lease = TRY(one.find("lease"))) status.lease = TRY(decode_lease(*lease));
    if (const auto left = TRY(one.find("seconds_left"))) {
      status.left = seconds{TRY(left->unsigned_integer(UINT32_MAX))};
    }
    statuses.push_back(std::move(status));
  }
  return statuses;
}

}  // namespace burrow::dhcp
