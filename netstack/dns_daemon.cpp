#include "netstack/dns_daemon.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include "core/log.h"
#include "host/file.h"
#include "host/process.h"
#include "netstack/dns_file.h"

namespace burrow::netstack {

namespace fs = std::filesystem;

namespace {

// A daemon in another network namespace cannot serve here, even if it reads our files. One that may
// not be looked at counts as ours.
bool is_in_our_network(pid_t pid) {
  std::error_code failed;
  const auto ours = fs::read_symlink("/proc/self/ns/net", failed);
  if (failed) return true;
  const auto its = fs::read_symlink(fmt::format("/proc/{}/ns/net", pid), failed);
  return failed || its == ours;
}

// The pid of a running daemon of this directory. A pid file can outlive its daemon and the number
// come to name a stranger, so the process must have the directory on its command line.
std::optional<pid_t> running(const fs::path& directory) {
  const auto text = host::read_file(directory / "aardvark.pid", 64);
  if (!text) return std::nullopt;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), pid);
  if (error != std::errc{} || pid <= 0) return std::nullopt;
  const auto command = host::read_file(fmt::format("/proc/{}/cmdline", pid), 1U << 20U);
  if (!command) return std::nullopt;
  const auto argument = std::string{'\0'} + directory.native() + '\0';
  if (command->find(argument) == std::string::npos) return std::nullopt;
  if (!is_in_our_network(pid)) return std::nullopt;
  return pid;
}

std::string log_word() {
  for (const auto& [level, word] :
       std::array<std::pair<log::Level, const char*>, 5>{{{log::Level::trace, "TRACE"},
                                                          {log::Level::debug, "DEBUG"},
                                                          {log::Level::info, "INFO"},
                                                          {log::Level::warn, "WARN"},
                                                          {log::Level::error, "ERROR"}}}) {
    if (log::is_enabled(level)) return word;
  }
  return "ERROR";
}

bool is_in_path(std::string_view program) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const auto file = fs::path{rest.substr(0, colon)} / program;
    if (::access(file.c_str(), X_OK) == 0) return true;
    rest = colon == rest.npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return false;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

bool DnsDaemon::is_installed() const {
  return !binary.empty() && ::access(binary.c_str(), X_OK) == 0;
}

bool DnsDaemon::has_entry(const std::string& file, const ContainerId& container) const {
  const auto content = host::read_file_if_exists(directory / file);
  if (!content || !*content) return false;
  return (**content).find(fmt::format("\n{} ", container)) != std::string::npos;
}

std::optional<std::string> DnsDaemon::header(const std::string& file) const {
  const auto content = host::read_file_if_exists(directory / file);
  if (!content || !*content) return std::nullopt;
  return header_of(**content);
}

Result<void> DnsDaemon::add(const AddDnsEntry& entry) const {
  const auto held = TRY(host::FileLock::acquire(lock));
  TRY_VOID(host::make_directories(directory));
  const auto file = directory / entry.file;
  const auto content = TRY(host::read_file_if_exists(file));
  return host::write_file(
      file, with_entry(content.value_or(""), entry.header, entry.entry, entry.container), scratch);
}

Result<void> DnsDaemon::remove(const RemoveDnsEntry& entry) const {
  const auto file = directory / entry.file;
  const auto held = TRY(host::FileLock::acquire(lock));
  const auto content = TRY(host::read_file_if_exists(file));
  if (!content) return {};
  auto rest = without_entry(*content, entry.container);
  if (!rest) return host::remove_file(file);
  if (entry.header) rest = with_header(*rest, *entry.header);
  if (*rest == *content) return {};
  return host::write_file(file, *rest, scratch);
}

Result<void> DnsDaemon::serve() const {
  if (const auto pid = running(directory); pid && ::kill(*pid, SIGHUP) == 0) return {};
  host::Command command;
  std::error_code ignored;
  if (fs::exists("/run/systemd/system", ignored) && is_in_path("systemd-run")) {
    // In a scope of its own, the daemon does not end with the service that started a container.
    command.arguments = {"systemd-run", "-q", "--scope"};
    if (rootless == Rootless::yes) command.arguments.emplace_back("--user");
  }
  for (const auto& argument : {binary.native(), std::string{"--config"}, directory.native(),
                               std::string{"-p"}, std::to_string(port), std::string{"run"}}) {
    command.arguments.push_back(argument);
  }
  command.environment = {"RUST_LOG=" + log_word()};
  const auto outcome = TRY(host::run(command));
  if (outcome.is_success()) return {};
  const auto reason = trimmed(outcome.error_output);
  return fail(Errc::system, "aardvark-dns failed to start: {}",
              reason.empty()
                  ? fmt::format("\"{}\" ended with status {}", binary.native(), outcome.exit_code)
                  : reason);
}

Result<void> DnsDaemon::notify() const {
  const auto pid = running(directory);
  if (pid && ::kill(*pid, SIGHUP) != 0 && errno != ESRCH) {
    return system_failure(errno, fmt::format("signal the DNS daemon, process {}", *pid));
  }
  return {};
}

}  // namespace burrow::netstack
