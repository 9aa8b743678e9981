#include "netstack/firewall_view.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "netstack/limit_words.h"

namespace burrow::netstack {
namespace {

using firewall::Element;
using firewall::PortRange;
using firewall::SetName;

constexpr std::string_view kNetworkOwner = "network ";

std::string field(const Element& element, size_t index) {
  return firewall::to_string(std::span{element.key}.subspan(index, 1));
}

std::string word_of(firewall::TableState table) {
  switch (table) {
    case firewall::TableState::missing:
      return "missing";
    case firewall::TableState::current:
      return "current";
    case firewall::TableState::damaged:
      return "damaged";
    case firewall::TableState::outdated:
      return "outdated";
  }
  return "?";
}

std::string_view word_of(FirewallDriver driver) {
  return driver == FirewallDriver::firewalld ? "firewalld" : "nftables";
}

void add_port(const Element& element, FirewallDriver driver, FirewallView& view) {
  std::span key{element.key};
  ShownPort port{.owner = element.owner, .driver = driver};
  if (const auto* address = std::get_if<IpAddress>(&key.front())) {
    port.host_address = *address;
    key = key.subspan(1);
  }
  port.protocol = std::get<Protocol>(key[0]);
  port.host_ports = std::get<PortRange>(key[1]);
  port.to = std::get<IpAddress>(element.value.front());
  // A range leads to the same ports.
  port.to_ports =
      element.value.size() > 1 ? std::get<PortRange>(element.value[1]) : port.host_ports;
  view.ports.push_back(std::move(port));
}

std::string to_text(const PortRange& ports) {
  return ports.first == ports.last ? fmt::format("{}", ports.first)
                                   : fmt::format("{}-{}", ports.first, ports.last);
}

std::string host_address_of(const ShownPort& port) {
  if (port.host_address) return port.host_address->to_string();
  return port.to.is_v6() ? "::" : "0.0.0.0";
}

std::string endpoint(const std::string& address, const PortRange& ports) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address, to_text(ports))
               : fmt::format("{}:{}", address, to_text(ports));
}

std::string counted(const std::optional<uint64_t>& bytes) {
  return bytes ? fmt::format("{} bytes", *bytes) : "not counted";
}

bool is_among(const PortRange& ports, uint16_t port) {
  return ports.first <= port && port <= ports.last;
}

void add_to_network(const Element& element, ShownNetwork& network) {
  switch (element.set) {
    case SetName::bridges:
      network.bridge = field(element, 0);
      break;
    case SetName::isolated:
      network.isolation = "isolated";
      break;
    case SetName::strict:
      network.isolation = "strict";
      break;
    case SetName::internal:
      network.is_internal = true;
      break;
    case SetName::subnets4:
    case SetName::subnets6:
      network.subnets.push_back(field(element, 0));
      break;
    case SetName::routed4:
    case SetName::routed6:
      network.is_routed = true;
      break;
    case SetName::snat4:
    case SetName::snat6:
      network.outbound[field(element, 0)] = firewall::to_string(element.value);
      break;
    case SetName::dns4:
    case SetName::dns6:
      if (field(element, 1) == "udp") {
        network.dns.push_back(firewall::to_string(element.value));
      }
      break;
    default:
      break;  // says nothing of its own
  }
}

bool is_publication(SetName set) { return firewall::shape_of(set).name.starts_with("publish"); }

