#include "netstack/doctor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

using namespace burrow;
using namespace burrow::netstack;

namespace {

HostFacts healthy() {
  return {.kernel = "6.1.0-1",
          .has_modules_directory = true,
          .forwards4 = true,
          .has_ipv6 = true,
          .dns_binary = "/usr/libexec/podman/aardvark-dns",
          .has_dns_binary = true};
}

const Finding* find(const std::vector<Finding>& findings, std::string_view check) {
  const auto found = std::ranges::find(findings, check, &Finding::check);
  return found == findings.end() ? nullptr : &*found;
}

firewall::DroppingChain chain(firewall::ChainHook hook, size_t rule_count,
                              std::set<LinkName> accepted = {}) {
  return {.place = {.family = firewall::TableFamily::ip, .table = "filter", .chain = "FORWARD"},
          .hook = hook,
          .is_by_policy = true,
          .rule_count = rule_count,
          .accepted = std::move(accepted)};
}

}  // namespace

TEST_CASE("a host that has everything has no finding but fine ones, and the text says so") {
  const auto findings = diagnose(healthy());
  for (const auto& finding : findings) {
    CAPTURE(finding.check);
    CHECK(finding.verdict == Verdict::fine);
    CHECK(finding.meaning.empty());
  }
  CHECK(is_healthy(findings));
  CHECK(to_text(findings).ends_with("\ncontainers will work: 0 failures, 0 warnings\n"));
  CHECK(encode(findings)["healthy"] == true);
}

TEST_CASE("a chain that drops is told with who does without a rule there, and what helps") {
  using firewall::ChainHook;
  auto facts = healthy();
  facts.bridges = {{*LinkName::parse("br0"), true, false}, {*LinkName::parse("br1"), false, true}};
  facts.chains = {chain(ChainHook::forward, 3)};
  auto findings = diagnose(facts);
  auto* found = find(findings, "firewall.forward-policy");
  CHECK(found->found == "chain ip filter FORWARD drops what none of its rules accepts");
  CHECK(found->remedy.find("oifname \"br-*\" accept") != std::string::npos);
  CHECK(found->remedy.find("BURROW_OTHER_FIREWALLS=accept") != std::string::npos);

  // br1 has no IPv4, and needs nothing in a chain of the family ip.
  facts.chains = {chain(ChainHook::forward, 3, {*LinkName::parse("br0")})};
  findings = diagnose(facts);
  CHECK(find(findings, "firewall.forward-policy")->verdict == Verdict::fine);

  facts.bridges[1].has_ipv4 = true;
  findings = diagnose(facts);
  found = find(findings, "firewall.forward-policy");
  CHECK(found->verdict == Verdict::warning);
  CHECK(found->meaning.find("of those on br1") != std::string::npos);

  facts.chains = {chain(ChainHook::forward, 0)};
  facts.chains.front().place.family = firewall::TableFamily::bridge;
  findings = diagnose(facts);
  found = find(findings, "firewall.forward-policy");
  CHECK(found->found == "chain bridge filter FORWARD drops everything");
  CHECK(found->remedy.find("obrname") != std::string::npos);
  CHECK(found->remedy.find("BURROW_OTHER_FIREWALLS") == std::string::npos);
}

