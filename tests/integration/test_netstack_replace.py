"""A set-up for a container that is attached already replaces what is there, all or nothing: if it
fails, the container has what it had."""

import glob
import json
import os
import shutil
import signal
import unittest

import kill_at_syscall
from netns_support import Listener, connects, wait_until
from netstack_support import (
    CONFIG, DNS, IS_FOREIGN, NetstackTest, attachment, encoded, main, network, port, request,
)  # fmt: skip

A = network("a", "10.1.0.0/24", "fd00:1::/64")
B = network("b", "10.2.0.0/24")
PORTS = [port(8080, 80), port(5353, 53, "udp"), port(7000, 7000, count=3)]
OLD = request("c", attachment(A, "10.1.0.2", "fd00:1::2"), ports=PORTS)
UNREACHABLE = {**A, "routes": [{"destination": "10.9.0.0/16", "gateway": "10.200.0.1"}]}
# What only the kernel knows: it refuses the route when all else stands already.
REFUSED = request("c", attachment(UNREACHABLE, "10.1.0.3", "fd00:1::3"), ports=[port(8080, 81), port(9000, 82)])


def records():
    """The journal, by path."""
    paths = glob.glob(f"{CONFIG}/burrow/**/*.json", recursive=True)
    return {path: open(path).read() for path in paths}


@unittest.skipIf(IS_FOREIGN, "our own decision")
class Replacement(NetstackTest):
    def setUp(self):
        super().setUp()
        self.before = self.snapshot()
        self.pod = self.container("c")
        self.setup_ok(self.pod, OLD)

    def state(self):
        """All that the set-up made, but for numbers that the kernel gives out."""
        table = json.loads(self.machine.sh("nft", "-j", "list", "table", "inet", "burrow"))["nftables"]
        for entry in table:
            for value in entry.values():
                value.pop("handle", None)
                value.get("elem", []).sort(key=str)  # in the order of their coming
        return {
            "records": records(),
            "table": sorted(json.dumps(entry, sort_keys=True) for entry in table),
            "addresses": self.pod.addresses("eth0"),
            "mac": self.pod.link("eth0")["address"],
            "routes": sorted(json.dumps(route, sort_keys=True) for route in self.pod.routes()),
            "links": self.machine.links() - {"lo"},
            "bridge": self.machine.addresses("br-a"),
        }

    def refuse(self, document, *words):
        before = self.state()
        error = self.netstack.setup(self.pod, document).error
        for word in words:
            self.assertIn(word, error)
        self.assertEqual(self.state(), before)
        for container_port, host_port in ((80, 8080), (7002, 7002)):
            with Listener(self.pod, container_port):
                self.assertTrue(connects(self.machine, "127.0.0.1", host_port))

    def end(self):
        self.teardown_ok(self.pod, OLD)
        self.pod.delete()
        self.assert_unchanged(self.before)

    def test_a_port_of_another_is_seen_before_anything_is_touched(self):
        other = self.attach("o", attachment(B, "10.2.0.2"), ports=[port(9000, 80)])
        index = self.pod.link("eth0")["ifindex"]
        wanted = request("c", attachment(A, "10.1.0.3", "fd00:1::3"), ports=[*PORTS, port(9000, 80)])
        self.refuse(wanted, "9000", "o")
        self.assertEqual(self.pod.link("eth0")["ifindex"], index)
        self.teardown_ok(other, request("o", attachment(B, "10.2.0.2"), ports=[port(9000, 80)]))
        other.delete()
        self.end()

    def test_what_the_kernel_refuses_late_brings_the_old_attachment_back(self):
        self.refuse(REFUSED, "10.200.0.1")
        self.end()

    def test_so_it_does_beside_others_on_the_network(self):
        other = self.attach("o", attachment(A, "10.1.0.9", "fd00:1::9"), ports=[port(9999, 80)])
        self.refuse(REFUSED, "10.200.0.1")
        with Listener(other, 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 9999))

    def test_so_it_does_for_the_one_of_two_networks_that_is_asked_for(self):
        self.setup_ok(self.pod, request("c", attachment(B, "10.2.0.2", interface_name="eth1"), ports=PORTS))
        self.refuse(REFUSED, "10.200.0.1")
        self.assertEqual(self.pod.addresses("eth1"), ["10.2.0.2/24"])

    def test_a_replacement_that_works_leaves_only_the_new(self):
        new = request("c", attachment(A, "10.1.0.3", "fd00:1::3"), ports=[port(9000, 80)])
        self.setup_ok(self.pod, new)
        self.assertEqual(self.pod.addresses("eth0"), ["10.1.0.3/24", "fd00:1::3/64"])
        with Listener(self.pod, 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 9000))
            self.assertFalse(connects(self.machine, "127.0.0.1", 8080, 0.2))
        self.end()

    def test_killed_at_any_moment_it_has_replaced_all_or_nothing(self):
        other = request("o", attachment(B, "10.2.0.2"))
        new = request("c", attachment(A, "10.1.0.3", "fd00:1::3"), ports=[port(9000, 80)])
        old_state = self.state()
        command = self.netstack.command("setup", self.pod.path)
        command[0] = shutil.which(command[0])
        outcomes = set()
        bystander = self.container("o")
        for number in range(5, 400, 11):
            status, _ = kill_at_syscall.run(command, encoded(new), self.netstack.environment, number)
            was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            # The next command of anybody repairs it.
            self.setup_ok(bystander, other)
            self.teardown_ok(bystander, other)
            is_old = self.pod.addresses("eth0") == old_state["addresses"]
            outcomes.add(is_old)
            if is_old:
                self.assertEqual(self.state(), old_state, f"killed before changing call {number}")
            else:
                self.assertEqual(self.pod.addresses("eth0"), ["10.1.0.3/24", "fd00:1::3/64"], number)
                self.setup_ok(self.pod, OLD)
            if not was_killed:
                break
        self.assertEqual(outcomes, {True, False})
        bystander.delete()
        self.end()


@unittest.skipIf(IS_FOREIGN, "our own decision")
@unittest.skipUnless(DNS, "needs a DNS daemon")
class WithNames(NetstackTest):
    dns = DNS or ""

    def test_the_names_come_back_too(self):
        named = {**A, "dns_enabled": True}
        old = request("c", attachment(named, "10.1.0.2", "fd00:1::2", aliases=["old"]))
        pod = self.container("c")
        self.setup_ok(pod, old)
        with open(f"{CONFIG}/aardvark-dns/a") as file:
            before = file.read()
        refused = {**UNREACHABLE, "dns_enabled": True}
        document = request("c", attachment(refused, "10.1.0.3", "fd00:1::3", aliases=["new"]))
        self.assertIn("10.200.0.1", self.netstack.setup(pod, document).error)
        with open(f"{CONFIG}/aardvark-dns/a") as file:
            self.assertEqual(file.read(), before)
        self.assertTrue(wait_until(lambda: connects(pod, "10.1.0.1", 53)))
        self.teardown_ok(pod, old)


if __name__ == "__main__":
    main()
