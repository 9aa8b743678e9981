"""Many containers, networks and ports on one host, and a bridge that is full. What it costs is measured by bench/scale."""

import json
import os
import subprocess

from netns_support import Listener, connects
from netstack_support import CONFIG, NetstackTest, attachment, encoded, main, network, port, request

KERNELS_LIMIT = 1023  # BR_MAX_PORTS - 1 in net/bridge/br_private.h


class FullBridge(NetstackTest):
    def fill(self):
        """All ports but one: the two ends of each cable are two."""
        lines = []
        for number in range(KERNELS_LIMIT // 2 - 1):
            lines.append(f"link add v{number} master br-a type veth peer name w{number}")
            lines.append(f"link set w{number} master br-a")
        lines.append("link add odd master br-a type veth peer name even")
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def document(self, name, number):
        return request(name, attachment(network("a", "10.1.0.0/16"), f"10.1.0.{number}"), ports=[port(8000 + number, 80)])

    def test_the_last_port_is_given_and_who_comes_next_is_told_that_the_bridge_is_full(self):
        first, last, late = (self.container(name) for name in ("first", "last", "late"))
        self.setup_ok(first, self.document("first", 2))
        self.fill()
        self.setup_ok(last, self.document("last", 3))
        before = self.machine.links(), late.links()
        error = self.netstack.setup(late, self.document("late", 4)).error
        self.assertIn('bridge "br-a" is full: the kernel allows 1023 ports', error)
        self.assertEqual((self.machine.links(), late.links()), before)
        self.assertNotIn("8004", self.machine.sh("nft", "list", "table", "inet", "burrow"))
        with Listener(last, 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 8003))
        self.teardown_ok(last, self.document("last", 3))
        self.setup_ok(late, self.document("late", 4))
        with Listener(late, 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 8004))


class Many(NetstackTest):
    """Fifty containers over five networks, all at once; bench/scale does it with a thousand over twenty."""

    networks = 5
    count = 50

    def setUp(self):
        super().setUp()
        self.nets = [network(f"n{n}", f"10.{n + 1}.0.0/16") for n in range(self.networks)]
        self.pods = [self.container(f"c{n}") for n in range(self.count)]

    def document(self, n):
        address = f"10.{n % self.networks + 1}.1.{n + 2}"
        return request(
            f"c{n}", attachment(self.nets[n % self.networks], address), ports=[port(20000 + 100 * n, 8000, count=100)]
        )  # fmt: skip

    def all_at_once(self, command):
        processes = []
        for n, pod in enumerate(self.pods):
            process = self.netstack.start(command, pod.path)
            process.stdin.write(encoded(self.document(n)))
            process.stdin.close()
            process.stdin = None
            processes.append(process)
        for n, process in enumerate(processes):
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, (n, out, err))

    def test_all_come_at_once_each_with_a_hundred_ports_and_all_go_at_once(self):
        before = self.machine.links()
        self.all_at_once("setup")
        for net in self.nets:
            ports = self.machine.ip("link", "show", "master", net["network_interface"])
            self.assertEqual(len(ports), self.count // self.networks)
        for n in (0, 41, self.count - 1):
            with Listener(self.pods[n], 8099):
                self.assertTrue(connects(self.machine, "127.0.0.1", 20000 + 100 * n + 99), n)
        self.all_at_once("teardown")
        self.assertEqual(self.machine.links(), before)
        self.assertNotIn("burrow", json.dumps(json.loads(self.machine.sh("nft", "-j", "list", "tables"))))
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))


if __name__ == "__main__":
    main()
