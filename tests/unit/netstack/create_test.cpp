#include "netstack/create.h"

#include <doctest/doctest.h>

#include <functional>

using namespace burrow;
using namespace burrow::netstack;

namespace {

Json request() {
  return Json::parse(R"({
    "network": {"name": "n", "driver": "bridge", "dns_enabled": true, "internal": false,
      "ipv6_enabled": false,
      "id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"},
    "used": {"interfaces": ["podman0"], "names": {"podman": "2f259bab", "podman2": "aa"},
      "subnets": ["10.88.0.0/16", "10.89.0.1/24", "192.0.2.1/24"]},
    "options": {"subnet_pools": [{"base": "10.89.0.0/16", "size": 24}],
      "default_interface_name": "podman", "check_used_subnets": true}})");
}

// The same with changes to the members of `network`.
Json request_with(const Json& members) {
  auto document = request();
  document["network"].update(members);
  return document;
}

Json options(const Json& words) { return {{"options", words}}; }

Result<Network> planned(const Json& document,
                        std::function<Result<Network>(const Network&)> plugin = {}) {
  const auto decoded = TRY(decode_create_request(document.dump()));
  const CreateSurroundings surroundings{
      .now = "2026-01-02T03:04:05.678901234Z",
      .random = [] { return uint64_t{0x0123456789abcdef}; },
      .is_link = [](const LinkName& name) { return name.str() == "podman1" || name.str() == "up"; },
      .plugin = std::move(plugin)};
  return plan_create(decoded, surroundings);
}

// The definition, or what is wrong.
Json outcome(const Json& document) {
  const auto network = planned(document);
  return network ? encode(*network) : Json(network.error().message);
}

std::string trouble(const Json& document) {
  const auto network = planned(document);
  return network ? "" : network.error().message;
}

bool says(const Json& document, std::string_view words) {
  const auto text = trouble(document);
  INFO("said: ", text);
  const bool has = text.find(words) != std::string::npos;
  CHECK(has);
  return has;
}

Json subnets(std::initializer_list<Json> list) {
  return {{"subnets", Json(std::vector<Json>(list))}};
}

}  // namespace

TEST_CASE("a bare network gets bridge, subnet, gateway and time") {
  const auto network = outcome(request());
  CHECK(network["network_interface"] == "podman3");  // 1 is a link, 2 is a network
  CHECK(network["subnets"] == Json::parse(R"([{"subnet":"10.89.1.0/24","gateway":"10.89.1.1"}])"));
  CHECK(network["ipam_options"] == Json::parse(R"({"driver":"host-local"})"));
  CHECK(network["created"] == "2026-01-02T03:04:05.678901234Z");
  CHECK(network["id"] == request()["network"]["id"]);
  CHECK(network["dns_enabled"] == true);
  CHECK(network["ipv6_enabled"] == false);
}

TEST_CASE("what is complete stays as it is") {
  const auto whole = request_with(Json::parse(R"({
    "network_interface": "br0", "labels": {"a": "b"}, "network_dns_servers": ["192.0.2.53"],
    "subnets": [{"subnet": "10.9.0.0/24", "gateway": "10.9.0.7",
      "lease_range": {"start_ip": "10.9.0.20", "end_ip": "10.9.0.30"}}],
    "routes": [{"destination": "10.99.0.0/16", "gateway": "10.9.0.9", "metric": 5},
      {"destination": "10.98.0.0/16", "route_type": "prohibit"}],
    "options": {"isolate": "true", "metric": "+7", "mtu": "1400", "no_default_route": "true",
      "outbound_addr4": "192.0.2.9", "outbound_addr6": "2001:db8::9"}})"));
  const auto network = outcome(whole);
  for (const auto* key :
       {"network_interface", "labels", "network_dns_servers", "subnets", "routes", "options"}) {
    CAPTURE(key);
    CHECK(network[key] == whole["network"][key]);
  }
}

