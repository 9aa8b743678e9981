"""Faults of other container firewalls that ours must not have, one test for each: what is published
slows nobody down, a changed network holds, and other people's rules neither stop nor replace ours."""

import json
import os
import shutil
import socket

import kill_at_syscall
from netns_support import NEVER, Listener, Namespace, connects, reaches, talks
from netstack_support import Netstack, NetstackTest, attachment, encoded, main, network, port, request

OUTSIDE = "192.0.2.2"


def net(number, **members):
    return network(f"net{number}", f"10.{number}.0.0/24", **members)


def rules(machine):
    """The rules of the host's tables: elements of sets and maps are none."""
    listed = json.loads(machine.sh("nft", "-s", "-j", "list", "ruleset"))["nftables"]
    return [entry["rule"] for entry in listed if "rule" in entry]


class Cost(NetstackTest):
    def test_publishing_adds_no_rule_that_a_packet_has_to_pass(self):
        self.attach("one", attachment(net(1), "10.1.0.2"), ports=[port(80, 80)])
        before = len(rules(self.machine))
        for n in range(3, 7):
            ports = [port(1000 * n + i, 80 + i) for i in range(50)] + [port(20000 + 100 * n, 7000, count=100)]
            self.attach(f"c{n}", attachment(net(1), f"10.1.0.{n}"), ports=ports)
            self.attach(f"other{n}", attachment(net(n, options={"isolate": "true"}), f"10.{n}.0.2"))
        self.assertEqual(len(rules(self.machine)), before)

    def calls(self, command, n):
        """What a command does: its system calls that change something, and how often it receives."""
        receives = []
        line = self.netstack.command(command, f"/run/netns/c{n}")
        line[0] = shutil.which(line[0])
        document = request(f"c{n}", attachment(net(1), f"10.1.0.{n}"), ports=[port(9000 + n, 80)])
        status, changing = kill_at_syscall.run(
            line, encoded(document), self.netstack.environment, before_receiving=lambda: receives.append(1)
        )
        self.assertEqual(status, 0)
        return changing, len(receives)

    def test_setup_and_teardown_do_no_more_when_more_is_published(self):
        for n in range(2, 10):  # so many ports of a bridge are looked at
            self.attach(f"c{n}", attachment(net(1), f"10.1.0.{n}"), ports=[port(9000 + n, 80)])

        def life(n):
            self.container(f"c{n}")
            return [self.calls(command, n) for command in ("setup", "teardown")]

        before = life(20)
        for n in range(30, 60):
            ports = [port(100 * n + i, 80 + i) for i in range(10)]
            self.attach(f"c{n}", attachment(net(1), f"10.1.0.{n}"), ports=ports)
        self.assertEqual(life(21), before)

    def test_no_other_program_is_needed(self):
        """Where there is no nft, ip or anything else to run."""
        bare = 'mount -t tmpfs none /usr/sbin && mount -t tmpfs none /usr/bin && exec "$0" "$@"'
        prefix = ["unshare", "--mount", "sh", "-c", bare]
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", attachment(net(1), "10.1.0.2"), ports=[port(8080, 80), port(53, 53, "udp")])
        self.setup_ok(container, document, prefix=prefix)
        with Listener(container, 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 8080))
        self.teardown_ok(container, document, prefix=prefix)
        self.assert_unchanged(before, container)


