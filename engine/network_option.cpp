#include "engine/network_option.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "netstack/limit_words.h"

namespace burrow::engine {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<IpAddress> parse_address(std::string_view key, std::string_view value) {
  const auto address = TRY(IpAddress::parse(value));
  if (key == "ip6" && !address.is_v6()) {
    return fail(Errc::invalid_input, "\"{}\" is no IPv6 address", value);
  }
  return address;
}

std::string limit_names() {
  std::vector<std::string_view> names;
  for (const auto& limit : netstack::kLimitWords) names.push_back(limit.key);
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<void> apply(NetworkChoice& choice, std::string_view option) {
  const auto equals = option.find('=');
  const auto key = option.substr(0, equals);
  const auto value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
  if (value.empty()) return fail(Errc::invalid_input, "option \"{}\" needs a value", key);
  if (key == "ip" || key == "ip6") {
    choice.addresses.push_back(TRY(parse_address(key, value)));
  } else if (key == "mac") {
    choice.mac = TRY(parse_link_mac(value));
  } else if (key == "alias") {
    choice.aliases.push_back(TRY(parse_alias(value)));
  } else if (key == "interface_name") {
    choice.interface = TRY(LinkName::parse(value));
  } else if (std::ranges::find(netstack::kLimitWords, key, &netstack::LimitWord::key) !=
             netstack::kLimitWords.end()) {
    TRY_VOID(netstack::check_limit(key, value));
    choice.limits[std::string{key}] = value;
  } else {
    return fail(
        Errc::invalid_input,
        "unknown option \"{}\" (known: alias, interface_name, ip, ip6, mac, and limits: {})", key,
        limit_names());
  }
  return {};
}

Failure about(std::string_view what, std::string_view text, Error error) {
  return with_context(std::move(error),
                      fmt::format("invalid {} \"{}\"", what, text.substr(0, 128)));
}

}  // namespace

Result<std::string> parse_alias(std::string_view text) {
  const auto parent = text.starts_with("*.") ? text.substr(2) : text;
  if (text != "*") TRY(ContainerName::parse(parent));
  return std::string{text};
}

Result<MacAddress> parse_link_mac(std::string_view text) {
  const auto mac = TRY(MacAddress::parse(text));
  if (!mac.is_usable()) {
    return fail(Errc::invalid_input, "MAC address \"{}\" cannot be a link's own: it is {}", text,
                mac == MacAddress{} ? "all zeros" : "a group address");
  }
  return mac;
}

Result<NetworkChoice> parse_network_choice(std::string_view text) {
  const auto colon = text.find(':');
  NetworkChoice choice{.network = std::string{text.substr(0, colon)}};
  if (choice.network.empty()) return fail(Errc::invalid_input, "network name is empty");
  if (colon == std::string_view::npos) return choice;
  for (const auto option : split(text.substr(colon + 1), ',')) {
    if (auto applied = apply(choice, option); !applied) {
      return about("network", text, std::move(applied).error());
    }
  }
  return choice;
}

Result<std::vector<NetworkChoice>> parse_network_choices(const std::vector<std::string>& texts) {
  std::vector<NetworkChoice> choices;
  if (texts.size() == 1 && texts.front() == "none") return choices;
  for (const auto& text : texts) {
    const bool is_list = text.find(':') == std::string::npos && texts.size() == 1;
    for (const auto part : is_list ? split(text, ',') : std::vector<std::string_view>{text}) {
      auto choice = TRY(parse_network_choice(part));
      for (const auto* mode : {"none", "host", "container", "ns", "pasta", "slirp4netns"}) {
        if (choice.network == mode) {
          return fail(Errc::invalid_input,
                      "network mode \"{}\" is not supported here: name networks, or say "
                      "--network none alone",
                      mode);
        }
      }
      if (std::ranges::find(choices, choice.network, &NetworkChoice::network) != choices.end()) {
        return fail(Errc::invalid_input, "network {} passed twice", choice.network);
      }
      choices.push_back(std::move(choice));
    }
  }
  return choices;
}

Result<HostEntry> parse_host_entry(std::string_view text) {
  const auto colon = text.find(':');
  const auto failure = [&](std::string_view why) {
    return fail(Errc::invalid_input, "unable to parse host entry \"{}\": {}", text.substr(0, 128),
                why);
  };
  if (colon == std::string_view::npos) return failure("incorrect format");
  HostEntry entry;
  for (const auto name : split(text.substr(0, colon), ';')) {
    const bool is_clean = !name.empty() && name.find_first_of(" \t\n\r#") == std::string_view::npos;
    if (!is_clean) return failure("hostname is empty or holds blanks");
    entry.names.emplace_back(name);
  }
  const auto word = text.substr(colon + 1);
  if (word == "host-gateway") return entry;
  auto address = IpAddress::parse(word);
  if (!address) return failure(address.error().message);
  entry.address = *address;
  return entry;
}

}  // namespace burrow::engine
