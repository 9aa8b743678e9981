// The OCI runtime (crun or runc) as the engine uses it. Each call runs it in a mount namespace that
// ends with it: the container's root is mounted there and nowhere else, and crun and runc find the
// one unified cgroup hierarchy there that they agree on, whatever the host has.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/container.h"
#include "engine/directories.h"
#include "engine/programs.h"

namespace burrow::engine {

/// Descriptors that become a program's standard input, output and error output.
using Stdio = std::array<int, 3>;

/// What can go wrong with the user's command is told apart from what can go wrong with us.
struct CreateFailure {
  enum class Kind { command_not_found, command_not_runnable, other };
  Kind kind = Kind::other;
  std::string message;
};

/// A container made but not started: its first process waits.
struct Created {
  std::optional<ProcessIdentity> process;  ///< nothing exactly when there is a failure
  CreateFailure failure;
};

/// One OCI runtime with its state under the run directory.
class Runtime {
 public:
  /// Errors: not_found, saying what to install.
  static Result<Runtime> find(const Directories& directories);

  /// Makes the container: root, config.json, first process. Call from a program of one thread that
  /// is a child subreaper: the process becomes the caller's child.
  Result<Created> create(const Container& container, const Stdio& stdio) const;
  Result<void> start(const ContainerId& id) const;
  /// Kills and removes whatever is there; nothing is fine.
  Result<void> remove(const ContainerId& id) const;
  /// Replaces this program by the runtime's `exec` in a running container. Returns on failure only.
  Error exec(const ContainerId& id, const std::vector<std::string>& options,
             const std::vector<std::string>& command) const;

 private:
  Runtime(RuntimeProgram program, Directories directories)
      : program_(std::move(program)), directories_(std::move(directories)) {}
  [[nodiscard]] std::vector<std::string> arguments(const ContainerId& id) const;
  [[nodiscard]] fs::path log_of(const ContainerId& id) const;
  [[nodiscard]] Result<void> run(const ContainerId& id, std::vector<std::string> words) const;

  RuntimeProgram program_;
  Directories directories_;
};

/// The PATH that commands of `container` are looked up in.
std::string path_of(const Container& container);

}  // namespace burrow::engine
