#include "engine/runtime.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "engine/container_root.h"
#include "engine/isolated_child.h"
#include "engine/process_identity.h"
#include "host/fd.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr auto kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The last lines of what the runtime logged: its reason.
std::string reason_in(const fs::path& log) {
  const auto text = host::read_file_if_exists(log);
  if (!text || !*text || (*text)->empty()) return "no reason given";
  std::string_view reason = **text;
  while (reason.ends_with('\n')) reason.remove_suffix(1);
  constexpr size_t kLongest = 2048;
  if (reason.size() > kLongest) reason.remove_prefix(reason.size() - kLongest);
  return std::string{reason};
}

Result<ProcessIdentity> read_pid_file(const fs::path& path) {
  const auto text = TRY(host::read_file(path, 64));
  int pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return identify(pid);
}

CreateFailure failure_of(const Error& error) {
  // Our own look-up of the command is the only step with these two codes: see create.
  const auto kind = error.code == Errc::not_found    ? CreateFailure::Kind::command_not_found
                    : error.code == Errc::permission ? CreateFailure::Kind::command_not_runnable
                                                     : CreateFailure::Kind::other;
  return {kind, error.message};
}

// Everything but the look-up of the command fails as the system's failure.
template <typename T>
Result<T> as_system(Result<T> result) {
  if (!result) return fail(Errc::system, "{}", result.error().message);
  return result;
}

}  // namespace

std::string path_of(const Container& container) {
  for (const auto& entry : container.spec.environment) {
    if (entry.starts_with("PATH=")) return entry.substr(5);
  }
  return kDefaultPath;
}

Result<Runtime> Runtime::find(const Directories& directories) {
  return Runtime{TRY(find_runtime()), directories};
}

fs::path Runtime::log_of(const ContainerId& id) const {
  return directories_.container(id) / "runtime.log";
}

std::vector<std::string> Runtime::arguments(const ContainerId& id) const {
  std::vector<std::string> words{program_.path.native(), "--root", directories_.runtime().native(),
                                 "--log", log_of(id).native()};
  // crun can leave cgroups alone, and then nothing of the host's cgroup layout matters.
  if (program_.kind == RuntimeKind::crun) words.emplace_back("--cgroup-manager=disabled");
  return words;
}

Result<Created> Runtime::create(const Container& container, const Stdio& stdio) const {
  const auto files = directories_.container(container.id);
  const BundlePaths paths{
      .rootfs = files / "rootfs", .netns = directories_.netns(container.id), .files = files};
  TRY_VOID(host::make_directories(directories_.runtime()));
  TRY_VOID(host::remove_file(log_of(container.id)));
  const auto prepare = [&]() -> Result<std::vector<std::string>> {
    const auto access =
        TRY(as_system(mount_root({.lower = container.spec.rootfs,
                                  .target = paths.rootfs,
                                  .layer = directories_.container_state(container.id) / "layer",
                                  .scratch = files / "scratch"})));
    TRY_VOID(check_command(paths.rootfs, container.spec.command.front(), path_of(container)));
    TRY_VOID(as_system(
        host::write_file(files / "config.json", render_oci_spec(container, paths, access))));
    auto words = arguments(container.id);
    for (const auto& word :
         {std::string{"create"}, std::string{"--bundle"}, files.native(), std::string{"--pid-file"},
          (files / "pid").native(), container.id.str()}) {
      words.push_back(word);
    }
    return words;
  };
  const auto outcome = run_isolated(prepare, stdio);
  if (!outcome) return Created{.process = {}, .failure = failure_of(outcome.error())};
  if (outcome->exit_code != 0) {
    return Created{.process = {},
                   .failure = {CreateFailure::Kind::other,
                               fmt::format("the OCI runtime {} failed: {}", program_.path.native(),
                                           reason_in(log_of(container.id)))}};
  }
  return Created{.process = TRY(read_pid_file(files / "pid")), .failure = {}};
}

Result<void> Runtime::run(const ContainerId& id, std::vector<std::string> words) const {
  const host::Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null.is_open()) return system_failure(errno, "open \"/dev/null\"");
  TRY_VOID(host::remove_file(log_of(id)));
  auto all = arguments(id);
  all.insert(all.end(), words.begin(), words.end());
  const auto outcome = TRY(run_isolated([&]() -> Result<std::vector<std::string>> { return all; },
                                        {null.get(), null.get(), null.get()}));
  if (outcome.exit_code == 0) return {};
  return fail(Errc::system, "the OCI runtime cannot {} {}: {}", words.front(), short_id(id),
              reason_in(log_of(id)));
}

Result<void> Runtime::start(const ContainerId& id) const { return run(id, {"start", id.str()}); }

Result<void> Runtime::remove(const ContainerId& id) const {
  std::error_code ignored;
  if (!fs::exists(directories_.runtime() / id.str(), ignored)) return {};
  auto removed = run(id, {"delete", "--force", id.str()});
  // State that the runtime cannot read keeps nothing alive.
  fs::remove_all(directories_.runtime() / id.str(), ignored);
  return removed;
}

Error Runtime::exec(const ContainerId& id, const std::vector<std::string>& options,
                    const std::vector<std::string>& command) const {
  if (auto entered = enter_private_mounts(); !entered) return entered.error();
  std::vector<std::string> all{program_.path.native(), "--root", directories_.runtime().native()};
  if (program_.kind == RuntimeKind::crun) all.emplace_back("--cgroup-manager=disabled");
  all.emplace_back("exec");
  all.insert(all.end(), options.begin(), options.end());
  all.push_back(id.str());
  all.insert(all.end(), command.begin(), command.end());
  std::vector<char*> words;
  for (auto& word : all) words.push_back(word.data());
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  return system_failure(errno, fmt::format("run \"{}\"", all.front())).value();
}

}  // namespace burrow::engine
