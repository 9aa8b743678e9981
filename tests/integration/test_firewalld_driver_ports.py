"""The firewall driver firewalld: published ports, and names on another port, by real packets."""

import json
import os
import socket

import dns_support
from firewalld_support import FirewalldTest, main
from netns_support import NEVER, SOON, Listener, connects, reaches, talks, wait_until
from netstack_support import DNS, Netstack, attachment, network, port, request

UDP = socket.SOCK_DGRAM
FRONT = network("front", "10.40.0.0/24", "fd00:40::/64")
BACK = network("back", "10.41.0.0/24", "fd00:41::/64")
HOST = ("192.0.2.1", "2001:db8::1")
A = ("10.40.0.2", "fd00:40::2")


class Ports(FirewalldTest):
    firewall = "firewalld"

    def web(self, *ports, name="a", addresses=A):
        return self.attached(name, attachment(FRONT, *addresses), ports=list(ports))

    def listeners(self, namespace, number, kind=socket.SOCK_STREAM):
        pair = Listener(namespace, number, kind=kind), Listener(namespace, number, "::", kind)
        for listener in pair:
            self.addCleanup(listener.close)
        return dict(zip((socket.AF_INET, socket.AF_INET6), pair))

    def reached(self, source, address, number, listeners, way=reaches):
        listener = listeners[socket.AF_INET6 if ":" in address else socket.AF_INET]
        seen = way(source, address, number, listener)
        self.assertIsNotNone(seen, (source.name, address, number))
        return seen

    def test_a_port_is_reached_from_everywhere_in_both_families(self):
        web = self.web(port(8080, 80), port(8081, 81, "udp"))
        same = self.attached("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"))
        other = self.attached("c", attachment(BACK, "10.41.0.3", "fd00:41::3"))
        tcp, udp = self.listeners(web, 80), self.listeners(web, 81, UDP)
        for address in HOST:
            for place in (self.outside_host, self.host, same, other, web):
                self.reached(place, address, 8080, tcp)
                self.reached(place, address, 8081, udp, talks)
        # Others see that it is somebody outside, and who.
        self.assertEqual(self.reached(self.outside_host, HOST[0], 8080, tcp), "192.0.2.2")
        self.assertEqual(self.reached(self.outside_host, HOST[1], 8080, tcp), "2001:db8::2")
        # By a gateway's address, too, and by the loopback.
        self.reached(same, "10.40.0.1", 8080, tcp)
        for local in ("127.0.0.1", "127.0.0.2"):
            self.reached(self.host, local, 8080, tcp)
            self.reached(self.host, local, 8081, udp, talks)

    def test_at_1_nobody_hangs(self):
        self.listeners(self.web(port(8080, 80)), 80)
        client = self.host.socket(socket.AF_INET6, socket.SOCK_STREAM)
        client.settimeout(SOON)
        with client:
            self.assertRaises(ConnectionRefusedError, client.connect, ("::1", 8080))

    def test_other_destinations_of_containers_are_left_alone(self):
        self.listeners(self.web(port(8080, 80)), 80)
        other = self.attached("c", attachment(BACK, "10.41.0.3", "fd00:41::3"))
        for address in ("192.0.2.2", "2001:db8::2"):
            with Listener(self.outside_host, 8080, address) as listener:
                self.assertIsNotNone(reaches(other, address, 8080, listener), address)

    def test_internal_networks_reach_no_published_port(self):
        tcp = self.listeners(self.web(port(8080, 80), port(8081, 80, host_ip="2001:db8::1")), 80)
        inner = self.attached("i", attachment(network("inner", "10.42.0.0/24", "fd00:42::/64", internal=True),
                                              "10.42.0.2", "fd00:42::2"))  # fmt: skip
        inner.sh("ip", "route", "add", "default", "via", "10.42.0.1")
        inner.sh("ip", "-6", "route", "add", "default", "via", "fd00:42::1")
        for address, number in ((HOST[0], 8080), (HOST[1], 8080), (HOST[1], 8081), ("10.42.0.1", 8080), ("fd00:42::1", 8080)):
            self.assertFalse(connects(inner, address, number, NEVER), (address, number))
        self.reached(self.outside_host, HOST[1], 8081, tcp)

    def test_ranges_keep_their_ports_and_may_shift_them(self):
        web = self.web(port(9000, 9000, count=20), port(7000, 9100, "udp", count=3), port(9200, 9200, count=3))
        for there, inside, kind in ((9000, 9000, socket.SOCK_STREAM), (9019, 9019, socket.SOCK_STREAM), (7000, 9100, UDP),
                                    (7002, 9102, UDP), (9201, 9201, socket.SOCK_STREAM)):  # fmt: skip
            listeners = self.listeners(web, inside, kind)
            for address in HOST:
                self.reached(self.outside_host, address, there, listeners, talks if kind == UDP else reaches)
        self.assertFalse(connects(self.outside_host, HOST[0], 9020, NEVER))
        rules = self.firewalld.call(".policy", "getPolicySettings", "burrow-ports")
        self.assertIn('port="9000-9019" protocol="tcp" to-addr="10.40.0.2"', rules)
        self.assertIn('port="9200-9202" protocol="tcp" to-addr="10.40.0.2"', rules)

    def test_a_host_address_is_the_only_one(self):
        self.host.sh("ip", "addr", "add", "192.0.2.9/24", "dev", "uplink")
        self.addCleanup(self.host.sh, "ip", "addr", "del", "192.0.2.9/24", "dev", "uplink")
        web = self.web(port(8080, 80, host_ip="192.0.2.9"), port(8081, 80, host_ip="127.0.0.1"))
        tcp = self.listeners(web, 80)
        for place in (self.outside_host, self.host):
            self.reached(place, "192.0.2.9", 8080, tcp)
            self.assertFalse(connects(place, "192.0.2.1", 8080, NEVER))
        self.reached(self.host, "127.0.0.1", 8081, tcp)
        self.assertFalse(connects(self.host, "192.0.2.1", 8081, NEVER))
        # Not even for who sends packets with such an address.
        self.outside_host.sh("ip", "route", "add", "127.0.0.1", "via", "192.0.2.1", "dev", "eth0", "src", "192.0.2.2")
        self.outside_host.sh("ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")
        self.outside_host.sysctl("net/ipv4/conf/eth0/route_localnet", 1)
        self.host.sysctl("net/ipv4/conf/uplink/route_localnet", 1)
        self.addCleanup(self.host.sysctl, "net/ipv4/conf/uplink/route_localnet", 0)
        self.assertFalse(connects(self.outside_host, "127.0.0.1", 8081, NEVER))

    def test_sctp_comes_into_firewalld_like_the_others(self):
        self.web(port(5000, 500, "sctp"))
        rules = self.firewalld.call(".policy", "getPolicySettings", "burrow-ports")
        self.assertIn('port="5000" protocol="sctp" to-port="500" to-addr="10.40.0.2"', rules)
        self.assertIn("sctp dport 5000 dnat ip to 10.40.0.2:500", self.firewalld.rules())

    def test_the_last_teardown_leaves_firewalld_exactly_as_it_was(self):
        before = self.firewalld.state()
        documents = [
            request("a", attachment(FRONT, *A), ports=[port(8080, 80), port(9000, 9000, "udp", count=20)]),
            request("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"), ports=[port(8082, 80), port(53, 53, "udp", "192.0.2.1")]),
        ]
        namespaces = [self.container(name) for name in "ab"]
        for namespace, document in zip(namespaces, documents):
            self.addCleanup(namespace.delete)
            self.setup_ok(namespace, document)
            self.setup_ok(namespace, document)
        self.assertIn("192.0.2.1", self.firewalld.entries("burrow-host4"))
        self.teardown_ok(namespaces[0], documents[0])
        self.assertEqual(self.firewalld.entries("burrow-published4"), ["10.40.0.3"])
        tcp = self.listeners(namespaces[1], 80)
        self.reached(self.outside_host, HOST[0], 8082, tcp)
        self.assertFalse(connects(self.outside_host, HOST[0], 8080, NEVER))
        self.teardown_ok(namespaces[1], documents[1])
        self.assertEqual(self.firewalld.state(), before)

    def test_a_container_that_is_back_with_another_address_has_its_ports_there(self):
        before = self.firewalld.state()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        for addresses in (A, ("10.40.0.7", "fd00:40::7")):
            document = request("a", attachment(FRONT, *addresses), ports=[port(8080, 80)])
            self.setup_ok(namespace, document)
            tcp = self.listeners(namespace, 80)
            for address in HOST:
                self.reached(self.outside_host, address, 8080, tcp)
            for listener in tcp.values():
                listener.close()
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.state(), before)

    def test_what_an_administrator_has_in_the_policies_stays(self):
        foreign = 'rule family="ipv4" destination address="192.0.2.1" forward-port port="7777" protocol="tcp" to-port="77" to-addr="10.99.0.9"'
        self.host.sh("firewall-cmd", "-q", "--policy=burrow-ports", f"--add-rich-rule={foreign}")
        self.addCleanup(self.host.sh, "firewall-cmd", "-q", "--policy=burrow-ports", f"--remove-rich-rule={foreign}")
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, *A), ports=[port(8080, 80)])
        self.setup_ok(namespace, document)
        self.teardown_ok(namespace, document)
        self.assertIn("10.99.0.9:77", self.firewalld.rules())
        # And what is led elsewhere by it is nobody's to publish.
        taken = request("a", attachment(FRONT, *A), ports=[port(7777, 80, host_ip="192.0.2.1")])
        self.assert_refused(namespace, taken, 'already led elsewhere by policy "burrow-ports"', "10.99.0.9")

    def test_a_port_that_another_container_has_is_refused_as_by_the_other_driver(self):
        self.web(port(8080, 80), port(9000, 9000, count=20))
        namespace = self.container("b")
        self.addCleanup(namespace.delete)
        self.settled_snapshot(namespace)
        for ports, word in (
            ([port(8080, 90)], "port 8080/tcp"),
            ([port(8080, 90, host_ip="192.0.2.1")], "port 192.0.2.1:8080/tcp"),
            ([port(9010, 90)], "port 9010/tcp"),
        ):
            document = request("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"), ports=ports)
            error = self.assert_refused(namespace, document, f"{word} is already published by container")
            self.assertIn('on network "front"', error)
        self.attached("c", attachment(FRONT, "10.40.0.4", "fd00:40::4"), ports=[port(8080, 80, "udp")])

    def test_ports_go_on_to_the_next_network_of_a_container(self):
        networks = (attachment(FRONT, *A), attachment(BACK, "10.41.0.2", "fd00:41::2"))
        whole = request("a", *networks, ports=[port(8080, 80)])
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        before = self.firewalld.state()
        self.setup_ok(namespace, whole)
        tcp = self.listeners(namespace, 80)
        self.assertIn("10.40.0.2:80", self.firewalld.rules())
        first = request("a", networks[0], ports=[port(8080, 80)])
        self.teardown_ok(namespace, first)
        self.assertNotIn("10.40.0.2:80", self.firewalld.rules())
        for address in HOST:
            self.reached(self.outside_host, address, 8080, tcp)
        self.teardown_ok(namespace, whole)
        self.assertEqual(self.firewalld.state(), before)

    def test_addresses_that_the_host_gets_later_count_from_the_next_command_on(self):
        tcp = self.listeners(self.web(port(8080, 80)), 80)
        # With a label of its own, as ifupdown gives it.
        self.host.sh("ip", "addr", "add", "192.0.2.8/24", "dev", "uplink", "label", "uplink:1")
        self.addCleanup(self.host.sh, "ip", "addr", "del", "192.0.2.8/24", "dev", "uplink")
        self.assertFalse(connects(self.outside_host, "192.0.2.8", 8080, NEVER))
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.reached(self.outside_host, "192.0.2.8", 8080, tcp)

    def test_flows_to_where_a_port_led_before_are_forgotten(self):
        first = request("a", attachment(FRONT, *A), ports=[port(8081, 81, "udp")])
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        self.setup_ok(namespace, first)
        with self.outside_host.socket(socket.AF_INET, UDP) as client:
            client.bind(("192.0.2.2", 5555))
            with Listener(namespace, 81, kind=UDP) as listener:
                client.sendto(b"x", (HOST[0], 8081))
                self.assertIsNotNone(listener.hears())
            self.teardown_ok(namespace, first)
            other = self.web(port(8081, 81, "udp"), name="b", addresses=("10.40.0.3", "fd00:40::3"))
            with Listener(other, 81, kind=UDP) as listener:
                client.sendto(b"x", (HOST[0], 8081))
                self.assertIsNotNone(listener.hears())

    def test_what_firewalld_cannot_do_with_ports_is_refused_in_words(self):
        asked = network("asked", "10.46.0.0/24", options={"publish": "host-firewall"})
        for document, words in (
            (request("w", attachment(asked, "10.46.0.2"), ports=[port(8090, 80)]), ("publish=host-firewall",)),
            (request("w", attachment(FRONT, *A), ports=[port(1000, 2000, count=200)]), ("rules for published ports", "of at most")),
        ):
            namespace = self.container("w")
            self.assert_refused(namespace, document, *words)
            namespace.delete()

    def test_set_ups_at_the_same_time_lose_nothing_also_with_two_run_directories(self):
        os.makedirs("/run/other/networks")
        other = Netstack(config="/run/other/networks", firewall="firewalld")
        calls = []
        for index in range(6):
            name = f"p{index}"
            lan = (FRONT, network("side", "10.47.0.0/24", "fd00:47::/64"))[index % 2]
            prefix = 40 if index % 2 == 0 else 47
            document = request(name, attachment(lan, f"10.{prefix}.0.{index + 10}", f"fd00:{prefix}::{index + 10}"),
                               ports=[port(8100 + index, 80)])  # fmt: skip
            namespace = self.container(name)
            netstack = self.netstack if index % 2 == 0 else other
            self.addCleanup(namespace.delete)
            self.addCleanup(netstack.teardown, namespace, document)
            calls.append((netstack.start("setup", namespace.path), document, namespace))
        for call, document, _ in calls:
            out, err = call.communicate(json.dumps(document).encode(), timeout=SOON * 6)
            self.assertEqual(call.returncode, 0, (out, err))
        for index, (_, _, namespace) in enumerate(calls):
            tcp = self.listeners(namespace, 80)
            for address in HOST:
                self.reached(self.outside_host, address, 8100 + index, tcp)


