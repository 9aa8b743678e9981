#include "netstack/plan_firewalld.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "firewall/conflicts.h"

namespace burrow::netstack {
namespace {

using firewall::Element;
using firewall::FirewalldEntry;
using firewall::FirewalldHolder;
using firewall::SetName;

// firewalld needs some ten milliseconds for each, during which it does nothing else.
constexpr size_t kMostRules = 256;

// How the option is called that asked for an element.
std::string option_of(const Element& element) {
  switch (element.set) {
    case SetName::snat4:
      return "outbound_addr4";
    case SetName::snat6:
      return "outbound_addr6";
    case SetName::asked4:
    case SetName::asked6:
      return "publish=host-firewall";
    default:
      return fmt::format("\"{}\"", firewall::to_string(element));
  }
}

Result<void> check_known(const std::vector<Element>& elements) {
  const auto* foreign = firewall::find_foreign(elements);
  if (foreign == nullptr) return {};
  return fail(Errc::unsupported,
              "firewall driver \"firewalld\": firewalld has nothing for {}, which the driver "
              "nftables does",
              option_of(*foreign));
}

// Sets in which two owners exclude each other. Everything else follows from those.
bool is_claim(const Element& element) {
  return element.set == SetName::bridges || element.set == SetName::subnets4 ||
         element.set == SetName::subnets6 || firewall::is_publication(element.set);
}

Result<void> check_claims(const std::vector<Element>& wanted, const std::vector<Element>& claims) {
  for (const auto& one : wanted) {
    if (!is_claim(one)) continue;
    for (const auto& claim : claims) {
      if (claim.owner != one.owner && is_claim(claim) && firewall::overlaps(one, claim)) {
        return firewall::conflict(one, claim);
      }
    }
  }
  return {};
}

Result<void> check_zone(const NetworkName& network, const std::vector<FirewalldEntry>& wanted,
                        const FirewalldDriverSnapshot& there) {
  for (const auto& entry : wanted) {
    if (entry.kind != FirewalldHolder::zone) continue;
    for (const auto& standing : there.standing) {
      if (standing.kind != FirewalldHolder::zone || standing.value != entry.value) continue;
      if (firewall::is_driver_zone(standing.holder) || standing.holder == firewall::kOwnZone) {
        continue;
      }
      return fail(
          Errc::invalid_input,
          "network \"{}\": \"{}\" is in zone \"{}\" of firewalld, by somebody's choice: the "
          "firewall driver \"firewalld\" needs it in \"{}\"",
          network, entry.value, standing.holder, entry.holder);
    }
  }
  return {};
}

}  // namespace

Result<void> check_firewalld_driver(const FirewalldDriverSnapshot& there) {
  if (there.unread.empty()) return {};
  return fail(Errc::unsupported,
              "firewall driver \"firewalld\": firewalld has not read {}: install the files of "
              "packaging/firewalld in /usr/lib/firewalld, then run firewall-cmd --reload once",
              fmt::join(there.unread, ", "));
}

Result<std::optional<ChangeFirewalld>> firewalld_network_change(
    const NetworkName& network, std::vector<Element> elements,
    const std::optional<NetworkRecord>& record, const FirewalldDriverSnapshot& there) {
  auto known = check_known(elements);
  if (!known) return with_context(std::move(known).error(), fmt::format("network \"{}\"", network));
  TRY_VOID(check_claims(elements, there.claims));
  const auto wanted = firewall::firewalld_entries(elements);
  TRY_VOID(check_zone(network, wanted, there));
  auto before = record ? firewalld_elements_of(record->steps) : std::vector<Element>{};
  if (before.empty()) {
    return ChangeFirewalld{.add = std::move(elements)};
  }
  if (before != elements) {
    return ChangeFirewalld{.remove = std::move(before), .add = std::move(elements)};
  }
  const bool is_whole = std::ranges::all_of(
      wanted, [&](const FirewalldEntry& entry) { return there.standing.contains(entry); });
  if (is_whole) return std::nullopt;
  return ChangeFirewalld{.restore = std::move(elements)};
}

Result<void> check_firewalld_ports(const std::vector<Element>& elements,
                                   const FirewalldDriverSnapshot& there) {
  TRY_VOID(check_known(elements));
  TRY_VOID(check_claims(elements, there.claims));
  const auto wanted = firewall::firewalld_entries(elements);
  if (wanted.size() > kMostRules) {
    return fail(Errc::exhausted,
                "firewall driver \"firewalld\": {} rules for published ports, of at most {}: "
                "firewalld needs one for each port of a range that does not have the same ports "
                "on both sides",
                wanted.size(), kMostRules);
  }
  for (const auto& entry : wanted) {
    if (const auto* rival = firewall::find_rival(entry, there.standing)) {
      return fail(Errc::already_exists,
                  "a port is already led elsewhere by policy \"{}\" of firewalld: {}",
                  rival->holder, rival->value);
    }
  }
  return {};
}

ChangeFirewalld restored_firewalld(const std::vector<NetworkRecord>& networks,
                                   const std::vector<AttachmentRecord>& attachments) {
  ChangeFirewalld change;
  const auto add = [&](const Steps& steps) {
    std::ranges::move(firewalld_elements_of(steps), std::back_inserter(change.restore));
  };
  for (const auto& record : networks) add(record.steps);
  for (const auto& record : attachments) add(record.steps);
  return change;
}

}  // namespace burrow::netstack
