"""The firewall driver firewalld: networks, by the real firewalld and real packets, and no table of ours."""

import json
import os
import socket
import time

from firewalld_support import FirewalldTest, main
from netns_support import NEVER, Listener, connects, delivers, reaches, send, talks
from netstack_support import CONFIG, Netstack, attachment, network, port, request

MODES = ("false", "true", "strict")
ALLOWED = {("false", "false"), ("false", "true"), ("true", "false")}
UDP = socket.SOCK_DGRAM
FRONT = network("front", "10.40.0.0/24", "fd00:40::/64", options={"isolate": "false"})
OUTSIDE = {"192.0.2.2": "192.0.2.1", "2001:db8::2": "2001:db8::1"}


def isolated(number, mode):
    return network(f"net{number}", f"10.{number}.0.0/24", f"fd00:{number}::/64", options={"isolate": mode})


def both(number, host=2):
    return (f"10.{number}.0.{host}", f"fd00:{number}::{host}")


class Driver(FirewalldTest):
    firewall = "firewalld"

    def listeners(self, namespace, port=80):
        listeners = {"0.0.0.0": Listener(namespace, port), "::": Listener(namespace, port, "::")}
        for listener in listeners.values():
            self.addCleanup(listener.close)
        return listeners

    def assert_reaches(self, source, addresses, listeners):
        for address in addresses:
            listener = listeners["::" if ":" in address else "0.0.0.0"]
            self.assertIsNotNone(reaches(source, address, 80, listener), (source.name, address))

    def assert_shut(self, source, addresses):
        self.assert_all_shut([(source, address) for address in addresses])

    def assert_all_shut(self, ways):
        """Nobody gets a connection: all are tried at once."""
        clients = []
        for source, address in ways:
            client = source.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect_ex((address, 80))
            clients.append(client)
        time.sleep(NEVER)
        for (source, address), client in zip(ways, clients):
            self.assertRaises(OSError, client.getpeername)

    def test_containers_get_out_with_an_address_of_the_host_in_both_families(self):
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        for address, source in OUTSIDE.items():
            with Listener(self.outside_host, 80, address) as listener:
                self.assertEqual(reaches(front, address, 80, listener), source)
            with Listener(self.outside_host, 81, address, UDP) as listener:
                self.assertEqual(talks(front, address, 81, listener), source)
        self.assertNotIn("burrow", self.host.sh("nft", "list", "tables"))

    def test_show_and_repair_know_what_is_in_firewalld(self):
        namespace = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"), ports=[port(8080, 80)])
        shown = json.loads(self.netstack.run("firewall", "show", "--format", "json").out)
        self.assertEqual(shown["table"], "missing")
        self.assertEqual([(one["name"], one["driver"]) for one in shown["networks"]], [("front", "firewalld")])
        self.assertIn(("firewalld", "0.0.0.0", "8080", "10.40.0.2:80"),
                      [(one["driver"], one["host_address"], one["host_ports"], one["to"]) for one in shown["ports"]])
        self.assertRegex(self.netstack.run("firewall", "show").out, r"front +br-front .* firewalld\n")
        self.assertEqual(self.netstack.run("repair").out, "all is well: the host is as the journal says\n")
        before = self.firewalld.state()
        self.firewalld.call(".ipset", "removeEntry", "burrow-subnets4", "10.40.0.0/24")
        self.firewalld.call(".zone", "removeInterface", "burrow-open", "br-front")
        said = self.netstack.run("repair", "--dry-run").out
        self.assertIn("2 entries are not in firewalld, such as zone burrow-open: br-front", said)
        self.assertEqual(self.netstack.run("repair").code, 0)
        self.assertEqual(self.firewalld.state(), before)
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertEqual(reaches(namespace, "192.0.2.2", 80, listener), "192.0.2.1")

    def masquerading(self):
        rules = self.host.sh("firewall-cmd", "--policy=burrow-masquerade", "--list-rich-rules")
        return [rule for rule in rules.splitlines() if rule]

    def test_the_host_forwards_and_masquerades_for_containers_alone(self):
        self.assertEqual((self.masquerading(), self.host.sysctl("net/ipv4/ip_forward")), ([], "0"))
        document = request("a", attachment(network("front", "10.40.0.0/24"), "10.40.0.2"))
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        self.setup_ok(namespace, document)
        rules = self.masquerading()
        self.assertEqual(len(rules), 4, rules)
        self.assertTrue(all(rule.startswith('rule family="ipv4"') for rule in rules), rules)
        self.assertEqual(self.host.sysctl("net/ipv4/ip_forward"), "1")
        other = self.container("b")
        self.addCleanup(other.delete)
        second = request("b", attachment(network("six", "fd00:41::/64"), "fd00:41::2"))
        self.setup_ok(other, second)
        self.assertEqual(len(self.masquerading()), 8)
        self.teardown_ok(namespace, document)
        rules = self.masquerading()
        self.assertEqual(len(rules), 4, rules)
        self.assertTrue(all(rule.startswith('rule family="ipv6"') for rule in rules), rules)
        self.teardown_ok(other, second)
        self.assertEqual((self.masquerading(), self.host.sysctl("net/ipv4/ip_forward")), ([], "0"))

    def test_the_last_teardown_leaves_firewalld_exactly_as_it_was(self):
        before = self.firewalld.state()
        document = request("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        for _ in range(2):  # a repeated set-up changes nothing, neither does a repeated teardown
            self.setup_ok(namespace, document)
            self.assertEqual(self.firewalld.zone_of("br-front"), "burrow-open")
            self.assertEqual(self.firewalld.entries("burrow-subnets4"), ["10.40.0.0/24"])
            self.assertEqual(self.firewalld.entries("burrow-subnets6"), ["fd00:40::/64"])
        during = self.firewalld.state()
        other = self.container("b")
        self.addCleanup(other.delete)
        second = request("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"))
        self.setup_ok(other, second)
        self.teardown_ok(other, second)
        self.assertEqual(self.firewalld.state(), during)
        for _ in range(2):
            self.teardown_ok(namespace, document)
            self.assertEqual(self.firewalld.state(), before)
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))
        self.assertFalse(os.path.exists("/run/burrow-firewalld.lock"))

    def test_a_teardown_needs_no_word_of_the_driver(self):
        before = self.firewalld.state()
        for other in ("nftables", "none"):
            document = request("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
            namespace = self.container("a")
            self.setup_ok(namespace, document)
            self.assertEqual(Netstack(firewall=other).teardown(namespace, document).code, 0)
            self.assertEqual(self.firewalld.state(), before)
            namespace.delete()

    def test_a_set_up_that_fails_leaves_firewalld_as_it_was(self):
        before = self.firewalld.state()
        namespace = self.container("d")
        self.addCleanup(namespace.delete)
        document = request("d", attachment(FRONT, "10.40.0.2"))
        document["network_info"]["front"] = {**FRONT, "routes": [{"destination": "10.9.0.0/16", "gateway": "10.77.0.1"}]}
        self.assertTrue(self.netstack.setup(namespace, document).error)
        self.assertEqual(self.firewalld.state(), before)

    def test_isolation_between_networks_in_all_modes(self):
        peers = []
        for number, mode in enumerate((*MODES, *MODES), start=60):
            namespace = self.attached(f"c{number}", attachment(isolated(number, mode), *both(number)))
            peers.append((number, mode, namespace, self.listeners(namespace)))
        closed = []
        for one, mode, namespace, _ in peers:
            for other, other_mode, _, listeners in peers:
                if one != other and (mode, other_mode) in ALLOWED:
                    self.assert_reaches(namespace, both(other), listeners)
                elif one != other:
                    closed += [(namespace, address) for address in both(other)]
        self.assertEqual(len(closed), 2 * 20)
        self.assert_all_shut(closed)
        # One-way packets neither.
        for a, b in ((1, 4), (2, 0)):
            namespace, number, there = peers[a][2], peers[b][0], peers[b][2]
            with Listener(there, 90, kind=UDP) as four, Listener(there, 90, "::", UDP) as six:
                for address in both(number):
                    send(namespace, address, 90)
                self.assertIsNone(four.hears(NEVER))
                self.assertIsNone(six.hears(NEVER))

    def test_containers_of_one_network_reach_each_other_also_between_its_subnets(self):
        for number, mode in ((70, "true"), (72, "strict")):
            wide = network(f"wide{number}", f"10.{number}.0.0/24", f"10.{number + 1}.0.0/24",
                           f"fd00:{number}::/64", f"fd00:{number + 1}::/64", options={"isolate": mode})  # fmt: skip
            one = self.attached(f"one{number}", attachment(wide, *both(number)))
            other = self.attached(f"other{number}", attachment(wide, *both(number + 1)))
            listeners = self.listeners(other)
            for address, source in zip(both(number + 1), both(number)):
                listener = listeners["::" if ":" in address else "0.0.0.0"]
                self.assertEqual(reaches(one, address, 80, listener), source)

    def test_nobody_outside_reaches_a_container_directly_unless_its_network_is_routed(self):
        routed = network("routed", "10.80.0.0/24", "fd00:80::/64", options={"gateway_mode": "routed", "isolate": "false"})
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        open_ = self.attached("r", attachment(routed, *both(80)))
        for number in (40, 80):
            self.outside_host.sh("ip", "route", "replace", f"10.{number}.0.0/24", "via", "192.0.2.1")
            self.outside_host.sh("ip", "-6", "route", "replace", f"fd00:{number}::/64", "via", "2001:db8::1")
        self.listeners(front)
        self.assert_shut(self.outside_host, both(40))
        self.assert_reaches(self.outside_host, both(80), self.listeners(open_))
        # And what it sends keeps its address.
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertEqual(reaches(open_, "192.0.2.2", 80, listener), "10.80.0.2")
        self.assert_shut(open_, ("192.0.2.2",))

    def test_internal_networks_have_names_and_nothing_else(self):
        inner = network("inner", "10.42.0.0/24", internal=True)
        namespace = self.attached("i", attachment(inner, "10.42.0.2"))
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        with Listener(self.host, 53, "10.42.0.1", UDP) as names:
            self.assertIsNotNone(talks(namespace, "10.42.0.1", 53, names))
        self.listeners(self.outside_host)
        self.listeners(front)
        self.listeners(namespace)
        self.assert_shut(namespace, ("192.0.2.2", "10.40.0.2"))
        self.assert_shut(front, ("10.42.0.2",))

    def test_of_the_host_containers_reach_names_and_ping_and_no_service(self):
        front = self.attached("c", attachment(FRONT, "10.40.0.5", "fd00:40::5"))
        for gateway in ("10.40.0.1", "fd00:40::1"):
            with Listener(self.host, 53, gateway, UDP) as names:
                self.assertIsNotNone(talks(front, gateway, 53, names), gateway)
            front.sh("ping", "-c1", "-W2", gateway)
            with Listener(self.host, 5432, gateway):
                self.assertFalse(connects(front, gateway, 5432, NEVER))
        # Nor what is on its loopback, to which the bridge has a way for published ports.
        front.sysctl("net/ipv4/conf/eth0/route_localnet", 1)
        front.sh("ip", "route", "replace", "127.0.0.53", "via", "10.40.0.1", "dev", "eth0", "src", "10.40.0.5")
        front.sh("ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")
        with Listener(self.host, 53, "127.0.0.53", UDP) as names:
            self.assertIsNone(delivers(front, "127.0.0.53", 53, names, NEVER))

    def test_a_plan_says_what_comes_into_firewalld_and_puts_nothing_there(self):
        before = self.firewalld.state()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        outcome = self.netstack.run("plan", "setup", namespace.path, document=request("a", attachment(FRONT, "10.40.0.2")))
        self.assertIn("+ zone burrow-open: br-front", outcome.out)
        self.assertIn("+ ipset burrow-subnets4: 10.40.0.0/24", outcome.out)
        self.assertEqual(self.firewalld.state(), before)

    def test_what_firewalld_has_nothing_for_is_refused_in_words(self):
        for option, value in (("outbound_addr4", "192.0.2.1"), ("outbound_addr6", "2001:db8::1")):
            namespace = self.container("o")
            bound = network("bound", "10.81.0.0/24", "fd00:81::/64", options={option: value})
            self.assert_refused(namespace, request("o", attachment(bound, *both(81))), option, "firewalld has nothing for")
            namespace.delete()

    def test_a_network_has_one_driver_as_long_as_it_lasts(self):
        nftables = Netstack(firewall="nftables")
        for first, then in ((self.netstack, nftables), (nftables, self.netstack)):
            namespaces = [self.container(name) for name in "ab"]
            documents = [request(name, attachment(FRONT, f"10.40.0.{host}")) for name, host in (("a", 2), ("b", 3))]
            self.assertEqual(first.setup(namespaces[0], documents[0]).code, 0)
            self.assertIn('network "front" is kept by the firewall driver', then.setup(namespaces[1], documents[1]).error)
            self.assertEqual(then.teardown(namespaces[0], documents[0]).code, 0)
            self.assertEqual(then.setup(namespaces[1], documents[1]).code, 0)
            self.assertEqual(first.teardown(namespaces[1], documents[1]).code, 0)
            for namespace in namespaces:
                namespace.delete()

    def test_a_zone_that_somebody_chose_is_not_left_and_not_worked_around(self):
        self.firewalld.put("br-front", "home")
        self.addCleanup(self.firewalld.take, "br-front", "home")
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, "10.40.0.2"))
        self.assert_refused(namespace, document, 'is in zone "home" of firewalld', '"burrow-open"')
        self.assertEqual(self.firewalld.zone_of("br-front"), "home")

    def test_subnets_of_two_networks_must_not_overlap(self):
        self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        namespace = self.container("b")
        self.addCleanup(namespace.delete)
        inside = network("inside", "10.40.0.128/25")
        inside["subnets"][0]["gateway"] = "10.40.0.129"
        document = request("b", attachment(inside, "10.40.0.130"))
        self.assert_refused(namespace, document, 'subnet 10.40.0.128/25 overlaps 10.40.0.0/24 of network "front"')

    def test_the_next_container_of_a_network_puts_back_what_was_taken_out(self):
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        self.firewalld.take("br-front", "burrow-open")
        self.firewalld.call(".ipset", "removeEntry", "burrow-subnets4", "10.40.0.0/24")
        self.attached("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"))
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertEqual(reaches(front, "192.0.2.2", 80, listener), "192.0.2.1")

    def test_another_mode_of_isolation_counts_from_the_next_container_on(self):
        self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        strict = {**FRONT, "options": {"isolate": "strict"}}
        self.attached("b", attachment(strict, "10.40.0.3", "fd00:40::3"))
        self.assertEqual(self.firewalld.zone_of("br-front"), "burrow-strict")
        self.attached("c", attachment(FRONT, "10.40.0.4", "fd00:40::4"))
        self.assertEqual(self.firewalld.zone_of("br-front"), "burrow-open")

    def test_the_word_is_read_from_the_environment_as_well(self):
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, "10.40.0.2"))
        netstack = Netstack()
        position = netstack.flags.index("--firewall-driver")
        del netstack.flags[position : position + 2]
        outcome = netstack.setup(namespace, document, environment={"NETAVARK_FW": "Firewalld"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("front", json.loads(outcome.out))
        self.assertEqual(self.firewalld.zone_of("br-front"), "burrow-open")
        self.assertEqual(netstack.teardown(namespace, document).code, 0)


if __name__ == "__main__":
    main()