class Changes(NetstackTest):
    """A network whose definition has changed while containers stand: the next set-up applies it."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()

    def source(self, container, timeout=5.0):
        with Listener(self.outside_host, 80, OUTSIDE) as listener:
            return reaches(container, OUTSIDE, 80, listener, timeout)

    def test_a_changed_outbound_address_holds_for_all_containers(self):
        for address in ("192.0.2.77", "192.0.2.78"):
            self.machine.sh("ip", "addr", "add", f"{address}/24", "dev", "uplink")
        first = self.attach("a", attachment(net(1), "10.1.0.2"))
        self.assertEqual(self.source(first), "192.0.2.1")
        for n, address in ((3, "192.0.2.77"), (4, "192.0.2.78")):
            self.attach(f"c{n}", attachment(net(1, options={"outbound_addr4": address}), f"10.1.0.{n}"))
            self.assertEqual(self.source(first), address)
        self.attach("last", attachment(net(1), "10.1.0.5"))
        self.assertEqual(self.source(first), "192.0.2.1")

    def test_a_mode_that_became_weaker_holds_too(self):
        strict, weak = {"options": {"isolate": "strict"}}, {"options": {"isolate": "false"}}
        first = self.attach("a", attachment(net(1, **strict), "10.1.0.2"))
        other = self.attach("b", attachment(net(2, **weak), "10.2.0.2"))
        with Listener(first, 80) as listener:
            self.assertFalse(connects(other, "10.1.0.2", 80, NEVER))
            self.attach("c", attachment(net(1, **weak), "10.1.0.3"))
            self.assertIsNotNone(reaches(other, "10.1.0.2", 80, listener))

    def test_a_network_that_became_internal_has_no_way_out(self):
        first = self.attach("a", attachment(net(1), "10.1.0.2"))
        self.assertIsNotNone(self.source(first))
        second = self.attach("b", attachment(net(1, internal=True), "10.1.0.3"))
        second.sh("ip", "route", "add", "default", "via", "10.1.0.1")
        for container in (first, second):
            self.assertIsNone(self.source(container, NEVER))

    def test_a_network_that_is_internal_no_more_has_a_way_out(self):
        self.attach("other", attachment(net(2), "10.2.0.2"))  # forwarding is on before
        self.attach("a", attachment(net(1, internal=True), "10.1.0.2"))
        second = self.attach("b", attachment(net(1), "10.1.0.3"))
        self.assertEqual(self.source(second), "192.0.2.1")

    def test_the_bridge_of_an_internal_network_never_forwards(self):
        """Neither when the host begins to, nor after somebody else has switched it off and on."""
        self.netstack = Netstack(firewall="none")
        key = "net/ipv4/conf/br-net1/forwarding"
        self.attach("a", attachment(net(1, internal=True), "10.1.0.2"))
        self.attach("other", attachment(net(2), "10.2.0.2"))
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "1")
        self.assertEqual(self.machine.sysctl(key), "0")
        for value in (0, 1):
            self.machine.sysctl("net/ipv4/ip_forward", value)
        self.assertEqual(self.machine.sysctl(key), "1")
        self.attach("b", attachment(net(1, internal=True), "10.1.0.3"))
        self.assertEqual(self.machine.sysctl(key), "0")

    def test_the_changed_network_leaves_nothing_behind(self):
        before = self.settled_snapshot()
        documents = [
            net(1, options={"isolate": "false", "outbound_addr4": "192.0.2.1"}),
            net(1, internal=True),
            net(1, options={"isolate": "true"}),
        ]
        for n, document in enumerate(documents, start=2):
            self.attach(f"c{n}", attachment(document, f"10.1.0.{n}"))
        for n in (4, 2, 3):
            self.teardown_ok(f"/run/netns/c{n}", request(f"c{n}", attachment(documents[0], f"10.1.0.{n}")))
        self.assert_unchanged(before)


class OthersRules(NetstackTest):
    def test_rules_that_look_like_ours_do_not_stand_in_for_them(self):
        """Drops, marks and names of bridges in the administrator's chain say nothing about ours."""
        outside = self.outside()
        self.attach("first", attachment(net(9), "10.9.0.2"))
        for rule in ("tcp dport 23 drop", 'iifname "br-net1" tcp dport 24 drop', "meta mark 0x2000 accept",
                     "ip saddr 10.1.0.0/24 tcp dport 25 drop"):  # fmt: skip
            self.machine.sh("nft", "add", "rule", "inet", "burrow", "admin", *rule.split())
        one = self.attach("a", attachment(net(1, options={"isolate": "true"}), "10.1.0.2"), ports=[port(8080, 80)])
        two = self.attach("b", attachment(net(2, options={"isolate": "true"}), "10.2.0.2"))
        with Listener(one, 80) as listener:
            self.assertFalse(connects(two, "10.1.0.2", 80, NEVER))
            self.assertEqual(reaches(outside, "192.0.2.1", 8080, listener), OUTSIDE)
        with Listener(outside, 80, OUTSIDE) as listener:
            self.assertEqual(reaches(one, OUTSIDE, 80, listener), "192.0.2.1")

    def test_a_message_bus_that_never_answers_holds_nobody_up(self):
        """As when firewalld hangs, or the bus itself."""
        os.makedirs("/run/dbus")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bus:
            bus.bind("/run/dbus/system_bus_socket")
            bus.listen()
            container = self.container("c")
            document = request("c", attachment(net(1), "10.1.0.2"), ports=[port(8080, 80)])
            self.setup_ok(container, document, timeout=10)
            self.teardown_ok(container, document, timeout=10)

    def test_packets_with_any_mark_are_treated_alike(self):
        """No bit of a packet's mark means anything to us."""
        outside = self.outside()
        strict = net(1, options={"isolate": "strict"})
        container = self.attach("a", attachment(strict, "10.1.0.2"), ports=[port(8080, 80)])
        other = self.attach("b", attachment(net(2, options={"isolate": "false"}), "10.2.0.2"))
        with open("/run/marks.nft", "w") as file:
            file.write(
                "table inet marks { chain c { type filter hook prerouting priority mangle;"
                " meta mark set 0xffffffff; }; }"
            )
        self.machine.sh("nft", "-f", "/run/marks.nft")
        with Listener(container, 80) as listener:
            self.assertFalse(connects(other, "10.1.0.2", 80, NEVER))
            self.assertEqual(reaches(outside, "192.0.2.1", 8080, listener), OUTSIDE)
        with Listener(outside, 80, OUTSIDE) as listener:
            self.assertEqual(reaches(container, OUTSIDE, 80, listener), "192.0.2.1")


