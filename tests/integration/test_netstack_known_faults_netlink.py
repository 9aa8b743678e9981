"""A host that is large or restless: the kernel's answers come in many parts, and change meanwhile."""

import itertools
import shutil

import kill_at_syscall
from netns_support import Listener, connects
from netstack_support import NetstackTest, attachment, encoded, main, network, port, request

A = network("a", "10.1.0.0/24", "fd00:1::/64")


def batch(machine, lines):
    """Many `ip` commands in one process."""
    with open("/run/batch", "w") as file:
        file.write("\n".join(lines))
    machine.sh("ip", "-batch", "/run/batch")


class Large(NetstackTest):
    def test_a_host_with_hundreds_of_links_and_addresses(self):
        """Lists that are longer than any buffer, each of a link's addresses among others'."""
        self.machine.sh("ip", "link", "add", "br-a", "type", "bridge")
        batch(self.machine, [f"addr add 172.16.{n // 250}.{n % 250 + 1}/32 dev br-a" for n in range(900)])
        batch(self.machine, [f"link add other{n} type bridge" for n in range(160)])
        container = self.container("c")
        document = request("c", attachment(A, "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80)])
        self.setup_ok(container, document)
        with Listener(container, 80):
            self.assertTrue(connects(self.machine, "10.1.0.1", 8080))
        self.teardown_ok(container, document)
        self.assertEqual(len(self.machine.addresses("br-a")), 900)
        self.assertEqual(len(self.machine.links()), 162)
        self.assertEqual(container.links(), {"lo"})


class Restless(NetstackTest):
    """Others change what a command is reading, each time that it reads: set-up and teardown succeed."""

    def check(self, change):
        document = request("c", attachment(A, "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80), port(7000, 7000, count=20)])
        container = self.container("c")
        changes = itertools.count()
        for command in ("setup", "teardown"):
            line = self.netstack.command(command, container.path)
            line[0] = shutil.which(line[0])
            status, _ = kill_at_syscall.run(
                line, encoded(document), self.netstack.environment, before_receiving=lambda: change(next(changes))
            )
            self.assertEqual(status, 0, command)
            if command == "setup":
                with Listener(container, 80):
                    self.assertTrue(connects(self.machine, "127.0.0.1", 8080))
        self.assertGreater(next(changes), 20)
        self.assertEqual(container.links(), {"lo"})
        self.assertNotIn("br-a", self.machine.links())

    def test_links_come_and_go(self):
        batch(self.machine, [f"link add other{n} type bridge" for n in range(100)])
        self.check(lambda n: self.machine.sh("ip", "link", "add" if n % 2 == 0 else "del", "restless", "type", "bridge"))

    def test_addresses_come_and_go(self):
        self.machine.sh("ip", "link", "add", "other", "type", "bridge")
        self.check(lambda n: self.machine.sh("ip", "addr", "add" if n % 2 == 0 else "del", "172.16.0.1/32", "dev", "other"))

    def test_rules_come_and_go(self):
        """Not at every moment: who has to look before a batch can always be overtaken."""

        def change(n):
            if n % 100 < 50:
                self.machine.sh("nft", "add" if n % 2 == 0 else "delete", "table", "inet", "restless")

        self.check(change)


if __name__ == "__main__":
    main()
