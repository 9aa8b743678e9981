#include "dns/answer.h"

#include <algorithm>
#include <array>

#include "dns/name.h"
#include "dns/reply.h"

namespace burrow::dns {
namespace {

constexpr std::string_view kLocalhost{"\11localhost", 10};
// Never to be asked of a public server: RFC 6761 section 6.4, RFC 7686.
constexpr std::array<std::string_view, 2> kNeverForwarded{{{"\7invalid", 8}, {"\5onion", 6}}};

// Reverse zones that are nobody's (RFC 6303 section 4). RFC 1918 and unique local addresses are not
// among them: a company's upstream may well know its own.
struct ReservedPrefix {
  std::array<uint8_t, 2> bytes;
  uint8_t bits;
  Family family;
};
constexpr std::array<ReservedPrefix, 5> kReserved{{
    {{0, 0}, 8, Family::ipv4},
    {{127, 0}, 8, Family::ipv4},
    {{169, 254}, 16, Family::ipv4},
    {{0xfe, 0x80}, 10, Family::ipv6},
    {{0, 0}, 12, Family::ipv6},
}};

bool is_reserved(const ReverseName& name) {
  return std::ranges::any_of(kReserved, [&](const ReservedPrefix& prefix) {
    if (name.address.family() != prefix.family || name.prefix_length < prefix.bits) return false;
    const auto bytes = name.address.bytes();
    const unsigned found = (unsigned{bytes[0]} << 8) | bytes[1];
    const unsigned wanted = (unsigned{prefix.bytes[0]} << 8) | prefix.bytes[1];
    return (found ^ wanted) >> (16 - prefix.bits) == 0;
  });
}

// Where the labels of `zone` begin at the end of `labels`; nothing when the name is not below it.
std::optional<size_t> find_zone(std::string_view labels, std::string_view zone) {
  if (!labels.ends_with(zone)) return {};
  const size_t cut = labels.size() - zone.size();
  size_t at = 0;
  while (at < cut) at += 1 + static_cast<uint8_t>(labels[at]);
  if (at != cut) return {};
  return cut;
}

// Answers one decoded query of class IN.
class Answerer {
 public:
  Answerer(const Zones& zones, const Client& client, const Query& query, ReplyWriter& writer)
      : zones_(zones),
        query_(query),
        writer_(writer),
        view_(zones.view(client.network, client.source)) {}

  Verdict run() {
    const auto labels = query_.labels();
    const auto zone = find_zone(labels, zones_.settings().search_domain.labels());
    if (answer_name(zone ? labels.substr(0, *zone) : labels, zone)) return authoritative();
    // A container may be called "a.dns.podman" in so many words.
    if (zone && answer_name(labels, zone)) return authoritative();
    if (zone) return below_search_domain(*zone);
    if (find_zone(labels, kLocalhost)) return localhost();
    if (const auto reverse = parse_reverse_name(labels);
        reverse.kind != ReverseName::Kind::not_reverse) {
      return reverse_name(reverse);
    }
    for (const auto never : kNeverForwarded) {
      if (const auto cut = find_zone(labels, never)) return no_such_name(*cut);
    }
    return elsewhere();
  }

 private:
  [[nodiscard]] bool asks(RecordType type) const {
    return query_.type == static_cast<uint16_t>(type);
  }

  // Every address of the name in all networks of the view. False when there is no such name.
  bool answer_name(std::string_view labels, std::optional<size_t> zone) {
    if (labels.empty()) return false;
    // One RRset is enough for ANY (RFC 8482): the IPv4 addresses, if there are any.
    auto family = asks(RecordType::a)      ? std::optional{Family::ipv4}
                  : asks(RecordType::aaaa) ? std::optional{Family::ipv6}
                                           : std::nullopt;
    if (asks(RecordType::any)) family = Family::ipv6;
    bool is_known = false;
    bool is_empty = true;
    for (size_t nth = 0; nth < view_.networks.size(); ++nth) {
      const auto found = zones_.networks()[view_.networks[nth]]->find_addresses(labels);
      if (found.empty()) continue;
      if (asks(RecordType::any) && !is_known && found[0].is_v4()) family = Family::ipv4;
      is_known = true;
      if (family && add_addresses(found, *family, labels, nth)) is_empty = false;
    }
    // The zone is the search domain, or for a bare name the name itself.
    if (is_known && is_empty) add_soa(zone.value_or(0));
    return is_known;
  }

  // The addresses `found` on the `nth` network of the view, but those of networks before it.
  bool add_addresses(std::span<const IpAddress> found, Family family, std::string_view labels,
                     size_t nth) {
    // Message ids are random (RFC 5452), so they turn the group without any state here.
    const bool is_turning = zones_.settings().rotation == Rotation::rotate;
    const size_t first = is_turning && found.size() > 1 ? query_.id % found.size() : 0;
    bool is_added = false;
    for (size_t i = 0; i < found.size(); ++i) {
      const size_t at = first + i;
      const auto& address = found[at < found.size() ? at : at - found.size()];
      if (address.family() != family || is_in_earlier(labels, nth, address)) continue;
      writer_.add_address(address);
      is_added = true;
    }
    return is_added;
  }

  bool is_in_earlier(std::string_view labels, size_t nth, const IpAddress& address) {
    return std::ranges::any_of(view_.networks.first(nth), [&](uint32_t network) {
      const auto found = zones_.networks()[network]->find_addresses(labels);
      return std::ranges::find(found, address) != found.end();
    });
  }

  Verdict below_search_domain(size_t zone) {
    // The domain itself exists and has no addresses. What lies between it and a dotted container
    // name does not: musl ends its search at an empty answer (reference, section 8.7).
    if (zone != 0 || zones_.settings().search_domain.labels().empty()) return no_such_name(zone);
    add_soa(0);
    return authoritative();
  }

  // RFC 6761 section 6.3.
  Verdict localhost() {
    if (asks(RecordType::a)) {
      writer_.add_address(IpAddress::v4(0x7f000001));
    } else if (asks(RecordType::aaaa)) {
      constexpr std::array<uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
      writer_.add_address(IpAddress::from_bytes(kLoopback));
    } else {
      add_soa(query_.labels().size() - kLocalhost.size());
    }
    return authoritative();
  }

  Verdict reverse_name(const ReverseName& reverse) {
    const size_t zone = query_.labels().size() - reverse.zone_size;
    if (reverse.kind == ReverseName::Kind::address) {
      for (const uint32_t network : view_.networks) {
        const auto& names = *zones_.networks()[network];
        const auto found = names.find_names(reverse.address);
        if (found.empty()) continue;
        if (asks(RecordType::ptr) || asks(RecordType::any)) {
          for (const uint32_t name : found) writer_.add_pointer(names.name_at(name));
        } else {
          add_soa(zone);
        }
        return authoritative();
      }
    }
    if (is_reserved(reverse) ||
        zones_.is_container_subnet(reverse.address, reverse.prefix_length)) {
      return no_such_name(zone);
    }
    return elsewhere();
  }

  Verdict elsewhere() {
    if (view_.forwarding == Forwarding::never) return no_such_name(query_.labels().size());
    return Forward{view_.servers};
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
    return Reply{writer_.finish()};
  }

  const Zones& zones_;
  const Query& query_;
  ReplyWriter& writer_;
  View view_;
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
