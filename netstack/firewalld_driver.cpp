#include "netstack/firewalld_driver.h"

#include <algorithm>
#include <iterator>

#include "core/log.h"
#include "firewall/firewalld_change.h"
#include "host/local_addresses.h"
#include "netstack/plan_firewalld.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

// What all but this container and its networks have on record.
Result<std::vector<firewall::Element>> claims_of_others(const SetupRequest& request,
                                                        const Journal& journal) {
  std::vector<firewall::Element> claims;
  const auto add = [&](const Steps& steps) {
    std::ranges::move(elements_of(steps), std::back_inserter(claims));
    std::ranges::move(firewalld_elements_of(steps), std::back_inserter(claims));
  };
  for (const auto& record : TRY(journal.all_attachments())) {
    if (record.container != request.container) add(record.steps);
  }
  const auto own = network_names(request);
  for (const auto& record : TRY(journal.all_networks())) {
    if (std::ranges::find(own, record.network) == own.end()) add(record.steps);
  }
  return claims;
}

// Addresses that ports can be published on, but for those of bridges that are about to go.
Result<std::vector<IpAddress>> host_addresses(const ChangeFirewalld& step) {
  std::vector<IpAddress> addresses;
  const auto is_leaving = [&](const LinkName& link) {
    const auto is_it = [&](const firewall::Element& element) {
      return element.set == firewall::SetName::bridges &&
             element.key.front() == firewall::Field{link};
    };
    return std::ranges::any_of(step.remove, is_it) && std::ranges::none_of(step.add, is_it);
  };
  for (const auto& [link, address] : TRY(host::local_addresses())) {
    if (!address.is_loopback() && !address.is_link_local() && !is_leaving(link)) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

// What somebody else holds keeps nothing else from coming back.
Result<void> restore_singly(const std::vector<NetworkRecord>& networks,
                            const std::vector<AttachmentRecord>& attachments,
                            FirewalldAccess& access) {
  std::vector<Error> errors;
  const auto restore = [&](const Steps& steps) {
    auto elements = firewalld_elements_of(steps);
    if (elements.empty()) return;
    auto done = change_firewalld({.restore = std::move(elements)}, access);
    if (!done) errors.push_back(std::move(done).error());
  };
  for (const auto& record : networks) restore(record.steps);
  for (const auto& record : attachments) restore(record.steps);
  if (errors.empty()) return {};
  return Failure{combined(errors)};
}

}  // namespace

Result<FirewalldDriverSnapshot> observe_firewalld_driver(const SetupRequest& request,
                                                         FirewalldAccess& access,
                                                         const Journal& journal) {
  auto* firewalld = TRY(access.require());
  std::vector<LinkName> bridges;
  for (const auto& asked : request.attachments) {
    if (asked.network.interface) bridges.push_back(*asked.network.interface);
  }
  auto contents = TRY(firewall::read_contents(*firewalld, bridges));
  FirewalldDriverSnapshot snapshot{.unread = std::move(contents.unread),
                                   .standing = std::move(contents.standing),
                                   .forwarded = {},
                                   .claims = {}};
  if (!snapshot.unread.empty()) return snapshot;
  if (!request.ports.empty()) {
    snapshot.forward_ports = TRY(firewalld->forward_ports_mode());
    if (snapshot.forward_ports == firewall::ForwardPorts::own_only) {
      snapshot.forwarded = TRY(firewalld->forward_ports());
    }
  }
  snapshot.claims = TRY(claims_of_others(request, journal));
  return snapshot;
}

Result<void> change_firewalld(const ChangeFirewalld& step, FirewalldAccess& access) {
  const bool only_removes = step.add.empty() && step.restore.empty();
  auto firewalld = access.require();
  if (!firewalld && firewalld.error().code == Errc::unsupported && only_removes) return {};
  if (!firewalld) return Failure{std::move(firewalld).error()};
  auto addresses = TRY(host_addresses(step));
  firewall::FirewalldChange change{.remove = firewall::firewalld_entries(step.remove),
                                   .add = firewall::firewalld_entries(step.restore),
                                   .host_addresses = std::move(addresses)};
  std::ranges::move(firewall::firewalld_entries(step.add), std::back_inserter(change.add));
  (**firewalld).be_patient(std::max(access.patience(), kChangePatience));
  auto done = firewall::carry_out(change, **firewalld);
  if (!done && done.error().code == Errc::timeout) access.give_up();
  // It has ended meanwhile, and all that it had with it.
  if (!done && done.error().code == Errc::changed && only_removes) return {};
  return done;
}

Result<void> restore_firewalld(const std::vector<NetworkRecord>& networks,
                               const std::vector<AttachmentRecord>& attachments) {
  const auto lost = restored_firewalld(networks, attachments);
  if (lost.restore.empty()) return {};
  FirewalldAccess access{kRestorePatience};
  auto firewalld = access.require();
  if (!firewalld && firewalld.error().code == Errc::unsupported) {
    log::info("firewall", "firewalld does not run: what it is to have is put back when it does");
    return {};
  }
  const auto contents = TRY(firewall::read_contents(*TRY(std::move(firewalld)), {}));
  TRY_VOID(check_firewalld_driver({.unread = contents.unread}));
  auto done = change_firewalld(lost, access);
  if (done) {
    log::info("firewall", "put back what {} records have in firewalld",
              networks.size() + attachments.size());
    return done;
  }
  if (done.error().code == Errc::timeout || done.error().code == Errc::changed) return done;
  return restore_singly(networks, attachments, access);
}

Result<void> restore_firewalld(const std::filesystem::path& run_directory) {
  const auto has_any = [](const auto& records) {
    return std::ranges::any_of(
        records, [](const auto& record) { return !firewalld_elements_of(record.steps).empty(); });
  };
  {
    const auto journal = TRY(Journal::look(run_directory));
    if (!has_any(TRY(journal.all_networks()))) return {};
  }
  // With the lock: what a teardown takes out must not come back.
  const auto journal = TRY(Journal::open(run_directory));
  return restore_firewalld(TRY(journal.all_networks()), TRY(journal.all_attachments()));
}

Result<std::vector<firewall::Element>> elements_in_firewalld(
    const std::vector<std::filesystem::path>& run_directories) {
  std::vector<firewall::Element> elements;
  const auto add = [&](const auto& records) {
    for (const auto& record : records) {
      std::ranges::move(firewalld_elements_of(record.steps), std::back_inserter(elements));
    }
  };
  for (const auto& directory : run_directories) {
    const auto journal = TRY(Journal::look(directory));
    add(TRY(journal.all_networks()));
    add(TRY(journal.all_attachments()));
  }
  return elements;
}

}  // namespace burrow::netstack
