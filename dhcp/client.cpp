#include "dhcp/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "dhcp/places.h"
#include "host/local_socket.h"

namespace burrow::dhcp {
namespace {

namespace fs = std::filesystem;

// For all but getting a lease, and what getting one may take besides the asking.
constexpr seconds kPatience{10};
// For an answer that takes the proxy no work.
constexpr seconds kShortPatience{3};
// What the proxy's own patience is at most: its --timeout.
constexpr seconds kLongestSetUp{300};

// Until `fd` is ready for `events`. Errors: timeout.
Result<void> wait_for(int fd, short events, Instant end) {
  while (true) {
    const auto left = end - BootClock::now();
    if (left <= milliseconds{0}) return fail(Errc::timeout, "no answer in time");
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_failure(errno, "poll");
  }
}

Result<void> send_all(int fd, std::string_view text, Instant end) {
  while (!text.empty()) {
    const auto size = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      text.remove_prefix(static_cast<size_t>(size));
    } else if (errno == EAGAIN) {
      TRY_VOID(wait_for(fd, POLLOUT, end));
    } else if (errno != EINTR) {
      return system_failure(errno, "send");
    }
  }
  return {};
}

}  // namespace

std::vector<fs::path> socket_paths() {
  const char* path = std::getenv(kSocketVariable);  // NOLINT(concurrency-mt-unsafe)
  if (path != nullptr && *path != '\0') return {path};
  std::vector<fs::path> paths;
  for (const auto& place : {kOwnPlace, kNetavarkPlace}) {
    paths.push_back(fs::path{place.directory} / place.socket_name);
  }
  return paths;
}

Result<Client> Client::connect(const std::vector<fs::path>& paths) {
  std::string places;
  for (const auto& path : paths) {
    auto fd = host::connect_local(path);
    if (fd) return Client{*std::move(fd), path};
    places += fmt::format("{}{}", places.empty() ? "" : "; ", fd.error().message);
  }
  return fail(Errc::not_found,
              "no DHCP proxy answers: start burrow-dhcp, or enable the systemd unit "
              "burrow-dhcp.socket or netavark-dhcp-proxy.socket ({})",
              places);
}

Result<Json> Client::ask(const Command& command, seconds patience) {
  const auto end = BootClock::now() + patience;
  const auto named = [&](Error error) {
    return with_context(std::move(error), fmt::format("DHCP proxy at \"{}\"", path_.native()));
  };
  if (auto sent = send_all(fd_.get(), encode(command) + "\n", end); !sent) {
    return named(std::move(sent).error());
  }
  while (true) {
    const auto end_of_line = incoming_.find('\n');
    if (end_of_line != incoming_.npos) {
      const auto line = incoming_.substr(0, end_of_line);
      incoming_.erase(0, end_of_line + 1);
      auto answer = decode_answer(line);
      if (!answer && answer.error().code == Errc::corrupt) return named(answer.error());
      return answer;
    }
    if (incoming_.size() > kLongestReply) return named({Errc::corrupt, "the answer is too long"});
    std::array<char, 4096> buffer;
    const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      incoming_.append(buffer.data(), static_cast<size_t>(size));
    } else if (size == 0) {
      return named({Errc::system, "it has hung up"});
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(fd_.get(), POLLIN, end); !ready) {
        return named(std::move(ready).error());
      }
    } else if (errno != EINTR) {
      return named(system_failure(errno, "receive").value());
    }
  }
}

Result<std::vector<Lease>> Client::set_up(const LeaseRequest& request) {
  const auto answer =
      TRY(ask(SetUp{request}, request.patience.value_or(kLongestSetUp) + kPatience));
  auto leases = decode_leases(answer);
  if (!leases) {
    return with_context(std::move(leases).error(),
                        fmt::format("DHCP proxy at \"{}\"", path_.native()));
  }
  if (leases->size() != request.families.size()) {
    return fail(Errc::corrupt, "DHCP proxy at \"{}\": {} leases for {} families", path_.native(),
                leases->size(), request.families.size());
  }
  return leases;
}

Result<void> Client::check() {
  TRY(ask(Commit{}, kShortPatience));
  return {};
}

Result<void> Client::commit() {
  TRY(ask(Commit{}, kPatience));
  return {};
}

Result<bool> Client::tear_down(const Holder& holder) {
  const auto answer = TRY(ask(TearDown{holder}, kPatience));
  return TRY(JsonCursor{answer}.at("had_lease")).boolean();
}

Result<std::vector<LeaseStatus>> Client::list() {
  return decode_statuses(TRY(ask(ListLeases{}, kPatience)));
}

}  // namespace burrow::dhcp
