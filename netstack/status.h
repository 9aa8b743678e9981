// What a container got on one network: the StatusBlock that `setup` prints for engines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/mac.h"
#include "core/names.h"

namespace burrow::netstack {

/// An address of the container and the gateway of its subnet.
struct StatusAddress {
  IpInterface address;
  std::optional<IpAddress> gateway;
};

/// One container on one network.
struct Status {
  NetworkName network;
  LinkName interface;
  MacAddress mac;
  std::vector<StatusAddress> addresses;
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> search_domains;
};

/// The map from network name to StatusBlock, keys in netavark's order, empty lists as [].
Json encode(const std::vector<Status>& statuses);

/// Reads what `encode` writes. Errors: invalid_input.
Result<std::vector<Status>> decode_statuses(std::string_view text);

}  // namespace burrow::netstack
