"""What a container and its bridge look like after setup: links, addresses, sysctls."""

import errno
import socket

from netns_support import Listener, Namespace, connects
from netstack_support import (
    NetstackTest, attachment, main, network, networks_as_map, request, subnet,
)  # fmt: skip

FRONT = network("front", "10.30.0.0/24")
BACK = network("back", "10.31.0.0/24", "fd00:31::/64")
SIX = network("six", "fd00:36::/64")


class Interfaces(NetstackTest):
    def test_a_network_is_a_veth_that_is_up_with_its_address(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        link = container.link("eth0")
        self.assertIn("UP", link["flags"])
        self.assertEqual(link["linkinfo"]["info_kind"], "veth")
        self.assertEqual(container.addresses("eth0"), ["10.30.0.5/24"])
        self.assertEqual(container.links(), {"lo", "eth0"})

    def test_loopback_of_the_container_is_up(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        self.assertIn("UP", container.link("lo")["flags"])
        self.assertEqual(container.addresses("lo", "host"), ["127.0.0.1/8", "::1/128"])

    def test_networks_of_an_array_are_set_up_in_its_order(self):
        zoo, ant = network("zoo", "10.40.0.0/24"), network("ant", "10.41.0.0/24")
        container = self.container("c")
        self.setup_ok(
            container,
            request("c", attachment(zoo, "10.40.0.2"), attachment(BACK, "10.31.0.2"), attachment(ant, "10.41.0.2")),
        )
        index = {name: container.link(name)["ifindex"] for name in ("eth0", "eth1", "eth2")}
        self.assertEqual(sorted(index, key=index.get), ["eth0", "eth1", "eth2"])
        self.assertEqual(container.addresses("eth0"), ["10.40.0.2/24"])
        self.assertEqual(container.addresses("eth2"), ["10.41.0.2/24"])

    def test_networks_of_a_map_are_set_up_in_the_order_written(self):
        zoo, ant = network("zoo", "10.40.0.0/24"), network("ant", "10.41.0.0/24")
        container = self.container("c")
        document = request("c", attachment(zoo, "10.40.0.2"), attachment(ant, "10.41.0.2"))
        self.setup_ok(container, networks_as_map(document))
        self.assertEqual(container.addresses("eth0"), ["10.40.0.2/24"])
        self.assertLess(container.link("eth0")["ifindex"], container.link("eth1")["ifindex"])

    def test_the_host_end_is_a_port_of_the_bridge_and_up(self):
        self.attach("c", attachment(FRONT, "10.30.0.5"))
        ports = self.machine.ip("-d", "link", "show", "master", "br-front")
        self.assertEqual(len(ports), 1)
        self.assertIn("UP", ports[0]["flags"])

    def test_host_interface_name_names_the_host_end(self):
        options = {"host_interface_name": "web-host"}
        self.attach("c", attachment(FRONT, "10.30.0.5", options=options))
        self.assertEqual(self.machine.link("web-host")["master"], "br-front")

    def test_static_mac_is_the_address_of_the_link(self):
        for index, text in enumerate(("92:d0:c6:0a:29:35", "92-D0-C6-0A-29-36", "92:d0:c6:a:29:37")):
            container = self.attach(f"c{index}", attachment(FRONT, f"10.30.0.{index + 5}", static_mac=text))
            self.assertEqual(container.link("eth0")["address"], f"92:d0:c6:0a:29:3{index + 5}")

    def test_without_static_mac_the_address_is_local_and_unicast(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        first = int(container.link("eth0")["address"][:2], 16)
        self.assertEqual(first & 3, 2)

    def test_interface_name_may_be_any_name_of_15_bytes(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.5", interface_name="lan-of-15-bytes"))
        self.assertEqual(container.addresses("lan-of-15-bytes"), ["10.30.0.5/24"])

    def test_an_interface_name_that_the_host_uses_is_free_in_the_container(self):
        self.machine.sh("ip", "link", "add", "eth0", "type", "bridge")
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        self.assertEqual(container.addresses("eth0"), ["10.30.0.5/24"])
        self.assertEqual(self.machine.link("eth0")["linkinfo"]["info_kind"], "bridge")


class Addresses(NetstackTest):
    def test_a_dual_stack_network_gives_both_addresses(self):
        container = self.attach("c", attachment(BACK, "10.31.0.2", "fd00:31::2"))
        self.assertEqual(container.addresses("eth0"), ["10.31.0.2/24", "fd00:31::2/64"])

    def test_an_ipv6_network_gives_an_address_that_is_usable_at_once(self):
        container = self.attach("c", attachment(SIX, "fd00:36::2"))
        with Listener(container, 80, "fd00:36::2"):
            self.assertTrue(connects(self.machine, "fd00:36::2", 80))
        text = container.sh("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global")
        self.assertNotIn("tentative", text)

    def test_a_subnet_may_give_several_addresses(self):
        container = self.attach("c", attachment(BACK, "10.31.0.2", "fd00:31::2", "10.31.0.3", "fd00:31::3"))
        self.assertEqual(
            sorted(container.addresses("eth0")),
            ["10.31.0.2/24", "10.31.0.3/24", "fd00:31::2/64", "fd00:31::3/64"],
        )

    def test_the_first_address_of_a_subnet_is_the_one_packets_leave_from(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.9", "10.30.0.3"))
        with Listener(self.machine, 80) as listener:
            connects(container, "10.30.0.1", 80)
            self.assertEqual(listener.hears(), "10.30.0.9")

    def test_ipv4_addresses_have_the_broadcast_address_of_their_subnet(self):
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        found = container.ip("-4", "addr", "show", "dev", "eth0")[0]["addr_info"][0]
        self.assertEqual(found["broadcast"], "10.30.0.255")

    def test_a_subnet_written_with_host_bits_means_its_network(self):
        document = network("bits", subnet("10.50.0.7/24", "10.50.0.1"))
        container = self.attach("c", attachment(document, "10.50.0.2"))
        self.assertEqual(container.addresses("eth0"), ["10.50.0.2/24"])
        self.assertEqual(self.machine.addresses("br-bits"), ["10.50.0.1/24"])
        self.teardown_ok(container, request("c", attachment(document, "10.50.0.2")))
        self.assertIsNone(self.machine.link("br-bits"))

    def test_a_subnet_without_gateway_gives_an_address_and_no_default_route(self):
        document = network("lone", subnet("10.51.0.0/24", ""))
        container = self.attach("c", attachment(document, "10.51.0.2"))
        self.assertEqual(container.addresses("eth0"), ["10.51.0.2/24"])
        self.assertEqual(container.sh("ip", "route", "show", "default"), "")
        self.assertEqual(self.machine.addresses("br-lone"), [])

    def test_ipam_none_gives_a_link_without_addresses(self):
        document = network("bare", ipam_options={"driver": "none"}, subnets=None)
        container = self.container("c")
        status = self.setup_ok(container, request("c", (document, {})))
        self.assertIn("UP", container.link("eth0")["flags"])
        self.assertEqual(container.addresses("eth0"), [])
        self.assertEqual(status["bare"]["interfaces"]["eth0"]["subnets"], [])


class Bridge(NetstackTest):
    def test_the_bridge_is_up_and_has_the_gateways_as_its_addresses(self):
        self.attach("c", attachment(BACK, "10.31.0.2", "fd00:31::2"))
        link = self.machine.link("br-back")
        self.assertEqual(link["linkinfo"]["info_kind"], "bridge")
        self.assertIn("UP", link["flags"])
        self.assertEqual(self.machine.addresses("br-back"), ["10.31.0.1/24", "fd00:31::1/64"])

    def test_the_bridge_keeps_its_mac_when_containers_come_and_go(self):
        document = request("a", attachment(FRONT, "10.30.0.2", static_mac="02:00:00:00:00:01"))
        first = self.container("a")
        self.setup_ok(first, document)
        before = self.machine.link("br-front")["address"]
        self.attach("b", attachment(FRONT, "10.30.0.3", static_mac="02:00:00:00:00:02"))
        self.teardown_ok(first, document)
        self.assertEqual(self.machine.link("br-front")["address"], before)

    def test_an_existing_bridge_that_is_down_and_bare_is_made_to_work(self):
        self.machine.sh("ip", "link", "add", "br-front", "type", "bridge")
        container = self.attach("c", attachment(FRONT, "10.30.0.5"))
        with Listener(self.machine, 80):
            self.assertTrue(connects(container, "10.30.0.1", 80))

    def test_a_second_container_joins_the_bridge_of_the_first(self):
        first = self.attach("a", attachment(BACK, "10.31.0.2", "fd00:31::2"))
        second = self.attach("b", attachment(BACK, "10.31.0.3", "fd00:31::3"))
        for address in ("10.31.0.2", "fd00:31::2"):
            with Listener(first, 80, address):
                self.assertTrue(connects(second, address, 80))


class Sysctls(NetstackTest):
    def test_forwarding_and_the_bridges_filters_are_set(self):
        self.attach("c", attachment(BACK, "10.31.0.2", "fd00:31::2"))
        for key, value in {
            "net/ipv4/ip_forward": "1",
            "net/ipv6/conf/all/forwarding": "1",
            "net/ipv4/conf/br-back/route_localnet": "1",
            "net/ipv4/conf/br-back/rp_filter": "2",
            "net/ipv6/conf/br-back/accept_dad": "0",
            "net/ipv6/conf/br-back/accept_ra": "0",
        }.items():
            self.assertEqual(self.machine.sysctl(key), value, key)

    def test_an_ipv4_network_does_not_turn_ipv6_forwarding_on(self):
        self.attach("c", attachment(FRONT, "10.30.0.2"))
        self.assertEqual(self.machine.sysctl("net/ipv6/conf/all/forwarding"), "0")

    def test_an_internal_network_does_not_turn_forwarding_on(self):
        document = network("int", "10.60.0.0/24", "fd00:60::/64", internal=True)
        self.attach("c", attachment(document, "10.60.0.2", "fd00:60::2"))
        for key in ("net/ipv4/ip_forward", "net/ipv4/conf/br-int/forwarding", "net/ipv6/conf/all/forwarding"):
            self.assertEqual(self.machine.sysctl(key), "0", key)

    def test_the_containers_interface_takes_no_address_by_itself(self):
        container = self.attach("c", attachment(BACK, "10.31.0.2", "fd00:31::2"))
        for key, value in {
            "net/ipv6/conf/eth0/autoconf": "0",
            "net/ipv6/conf/eth0/accept_dad": "0",
            "net/ipv4/conf/eth0/arp_notify": "1",
            "net/ipv4/conf/eth0/rp_filter": "2",
        }.items():
            self.assertEqual(container.sysctl(key), value, key)


class Mtu(NetstackTest):
    def mtus(self, container):
        host_end = self.machine.ip("link", "show", "master", "br-front")[0]["mtu"]
        return container.link("eth0")["mtu"], host_end, self.machine.link("br-front")["mtu"]

    def test_without_default_route_it_is_the_kernels(self):
        self.assertEqual(self.mtus(self.attach("c", attachment(FRONT, "10.30.0.2"))), (1500, 1500, 1500))

    def test_it_is_that_of_the_link_of_the_default_route(self):
        self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        self.assertEqual(self.mtus(self.attach("c", attachment(FRONT, "10.30.0.2"))), (1420, 1420, 1420))

    def test_it_is_that_of_the_link_of_an_ipv6_default_route_when_there_is_no_other(self):
        self.outside()
        self.machine.sh("ip", "route", "del", "default")
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1430")
        self.assertEqual(self.mtus(self.attach("c", attachment(FRONT, "10.30.0.2")))[0], 1430)

    def test_a_default_route_over_several_links_counts_too(self):
        self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        self.machine.sh("ip", "-6", "route", "del", "default")
        self.machine.sh("ip", "route", "del", "default")
        self.machine.sh(
            "ip", "route", "add", "default", "nexthop", "via", "192.0.2.2", "nexthop", "via", "192.0.2.3"
        )
        self.assertEqual(self.mtus(self.attach("c", attachment(FRONT, "10.30.0.2")))[0], 1420)

    def test_a_default_route_is_found_beside_blackholes_for_documentation_networks(self):
        outside = Namespace.add("outside")
        self.machine.connect(outside, "uplink", ["10.99.0.1/24"], ["10.99.0.2/24"])
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        self.machine.sh("ip", "route", "add", "default", "via", "10.99.0.2")
        self.machine.sh("ip", "route", "add", "blackhole", "192.0.2.0/24")
        self.machine.sh("ip", "route", "add", "unreachable", "198.51.100.0/24")
        self.assertEqual(self.mtus(self.attach("c", attachment(FRONT, "10.30.0.2")))[0], 1420)

    def test_the_next_container_has_that_of_the_bridge_whatever_the_default_route_says_by_then(self):
        self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        self.attach("c", attachment(FRONT, "10.30.0.2"))
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1400")
        self.assertEqual(self.attach("d", attachment(FRONT, "10.30.0.3")).link("eth0")["mtu"], 1420)

    def join_bridge(self, mtu):
        """Another port: by itself a bridge has the least MTU of its ports, one that was given never changes."""
        self.machine.sh("ip", "link", "add", "port", "mtu", str(mtu), "type", "veth", "peer", "name", "plug")
        self.machine.sh("ip", "link", "set", "port", "master", "br-front")

    def test_the_option_wins_over_the_default_route(self):
        self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        document = {**FRONT, "options": {"mtu": "1300"}}
        container = self.attach("c", attachment(document, "10.30.0.2"))
        self.assertEqual(self.mtus(container), (1300, 1300, 1300))
        self.join_bridge(1280)
        self.assertEqual(self.machine.link("br-front")["mtu"], 1300)

    def test_without_the_option_the_bridge_follows_its_ports(self):
        self.outside()
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1420")
        self.attach("c", attachment(FRONT, "10.30.0.2"))
        self.join_bridge(1280)
        self.assertEqual(self.machine.link("br-front")["mtu"], 1280)

    def test_a_large_mtu_passes_whole(self):
        """By a packet that nobody may cut, both ways, and one that is a byte too long."""
        document = {**FRONT, "options": {"mtu": "9000"}}
        container = self.attach("c", attachment(document, "10.30.0.2"))
        self.assertEqual(self.mtus(container), (9000, 9000, 9000))
        whole = bytes(9000 - 20 - 8)
        ends = []
        for place, address in ((container, "10.30.0.2"), (self.machine, "10.30.0.1")):
            end = place.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.addCleanup(end.close)
            end.settimeout(5)
            end.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
            end.bind((address, 7000))
            ends.append((end, address))
        for (sender, _), (receiver, address) in ((ends[0], ends[1]), (ends[1], ends[0])):
            sender.sendto(whole, (address, 7000))
            self.assertEqual(len(receiver.recv(65536)), len(whole))
            with self.assertRaises(OSError) as refused:
                sender.sendto(whole + b"x", (address, 7000))
            self.assertEqual(refused.exception.errno, errno.EMSGSIZE)


if __name__ == "__main__":
    main()
