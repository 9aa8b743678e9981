#include "firewall/firewalld.h"

#include <algorithm>

namespace burrow::firewall {
namespace {

constexpr const char* kName = "org.fedoraproject.FirewallD1";
constexpr const char* kPath = "/org/fedoraproject/FirewallD1";
constexpr const char* kConfigPath = "/org/fedoraproject/FirewallD1/config";
constexpr const char* kZoneInterface = "org.fedoraproject.FirewallD1.zone";
constexpr const char* kPolicyInterface = "org.fedoraproject.FirewallD1.policy";
constexpr const char* kIpsetInterface = "org.fedoraproject.FirewallD1.ipset";
constexpr const char* kConfigInterface = "org.fedoraproject.FirewallD1.config";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
constexpr const char* kDbus = "org.freedesktop.DBus";

// firewalld answers its errors as "CODE: words". (firewall/errors.py)
bool says(const Error& error, std::string_view code) {
  if (error.code != Errc::system) return false;
  const std::string_view message{error.message};
  return message.starts_with(code) &&
         (message.size() == code.size() || message[code.size()] == ':');
}

Failure in_words(Error error, std::string_view deed) {
  if (says(error, "INVALID_ZONE") || says(error, "INVALID_POLICY") ||
      says(error, "INVALID_IPSET")) {
    error.code = Errc::not_found;
  }
  if (says(error, "INVALID_ENTRY")) error.code = Errc::already_exists;
  if (says(error, "INVALID_RULE")) error.code = Errc::invalid_input;
  if (says(error, "NOT_AUTHORIZED") || says(error, "ACCESS_DENIED")) error.code = Errc::permission;
  return with_context(std::move(error), fmt::format("firewalld: {}", deed));
}

Result<std::optional<std::string>> owner_of(Bus& bus, Deadline deadline) {
  auto reply = bus.call({kDbus, "/org/freedesktop/DBus", kDbus, "GetNameOwner", {kName}}, deadline);
  if (!reply && reply.error().code == Errc::not_found) return std::nullopt;
  if (!reply) return in_words(std::move(reply).error(), "ask the message bus for it");
  return TRY(reply->text());
}

}  // namespace

Result<std::optional<Firewalld>> Firewalld::find(std::chrono::milliseconds patience,
                                                 const char* path) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto bus = Bus::open(deadline, path);
  if (!bus && bus.error().code == Errc::not_found) return std::nullopt;
  if (!bus) return with_context(std::move(bus).error(), "message bus");
  auto owner = TRY(owner_of(*bus, deadline));
  if (!owner) return std::nullopt;
  return Firewalld{*std::move(bus), *std::move(owner), deadline - std::chrono::steady_clock::now()};
}

// Only waiting counts: between two calls a command may be busy with other things for long.
Result<BusReply> Firewalld::ask(const BusCall& call) {
  const auto begin = std::chrono::steady_clock::now();
  auto reply = bus_.call(call, begin + patience_);
  patience_ -= std::chrono::steady_clock::now() - begin;
  return reply;
}

Result<BusReply> Firewalld::call(const char* interface, const char* method,
                                 std::vector<std::string> arguments,
                                 std::optional<BusSetting> setting) {
  auto reply = ask({owner_, kPath, interface, method, std::move(arguments), std::move(setting)});
  // Its unique name has gone: it ended after we had found it.
  if (!reply && reply.error().code == Errc::not_found) {
    return fail(Errc::changed, "it went away before it answered");
  }
  return reply;
}

Result<std::vector<std::string>> Firewalld::zones() {
  auto reply = call(kZoneInterface, "getZones", {});
  if (!reply) return in_words(std::move(reply).error(), "list zones");
  return reply->texts();
}

Result<std::optional<std::string>> Firewalld::zone_of(const LinkName& link) {
  auto reply = call(kZoneInterface, "getZoneOfInterface", {link.str()});
  if (!reply) {
    return in_words(std::move(reply).error(), fmt::format("look up the zone of \"{}\"", link));
  }
  auto zone = TRY(reply->text());
  if (zone.empty()) return std::nullopt;
  return zone;
}

Result<void> Firewalld::put_into(const std::string& zone, const LinkName& link) {
  const auto deed = fmt::format("put \"{}\" into zone \"{}\"", link, zone);
  if (link.str().ends_with('+')) {
    return fail(Errc::invalid_input,
                "firewalld: {}: a name with \"+\" at its end means all links that begin so", deed);
  }
  auto reply = call(kZoneInterface, "changeZoneOfInterface", {zone, link.str()});
  if (reply || says(reply.error(), "ZONE_ALREADY_SET")) return {};
  return in_words(std::move(reply).error(), deed);
}

Result<void> Firewalld::take_out_of(const std::string& zone, const LinkName& link) {
  auto reply = call(kZoneInterface, "removeInterface", {zone, link.str()});
  // In no zone, in another, or the zone has gone.
  if (reply || says(reply.error(), "UNKNOWN_INTERFACE") || says(reply.error(), "ZONE_CONFLICT") ||
      says(reply.error(), "INVALID_ZONE")) {
    return {};
  }
  return in_words(std::move(reply).error(),
                  fmt::format("take \"{}\" out of zone \"{}\"", link, zone));
}

