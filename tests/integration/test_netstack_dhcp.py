"""Containers on a LAN with addresses from its DHCP server: netstack, burrow-dhcp, dnsmasq and Kea."""

import json
import os
import sys
import unittest

from dhcp_support import PROGRAM, Server, wait_until
from netstack_dhcp_support import NetstackDhcpTest, unmanaged, macvlan
from netstack_support import attachment, identifier, main, network, port, request

PLAIN = network("plain", "10.77.0.0/24")


class Lease:
    """What holds for a macvlan and for a bridge; `lan` makes the network."""

    def test_the_container_gets_what_the_server_grants_and_gives_it_back(self):
        server = self.dnsmasq("--dhcp-option=6,10.5.0.9", "--dhcp-option=15,lan.example")
        self.start_proxy()
        container = self.container("c1")
        before = self.snapshot(container)
        block = self.setup_ok(container, self.document())["lan"]
        (link,) = [link for link in container.ip("link") if link["ifname"] == "eth0"]
        (address,) = container.addresses("eth0")
        self.assertRegex(address, r"^10\.5\.0\.5\d/24$")
        self.assertEqual(block, {
            "dns_search_domains": ["lan.example"], "dns_server_ips": ["10.5.0.9"],
            "interfaces": {"eth0": {"mac_address": link["address"], "subnets": [{"gateway": "10.5.0.1", "ipnet": address}]}}})
        default = [route for route in container.routes() if route["dst"] == "default"]
        self.assertEqual([(route["gateway"], route["metric"]) for route in default], [("10.5.0.1", self.metric)])
        (kept,) = self.status()
        self.assertEqual((kept["container"], kept["network"], kept["state"]), (identifier("c1"), "lan", "bound"))
        self.assertIn("client provides name: web", server.text())
        self.assertEqual(self.journal(), [f"attachments/{identifier('c1')}/lan.json"])
        self.teardown_ok(container, self.document())
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in server.text()), server.text())
        self.assertEqual(self.status(), [])
        self.teardown_ok(container, self.document())
        # The namespace's loopback stays up, as with every teardown.
        before_links = {"lo"}
        self.assertEqual(container.links(), before_links)
        container.sh("ip", "link", "set", "lo", "down")
        container.sh("ip", "addr", "flush", "dev", "lo")
        self.assert_unchanged(before, container)

    def test_options_of_the_network_rule_route_metric_and_mtu(self):
        self.dnsmasq("--dhcp-option=26,1400")
        self.start_proxy()
        first, second, third = (self.container(name) for name in ("c1", "c2", "c3"))
        self.setup_ok(first, self.document(self.lan(options={**self.lan().get("options", {}), "metric": "77", "mtu": "1450"})))
        self.assertEqual([r["metric"] for r in first.routes() if r["dst"] == "default"], [77])
        self.assertEqual(first.link("eth0")["mtu"], 1450)
        lan = self.lan(options={**self.lan().get("options", {}), "no_default_route": "true"})
        self.setup_ok(second, self.document(lan, "c2"))
        self.assertEqual([r for r in second.routes() if r["dst"] == "default"], [])
        self.assertEqual(second.link("eth0")["mtu"], 1400)
        self.setup_ok(third, self.document(self.lan(internal=True), "c3"))
        self.assertEqual([r for r in third.routes() if r["dst"] == "default"], [])

    def test_a_container_that_comes_back_gets_one_lease_and_keeps_its_address(self):
        server = self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        first = self.setup_ok(container, self.document())["lan"]["interfaces"]["eth0"]["subnets"]
        self.assertEqual(self.setup_ok(container, self.document())["lan"]["interfaces"]["eth0"]["subnets"], first)
        self.assertEqual(len(self.status()), 1)
        container.delete()  # dead, without a teardown
        self.namespaces.remove(container)
        again = self.container("again")
        # The kernel ends a namespace when it comes to it; until then no other link may have its MAC address.
        self.assertTrue(wait_until(lambda: self.netstack.setup(again, self.document()).code == 0))
        self.assertEqual(self.setup_ok(again, self.document())["lan"]["interfaces"]["eth0"]["subnets"], first)
        (kept,) = self.status()
        self.assertEqual(kept["netns"], again.path)
        self.teardown_ok(again, self.document())
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in server.text()), server.text())
        self.assertEqual((self.journal(), self.status()), ([], []))

    def test_both_families_where_the_network_has_ipv6(self):
        self.server.sh("ip", "addr", "add", "fd00:5::1/64", "dev", "eth0", "nodad")
        server = self.dnsmasq("--dhcp-range=fd00:5::50,fd00:5::60,64,2m", "--dhcp-option=option6:dns-server,[fd00:5::9]")
        self.start_proxy()
        container = self.container("c1")
        lan = self.lan(ipv6_enabled=True)
        block = self.setup_ok(container, self.document(lan))["lan"]
        four, six = [subnet["ipnet"] for subnet in block["interfaces"]["eth0"]["subnets"]]
        self.assertRegex(six, r"^fd00:5::[56][0-9a-f]?/128$")
        self.assertEqual(sorted(container.addresses("eth0")), sorted([four, six]))
        self.assertEqual(block["dns_server_ips"], ["fd00:5::9"])
        self.teardown_ok(container, self.document(lan))
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in server.text() and "DHCPRELEASE(eth0) 00:" in server.text()), server.text())

    @unittest.skipUnless(os.path.exists("/usr/sbin/kea-dhcp4"), "no kea")
    def test_kea_renews_what_netstack_asked_for(self):
        server = self.kea4()
        self.start_proxy()
        container = self.container("c1")
        block = self.setup_ok(container, self.document())["lan"]
        self.assertEqual(block["dns_server_ips"], ["10.5.0.9"])
        (address,) = container.addresses("eth0")
        self.assertTrue(wait_until(lambda: server.text().count("DHCP4_LEASE_ALLOC") >= 3, 8))
        self.assertEqual(container.addresses("eth0"), [address])
        self.teardown_ok(container, self.document())
        self.assertTrue(wait_until(lambda: "DHCP4_RELEASE" in server.text()), server.text()[-2000:])


