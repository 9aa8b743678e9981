// What the engine remembers: containers, their attachments and addresses. The only place that knows
// the schema. Every function is one transaction; it is safe to kill the process anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/container.h"
#include "engine/directories.h"
#include "engine/sqlite.h"
#include "netstack/network.h"

namespace burrow::engine {

/// The store of one machine, open.
class Store {
 public:
  /// Opens the store, made or migrated as needed. After a reboot (another `boot_id` than last
  /// time) no container runs and no address is held any more; `rebooted()` says so once.
  /// Errors: system, corrupt, unsupported when a newer release wrote it.
  static Result<Store> open(const Directories& directories, std::string_view boot_id);
  [[nodiscard]] bool rebooted() const { return rebooted_; }

  /// Errors: already_exists when a container has that name, naming it.
  Result<void> check_name(const ContainerName& name);
  /// Errors: as check_name.
  Result<void> insert(const Container& container);
  /// All containers, oldest first.
  Result<std::vector<Container>> containers();
  /// The container called `text`: its name, its identifier or the unique start of it.
  /// Errors: not_found, invalid_input when several match.
  Result<Container> get(std::string_view text);
  /// The same by identifier alone, or nothing.
  Result<std::optional<Container>> find(const ContainerId& id);
  Result<void> remove(const ContainerId& id);

  /// From here on a crash leaves something to clean up.
  Result<void> set_starting(const ContainerId& id);
  Result<void> set_running(const ContainerId& id, const ProcessIdentity& process, Timestamp now);
  /// Ends the run: no process, no addresses, no ports, nothing set up.
  Result<void> set_exited(const ContainerId& id, std::optional<int> exit_code, Timestamp now);
  Result<void> set_ports(const ContainerId& id, const std::vector<PortMapping>& ports);

  /// Errors: already_exists when it is attached to that network.
  Result<void> attach(const ContainerId& id, const Attachment& attachment);
  /// Its addresses are free again.
  Result<void> detach(const ContainerId& id, const NetworkName& network);
  /// What was asked for on the attachment's network.
  Result<void> set_request(const ContainerId& id, const Attachment& attachment);
  Result<void> set_status(const ContainerId& id, const NetworkName& network,
                          std::string_view status);

  /// Gives the container its addresses on each of `networks`: one per subnet, those it asked for
  /// first. All or none, and none twice, whoever else asks at the same time. What it holds already
  /// stays. Errors: already_exists naming the holder, invalid_input, exhausted.
  Result<void> lease(const ContainerId& id, const std::vector<netstack::Network>& networks);

  /// Names of the containers, running or not, that are attached to `network`.
  Result<std::vector<std::string>> users_of(const NetworkName& network);
  /// Forgets where allocation in `network` stood.
  Result<void> forget_network(const NetworkName& network);

 private:
  Store(Database database, bool rebooted) : database_(std::move(database)), rebooted_(rebooted) {}
  Result<std::vector<Container>> select(std::string_view condition, std::string_view argument);
  Result<void> insert_attachment(const ContainerId& id, const Attachment& attachment);

  Database database_;
  bool rebooted_;
};

}  // namespace burrow::engine
