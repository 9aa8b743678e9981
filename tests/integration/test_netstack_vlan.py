"""Containers in a VLAN of a bridge."""
# needs: vlan_filtering

import json
import sys

from netns_support import Listener, Namespace, connects
from netstack_support import NetstackTest, attachment, main, network, request, subnet

TEN = network("ten", "10.10.0.0/24", "fd00:10::/64", options={"vlan": "10"})


def unmanaged(name, vlan):
    document = network(name, network_interface="br0", options={"mode": "unmanaged", "vlan": vlan})
    return {**document, "subnets": [subnet("10.50.0.0/24", "10.50.0.254")]}


class VlanTest(NetstackTest):
    def vlans(self, link):
        """{VLAN: flags} of a port, or of a bridge itself."""
        found = json.loads(self.machine.sh("bridge", "-j", "vlan", "show", "dev", link))
        return {entry["vlan"]: set(entry.get("flags", [])) for entry in found[0]["vlans"]} if found else {}

    def ports(self, bridge):
        return [link["ifname"] for link in self.machine.ip("link", "show", "master", bridge)]


class Managed(VlanTest):
    def test_bridge_and_port_are_in_the_vlan_without_tags_and_in_no_other(self):
        self.attach("c", attachment(TEN, "10.10.0.2", "fd00:10::2"))
        self.assertEqual(self.machine.link("br-ten")["linkinfo"]["info_data"]["vlan_filtering"], 1)
        own = {10: {"PVID", "Egress Untagged"}}
        self.assertEqual(self.vlans("br-ten"), own)
        (port,) = self.ports("br-ten")
        self.assertEqual(self.vlans(port), own)

    def test_the_gateway_answers_and_containers_reach_each_other(self):
        first = self.attach("a", attachment(TEN, "10.10.0.2", "fd00:10::2"))
        second = self.attach("b", attachment(TEN, "10.10.0.3", "fd00:10::3"))
        with Listener(self.machine, 80, "10.10.0.1"):
            self.assertTrue(connects(first, "10.10.0.1", 80))
        with Listener(second, 80, "fd00:10::3"):
            self.assertTrue(connects(first, "fd00:10::3", 80))

    def test_a_port_of_another_vlan_hears_nothing(self):
        """Somebody joins the bridge by hand in VLAN 1, which ours must not leak into."""
        container = self.attach("c", attachment(TEN, "10.10.0.2"))
        other = Namespace.add("other")
        self.machine.sh("ip", "link", "add", "vo", "type", "veth", "peer", "name", "eth0", "netns", "other")
        self.machine.sh("ip", "link", "set", "vo", "master", "br-ten", "up")
        self.machine.sh("bridge", "vlan", "del", "dev", "vo", "vid", "10")
        self.machine.sh("bridge", "vlan", "add", "dev", "vo", "vid", "1", "pvid", "untagged")
        other.sh("ip", "addr", "add", "10.10.0.9/24", "dev", "eth0")
        other.sh("ip", "link", "set", "eth0", "up")
        with Listener(container, 80, "10.10.0.2"):
            self.assertFalse(connects(other, "10.10.0.2", 80, timeout=0.5))
            self.machine.sh("bridge", "vlan", "add", "dev", "vo", "vid", "10", "pvid", "untagged")
            self.assertTrue(connects(other, "10.10.0.2", 80))

    def test_setup_and_teardown_leave_nothing(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", attachment(TEN, "10.10.0.2"))
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_a_bridge_in_another_vlan_is_refused(self):
        self.machine.sh("ip", "link", "add", "br-ten", "type", "bridge")
        document = request("c", attachment(TEN, "10.10.0.2"))
        self.assert_refused(self.container("c"), document, '"br-ten"', '"ten"', "filters no VLANs", "VLAN 10")
        self.machine.sh("ip", "link", "set", "br-ten", "type", "bridge", "vlan_filtering", "1")
        self.assert_refused(Namespace.add("d"), document, '"br-ten"', "VLAN 1", "VLAN 10")

    def test_vlan_0_is_none(self):
        self.attach("c", attachment({**TEN, "options": {"vlan": "0"}}, "10.10.0.2"))
        self.assertEqual(self.machine.link("br-ten")["linkinfo"]["info_data"]["vlan_filtering"], 0)


class Unmanaged(VlanTest):
    def setUp(self):
        super().setUp()
        self.machine.sh("ip", "link", "add", "br0", "type", "bridge")
        self.machine.sh("ip", "link", "set", "br0", "up")

    def filtering(self):
        return self.machine.link("br0")["linkinfo"]["info_data"]["vlan_filtering"]

    def test_two_vlans_of_one_bridge_are_apart(self):
        ten, twenty = unmanaged("ten", "10"), unmanaged("twenty", "20")
        one = self.attach("a", attachment(ten, "10.50.0.2"))
        same = self.attach("b", attachment(ten, "10.50.0.3"))
        other = self.attach("c", attachment(twenty, "10.50.0.4"))
        with Listener(one, 80, "10.50.0.2"):
            self.assertTrue(connects(same, "10.50.0.2", 80))
            self.assertFalse(connects(other, "10.50.0.2", 80, timeout=0.5))
        vlans = sorted(list(self.vlans(port)) for port in self.ports("br0"))
        self.assertEqual(vlans, [[10], [10], [20]])

    def test_filtering_is_on_while_a_network_needs_it(self):
        document = unmanaged("ten", "10")
        requests = [request(name, attachment(document, f"10.50.0.{n}")) for n, name in enumerate("ab", 2)]
        containers = [self.container(name) for name in "ab"]
        for container, one in zip(containers, requests):
            self.setup_ok(container, one)
        self.teardown_ok(containers[0], requests[0])
        self.assertEqual(self.filtering(), 1)
        self.teardown_ok(containers[1], requests[1])
        self.assertEqual(self.filtering(), 0)
        self.assertEqual(self.machine.links(), {"lo", "br0"})

    def test_filtering_that_was_on_before_stays_on(self):
        self.machine.sh("ip", "link", "set", "br0", "type", "bridge", "vlan_filtering", "1")
        container = self.attach("a", attachment(unmanaged("ten", "10"), "10.50.0.2"))
        self.teardown_ok(container, request("a", attachment(unmanaged("ten", "10"), "10.50.0.2")))
        self.assertEqual(self.filtering(), 1)

    def test_one_container_in_two_vlans(self):
        container = self.attach(
            "a", attachment(unmanaged("ten", "10"), "10.50.0.2"),
            attachment({**unmanaged("twenty", "20"), "subnets": [subnet("10.51.0.0/24")]}, "10.51.0.2"),
        )  # fmt: skip
        self.assertEqual(container.links(), {"lo", "eth0", "eth1"})
        self.assertEqual(sorted(list(self.vlans(port)) for port in self.ports("br0")), [[10], [20]])


def filters_vlans():
    probe = Namespace.add("probe")
    try:
        probe.sh("ip", "link", "add", "name", "probe0", "type", "bridge", "vlan_filtering", "1")
        return True
    except RuntimeError:
        return False
    finally:
        probe.delete()


class WithoutFiltering(NetstackTest):
    def test_a_kernel_that_cannot_says_so_and_nothing_is_left(self):
        document = request("c", attachment(TEN, "10.10.0.2"))
        self.assert_refused(self.container("c"), document, '"br-ten"', "VLANs", "CONFIG_BRIDGE_VLAN_FILTERING")


if __name__ == "__main__":
    if filters_vlans():
        del WithoutFiltering
        main()
    else:
        del Managed, Unmanaged
        print("skipped but for the error: the kernel has no vlan_filtering", file=sys.stderr)
        main()