TEST_CASE("--ipv6 adds the family that is missing, behind what is there") {
  auto network = outcome(request_with({{"ipv6_enabled", true}}));
  REQUIRE(network["subnets"].size() == 2);
  CHECK(network["subnets"][0]["subnet"] == "10.89.1.0/24");
  CHECK(network["subnets"][1]["subnet"] == "fdcd:ab89:6745:2301::/64");
  CHECK(network["subnets"][1]["gateway"] == "fdcd:ab89:6745:2301::1");
  auto members = subnets({{{"subnet", "fd00:1::/64"}}});
  CHECK(outcome(request_with(members))["ipv6_enabled"] == true);
  CHECK(outcome(request_with(members))["subnets"].size() == 1);
  members["ipv6_enabled"] = true;
  network = outcome(request_with(members));
  REQUIRE(network["subnets"].size() == 2);
  CHECK(network["subnets"][0]["subnet"] == "fd00:1::/64");
  CHECK(network["subnets"][1]["subnet"] == "10.89.1.0/24");
}

TEST_CASE("a random subnet keeps clear of used ones also where used ones are allowed") {
  auto document = request_with({{"ipv6_enabled", true}});
  document["used"]["subnets"].push_back("fdcd:ab89::/32");
  document["options"]["check_used_subnets"] = false;
  says(document, "failed to get random ipv6 subnet");
}

TEST_CASE("names that are taken are refused in the words that engines look for") {
  says(request_with({{"name", "podman"}}), "network already exists podman");
  says(request_with({{"network_interface", "podman0"}}), "bridge name podman0 already in use");
  auto document = request_with(subnets({{{"subnet", "10.88.3.0/24"}}}));
  says(document, "subnet 10.88.3.0/24 is already used on the host or by another config");
  document["options"]["check_used_subnets"] = false;
  CHECK(outcome(document)["subnets"][0]["gateway"] == "10.88.3.1");
}

TEST_CASE("without a check for used subnets the first block of the pool is taken") {
  auto document = request();
  document["options"]["check_used_subnets"] = false;
  CHECK(outcome(document)["subnets"][0]["subnet"] == "10.89.0.0/24");
}

TEST_CASE("VLANs and bridges of others may share bridge and subnets") {
  for (const auto& words : {Json{{"vlan", "5"}}, Json{{"mode", "unmanaged"}}}) {
    auto members = options(words);
    members["network_interface"] = "podman0";
    members.update(subnets({{{"subnet", "10.88.3.0/24"}}}));
    CHECK(outcome(request_with(members))["network_interface"] == "podman0");
  }
  // An empty word means managed.
  auto members = options({{"mode", ""}});
  members["network_interface"] = "podman0";
  says(request_with(members), "already in use");
}

TEST_CASE("Docker's words are taken as ours") {
  const auto network = outcome(request_with(options({{"com.docker.network.driver.mtu", "1400"},
                                                     {"com.docker.network.bridge.name", "docker7"},
                                                     {"mtu", "9000"}})));
  CHECK(network["options"] == Json::parse(R"({"mtu":"1400"})"));
  CHECK(network["network_interface"] == "docker7");
  says(request_with(options({{"com.docker.network.bridge.name", "longer-than-15-chars"}})),
       "longer than 15 characters");
  says(request_with(options({{"com.docker.network.bridge.name", "podman0"}})), "already in use");
}

TEST_CASE("each option of a bridge takes only words that it can mean") {
  const std::vector<std::pair<const char*, const char*>> bad{{"mtu", "-1"},
                                                             {"mtu", "x"},
                                                             {"mtu", "67"},
                                                             {"mtu", "65536"},
                                                             {"mtu", "0x5dc"},
                                                             {"mtu", ""},
                                                             {"mtu", "+-1"},
                                                             {"mtu", " 1500"},
                                                             {"metric", "4294967296"},
                                                             {"metric", "1.5"},
                                                             {"isolate", "yes"},
                                                             {"isolate", ""},
                                                             {"isolate", "True"},
                                                             {"gateway_mode", "route"},
                                                             {"publish", "closed"},
                                                             {"vlan", "4095"},
                                                             {"vlan", "70000"},
                                                             {"vlan", "-1"},
                                                             {"mode", "bridge"},
                                                             {"no_default_route", "1"},
                                                             {"vrf", ""},
                                                             {"vrf", "a/b"},
                                                             {"outbound_addr4", "::1"},
                                                             {"outbound_addr4", "192.0.2.1/24"},
                                                             {"outbound_addr6", "192.0.2.1"},
                                                             {"foo", "bar"},
                                                             {"bclim", "1"}};
  for (const auto& [key, word] : bad) {
    CAPTURE(key);
    CAPTURE(word);
    CHECK(planned(request_with(options({{key, word}}))).error().code == Errc::invalid_input);
  }
  says(request_with(options({{"foo", "bar"}})), "unsupported bridge network option: foo");
  says(request_with(options({{"isolate", "yes"}})), "invalid isolate option \"yes\"");
  says(request_with(options({{"vlan", "4095"}})), "vlan must be between 0 and 4094");
  const std::vector<std::pair<const char*, const char*>> good{{"mtu", "0"},
                                                              {"mtu", "+1500"},
                                                              {"vlan", "0"},
                                                              {"vlan", "4094"},
                                                              {"vrf", "red"},
                                                              {"mode", ""},
                                                              {"mode", "managed"},
                                                              {"isolate", "strict"},
                                                              {"metric", "0"},
                                                              {"gateway_mode", "nat"},
                                                              {"gateway_mode", "routed"},
                                                              {"publish", "open"},
                                                              {"publish", "host-firewall"}};
  for (const auto& [key, word] : good) {
    CAPTURE(key);
    CHECK(trouble(request_with(options({{key, word}}))) == "");
  }
}

