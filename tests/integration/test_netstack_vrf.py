"""Bridges in a VRF."""
# needs: vrf

import sys

from netns_support import Listener, connects, has_link_kind
from netstack_support import NetstackTest, attachment, main, network, request

RED = network("red", "10.70.0.0/24", "fd00:70::/64", options={"vrf": "vrf-red"})
DOCUMENT = request("c", attachment(RED, "10.70.0.2", "fd00:70::2"))


class InAVrf(NetstackTest):
    def setUp(self):
        super().setUp()
        self.machine.sh("ip", "link", "add", "vrf-red", "type", "vrf", "table", "10")
        self.machine.sh("ip", "link", "set", "vrf-red", "up")

    def test_the_bridge_is_in_it_and_its_routes_in_the_vrfs_table(self):
        container = self.attach("c", attachment(RED, "10.70.0.2", "fd00:70::2"))
        self.assertEqual(self.machine.link("br-red")["master"], "vrf-red")
        routes = self.machine.ip("route", "show", "vrf", "vrf-red")
        self.assertIn("10.70.0.0/24", [route["dst"] for route in routes])
        self.assertEqual(container.addresses("eth0"), ["10.70.0.2/24", "fd00:70::2/64"])

    def test_containers_reach_each_other(self):
        first = self.attach("a", attachment(RED, "10.70.0.2", "fd00:70::2"))
        second = self.attach("b", attachment(RED, "10.70.0.3", "fd00:70::3"))
        for address in ("10.70.0.2", "fd00:70::2"):
            with Listener(first, 80, address):
                self.assertTrue(connects(second, address, 80))

    def test_the_mtu_is_that_of_the_vrfs_own_default_route(self):
        outside = self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1400", "master", "vrf-red")
        self.machine.sh("ip", "route", "add", "default", "vrf", "vrf-red", "via", "192.0.2.2")
        self.assertEqual(self.attach("c", attachment(RED, "10.70.0.2")).link("eth0")["mtu"], 1400)
        self.assertTrue(outside.link("eth0"))

    def test_setup_and_teardown_leave_nothing(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.settled_snapshot(container)
        self.setup_ok(container, DOCUMENT)
        self.teardown_ok(container, DOCUMENT)
        self.assert_unchanged(before, container)

    def test_a_bridge_outside_of_it_is_refused(self):
        self.machine.sh("ip", "link", "add", "br-red", "type", "bridge")
        self.assert_refused(self.container("c"), DOCUMENT, '"br-red"', '"red"', "vrf-red")

    def test_a_bridge_in_a_vrf_that_the_network_does_not_ask_for_is_refused(self):
        self.machine.sh("ip", "link", "add", "br-red", "type", "bridge")
        self.machine.sh("ip", "link", "set", "br-red", "master", "vrf-red")
        document = request("c", attachment({**RED, "options": {}}, "10.70.0.2"))
        self.assert_refused(self.container("c"), document, '"br-red"', '"vrf-red"', "no vrf")

    def test_what_is_no_vrf_is_refused(self):
        self.machine.sh("ip", "link", "add", "fake", "type", "bridge")
        for name, words in (("no-such-vrf", "does not exist"), ("fake", "is no vrf but a bridge")):
            document = request("c", attachment({**RED, "options": {"vrf": name}}, "10.70.0.2"))
            error = self.netstack.setup(self.container(f"c-{name}"), document).error
            for word in (f'"{name}"', '"red"', words):
                self.assertIn(word, error)


if __name__ == "__main__":
    if not has_link_kind("vrf", "table", "10"):
        print("skipped: the kernel has no vrf", file=sys.stderr)
        sys.exit(77)
    main()
