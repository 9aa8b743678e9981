#include "netstack/doctor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace burrow::netstack {
namespace {

std::string joined(const std::set<LinkName>& names) {
  std::string text;
  for (const auto& name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

Finding fine(std::string check, std::string found) {
  return {.check = std::move(check), .verdict = Verdict::fine, .found = std::move(found)};
}

// What must be there for containers, or only for some networks.
enum class Need { all, some };

struct Feature {
  std::string_view check;
  Trial KernelFacts::*trial;
  Need need;
  std::string_view thing;
  std::string_view modules;
  std::string_view options;  ///< of the kernel's configuration
  std::string_view meaning;
};

constexpr std::array kFeatures{
    Feature{"kernel.veth", &KernelFacts::veth, Need::all, "veth pairs", "veth", "CONFIG_VETH",
            "no container can be attached to a bridge"},
    Feature{"kernel.bridge", &KernelFacts::bridge, Need::all, "bridges", "bridge", "CONFIG_BRIDGE",
            "no bridge network works"},
    Feature{"kernel.firewall", &KernelFacts::firewall, Need::all, "our nftables table",
            "nf_tables nft_chain_nat nft_masq nft_ct nft_fib_inet nft_limit nft_connlimit",
            "CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_MASQ, "
            "CONFIG_NFT_CT, CONFIG_NFT_FIB_INET, CONFIG_NFT_LIMIT, CONFIG_NFT_CONNLIMIT",
            "no published ports, no way out and no isolation: set-up fails, unless the firewall "
            "driver is none"},
    Feature{"kernel.conntrack", &KernelFacts::flows, Need::some, "the table of tracked flows",
            "nf_conntrack_netlink", "CONFIG_NF_CT_NETLINK",
            "when a UDP port moves to another container, clients go on talking to the old one for "
            "minutes"},
    Feature{"kernel.vlan-filtering", &KernelFacts::vlan_filtering, Need::some,
            "bridges that filter VLANs", "bridge", "CONFIG_BRIDGE_VLAN_FILTERING",
            "networks with the option vlan cannot be set up"},
    Feature{"kernel.macvlan", &KernelFacts::macvlan, Need::some, "macvlan links", "macvlan",
            "CONFIG_MACVLAN", "macvlan networks cannot be set up"},
    Feature{"kernel.ipvlan", &KernelFacts::ipvlan, Need::some, "ipvlan links", "ipvlan",
            "CONFIG_IPVLAN", "ipvlan networks cannot be set up"},
    Feature{"kernel.vrf", &KernelFacts::vrf, Need::some, "VRF links", "vrf", "CONFIG_NET_VRF",
            "networks with the option vrf cannot be set up"},
};

class Diagnosis {
 public:
  explicit Diagnosis(const HostFacts& facts) : facts_(facts) {}

  std::vector<Finding> make() {
    look_at_privileges();
    if (!facts_.namespaces) {
      for (const auto& feature : kFeatures) look_at(feature);
      look_at_settings();
    }
    look_at_ipv6();
    look_at_bridge_filter();
    look_at_limited_bridges();
    look_at_chains();
    if (facts_.firewalld) look_at(*facts_.firewalld);
    look_at_names();
    return std::move(findings_);
  }

 private:
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  void look_at_privileges() {
    if (!facts_.namespaces) {
      add(fine("privileges", "network namespaces can be made"));
      return;
    }
    add({.check = "privileges",
         .verdict = Verdict::failure,
         .found = facts_.namespaces->message,
         .meaning = "nothing of the network can be configured, and the kernel was not tried",
         .remedy = "run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, or inside a user namespace "
                   "that has them (podman unshare)"});
  }

  void look_at(const Feature& feature) {
    const auto& trial = facts_.tried.*feature.trial;
    if (!trial) {
      add(fine(std::string{feature.check}, fmt::format("the kernel has {}", feature.thing)));
      return;
    }
    const auto remedy =
        facts_.has_modules_directory
            ? fmt::format("modprobe -a {}; if there is no such module, use a kernel with {}",
                          feature.modules, feature.options)
            : fmt::format(
                  "no modules of the running kernel {} are installed here: reboot if it was "
                  "upgraded, load them on the host if this is a container (modprobe -a {}), or "
                  "use a kernel with {}",
                  facts_.kernel, feature.modules, feature.options);
    add({.check = std::string{feature.check},
         .verdict = feature.need == Need::all ? Verdict::failure : Verdict::warning,
         .found = trial->message,
         .meaning = std::string{feature.meaning},
         .remedy = remedy});
  }

  void look_at_settings() {
    const auto& trial = facts_.tried.writes_settings;
    if (!trial) {
      add(fine("settings.writable", "kernel settings can be written"));
    } else {
      add({.check = "settings.writable",
           .verdict = facts_.forwards4 ? Verdict::warning : Verdict::failure,
           .found = trial->message,
           .meaning = facts_.forwards4
                          ? "settings of bridges and of containers' links cannot be made; those "
                            "that have the right value already do no harm"
                          : "forwarding is off and cannot be switched on: containers reach "
                            "nothing but the host",
           .remedy = "mount /proc/sys writable (of a container: run it privileged), or set "
                     "net.ipv4.ip_forward=1 and net.ipv6.conf.all.forwarding=1 where the host "
                     "boots"});
    }
    add(fine("settings.forwarding",
             facts_.forwards4 ? "IPv4 is forwarded"
                              : "IPv4 is not forwarded yet: the first set-up sees to it"));
  }

  void look_at_ipv6() {
    if (facts_.has_ipv6 && !facts_.disables_ipv6) {
      add(fine("settings.ipv6", "links have IPv6"));
      return;
    }
    const bool is_absent = !facts_.has_ipv6;
    add({.check = "settings.ipv6",
         .verdict = Verdict::warning,
         .found = is_absent ? "the kernel has no IPv6"
                            : "net.ipv6.conf.all.disable_ipv6 or that of new links is 1",
         .meaning = "networks with an IPv6 subnet cannot be set up",
         .remedy = is_absent ? "boot without ipv6.disable=1, with a kernel that has CONFIG_IPV6"
                             : "sysctl net.ipv6.conf.all.disable_ipv6=0 "
                               "net.ipv6.conf.default.disable_ipv6=0"});
  }

  void look_at_bridge_filter() {
    if (!facts_.filters_bridged4 && !facts_.filters_bridged6) {
      const bool has_filtered = facts_.has_bridge_netfilter && !facts_.filtered_bridges.empty();
      add(fine("settings.bridge-nf-call",
               has_filtered
                   ? fmt::format("packets inside {} meet the firewall, inside other bridges not",
                                 fmt::join(facts_.filtered_bridges, ", "))
                   : "packets inside a bridge do not meet the firewall"));
      return;
    }
    add({.check = "settings.bridge-nf-call",
         .verdict = Verdict::warning,
         .found = fmt::format("br_netfilter sends bridged packets of {} through the firewall",
                              !facts_.filters_bridged6   ? "IPv4"
                              : !facts_.filters_bridged4 ? "IPv6"
                                                         : "IPv4 and IPv6"),
         .meaning =
             "rules of others may drop what containers of one network say to each other, and "
             "published ports do not answer at ::1",
         .remedy = "sysctl net.bridge.bridge-nf-call-iptables=0 "
                   "net.bridge.bridge-nf-call-ip6tables=0, unless Kubernetes or libvirt needs it"});
  }

  void look_at_limited_bridges() {
    if (facts_.has_bridge_netfilter || facts_.filtered_bridges.empty()) {
      add(fine("settings.bridge-netfilter", "limits hold within networks that have them"));
      return;
    }
    add({.check = "settings.bridge-netfilter",
         .verdict = Verdict::warning,
         .found = fmt::format("br_netfilter is not loaded, which {} {}",
                              fmt::join(facts_.filtered_bridges, ", "),
                              facts_.filtered_bridges.size() == 1 ? "needs" : "need"),
         .meaning = "limits do not hold between containers of one network there",
         .remedy = "modprobe br_netfilter; to spare other bridges, then sysctl "
                   "net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0"});
  }

  void look_at_chains() {
    for (const auto& chain : facts_.chains) look_at(chain);
    if (facts_.chains.empty()) {
      add(fine("firewall.policies", "no base chain of others drops what it does not know"));
    }
    if (facts_.is_beside_netavark) {
      add({.check = "firewall.netavark",
           .verdict = Verdict::warning,
           .found = "table inet netavark is there",
           .meaning = "what netavark published keeps its ports, unseen by us, and both tables "
                      "decide about every packet",
           .remedy = "stop the containers that netavark set up; when none is left: nft delete "
                     "table inet netavark"});
    }
    if (facts_.has_old_iptables) {
      add({.check = "firewall.iptables-legacy",
           .verdict = Verdict::warning,
           .found = "the older iptables has tables",
           .meaning = "its rules do not show in nftables and may drop containers' packets",
           .remedy = "look at iptables-legacy -S FORWARD; move to iptables-nft "
                     "(update-alternatives --config iptables)"});
    }
  }

  // Bridges whose packets meet the chain, and which no rule of ours accepts there.
  [[nodiscard]] std::vector<std::string> missing_from(const firewall::DroppingChain& chain) const {
    std::vector<std::string> missing;
    for (const auto& bridge : facts_.bridges) {
      const bool is_met = (bridge.has_ipv4 || chain.place.family != firewall::TableFamily::ip) &&
                          (bridge.has_ipv6 || chain.place.family != firewall::TableFamily::ip6);
      if (is_met && !chain.accepted.contains(bridge.name)) missing.push_back(bridge.name.str());
    }
    return missing;
  }

  void look_at(const firewall::DroppingChain& chain) {
    const bool is_forward = chain.hook == firewall::ChainHook::forward;
    const bool is_certain = chain.rule_count == 0 && is_forward && chain.accepted.empty();
    const auto name = to_string(chain.place);
    const auto check = is_forward ? "firewall.forward-policy" : "firewall.input-policy";
    const auto missing = missing_from(chain);
    // Not every network has business with the host.
    if (!chain.accepted.empty() && (missing.empty() || !is_forward)) {
      add(fine(check, fmt::format("chain {} drops what it does not know, and has rules of ours "
                                  "that accept {}",
                                  name, joined(chain.accepted))));
      return;
    }
    const auto what = is_forward
                          ? "packets from and to containers"
                          : "packets of containers to the host: DNS, and what the host serves";
    const auto whose =
        chain.accepted.empty() ? "" : fmt::format(", of those on {}", fmt::join(missing, ", "));
    // There the ports of a bridge are the links.
    const bool is_of_frames = chain.place.family == firewall::TableFamily::bridge;
    const std::string_view in = is_of_frames ? "ibrname" : "iifname";
    const std::string_view out = is_of_frames ? "obrname" : "oifname";
    add({.check = check,
         .verdict = is_certain ? Verdict::failure : Verdict::warning,
         .found = chain.rule_count == 0 && chain.accepted.empty()
                      ? fmt::format("chain {} drops everything", name)
                      : fmt::format("chain {} drops {} none of its rules accepts", name,
                                    chain.is_by_policy ? "what" : "in the end what"),
         .meaning = is_certain ? fmt::format("{} are dropped", what)
                               : fmt::format("{} are dropped{}, unless a rule there accepts them",
                                             what, whose),
         .remedy =
             fmt::format("accept them there: nft insert rule {} {} \"br-*\" accept, with the "
                         "names of your bridges{}{}",
                         name, is_forward ? out : in,
                         is_forward ? fmt::format(", and the same with {}", in) : "",
                         is_of_frames ? ""
                                      : "; or have Burrow put them there itself: "
                                        "BURROW_OTHER_FIREWALLS=accept in the environment of the "
                                        "engine")});
  }

  void look_at(const FirewalldFacts& firewalld) {
    if (firewalld.answers) {
      add({.check = "firewall.firewalld",
           .verdict = Verdict::warning,
           .found = firewalld.answers->message,
           .meaning = "bridges of new networks stay in its default zone, which lets little through",
           .remedy = "see whether firewalld hangs (firewall-cmd --state), then run "
                     "burrow-netstack firewall-reload"});
      return;
    }
    if (firewalld.has_own_zone) {
      add(fine("firewall.firewalld",
               fmt::format("firewalld runs and has zone \"{}\" for bridges", firewall::kOwnZone)));
    } else {
      add({.check = "firewall.firewalld",
           .verdict = Verdict::warning,
           .found = fmt::format("firewalld runs and has not read zone \"{}\"", firewall::kOwnZone),
           .meaning = fmt::format("bridges are put into \"{}\": containers reach every service of "
                                  "this host",
                                  firewall::kStandInZone),
           .remedy = "install packaging/firewalld/zones/burrow.xml in /usr/lib/firewalld/zones, "
                     "then firewall-cmd --reload"});
    }
    if (firewalld.forward_ports == firewall::ForwardPorts::anybodys) return;
    add({.check = "firewall.firewalld-ports",
         .verdict = Verdict::warning,
         .found = "firewalld has StrictForwardPorts=yes",
         .meaning = "published ports are closed to other hosts until firewalld's administrator "
                    "opens them there",
         .remedy = "firewall-cmd --add-forward-port=port=8080:proto=tcp:toport=80:toaddr=ADDRESS "
                   "for each, as set-ups say in their log; or StrictForwardPorts=no in "
                   "/etc/firewalld/firewalld.conf"});
  }

  void look_at_names() {
    if (facts_.has_dns_binary) {
      add(fine("dns.daemon", fmt::format("\"{}\" can be run", facts_.dns_binary)));
    } else {
      add({.check = "dns.daemon",
           .verdict = Verdict::warning,
           .found = fmt::format("there is no program \"{}\"", facts_.dns_binary),
           .meaning = "containers do not find each other by name",
           .remedy = "install burrow-dns there (aardvark-dns in Podman's words), or name it with "
                     "--aardvark-binary"});
    }
    if (facts_.port_holders.empty()) {
      add(fine("dns.port", fmt::format("nobody holds port {} on all addresses", facts_.dns_port)));
      return;
    }
    std::string holders;
    for (const auto& holder : facts_.port_holders) {
      holders += fmt::format("{}{}{}", holders.empty() ? "" : ", ", holder.protocol,
                             holder.process.empty() ? "" : fmt::format(" by {}", holder.process));
    }
    add({.check = "dns.port",
         .verdict = Verdict::warning,
         .found = fmt::format("port {} is held on all addresses: {}", facts_.dns_port, holders),
         .meaning =
             "names are served on another port, to which our firewall leads containers; with "
             "the firewall driver none, or if NETAVARK_DNS_PORT asks for this port, the "
             "set-up of networks with names fails",
         .remedy = "have that server listen on single addresses (dnsmasq: bind-interfaces; "
                   "unbound: interface), or set another port for names: dns_bind_port in "
                   "containers.conf, or NETAVARK_DNS_PORT"});
  }

  const HostFacts& facts_;
  std::vector<Finding> findings_;
};

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::fine:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::failure:
      return "failure";
  }
  return "?";
}

std::string counted(size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

// What foreign names hold must not reach a terminal as commands to it.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

}  // namespace

std::vector<Finding> diagnose(const HostFacts& facts) { return Diagnosis{facts}.make(); }

bool is_healthy(const std::vector<Finding>& findings) {
  return std::ranges::find(findings, Verdict::failure, &Finding::verdict) == findings.end();
}

std::string to_text(const std::vector<Finding>& findings) {
  size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.check.size());
  std::string text;
  for (const auto& finding : findings) {
    text += fmt::format("{:<7}  {:<{}}  {}\n", to_string(finding.verdict), finding.check, width,
                        printable(finding.found));
    if (finding.verdict == Verdict::fine) continue;
    text += fmt::format("{:{}}means:  {}\n", "", width + 11, printable(finding.meaning));
    text += fmt::format("{:{}}remedy: {}\n", "", width + 11, printable(finding.remedy));
  }
  const auto count = [&](Verdict verdict) {
    return static_cast<size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
  };
  const auto warnings = count(Verdict::warning);
  const auto failures = count(Verdict::failure);
  text += fmt::format("\n{}: {}, {}\n",
                      failures == 0 ? "containers will work" : "containers will not work",
                      counted(failures, "failure"), counted(warnings, "warning"));
  return text;
}

Json encode(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const auto& finding : findings) {
    Json one{{"check", finding.check},
             {"verdict", to_string(finding.verdict)},
             {"found", finding.found}};
    if (finding.verdict != Verdict::fine) {
      one["meaning"] = finding.meaning;
      one["remedy"] = finding.remedy;
    }
    list.push_back(std::move(one));
  }
  return {{"healthy", is_healthy(findings)}, {"findings", std::move(list)}};
}

}  // namespace burrow::netstack