class OnAMacvlan(Lease, NetstackDhcpTest):
    metric = 99

    def test_the_parent_may_be_that_of_the_default_route(self):
        self.dnsmasq()
        self.start_proxy()
        self.machine.sh("ip", "addr", "add", "10.5.0.7/24", "dev", "uplink")
        self.machine.sh("ip", "route", "add", "default", "via", "10.5.0.1")
        lan = macvlan()
        del lan["network_interface"]
        self.assertIn("lan", self.setup_ok(self.container("c1"), self.document(lan)))

    def test_servers_that_the_request_names_count_alone(self):
        self.dnsmasq()
        self.start_proxy()
        block = self.setup_ok(self.container("c1"), self.document(dns_servers=["192.0.2.53"]))["lan"]
        self.assertEqual(block["dns_server_ips"], ["192.0.2.53"])

    def test_an_ipvlan_is_refused_with_the_reason(self):
        lan = {**macvlan(), "driver": "ipvlan"}
        self.assert_refused(self.container("c1"), self.document(lan), 'network "lan"', "dhcp", "its parent's MAC address")

    def test_what_has_no_effect_is_said(self):
        self.dnsmasq()
        self.start_proxy()
        document = request("c1", attachment(macvlan(), "10.5.0.200"), container_hostname="no name!")
        outcome = self.netstack.setup(self.container("c1"), document, environment={"RUST_LOG": "warn"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("static ips have no effect", outcome.err)
        self.assertIn('the host name "no name!" is not told', outcome.err)


class OnABridge(Lease, NetstackDhcpTest):
    lan = staticmethod(unmanaged)
    metric = 100

    def test_a_managed_bridge_is_refused_with_the_remedy(self):
        lan = network("a", "10.1.0.0/24", ipam_options={"driver": "dhcp"})
        self.assert_refused(self.container("c1"), self.document(lan), 'network "a"', "dhcp", "mode to unmanaged")

    def test_beside_a_network_of_ours(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        document = request("c1", attachment(PLAIN, "10.77.0.2"), attachment(unmanaged()), ports=[port(8080, 80)])
        status = self.setup_ok(container, document)
        self.assertEqual(list(status), ["plain", "lan"])
        metrics = sorted(route["metric"] for route in container.routes() if route["dst"] == "default")
        self.assertEqual(metrics, [100, 101])
        self.teardown_ok(container, document)
        self.assertEqual((self.journal(), self.status()), ([], []))


class Plan(NetstackDhcpTest):
    def test_it_shows_the_lease_and_changes_nothing(self):
        container = self.container("c1")
        before = self.snapshot(container)
        outcome = self.netstack.run("plan", "setup", container.path, document=self.document())
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("get an IPv4 lease for eth0 on lan from the DHCP proxy", outcome.out)
        self.assertIn('the addresses on network "lan" are for its DHCP server to say', outcome.out)
        self.assert_unchanged(before, container)

    def test_of_a_teardown_it_shows_the_release_first(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        self.setup_ok(container, self.document())
        outcome = self.netstack.run("plan", "teardown", container.path, "--format", "json", document=self.document())
        steps = [step["step"] for step in json.loads(outcome.out)["steps"]]
        self.assertEqual(steps, ["release_lease", "delete_link_groups"])
        self.assertEqual(len(self.status()), 1)


class Socket(NetstackDhcpTest):
    def test_it_is_found_where_netavarks_units_have_it(self):
        self.dnsmasq()
        os.makedirs("/run/podman")
        proxy = Server(self.machine, PROGRAM, "-d", "/run/podman", "-u", "/run/podman/nv-proxy.sock", directory=self.directory)
        self.servers.append(proxy)
        self.assertTrue(wait_until(lambda: os.path.exists("/run/podman/nv-proxy.sock")))
        del self.netstack.environment["BURROW_DHCP_SOCKET"]
        self.assertIn("lan", self.setup_ok(self.container("c1"), self.document()))


if __name__ == "__main__":
    if not os.path.exists("/usr/sbin/dnsmasq"):
        print("skipped: no dnsmasq", file=sys.stderr)
        sys.exit(77)
    main()
