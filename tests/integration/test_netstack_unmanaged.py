"""Containers on a bridge that somebody else looks after (mode=unmanaged), and hosts without IPv6."""

import json
import os
import unittest

from netns_support import Listener, connects
from netstack_support import (
    CONFIG, DNS, NetstackTest, attachment, main, network, port, request, subnet,
)  # fmt: skip

LAN = network("lan", "10.50.0.0/24", network_interface="br0", options={"mode": "unmanaged"})
LAN["subnets"] = [subnet("10.50.0.0/24", "10.50.0.254"), subnet("fd00:50::/64", "fd00:50::fe")]
IN_LAN = ("10.50.0.5", "fd00:50::5")
DOCUMENT = request("c", attachment(LAN, *IN_LAN))


class UnmanagedTest(NetstackTest):
    def setUp(self):
        super().setUp()
        self.machine.sh("ip", "link", "add", "br0", "type", "bridge")
        # Without a link-local address, which the kernel would report at some later time.
        self.machine.sh("ip", "link", "set", "br0", "addrgenmode", "none")
        self.machine.sh("ip", "addr", "add", "10.50.0.1/24", "dev", "br0")
        self.machine.sh("ip", "link", "set", "br0", "up")

    def records(self):
        found = []
        for directory, _, names in os.walk(f"{CONFIG}/burrow"):
            found += [name for name in names if name.endswith(".json")]
        return sorted(found)


class Links(UnmanagedTest):
    def test_the_container_is_a_port_of_the_bridge_with_its_addresses_and_the_lans_gateway(self):
        container = self.attach("c", attachment(LAN, *IN_LAN))
        self.assertEqual(container.addresses("eth0"), ["10.50.0.5/24", "fd00:50::5/64"])
        self.assertEqual(len(self.machine.ip("link", "show", "master", "br0")), 1)
        route = [route for route in container.routes() if route["dst"] == "default"][0]
        self.assertEqual((route["gateway"], route["metric"]), ("10.50.0.254", 100))
        with Listener(container, 80, "10.50.0.5"):
            self.assertTrue(connects(self.machine, "10.50.0.5", 80))

    def test_the_bridge_and_the_host_are_as_before(self):
        def state():
            bridge = self.machine.link("br0")
            return (
                bridge["address"], bridge["mtu"], self.machine.addresses("br0"),
                self.machine.sysctl("net/ipv4/ip_forward"), self.machine.sysctl("net/ipv4/conf/br0/route_localnet"),
                json.loads(self.machine.sh("nft", "-j", "list", "tables"))["nftables"][1:],
            )  # fmt: skip

        self.machine.sh("ip", "link", "set", "br0", "address", "02:00:00:00:00:01")
        before = state()
        self.attach("c", attachment(LAN, *IN_LAN), ports=[port(8080, 80)])
        self.assertEqual(state(), before)
        self.assertEqual(self.records(), ["lan.json"])

    def test_the_container_may_choose_ipv6_addresses_by_itself_too(self):
        container = self.attach("c", attachment(LAN, *IN_LAN))
        for key in ("autoconf", "accept_ra"):
            self.assertEqual(container.sysctl(f"net/ipv6/conf/eth0/{key}"), "1", key)

    def test_the_mtu_is_the_bridges(self):
        self.machine.sh("ip", "link", "set", "br0", "mtu", "1400")
        self.assertEqual(self.attach("c", attachment(LAN, *IN_LAN)).link("eth0")["mtu"], 1400)

    def test_ipam_none(self):
        document = {**LAN, "ipam_options": {"driver": "none"}, "subnets": None}
        container = self.attach("c", attachment(document))
        self.assertEqual(container.addresses("eth0"), [])
        self.assertEqual(container.routes(), [])

    def test_two_networks_may_share_the_bridge(self):
        other = {**LAN, "name": "other", "subnets": [subnet("10.51.0.0/24")]}
        container = self.attach("c", attachment(LAN, *IN_LAN), attachment(other, "10.51.0.5"))
        self.assertEqual(container.addresses("eth1"), ["10.51.0.5/24"])

    def test_published_ports_lead_to_a_managed_network_beside_it(self):
        front = network("front", "10.30.0.0/24")
        container = self.attach("c", attachment(LAN, *IN_LAN), attachment(front, "10.30.0.5"), ports=[port(8080, 80)])
        with Listener(container, 80) as listener:
            self.assertTrue(connects(self.machine, "10.30.0.1", 8080))
            self.assertEqual(listener.hears(), "10.30.0.1")

    def test_published_ports_without_effect_are_said_to_be(self):
        document = request("c", attachment(LAN, *IN_LAN), ports=[port(8080, 80)])
        outcome = self.netstack.setup(self.container("c"), document, environment={"RUST_LOG": "warn"})
        self.assertEqual(outcome.code, 0)
        self.assertIn("published ports have no effect", outcome.err)


