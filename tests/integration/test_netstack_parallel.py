"""Many at once on one bridge: all succeed, and the bridge stays until the last has gone."""

import json
import socket
import subprocess
import threading
import unittest

from netns_support import Listener, connects, reaches, sh
from netstack_support import (
    CONFIG, DNS, NetstackTest, Outcome, attachment, encoded, identifier, main, network, port, request,
)  # fmt: skip

A = network("a", "10.1.0.0/24", "fd00:1::/64", dns_enabled=True)
COUNT = 40


class Parallel(NetstackTest):
    dns = DNS or ""

    def setUp(self):
        super().setUp()
        self.pods = {n: self.container(f"c{n}") for n in range(2, 2 + COUNT)}

    def document(self, n):
        return request(
            f"c{n}", attachment(A, f"10.1.0.{n}", f"fd00:1::{n:x}"), ports=[port(9000 + n, 80), port(9000 + n, 53, "udp")]
        )

    def start(self, command, n):
        process = self.netstack.start(command, self.pods[n].path)
        process.stdin.write(encoded(self.document(n)))
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, processes):
        """Waits for all; every one must have succeeded."""
        outcomes = {}
        for key, process in processes.items():
            out, err = process.communicate(timeout=60)
            done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
            outcomes[key] = Outcome(done)
        failed = {key: outcome for key, outcome in outcomes.items() if outcome.code != 0}
        self.assertEqual(failed, {})
        return outcomes

    def all_at_once(self, command, numbers):
        return self.finish({n: self.start(command, n) for n in numbers})

    def ports_of_bridge(self):
        return len(self.machine.ip("link", "show", "master", "br-a"))

    def test_forty_setups_and_then_forty_teardowns_all_succeed_and_leave_nothing(self):
        before = self.snapshot()
        outcomes = self.all_at_once("setup", self.pods)
        for n, outcome in outcomes.items():
            subnets = json.loads(outcome.out)["a"]["interfaces"]["eth0"]["subnets"]
            self.assertEqual(subnets[0]["ipnet"], f"10.1.0.{n}/24")
        self.assertEqual(self.ports_of_bridge(), COUNT)
        for n in (2, 21, 41):
            with Listener(self.pods[n], 80):
                self.assertTrue(connects(self.machine, "127.0.0.1", 9000 + n))
        if DNS:
            with open(f"{CONFIG}/aardvark-dns/a") as file:
                lines = [line for line in file.read().splitlines()[1:] if not line.startswith("=")]
            self.assertEqual(sorted(line.split()[0] for line in lines), sorted(identifier(f"c{n}") for n in self.pods))
        self.all_at_once("teardown", self.pods)
        self.assert_unchanged(before)

    def test_setups_and_teardowns_mixed_on_one_bridge_all_succeed(self):
        old, new = [n for n in self.pods if n % 2], [n for n in self.pods if not n % 2]
        self.all_at_once("setup", old)
        index = self.machine.link("br-a")["ifindex"]
        processes = {}
        for leaving, coming in zip(old[1:], new):
            processes["teardown", leaving] = self.start("teardown", leaving)
            processes["setup", coming] = self.start("setup", coming)
        self.finish(processes)
        self.assertEqual(self.machine.link("br-a")["ifindex"], index, "the bridge went and came back")
        self.assertEqual(self.ports_of_bridge(), 1 + len(old[1:]))
        for n in (old[0], new[0], new[5]):
            with Listener(self.pods[n], 80):
                self.assertTrue(connects(self.machine, "127.0.0.1", 9000 + n), n)
        self.assertFalse(connects(self.machine, "127.0.0.1", 9000 + old[3], 0.2))

    def test_the_last_that_goes_and_the_first_that_comes_do_not_spoil_each_other(self):
        """The bridge may go between the two or stay: either way the newcomer works."""
        going, coming = 2, 3
        self.all_at_once("setup", [going])
        for _ in range(15):
            self.finish({going: self.start("teardown", going), coming: self.start("setup", coming)})
            with Listener(self.pods[coming], 80) as listener:
                self.assertEqual(reaches(self.machine, f"10.1.0.{coming}", 80, listener), "10.1.0.1")
            with Listener(self.machine, 80, "10.1.0.1") as listener:
                self.assertEqual(reaches(self.pods[coming], "10.1.0.1", 80, listener), f"10.1.0.{coming}")
            going, coming = coming, going
        self.all_at_once("teardown", [going])
        self.assertIsNone(self.machine.link("br-a"))

    def test_one_port_wanted_by_many_at_once_goes_to_exactly_one(self):
        processes = {}
        for n in self.pods:
            process = self.netstack.start("setup", self.pods[n].path)
            document = request(f"c{n}", attachment(A, f"10.1.0.{n}", f"fd00:1::{n:x}"), ports=[port(8080, 80)])
            process.stdin.write(encoded(document))
            process.stdin.close()
            process.stdin = None
            processes[n] = process
        winners, losers = [], []
        for n, process in processes.items():
            out, _ = process.communicate(timeout=60)
            (winners if process.returncode == 0 else losers).append((n, out))
        self.assertEqual(len(winners), 1)
        for _, out in losers:
            self.assertIn("8080", json.loads(out)["error"])
        self.assertEqual(self.ports_of_bridge(), 1)
        with Listener(self.pods[winners[0][0]], 80):
            self.assertTrue(connects(self.machine, "127.0.0.1", 8080))

    @unittest.skipUnless(DNS, "needs a DNS daemon")
    def test_setups_at_once_start_one_daemon(self):
        self.all_at_once("setup", list(self.pods)[:20])
        daemons = sh("pgrep", "-fc", f"{DNS} --config {CONFIG}/aardvark-dns").strip()
        self.assertEqual(daemons, "1")

    def test_traffic_flows_while_others_come_and_go(self):
        first = list(self.pods)[0]
        self.all_at_once("setup", [first])
        stop, lost = threading.Event(), []
        with Listener(self.pods[first], 80, "10.1.0.2", socket.SOCK_DGRAM) as listener:

            def exchange():
                with self.machine.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.connect(("10.1.0.2", 80))
                    while not stop.is_set():
                        client.send(b"x")
                        if listener.hears(1.0) is None:
                            lost.append(1)

            thread = threading.Thread(target=exchange)
            thread.start()
            try:
                for command in ("setup", "teardown") * 2:
                    self.all_at_once(command, list(self.pods)[1:11])
            finally:
                stop.set()
                thread.join()
        self.assertEqual(lost, [])


if __name__ == "__main__":
    main()