TEST_CASE("names and identifiers are checked") {
  for (const auto* name : {"", "-a", "a b", "a/b", "ä", ".a", "a\n"}) {
    CAPTURE(name);
    CHECK_FALSE(planned(request_with({{"name", name}})));
  }
  for (const auto& id :
       {std::string{}, std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + "g"}) {
    CAPTURE(id);
    says(request_with({{"id", id}}), "network id");
  }
  for (const auto* name : {"", "..", ".", "a/b", "a:b", "a b", "0123456789abcdef"}) {
    CAPTURE(name);
    CHECK_FALSE(planned(request_with({{"network_interface", name}})));
  }
  says(request_with({{"network_interface", "-x"}}), "bridge name -x is invalid");
}

TEST_CASE("without a name for the bridge one is made, or the reason said") {
  auto document = request();
  document["options"].erase("default_interface_name");
  says(document, "default_interface_name");
  document["options"]["default_interface_name"] = "longer-than-15-chars";
  says(document, "longer than 15 characters");
  document["options"]["default_interface_name"] = "-";
  says(document, "is invalid");
}

TEST_CASE("the words of ipam_options decide where addresses come from") {
  const auto with = [](const char* word, Json members = Json::object()) {
    members["ipam_options"] = {{"driver", word}};
    return request_with(members);
  };
  CHECK(outcome(with("host-local"))["subnets"].size() == 1);
  CHECK_FALSE(outcome(with("none")).contains("subnets"));
  CHECK(outcome(with("none"))["dns_enabled"] == false);
  says(with("none", subnets({{{"subnet", "10.9.0.0/24"}}})), "none is set but subnets are given");
  says(with("dhcp"), "unmanaged");
  const auto unmanaged = options({{"mode", "unmanaged"}});
  CHECK_FALSE(outcome(with("dhcp", unmanaged)).contains("subnets"));
  auto both = unmanaged;
  both.update(subnets({{{"subnet", "10.9.0.0/24"}}}));
  says(with("dhcp", both), "dhcp set but subnets are set");
  says(with(""), "unsupported ipam driver \"\"");
  says(with("static"), "unsupported ipam driver \"static\"");
}

TEST_CASE("servers make sense only where there is DNS") {
  const Json servers{{"network_dns_servers", {"192.0.2.53"}}};
  CHECK(trouble(request_with(servers)) == "");
  auto off = servers;
  off["dns_enabled"] = false;
  says(request_with(off), "DNS is not enabled");
  off["network_dns_servers"] = Json::array();
  CHECK(trouble(request_with(off)) == "");
}

