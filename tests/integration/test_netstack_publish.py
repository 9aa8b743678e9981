"""Published ports, by real packets: from everywhere, to every host address, both families."""

import socket

from netns_support import Listener, NEVER, connects, reaches, talks
from netstack_support import NetstackTest, attachment, main, network, port, request

WEB = network("web", "10.1.0.0/24", "fd00:1::/64")
OTHER = network("other", "10.2.0.0/24", "fd00:2::/64")
IN_WEB = ("10.1.0.2", "fd00:1::2")
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"
UDP = socket.SOCK_DGRAM


class PublishTest(NetstackTest):
    """A host with a link to outside, and a container whose ports 80/tcp and 53/udp are served."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()

    def serve(self, namespace, *ports, kind=socket.SOCK_STREAM):
        """Listeners of both families: {(port, family): listener}."""
        listeners = {}
        for number in ports:
            for address, family in (("0.0.0.0", 4), ("::", 6)):
                listeners[number, family] = Listener(namespace, number, address, kind)
                self.addCleanup(listeners[number, family].close)
        return listeners

    def publish(self, *ports, name="web", addresses=IN_WEB):
        return self.attach(name, attachment(WEB, *addresses), ports=ports)


class Paths(PublishTest):
    """TCP 8080 to 80 and UDP 5353 to 53 on every address: who gets through, to which address."""

    bridge_filter = 1

    def setUp(self):
        super().setUp()
        for key in ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"):
            self.machine.sysctl(f"net/bridge/{key}", self.bridge_filter)
        self.web = self.publish(port(8080, 80), port(5353, 53, "udp"))
        self.tcp = self.serve(self.web, 80)
        self.udp = self.serve(self.web, 53, kind=UDP)

    def check(self, namespace, *addresses):
        """Source addresses that the container sees for each address, the same by TCP and UDP."""
        sources = {}
        for address in addresses:
            family = 6 if ":" in address else 4
            by_tcp = reaches(namespace, address, 8080, self.tcp[80, family], timeout=2)
            by_udp = talks(namespace, address, 5353, self.udp[53, family], timeout=2)
            self.assertIsNotNone(by_tcp, f"tcp to {address}")
            self.assertIsNotNone(by_udp, f"udp to {address}")
            self.assertEqual(by_tcp, by_udp)
            sources[address] = by_tcp
        return sources

    def test_from_outside_with_the_clients_own_address(self):
        sources = self.check(self.outside_host, HOST4, HOST6)
        self.assertEqual(sources, {HOST4: "192.0.2.2", HOST6: "2001:db8::2"})

    def test_from_the_host_by_127_0_0_1(self):
        self.check(self.machine, "127.0.0.1")

    def test_from_the_host_by_any_other_loopback_address(self):
        self.check(self.machine, "127.1.2.3")

    def test_from_the_host_by_every_address_of_its_own(self):
        self.check(self.machine, HOST4, HOST6, "10.1.0.1", "fd00:1::1")

    def test_from_the_same_container(self):
        self.check(self.web, HOST4, HOST6, "10.1.0.1", "fd00:1::1")

    def test_from_another_container_of_the_network(self):
        neighbour = self.attach("n", attachment(WEB, "10.1.0.3", "fd00:1::3"))
        self.check(neighbour, HOST4, HOST6, "10.1.0.1", "fd00:1::1")

    def test_from_a_container_of_another_network_however_isolated(self):
        for index, mode in enumerate(("strict", "true", "false"), start=2):
            document = network(f"n{index}", f"10.{index}.0.0/24", f"fd00:{index}::/64", options={"isolate": mode})
            other = self.attach(f"o{index}", attachment(document, f"10.{index}.0.2", f"fd00:{index}::2"))
            self.check(other, HOST4, HOST6, f"10.{index}.0.1", f"fd00:{index}::1", "10.1.0.1", "fd00:1::1")


class PathsWithoutBridgeFilter(Paths):
    bridge_filter = 0


class HostFirewall(PublishTest):
    """publish=host-firewall; what is asked and answered is firewall_admission's matter."""

    def close_host(self):
        self.machine.sh("nft", "add", "table", "inet", "host")
        self.machine.sh("nft", "add chain inet host input { type filter hook input priority 0; policy drop; }")

    def asked(self):
        text = self.machine.sh("nft", "list", "set", "inet", "burrow", "asked4")
        return "tcp . 8080" in text and "container web" in text

    def test_the_option_of_a_network_and_the_environment_ask_for_it(self):
        of_network = {**WEB, "options": {"publish": "host-firewall"}}
        opened = {**WEB, "options": {"publish": "open"}}
        everywhere = {"BURROW_PUBLISH": "host-firewall"}
        container = self.container("web")
        for document, environment, expected in ((WEB, {}, False), (of_network, {}, True),
                                                (WEB, everywhere, True), (opened, everywhere, False)):
            with self.subTest(options=document.get("options"), environment=environment):
                document = request("web", attachment(document, *IN_WEB), ports=[port(8080, 80)])
                self.setup_ok(container, document, environment=environment)
                self.assertEqual(self.asked(), expected)
                self.teardown_ok(container, document)

    def test_a_closed_host_closes_the_port_also_after_a_reload(self):
        document = {**WEB, "options": {"publish": "host-firewall"}}
        web = self.attach("web", attachment(document, *IN_WEB), ports=[port(8080, 80)])
        listeners = self.serve(web, 80)
        self.close_host()
        self.assertIsNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=1.5))
        self.machine.sh("nft", "delete", "table", "inet", "burrow")
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertIsNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=1.5))
        self.machine.sh("nft", "delete", "table", "inet", "host")
        self.assertEqual(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=3), "192.0.2.2")
        self.close_host()
        # Admitted before, until a reload, also of a table that is as it should be.
        self.assertEqual(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=1.5), "192.0.2.2")
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertIsNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=1.5))

    def test_other_words_are_refused(self):
        document = {**WEB, "options": {"publish": "closed"}}
        container = self.container("c")
        self.assert_refused(container, request("c", attachment(document, *IN_WEB)), "publish", "closed")
        self.assert_refused(container, request("c", attachment(WEB, *IN_WEB)), "BURROW_PUBLISH", "maybe",
                            environment={"BURROW_PUBLISH": "maybe"})


