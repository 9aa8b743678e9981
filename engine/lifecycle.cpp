#include "engine/lifecycle.h"

#include <csignal>

#include "engine/container_lock.h"
#include "engine/container_netns.h"
#include "engine/name_files.h"
#include "engine/netstack_client.h"
#include "engine/port_publisher.h"
#include "engine/process_identity.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

// Collects failures of steps that must all be tried.
class Failures {
 public:
  void note(Result<void> result) {
    if (!result) messages_.push_back(std::move(result).error().message);
  }
  [[nodiscard]] Result<void> result() const {
    if (messages_.empty()) return {};
    return fail(Errc::system, "{}", fmt::join(messages_, "; "));
  }

 private:
  std::vector<std::string> messages_;
};

// Networks that still have a definition; the others cannot be spoken of any more.
std::vector<netstack::Network> known_networks(const Engine& engine, const Container& container) {
  std::vector<netstack::Network> networks;
  for (const auto& attachment : container.attachments) {
    if (auto network = engine.definitions.get(attachment.network.str())) {
      networks.push_back(*std::move(network));
    }
  }
  return networks;
}

bool was_on_network(const Container& container) {
  for (const auto& attachment : container.attachments) {
    if (!attachment.leases.empty() || !attachment.status.empty()) return true;
  }
  return false;
}

Result<void> kill_process(const Container& container) {
  if (!container.process) return {};
  const auto handle = TRY(ProcessHandle::open(*container.process));
  if (!handle) return {};
  TRY_VOID(handle->send(SIGKILL));
  TRY(handle->wait(std::nullopt));
  return {};
}

// What start_container did so far, in one place: each member says how far it came.
struct Start {
  Engine& engine;
  const ContainerId& id;
  const Stdio& stdio;
  std::optional<PortReservation> ports;

  Result<ProcessIdentity> run(StartFailure& failure);

 private:
  Result<void> set_up_network(Container& container);
};

Result<void> Start::set_up_network(Container& container) {
  const auto netns = engine.directories.netns(id);
  TRY_VOID(create_netns(netns));
  std::vector<NetworkStatus> statuses;
  const auto networks = TRY(networks_of(engine, container));
  if (!networks.empty()) {
    statuses = TRY(
        netstack_setup(engine.directories, netns,
                       {.container = container, .ports = container.ports, .networks = networks}));
    for (const auto& [status, json] : statuses) {
      TRY_VOID(engine.store.set_status(id, status.network, json));
    }
  }
  return write_name_files(engine.directories, container, statuses);
}

Result<ProcessIdentity> Start::run(StartFailure& failure) {
  const auto get = [&]() -> Result<Container> {
    auto found = TRY(engine.store.find(id));
    if (!found) return fail(Errc::not_found, "no such container: {}", short_id(id));
    return *std::move(found);
  };
  const auto runtime = TRY(Runtime::find(engine.directories));
  TRY_VOID(engine.store.set_starting(id));
  auto container = TRY(get());
  auto reserved = reserve_ports(container.spec.ports);
  if (!reserved) {
    auto error = std::move(reserved).error();
    if (error.code == Errc::already_exists) {
      failure.exit_code = kExitCannotRun;
      // Its own ports are not its obstacle: they went with its last run.
      auto others = TRY(engine.store.containers());
      std::erase_if(others, [&](const Container& other) { return other.id == id; });
      if (const auto owner = publisher_of(container.spec.ports, others)) {
        error.message += ": " + *owner;
      }
    }
    return Failure{std::move(error)};
  }
  ports = *std::move(reserved);
  TRY_VOID(engine.store.set_ports(id, ports->mappings));
  TRY_VOID(engine.store.lease(id, TRY(networks_of(engine, container))));
  container = TRY(get());
  TRY_VOID(set_up_network(container));

  auto created = TRY(runtime.create(container, stdio));
  if (!created.process) {
    using Kind = CreateFailure::Kind;
    failure.exit_code =
        created.failure.kind == Kind::command_not_found ? kExitNotFound : kExitCannotRun;
    return fail(Errc::system, "{}", created.failure.message);
  }
  // Known to the store before it runs: whoever comes after a crash finds the process.
  TRY_VOID(engine.store.set_running(id, *created.process, now()));
  TRY_VOID(runtime.start(id));
  return *created.process;
}