TEST_CASE("gateways lie in their subnet and are addresses that a link can have") {
  const auto with = [](const char* subnet, const char* gateway) {
    return request_with(subnets({{{"subnet", subnet}, {"gateway", gateway}}}));
  };
  says(with("10.9.0.0/24", "10.10.0.1"), "gateway 10.10.0.1 not in subnet 10.9.0.0/24");
  says(with("10.9.0.0/24", "fd00::1"), "not in subnet");
  says(with("10.9.0.0/24", "10.9.0.0"), "is the network address");
  says(with("10.9.0.0/24", "10.9.0.255"), "is the broadcast address");
  CHECK(trouble(with("10.9.0.0/31", "10.9.0.0")) == "");
  for (const auto* subnet : {"10.9.0.0/31", "10.9.0.0/32", "fd00::/128"}) {
    CAPTURE(subnet);
    says(request_with(subnets({{{"subnet", subnet}}})), "could not create gateway for subnet");
  }
  auto internal = subnets({{{"subnet", "10.9.0.0/24"}}});
  internal["internal"] = true;
  CHECK(outcome(request_with(internal))["subnets"][0].contains("gateway"));
  internal["dns_enabled"] = false;
  CHECK_FALSE(outcome(request_with(internal))["subnets"][0].contains("gateway"));
}

TEST_CASE("host bits of a subnet are cleared, those of a route refused") {
  const auto network = outcome(request_with(subnets({{{"subnet", "10.9.0.7/24"}}})));
  CHECK(network["subnets"][0]["subnet"] == "10.9.0.0/24");
  const auto route = [](const char* text) {
    return request_with({{"routes", {Json::parse(text)}}});
  };
  says(route(R"({"destination":"10.9.0.1/24","gateway":"10.0.0.1"})"), "route destination invalid");
  says(route(R"({"destination":"10.9.0.0/24"})"), "requires a gateway");
  says(route(R"({"destination":"10.9.0.0/24","gateway":"fd00::1"})"), "other family");
  says(route(R"({"destination":"10.9.0.0/24","route_type":"x"})"), "invalid route type");
}

TEST_CASE("subnets do not overlap and lease ranges lie in them") {
  says(request_with(subnets({{{"subnet", "10.9.0.0/24"}}, {{"subnet", "10.9.0.9/24"}}})),
       "duplicate subnet");
  says(request_with(subnets({{{"subnet", "10.9.0.0/16"}}, {{"subnet", "10.9.7.0/24"}}})),
       "overlapping subnets");
  const auto range = [](const Json& bounds) {
    return request_with(subnets({{{"subnet", "10.9.0.0/24"}, {"lease_range", bounds}}}));
  };
  says(range({{"start_ip", "10.8.0.1"}}), "lease range start_ip 10.8.0.1 not in subnet");
  says(range({{"end_ip", "fd00::1"}}), "lease range end_ip fd00::1 not in subnet");
  says(range({{"start_ip", "10.9.0.9"}, {"end_ip", "10.9.0.8"}}), "is after end_ip");
  says(range({{"start_ip", "x"}}), "start_ip");
  CHECK(trouble(range({{"end_ip", "10.9.0.9"}})) == "");
}

TEST_CASE("macvlan and ipvlan take addresses from the segment of their parent") {
  const auto child = [](const char* driver, Json members = Json::object()) {
    members["driver"] = driver;
    return request_with(members);
  };
  const auto lan = subnets({{{"subnet", "192.0.2.0/24"}}});  // in use: that is the point
  auto network = outcome(child("macvlan"));
  CHECK(network["ipam_options"] == Json::parse(R"({"driver":"dhcp"})"));
  CHECK(network["dns_enabled"] == false);
  CHECK_FALSE(network.contains("network_interface"));
  CHECK_FALSE(network.contains("subnets"));
  for (const auto* driver : {"macvlan", "ipvlan"}) {
    CAPTURE(driver);
    network = outcome(child(driver, lan));
    CHECK(network["ipam_options"] == Json::parse(R"({"driver":"host-local"})"));
    CHECK(network["subnets"][0]["gateway"] == "192.0.2.1");
    auto local = Json{{"ipam_options", {{"driver", "host-local"}}}};
    says(child(driver, local), "driver needs at least one subnet");
    says(child(driver, {{"network_interface", "gone"}}), "parent interface gone does not exist");
    auto parent = lan;
    parent["network_interface"] = "up";
    CHECK(outcome(child(driver, parent))["network_interface"] == "up");
    for (const auto* key : {"isolate", "vlan", "vrf", "outbound_addr4"}) {
      auto words = options({{key, "1"}});
      words.update(lan);
      says(child(driver, words), fmt::format("unsupported {} network option: {}", driver, key));
    }
  }
  says(child("ipvlan"), "dhcp is not supported with ipvlan");
  auto dhcp = lan;
  dhcp["ipam_options"] = {{"driver", "dhcp"}};
  says(child("macvlan", dhcp), "dhcp set but subnets are set");
  says(child("ipvlan", dhcp), "dhcp is not supported with ipvlan");
  const Json none{{"ipam_options", {{"driver", "none"}}}};
  CHECK(outcome(child("ipvlan", none))["ipam_options"]["driver"] == "none");
  CHECK_FALSE(outcome(child("ipvlan", none)).contains("subnets"));
}