class Dns(NetstackTest):
    def test_another_dns_port_is_of_no_concern_to_a_network_without_dns(self):
        """Only networks with DNS have their questions led to the daemon's port."""
        container = self.container("c")
        document = request("c", attachment(net(1), "10.1.0.2"))
        self.setup_ok(container, document, environment={"NETAVARK_DNS_PORT": "5399"})
        with Listener(self.machine, 53, "10.1.0.1", socket.SOCK_DGRAM) as listener:
            self.assertEqual(talks(container, "10.1.0.1", 53, listener), "10.1.0.2")
        with Listener(self.machine, 53, "10.1.0.1") as listener:
            self.assertEqual(reaches(container, "10.1.0.1", 53, listener), "10.1.0.2")


class Callers(NetstackTest):
    """Callers that know nothing of each other."""

    def start(self, netstack, command, n):
        process = netstack.start(command, f"/run/netns/c{n}")
        document = request(f"c{n}", attachment(net(n), f"10.{n}.0.2"), ports=[port(9000 + n, 80)])
        process.stdin.write(encoded(document))
        process.stdin.close()
        process.stdin = None
        return process

    def test_two_with_directories_of_their_own_work_on_one_table_at_once(self):
        # Else it stays on: the first to leave sees bridges of the other, who found it on.
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        callers = [Netstack(config=f"/run/caller{i}") for i in range(2)]
        numbers = range(1, 25)
        for n in numbers:
            self.container(f"c{n}")
        before = self.snapshot()
        for command in ("setup", "teardown"):
            started = [self.start(callers[n % 2], command, n) for n in numbers]
            for process in started:
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0, (out, err))
            if command == "setup":
                for n in numbers:
                    with Listener(self.container_at(n), 80) as listener:
                        self.assertIsNotNone(reaches(self.machine, "127.0.0.1", 9000 + n, listener), n)
        self.assert_unchanged(before)

    def container_at(self, n):
        return Namespace(f"c{n}", f"/run/netns/c{n}")

    def test_a_directory_may_change_its_firewall_driver_between_containers(self):
        before = self.settled_snapshot()
        documents = {n: request(f"c{n}", attachment(net(1), f"10.1.0.{n}"), ports=[port(9000 + n, 80)]) for n in (2, 3, 4)}
        drivers = {2: "nftables", 3: "none", 4: "nftables"}
        for n, document in documents.items():
            outcome = Netstack(firewall=drivers[n]).setup(self.container(f"c{n}"), document)
            self.assertEqual(outcome.code, 0, outcome)
        for n in (2, 4):
            with Listener(self.container_at(n), 80) as listener:
                self.assertIsNotNone(reaches(self.machine, "127.0.0.1", 9000 + n, listener))
        for n, driver in ((4, "none"), (2, "none"), (3, "nftables")):
            outcome = Netstack(firewall=driver).teardown(self.container_at(n), documents[n])
            self.assertEqual(outcome.code, 0, outcome)
        self.assert_unchanged(before)


if __name__ == "__main__":
    main()
