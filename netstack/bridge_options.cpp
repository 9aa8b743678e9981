#include "netstack/bridge_options.h"

namespace burrow::netstack {
namespace {

Result<firewall::Isolation> isolation(const Strings& options) {
  const auto* word = find_word(options, "isolate");
  if (word == nullptr || *word == "strict") return firewall::Isolation::strict;
  if (*word == "true") return firewall::Isolation::isolated;
  if (*word == "false") return firewall::Isolation::none;
  return fail(Errc::invalid_input, "invalid isolate option \"{}\": must be true, false or strict",
              word->substr(0, 64));
}

Result<std::optional<IpAddress>> outbound(const Strings& options, const std::string& key,
                                          Family family) {
  const auto* word = find_word(options, key);
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
  if (const auto* mode = find_word(words, "mode"); mode != nullptr && !mode->empty()) {
    if (*mode == "unmanaged")
      return fail(Errc::unsupported, "bridge mode \"unmanaged\" is not supported");
    if (*mode != "managed") {
      return fail(Errc::invalid_input, "unknown bridge mode \"{}\": must be managed or unmanaged",
                  mode->substr(0, 64));
    }
  }
  for (const auto* key : {"vlan", "vrf"}) {
    if (find_word(words, key) != nullptr) {
      return fail(Errc::unsupported, "bridge option \"{}\" is not supported", key);
    }
  }
  BridgeOptions options{.mtu = TRY(read_mtu(words)),
                        .metric = TRY(read_number(words, "metric")),
                        .default_route = TRY(read_default_route(words)),
                        .isolation = TRY(isolation(words)),
                        .outbound4 = TRY(outbound(words, "outbound_addr4", Family::ipv4)),
                        .outbound6 = TRY(outbound(words, "outbound_addr6", Family::ipv6))};
  if (const auto* name = find_word(attachment.options, "host_interface_name");
      name && !name->empty()) {
    auto parsed = LinkName::parse(*name);
    if (!parsed) return with_context(std::move(parsed).error(), "host_interface_name");
    options.host_interface = *std::move(parsed);
  }
  return options;
}

}  // namespace burrow::netstack
