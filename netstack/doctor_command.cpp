#include "netstack/doctor_command.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/log.h"
#include "firewall/conntrack.h"
#include "firewall/firewalld.h"
#include "firewall/neighbours.h"
#include "firewall/nftables.h"
#include "host/file.h"
#include "host/link_probe.h"
#include "host/netns.h"
#include "host/private_netns.h"
#include "host/rtnetlink.h"
#include "host/sysctl.h"
#include "netstack/firewalld_access.h"
#include "netstack/observe_links.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

Trial trial(Result<void> result) {
  if (result) return std::nullopt;
  return std::move(result).error();
}

Result<void> try_firewall() {
  auto nftables = TRY(firewall::Nftables::open());
  return nftables.apply({.table = firewall::Change::Table::create});
}

Result<void> try_flows() {
  const PortMapping any{.host_port = 1, .container_port = 1, .protocol = Protocol::udp};
  TRY(firewall::forget_udp({&any, 1}, {}));
  return {};
}

Result<void> try_settings() { return host::write_sysctl("net/ipv4/ip_forward", "1"); }

// Inside the namespace that is thrown away.
KernelFacts try_kernel() {
  using host::LinkKind;
  const auto link = [](LinkKind kind) { return trial(host::try_link_kind(kind)); };
  return {.veth = link(LinkKind::veth),
          .bridge = link(LinkKind::bridge),
          .vlan_filtering = link(LinkKind::bridge_with_vlans),
          .macvlan = link(LinkKind::macvlan),
          .ipvlan = link(LinkKind::ipvlan),
          .vrf = link(LinkKind::vrf),
          .firewall = trial(try_firewall()),
          .flows = trial(try_flows()),
          .writes_settings = trial(try_settings())};
}

Result<KernelFacts> try_kernel_aside() {
  auto netns = TRY(host::make_private_netns());
  auto thread = TRY(host::NetNsThread::start(netns));
  return thread.run([] { return try_kernel(); });
}

bool is_set(std::string_view key) { return host::read_sysctl(key).value_or("0") != "0"; }

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto start = line.find_first_not_of(' ');
    if (start == line.npos) return fields;
    line.remove_prefix(start);
    const auto end = line.find(' ');
    fields.push_back(line.substr(0, end));
    if (end == line.npos) return fields;
    line.remove_prefix(end);
  }
}

// The inodes of sockets on all addresses of `port`. `table` is a file of /proc/net, whose second
// field is address and port in hexadecimal digits (proc(5)).
std::set<std::string> wildcard_sockets(const std::string& table, uint16_t port, bool is_tcp) {
  constexpr std::string_view kListening = "0A";
  constexpr size_t kInode = 9;
  std::set<std::string> inodes;
  const auto content = host::read_file(fmt::format("/proc/net/{}", table)).value_or("");
  std::string_view rest = content;
  const auto suffix = fmt::format(":{:04X}", port);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto fields = fields_of(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (fields.size() <= kInode || !fields[1].ends_with(suffix)) continue;
    if (fields[1].substr(0, fields[1].size() - suffix.size()).find_first_not_of('0') != rest.npos) {
      continue;
    }
    if (!is_tcp || fields[3] == kListening) inodes.emplace(fields[kInode]);
  }
  return inodes;
}

// Name and number of the process that has a socket open, as far as it may be seen.
std::string process_of(const std::set<std::string>& inodes) {
  std::error_code ignored;
  for (const auto& name : host::list_directory("/proc").value_or(std::vector<std::string>{})) {
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    for (const auto& entry : fs::directory_iterator{fmt::format("/proc/{}/fd", name), ignored}) {
      const auto target = fs::read_symlink(entry.path(), ignored).native();
      if (!target.starts_with("socket:[") ||
          !inodes.contains(target.substr(8, target.size() - 9))) {
        continue;
      }
      auto command = host::read_file(fmt::format("/proc/{}/comm", name), 64).value_or("?");
      while (command.ends_with('\n')) command.pop_back();
      return fmt::format("{} ({})", command, name);
    }
  }
  return "";
}

std::vector<PortHolder> port_holders(uint16_t port) {
  std::vector<PortHolder> holders;
  for (const std::string protocol : {"udp", "tcp"}) {
    const bool is_tcp = protocol == "tcp";
    auto inodes = wildcard_sockets(protocol, port, is_tcp);
    inodes.merge(wildcard_sockets(protocol + "6", port, is_tcp));
    if (!inodes.empty()) holders.push_back({.protocol = protocol, .process = process_of(inodes)});
  }
  return holders;
}

