#include "dns/answer.h"

#include <algorithm>
#include <array>

#include "dns/reply.h"
#include "dns/special_names.h"

namespace burrow::dns {
namespace {

constexpr std::string_view kAsterisk{"\1*", 2};
// Of aliases that lead to aliases.
constexpr int kLongestChain = 8;

// Answers one decoded query of class IN.
class Answerer {
 public:
  Answerer(const Zones& zones, const Client& client, const Query& query, ReplyWriter& writer)
      : zones_(zones),
        query_(query),
        writer_(writer),
        view_(zones.view(client.network, client.source)),
        wanted_(static_cast<RecordType>(query.type)) {}

  Verdict run() {
    const auto labels = query_.labels();
    const auto zone = find_zone(labels, zones_.settings().search_domain.labels());
    if (answer_name(labels.substr(0, zone.value_or(labels.size())), zone)) return authoritative();
    // A container may be called "a.dns.podman" in so many words.
    if (zone && answer_name(labels, zone)) return authoritative();
    if (zone) return below_search_domain(*zone);
    if (const auto domain = find_own_domain(labels)) {
      if (*domain > 0) return no_such_name(*domain);
      add_soa(0);
      return authoritative();
    }
    if (is_host_name(labels) && !view_.networks.empty()) return host();
    if (find_zone(labels, kLocalhost)) return localhost();
    if (const auto reverse = parse_reverse_name(labels);
        reverse.kind != ReverseName::Kind::not_reverse) {
      return reverse_name(reverse);
    }
    if (const auto never = find_never_forwarded(labels)) return no_such_name(*never);
    return elsewhere();
  }

 private:
  enum class Match : uint8_t { exact, wildcard };

  // Where a name is looked for.
  struct Search {
    std::string_view labels;
    Match match = Match::exact;
    size_t first = 0;      // of the view's networks
    size_t last = 0;       // the one after the last
    size_t base = 0;       // where the domain that the name hangs in begins in the name asked for
    size_t zone = 0;       // where the zone does, for its SOA record
    bool is_ours = false;  // below a domain that nobody else answers
  };

  [[nodiscard]] bool asks(RecordType type) const {
    return query_.type == static_cast<uint16_t>(type);
  }
  [[nodiscard]] const NetworkZone& network(size_t nth) const {
    return *zones_.networks()[view_.networks[nth]];
  }

  [[nodiscard]] const Name* find(const Search& search, size_t nth) const {
    const auto& zone = network(nth);
    if (search.match == Match::exact) return zone.find_name(search.labels);
    const auto* found = zone.find_wildcard(search.labels);
    // An alias "*" must not take the names of the world away.
    const bool is_allowed = search.is_ours || found != zone.find_name(kAsterisk);
    return is_allowed ? found : nullptr;
  }

