#include "engine/port_grammar.h"

#include <algorithm>
#include <charconv>

namespace burrow::engine {
namespace {

struct Ports {
  uint16_t first = 0;
  uint16_t count = 1;
};

Result<uint16_t> parse_number(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return fail(Errc::invalid_input, "invalid port number \"{}\": must be 1 to 65535",
                text.substr(0, 32));
  }
  return port;
}

Result<Ports> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return Ports{.first = TRY(parse_number(text))};
  const auto first = TRY(parse_number(text.substr(0, dash)));
  const auto last = TRY(parse_number(text.substr(dash + 1)));
  if (last <= first) {
    return fail(Errc::invalid_input, "port range \"{}\" must end after its start", text);
  }
  return Ports{.first = first, .count = static_cast<uint16_t>(last - first + 1)};
}

struct HostSide {
  std::optional<IpAddress> address;
  std::optional<Ports> ports;
};

// "IP:PORTS", "IP:", "PORTS" or nothing; the address of IPv6 in brackets.
Result<HostSide> parse_host_side(std::string_view text) {
  HostSide side;
  std::string_view ports = text;
  const auto colon = text.rfind(':');
  const bool has_address = colon != std::string_view::npos || text.starts_with('[');
  if (has_address) {
    if (text.ends_with(']') || colon == std::string_view::npos) {
      return fail(Errc::invalid_input, "an IPv6 host address needs a colon after its bracket");
    }
    auto address = text.substr(0, colon);
    ports = text.substr(colon + 1);
    const bool has_brackets = address.starts_with('[') && address.ends_with(']');
    if (has_brackets) address = address.substr(1, address.size() - 2);
    auto parsed = IpAddress::parse(address);
    if (!parsed || parsed->is_v6() != has_brackets) {
      return fail(Errc::invalid_input, "cannot parse \"{}\" as an IP address{}",
                  address.substr(0, 64),
                  address.find(':') != std::string_view::npos && !has_brackets
                      ? ": IPv6 addresses stand in brackets"
                      : "");
    }
    // Every address of one family is more than one address, and kept as written.
    side.address = *parsed;
  }
  if (!ports.empty()) side.ports = TRY(parse_range(ports));
  return side;
}

Result<PortRequest> parse_parts(std::string_view text) {
  PortRequest request;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto word = text.substr(slash + 1);
    if (word.find('/') != std::string_view::npos) {
      return fail(Errc::invalid_input, "protocol given twice");
    }
    request.protocol = TRY(parse_protocol(word));
    text = text.substr(0, slash);
  }
  HostSide host;
  std::string_view container = text;
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    container = text.substr(colon + 1);
    const auto left = text.substr(0, colon);
    // ":80" and "ip::80": no host port, so a free one is found.
    if (!left.empty()) host = TRY(parse_host_side(left));
  }
  if (container.empty()) return fail(Errc::invalid_input, "the container port is missing");
  const auto ports = TRY(parse_range(container));
  if (host.ports && host.ports->count != ports.count) {
    return fail(Errc::invalid_input,
                "host and container port ranges have different lengths: {} vs {}",
                host.ports->count, ports.count);
  }
  request.host_address = host.address;
  if (host.ports) request.host_port = host.ports->first;
  request.container_port = ports.first;
  request.count = ports.count;
  return request;
}

bool is_same_target(const PortRequest& a, const PortRequest& b) {
  return a.container_port - *a.host_port == b.container_port - *b.host_port;
}

// Requests that would lead one host port to two places.
bool is_conflict(const PortRequest& a, const PortRequest& b) {
  if (!a.host_port || !b.host_port) return false;
  if (a.protocol != b.protocol || a.host_address != b.host_address) return false;
  const bool overlaps =
      *a.host_port < *b.host_port + b.count && *b.host_port < *a.host_port + a.count;
  return overlaps && !(is_same_target(a, b) && a.count == b.count);
}

}  // namespace

Result<PortRequest> parse_port(std::string_view text) {
  auto request = parse_parts(text);
  if (!request) {
    return with_context(std::move(request).error(),
                        fmt::format("invalid port mapping \"{}\"", text.substr(0, 128)));
  }
  return request;
}

Result<std::vector<PortRequest>> parse_ports(const std::vector<std::string>& texts) {
  std::vector<PortRequest> requests;
  for (const auto& text : texts) {
    const auto request = TRY(parse_port(text));
    // Without a host port each mention asks for another free one.
    if (request.host_port && std::ranges::find(requests, request) != requests.end()) continue;
    for (const auto& other : requests) {
      if (is_conflict(request, other)) {
        return fail(Errc::invalid_input, "conflicting port mappings for host port {} (protocol {})",
                    std::max(*request.host_port, *other.host_port), to_string(request.protocol));
      }
    }
    requests.push_back(request);
  }
  return requests;
}

}  // namespace burrow::engine