def ask(namespace, server, kind):
    query = dns_support.make_query("a", edns=1232)
    with namespace.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind) as client:
        client.settimeout(2)
        try:
            client.connect((server, 53))
            if kind == socket.SOCK_STREAM:
                client.sendall(len(query).to_bytes(2, "big") + query)
                return dns_support.Reply(client.recv(4096)[2:]).data
            client.send(query)
            return dns_support.Reply(client.recv(4096)).data
        except OSError:
            return None


class Names(FirewalldTest):
    firewall = "firewalld"
    dns = DNS or ""

    def setUp(self):
        super().setUp()
        if not DNS:
            self.skipTest("needs a DNS daemon")

    def assert_served(self, namespace):
        for server in ("10.50.0.1", "fd00:50::1"):
            for kind in (UDP, socket.SOCK_STREAM):
                self.assertTrue(wait_until(lambda: ask(namespace, server, kind) is not None), (server, kind))

    def serve(self, environment=None, ports=()):
        before = self.firewalld.state()
        named = network("named", "10.50.0.0/24", "fd00:50::/64", dns_enabled=True)
        document = request("a", attachment(named, "10.50.0.2", "fd00:50::2"), ports=list(ports))
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        self.addCleanup(self._stop_daemon)
        self.setup_ok(namespace, document, environment=environment)
        self.assert_served(namespace)
        return namespace, document, before

    def test_names_are_served_on_another_port_by_udp_and_tcp(self):
        namespace, document, before = self.serve({"NETAVARK_DNS_PORT": "1153"})
        rules = self.firewalld.rules()
        self.assertIn("ip daddr 10.50.0.1 udp dport 53 dnat ip to 10.50.0.1:1153", rules)
        self.assertIn("ip6 daddr fd00:50::1 tcp dport 53 dnat ip6 to [fd00:50::1]:1153", rules)
        self.assert_served(self.host)
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.state(), before)

    def test_a_container_that_publishes_port_53_does_not_take_the_names_of_its_network(self):
        namespace, document, before = self.serve(ports=[port(53, 53, "udp"), port(53, 53)])
        with Listener(namespace, 53, kind=UDP) as listener:
            self.assertIsNotNone(talks(self.outside_host, "192.0.2.1", 53, listener))
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.state(), before)


if __name__ == "__main__":
    main()
