// Bridge networks beyond the plain one: unmanaged bridges, VLANs, VRFs, and hosts without IPv6.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

SetupRequest asking(const std::string& options) {
  auto text = examples::request_text();
  const std::string before = "\"ipv6_enabled\":true";
  text.replace(text.find(before), before.size(), "\"options\":" + options + "," + before);
  return *decode_setup_request(text);
}

BridgeSnapshot bridge() {
  return {.is_bridge = true,
          .kind = "bridge",
          .mtu = 1500,
          .is_up = true,
          .addresses = {*IpInterface::parse("10.1.0.9/24"), *IpInterface::parse("fe80::1/64")}};
}

Snapshot host_with(const SetupRequest& asked, std::optional<BridgeSnapshot> there) {
  auto snapshot = examples::empty_host(asked);
  snapshot.networks.begin()->second.bridge = std::move(there);
  return snapshot;
}

std::string error_of(const SetupRequest& asked, const Snapshot& snapshot) {
  const auto planned = plan_setup(asked, snapshot, examples::settings());
  return planned ? std::string{} : planned.error().message;
}

template <typename T>
const T* find(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* found = std::get_if<T>(&step)) return found;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a bridge of our making puts its ports into the VLAN by itself") {
  const auto asked = asking(R"({"vlan":"10"})");
  const auto steps = plan_setup(asked, host_with(asked, {}), examples::settings())->plan.steps;
  CHECK(find<CreateBridge>(steps)->bridge.vlan == 10);
  CHECK_FALSE(find<CreateVeth>(steps)->veth.vlan);
}

TEST_CASE("where systemd runs it is told a bridge's settings before there is a bridge") {
  const auto asked = asking("{}");
  auto snapshot = host_with(asked, {});
  snapshot.has_systemd = true;
  const auto steps = plan_setup(asked, snapshot, examples::settings())->plan.steps;
  const auto at = [&](auto is_it) { return std::ranges::find_if(steps, is_it) - steps.begin(); };
  CHECK(at([](const Step& step) { return std::holds_alternative<KeepSettings>(step); }) <
        at([](const Step& step) { return std::holds_alternative<CreateBridge>(step); }));
  const std::vector<Setting> wanted{{"net/ipv4/ip_forward", "1"},
                                    {"net/ipv6/conf/all/forwarding", "1"},
                                    {"net/ipv4/conf/br-front/forwarding", "1"},
                                    {"net/ipv4/conf/br-front/route_localnet", "1"},
                                    {"net/ipv4/conf/br-front/rp_filter", "2"},
                                    {"net/ipv6/conf/br-front/accept_dad", "0"},
                                    {"net/ipv6/conf/br-front/accept_ra", "0"}};
  CHECK(find<KeepSettings>(steps)->settings == wanted);
  CHECK(find<ForgetSettings>(invert(steps))->link.str() == "br-front");

  snapshot.networks.begin()->second.bridge = bridge();
  const auto adopted = plan_setup(asked, snapshot, examples::settings())->plan.steps;
  CHECK(find<KeepSettings>(adopted) == nullptr);
}

TEST_CASE("an unmanaged network changes nothing on the host but its bridge's filtering") {
  const auto asked = asking(R"({"vlan":"10","mode":"unmanaged"})");
  auto there = bridge();
  const auto planned = *plan_setup(asked, host_with(asked, there), examples::settings());
  for (const auto& step : planned.plan.steps) {
    CAPTURE(to_string(step));
    const auto* setting = std::get_if<SetSysctl>(&step);
    const auto* address = std::get_if<AddAddress>(&step);
    CHECK_FALSE((setting != nullptr && setting->place == Place::host));
    CHECK_FALSE((address != nullptr && address->place == Place::host));
    CHECK_FALSE(std::holds_alternative<ChangeFirewall>(step));
    CHECK_FALSE(std::holds_alternative<CreateBridge>(step));
  }
  CHECK(find<SetVlanFiltering>(planned.plan.steps)->filtering == host::VlanFiltering::on);
  CHECK(find<CreateVeth>(planned.plan.steps)->veth.vlan == 10);
  CHECK(planned.statuses[0].dns_servers == std::vector{*IpAddress::parse("10.1.0.9")});

  there.default_vlan = 1;
  const auto filtered = *plan_setup(asked, host_with(asked, there), examples::settings());
  CHECK(find<SetVlanFiltering>(filtered.plan.steps) == nullptr);
  there.default_vlan = 10;
  const auto joined = *plan_setup(asked, host_with(asked, there), examples::settings());
  CHECK_FALSE(find<CreateVeth>(joined.plan.steps)->veth.vlan);
}