class Teardown(UnmanagedTest):
    def check_gone(self, container):
        self.teardown_ok(container, DOCUMENT)
        self.assertEqual(container.links(), {"lo"})
        self.assertEqual(self.machine.links(), {"lo", "br0"})
        self.assertEqual(self.machine.addresses("br0"), ["10.50.0.1/24"])
        self.assertEqual(self.records(), [])

    def test_the_container_goes_and_the_bridge_stays(self):
        self.check_gone(self.attach("c", attachment(LAN, *IN_LAN)))

    def test_without_a_record_too(self):
        container = self.attach("c", attachment(LAN, *IN_LAN))
        self.machine.sh("rm", "-r", f"{CONFIG}/burrow")
        self.check_gone(container)

    def test_the_bridge_is_gone_already(self):
        container = self.attach("c", attachment(LAN, *IN_LAN))
        self.machine.sh("ip", "link", "del", "br0")
        self.teardown_ok(container, DOCUMENT)
        self.assertEqual((self.machine.links(), self.records()), ({"lo"}, []))


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Names(UnmanagedTest):
    dns = DNS or ""

    def test_they_are_served_on_the_bridges_own_addresses(self):
        self.machine.sh("ip", "addr", "add", "fd00:50::1/64", "dev", "br0", "nodad")
        document = {**LAN, "dns_enabled": True}
        status = self.setup_ok(self.container("c"), request("c", attachment(document, *IN_LAN)))
        self.assertEqual(status["lan"]["dns_server_ips"], ["10.50.0.1", "fd00:50::1"])
        self.assertEqual(status["lan"]["dns_search_domains"], ["dns.podman"])
        with open(f"{CONFIG}/aardvark-dns/lan") as file:
            header, entry = file.read().splitlines()
        self.assertEqual(header.split()[0], "10.50.0.1,fd00:50::1")
        self.assertIn("10.50.0.5 fd00:50::5", entry)

    def test_a_bridge_without_address_is_refused(self):
        self.machine.sh("ip", "addr", "flush", "dev", "br0", "scope", "global")
        document = request("c", attachment({**LAN, "dns_enabled": True}, *IN_LAN))
        self.assert_refused(self.container("c"), document, '"lan"', "DNS", "bridge address")


class BadSurroundings(UnmanagedTest):
    def test_bridges_that_are_none(self):
        container = self.container("c")
        before = self.snapshot(container)
        for name, words in (("no-such-link", "does not exist"), ("lo", "no bridge")):
            document = request("c", attachment({**LAN, "network_interface": name}, *IN_LAN))
            error = self.netstack.setup(container, document).error
            for word in (f'"{name}"', '"lan"', words):
                self.assertIn(word, error)
        self.assert_unchanged(before, container)

    def test_a_bridge_that_is_down(self):
        self.machine.sh("ip", "link", "set", "br0", "down")
        self.assert_refused(self.container("c"), DOCUMENT, '"br0"', '"lan"', "is down")

    def test_ipv6_disabled_in_the_container(self):
        container = self.container("c")
        container.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        self.assert_refused(container, DOCUMENT, '"lan"', "fd00:50::5", "IPv6 is disabled", "disable_ipv6")
        self.setup_ok(container, request("c", attachment(LAN, "10.50.0.5")))

    def test_ipv6_disabled_on_the_host(self):
        self.machine.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        six = network("six", "10.36.0.0/24", "fd00:36::/64")
        self.assert_refused(
            self.container("c"), request("c", attachment(six, "10.36.0.2")), '"six"', "IPv6 is disabled on the host"
        )
        self.attach("d", attachment(LAN, *IN_LAN))  # this bridge needs no address of ours
        self.attach("e", attachment(network("four", "10.37.0.0/24"), "10.37.0.2"))


