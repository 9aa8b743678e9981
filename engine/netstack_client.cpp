#include "engine/netstack_client.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/json.h"
#include "core/overloaded.h"
#include "engine/programs.h"
#include "host/file.h"
#include "host/guarded_process.h"

namespace burrow::engine {
namespace {

// Longer than netstack itself waits for anybody.
constexpr host::Bounds kBounds{.time = std::chrono::minutes{10},
                               .output = size_t{16} << 20U,
                               .error_output = size_t{1} << 20U};

// The sentence of netstack's {"error": ...}, or what else it said.
Failure failure_of(const host::GuardedOutcome& outcome) {
  if (const auto document = parse_json(outcome.output)) {
    const auto error = JsonCursor{*document}.find("error");
    if (error && *error) {
      if (const auto text = (*error)->string()) return fail(Errc::system, "netstack: {}", *text);
    }
  }
  return std::visit(
      Overloaded{[&](const host::Exited& end) {
                   return fail(Errc::system, "netstack failed with exit code {}: {}", end.status,
                               outcome.error_output.substr(0, 1024));
                 },
                 [](const host::Killed& end) {
                   return fail(Errc::system, "netstack ended by signal {}", end.signal);
                 },
                 [](const host::TimedOut&) {
                   return fail(
                       Errc::timeout, "netstack was at work for {} minutes: ended",
                       std::chrono::duration_cast<std::chrono::minutes>(kBounds.time).count());
                 },
                 [](const host::Flooded&) {
                   return fail(Errc::corrupt, "netstack answered more than {} bytes: ended",
                               kBounds.output);
                 }},
      outcome.end);
}

// Runs a command of netstack's, `command` with its operands. It ends with us: else it could set up
// what whoever cleans up after us has looked for in vain.
Result<std::string> run_netstack(const Directories& directories,
                                 const std::vector<std::string>& command, std::string input) {
  TRY_VOID(host::make_directories(directories.netstack()));
  const auto program = TRY(find_netstack());
  std::vector<std::string> arguments{program.native(), "--config", directories.netstack().native(),
                                     "--rootless=false",
                                     "--aardvark-binary=" + find_dns().native()};
  arguments.insert(arguments.end(), command.begin(), command.end());
  const auto outcome = TRY(host::run_guarded(
      {.arguments = std::move(arguments), .input = std::move(input), .environment = {}}, kBounds));
  if (!outcome.error_output.empty()) {
    // Warnings are for the person who called us.
    (void)!::write(STDERR_FILENO, outcome.error_output.data(), outcome.error_output.size());
  }
  const auto* exited = std::get_if<host::Exited>(&outcome.end);
  if (exited == nullptr || exited->status != 0) return failure_of(outcome);
  return outcome.output;
}

}  // namespace

Result<std::vector<NetworkStatus>> netstack_setup(const Directories& directories,
                                                  const fs::path& netns,
                                                  const NetstackSubject& subject) {
  const auto output =
      TRY(run_netstack(directories, {"setup", netns.native()}, render_netstack_document(subject)));
  const auto document = TRY(parse_json(output));
  std::vector<NetworkStatus> statuses;
  for (const auto& [name, block] : TRY(JsonCursor{document}.members())) {
    auto json = block.value().dump();
    auto status = TRY(decode_status(TRY(NetworkName::parse(name)), json));
    statuses.push_back({.status = std::move(status), .json = std::move(json)});
  }
  if (statuses.size() != subject.networks.size()) {
    return fail(Errc::corrupt, "unexpected netstack result length, want ({}), got ({}) networks",
                subject.networks.size(), statuses.size());
  }
  return statuses;
}

Result<void> netstack_teardown(const Directories& directories, const fs::path& netns,
                               const NetstackSubject& subject) {
  TRY_VOID(
      run_netstack(directories, {"teardown", netns.native()}, render_netstack_document(subject)));
  return {};
}

Result<void> netstack_limit(const Directories& directories, const NetworkName& network,
                            const std::optional<ContainerId>& container,
                            const std::map<std::string, std::string>& changes) {
  std::vector<std::string> command{"limit", network.str()};
  if (container) command.insert(command.end(), {"--container", container->str()});
  for (const auto& [option, word] : changes) {
    auto flag = "--" + option;
    std::ranges::replace(flag, '_', '-');
    command.insert(command.end(), {std::move(flag), word});
  }
  TRY_VOID(run_netstack(directories, command, {}));
  return {};
}

Result<netstack::Status> decode_status(const NetworkName& network, const std::string& json) {
  auto statuses = netstack::decode_statuses(fmt::format("{{\"{}\":{}}}", network.str(), json));
  if (!statuses) return fail(Errc::corrupt, "status of {}: {}", network, statuses.error().message);
  if (statuses->size() != 1) return fail(Errc::corrupt, "status of {} has no interface", network);
  return std::move(statuses->front());
}

}  // namespace burrow::engine