// Limits by owner and kind, each value once, whatever the addresses they hold for.
class LimitTable {
 public:
  void add(const Element& element, firewall::LimitKind kind) {
    auto& values = limits_[{element.owner, std::string{to_string(kind)}}];
    if (!element.value.empty()) {
      values.insert(firewall::to_string(element.value));
    } else if (element.key.size() > 1) {
      values.insert(field(element, 1));
    }
  }
  [[nodiscard]] std::vector<ShownLimit> take() const {
    std::vector<ShownLimit> limits;
    for (const auto& [key, values] : limits_) {
      limits.push_back({key.first, key.second, {values.begin(), values.end()}});
    }
    return limits;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::set<std::string>> limits_;
};

std::string short_list(const std::vector<std::string>& values) {
  constexpr size_t kMostShown = 6;
  if (values.empty()) return "none";
  if (values.size() <= kMostShown) return fmt::format("{}", fmt::join(values, ", "));
  return fmt::format("{} and {} more", fmt::join(values.begin(), values.begin() + kMostShown, ", "),
                     values.size() - kMostShown);
}

/// Lines whose columns stand below each other.
class Columns {
 public:
  void add(std::vector<std::string> line) { lines_.push_back(std::move(line)); }
  [[nodiscard]] std::string text() const {
    std::vector<size_t> widths;
    for (const auto& line : lines_) {
      widths.resize(std::max(widths.size(), line.size()));
      for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    std::string text;
    for (const auto& line : lines_) {
      std::string row;
      for (size_t i = 0; i < line.size(); ++i) {
        row += fmt::format("{:<{}}  ", line[i], widths[i]);
      }
      text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> lines_;
};

std::string reach_of(const ShownNetwork& network) {
  if (network.is_internal) return "internal";
  return network.is_routed ? "routed" : "translated";
}

// Nothing where no chain of others has any.
std::string accepted_text(const FirewallView& view) {
  Columns columns;
  columns.add({"ACCEPTED IN", "NETWORK"});
  bool is_any = false;
  for (const auto& network : view.networks) {
    for (const auto& chain : network.accepted_in) columns.add({chain, network.name});
    is_any |= !network.accepted_in.empty();
  }
  return is_any ? '\n' + columns.text() : std::string{};
}

}  // namespace

FirewallView view_of(firewall::TableState table, const std::vector<Element>& elements,
                     const std::vector<Element>& in_firewalld) {
  FirewallView view{.table = table, .networks = {}, .ports = {}, .limits = {}};
  LimitTable limits;
  std::map<std::string, ShownNetwork> networks;
  const auto add = [&](const Element& element, FirewallDriver driver) {
    if (is_publication(element.set)) {
      add_port(element, driver, view);
    } else if (const auto kind = firewall::limit_kind(element.set)) {
      limits.add(element, *kind);
    } else if (!firewall::is_gate(element.set) && element.owner.starts_with(kNetworkOwner)) {
      auto& network = networks[element.owner.substr(kNetworkOwner.size())];
      network.driver = driver;
      add_to_network(element, network);
    }
  };
  for (const auto& element : elements) add(element, FirewallDriver::nftables);
  for (const auto& element : in_firewalld) add(element, FirewallDriver::firewalld);
  for (auto& [name, network] : networks) {
    network.name = name;
    view.networks.push_back(std::move(network));
  }
  std::ranges::stable_sort(view.ports, {}, &ShownPort::owner);
  view.limits = limits.take();
  return view;
}

void add_names(std::span<const ListedNames> lists, FirewallView& view) {
  for (const auto& list : lists) {
    const std::string word{to_string(list.kind)};
    auto at = std::ranges::find_if(view.limits, [&](const ShownLimit& limit) {
      return std::tie(limit.owner, limit.limit) >= std::tie(list.owner, word);
    });
    // A list of denied names alone has no element before they are asked for.
    if (at == view.limits.end() || at->owner != list.owner || at->limit != word) {
      at = view.limits.insert(at, ShownLimit{list.owner, word, {}});
    }
    at->values.insert(at->values.end(), list.names.begin(), list.names.end());
  }
}

std::map<std::string, LinkTraffic> parse_traffic(std::string_view text) {
  // NAME: bytes packets errs drop fifo frame compressed multicast, and the same for what is sent.
  constexpr size_t kBytesOut = 8;
  std::map<std::string, LinkTraffic> traffic;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    const auto start = line.find_first_not_of(' ');
    const std::string name{line.substr(start, colon - start)};
    std::vector<uint64_t> numbers;
    for (line.remove_prefix(colon + 1); !line.empty();) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      uint64_t number = 0;
      const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
      if (error != std::errc{}) break;
      numbers.push_back(number);
      line.remove_prefix(static_cast<size_t>(stop - line.data()));
    }
    if (numbers.size() < kBytesOut + 2) continue;
    traffic[name] = {.bytes_in = numbers[0],
                     .packets_in = numbers[1],
                     .bytes_out = numbers[kBytesOut],
                     .packets_out = numbers[kBytesOut + 1]};
  }
  return traffic;
}

void add_accepts(const firewall::Neighbourhood& there, FirewallView& view) {
  for (const auto& chain : there.chains) {
    for (auto& network : view.networks) {
      const auto is_for_it = [&](const firewall::ForeignRule& rule) {
        if (!rule.is_ours()) return false;
        const auto& link = rule.accept->in ? rule.accept->in : rule.accept->out;
        return link->str() == network.bridge;
      };
      if (std::ranges::any_of(chain.rules, is_for_it)) {
        network.accepted_in.push_back(firewall::to_string(chain.place));
      }
    }
  }
}

void enter_traffic(const std::map<firewall::LedPort, firewall::PortTraffic>& traffic,
                   FirewallView& view) {
  std::multimap<std::pair<Protocol, IpAddress>, ShownPort*> ports;
  for (auto& port : view.ports) {
    port.traffic.emplace();
    ports.emplace(std::pair{port.protocol, port.to}, &port);
  }
  for (const auto& [led, counts] : traffic) {
    const auto [first, last] = ports.equal_range({led.protocol, led.to});
    for (auto one = first; one != last; ++one) {
      auto& port = *one->second;
      const bool is_its = is_among(port.host_ports, led.host_port) &&
                          is_among(port.to_ports, led.to_port) &&
                          (!port.host_address || *port.host_address == led.host_address);
      if (is_its) port.traffic->add(counts);
    }
  }
}

std::string to_text(const FirewallView& view) {
  auto text = fmt::format("table inet burrow: {}\n", word_of(view.table));
  if (!view.networks.empty()) {
    Columns columns;
    const bool has_traffic = std::ranges::any_of(
        view.networks, [](const ShownNetwork& network) { return network.traffic.has_value(); });
    const bool has_firewalld = std::ranges::find(view.networks, FirewallDriver::firewalld,
                                                 &ShownNetwork::driver) != view.networks.end();
    std::vector<std::string> head{"NETWORK", "BRIDGE", "SUBNETS", "ISOLATION", "OUTSIDE", "DNS"};
    if (has_firewalld) head.emplace_back("DRIVER");
    if (has_traffic) {
      for (const auto* name : {"FROM CONTAINERS", "TO CONTAINERS"}) head.emplace_back(name);
    }
    columns.add(std::move(head));
    for (const auto& network : view.networks) {
      std::vector<std::string> line{
          network.name,      network.bridge,    fmt::format("{}", fmt::join(network.subnets, ",")),
          network.isolation, reach_of(network), fmt::format("{}", fmt::join(network.dns, ","))};
      if (has_firewalld) line.emplace_back(word_of(network.driver));
      if (network.traffic) {
        const auto& traffic = *network.traffic;
        line.push_back(fmt::format("{} bytes, {} packets", traffic.bytes_in, traffic.packets_in));
        line.push_back(fmt::format("{} bytes, {} packets", traffic.bytes_out, traffic.packets_out));
      }
      columns.add(std::move(line));
    }
    text += '\n' + columns.text();
  }
  if (!view.ports.empty()) {
    Columns columns;
    const bool has_traffic = std::ranges::any_of(
        view.ports, [](const ShownPort& port) { return port.traffic.has_value(); });
    std::vector<std::string> head{"PORT", "PROTOCOL", "TO", "PUBLISHED BY"};
    if (has_traffic) {
      for (const auto* name : {"CONNECTIONS", "TO CONTAINER", "FROM CONTAINER"}) {
        head.emplace_back(name);
      }
    }
    columns.add(std::move(head));
    for (const auto& port : view.ports) {
      std::vector<std::string> line{endpoint(host_address_of(port), port.host_ports),
                                    std::string{to_string(port.protocol)},
                                    endpoint(port.to.to_string(), port.to_ports), port.owner};
      if (port.traffic) {
        line.push_back(fmt::format("{}", port.traffic->connections));
        line.push_back(counted(port.traffic->bytes_to_container));
        line.push_back(counted(port.traffic->bytes_from_container));
      }
      columns.add(std::move(line));
    }
    text += '\n' + columns.text();
  }
  if (!view.limits.empty()) {
    Columns columns;
    columns.add({"LIMIT", "TO", "OF"});
    for (const auto& limit : view.limits) {
      columns.add({limit.limit, short_list(limit.values), limit.owner});
    }
    text += '\n' + columns.text();
  }
  return text + accepted_text(view);
}

Json encode(const FirewallView& view) {
  Json networks = Json::array();
  for (const auto& network : view.networks) {
    Json one{{"name", network.name},           {"driver", word_of(network.driver)},
             {"bridge", network.bridge},       {"subnets", network.subnets},
             {"isolation", network.isolation}, {"internal", network.is_internal},
             {"routed", network.is_routed},    {"dns", network.dns}};
    if (!network.outbound.empty()) one["outbound"] = network.outbound;
    if (!network.accepted_in.empty()) one["accepted_in"] = network.accepted_in;
    if (network.traffic) {
      one["traffic"] = {{"bytes_in", network.traffic->bytes_in},
                        {"packets_in", network.traffic->packets_in},
                        {"bytes_out", network.traffic->bytes_out},
                        {"packets_out", network.traffic->packets_out}};
    }
    networks.push_back(std::move(one));
  }
  Json ports = Json::array();
  for (const auto& port : view.ports) {
    Json one{{"owner", port.owner},
             {"driver", word_of(port.driver)},
             {"protocol", to_string(port.protocol)},
             {"host_address", host_address_of(port)},
             {"host_ports", to_text(port.host_ports)},
             {"to", endpoint(port.to.to_string(), port.to_ports)}};
    if (const auto& traffic = port.traffic) {
      one["traffic"] = {{"connections", traffic->connections}};
      if (traffic->bytes_to_container) {
        one["traffic"]["bytes_to_container"] = *traffic->bytes_to_container;
      }
      if (traffic->bytes_from_container) {
        one["traffic"]["bytes_from_container"] = *traffic->bytes_from_container;
      }
    }
    ports.push_back(std::move(one));
  }
  Json limits = Json::array();
  for (const auto& limit : view.limits) {
    limits.push_back({{"owner", limit.owner}, {"limit", limit.limit}, {"values", limit.values}});
  }
  return {{"table", word_of(view.table)},
          {"networks", std::move(networks)},
          {"ports", std::move(ports)},
          {"limits", std::move(limits)}};
}

}  // namespace burrow::netstack