std::optional<FirewalldFacts> firewalld_facts() {
  auto found = firewall::Firewalld::find(kFirewalldPatience);
  if (!found) return FirewalldFacts{.answers = std::move(found).error()};
  if (!*found) return std::nullopt;
  auto& firewalld = **found;
  auto zones = firewalld.zones();
  if (!zones) return FirewalldFacts{.answers = std::move(zones).error()};
  auto mode = firewalld.forward_ports_mode();
  if (!mode) return FirewalldFacts{.answers = std::move(mode).error()};
  return FirewalldFacts{
      .has_own_zone = std::ranges::find(*zones, firewall::kOwnZone) != zones->end(),
      .forward_ports = *mode};
}

// Which bridges are in our table, and of which families: a network's elements have one owner.
std::vector<OwnBridge> bridges_in(const std::vector<firewall::Element>& elements) {
  using firewall::SetName;
  std::vector<OwnBridge> bridges;
  for (const auto& element : elements) {
    if (element.set != SetName::bridges) continue;
    OwnBridge bridge{.name = std::get<LinkName>(element.key.front())};
    for (const auto& other : elements) {
      if (other.owner != element.owner) continue;
      bridge.has_ipv4 |= other.set == SetName::subnets4;
      bridge.has_ipv6 |= other.set == SetName::subnets6;
    }
    bridges.push_back(std::move(bridge));
  }
  return bridges;
}

Result<void> look_into_firewall(HostFacts& facts) {
  facts.chains = firewall::dropping_chains(TRY(firewall::look_at_neighbours()));
  facts.is_beside_netavark = TRY(firewall::has_table("netavark"));
  auto nftables = TRY(firewall::Nftables::open());
  facts.bridges = bridges_in(TRY(nftables.elements()));
  return {};
}

std::vector<std::string> filtered_bridges() {
  std::vector<std::string> names;
  auto socket = host::RouteSocket::open();
  auto links = socket ? socket->links() : Result<std::vector<host::Link>>{Failure{socket.error()}};
  if (!links) {
    log::warn("doctor", "cannot look at bridges: {}", links.error().message);
    return names;
  }
  for (auto& link : *links) {
    if (link.bridged_packets == host::BridgedPackets::through_firewall) {
      names.push_back(std::move(link.name));
    }
  }
  return names;
}

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "?";
}

}  // namespace

HostFacts examine_host(const fs::path& dns_binary, uint16_t dns_port) {
  std::error_code ignored;
  HostFacts facts{.kernel = kernel_release(),
                  .forwards4 = is_set("net/ipv4/ip_forward"),
                  .has_ipv6 = fs::exists("/proc/sys/net/ipv6", ignored),
                  .disables_ipv6 = is_set("net/ipv6/conf/all/disable_ipv6") ||
                                   is_set("net/ipv6/conf/default/disable_ipv6"),
                  .filters_bridged4 = is_set("net/bridge/bridge-nf-call-iptables"),
                  .filters_bridged6 = is_set("net/bridge/bridge-nf-call-ip6tables"),
                  .dns_port = dns_port,
                  .port_holders = port_holders(dns_port),
                  .dns_binary = dns_binary.native(),
                  .has_dns_binary = !dns_binary.empty() && ::access(dns_binary.c_str(), X_OK) == 0};
  facts.has_modules_directory = fs::exists(fs::path{"/lib/modules"} / facts.kernel, ignored);
  for (const auto* table : {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}) {
    facts.has_old_iptables |= !host::read_file(table, 4096).value_or("").empty();
  }
  if (auto tried = try_kernel_aside()) {
    facts.tried = *std::move(tried);
  } else {
    facts.namespaces = std::move(tried).error();
  }
  facts.has_bridge_netfilter = observe_bridge_netfilter().has_value();
  facts.filtered_bridges = filtered_bridges();
  facts.firewalld = firewalld_facts();
  if (auto looked = look_into_firewall(facts); !looked) {
    log::warn("doctor", "cannot look into the firewall: {}", looked.error().message);
  }
  return facts;
}

}  // namespace burrow::netstack