class WithSystemd(NetstackTest):
    path = "/run/sysctl.d/10-burrow-br-front.conf"
    document = request("c", attachment(network("front", "10.30.0.0/24", "fd00:30::/64"), "10.30.0.5"))

    def setUp(self):
        super().setUp()
        os.makedirs("/run/systemd/system")

    def test_its_file_has_the_settings_while_the_bridge_stands(self):
        container = self.container("c")
        self.setup_ok(container, self.document)
        with open(self.path) as file:
            lines = [line.strip() for line in file if not line.startswith("#")]
        for line in lines:
            key, value = line.split(" = ")
            self.assertEqual(self.machine.sysctl(key), value, key)
        self.assertIn("net/ipv4/conf/br-front/rp_filter = 2", lines)
        self.assertIn("net/ipv6/conf/br-front/accept_dad = 0", lines)
        self.teardown_ok(container, self.document)
        self.assertEqual(os.listdir("/run/sysctl.d"), [])

    def test_a_failed_setup_leaves_no_file(self):
        routes = [{"destination": "10.9.0.0/16", "gateway": "10.200.0.1"}]
        document = network("front", "10.30.0.0/24", routes=routes)
        self.assert_refused(self.container("c"), request("c", attachment(document, "10.30.0.5")), "10.9.0.0/16")

    def test_a_failed_setup_that_rewrites_the_file_puts_back_what_it_said(self):
        self.attach("c", attachment(network("front", "10.30.0.0/24"), "10.30.0.5"))
        with open(self.path) as file:
            before = file.read()
        routes = [{"destination": "10.9.0.0/16", "gateway": "10.200.0.1"}]
        # With IPv6 the bridge has more settings; the route is refused after they are written.
        document = network("front", "10.30.0.0/24", "fd00:30::/64", routes=routes)
        error = self.netstack.setup(self.container("d"), request("d", attachment(document, "10.30.0.6"))).error
        self.assertIn("10.9.0.0/16", error)
        with open(self.path) as file:
            self.assertEqual(file.read(), before)
        self.attach("e", attachment({**document, "routes": []}, "10.30.0.7"))
        with open(self.path) as file:
            self.assertIn("net/ipv6/conf/br-front/accept_ra", file.read())

    def test_a_file_that_cannot_be_written_is_no_obstacle(self):
        with open("/run/sysctl.d", "w"):
            pass
        container = self.container("c")
        self.setup_ok(container, self.document)
        self.teardown_ok(container, self.document)


class ReadOnlySettings(NetstackTest):
    """/proc/sys as an engine in a container has it."""

    document = request("c", attachment(network("front", "10.30.0.0/24"), "10.30.0.5"))

    def seal(self):
        self.machine.sh("mount", "--bind", "/proc/sys", "/proc/sys")
        self.machine.sh("mount", "-o", "remount,bind,ro", "/proc/sys")
        self.addCleanup(self.machine.sh, "umount", "/proc/sys")

    def test_values_that_are_right_already_are_accepted(self):
        container = self.container("c")
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        for key, value in (("net/ipv4/conf/default/route_localnet", 1), ("net/ipv4/conf/default/rp_filter", 2)):
            self.machine.sysctl(key, value)
        for key, value in (
            ("net/ipv4/conf/default/arp_notify", 1), ("net/ipv4/conf/default/rp_filter", 2),
            ("net/ipv6/conf/default/autoconf", 0), ("net/ipv6/conf/default/accept_ra", 0),
            ("net/ipv6/conf/default/accept_dad", 0),
        ):  # fmt: skip
            container.sysctl(key, value)
        self.seal()
        self.setup_ok(container, self.document)
        self.teardown_ok(container, self.document)

    def test_one_that_cannot_be_set_is_named_and_all_is_taken_back(self):
        container = self.container("c")
        self.seal()
        self.assert_refused(container, self.document, "net/ipv4/ip_forward", "Read-only file system")


if __name__ == "__main__":
    main()
