#include "netstack/trace.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "host/fd.h"

namespace burrow::netstack {
namespace {

using firewall::Decider;
using firewall::TraceEvent;
using firewall::TraceVerdict;

// The kernel does not say that a packet is through: it is when so long nothing more comes of it.
constexpr std::chrono::milliseconds kQuiet{300};

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return fail(Errc::invalid_input, "not a port: \"{}\"", text.substr(0, 64));
  }
  return port;
}

std::string what_happens(const TraceEvent& event) {
  switch (event.verdict) {
    case TraceVerdict::accept:
      return "accepts it";
    case TraceVerdict::drop:
      return "drops it";
    case TraceVerdict::jump:
      return fmt::format("sends it to chain {}", event.target);
    case TraceVerdict::give_back:
      return "hands it back";
    case TraceVerdict::queue:
      return "hands it to a program";
    case TraceVerdict::go_on:
      return "lets it go on";
  }
  return "?";
}

std::string who(const TraceEvent& event) {
  switch (event.decider) {
    case Decider::rule:
      return event.rule.empty() ? "a rule that is gone" : fmt::format("rule \"{}\"", event.rule);
    case Decider::end_of_chain:
      return "the end of the chain";
    case Decider::policy:
      return "the policy";
  }
  return "?";
}

// SIGINT and SIGTERM as a descriptor, for as long as it lives.
class Interruption {
 public:
  static Result<Interruption> catch_signals() {
    Interruption made;
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGHUP);
    if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return system_failure(errno, "block signals");
    made.fd_ = host::Fd{::signalfd(-1, &set, SFD_CLOEXEC)};
    if (!made.fd_.is_open()) return system_failure(errno, "wait for signals");
    return made;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Interruption() = default;
  host::Fd fd_;
};

}  // namespace

Result<firewall::Flow> parse_flow(std::string_view from, std::string_view to,
                                  std::optional<std::string_view> protocol) {
  firewall::Flow flow{.from = TRY(IpAddress::parse(from)), .to = {}, .protocol = {}, .port = {}};
  auto address = to;
  if (to.starts_with('[')) {
    const auto end = to.find(']');
    if (end == to.npos) return fail(Errc::invalid_input, "no \"]\" in \"{}\"", to.substr(0, 64));
    address = to.substr(1, end - 1);
    if (const auto rest = to.substr(end + 1); !rest.empty()) {
      if (!rest.starts_with(':')) {
        return fail(Errc::invalid_input, "not an address and a port: \"{}\"", to.substr(0, 64));
      }
      flow.port = TRY(parse_port(rest.substr(1)));
    }
  } else if (const auto colon = to.find(':'); colon != to.npos && colon == to.rfind(':')) {
    address = to.substr(0, colon);
    flow.port = TRY(parse_port(to.substr(colon + 1)));
  }
  flow.to = TRY(IpAddress::parse(address));
  if (protocol) flow.protocol = TRY(parse_protocol(*protocol));
  if (flow.port && !flow.protocol) flow.protocol = Protocol::tcp;
  if (flow.from.family() != flow.to.family()) {
    return fail(Errc::invalid_input, "{} and {} are of two families", flow.from.to_string(),
                flow.to.to_string());
  }
  return flow;
}

std::string TraceStory::tell(const TraceEvent& event) {
  std::string text;
  const auto place = fmt::format("{} {} {}", event.family, event.table, event.chain);
  if (packet_ && *packet_ != event.packet) {
    // The kernel's number of a packet may change on its way; no packet meets a chain again.
    earlier_.merge(places_);
    places_.clear();
    if (earlier_.contains(place)) {
      text += end();
    } else {
      packet_ = event.packet;
    }
  }
  if (!packet_) {
    packet_ = event.packet;
    text += fmt::format("packet {}: {}{}\n", ++told_,
                        event.packet_words.empty() ? "(no headers)" : event.packet_words,
                        event.in.empty() ? "" : fmt::format(", in by \"{}\"", event.in));
  }
  places_.insert(place);
  text += fmt::format("  {:<32} {} {}\n", place, who(event), what_happens(event));
  if (event.verdict == TraceVerdict::drop) {
    dropped_by_ = fmt::format("{} of {}", who(event), place);
  }
  return text;
}

std::string TraceStory::end() {
  if (!packet_) return {};
  packet_.reset();
  earlier_.clear();
  places_.clear();
  ++ended_;
  const auto by = std::exchange(dropped_by_, {});
  return by.empty() ? "  => no chain dropped it\n" : fmt::format("  => dropped by {}\n", by);
}

Result<void> trace(const firewall::Flow& flow, size_t packets,
                   const std::function<void(const std::string&)>& print) {
  // Before there is anything to take away.
  const auto interruption = TRY(Interruption::catch_signals());
  auto tracer = TRY(firewall::Tracer::start(flow));
  print(fmt::format("waiting for packets from {} to {}{}{}\n", flow.from.to_string(),
                    flow.to.to_string(),
                    flow.protocol ? fmt::format(", {}", to_string(*flow.protocol)) : "",
                    flow.port ? fmt::format(" port {}", *flow.port) : ""));
  TraceStory story;
  while (story.ended() < packets) {
    std::array<pollfd, 2> polled{{{.fd = tracer.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = interruption.fd(), .events = POLLIN, .revents = 0}}};
    const int timeout = story.is_following() ? static_cast<int>(kQuiet.count()) : -1;
    const int ready = ::poll(polled.data(), polled.size(), timeout);
    if (ready < 0 && errno != EINTR) return system_failure(errno, "wait for packets");
    if (ready == 0) print(story.end());
    if (polled[1].revents != 0) break;
    for (const auto& event : TRY(tracer.take())) {
      if (story.ended() < packets) print(story.tell(event));
    }
  }
  if (story.is_following()) print(story.end());
  return {};
}

}  // namespace burrow::netstack