// A container that nobody supervises any more.
Result<void> clean_up_one(Engine& engine, const Container& seen) {
  auto lock = TRY(ContainerLock::try_acquire(engine.directories, seen.id, LockKind::supervision));
  if (!lock) return {};
  const auto container = TRY(engine.store.find(seen.id));
  std::error_code ignored;
  if (!container) {
    fs::remove_all(engine.directories.container(seen.id), ignored);
    return {};
  }
  if (container->state == ContainerState::exited) return {};
  const bool runs = container->state == ContainerState::running && container->process &&
                    is_alive(*container->process);
  if (runs) return {};
  const auto operation =
      TRY(ContainerLock::acquire(engine.directories, seen.id, LockKind::operation));
  TRY_VOID(end_container(engine, seen.id, std::nullopt));
  const bool never_ran = container->state == ContainerState::created && !container->started;
  if (never_ran || container->spec.removes_itself) return remove_container(engine, seen.id);
  return {};
}

// A run directory that was made for a container that never reached the store. Whoever is about to
// enter it there holds its lock.
Result<void> sweep_unknown(Engine& engine, const std::string& name) {
  const auto id = ContainerId::parse(name);
  if (!id || TRY(engine.store.find(*id))) return {};
  const auto lock = TRY(ContainerLock::try_acquire(engine.directories, *id, LockKind::supervision));
  if (!lock || TRY(engine.store.find(*id))) return {};
  std::error_code error;
  fs::remove_all(engine.directories.container(*id), error);
  if (error) return system_failure(error.value(), "remove the run directory of " + name);
  return {};
}

}  // namespace

Result<std::vector<netstack::Network>> networks_of(const Engine& engine,
                                                   const Container& container) {
  std::vector<netstack::Network> networks;
  for (const auto& attachment : container.attachments) {
    networks.push_back(TRY(engine.definitions.get(attachment.network.str())));
  }
  return networks;
}

StartOutcome start_container(Engine& engine, const ContainerId& id, const Stdio& stdio) {
  StartOutcome outcome;
  Start start{.engine = engine, .id = id, .stdio = stdio};
  auto process = start.run(outcome.failure);
  if (process) {
    outcome.started = Started{.process = *process, .ports = *std::move(start.ports)};
    return outcome;
  }
  outcome.failure.message = process.error().message;
  if (auto undone = end_container(engine, id, std::nullopt); !undone) {
    outcome.failure.message += "; then, while undoing: " + undone.error().message;
  }
  return outcome;
}

Result<void> end_container(Engine& engine, const ContainerId& id, std::optional<int> exit_code) {
  const auto container = TRY(engine.store.find(id));
  if (!container) return {};
  Failures failures;
  failures.note(kill_process(*container));
  if (const auto runtime = Runtime::find(engine.directories)) failures.note(runtime->remove(id));
  const auto netns = engine.directories.netns(id);
  const auto networks = known_networks(engine, *container);
  if (was_on_network(*container) && !networks.empty()) {
    failures.note(netstack_teardown(
        engine.directories, netns,
        {.container = *container, .ports = container->ports, .networks = networks}));
  }
  failures.note(end_processes_in_netns(netns));
  failures.note(remove_netns(netns));
  failures.note(engine.store.set_exited(id, exit_code, now()));
  return failures.result();
}

Result<void> remove_container(Engine& engine, const ContainerId& id) {
  const auto remove = [](const fs::path& directory) -> Result<void> {
    std::error_code error;
    fs::remove_all(directory, error);
    if (!error) return {};
    return system_failure(error.value(), fmt::format("remove \"{}\"", directory.native()));
  };
  // What the container wrote goes first: a crash in between leaves one that can be removed again.
  TRY_VOID(remove(engine.directories.container_state(id)));
  TRY_VOID(engine.store.remove(id));
  return remove(engine.directories.container(id));
}

std::vector<std::string> clean_up_after_crashes(Engine& engine) {
  std::vector<std::string> errors;
  const auto containers = engine.store.containers();
  if (!containers) return {containers.error().message};
  for (const auto& container : *containers) {
    if (container.state == ContainerState::exited) continue;
    if (const auto cleaned = clean_up_one(engine, container); !cleaned) {
      errors.push_back(fmt::format("container {}: {}", container.name, cleaned.error().message));
    }
  }
  const auto names = host::list_directory(engine.directories.containers());
  for (const auto& name : names.value_or(std::vector<std::string>{})) {
    if (const auto swept = sweep_unknown(engine, name); !swept) {
      errors.push_back(swept.error().message);
    }
  }
  return errors;
}

}  // namespace burrow::engine
