#include "engine/containers.h"

#include <algorithm>
#include <csignal>

#include "engine/lifecycle.h"
#include "engine/networks.h"
#include "engine/process_identity.h"
#include "engine/random.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr size_t kLongestHostname = 63;

Result<void> check_spec(const ContainerSpec& spec) {
  if (spec.command.empty()) return fail(Errc::invalid_input, "no command given");
  std::error_code error;
  if (!fs::is_directory(spec.rootfs, error)) {
    return fail(Errc::invalid_input, "rootfs \"{}\" is not a directory", spec.rootfs);
  }
  for (const auto& entry : spec.environment) {
    if (entry.find('=') == std::string::npos || entry.front() == '=') {
      return fail(Errc::invalid_input, "environment entry \"{}\" is not NAME=value",
                  entry.substr(0, 64));
    }
  }
  return {};
}

Result<std::string> check_hostname(const std::string& text) {
  TRY(ContainerName::parse(text));
  if (text.size() > kLongestHostname) {
    return fail(Errc::invalid_input, "hostname is longer than {} characters: \"{}...\"",
                kLongestHostname, text.substr(0, 32));
  }
  return text;
}

// Every name is resolved before anything is written; one network counts once.
Result<std::vector<Attachment>> plan_attachments(const Engine& engine,
                                                 const std::vector<NetworkChoice>& choices) {
  std::vector<Attachment> attachments;
  std::vector<NetworkName> names;
  for (const auto& choice : choices) {
    names.push_back(TRY(engine.definitions.get(choice.network)).name);
    if (std::count(names.begin(), names.end(), names.back()) > 1) {
      return fail(Errc::invalid_input, "network {} passed twice", names.back());
    }
  }
  // Names that the user chose are taken before names are found for the others.
  std::vector<Attachment> taken;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (!choices[i].interface) continue;
    Attachment named{.network = names[i], .interface = *choices[i].interface};
    if (std::ranges::find(taken, named.interface, &Attachment::interface) != taken.end()) {
      return fail(Errc::invalid_input,
                  "network interface name \"{}\" is already assigned to another network",
                  named.interface);
    }
    taken.push_back(std::move(named));
  }
  for (size_t i = 0; i < choices.size(); ++i) {
    const auto& choice = choices[i];
    auto interface = choice.interface ? *choice.interface : TRY(free_interface(taken));
    Attachment attachment{.network = names[i],
                          .interface = std::move(interface),
                          .requested_addresses = choice.addresses,
                          .requested_mac = choice.mac,
                          .aliases = choice.aliases,
                          .limits = choice.limits};
    if (!choice.interface) taken.push_back(attachment);
    attachments.push_back(std::move(attachment));
  }
  return attachments;
}

// What `stop` and `rm` make sure of: nothing runs and nothing is held on the host. Yields whether
// the container is still in the store.
enum class Left { container, nothing };

Result<void> signal_process(const Container& container, std::chrono::milliseconds patience) {
  if (!container.process) return {};
  const auto process = TRY(ProcessHandle::open(*container.process));
  if (!process) return {};
  if (patience.count() > 0) {
    TRY_VOID(process->send(SIGTERM));
    if (TRY(process->wait(patience))) return {};
  }
  TRY_VOID(process->send(SIGKILL));
  TRY(process->wait(std::nullopt));
  return {};
}

// Waits until nobody supervises the container any more, and cleans up what is left then.
Result<Left> end_running(Engine& engine, const Container& container,
                         std::chrono::milliseconds patience) {
  TRY_VOID(signal_process(container, patience));
  TRY_VOID(host::make_directories(engine.directories.container(container.id)));
  const auto supervision =
      TRY(ContainerLock::acquire(engine.directories, container.id, LockKind::supervision));
  const auto left = TRY(engine.store.find(container.id));
  if (!left) {
    std::error_code ignored;
    fs::remove_all(engine.directories.container(container.id), ignored);
    return Left::nothing;
  }
  if (left->state == ContainerState::exited) return Left::container;
  const auto operation =
      TRY(ContainerLock::acquire(engine.directories, container.id, LockKind::operation));
  TRY_VOID(end_container(engine, container.id, std::nullopt));
  if (!left->spec.removes_itself) return Left::container;
  TRY_VOID(remove_container(engine, container.id));
  return Left::nothing;
}