Result<std::vector<std::string>> Firewalld::policies() {
  auto reply = call(kPolicyInterface, "getPolicies", {});
  if (!reply) return in_words(std::move(reply).error(), "list policies");
  return reply->texts();
}

Result<std::vector<std::string>> Firewalld::ipsets() {
  auto reply = call(kIpsetInterface, "getIPSets", {});
  if (!reply) return in_words(std::move(reply).error(), "list ipsets");
  return reply->texts();
}

Result<std::vector<std::string>> Firewalld::entries_of(const std::string& ipset) {
  auto reply = call(kIpsetInterface, "getEntries", {ipset});
  if (!reply) {
    return in_words(std::move(reply).error(), fmt::format("list ipset \"{}\"", ipset));
  }
  return reply->texts();
}

Result<void> Firewalld::put_entry(const std::string& ipset, const std::string& entry) {
  auto reply = call(kIpsetInterface, "addEntry", {ipset, entry});
  if (reply || says(reply.error(), "ALREADY_ENABLED")) return {};
  return in_words(std::move(reply).error(), fmt::format("put {} into ipset \"{}\"", entry, ipset));
}

Result<void> Firewalld::take_entry(const std::string& ipset, const std::string& entry) {
  auto reply = call(kIpsetInterface, "removeEntry", {ipset, entry});
  if (reply || says(reply.error(), "NOT_ENABLED") || says(reply.error(), "INVALID_IPSET")) {
    return {};
  }
  return in_words(std::move(reply).error(),
                  fmt::format("take {} out of ipset \"{}\"", entry, ipset));
}

Result<std::vector<std::string>> Firewalld::rules_of(const std::string& policy) {
  auto reply = call(kPolicyInterface, "getPolicySettings", {policy});
  if (!reply) {
    return in_words(std::move(reply).error(), fmt::format("list rules of policy \"{}\"", policy));
  }
  return reply->texts_at("rich_rules");
}

Result<void> Firewalld::set_rules(const std::string& policy, std::vector<std::string> rules) {
  auto reply = call(kPolicyInterface, "setPolicySettings", {policy},
                    BusSetting{.key = "rich_rules", .texts = std::move(rules)});
  if (reply) return {};
  return in_words(std::move(reply).error(), fmt::format("change rules of policy \"{}\"", policy));
}

Result<ForwardPorts> Firewalld::forward_ports_mode() {
  auto reply =
      ask({owner_, kConfigPath, kProperties, "Get", {kConfigInterface, "StrictForwardPorts"}});
  // firewalld before 2.3 has no such property, and says so in Python's words or the bus's.
  if (!reply && (reply.error().code == Errc::unsupported || reply.error().code == Errc::system)) {
    return ForwardPorts::anybodys;
  }
  if (!reply) return in_words(std::move(reply).error(), "ask for StrictForwardPorts");
  auto word = TRY(reply->text());
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return word == "yes" || word == "true" ? ForwardPorts::own_only : ForwardPorts::anybodys;
}

Result<std::vector<ForwardPort>> Firewalld::forward_ports() {
  auto active = call(kZoneInterface, "getActiveZones", {});
  if (!active) return in_words(std::move(active).error(), "list active zones");
  std::vector<ForwardPort> ports;
  for (const auto& zone : TRY(active->keys())) {
    auto reply = call(kZoneInterface, "getForwardPorts", {zone});
    if (!reply) {
      return in_words(std::move(reply).error(), fmt::format("list ports of zone \"{}\"", zone));
    }
    for (auto& row : TRY(reply->rows())) {
      row.resize(4);
      ports.push_back({std::move(row[0]), std::move(row[1]), std::move(row[2]), std::move(row[3])});
    }
  }
  return ports;
}

Result<FirewalldWatch> FirewalldWatch::start(std::chrono::milliseconds patience, const char* path) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto bus = Bus::open(deadline, path);
  if (!bus) return with_context(std::move(bus).error(), "watch firewalld");
  // Whose signals they are, the bus vouches for: it knows who has the name.
  for (const auto* rule :
       {"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
        "member='NameOwnerChanged',arg0='org.fedoraproject.FirewallD1'",
        "type='signal',sender='org.fedoraproject.FirewallD1',"
        "interface='org.fedoraproject.FirewallD1',member='Reloaded'"}) {
    if (auto subscribed = bus->subscribe(rule, deadline); !subscribed) {
      return with_context(std::move(subscribed).error(), "watch firewalld");
    }
  }
  return FirewalldWatch{*std::move(bus)};
}

Result<std::optional<FirewalldEvent>> FirewalldWatch::next() {
  while (const auto signal = TRY(bus_.next_signal())) {
    if (signal->interface == kName && signal->member == "Reloaded") return FirewalldEvent::reloaded;
    const auto& texts = signal->texts;
    if (signal->sender == kDbus && signal->member == "NameOwnerChanged" && texts.size() == 3 &&
        texts.front() == kName) {
      return texts.back().empty() ? FirewalldEvent::stopped : FirewalldEvent::started;
    }
  }
  return std::nullopt;
}

}  // namespace burrow::firewall
