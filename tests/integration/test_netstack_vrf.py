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

    def test_networks_of_one_vrf_are_apart_unless_they_say_otherwise(self):
        """The VRF's link, by which all its packets come in, tells nothing of their network."""
        for number, (mode, answer) in enumerate((("strict", False), ("true", False), ("false", True))):
            options = {"vrf": "vrf-red", "isolate": mode}
            prefixes = [f"10.{70 + number}.{subnet}.0/24" for subnet in (0, 1)]
            documents = [network(f"n{number}{i}", prefix, options=options) for i, prefix in enumerate(prefixes)]
            near = self.attach(f"near{number}", attachment(documents[0], f"10.{70 + number}.0.2"))
            far = self.attach(f"far{number}", attachment(documents[1], f"10.{70 + number}.1.2"))
            with self.subTest(isolate=mode), Listener(far, 80) as listener:
                self.assertEqual(connects(near, f"10.{70 + number}.1.2", 80, 5 if answer else 0.5), answer)
                if not answer:
                    self.assertIsNone(listener.hears(0))

    def test_an_internal_network_in_a_vrf_has_no_way_to_another(self):
        inner = network("inner", "10.74.0.0/24", options={"vrf": "vrf-red", "isolate": "false"}, internal=True)
        outer = network("outer", "10.75.0.0/24", options={"vrf": "vrf-red", "isolate": "false"})
        near = self.attach("near", attachment(inner, "10.74.0.2"))
        far = self.attach("far", attachment(outer, "10.75.0.2"))
        near.sh("ip", "route", "add", "default", "via", "10.74.0.1")
        with Listener(far, 80):
            self.assertFalse(connects(near, "10.75.0.2", 80, 0.5))
        with Listener(near, 80):
            self.assertFalse(connects(far, "10.74.0.2", 80, 0.5))

    def test_setup_and_teardown_leave_nothing(self):
        # Whoever has a VRF may forward by themselves: then it would stay switched on.
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)
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