TEST_CASE("each thing that is missing is one finding, with meaning and remedy") {
  const Error refused{Errc::unsupported, "not supported"};
  const std::vector<std::tuple<const char*, Verdict, std::function<void(HostFacts&)>>> lacks{
      {"kernel.veth", Verdict::failure, [&](HostFacts& f) { f.tried.veth = refused; }},
      {"kernel.bridge", Verdict::failure, [&](HostFacts& f) { f.tried.bridge = refused; }},
      {"kernel.firewall", Verdict::failure, [&](HostFacts& f) { f.tried.firewall = refused; }},
      {"kernel.conntrack", Verdict::warning, [&](HostFacts& f) { f.tried.flows = refused; }},
      {"kernel.vlan-filtering", Verdict::warning,
       [&](HostFacts& f) { f.tried.vlan_filtering = refused; }},
      {"kernel.macvlan", Verdict::warning, [&](HostFacts& f) { f.tried.macvlan = refused; }},
      {"kernel.ipvlan", Verdict::warning, [&](HostFacts& f) { f.tried.ipvlan = refused; }},
      {"kernel.vrf", Verdict::warning, [&](HostFacts& f) { f.tried.vrf = refused; }},
      {"settings.writable", Verdict::warning,
       [&](HostFacts& f) { f.tried.writes_settings = refused; }},
      {"settings.writable", Verdict::failure,
       [&](HostFacts& f) {
         f.tried.writes_settings = refused;
         f.forwards4 = false;
       }},
      {"settings.ipv6", Verdict::warning, [](HostFacts& f) { f.has_ipv6 = false; }},
      {"settings.ipv6", Verdict::warning, [](HostFacts& f) { f.disables_ipv6 = true; }},
      {"settings.bridge-nf-call", Verdict::warning,
       [](HostFacts& f) { f.filters_bridged6 = true; }},
      {"settings.bridge-netfilter", Verdict::warning,
       [](HostFacts& f) { f.filtered_bridges = {"br-front"}; }},
      {"firewall.forward-policy", Verdict::warning,
       [](HostFacts& f) { f.chains = {chain(firewall::ChainHook::forward, 3)}; }},
      {"firewall.forward-policy", Verdict::failure,
       [](HostFacts& f) { f.chains = {chain(firewall::ChainHook::forward, 0)}; }},
      {"firewall.input-policy", Verdict::warning,
       [](HostFacts& f) { f.chains = {chain(firewall::ChainHook::input, 0)}; }},
      {"firewall.netavark", Verdict::warning, [](HostFacts& f) { f.is_beside_netavark = true; }},
      {"firewall.iptables-legacy", Verdict::warning,
       [](HostFacts& f) { f.has_old_iptables = true; }},
      {"dns.daemon", Verdict::warning, [](HostFacts& f) { f.has_dns_binary = false; }},
      {"dns.port", Verdict::warning,
       [](HostFacts& f) {
         f.port_holders = {{"udp", "dnsmasq (77)"}, {"tcp", ""}};
       }},
  };
  auto limited = healthy();
  limited.has_bridge_netfilter = true;
  limited.filtered_bridges = {"br-front"};
  CHECK(find(diagnose(limited), "settings.bridge-nf-call")->found.find("br-front") !=
        std::string::npos);
  for (const auto& [check, verdict, remove] : lacks) {
    CAPTURE(check);
    auto facts = healthy();
    remove(facts);
    const auto findings = diagnose(facts);
    const auto* finding = find(findings, check);
    REQUIRE(finding != nullptr);
    CHECK(finding->verdict == verdict);
    CHECK_FALSE(finding->found.empty());
    CHECK_FALSE(finding->meaning.empty());
    CHECK_FALSE(finding->remedy.empty());
    CHECK(is_healthy(findings) == (verdict == Verdict::warning));
    CHECK(to_text(findings).find(finding->remedy) != std::string::npos);
    CHECK(std::ranges::count_if(
              findings, [](const Finding& one) { return one.verdict != Verdict::fine; }) == 1);
  }
}

TEST_CASE("without privileges nothing of the kernel is claimed to have been tried") {
  auto facts = healthy();
  facts.namespaces = Error{Errc::permission, "make a network namespace: not permitted"};
  const auto findings = diagnose(facts);
  CHECK_FALSE(is_healthy(findings));
  CHECK(find(findings, "privileges")->verdict == Verdict::failure);
  CHECK(find(findings, "kernel.veth") == nullptr);
  CHECK(find(findings, "settings.writable") == nullptr);
}

TEST_CASE("where the modules of the running kernel are not installed, the remedy says so first") {
  auto facts = healthy();
  facts.tried.macvlan = Error{Errc::unsupported, "not supported"};
  CHECK(find(diagnose(facts), "kernel.macvlan")->remedy.starts_with("modprobe -a macvlan"));
  facts.has_modules_directory = false;
  CHECK(find(diagnose(facts), "kernel.macvlan")->remedy.find("kernel 6.1.0-1") !=
        std::string::npos);
}

TEST_CASE("names of others cannot command the terminal") {
  auto facts = healthy();
  facts.port_holders = {{"udp", "\x1b[2Jevil\n (7)"}};
  const auto text = to_text(diagnose(facts));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("?[2Jevil? (7)") != std::string::npos);
}

TEST_CASE("firewalld is looked at where it runs, and what it keeps from containers is named") {
  auto facts = healthy();
  CHECK(find(diagnose(facts), "firewall.firewalld") == nullptr);
  facts.firewalld = FirewalldFacts{.has_own_zone = true};
  CHECK(find(diagnose(facts), "firewall.firewalld")->verdict == Verdict::fine);
  CHECK(find(diagnose(facts), "firewall.firewalld-ports") == nullptr);

  facts.firewalld->has_own_zone = false;
  facts.firewalld->forward_ports = firewall::ForwardPorts::own_only;
  const auto findings = diagnose(facts);
  CHECK(find(findings, "firewall.firewalld")->remedy.find("burrow.xml") != std::string::npos);
  CHECK(find(findings, "firewall.firewalld-ports")->verdict == Verdict::warning);
  CHECK(is_healthy(findings));

  facts.firewalld = FirewalldFacts{.answers = Error{Errc::timeout, "no answer in time"}};
  CHECK(find(diagnose(facts), "firewall.firewalld")->found == "no answer in time");
}
