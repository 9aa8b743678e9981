"""Who reaches whom, by real packets: isolation between networks, internal networks, the way out."""

import socket

from netns_support import Listener, NEVER, delivers, reaches, send
from netstack_support import NetstackTest, attachment, main, network, request

MODES = ("false", "true", "strict")
FAMILIES = (4, 6)
# From the issue: absent means strict; true does not talk to true; strict talks to nobody.
BLOCKED = {("true", "true")} | {(a, b) for a in MODES for b in MODES if "strict" in (a, b)}
TCP_PORT, UDP_PORT = 8080, 8081


def address(number, family, host):
    return f"10.{number}.0.{host}" if family == 4 else f"fd00:{number}::{host}"


def net(number, **members):
    return network(f"net{number}", f"10.{number}.0.0/24", f"fd00:{number}::/64", **members)


def isolated(number, mode):
    return net(number, options={"isolate": mode} if mode else {})


class Peer:
    """A container on one network that listens on a TCP and a UDP port of both families."""

    def __init__(self, test, document, number, host=2):
        self.number, self.host = number, host
        self.namespace = test.attach(
            f"c{number}-{host}", attachment(document, *(address(number, f, host) for f in FAMILIES))
        )
        self.listeners = {}
        for family in FAMILIES:
            any_address = "0.0.0.0" if family == 4 else "::"
            for kind, port in ((socket.SOCK_STREAM, TCP_PORT), (socket.SOCK_DGRAM, UDP_PORT)):
                self.listeners[family, kind] = Listener(self.namespace, port, any_address, kind)
                test.addCleanup(self.listeners[family, kind].close)

    def address(self, family):
        return address(self.number, family, self.host)

    def reached_from(self, namespace, family):
        """The source that this peer sees by TCP, or None."""
        return reaches(namespace, self.address(family), TCP_PORT, self.listeners[family, socket.SOCK_STREAM])

    def hears(self, namespace, family):
        """The source of a one-way datagram, or None."""
        return delivers(namespace, self.address(family), UDP_PORT, self.listeners[family, socket.SOCK_DGRAM])

    def assert_reached(self, test, namespace, source_of=None):
        for family in FAMILIES:
            for way in (self.reached_from, self.hears):
                source = way(namespace, family)
                test.assertIsNotNone(source, (way.__name__, family))
                if source_of:
                    test.assertEqual(source, source_of.address(family))

    def assert_not_reached(self, test, namespace):
        """Neither a connection nor one datagram comes through: all tried at once, then listened."""
        clients = []
        for family in FAMILIES:
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            client = namespace.socket(kind, socket.SOCK_STREAM)
            client.setblocking(False)
            client.connect_ex((self.address(family), TCP_PORT))
            clients.append(client)
            send(namespace, self.address(family), UDP_PORT)
        heard = {key: listener.hears(NEVER / 4) for key, listener in self.listeners.items()}
        for client in clients:
            client.close()
        test.assertEqual([key for key, source in heard.items() if source], [])


class Isolation(NetstackTest):
    def check(self, first_mode, second_mode):
        first = Peer(self, isolated(1, first_mode), 1)
        second = Peer(self, isolated(2, second_mode), 2)
        for a, b, pair in ((first, second, (first_mode, second_mode)), (second, first, (second_mode, first_mode))):
            if tuple(mode or "strict" for mode in pair) in BLOCKED:
                b.assert_not_reached(self, a.namespace)
            else:
                b.assert_reached(self, a.namespace)

    def test_false_and_false_reach_each_other(self):
        self.check("false", "false")

    def test_false_and_true_reach_each_other(self):
        self.check("false", "true")

    def test_false_and_strict_do_not_reach_each_other_not_even_by_one_way_packets(self):
        self.check("false", "strict")

    def test_true_and_true_do_not_reach_each_other(self):
        self.check("true", "true")

    def test_true_and_strict_do_not_reach_each_other(self):
        self.check("true", "strict")

    def test_strict_and_strict_do_not_reach_each_other(self):
        self.check("strict", "strict")

    def test_without_the_option_a_network_is_strict(self):
        self.check(None, "false")

    def test_it_does_not_matter_which_network_was_set_up_first(self):
        second = Peer(self, isolated(2, "strict"), 2)
        first = Peer(self, isolated(1, "false"), 1)
        second.assert_not_reached(self, first.namespace)
        first.assert_not_reached(self, second.namespace)

    def test_containers_of_one_network_reach_each_other_in_every_mode(self):
        for number, mode in enumerate((*MODES, None), start=1):
            first = Peer(self, isolated(number, mode), number, 2)
            second = Peer(self, isolated(number, mode), number, 3)
            second.assert_reached(self, first.namespace, source_of=first)

    def test_the_host_reaches_containers_in_every_mode(self):
        for number, mode in enumerate(MODES, start=1):
            Peer(self, isolated(number, mode), number).assert_reached(self, self.machine)

    def test_a_changed_mode_holds_from_the_next_setup_on(self):
        first = Peer(self, isolated(1, "false"), 1)
        second = Peer(self, isolated(2, "false"), 2)
        second.assert_reached(self, first.namespace)
        third = Peer(self, isolated(2, "strict"), 2, 3)
        third.assert_not_reached(self, first.namespace)

    def test_subnets_of_one_network_reach_each_other_with_their_own_addresses(self):
        document = network("two", "10.3.0.0/24", "10.4.0.0/24")
        first = self.attach("a", attachment(document, "10.3.0.2"))
        second = self.attach("b", attachment(document, "10.4.0.2"))
        with Listener(second, 80) as listener:
            self.assertEqual(reaches(first, "10.4.0.2", 80, listener), "10.3.0.2")