TEST_CASE("filtering that we switched on is switched off with the network's last attachment") {
  const auto asked = asking(R"({"vlan":"10","mode":"unmanaged"})");
  const auto planned = *plan_setup(asked, host_with(asked, bridge()), examples::settings());
  Snapshot snapshot;
  NetworkSnapshot network{.bridge = bridge()};
  for (const auto& change : planned.plan.changes) {
    if (change.path.starts_with("networks/")) {
      network.record = *decode_network_record(*change.after);
    } else {
      snapshot.attachments.push_back(*decode_attachment_record(*change.after));
    }
  }
  REQUIRE(network.record);
  const auto name = asked.attachments[0].network.name;
  snapshot.networks.emplace(name, network);
  const auto last = plan_teardown({name}, snapshot);
  CHECK(find<SetVlanFiltering>(last.steps)->filtering == host::VlanFiltering::off);
  snapshot.networks.at(name).has_other_attachments = true;
  CHECK(find<SetVlanFiltering>(plan_teardown({name}, snapshot).steps) == nullptr);
}

TEST_CASE("filtering stays while another network of ours relies on it, who has it on record too") {
  const auto asked = asking(R"({"vlan":"10","mode":"unmanaged"})");
  const auto name = asked.attachments[0].network.name;
  const auto other = *NetworkName::parse("other");
  auto there = bridge();
  there.default_vlan = 1;
  auto snapshot = host_with(asked, there);
  snapshot.networks.at(name).filtering_for = {other};
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  CHECK(find<SetVlanFiltering>(planned.plan.steps) == nullptr);
  const auto record = *decode_network_record(*planned.plan.changes[0].after);
  CHECK(record.filters_vlans());

  Snapshot later;
  later.networks.emplace(name, NetworkSnapshot{.bridge = there, .record = record});
  later.networks.at(name).filtering_for = {name, other};
  CHECK(find<SetVlanFiltering>(plan_teardown({name}, later).steps) == nullptr);
  later.networks.at(name).filtering_for = {name};
  CHECK(find<SetVlanFiltering>(plan_teardown({name}, later).steps) != nullptr);
}

TEST_CASE("a bridge that cannot be the network's is refused with a sentence") {
  const auto refused = [](const std::string& options, const auto& change) {
    const auto asked = asking(options);
    auto snapshot = host_with(asked, bridge());
    change(snapshot, *snapshot.networks.begin()->second.bridge);
    return error_of(asked, snapshot);
  };
  const auto as_it_is = [](Snapshot&, BridgeSnapshot&) {};
  CHECK(refused("{}", as_it_is) == "");
  CHECK(refused(R"({"vlan":"10"})", as_it_is) ==
        "bridge \"br-front\" of network \"front\" exists and filters no VLANs, not VLAN 10: its "
        "gateway would not be reached");
  CHECK(refused(R"({"vlan":"10"})", [](auto&, auto& there) { there.default_vlan = 10; }) == "");
  CHECK(refused("{}", [](auto&, auto& there) { there.master = "blue"; }) ==
        "bridge \"br-front\" of network \"front\" exists in \"blue\", but the network asks for no "
        "vrf");
  CHECK(refused(R"({"vrf":"red"})", as_it_is) == "vrf \"red\" of network \"front\" does not exist");
  CHECK(refused(R"({"vrf":"red"})", [](Snapshot& host, auto&) {
          host.networks.begin()->second.vrf = VrfSnapshot{.kind = "dummy"};
        }) == "link \"red\" of network \"front\" exists and is no vrf but a dummy");
  CHECK(refused(R"({"mode":"unmanaged"})", [](auto&, auto& there) { there.is_up = false; }) ==
        "bridge \"br-front\" of network \"front\" is down, and mode unmanaged leaves it as it is");
  CHECK(refused("{}", [](Snapshot& host, auto&) { host.disables_ipv6 = true; }) ==
        "network \"front\" has an IPv6 subnet, but IPv6 is disabled on the host (sysctl "
        "net.ipv6.conf.default.disable_ipv6)");
  CHECK(refused("{}", [](Snapshot& host, auto&) { host.container->disables_ipv6 = true; }) ==
        "network \"front\" has the IPv6 address fd00:1::2 for the container, but IPv6 is disabled "
        "in it (sysctl net.ipv6.conf.default.disable_ipv6)");
  const auto asked = asking(R"({"mode":"unmanaged"})");
  CHECK(error_of(asked, host_with(asked, {})) ==
        "bridge \"br-front\" of network \"front\" does not exist, and mode unmanaged makes none");
}

TEST_CASE("words of bridge options that cannot be meant are refused, each with a sentence") {
  const auto refused = [](const std::string& options) {
    const auto asked = asking(options);
    return error_of(asked, host_with(asked, {}));
  };
  CHECK(refused(R"({"vlan":"4095"})") ==
        "network \"front\": unable to parse \"vlan\": found \"4095\", expected a number from 0 to "
        "4094");
  CHECK(refused(R"({"vlan":"-1"})").find("found \"-1\"") != std::string::npos);
  CHECK(refused(R"({"vlan":"65546"})").find("found \"65546\"") != std::string::npos);
  CHECK(refused(R"({"vlan":""})").find("found \"\"") != std::string::npos);
  CHECK(refused(R"({"vrf":"a/b"})").find("vrf") != std::string::npos);
  CHECK(refused(R"({"mtu":"67"})").find("68 to 65535") != std::string::npos);
  CHECK(refused(R"({"mtu":"65536"})").find("68 to 65535") != std::string::npos);
}
