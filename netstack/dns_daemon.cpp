#include "netstack/dns_daemon.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <variant>

#include "core/json.h"
#include "core/log.h"
#include "host/file.h"
#include "host/guarded_process.h"
#include "host/local_socket.h"
#include "netstack/dns_file.h"

namespace burrow::netstack {

namespace fs = std::filesystem;

namespace {

// A daemon that is busy with a flood still reads its files within milliseconds.
constexpr std::chrono::milliseconds kRefreshDeadline{2000};
// It serves within milliseconds; starting a scope waits for systemd.
constexpr std::chrono::seconds kStartDeadline{10};
constexpr size_t kLongestExplanation = 4096;

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

// Has our own daemon read the files of `directory` and waits until it has. False when there is none
// that can be asked so: another program's, or an older one of ours.
bool refresh(const fs::path& directory) {
  const auto answer =
      host::ask_local(fs::path{directory}.concat(".sock"), "refresh\n", kRefreshDeadline);
  if (!answer) {
    log::debug("netstack", "DNS: {}", answer.error().message);
    return false;
  }
  const auto document = parse_json(*answer);
  if (!document) return false;
  const JsonCursor cursor{*document};
  if (const auto error = cursor.find("error"); !error || *error) return false;
  // The daemon goes on trying by itself: no reason to fail a container.
  const auto failures = cursor.at("failures");
  const auto texts = failures ? failures->elements() : std::vector<JsonCursor>{};
  if (!texts) return false;
  for (const auto& text : *texts) {
    log::warn("netstack", "DNS: {}", text.string().value_or("?"));
  }
  return true;
}

// Has the daemon `pid` read its files. False when it is gone.
Result<bool> tell(pid_t pid, const fs::path& directory) {
  if (refresh(directory)) return true;
  if (::kill(pid, SIGHUP) == 0) return true;
  if (errno == ESRCH) return false;
  return system_failure(errno, fmt::format("signal the DNS daemon, process {}", pid));
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

std::optional<fs::path> find_in_path(std::string_view program) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    auto file = fs::path{rest.substr(0, colon)} / program;
    if (file.is_absolute() && ::access(file.c_str(), X_OK) == 0) return file;
    rest = colon == rest.npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return std::nullopt;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Why a start has failed; nothing when the process that was started, which leaves the daemon
// behind, ended well.
struct WhyFailed {
  const fs::path& binary;
  std::string said;  // on its standard error

  [[nodiscard]] std::string words_or(std::string reason) const {
    return said.empty() ? fmt::format("\"{}\" {}", binary.native(), reason) : said;
  }
  std::optional<std::string> operator()(const host::Exited& exited) const {
    if (exited.status == 0) return std::nullopt;
    return words_or(fmt::format("ended with status {}", exited.status));
  }
  std::optional<std::string> operator()(const host::Killed& killed) const {
    return words_or(fmt::format("was killed by signal {}", killed.signal));
  }
  std::optional<std::string> operator()(const host::TimedOut& /*end*/) const {
    return fmt::format("\"{}\" did not serve within {} s and was killed", binary.native(),
                       kStartDeadline.count());
  }
  std::optional<std::string> operator()(const host::Flooded& /*end*/) const {
    return fmt::format("\"{}\" wrote without end and was killed", binary.native());
  }
};

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
  if (const auto pid = running(directory)) {
    if (const auto told = tell(*pid, directory); told && *told) return {};
  }
  host::Command command;
  std::error_code ignored;
  const auto systemd_run = find_in_path("systemd-run");
  if (systemd_run && fs::exists("/run/systemd/system", ignored)) {
    // In a scope of its own, the daemon does not end with the service that started a container.
    command.arguments = {systemd_run->native(), "-q", "--scope"};
    if (rootless == Rootless::yes) command.arguments.emplace_back("--user");
  }
  for (const auto& argument : {binary.native(), std::string{"--config"}, directory.native(),
                               std::string{"-p"}, std::to_string(port), std::string{"run"}}) {
    command.arguments.push_back(argument);
  }
  command.environment = {"RUST_LOG=" + log_word()};
  const auto outcome = TRY(
      host::run_guarded(command, {.time = kStartDeadline, .error_output = kLongestExplanation}));
  const auto reason = std::visit(WhyFailed{binary, trimmed(outcome.error_output)}, outcome.end);
  if (!reason) return {};
  return fail(Errc::system, "aardvark-dns failed to start: {}", *reason);
}

Result<void> DnsDaemon::notify() const {
  const auto pid = running(directory);
  if (!pid) return {};
  if (auto told = tell(*pid, directory); !told) return Failure{std::move(told).error()};
  return {};
}

}  // namespace burrow::netstack