// A container under its operation lock: nobody starts, connects or ends it meanwhile.
struct Held {
  ContainerLock operation;
  std::optional<Container> container;  ///< nothing when it was removed before we came
};

Result<Held> hold(Engine& engine, const ContainerId& id) {
  TRY_VOID(host::make_directories(engine.directories.container(id)));
  auto operation = TRY(ContainerLock::acquire(engine.directories, id, LockKind::operation));
  auto container = TRY(engine.store.find(id));
  if (!container) {
    std::error_code ignored;
    fs::remove_all(engine.directories.container(id), ignored);
  }
  return Held{std::move(operation), std::move(container)};
}

// A run that did not come to its start. Its supervisor, if there is one, finds it gone.
Result<void> call_off(Engine& engine, const ContainerId& id) {
  TRY_VOID(end_container(engine, id, std::nullopt));
  return remove_container(engine, id);
}

}  // namespace

Result<LinkName> free_interface(const std::vector<Attachment>& attachments) {
  for (size_t number = 0; number <= attachments.size(); ++number) {
    auto name = TRY(LinkName::parse(fmt::format("eth{}", number)));
    if (std::ranges::find(attachments, name, &Attachment::interface) == attachments.end()) {
      return name;
    }
  }
  return fail(Errc::exhausted, "could not find free network interface name");
}

Result<Reserved> create_container(Engine& engine, const NewContainer& wanted) {
  TRY_VOID(check_spec(wanted.spec));
  const auto id = TRY(ContainerId::parse(TRY(random_id())));
  auto name = TRY(ContainerName::parse(wanted.name.value_or("c-" + short_id(id))));
  Container container{.id = id, .name = std::move(name), .spec = wanted.spec, .created = now()};
  container.spec.has_own_hostname = wanted.hostname.has_value();
  container.spec.hostname = TRY(check_hostname(wanted.hostname.value_or(short_id(id))));
  std::error_code error;
  container.spec.rootfs = fs::canonical(wanted.spec.rootfs, error).native();
  if (error) {
    return system_failure(error.value(), fmt::format("find \"{}\"", wanted.spec.rootfs));
  }
  TRY_VOID(engine.store.check_name(container.name));
  if (!wanted.networks) TRY_VOID(ensure_default_network(engine));

  // Networks cannot be removed between being found and being in use.
  const auto definitions = TRY(host::FileLock::acquire(engine.directories.definitions_lock()));
  const auto choices = wanted.networks.value_or(
      std::vector<NetworkChoice>{{.network = std::string{kDefaultNetwork}}});
  container.attachments = TRY(plan_attachments(engine, choices));
  auto lock = TRY(ContainerLock::create(engine.directories, id, LockKind::supervision));
  auto inserted = engine.store.insert(container);
  if (!inserted) {
    std::error_code ignored;
    fs::remove_all(engine.directories.container(id), ignored);
    return Failure{std::move(inserted).error()};
  }
  return Reserved{.id = id, .name = container.name, .supervision = std::move(lock)};
}

Result<void> stop_container(Engine& engine, std::string_view text,
                            std::chrono::milliseconds patience) {
  const auto id = TRY(engine.store.get(text)).id;
  std::optional<Container> running;
  {
    const auto held = TRY(hold(engine, id));
    if (!held.container || held.container->state == ContainerState::exited) return {};
    if (held.container->state == ContainerState::created) return call_off(engine, id);
    running = held.container;
  }
  TRY(end_running(engine, *running, patience));
  return {};
}

Result<void> remove_existing(Engine& engine, std::string_view text, RemoveRunning running) {
  const auto id = TRY(engine.store.get(text)).id;
  for (;;) {
    std::optional<Container> runs;
    {
      const auto held = TRY(hold(engine, id));
      if (!held.container) return {};
      if (held.container->state == ContainerState::exited) return remove_container(engine, id);
      if (running == RemoveRunning::no) {
        return fail(Errc::already_exists,
                    "cannot remove container \"{}\" as it is {}: stop it first, or use -f",
                    held.container->name, to_string(held.container->state));
      }
      if (held.container->state == ContainerState::created) return call_off(engine, id);
      runs = held.container;
    }
    // Looked at again afterwards: someone may have started it once more.
    if (TRY(end_running(engine, *runs, std::chrono::milliseconds{0})) == Left::nothing) return {};
  }
}

}  // namespace burrow::engine
