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
#include "netstack/dns_lists.h"

namespace burrow::netstack {

namespace fs = std::filesystem;

namespace {

// A daemon that is busy with a flood still reads its files within milliseconds.
constexpr std::chrono::milliseconds kRefreshDeadline{2000};
// All other commands of the run directory wait meanwhile.
constexpr std::chrono::milliseconds kStartDeadline{5000};

// Ten thousand containers with long lists of names.
constexpr size_t kLargestFile = size_t{64} << 20U;

struct Running {
  pid_t pid = 0;
  uint16_t port = kDnsPort;
};

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value <= 0) return std::nullopt;
  return value;
}

// What stands behind the option in a command line as /proc shows it.
std::optional<std::string_view> value_of(std::string_view option, std::string_view command) {
  const auto found = command.find(fmt::format("{0}{1}{0}", '\0', option));
  if (found == command.npos) return std::nullopt;
  const auto rest = command.substr(found + option.size() + 2);
  return rest.substr(0, rest.find('\0'));
}

// A daemon in another network namespace cannot serve here, even if it reads our files. One that may
// not be looked at counts as ours.
bool is_in_our_network(pid_t pid) {
  std::error_code failed;
  const auto ours = fs::read_symlink("/proc/self/ns/net", failed);
  if (failed) return true;
  const auto its = fs::read_symlink(fmt::format("/proc/{}/ns/net", pid), failed);
  return failed || its == ours;
}

// The running daemon of this directory. A pid file can outlive its daemon and the number come to
// name a stranger, so the process must have the directory on its command line.
std::optional<Running> running(const fs::path& directory) {
  const auto text = host::read_file(directory / "aardvark.pid", 64);
  if (!text) return std::nullopt;
  const auto pid = number<pid_t>(*text);
  if (!pid) return std::nullopt;
  const auto command = host::read_file(fmt::format("/proc/{}/cmdline", *pid), 1U << 20U);
  if (!command) return std::nullopt;
  const auto argument = std::string{'\0'} + directory.native() + '\0';
  if (command->find(argument) == std::string::npos) return std::nullopt;
  if (!is_in_our_network(*pid)) return std::nullopt;
  Running found{.pid = *pid};
  for (const auto* option : {"-p", "--port"}) {
    if (const auto value = value_of(option, *command)) {
      found.port = number<uint16_t>(*value).value_or(found.port);
    }
  }
  return found;
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

// How the start of the daemon ended, in words.
std::string describe(const host::GuardedOutcome& outcome, const fs::path& binary) {
  auto reason = trimmed(outcome.error_output);
  const auto with_reason = [&](std::string end) {
    return reason.empty() ? end : fmt::format("{}: {}", end, reason);
  };
  if (const auto* exited = std::get_if<host::Exited>(&outcome.end)) {
    if (!reason.empty()) return reason;
    return fmt::format("\"{}\" ended with status {}", binary.native(), exited->status);
  }
  if (const auto* killed = std::get_if<host::Killed>(&outcome.end)) {
    return with_reason(
        fmt::format("\"{}\" was ended by signal {}", binary.native(), killed->signal));
  }
  return with_reason(fmt::format("\"{}\" was not ready after {} s and was ended", binary.native(),
                                 kStartDeadline.count() / 1000));
}

}  // namespace

bool DnsDaemon::is_installed() const {
  return !binary.empty() && ::access(binary.c_str(), X_OK) == 0;
}

std::optional<uint16_t> DnsDaemon::running_port() const {
  const auto daemon = running(directory);
  return daemon ? std::optional{daemon->port} : std::nullopt;
}

bool DnsDaemon::has_entry(const std::string& file, const ContainerId& container) const {
  const auto content = host::read_file_if_exists(directory / file);
  if (!content || !*content) return false;
  return (**content).find(fmt::format("\n{} ", container)) != std::string::npos;
}

