#include "dns/service.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <tuple>

#include "core/log.h"
#include "dns/control.h"
#include "dns/descriptor_limit.h"
#include "dns/directory.h"
#include "dns/file_watch.h"
#include "dns/host_servers.h"
#include "dns/listeners.h"
#include "dns/name_openings.h"
#include "dns/socket.h"

namespace burrow::dns {
namespace {

constexpr size_t kUsualCacheKib = 4096;
constexpr auto kFirstRetry = std::chrono::milliseconds{100};
constexpr auto kLongestRetry = std::chrono::seconds{10};
// The usual prefixes of container networks, for a gateway address that no link has yet.
constexpr uint8_t kUsualV4Prefix = 24;
constexpr uint8_t kUsualV6Prefix = 64;

ZoneSettings settings_of(const CommandLine& command_line) {
  const bool is_aardvark = command_line.compatibility == Compatibility::aardvark;
  ZoneSettings settings{.forwarding = std::getenv("AARDVARK_NO_PROXY") == nullptr
                                          ? Forwarding::allowed
                                          : Forwarding::never,
                        .rotation = is_aardvark ? Rotation::fixed : Rotation::rotate};
  std::string_view domain = command_line.search_domain;
  while (domain.starts_with('.')) domain.remove_prefix(1);
  if (auto name = DomainName::parse(domain)) {
    settings.search_domain = *std::move(name);
  } else if (!domain.empty()) {
    log::warn("dns", "search domain ignored: {}", name.error().message);
  }
  return settings;
}

ServerLimits limits_of(const CommandLine& command_line) {
  ServerLimits limits;
  const bool is_aardvark = command_line.compatibility == Compatibility::aardvark;
  limits.forwarder.cache.bytes =
      command_line.cache_kib.value_or(is_aardvark ? 0 : kUsualCacheKib) * 1024;
  return limits;
}

Result<host::Fd> take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // NOLINT: nothing of its result is needed
  host::Fd fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd.is_open()) return system_failure(errno, "signalfd");
  return fd;
}

}  // namespace

class Service::Implementation {
 public:
  explicit Implementation(const CommandLine& command_line)
      : compatibility_(command_line.compatibility),
        port_(command_line.port),
        metrics_endpoint_(command_line.metrics),
        // The daemon changes to "/" before it reads the directory again.
        path_(std::filesystem::absolute(command_line.config_directory)),
        settings_(settings_of(command_line)),
        directory_(path_),
        servers_(loop_, command_line.threads, command_line.compatibility, limits_of(command_line),
                 log_listeners_, &openings_),
        listeners_(servers_, command_line.port),
        retry_(loop_, [this] { std::ignore = reload(Trigger::retry); }) {}

  Result<Start> start() {
    raise_descriptor_limit();
    signals_ = TRY(take_signals());
    TRY_VOID(prepare_pid_file());
    auto is_read = directory_.refresh();
    if (!is_read) {
      return with_context(std::move(is_read).error(),
                          "Error starting server unable to parse config");
    }
    if (directory_.networks().empty()) return Start::no_network;
    std::string failures;
    const auto add_failure = [&](const Error& error) {
      failures += (failures.empty() ? "" : "\n") + error.message;
    };
    if (const auto read = read_servers(); !read) add_failure(read.error());
    swap_zones();
    for (const auto& failure : listeners_.follow(zones_)) add_failure(failure);
    if (!failures.empty()) return fail(Errc::system, "Error starting server {}", failures);
    control_ = ControlSocket::open(loop_, control_path(path_), actions());
    if (metrics_endpoint_) {
      metrics_ = open_metrics(loop_, metrics_endpoint_->address, metrics_endpoint_->port,
                              [this] { return inspect(); });
    }
    TRY_VOID(write_pid_file());
    return Start::serving;
  }

  Result<void> run() {
    // Not earlier: the process has become a daemon between, which threads might have noticed.
    TRY_VOID(servers_.start());
    FdWatch signal_watch{loop_, signals_.get(), [&] { on_signal(signal_watch); }};
    signal_watch.await_readable();
    watch_files();
    loop_.run();
    servers_.stop();
    auto removed = host::remove_file(pid_file());
    if (control_) control_->remove();
    return removed;
  }

