"""Published ports, masquerading and isolation with real packets through bridges and namespaces."""

import contextlib
import unittest

from firewall_support import (Server, World, answers_from, apply, ask, has_sysctl, ip, publication,
                              run, sysctl, tool)

KINDS = ("tcp", "udp")


class Packets:
    """Every test runs with and without br_netfilter: see the classes at the end."""

    bridge_netfilter = False

    @classmethod
    def setUpClass(cls):
        if cls.bridge_netfilter and not has_sysctl("net/bridge/bridge-nf-call-iptables"):
            raise unittest.SkipTest("this kernel has no br_netfilter")
        world = cls.world = World(cls.bridge_netfilter)
        # With br_netfilter on, the kernel drops what would come back to ::1.
        world.network("front", 1, subnets=2, loopback6=not cls.bridge_netfilter, dns=[{"listen": "10.89.1.1", "port": 1153},
                                                  {"listen": "fd00:1::1", "port": 1153}])
        world.network("back", 2, outbound4="192.0.2.5", outbound6="2001:db8::5")
        world.network("one", 3, isolate="true")
        world.network("two", 4, isolate="true")
        world.network("tight", 5, isolate="strict")
        world.network("tight2", 6, isolate="strict")
        world.network("inner", 7, internal=True, dns=[{"listen": "10.89.7.1", "port": 1153},
                                                      {"listen": "fd00:7::1", "port": 1153}])
        world.network("open", 8, gateway_mode="routed", isolate="true")
        cls.address = {}
        for netns, network, number in (
                ("web", "front", 2), ("peer", "front", 3), ("db", "back", 2), ("i1", "one", 2),
                ("i2", "two", 2), ("s1", "tight", 2), ("s2", "tight2", 2), ("in1", "inner", 2),
                ("in2", "inner", 3), ("open", "open", 2)):
            cls.address[netns] = world.container(netns, network, number)
        cls.address["far"] = world.container("far", "front", 4, subnet=1)
        cls.servers = [Server(netns, netns, 80) for netns in cls.address]
        cls.web = cls.servers[0]
        cls.servers += [Server("outside", "outside", 80), Server("dns", None, 1153),
                        Server("range", "web", 7003), Server("high", "web", 7004)]
        web_ports = [
            {"host_port": 8080, "container_port": 80},
            {"host_port": 8080, "container_port": 80, "protocol": "udp"},
            {"host_port": 7000, "range": 20}, {"host_port": 7000, "range": 20, "protocol": "udp"},
            {"host_port": 6000, "container_port": 7000, "range": 10},
            {"host_port": 9001, "container_port": 80, "host_ip": "127.0.0.1"},
            {"host_port": 9002, "container_port": 80, "host_ip": "192.0.2.5"},
            {"host_port": 9003, "container_port": 80, "host_ip": "2001:db8::5"},
            {"host_port": 9004, "container_port": 80, "host_ip": "0.0.0.0"},
            {"host_port": 9005, "container_port": 80, "host_ip": "::"},
            {"host_port": 132, "container_port": 132, "protocol": "sctp"},
        ]
        port = lambda number: [{"host_port": number, "container_port": 80, "protocol": protocol}
                               for protocol in KINDS]
        apply({"networks": list(world.networks.values()),
               "publications": [
                   publication("web", "front", cls.address["web"], web_ports),
                   publication("i1", "one", cls.address["i1"], port(8081)),
                   publication("s1", "tight", cls.address["s1"], port(8082)),
                   publication("in1", "inner", cls.address["in1"], port(8083)),
                   publication("open", "open", cls.address["open"], port(8084)),
               ]})

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.close()
        tool("apply", "remove")
        for netns in run("ip", "-o", "netns").split("\n"):
            if netns:
                ip(f"netns delete {netns.split()[0]}")
        for policy in cls.world.networks.values():
            ip(f"link delete {policy['bridge']}")
        run("sh", "-c", "ip link delete uplink 2>/dev/null || true")

    def answers(self, expected, netns, address, port, kinds=KINDS):
        for kind in kinds:
            with self.subTest(source=netns, address=address, port=port, kind=kind):
                answer = ask(netns, address, port, kind)
                self.assertIsNotNone(answer, "no answer")
                self.assertEqual(answer[0], expected)
                self.last = answer[1]

    def silent(self, *places, kinds=KINDS):
        questions = [(*place, kind) for place in places for kind in kinds]
        self.assertEqual(answers_from(questions), [])

    # Publishing.

    def test_a_published_port_answers_outside_and_sees_who_asks(self):
        for host, client in ((World.HOST4, World.OUTSIDE4), (World.HOST6, World.OUTSIDE6),
                             ("192.0.2.5", World.OUTSIDE4), ("2001:db8::5", World.OUTSIDE6)):
            self.answers("web", "outside", host, 8080)
            self.assertEqual(self.last, client, "the source address was not kept")

    def test_a_published_port_answers_on_the_host_at_every_address(self):
        for host in ("127.0.0.1", "127.1.2.3", World.HOST4, "192.0.2.5", "10.89.1.1", "10.89.2.1",
                     World.HOST6, "2001:db8::5", "fd00:1::1", "fd00:2::1"):
            self.answers("web", None, host, 8080)

    def test_a_published_port_answers_at_the_ipv6_loopback_or_is_refused_at_once(self):
        if self.bridge_netfilter:
            self.answers("refused", None, "::1", 8080, ("tcp",))
            self.silent((None, "::1", 8080))
        else:
            self.answers("web", None, "::1", 8080)
            self.answers("range", None, "::1", 7003)
        self.answers("refused", None, "::1", 8081, ("tcp",))
        self.answers("refused", None, "::1", 8099, ("tcp",))

    def test_the_loopback_of_the_host_is_out_of_reach_of_containers(self):
        # route_localnet lets such packets in; whether they arrive counts, answers would be lost.
        places = (("peer", "127.0.0.1", 8500), ("peer", "::1", 8500), ("peer", "127.0.0.1", 9001))
        before = self.web.requests
        with contextlib.closing(Server("host", None, 8500, "127.0.0.1")) as four, \
                contextlib.closing(Server("host", None, 8500, "::1")) as six:
            self.answers("host", None, "127.0.0.1", 8500)
            self.answers("host", None, "::1", 8500)
            ip("-n peer rule add pref 10 table local")
            ip("-n peer -6 rule add pref 10 table local")
            ip("-n peer rule delete pref 0")
            ip("-n peer -6 rule delete pref 0")
            ip("-n peer rule add to 127.0.0.0/8 pref 0 table main")
            ip("-n peer -6 rule add to ::1 pref 0 table main")
            ip("-n peer route add 127.0.0.1 via 10.89.1.1")
            ip("-n peer -6 route add ::1 via fd00:1::1")
            try:
                self.silent(*places)
                self.assertEqual((four.requests, six.requests), (2, 2))
                self.assertEqual(self.web.requests, before)
            finally:
                ip("-n peer route delete 127.0.0.1")
                ip("-n peer -6 route delete ::1 via fd00:1::1")
                ip("-n peer rule add pref 0 table local")
                ip("-n peer -6 rule add pref 0 table local")

    def test_a_container_reaches_its_own_published_port(self):
        for host in (World.HOST4, World.HOST6, "10.89.1.1", "fd00:1::1"):
            self.answers("web", "web", host, 8080)

    def test_the_same_network_reaches_a_published_port(self):
        for host in (World.HOST4, World.HOST6, "10.89.1.1", "fd00:1::1"):
            self.answers("web", "peer", host, 8080)
            self.answers("web", "far", host, 8080)

    def test_other_networks_reach_a_published_port_isolated_ones_too(self):
        for netns in ("db", "i1", "i2", "s1", "s2"):
            for host in (World.HOST4, World.HOST6):
                self.answers("web", netns, host, 8080)
        for host in (World.HOST4, World.HOST6):
            self.answers("i1", "i2", host, 8081)
            self.answers("s1", "s2", host, 8082)

    def test_ranges_answer_shifted_and_equal(self):
        for host in (World.HOST4, World.HOST6):
            self.answers("range", "outside", host, 7003)
            self.answers("high", None, host, 7004)
            self.answers("range", "outside", host, 6003, ("tcp",))

    def test_a_host_address_limits_a_published_port_to_itself(self):
        self.answers("web", None, "127.0.0.1", 9001, ("tcp",))
        self.answers("web", "outside", "192.0.2.5", 9002, ("tcp",))
        self.answers("web", "outside", "2001:db8::5", 9003, ("tcp",))
        self.silent(("outside", World.HOST4, 9001), ("outside", World.HOST4, 9002),
                    ("outside", World.HOST6, 9003), kinds=("tcp",))

    def test_a_wildcard_of_one_family_publishes_in_that_family(self):
        self.answers("web", "outside", World.HOST4, 9004, ("tcp",))
        self.answers("web", "outside", World.HOST6, 9005, ("tcp",))
        self.silent(("outside", World.HOST6, 9004), ("outside", World.HOST4, 9005), kinds=("tcp",))

    def test_a_port_published_on_the_loopback_is_out_of_reach_from_a_wire(self):
        # Other software sets route_localnet on uplinks; then such packets do come in.
        self.answers("web", None, "127.0.0.1", 9001, ("tcp",))
        before = self.web.requests
        sysctl("net/ipv4/conf/uplink/route_localnet", 1)
        ip("-n outside rule add pref 10 table local")
        ip("-n outside rule delete pref 0")
        ip("-n outside rule add to 127.0.0.0/8 pref 0 table main")
        ip("-n outside route add 127.0.0.1 via 192.0.2.1")
        try:
            self.silent(("outside", "127.0.0.1", 9001), ("outside", "127.0.0.1", 8080))
            self.assertEqual(self.web.requests, before)
        finally:
            ip("-n outside route delete 127.0.0.1 via 192.0.2.1")
            ip("-n outside rule delete pref 0")
            ip("-n outside rule add pref 0 table local")
            ip("-n outside rule delete pref 10")
            sysctl("net/ipv4/conf/uplink/route_localnet", 0)

    # Directly, by a route.

    @contextlib.contextmanager
    def route_to(self, number):
        ip(f"-n outside route add 10.89.{number}.0/24 via 192.0.2.1")
        ip(f"-n outside -6 route add fd00:{number}::/64 via 2001:db8::1")
        try:
            yield
        finally:
            ip(f"-n outside route delete 10.89.{number}.0/24 via 192.0.2.1")
            ip(f"-n outside -6 route delete fd00:{number}::/64 via 2001:db8::1")

    def test_nobody_outside_reaches_a_container_by_a_route(self):
        with self.route_to(1):
            self.silent(*(("outside", address, 80) for address in self.address["web"]))
            before = self.received("web")
            self.silent(*(("outside", address, 80) for address in self.address["web"]),
                        kinds=("udp",))
            self.assertEqual(self.received("web"), before)

    def test_a_routed_network_is_reached_by_a_route_and_keeps_its_addresses(self):
        with self.route_to(8):
            for address, client in zip(self.address["open"], (World.OUTSIDE4, World.OUTSIDE6)):
                self.answers("open", "outside", address, 80)
                self.assertEqual(self.last, client)
            for family, target in ((0, World.OUTSIDE4), (1, World.OUTSIDE6)):
                self.answers("outside", "open", target, 80)
                self.assertEqual(self.last, self.address["open"][family])

    def test_a_routed_network_publishes_ports_and_is_isolated_like_others(self):
        self.silent(*(("i1", address, 80) for address in self.address["open"]))
        for host in (World.HOST4, World.HOST6):
            self.answers("open", "outside", host, 8084)
            self.answers("open", "open", host, 8084)

    # Masquerading.

    def test_outgoing_packets_carry_an_address_of_the_host(self):
        self.answers("outside", "web", World.OUTSIDE4, 80)
        self.assertEqual(self.last, World.HOST4)
        self.answers("outside", "web", World.OUTSIDE6, 80)
        self.assertIn(self.last, (World.HOST6, "2001:db8::5"))

    def test_the_outbound_address_is_the_one_asked_for(self):
        self.answers("outside", "db", World.OUTSIDE4, 80)
        self.assertEqual(self.last, "192.0.2.5")
        self.answers("outside", "db", World.OUTSIDE6, 80)
        self.assertEqual(self.last, "2001:db8::5")

    def test_subnets_of_one_network_see_each_others_addresses(self):
        for family in (0, 1):
            self.answers("web", "far", self.address["web"][family], 80)
            self.assertEqual(self.last, self.address["far"][family])
            self.answers("web", "peer", self.address["web"][family], 80)
            self.assertEqual(self.last, self.address["peer"][family])

    # Isolation.

    def test_the_isolation_matrix_holds_for_connections_and_single_packets(self):
        modes = {"web": None, "db": None, "i1": "isolated", "i2": "isolated", "s1": "strict",
                 "s2": "strict"}
        closed = []
        for source in modes:
            for target in modes:
                pair = {modes[source], modes[target]}
                if source == target:
                    continue
                for family in (0, 1):
                    address = self.address[target][family]
                    if "strict" in pair or pair == {"isolated"}:
                        closed.append((source, address, 80))
                    else:
                        self.answers(target, source, address, 80)
        self.assertEqual(len(closed), 2 * (9 * 2 + 2))
        self.silent(*closed)

    def test_no_single_packet_enters_a_strict_network(self):
        # The answer would be dropped anyway: count what arrives.
        before = self.received("s1")
        self.silent(*(("web", address, 80) for address in self.address["s1"]), kinds=("udp",))
        self.assertEqual(self.received("s1"), before)

    def received(self, netns):
        for line in run("ip", "netns", "exec", netns, "cat", "/proc/net/snmp").splitlines():
            if line.startswith("Udp:") and line.split()[1].isdigit():
                v4 = int(line.split()[1])
        for line in run("ip", "netns", "exec", netns, "cat", "/proc/net/snmp6").splitlines():
            if line.startswith("Udp6InDatagrams"):
                v6 = int(line.split()[1])
        return v4 + v6

    def test_containers_of_one_network_reach_each_other_whatever_its_mode(self):
        for family in (0, 1):
            self.answers("in2", "in1", self.address["in2"][family], 80)

    # Internal networks.

    def test_an_internal_network_reaches_nothing_and_is_reached_by_nothing(self):
        places = []
        for family, outside, host in ((0, World.OUTSIDE4, World.HOST4),
                                      (1, World.OUTSIDE6, World.HOST6)):
            places += [("in1", outside, 80), ("in1", self.address["web"][family], 80),
                       ("web", self.address["in1"][family], 80), ("in1", host, 8080),
                       ("outside", host, 8083), ("web", host, 8083)]
        self.silent(*places)
        for host in ("127.0.0.1", World.HOST4, World.HOST6):
            self.answers("in1", None, host, 8083)

    def test_nobody_outside_reaches_an_internal_container_by_a_route(self):
        ip("-n outside route add 10.89.7.0/24 via 192.0.2.1")
        ip("-n outside -6 route add fd00:7::/64 via 2001:db8::1")
        try:
            self.silent(*(("outside", address, 80) for address in self.address["in1"]))
        finally:
            ip("-n outside route delete 10.89.7.0/24 via 192.0.2.1")
            ip("-n outside -6 route delete fd00:7::/64 via 2001:db8::1")

    def test_dns_on_another_port_answers_at_the_gateway_of_any_network(self):
        for netns, gateways in (("web", ("10.89.1.1", "fd00:1::1")),
                                ("in1", ("10.89.7.1", "fd00:7::1"))):
            for gateway in gateways:
                self.answers("dns", netns, gateway, 53)
        self.answers("dns", None, "10.89.1.1", 53)

    # What is not ours.

    def test_packets_that_pass_the_host_beside_our_bridges_are_let_through(self):
        ip("netns add lan")
        ip("link add lan0 type veth peer name eth0 netns lan")
        try:
            ip("address add 198.51.100.1/24 dev lan0")
            ip("link set lan0 up")
            ip("-n lan link set eth0 up")
            ip("-n lan address add 198.51.100.9/24 dev eth0")
            ip("-n lan route add default via 198.51.100.1")
            ip("-n outside route add 198.51.100.0/24 via 192.0.2.1")
            self.answers("outside", "lan", World.OUTSIDE4, 80)
            self.assertEqual(self.last, "198.51.100.9", "foreign packets were masqueraded")
        finally:
            ip("-n outside route delete 198.51.100.0/24")
            ip("netns delete lan")


class WithoutBridgeNetfilter(Packets, unittest.TestCase):
    bridge_netfilter = False


class WithBridgeNetfilter(Packets, unittest.TestCase):
    bridge_netfilter = True


if __name__ == "__main__":
    unittest.main()
