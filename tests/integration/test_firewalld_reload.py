"""Reloads and restarts of the real firewalld: containers are cut off no longer than it takes."""

import os
import signal
import socket
import time

from firewalld_support import Bus, FirewalldTest, end, full_bus, main
from netns_support import NEVER, SOON, Listener, connects, reaches, wait_until
from netstack_support import CONFIG, NetstackTest, attachment, encoded, network, port, request
from watch_support import Watcher

OPEN = {"isolate": "false"}
FRONT = network("front", "10.40.0.0/24", "fd00:40::/64", options=OPEN)
BACK = network("back", "10.41.0.0/24", options=OPEN)
BRIDGES = ("br-front", "br-back")


class Watched(FirewalldTest):
    """Two containers on two networks, and `firewalld-reload` waiting."""

    def setUp(self):
        super().setUp()
        self.front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"), ports=[port(8080, 80)])
        self.back = self.attached("b", attachment(BACK, "10.41.0.2"))
        self.watch = self.start_watch()

    def zones(self):
        return [self.firewalld.zone_of(bridge) for bridge in BRIDGES]

    def assert_back(self):
        self.assertTrue(wait_until(lambda: self.zones() == ["burrow", "burrow"], timeout=SOON), self.zones())
        for address in ("192.0.2.2", "2001:db8::2"):
            with Listener(self.outside_host, 80, address) as listener:
                self.assertIsNotNone(reaches(self.front, address, 80, listener), address)
        with Listener(self.back, 80) as listener:
            self.assertIsNotNone(reaches(self.front, "10.41.0.2", 80, listener))
        with Listener(self.front, 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8080, listener))

    def test_after_a_reload_and_a_complete_reload_everything_stands_again(self):
        for method in ("reload", "completeReload"):
            self.firewalld.reload(method)
            began = time.monotonic()
            self.assert_back()
            self.assertLess(time.monotonic() - began, SOON)

    def test_a_connection_lives_through_a_reload(self):
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            client = self.front.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.settimeout(SOON)
            client.connect(("192.0.2.2", 80))
            server, _ = listener.socket.accept()
            with client, server:
                self.firewalld.reload()
                client.send(b"still here")
                server.settimeout(SOON)
                self.assertEqual(server.recv(64), b"still here")

    def test_after_a_restart_of_firewalld_everything_stands_again(self):
        self.firewalld.stop()
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertIsNotNone(reaches(self.front, "192.0.2.2", 80, listener))
        self.firewalld.start()
        self.assert_back()

    def test_without_the_watch_a_reload_cuts_containers_off_and_firewall_reload_mends_it(self):
        self.watch.kill()
        self.watch.wait()
        self.firewalld.reload()
        with Listener(self.outside_host, 80, "192.0.2.2"):
            self.assertFalse(connects(self.front, "192.0.2.2", 80, NEVER))
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assert_back()

    def test_waiting_costs_nothing(self):
        def ticks():
            with open(f"/proc/{self.watch.pid}/stat") as file:
                return sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])

        before = ticks()
        time.sleep(0.5)
        self.assertEqual(ticks(), before)
        with open(f"/proc/{self.watch.pid}/status") as file:
            resident = next(line for line in file if line.startswith("VmRSS"))
        self.assertLess(int(resident.split()[1]), 10240)

    def test_networks_that_are_older_than_firewalld_come_into_its_zone(self):
        self.firewalld.stop()
        old = network("old", "10.45.0.0/24")
        self.attached("old", attachment(old, "10.45.0.2"))
        self.firewalld.start()
        self.assertTrue(wait_until(lambda: self.firewalld.zone_of("br-old") == "burrow"))

    def test_a_firewalld_that_dies_in_the_middle_of_a_call_stops_no_container(self):
        namespace = self.container("c")
        self.addCleanup(namespace.delete)
        document = request("c", attachment(FRONT, "10.40.0.9", "fd00:40::9"))
        self.addCleanup(self.netstack.teardown, namespace, document)
        self.firewalld.process.send_signal(signal.SIGSTOP)
        call = self.netstack.start("setup", namespace.path)
        call.stdin.write(encoded(document))
        call.stdin.close()
        time.sleep(0.4)
        self.firewalld.kill()
        self.assertEqual(call.wait(timeout=10), 0)
        said = call.stderr.read().decode()
        end(call)
        self.assertIn("went away before it answered", said)
        self.firewalld.start()
        self.assert_back()


class Healed(FirewalldTest):
    """The watcher does the same, for several run directories."""

    def test_bridges_come_back_after_a_reload_and_a_restart(self):
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        watcher = Watcher("--run-directory", CONFIG)
        self.addCleanup(watcher.stop)
        zone = lambda: self.firewalld.zone_of("br-front")
        for forget in (self.firewalld.reload, self.restart):
            forget()
            self.assertTrue(wait_until(lambda: zone() == "burrow", timeout=SOON), watcher.said())
            with Listener(self.outside_host, 80, "192.0.2.2") as listener:
                self.assertIsNotNone(reaches(front, "192.0.2.2", 80, listener))
        self.assertTrue(watcher.says("put 1 bridges back"))

    def restart(self):
        self.firewalld.stop()
        self.firewalld.start()


class Unread(FirewalldTest):
    """Our zone was not among firewalld's when it started."""

    has_zone = False

    def test_until_our_zone_is_read_trusted_stands_in_and_a_reload_moves_the_bridge(self):
        self.start_watch()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        outcome = self.netstack.setup(namespace, document, environment={"BURROW_LOG": "warn"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(self.firewalld.zone_of("br-front"), "trusted")
        self.assertIn('firewalld has not read zone "burrow"', outcome.err)
        doctor = self.netstack.run("doctor")
        self.assertIn("has not read zone", doctor.out)

        self.firewalld.install_zone()
        self.firewalld.reload()
        self.assertTrue(wait_until(lambda: self.firewalld.zone_of("br-front") == "burrow"))
        self.assertIn("runs and has zone", self.netstack.run("doctor").out)
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.zone_of("br-front"), "")


class Bare(NetstackTest):
    """No firewalld, and no bus."""

    def test_without_a_bus_the_watch_says_so_and_ends(self):
        outcome = self.netstack.run("firewalld-reload")
        self.assertIn("no message bus at", outcome.error)

    def test_when_the_bus_goes_the_watch_ends_for_its_unit_to_start_it_again(self):
        bus = Bus()
        watch = self.netstack.start("firewalld-reload", environment={"BURROW_LOG": "info"})
        self.addCleanup(end, watch)
        while b"waiting for firewalld" not in watch.stderr.readline():
            self.assertIsNone(watch.poll())
        bus.stop()
        self.assertEqual(watch.wait(timeout=SOON), 1)
        self.assertIn(b"the message bus has gone", watch.stdout.read())

    def test_a_bus_without_firewalld_is_asked_and_nothing_is_different(self):
        bus = Bus()
        self.addCleanup(bus.stop)
        namespace = self.container("a")
        document = request("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        began = time.monotonic()
        outcome = self.netstack.setup(namespace, document)
        self.assertLess(time.monotonic() - began, 1.5)
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        self.teardown_ok(namespace, document)

    def test_a_bus_that_takes_no_connections_holds_nobody_up(self):
        with full_bus():
            namespace = self.container("a")
            outcome = self.netstack.setup(namespace, request("a", attachment(FRONT, "10.40.0.2")))
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("takes no connections", outcome.err)


if __name__ == "__main__":
    main()
