"""Faults that other network tools have in the files of the DNS daemon and in its life, and ours must
not: entries lost between callers, teardowns that stop half-way, answers that name nobody."""

import os
import signal
import threading
import unittest

from netns_support import Namespace, sh
from netstack_support import (
    CONFIG, DNS, NetstackTest, attachment, encoded, identifier, main, network, request,
)  # fmt: skip

DIRECTORY = f"{CONFIG}/aardvark-dns"
FRONT = network("front", "10.30.0.0/16", dns_enabled=True)
BACK = network("back", "10.31.0.0/16", dns_enabled=True)


def lines(name):
    with open(f"{DIRECTORY}/{name}") as file:
        return file.read().splitlines()


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Files(NetstackTest):
    dns = DNS or ""

    def document(self, n):
        return request(f"c{n}", attachment(FRONT, f"10.30.0.{n}"), attachment(BACK, f"10.31.0.{n}"))

    def start(self, command, n):
        process = self.netstack.start(command, f"/run/netns/c{n}")
        process.stdin.write(encoded(self.document(n)))
        process.stdin.close()
        process.stdin = None
        return process

    def test_no_entry_is_lost_between_containers_that_come_and_go_at_once(self):
        """And a reader never sees half a file."""
        stay, go, come = range(2, 8), range(8, 18), range(18, 28)
        for n in (*stay, *go, *come):
            self.container(f"c{n}")
        for n in (*stay, *go):
            self.setup_ok(self.container_at(n), self.document(n))
        stop, torn = threading.Event(), []

        def read():
            known = {identifier(f"c{n}") for n in (*stay, *go, *come)}
            while not stop.is_set():
                header, *entries = lines("front")
                if header != "10.30.0.1" or any(entry.split(" ")[0] not in known for entry in entries):
                    torn.append((header, entries))
                if len(entries) < len(stay):
                    torn.append(entries)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            started = [self.start("teardown", n) for n in go] + [self.start("setup", n) for n in come]
            for process in started:
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0, (out, err))
        finally:
            stop.set()
            reader.join()
        self.assertEqual(torn, [])
        for name in ("front", "back"):
            self.assertEqual(
                {line.split(" ")[0] for line in lines(name)[1:]}, {identifier(f"c{n}") for n in (*stay, *come)}
            )

    def container_at(self, n):
        return Namespace(f"c{n}", f"/run/netns/c{n}")

    def test_the_second_file_that_cannot_be_written_leaves_the_first_as_it_was(self):
        self.attach("other", attachment(FRONT, "10.30.0.9"))
        self.settled_snapshot()
        before = lines("front")
        os.makedirs(f"{DIRECTORY}/back")
        self.assert_refused(self.container("c"), self.document(2), "back")
        self.assertEqual(lines("front"), before)

    def test_a_file_that_is_gone_does_not_keep_the_others_from_teardown(self):
        self.attach("other", attachment(BACK, "10.31.0.9"))
        container = self.container("c2")
        self.setup_ok(container, self.document(2))
        os.unlink(f"{DIRECTORY}/front")
        self.teardown_ok(container, self.document(2))
        self.assertEqual([line.split(" ")[0] for line in lines("back")[1:]], [identifier("other")])

    def test_changed_gateways_of_a_network_hold_from_the_next_setup_on(self):
        self.attach("a", attachment(FRONT, "10.30.0.2"))
        moved = network("front", {"subnet": "10.30.0.0/16", "gateway": "10.30.0.254"}, dns_enabled=True)
        self.attach("b", attachment(moved, "10.30.0.3"))
        self.assertEqual(lines("front")[0], "10.30.0.254")


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Daemon(NetstackTest):
    dns = DNS or ""

    def pid(self):
        with open(f"{DIRECTORY}/aardvark.pid") as file:
            return int(file.read())

    def test_one_that_runs_in_another_network_does_not_count(self):
        """Its directory is ours, but it can listen on none of our gateways."""
        self.attach("here", attachment(FRONT, "10.30.0.2"))
        elsewhere = Namespace.add("elsewhere")
        elsewhere.sh("ip", "link", "set", "lo", "up")
        before = self.pid()
        self.addCleanup(os.kill, before, signal.SIGKILL)
        container = self.container("c")
        document = request("c", attachment(FRONT, "10.30.0.3"))
        outcome = elsewhere.inside(self.netstack.setup, container, document)
        self.assertEqual(outcome.code, 0, outcome)
        self.assertNotEqual(self.pid(), before)
        self.assertIn("status: NOERROR", container.sh("dig", "+time=2", "+tries=1", "@10.30.0.1", "c"))


class Start(NetstackTest):
    def program(self, text):
        with open("/run/daemon", "w") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod("/run/daemon", 0o755)
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/run/daemon"
        return request("c", attachment(FRONT, "10.30.0.2"))

    def test_one_that_never_serves_is_waited_for_five_seconds_and_killed(self):
        document = self.program("echo $$ >/run/started; sleep 1000 & exec sleep 1000")
        self.assert_refused(self.container("c"), document, "/run/daemon", "5 s")
        with open("/run/started") as file:
            self.assertFalse(os.path.exists(f"/proc/{int(file.read())}"))
        alive = [line for line in sh("ps", "-eo", "stat,comm").splitlines() if not line.startswith("Z")]
        self.assertNotIn("sleep", "".join(alive))

    def test_one_that_never_stops_to_complain_is_quoted_shortly(self):
        document = self.program("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1")
        error = self.assert_refused(self.container("c"), document, "xxxx")
        self.assertLess(len(error), 5000)


class WithoutDaemon(NetstackTest):
    def test_the_answer_names_no_server_that_nobody_runs(self):
        document = request("c", attachment(FRONT, "10.30.0.2"), dns_servers=["192.0.2.53"])
        answer = self.setup_ok(self.container("c"), document)
        self.assertEqual(answer["front"]["dns_server_ips"], ["192.0.2.53"])

    def test_teardown_of_every_network_with_dns_succeeds(self):
        document = request("c", attachment(FRONT, "10.30.0.2"), attachment(BACK, "10.31.0.2"))
        container = self.container("c")
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.teardown_ok(container, document)


if __name__ == "__main__":
    main()
