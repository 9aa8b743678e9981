// A container as the engine knows it: values only. How it gets there is the lifecycle's.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ip.h"
#include "core/mac.h"
#include "core/names.h"
#include "core/port.h"

namespace burrow::engine {

/// A port to publish as the user asked for it. Without a host port a free one is found at start.
struct PortRequest {
  std::optional<IpAddress> host_address;
  std::optional<uint16_t> host_port;
  uint16_t container_port = 0;
  uint16_t count = 1;
  Protocol protocol = Protocol::tcp;
  friend auto operator<=>(const PortRequest&, const PortRequest&) = default;
};

/// An entry of /etc/hosts. Without an address it is the host's own, as containers see it.
struct HostEntry {
  std::vector<std::string> names;
  std::optional<IpAddress> address;
};

/// What a container is made from; never changes after it was created.
struct ContainerSpec {
  std::vector<std::string> command;
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string rootfs = "/";
  std::string hostname;
  bool has_own_hostname = false;  ///< the user chose it, so that it is an alias as well
  std::vector<PortRequest> ports;
  std::vector<IpAddress> dns_servers;
  std::vector<HostEntry> hosts;
  bool removes_itself = false;
  bool is_detached = false;
  bool reads_stdin = false;
};

/// A container on a network: what was asked for, and what is so while it runs.
struct Attachment {
  NetworkName network;
  LinkName interface;
  std::vector<IpAddress> requested_addresses;
  std::optional<MacAddress> requested_mac;
  std::vector<std::string> aliases;
  std::map<std::string, std::string> limits;  ///< netstack's options that limit it there
  std::vector<IpAddress> leases;              ///< held from the start to the end of the container
  std::string status;  ///< netstack's StatusBlock as JSON; empty while not set up
};

/// A process that cannot be confused with a later one of the same number.
struct ProcessIdentity {
  int pid = 0;
  uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat
  friend auto operator<=>(const ProcessIdentity&, const ProcessIdentity&) = default;
};

enum class ContainerState { created, running, exited };
std::string_view to_string(ContainerState state);

/// Seconds since 1970.
using Timestamp = int64_t;

/// One container of the store.
struct Container {
  ContainerId id;
  ContainerName name;
  ContainerSpec spec;
  ContainerState state = ContainerState::created;
  Timestamp created = 0;
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<int> exit_code;  ///< unknown when nobody was there to see it
  std::optional<ProcessIdentity> process;
  std::vector<PortMapping> ports;       ///< published now
  std::vector<Attachment> attachments;  ///< in the order given
};

/// The first twelve letters, as people see it.
std::string short_id(const ContainerId& id);

}  // namespace burrow::engine
