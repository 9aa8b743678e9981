#include "netstack/bridge_options.h"

#include <charconv>

namespace burrow::netstack {
namespace {

const std::string* find(const Strings& strings, const std::string& key) {
  const auto entry = strings.find(key);
  return entry == strings.end() ? nullptr : &entry->second;
}

Failure bad_option(std::string_view key, std::string_view word, std::string_view wanted) {
  return fail(Errc::invalid_input, "unable to parse \"{}\": found \"{}\", expected {}", key,
              word.substr(0, 64), wanted);
}

// Zero means automatic for the MTU and is a metric like any other.
Result<std::optional<uint32_t>> number(const Strings& options, const std::string& key) {
  const auto* word = find(options, key);
  if (word == nullptr) return std::nullopt;
  uint32_t value = 0;
  const char* begin = word->data();
  const char* end = begin + word->size();
  if (word->size() > 1 && *begin == '+') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stop != end) {
    return bad_option(key, *word, "a number from 0 to 4294967295");
  }
  return value;
}

Result<firewall::Isolation> isolation(const Strings& options) {
  const auto* word = find(options, "isolate");
  if (word == nullptr || *word == "strict") return firewall::Isolation::strict;
  if (*word == "true") return firewall::Isolation::isolated;
  if (*word == "false") return firewall::Isolation::none;
  return fail(Errc::invalid_input, "invalid isolate option \"{}\": must be true, false or strict",
              word->substr(0, 64));
}

Result<DefaultRoute> default_route(const Strings& options) {
  const auto* word = find(options, "no_default_route");
  if (word == nullptr || *word == "false") return DefaultRoute::wanted;
  if (*word == "true") return DefaultRoute::unwanted;
  return bad_option("no_default_route", *word, "true or false");
}

Result<std::optional<IpAddress>> outbound(const Strings& options, const std::string& key,
                                          Family family) {
  const auto* word = find(options, key);
  if (word == nullptr) return std::nullopt;
  const auto address = IpAddress::parse(*word);
  if (!address || address->family() != family) {
    return bad_option(key, *word, family == Family::ipv4 ? "an IPv4 address" : "an IPv6 address");
  }
  return *address;
}

}  // namespace

Result<BridgeOptions> decode_bridge_options(const AttachmentRequest& attachment) {
  const auto& words = attachment.network.options;
  if (const auto* mode = find(words, "mode"); mode != nullptr && !mode->empty()) {
    if (*mode == "unmanaged")
      return fail(Errc::unsupported, "bridge mode \"unmanaged\" is not supported");
    if (*mode != "managed") {
      return fail(Errc::invalid_input, "unknown bridge mode \"{}\": must be managed or unmanaged",
                  mode->substr(0, 64));
    }
  }
  for (const auto* key : {"vlan", "vrf"}) {
    if (find(words, key) != nullptr) {
      return fail(Errc::unsupported, "bridge option \"{}\" is not supported", key);
    }
  }
  BridgeOptions options{.mtu = TRY(number(words, "mtu")),
                        .metric = TRY(number(words, "metric")),
                        .default_route = TRY(default_route(words)),
                        .isolation = TRY(isolation(words)),
                        .outbound4 = TRY(outbound(words, "outbound_addr4", Family::ipv4)),
                        .outbound6 = TRY(outbound(words, "outbound_addr6", Family::ipv6))};
  if (options.mtu == 0U) options.mtu.reset();
  if (const auto* name = find(attachment.options, "host_interface_name"); name && !name->empty()) {
    auto parsed = LinkName::parse(*name);
    if (!parsed) return with_context(std::move(parsed).error(), "host_interface_name");
    options.host_interface = *std::move(parsed);
  }
  return options;
}

}  // namespace burrow::netstack