 private:
  enum class Trigger { asked, file, retry };

  [[nodiscard]] ControlActions actions() {
    return {.refresh = [this] { return reload(Trigger::asked); },
            .renew = [this] { return openings_.renew(); },
            .inspect = [this] { return inspect(); },
            .authority = servers_.first().authority(),
            .listeners = log_listeners_,
            .on_listeners = [this] { follow_listeners(); }};
  }

  // The servers make lines exactly while somebody listens.
  void follow_listeners() {
    const auto logging = log_listeners_.is_empty() ? Server::Logging::off : Server::Logging::on;
    servers_.for_each([&](size_t, Server& server) { server.set_logging(logging); });
  }

  [[nodiscard]] Inspected inspect() {
    auto complaints = directory_.complaints();
    complaints.insert(complaints.end(), failures_.begin(), failures_.end());
    return {.zones = *zones_,
            .report = servers_.report(),
            .threads = servers_.count(),
            .host_servers = host_servers_,
            .generation = generation_,
            .started = started_,
            .port = port_,
            .listeners = listeners_.count(),
            .complaints = std::move(complaints)};
  }

  [[nodiscard]] host::fs::path pid_file() const { return path_ / kPidFileName; }

  // The place is tried out before anything is bound, because a missing directory is the commonest
  // mistake; the file itself appears only when the daemon can take its signals.
  Result<void> prepare_pid_file() {
    if (::access(path_.c_str(), W_OK | X_OK) == 0 && std::filesystem::is_directory(path_))
      return {};
    const int code = errno == 0 ? ENOTDIR : errno;
    return system_failure(code, "Error creating aardvark pid Unable to get process pid");
  }

  Result<void> write_pid_file() {
    // Callers read the number without trimming: no newline. Hidden, so it is no network.
    auto written =
        host::write_file(pid_file(), std::to_string(::getpid()), path_ / ".aardvark.pid");
    if (!written) {
      return with_context(std::move(written).error(), "Error creating aardvark pid");
    }
    return {};
  }