  // Answers with what `rest` stands for, a name below the search domain at `zone` or a bare one:
  // bare or with its network's domain behind it. False when there is no such name.
  bool answer_name(std::string_view rest, std::optional<size_t> zone) {
    if (rest.empty()) return false;
    Search search{.labels = rest,
                  .last = view_.networks.size(),
                  .base = rest.size(),
                  // The zone is the search domain, or for a bare name the name itself.
                  .zone = zone.value_or(0),
                  .is_ours = zone.has_value()};
    for (const auto match : {Match::exact, Match::wildcard}) {
      search.match = match;
      if (match == Match::wildcard && !has_wildcards()) break;
      if (answer_found(search)) return true;
      for (size_t nth = 0; nth < view_.networks.size(); ++nth) {
        if (answer_qualified(search, nth, zone)) return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool has_wildcards() const {
    return std::ranges::any_of(view_.networks, [&](uint32_t network) {
      return zones_.networks()[network]->has_wildcards();
    });
  }

  // The same as "name.network", or below the domain that the network has been given.
  bool answer_qualified(Search search, size_t nth, std::optional<size_t> zone) {
    const auto domain = network(nth).domain();
    if (domain.empty()) return false;
    const auto cut = find_zone(search.labels, domain);
    if (!cut) return false;
    search.labels = search.labels.substr(0, *cut);
    search.first = nth;
    search.last = nth + 1;
    search.base = *cut;
    const bool is_given = network(nth).settings().domain.has_value();
    search.zone = zone.value_or(is_given ? *cut : 0);
    search.is_ours = is_given || zone;
    return answer_found(search);
  }

  bool answer_found(Search search) {
    for (int depth = 0; depth < kLongestChain; ++depth) {
      const Record* alias = nullptr;
      bool is_known = false;
      bool is_empty = true;
      for (size_t nth = search.first; nth < search.last; ++nth) {
        const auto* name = find(search, nth);
        if (name == nullptr) continue;
        if (!is_known && asks(RecordType::any)) wanted_ = first_type(*name);
        if (!is_known && name->addresses.empty()) alias = name->find_alias();
        is_known = true;
        if (alias != nullptr && wanted_ != RecordType::cname) break;
        if (add_addresses(*name, search, nth)) is_empty = false;
        if (add_records(*name, search)) is_empty = false;
      }
      // An alias that leads nowhere is an answer too.
      if (!is_known) return depth > 0;
      if (alias == nullptr || wanted_ == RecordType::cname) {
        if (is_empty) add_soa(search.zone);
        return true;
      }
      const auto target = writer_.add_record(*alias, base(search));
      if (!target) return true;
      writer_.set_owner(*target);
      search.labels = alias->target->name.labels();
      search.match = Match::exact;
      if (alias->target->base == RecordTarget::Base::asked_domain) continue;
      if (lead_to_own_name(search)) continue;
      if (is_host_name(search.labels)) {
        add_host_addresses();
      } else {
        outside_target_ = *target;
      }
      return true;
    }
    return true;
  }

  // Where an absolute name is looked for that may be one of ours, as if it had been asked for.
  // False when it is none.
  bool lead_to_own_name(Search& search) const {
    search.first = 0;
    search.last = view_.networks.size();
    if (const auto zone = find_zone(search.labels, zones_.settings().search_domain.labels())) {
      search.labels = search.labels.substr(0, *zone);
      return true;
    }
    for (size_t nth = 0; nth < search.last; ++nth) {
      if (network(nth).find_name(search.labels) != nullptr) return true;
    }
    for (size_t nth = 0; nth < search.last; ++nth) {
      const auto domain = network(nth).domain();
      const auto cut = domain.empty() ? std::nullopt : find_zone(search.labels, domain);
      if (!cut || network(nth).find_name(search.labels.substr(0, *cut)) == nullptr) continue;
      search.labels = search.labels.substr(0, *cut);
      search.first = nth;
      search.last = nth + 1;
      return true;
    }
    return false;
  }

  // One RRset is enough for ANY (RFC 8482).
  static RecordType first_type(const Name& name) {
    if (name.addresses.empty()) return name.records.front().record.type;
    return name.addresses.front().address.is_v4() ? RecordType::a : RecordType::aaaa;
  }

  [[nodiscard]] std::string_view base(const Search& search) const {
    return query_.labels().substr(search.base);
  }

  // The addresses of `name` on the `nth` network of the view, but those of networks before it.
  bool add_addresses(const Name& name, const Search& search, size_t nth) {
    if (wanted_ != RecordType::a && wanted_ != RecordType::aaaa) return false;
    const auto family = wanted_ == RecordType::a ? Family::ipv4 : Family::ipv6;
    const auto& settings = network(nth).settings();
    const auto ttl = name.ttl.value_or(settings.ttl);
    const auto& found = name.addresses;
    // Message ids are random (RFC 5452), so they turn the group without any state here.
    const bool is_turning = found.size() > 1 && settings.rotation == Rotation::rotate &&
                            zones_.settings().rotation == Rotation::rotate;
    const size_t first = is_turning ? query_.id % found.size() : 0;
    bool is_added = false;
    for (size_t i = 0; i < found.size(); ++i) {
      const size_t at = first + i;
      const auto& each = found[at < found.size() ? at : at - found.size()];
      if (each.address.family() != family || each.is_repeated) continue;
      if (is_in_earlier(search, nth, each.address)) continue;
      writer_.add_address(each.address, ttl);
      is_added = true;
    }
    return is_added;
  }

  [[nodiscard]] bool is_in_earlier(const Search& search, size_t nth,
                                   const IpAddress& address) const {
    for (size_t earlier = search.first; earlier < nth; ++earlier) {
      const auto* name = find(search, earlier);
      if (name != nullptr && std::ranges::find(name->addresses, address, &NamedAddress::address) !=
                                 name->addresses.end()) {
        return true;
      }
    }
    return false;
  }

  bool add_records(const Name& name, const Search& search) {
    bool is_added = false;
    for (size_t i = 0; i < name.records.size(); ++i) {
      const auto& record = name.records[i].record;
      const auto earlier = std::span{name.records}.first(i);
      if (record.type != wanted_ ||
          std::ranges::find(earlier, record, &NamedRecord::record) != earlier.end()) {
        continue;
      }
      writer_.add_record(record, base(search));
      is_added = true;
    }
    return is_added;
  }

  // Where the domain begins that one of the networks was given; nothing when the name is elsewhere.
  [[nodiscard]] std::optional<size_t> find_own_domain(std::string_view labels) const {
    for (size_t nth = 0; nth < view_.networks.size(); ++nth) {
      if (!network(nth).settings().domain) continue;
      if (const auto cut = find_zone(labels, network(nth).domain())) return cut;
    }
    return {};
  }

  Verdict below_search_domain(size_t zone) {
    // The domain itself exists and has no addresses. What lies between it and a dotted container
    // name does not: musl ends its search at an empty answer (reference, section 8.7).
    if (zone != 0 || zones_.settings().search_domain.labels().empty()) return no_such_name(zone);
    add_soa(0);
    return authoritative();
  }

  // The host as a container reaches it: at its network's gateway.
  Verdict host() {
    if (!add_host_addresses()) add_soa(0);
    return authoritative();
  }

  // False when there is none of the type asked for.
  bool add_host_addresses() {
    bool is_empty = true;
    for (const auto& address : network(0).listen_addresses()) {
      const auto type = address.is_v4() ? RecordType::a : RecordType::aaaa;
      if (!asks(type) && !asks(RecordType::any)) continue;
      writer_.add_address(address, 0);
      is_empty = false;
      if (asks(RecordType::any)) break;
    }
    return !is_empty;
  }

  // RFC 6761 section 6.3.
  Verdict localhost() {
    if (asks(RecordType::a)) {
      writer_.add_address(IpAddress::v4(0x7f000001), 0);
    } else if (asks(RecordType::aaaa)) {
      constexpr std::array<uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
      writer_.add_address(IpAddress::from_bytes(kLoopback), 0);
    } else {
      add_soa(query_.labels().size() - kLocalhost.size());
    }
    return authoritative();
  }

  Verdict reverse_name(const ReverseName& reverse) {
    const size_t zone = query_.labels().size() - reverse.zone_size;
    if (reverse.kind == ReverseName::Kind::address) {
      for (size_t nth = 0; nth < view_.networks.size(); ++nth) {
        const auto holders = network(nth).find_holders(reverse.address);
        const auto gateways = network(nth).listen_addresses();
        const bool is_host = std::ranges::find(gateways, reverse.address) != gateways.end();
        if (holders.empty() && !is_host) continue;
        bool is_empty = true;
        if (asks(RecordType::ptr) || asks(RecordType::any)) {
          is_empty = !holders.empty() && !add_names(holders);
          if (holders.empty()) writer_.add_pointer(kHostNames[0]);
        }
        if (is_empty) add_soa(zone);
        return authoritative();
      }
    }
    if (is_reserved(reverse) ||
        zones_.is_container_subnet(reverse.address, reverse.prefix_length)) {
      return no_such_name(zone);
    }
    return elsewhere();
  }

  // Each name once, in order. False when there is none.
  bool add_names(std::span<const Holder> holders) {
    bool is_added = false;
    for (size_t i = 0; i < holders.size(); ++i) {
      for (const auto& name : holders[i].names) {
        const bool is_repeated = std::ranges::any_of(holders.first(i), [&](const Holder& earlier) {
          return std::ranges::find(earlier.names, name) != earlier.names.end();
        });
        // A wildcard is nobody's name.
        if (is_repeated || name.labels().starts_with(kAsterisk)) continue;
        writer_.add_pointer(name.labels());
        is_added = true;
      }
    }
    return is_added;
  }

  Verdict elsewhere() {
    if (view_.forwarding == Forwarding::never) return no_such_name(query_.labels().size());
    return Forward{servers_of(query_.labels())};
  }

  // Who is asked about a name that is not ours.
  [[nodiscard]] std::span<const IpAddress> servers_of(std::string_view labels) const {
    for (const uint32_t network : view_.networks) {
      const auto& zone = *zones_.networks()[network];
      if (zone.reach() == Reach::internal) continue;
      const auto found = find_domain_servers(zone.settings().forwards, labels);
      if (!found.empty()) return found;
    }
    return view_.servers;
  }

  // Whether upstream may know the target of an alias. One that leads nowhere is an answer too.
  [[nodiscard]] bool is_elsewhere(std::string_view labels) const {
    return view_.forwarding != Forwarding::never && !labels.empty() && !find_own_domain(labels) &&
           !is_host_name(labels) && !find_zone(labels, kLocalhost) &&
           parse_reverse_name(labels).kind == ReverseName::Kind::not_reverse &&
           !find_never_forwarded(labels);
  }

  Verdict no_such_name(size_t zone) {
    writer_.set_rcode(Rcode::name_error);
    writer_.add_soa(ReplyWriter::Section::authority, zone);
    return authoritative();
  }

  void add_soa(size_t zone) {
    const bool is_asked = zone == 0 && asks(RecordType::soa);
    writer_.add_soa(is_asked ? ReplyWriter::Section::answer : ReplyWriter::Section::authority,
                    zone);
  }

  Verdict authoritative() {
    writer_.set_authoritative();
    if (outside_target_ && !writer_.is_truncated()) {
      if (const auto labels = writer_.target_at(*outside_target_); is_elsewhere(labels)) {
        return Chase{writer_.suspend(), *outside_target_, servers_of(labels)};
      }
    }
    return Reply{writer_.finish()};
  }

  const Zones& zones_;
  const Query& query_;
  ReplyWriter& writer_;
  View view_;
  RecordType wanted_;                     // the type asked for; of ANY the one that is given
  std::optional<size_t> outside_target_;  // where an alias out of the network leads
};

// The error that a query gets before anyone looks at its name.
std::optional<Rcode> refusal(Decoded decoded, const Query& query) {
  switch (decoded) {
    case Decoded::unknown_opcode:
      return Rcode::not_implemented;
    case Decoded::malformed:
    case Decoded::several:
      return Rcode::format_error;
    case Decoded::no_query:
    case Decoded::query:
      break;
  }
  if (query.edns && query.edns->version != 0) return Rcode::bad_version;
  if (query.record_class != kClassInternet) return Rcode::refused;
  switch (static_cast<RecordType>(query.type)) {
    case RecordType::opt:
      return Rcode::format_error;
    case RecordType::axfr:
    case RecordType::ixfr:
      return Rcode::refused;
    default:
      return {};
  }
}

}  // namespace

size_t reply_limit(const Query& query, Transport transport) {
  if (transport == Transport::tcp) return kMaximumMessageSize;
  if (!query.edns) return kPlainUdpSize;
  return std::clamp<size_t>(query.edns->udp_size, kPlainUdpSize, kUdpSize);
}

Verdict answer(const Zones& zones, const Client& client, Bytes message, Query& query,
               std::span<uint8_t> reply) {
  const auto decoded = decode_query(message, query);
  if (decoded == Decoded::no_query) return Drop{};
  ReplyWriter writer{reply, query, reply_limit(query, client.transport)};
  if (const auto rcode = refusal(decoded, query)) {
    writer.set_rcode(*rcode);
    return Reply{writer.finish()};
  }
  return Answerer{zones, client, query, writer}.run();
}

size_t failure_reply(const Query& query, Transport transport, Rcode rcode, ExtendedError why,
                     std::span<uint8_t> reply) {
  ReplyWriter writer{reply, query, reply_limit(query, transport)};
  writer.set_rcode(rcode);
  writer.set_extended_error(why);
  return writer.finish();
}

}  // namespace burrow::dns