bool DnsDaemon::has_name_lists(const AddDnsEntry& entry) const {
  auto wanted = name_lists_in(entry.header);
  std::ranges::move(name_lists_in(entry.entry), std::back_inserter(wanted));
  if (wanted.empty()) return true;
  const auto content = host::read_file_if_exists(directory / entry.file);
  if (!content || !*content) return false;
  return std::ranges::all_of(wanted, [&](std::string_view line) {
    return (**content).find(fmt::format("\n{}\n", line)) != std::string::npos;
  });
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

Result<void> DnsDaemon::replace(const ReplaceDnsEntry& entry) const {
  const auto held = TRY(host::FileLock::acquire(lock));
  TRY_VOID(host::make_directories(directory));
  const auto file = directory / entry.file;
  const auto content = TRY(host::read_file_if_exists(file)).value_or("");
  // Servers may have been changed by `update`, which is on no record.
  auto header =
      content.empty() ? entry.header : with_same_name_lists(header_of(content), entry.header);
  return host::write_file(file, with_entry(content, header, entry.entry, entry.container), scratch);
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

// Whether the daemon that runs opens names. Asked of itself: any program may be called
// aardvark-dns.
Result<void> DnsDaemon::check_opens_names() const {
  const auto answer =
      host::ask_local(fs::path{directory}.concat(".sock"), "refresh\n", kRefreshDeadline);
  if (answer) {
    const auto document = parse_json(*answer);
    if (document) {
      const auto lists = JsonCursor{*document}.find("named_lists");
      if (lists && *lists) return {};
    }
  }
  const auto daemon = running(directory);
  return fail(
      Errc::unsupported,
      "names in lists need burrow-dns, and the DNS daemon that runs ({}) is another program "
      "or an older one: end it, so that \"{}\" is started in its place",
      daemon
          ? fmt::format("process {}, by \"{}\"", daemon->pid, (directory / "aardvark.pid").native())
          : std::string{"not found any more"},
      binary.native());
}

Result<void> DnsDaemon::serve(NamesInLists names) const {
  TRY_VOID(start_or_tell());
  return names == NamesInLists::some ? check_opens_names() : Result<void>{};
}

std::vector<ListedNames> names_in_lists(const fs::path& directory) {
  std::vector<ListedNames> lists;
  std::error_code failed;
  for (fs::directory_iterator at{directory, failed}, end; !failed && at != end;
       at.increment(failed)) {
    const auto content = host::read_file(at->path(), kLargestFile);
    if (!content) continue;
    std::ranges::move(read_name_lists(at->path().filename().native(), *content),
                      std::back_inserter(lists));
  }
  return lists;
}

void renew_names(const fs::path& directory) {
  const auto answer =
      host::ask_local(fs::path{directory}.concat(".sock"), "renew\n", kRefreshDeadline);
  if (!answer) log::debug("netstack", "DNS: {}", answer.error().message);
}

Result<void> DnsDaemon::start_or_tell() const {
  if (const auto daemon = running(directory)) {
    if (const auto told = tell(daemon->pid, directory); told && *told) return {};
  }
  host::Command command;
  std::error_code ignored;
  if (fs::exists("/run/systemd/system", ignored)) {
    if (const auto systemd_run = find_in_path("systemd-run")) {
      // In a scope of its own, the daemon does not end with the service that started a container.
      command.arguments = {systemd_run->native(), "-q", "--scope"};
      if (rootless == Rootless::yes) command.arguments.emplace_back("--user");
    }
  }
  for (const auto& argument :
       {binary.native(), std::string{"--config"}, directory.native(), std::string{"-p"},
        std::to_string(port.value_or(kDnsPort)), std::string{"run"}}) {
    command.arguments.push_back(argument);
  }
  command.environment = {"RUST_LOG=" + log_word()};
  const auto outcome = TRY(host::run_guarded(command, {.time = kStartDeadline}));
  const auto* exited = std::get_if<host::Exited>(&outcome.end);
  if (exited != nullptr && exited->status == 0) return {};
  return fail(Errc::system, "aardvark-dns failed to start: {}", describe(outcome, binary));
}

Result<void> DnsDaemon::notify() const {
  const auto daemon = running(directory);
  if (!daemon) return {};
  if (auto told = tell(daemon->pid, directory); !told) return Failure{std::move(told).error()};
  return {};
}

}  // namespace burrow::netstack
