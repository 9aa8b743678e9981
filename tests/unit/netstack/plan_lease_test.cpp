#include "netstack/plan_lease.h"

#include <doctest/doctest.h>

#include "../../support/netstack_examples.h"
#include "netstack/lease_status.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

Result<SetupPlan> plan(const SetupRequest& asked) {
  return plan_setup(asked, examples::empty_host(asked), examples::settings());
}

const dhcp::LeaseRequest& lease_of(const SetupPlan& planned) {
  return std::get<AcquireLease>(planned.plan.errands.at(0)).request;
}

std::string error_of(const std::string& text) {
  const auto asked = *decode_setup_request(text);
  const auto planned = plan(asked);
  return planned ? std::string{} : planned.error().message;
}

std::vector<std::string> warnings_of(const std::string& text) {
  const auto asked = *decode_setup_request(text);
  return plan(asked)->warnings;
}

dhcp::Lease lease(const char* address, const char* gateway) {
  dhcp::Lease lease{.address = *IpInterface::parse(address), .times = {}, .server = {}};
  lease.routes.push_back({*IpNetwork::parse("0.0.0.0/0"), IpAddress::parse(gateway).value()});
  lease.dns_servers.push_back(*IpAddress::parse("192.0.2.9"));
  lease.domains.emplace_back("lan.example");
  return lease;
}

}  // namespace

TEST_CASE("a lease is an errand, asked for when the link stands") {
  const auto asked = *decode_setup_request(examples::leased_request_text());
  const auto planned = *plan(asked);
  CHECK(std::ranges::none_of(planned.plan.steps, is_errand));
  REQUIRE(planned.plan.errands.size() == 1);
  const auto& request = lease_of(planned);
  CHECK(request.holder == dhcp::Holder{asked.container, asked.attachments[0].interface});
  CHECK(request.netns == "/run/netns/c");
  CHECK(request.hostname == "web.example");
  CHECK(request.mac == planned.statuses[0].mac);
  CHECK(request.families == std::vector{Family::ipv4, Family::ipv6});
  CHECK(request.metric == 99);
  CHECK(request.default_route == dhcp::DefaultRoute::take);
  CHECK(request.mtu == dhcp::MtuFrom::lease);
  CHECK(planned.statuses[0].addresses.empty());
  // The record says it before it is done.
  const auto record = *decode_attachment_record(*planned.plan.changes[0].after);
  CHECK(record.steps.back() == planned.plan.errands[0]);
}

TEST_CASE("its end is an errand that comes before the end of the link") {
  const auto asked = *decode_setup_request(examples::leased_request_text());
  Snapshot snapshot;
  snapshot.attachments.push_back(*decode_attachment_record(*plan(asked)->plan.changes[0].after));
  const auto name = asked.attachments[0].network.name;
  snapshot.networks.emplace(name, NetworkSnapshot{});
  const auto ending = plan_teardown({name}, snapshot);
  CHECK(ending.errands == Steps{ReleaseLease{{asked.container, asked.attachments[0].interface}}});
  REQUIRE_FALSE(ending.steps.empty());
  CHECK(std::holds_alternative<DeleteLinkGroups>(ending.steps.back()));
}

TEST_CASE("the words of the network rule the lease's routes and MTU") {
  const auto asked = *decode_setup_request(
      examples::leased_request_text(R"({"metric":"7","mtu":"1400","no_default_route":"true"})"));
  const auto planned = *plan(asked);
  CHECK(lease_of(planned).metric == 7);
  CHECK(lease_of(planned).mtu == dhcp::MtuFrom::link);
  CHECK(lease_of(planned).default_route == dhcp::DefaultRoute::leave);
}

TEST_CASE("a lease's routes have a metric that is free in every family") {
  const auto asked = *decode_setup_request(examples::leased_request_text());
  auto host = examples::empty_host(asked);
  host.container->default_metrics4 = {99};
  host.container->default_metrics6 = {100};
  const auto planned = *plan_setup(asked, host, examples::settings());
  CHECK(lease_of(planned).metric == 101);
}

TEST_CASE("a lease for a relative path is refused: the proxy works elsewhere") {
  const auto asked = *decode_setup_request(examples::leased_request_text());
  const auto planned = plan_setup(asked, examples::empty_host(asked), {.netns = "netns/c"});
  REQUIRE_FALSE(planned);
  CHECK(planned.error().message.find("absolute path") != std::string::npos);
}

TEST_CASE("leases where they could not work are refused with the reason") {
  CHECK(error_of(examples::leased_request_text("{}", "", "ipvlan")).find("MAC") !=
        std::string::npos);
  CHECK(error_of(examples::leased_request_text("{}", "", "bridge")).find("unmanaged") !=
        std::string::npos);
  const auto asked = *decode_setup_request(examples::leased_request_text());
  auto host = examples::empty_host(asked);
  host.container->disables_ipv6 = true;
  const auto planned = plan_setup(asked, host, examples::settings());
  REQUIRE_FALSE(planned);
  CHECK(planned.error().message.find("disable_ipv6") != std::string::npos);
}

TEST_CASE("what has no effect with leases is said") {
  CHECK(warnings_of(examples::leased_request_text()).empty());
  const auto routes = R"(,"routes":[{"destination":"10.9.0.0/16","gateway":"10.5.0.7"}])";
  REQUIRE(warnings_of(examples::leased_request_text("{}", routes)).size() == 1);
  CHECK(warnings_of(examples::leased_request_text("{}", routes))[0].find("routes") !=
        std::string::npos);
}

TEST_CASE("a status has the addresses of all leases, and servers unless it has its own") {
  const auto asked = *decode_setup_request(examples::leased_request_text());
  const auto planned = *plan(asked);
  const std::vector leases{lease("10.5.0.50/24", "10.5.0.1"), lease("10.6.0.50/24", "10.6.0.1")};
  const auto status = with_leases(planned.statuses[0], leases);
  REQUIRE(status.addresses.size() == 2);
  CHECK(status.addresses[1].address == *IpInterface::parse("10.6.0.50/24"));
  CHECK(status.addresses[1].gateway == *IpAddress::parse("10.6.0.1"));
  CHECK(status.dns_servers == std::vector{*IpAddress::parse("192.0.2.9")});
  CHECK(status.search_domains == std::vector<std::string>{"lan.example"});
  auto own = planned.statuses[0];
  own.dns_servers = {*IpAddress::parse("192.0.2.53")};
  own.search_domains = {"dns.podman"};
  const auto kept = with_leases(own, leases);
  CHECK(kept.dns_servers == own.dns_servers);
  CHECK(kept.search_domains == own.search_domains);
}