class HostAddress(PublishTest):
    def publish_at(self, host_ip):
        web = self.publish(port(8080, 80, host_ip=host_ip))
        self.listeners = self.serve(web, 80)

    def assert_open(self, namespace, *addresses):
        for address in addresses:
            listener = self.listeners[80, 6 if ":" in address else 4]
            self.assertIsNotNone(reaches(namespace, address, 8080, listener), address)

    def assert_closed(self, namespace, *addresses):
        for address in addresses:
            self.assertFalse(connects(namespace, address, 8080, NEVER), address)

    def test_an_ipv4_address_publishes_there_and_nowhere_else(self):
        self.machine.sh("ip", "addr", "add", "192.0.2.10/24", "dev", "uplink")
        self.publish_at("192.0.2.10")
        self.assert_open(self.outside_host, "192.0.2.10")
        self.assert_open(self.machine, "192.0.2.10")
        self.assert_closed(self.outside_host, HOST4, HOST6)
        self.assert_closed(self.machine, "127.0.0.1", "10.1.0.1")

    def test_an_ipv6_address_publishes_there_and_nowhere_else(self):
        self.publish_at(HOST6)
        self.assert_open(self.outside_host, HOST6)
        self.assert_closed(self.outside_host, HOST4)
        self.assert_closed(self.machine, "fd00:1::1", "127.0.0.1")

    def test_the_loopback_address_of_ipv6_answers_unless_bridged_packets_are_filtered(self):
        self.machine.sysctl("net/bridge/bridge-nf-call-ip6tables", 0)
        self.publish_at("::1")
        self.assert_open(self.machine, "::1")
        self.assert_closed(self.machine, HOST6, "127.0.0.1")
        self.assert_closed(self.outside_host, HOST6)

    def test_the_loopback_address_of_ipv6_is_refused_where_its_answers_would_be_lost(self):
        self.machine.sysctl("net/bridge/bridge-nf-call-ip6tables", 1)
        self.publish_at("")
        self.assert_closed(self.machine, "::1")
        self.assert_open(self.machine, HOST6, "127.0.0.1")

    def test_127_0_0_1_publishes_to_the_host_alone(self):
        self.publish_at("127.0.0.1")
        self.assert_open(self.machine, "127.0.0.1")
        self.assert_closed(self.machine, HOST4)
        self.assert_closed(self.outside_host, HOST4)
        self.outside_host.sh("ip", "route", "add", "127.0.0.1/32", "via", HOST4, "table", "main")
        self.outside_host.sysctl("net/ipv4/conf/all/route_localnet", 1)
        self.assert_closed(self.outside_host, "127.0.0.1")

    def test_0_0_0_0_publishes_on_every_ipv4_address(self):
        self.publish_at("0.0.0.0")
        self.assert_open(self.outside_host, HOST4)
        self.assert_open(self.machine, "127.0.0.1", HOST4, "10.1.0.1")
        self.assert_closed(self.outside_host, HOST6)

    def test_the_ipv6_wildcard_publishes_on_every_ipv6_address(self):
        self.publish_at("::")
        self.assert_open(self.outside_host, HOST6)
        self.assert_open(self.machine, HOST6, "fd00:1::1")
        self.assert_closed(self.outside_host, HOST4)

    def test_the_same_port_may_be_published_at_two_addresses_by_two_containers(self):
        self.machine.sh("ip", "addr", "add", "192.0.2.10/24", "dev", "uplink")
        first = self.publish(port(8080, 80, host_ip=HOST4))
        second = self.publish(port(8080, 80, host_ip="192.0.2.10"), name="b", addresses=("10.1.0.3", "fd00:1::3"))
        with Listener(first, 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, HOST4, 8080, listener))
        with Listener(second, 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.10", 8080, listener))


class Ranges(PublishTest):
    def check(self, web, pairs, kind=socket.SOCK_STREAM):
        """{host port: container port}: each leads to its own and to no other."""
        listeners = self.serve(web, *pairs.values(), kind=kind)
        ask = reaches if kind == socket.SOCK_STREAM else talks
        for host_port, container_port in pairs.items():
            for address, family in ((HOST4, 4), (HOST6, 6)):
                source = ask(self.outside_host, address, host_port, listeners[container_port, family])
                self.assertIsNotNone(source, f"{address} {host_port}")

    def test_a_range_with_equal_ports(self):
        self.check(self.publish(port(7000, 7000, count=3)), {n: n for n in (7000, 7001, 7002)})
        self.assertFalse(connects(self.outside_host, HOST4, 7003, NEVER))
        self.assertFalse(connects(self.outside_host, HOST4, 6999, NEVER))

    def test_a_range_with_shifted_ports(self):
        self.check(self.publish(port(9000, 80, count=3)), {9000: 80, 9001: 81, 9002: 82})
        self.assertFalse(connects(self.outside_host, HOST4, 9003, NEVER))

    def test_a_range_at_a_host_address(self):
        web = self.publish(
            port(7000, 7000, count=2, host_ip=HOST4),
            port(9000, 80, count=2, host_ip=HOST4),
            port(7000, 7000, count=2, host_ip=HOST6),
            port(9000, 80, count=2, host_ip=HOST6),
        )
        self.check(web, {7000: 7000, 7001: 7001, 9000: 80, 9001: 81})
        self.assertFalse(connects(self.machine, "127.0.0.1", 7000, NEVER))

    def test_a_count_of_0_is_one_port(self):
        self.check(self.publish(port(9000, 80, count=0)), {9000: 80})

    def test_a_range_to_the_last_port(self):
        self.check(self.publish(port(65533, 65533, count=3)), {65533: 65533, 65535: 65535})

    def test_ten_thousand_ports_are_published_in_one_go(self):
        web = self.publish(port(20000, 20000, count=10000), port(40000, 30000, count=1000))
        self.check(web, {20000: 20000, 29999: 29999, 40000: 30000, 40999: 30999})

    def test_a_comma_list_of_protocols_publishes_each(self):
        web = self.publish(port(9000, 80, "tcp,udp"))
        self.check(web, {9000: 80})
        self.check(web, {9000: 80}, kind=UDP)

    def test_tcp_and_udp_of_one_number_may_lead_to_different_ports(self):
        web = self.publish(port(9000, 80, "tcp"), port(9000, 53, "udp"))
        self.check(web, {9000: 80})
        self.check(web, {9000: 53}, kind=UDP)


class Boundaries(PublishTest):
    def test_a_port_of_another_host_is_not_taken(self):
        web = self.publish(port(8080, 80))
        self.serve(web, 80)
        other = self.attach("o", attachment(OTHER, "10.2.0.2", "fd00:2::2"))
        for there in ("192.0.2.2", "2001:db8::2"):
            with Listener(self.outside_host, 8080, there) as listener:
                for namespace in (self.machine, other, web):
                    self.assertIsNotNone(reaches(namespace, there, 8080, listener), (namespace.name, there))

    def test_a_service_of_the_host_on_another_port_stays_reachable(self):
        self.publish(port(8080, 80))
        with Listener(self.machine, 8081, "0.0.0.0") as listener:
            self.assertEqual(reaches(self.outside_host, HOST4, 8081, listener), "192.0.2.2")

    def test_after_teardown_the_port_is_the_hosts_again(self):
        ports = [port(8080, 80), port(7000, 7000, count=5), port(9000, 81, count=5)]
        web = self.publish(*ports)
        self.teardown_ok(web, request("web", attachment(WEB, *IN_WEB), ports=ports))
        for number in (8080, 7003, 9003):
            with Listener(self.machine, number, HOST4) as listener:
                self.assertEqual(reaches(self.outside_host, HOST4, number, listener), "192.0.2.2")

    def test_a_container_on_two_networks_is_reached_also_after_either_is_disconnected(self):
        for gone, stays in ((WEB, OTHER), (OTHER, WEB)):
            with self.subTest(disconnected=gone["name"]):
                name = f"to-{stays['name']}"
                on = {"web": attachment(WEB, *IN_WEB), "other": attachment(OTHER, "10.2.0.2", "fd00:2::2", interface_name="eth1")}
                document = request(name, on["web"], on["other"], ports=[port(8080, 80)])
                container = self.container(name)
                self.setup_ok(container, document)
                listeners = self.serve(container, 80)
                self.assertIsNotNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4]))
                self.teardown_ok(container, request(name, on[gone["name"]], ports=[port(8080, 80)]))
                self.assertIsNotNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4], timeout=1))
                self.assertIsNotNone(reaches(self.outside_host, HOST6, 8080, listeners[80, 6], timeout=1))
                self.teardown_ok(container, request(name, on[stays["name"]], ports=[port(8080, 80)]))

    def test_connecting_a_running_container_to_a_second_network_keeps_its_ports(self):
        web = self.publish(port(8080, 80))
        listeners = self.serve(web, 80)
        later = attachment(OTHER, "10.2.0.2", "fd00:2::2", interface_name="eth1")
        self.setup_ok(web, request("web", later, ports=[port(8080, 80)]))
        self.assertIsNotNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4]))

    def test_a_network_of_one_family_publishes_on_that_family(self):
        document = network("four", "10.4.0.0/24")
        web = self.attach("web", attachment(document, "10.4.0.2"), ports=[port(8080, 80)])
        listeners = self.serve(web, 80)
        self.assertIsNotNone(reaches(self.outside_host, HOST4, 8080, listeners[80, 4]))
        self.assertFalse(connects(self.outside_host, HOST6, 8080, NEVER))


if __name__ == "__main__":
    main()