  void on_signal(FdWatch& watch) {
    signalfd_siginfo signal{};
    bool is_reload = false;
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo != SIGHUP) return loop_.stop();
      is_reload = true;
    }
    if (is_reload) std::ignore = reload(Trigger::asked);
    watch.await_readable();
  }

  void watch_files() {
    auto watch = FileWatch::open(loop_);
    if (!watch) {
      log::warn("dns", "changes are seen on SIGHUP alone: {}", watch.error().message);
      return;
    }
    file_watch_ = *std::move(watch);
    const auto on_servers = [this] { log_failure(read_servers()); };
    file_watch_->watch_file(kResolvConf, on_servers);
    file_watch_->watch_file(kResolvedServers, on_servers);
    file_watch_->watch_directory(path_, [this] { std::ignore = reload(Trigger::file); });
  }

  // Keeps the servers of before when the file cannot be read.
  Result<void> read_servers() {
    auto servers = read_host_servers(kResolvConf, kResolvedServers);
    constexpr std::string_view kRefusal =
        "failed to get upstream nameservers, dns forwarding will not work";
    if (compatibility_ == Compatibility::aardvark) {
      if (!servers) return with_context(std::move(servers).error(), kRefusal);
      if (!servers->complaints.empty()) {
        return fail(Errc::invalid_input, "{}: {}", kRefusal, servers->complaints[0]);
      }
    }
    if (!servers) {
      log::warn("dns", "{}: {}", kRefusal, servers.error().message);
      return {};
    }
    if (servers->complaints != last_complaints_) {
      for (const auto& complaint : servers->complaints) {
        log::warn("dns", "{}: {}", kResolvConf, complaint);
      }
    }
    last_complaints_ = servers->complaints;
    host_servers_ = std::move(servers->upstreams);
    servers_.for_each([&](size_t, Server& server) { server.set_host_servers(host_servers_); });
    return {};
  }

  static void log_failure(const Result<void>& result) {
    if (!result) log::error("dns", "{}", result.error().message);
  }

  Result<Refreshed> reload(Trigger trigger) {
    if (trigger == Trigger::asked) {
      log::debug("dns", "reload");
      log_failure(read_servers());
    }
    const auto is_changed = directory_.refresh();
    if (!is_changed) {
      log::error("dns", "{}", is_changed.error().message);
      return Failure{is_changed.error()};
    }
    Refreshed refreshed{.generation = generation_, .networks = directory_.networks().size()};
    if (directory_.networks().empty()) {
      // With the last container goes what was opened for it.
      openings_.follow(Zones{{}, {}, settings_});
      // Whoever removed the last network says so next and must still find us.
      if (trigger == Trigger::asked) loop_.stop();
      return refreshed;
    }
    if (*is_changed) swap_zones();
    refreshed.generation = generation_;
    zones_->for_each_list([&](const auto&) { ++refreshed.named_lists; });
    for (const auto& failure : listeners_.follow(zones_)) {
      if (trigger != Trigger::retry) log::error("dns", "{}", failure.message);
      refreshed.failures.push_back(failure.message);
    }
    failures_ = refreshed.failures;
    if (trigger != Trigger::retry) {
      // Something is new: what failed for long is not waited for as long any more.
      retry_.stop();
      retry_after_ = kFirstRetry;
    }
    if (!refreshed.failures.empty() || directory_.has_unread()) schedule_retry();
    return refreshed;
  }

  void schedule_retry() {
    if (retry_.is_running()) return;
    retry_.start(retry_after_);
    retry_after_ = std::min<Clock::duration>(retry_after_ * 2, kLongestRetry);
  }

  void swap_zones() {
    auto networks = directory_.networks();
    std::vector<IpAddress> gateways;
    for (const auto& network : networks) {
      const auto addresses = network->listen_addresses();
      gateways.insert(gateways.end(), addresses.begin(), addresses.end());
    }
    if (gateways != gateways_) {
      gateways_ = std::move(gateways);
      subnets_ = find_subnets();
    }
    zones_ = std::make_shared<const Zones>(std::move(networks), subnets_, settings_, zones_.get());
    // Before anybody answers from them: what is open for who is gone ends here.
    openings_.follow(*zones_);
    ++generation_;
  }

  // The prefixes that the gateway addresses have on their links.
  [[nodiscard]] std::vector<IpNetwork> find_subnets() const {
    const auto interfaces = interface_addresses();
    std::vector<IpNetwork> subnets;
    for (const auto& gateway : gateways_) {
      auto length = gateway.is_v4() ? kUsualV4Prefix : kUsualV6Prefix;
      const auto found = std::ranges::find(interfaces, gateway, &IpInterface::address);
      if (found != interfaces.end()) length = found->prefix_length;
      subnets.push_back(*IpNetwork::containing(gateway, length));
    }
    return subnets;
  }

  Compatibility compatibility_;
  uint16_t port_;
  std::optional<Endpoint> metrics_endpoint_;
  host::fs::path path_;
  ZoneSettings settings_;
  EventLoop loop_;
  host::Fd signals_;
  Directory directory_;
  std::shared_ptr<const Zones> zones_;
  LogListeners log_listeners_;
  NameOpenings openings_;
  ServerThreads servers_;
  Listeners listeners_;
  std::vector<IpAddress> gateways_;
  std::vector<IpNetwork> subnets_;
  std::vector<std::string> last_complaints_;
  std::vector<Upstream> host_servers_;
  std::vector<std::string> failures_;  // addresses that are not bound
  Clock::time_point started_ = Clock::now();
  uint64_t generation_ = 0;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<ControlServer> metrics_;
  std::unique_ptr<FileWatch> file_watch_;
  Clock::duration retry_after_ = kFirstRetry;
  Timer retry_;
};

Service::Service(const CommandLine& command_line)
    : implementation_(std::make_unique<Implementation>(command_line)) {}
Service::~Service() = default;
Result<Service::Start> Service::start() { return implementation_->start(); }
Result<void> Service::run() { return implementation_->run(); }

}  // namespace burrow::dns
