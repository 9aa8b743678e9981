// Address allocation: the store's part of ipam/, in one immediate transaction.

#include <algorithm>

#include "engine/store.h"
#include "ipam/allocate.h"

namespace burrow::engine {
namespace {

struct Request {
  ContainerId container;
  const netstack::Network& network;
  std::vector<IpAddress> addresses;
};

ipam::Pool pool_of(const netstack::Subnet& subnet) {
  ipam::Pool pool{.subnet = subnet.network, .gateway = subnet.gateway};
  if (subnet.lease_range) {
    pool.first = subnet.lease_range->start;
    pool.last = subnet.lease_range->end;
  }
  return pool;
}

// All addresses held on a network, with their holders.
struct Held {
  ipam::AddressSet addresses;
  std::vector<std::pair<IpAddress, std::string>> holders;
};

Result<Held> read_held(Database& database, const NetworkName& network) {
  auto rows = TRY(database.prepare(
      "SELECT address, name FROM leases JOIN containers ON id = container WHERE network = ?"));
  rows.bind(network.str());
  Held held;
  while (TRY(rows.step())) {
    const auto address = TRY(IpAddress::parse(rows.text(0)));
    held.addresses.insert(address);
    held.holders.emplace_back(address, rows.text(1));
  }
  return held;
}

Result<bool> holds_any(Database& database, const Request& request) {
  auto rows =
      TRY(database.prepare("SELECT 1 FROM leases WHERE container = ? AND network = ? LIMIT 1"));
  rows.bind(request.container.str()).bind(request.network.name.str());
  return rows.step();
}

Result<void> record(Database& database, const Request& request, const netstack::Subnet& subnet,
                    const IpAddress& address, int64_t position) {
  auto statement = TRY(database.prepare("INSERT INTO leases VALUES (?, ?, ?, ?, ?)"));
  return statement.bind(request.network.name.str())
      .bind(address.to_string())
      .bind(subnet.network.to_string())
      .bind(position)
      .bind(request.container.str())
      .run();
}

Result<void> check_requested(const Request& request, const netstack::Subnet& subnet,
                             const IpAddress& address, const Held& held) {
  const auto holder =
      std::ranges::find(held.holders, address, [](const auto& one) { return one.first; });
  if (holder != held.holders.end()) {
    return fail(
        Errc::already_exists,
        "requested ip address {} on network \"{}\" is already allocated to container \"{}\"",
        address.to_string(), request.network.name, holder->second);
  }
  // The lease range binds automatic choice alone; the edges of the subnet bind everyone.
  const auto range = TRY(ipam::usable_range({.subnet = subnet.network}));
  if (subnet.gateway == address) {
    return fail(Errc::invalid_input, "requested ip address {} is the gateway of network \"{}\"",
                address.to_string(), request.network.name);
  }
  if (address < range.first || address > range.last) {
    return fail(Errc::invalid_input,
                "requested ip address {} is the network or broadcast address of {}",
                address.to_string(), subnet.network.to_string());
  }
  return {};
}

Result<IpAddress> choose(Database& database, const Request& request, const netstack::Subnet& subnet,
                         const Held& held) {
  const auto prefix = subnet.network.to_string();
  auto find = TRY(database.prepare("SELECT last FROM positions WHERE network = ? AND subnet = ?"));
  find.bind(request.network.name.str()).bind(prefix);
  std::optional<IpAddress> last;
  if (TRY(find.step())) last = TRY(IpAddress::parse(find.text(0)));
  auto chosen = ipam::allocate(pool_of(subnet), held.addresses, last);
  if (!chosen) {
    return with_context(std::move(chosen).error(),
                        fmt::format("network \"{}\"", request.network.name));
  }
  auto statement = TRY(database.prepare("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)"));
  TRY_VOID(statement.bind(request.network.name.str()).bind(prefix).bind(chosen->to_string()).run());
  return *chosen;
}

Result<void> check_inside(const Request& request) {
  for (const auto& address : request.addresses) {
    const bool is_inside = std::ranges::any_of(request.network.subnets, [&](const auto& subnet) {
      return subnet.network.contains(address);
    });
    if (!is_inside) {
      return fail(Errc::invalid_input, "requested static ip {} not in any subnet on network {}",
                  address.to_string(), request.network.name);
    }
  }
  return {};
}

Result<void> lease_on(Database& database, const Request& request) {
  TRY_VOID(check_inside(request));
  if (TRY(holds_any(database, request))) return {};
  auto held = TRY(read_held(database, request.network.name));
  int64_t position = 0;
  for (const auto& subnet : request.network.subnets) {
    bool was_requested = false;
    for (const auto& address : request.addresses) {
      if (!subnet.network.contains(address)) continue;
      TRY_VOID(check_requested(request, subnet, address, held));
      TRY_VOID(record(database, request, subnet, address, position++));
      was_requested = true;
    }
    if (was_requested) continue;
    const auto address = TRY(choose(database, request, subnet, held));
    TRY_VOID(record(database, request, subnet, address, position++));
  }
  return {};
}

bool takes_part(const netstack::Network& network) {
  const auto driver = network.ipam_options.find("driver");
  return driver == network.ipam_options.end() || driver->second.empty() ||
         driver->second == "host-local";
}

}  // namespace

Result<void> Store::lease(const ContainerId& id, const std::vector<netstack::Network>& networks) {
  auto transaction = TRY(Transaction::begin(database_));
  const auto container = TRY(find(id));
  if (!container) return fail(Errc::not_found, "no such container: {}", short_id(id));
  for (const auto& network : networks) {
    const auto attachment =
        std::ranges::find(container->attachments, network.name, &Attachment::network);
    if (attachment == container->attachments.end()) {
      return fail(Errc::not_found, "container {} is not connected to network {}", container->name,
                  network.name);
    }
    if (!takes_part(network)) continue;
    TRY_VOID(lease_on(
        database_,
        {.container = id, .network = network, .addresses = attachment->requested_addresses}));
  }
  return transaction.commit();
}

}  // namespace burrow::engine