TEST_CASE("the modes and limits of macvlan and ipvlan are their own") {
  const auto with = [](const char* driver, const char* key, const char* word) {
    auto members = options({{key, word}});
    members["driver"] = driver;
    members.update(subnets({{{"subnet", "192.0.2.0/24"}}}));
    return request_with(members);
  };
  for (const auto* mode : {"", "bridge", "private", "vepa", "passthru", "source"}) {
    CHECK(trouble(with("macvlan", "mode", mode)) == "");
  }
  for (const auto* mode : {"", "l2", "l3", "l3s"})
    CHECK(trouble(with("ipvlan", "mode", mode)) == "");
  says(with("macvlan", "mode", "l2"), "invalid macvlan mode \"l2\"");
  says(with("ipvlan", "mode", "bridge"), "invalid ipvlan mode \"bridge\"");
  CHECK(trouble(with("macvlan", "bclim", "-5")) == "");
  says(with("macvlan", "bclim", "2147483648"), "bclim");
  says(with("ipvlan", "bclim", "1"), "unsupported ipvlan network option: bclim");
}

TEST_CASE("what a plugin makes of a network is completed likewise, and may not change who it is") {
  const auto document = request_with({{"driver", "mine"}});
  const auto same = planned(document, [](const Network& network) -> Result<Network> {
    auto answer = network;
    answer.subnets.push_back({.network = IpNetwork::parse("10.7.0.0/24").value()});
    return answer;
  });
  REQUIRE(same);
  CHECK(same->subnets[0].gateway->to_string() == "10.7.0.1");
  CHECK_FALSE(same->created.empty());
  const std::vector<std::pair<const char*, std::function<void(Network&)>>> changes{
      {"name", [](Network& one) { one.name = NetworkName::parse("other").value(); }},
      {"id", [](Network& one) { one.id = std::string(64, '0'); }},
      {"driver", [](Network& one) { one.driver = "bridge"; }}};
  for (const auto& [what, change] : changes) {
    const auto other = planned(document, [&](const Network& network) -> Result<Network> {
      auto answer = network;
      change(answer);
      return answer;
    });
    REQUIRE_FALSE(other);
    CHECK(other.error().message.find(std::string{"changed the network's "} + what) !=
          std::string::npos);
  }
}

TEST_CASE("a request that lacks a part is refused with the path of the part") {
  for (const auto* path :
       {"/network", "/network/id", "/network/internal", "/used", "/used/interfaces", "/used/names",
        "/used/subnets", "/options", "/options/subnet_pools", "/options/check_used_subnets"}) {
    CAPTURE(path);
    auto document = request();
    const Json::json_pointer pointer{path};
    document[pointer.parent_pointer()].erase(pointer.back());
    const auto decoded = decode_create_request(document.dump());
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().message.find(pointer.back()) != std::string::npos);
  }
  for (const auto& [path, value] : std::vector<std::pair<const char*, Json>>{
           {"/used/subnets", {"10.0.0.0"}},
           {"/used/interfaces", {1}},
           {"/used/names", {{"a", 1}}},
           {"/options/subnet_pools", {{{"base", "10.0.0.0/16"}, {"size", 33}}}},
           {"/options/subnet_pools", {{{"base", "10.0.0.0/16"}, {"size", 8}}}},
           {"/options/subnet_pools", {{{"base", "10.0.0.0/16"}, {"size", 280}}}},
           {"/options/subnet_pools", {{{"base", "10.0.0.0/16"}}}},
           {"/options/default_interface_name", 5}}) {
    CAPTURE(path);
    auto document = request();
    document[Json::json_pointer{path}] = value;
    CHECK_FALSE(decode_create_request(document.dump()));
  }
}