class WayOut(NetstackTest):
    def test_packets_to_outside_have_the_hosts_address(self):
        outside = self.outside()
        peer = Peer(self, net(1), 1)
        for family, there, ours in ((4, "192.0.2.2", "192.0.2.1"), (6, "2001:db8::2", "2001:db8::1")):
            with Listener(outside, 80, there) as listener:
                self.assertEqual(reaches(peer.namespace, there, 80, listener), ours, family)
            with Listener(outside, 81, there, socket.SOCK_DGRAM) as listener:
                self.assertEqual(delivers(peer.namespace, there, 81, listener), ours, family)

    def test_answers_come_back(self):
        outside = self.outside()
        peer = Peer(self, net(1), 1)
        with Listener(outside, 81, "192.0.2.2", socket.SOCK_DGRAM) as listener:
            client = peer.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.settimeout(3)
            client.sendto(b"x", ("192.0.2.2", 81))
            listener.answer_once()
            self.assertEqual(client.recv(64), b"re:x")
            client.close()

    def test_packets_to_the_host_keep_their_address(self):
        self.outside()
        peer = Peer(self, net(1), 1)
        for there, source in (("10.1.0.1", "10.1.0.2"), ("192.0.2.1", "10.1.0.2"), ("fd00:1::1", "fd00:1::2")):
            with Listener(self.machine, 80, there) as listener:
                self.assertEqual(reaches(peer.namespace, there, 80, listener), source)

    def test_outbound_addresses_are_the_source_of_packets_to_outside(self):
        outside = self.outside()
        self.machine.sh("ip", "addr", "add", "192.0.2.77/24", "dev", "uplink")
        self.machine.sh("ip", "addr", "add", "2001:db8::77/64", "dev", "uplink")
        document = net(1, options={"outbound_addr4": "192.0.2.77", "outbound_addr6": "2001:db8::77"})
        peer = Peer(self, document, 1)
        for there, ours in (("192.0.2.2", "192.0.2.77"), ("2001:db8::2", "2001:db8::77")):
            with Listener(outside, 80, there) as listener:
                self.assertEqual(reaches(peer.namespace, there, 80, listener), ours)


class Internal(NetstackTest):
    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.peer = Peer(self, net(1, internal=True), 1)

    def test_it_has_no_way_out_not_even_with_a_route(self):
        container = self.peer.namespace
        container.sh("ip", "route", "add", "default", "via", "10.1.0.1")
        container.sh("ip", "-6", "route", "add", "default", "via", "fd00:1::1")
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        for there in ("192.0.2.2", "2001:db8::2"):
            with Listener(self.outside_host, 81, there, socket.SOCK_DGRAM) as listener:
                self.assertIsNone(delivers(container, there, 81, listener, NEVER))

    def test_other_networks_do_not_reach_it_not_even_by_one_way_packets(self):
        other = Peer(self, isolated(2, "false"), 2)
        self.peer.assert_not_reached(self, other.namespace)

    def test_outside_does_not_reach_it(self):
        Peer(self, isolated(2, "false"), 2)  # turns forwarding on
        self.outside_host.sh("ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.1")
        self.outside_host.sh("ip", "-6", "route", "add", "fd00:1::/64", "via", "2001:db8::1")
        self.peer.assert_not_reached(self, self.outside_host)

    def test_its_containers_reach_each_other(self):
        Peer(self, net(1, internal=True), 1, 3).assert_reached(self, self.peer.namespace, source_of=self.peer)

    def test_the_host_reaches_it_and_it_reaches_the_host(self):
        self.peer.assert_reached(self, self.machine)
        with Listener(self.machine, 80, "10.1.0.1") as listener:
            self.assertEqual(reaches(self.peer.namespace, "10.1.0.1", 80, listener), "10.1.0.2")

    def test_two_internal_networks_do_not_reach_each_other(self):
        other = Peer(self, net(2, internal=True), 2)
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        other.namespace.sh("ip", "route", "add", "default", "via", "10.2.0.1")
        self.peer.assert_not_reached(self, other.namespace)


class FromOutside(NetstackTest):
    """A machine on the host's wire that has a route to the containers' addresses."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.outside_host.sh("ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.1")
        self.outside_host.sh("ip", "-6", "route", "add", "fd00:1::/64", "via", "2001:db8::1")

    def test_it_does_not_reach_them(self):
        Peer(self, net(1), 1).assert_not_reached(self, self.outside_host)

    def test_it_reaches_those_of_a_routed_network_which_keep_their_addresses(self):
        peer = Peer(self, net(1, options={"gateway_mode": "routed"}), 1)
        peer.assert_reached(self, self.outside_host)
        with Listener(self.outside_host, 81, "192.0.2.2") as listener:
            self.assertEqual(reaches(peer.namespace, "192.0.2.2", 81, listener), "10.1.0.2")

    def test_an_outbound_address_of_a_routed_network_is_refused(self):
        options = {"gateway_mode": "routed", "outbound_addr4": "192.0.2.1"}
        document = request("c", attachment(net(1, options=options), "10.1.0.2"))
        self.assert_refused(self.container("c"), document, "outbound_addr4", "gateway_mode")


class Neighbours(NetstackTest):
    def test_a_second_identical_setup_of_a_neighbour_changes_no_rule(self):
        document = request("b", attachment(net(1), "10.1.0.3"))
        self.attach("a", attachment(net(1), "10.1.0.2"))
        container = self.container("b")
        before = self.settled_snapshot()
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before)


if __name__ == "__main__":
    main()
