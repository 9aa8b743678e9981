"""Leases that are not to be had, proxies that are away or hang, commands that are killed or meet: nothing
is left, and nobody else is held up."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time

import kill_at_syscall
from dhcp_support import wait_until
from netstack_dhcp_support import NetstackDhcpTest, macvlan
from netstack_support import attachment, encoded, identifier, main, network, port, request

PLAIN = network("plain", "10.77.0.0/24")


class Failures(NetstackDhcpTest):
    timeout = "1"

    def refused(self, *words, document=None, **keywords):
        container = self.container("c1")
        before = self.snapshot(container)
        started = time.monotonic()
        error = self.netstack.setup(container, document or self.document(), **keywords).error
        for word in words:
            self.assertIn(word, error)
        self.assert_unchanged(before, container)
        self.assertEqual(self.journal(), [])
        self.assertLess(time.monotonic() - started, 6)

    def test_a_server_that_never_answers(self):
        self.misbehave("never")
        self.start_proxy()
        self.refused('network "lan"', "unable to obtain a lease", "within 1 s", "no DHCP server answers")
        self.assertEqual(self.status(), [])

    def test_a_server_that_answers_garbage(self):
        self.misbehave("garbage")
        self.start_proxy()
        self.refused('network "lan"', "unable to obtain a lease", "within 1 s")

    def test_what_was_set_up_besides_is_undone(self):
        self.misbehave("never")
        self.start_proxy()
        document = request("c1", attachment(PLAIN, "10.77.0.2"), attachment(macvlan()), ports=[port(8080, 80)])
        self.refused("no DHCP server answers", document=document)

    def test_a_lease_is_given_back_when_another_is_not_to_be_had(self):
        server = self.dnsmasq()
        self.start_proxy()
        self.machine.sh("ip", "link", "add", "deaf", "type", "veth", "peer", "name", "mute")
        for link in ("deaf", "mute"):
            self.machine.sh("ip", "link", "set", link, "addrgenmode", "none", "up")
        document = request("c1", attachment(macvlan()), attachment(macvlan("mute", network_interface="deaf")))
        self.refused('network "mute"', "no DHCP server answers", document=document)
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in server.text()), server.text())
        self.assertEqual(self.status(), [])

    def test_no_proxy_is_named_with_the_remedy(self):
        self.refused('network "lan"', self.path, "burrow-dhcp.socket", "netavark-dhcp-proxy.socket")

    def test_a_proxy_that_hangs(self):
        self.start_proxy()
        self.proxy.send_signal(signal.SIGSTOP)
        try:
            self.refused('network "lan"', self.path, "no answer in time")
        finally:
            self.proxy.send_signal(signal.SIGCONT)

    def test_a_proxy_of_another_kind(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(self.path)
            listener.listen()

            def answer():
                other, _ = listener.accept()
                with other:
                    other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    other.recv(65536)

            thread = threading.Thread(target=answer)
            thread.start()
            self.refused('network "lan"', self.path, "is none of a burrow-dhcp")
            thread.join()

    def test_a_lease_that_is_not_to_be_had_again_ends_the_attachment(self):
        server = self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        self.setup_ok(container, self.document())
        server.stop()
        self.assertIn("no DHCP server answers", self.netstack.setup(container, self.document()).error)
        self.assertEqual((self.journal(), self.status()), ([], []))
        self.assertEqual(container.links(), {"lo"})


class Teardown(NetstackDhcpTest):
    def test_without_the_proxy_all_else_is_done_and_the_lease_told_of(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        self.setup_ok(container, self.document())
        self.stop_proxy(signal.SIGKILL)
        started = time.monotonic()
        outcome = self.netstack.teardown(container, self.document(), environment={"RUST_LOG": "warn"})
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn('the lease of "eth0" of container', outcome.err)
        self.assertEqual((container.links(), self.journal()), ({"lo"}, []))

    def test_a_proxy_that_hangs_holds_up_nobody_for_long(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        self.setup_ok(container, self.document())
        self.proxy.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            self.teardown_ok(container, self.document())
            self.assertLess(time.monotonic() - started, 5)
        finally:
            self.proxy.send_signal(signal.SIGCONT)
        self.assertEqual(self.journal(), [])

    def test_a_container_whose_namespace_has_gone(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        self.setup_ok(container, self.document())
        path = container.path
        container.delete()
        self.namespaces.remove(container)
        self.teardown_ok(path, self.document())
        self.assertEqual((self.journal(), self.status()), ([], []))


class Meanwhile(NetstackDhcpTest):
    """What others may do while a lease is waited for."""

    timeout = "3"

    def begin(self, container, document, command="setup"):
        process = self.netstack.start(command, container.path)
        process.stdin.write(encoded(document))
        process.stdin.close()
        return process

    def finish(self, process):
        out = process.stdout.read().decode()
        process.stdout.close()
        process.stderr.close()
        return process.wait(15), out

    def await_errand(self):
        path = f"errands/{identifier('c1')}.json"
        self.assertTrue(wait_until(lambda: path in self.journal()), self.journal())

    def test_other_containers_are_set_up_and_torn_down(self):
        self.misbehave("never")
        self.start_proxy()
        container, other = self.container("c1"), self.container("other")
        document = request("other", attachment(PLAIN, "10.77.0.2"), ports=[port(8080, 80)])
        process = self.begin(container, self.document())
        self.await_errand()
        started = time.monotonic()
        self.setup_ok(other, document)
        self.teardown_ok(other, document)
        self.assertLess(time.monotonic() - started, 1.5)
        self.assertIsNone(process.poll())
        self.assertEqual(self.finish(process)[0], 1)
        self.assertEqual((container.links(), self.journal()), ({"lo"}, []))

    def test_networks_that_came_to_be_shared_meanwhile_stay(self):
        self.misbehave("never")
        self.start_proxy()
        container, other = self.container("c1"), self.container("other")
        process = self.begin(container, request("c1", attachment(PLAIN, "10.77.0.2"), attachment(macvlan()), ports=[port(8080, 80)]))
        self.await_errand()
        document = request("other", attachment(PLAIN, "10.77.0.3"), ports=[port(8081, 80)])
        self.setup_ok(other, document)
        self.assertEqual(self.finish(process)[0], 1)
        self.assertIsNotNone(self.machine.link("br-plain"))
        self.assertEqual(len(self.machine.ip("link", "show", "master", "br-plain")), 1)
        self.assertIn("8081", self.machine.sh("nft", "list", "table", "inet", "burrow"))
        self.teardown_ok(other, document)
        self.assertEqual(self.journal(), [])

    def test_a_teardown_of_the_same_container_waits_and_leaves_nothing(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        process = self.begin(container, self.document())
        self.await_errand()
        self.teardown_ok(container, self.document())
        self.assertEqual(self.finish(process)[0], 0)
        self.assertEqual((container.links(), self.journal(), self.status()), ({"lo"}, [], []))

    def test_a_second_setup_of_the_same_container_waits_for_the_first(self):
        self.dnsmasq()
        self.start_proxy()
        container = self.container("c1")
        process = self.begin(container, self.document())
        self.await_errand()
        block = self.setup_ok(container, self.document())
        code, out = self.finish(process)
        self.assertEqual((code, json.loads(out)), (0, block))
        self.assertEqual(len(self.status()), 1)

    def test_twenty_at_once_wait_together(self):
        self.dnsmasq(last="10.5.0.99")
        self.start_proxy("-t", "8")
        containers = [self.container(f"n{number}") for number in range(20)]
        started = time.monotonic()
        running = [self.begin(c, request(c.name, attachment(macvlan()))) for c in containers]
        addresses = set()
        for process in running:
            code, out = self.finish(process)
            self.assertEqual(code, 0, out)
            addresses.add(json.loads(out)["lan"]["interfaces"]["eth0"]["subnets"][0]["ipnet"])
        self.assertEqual(len(addresses), 20)
        # One after the other they would take 0.4 s each for looking whether the address is free.
        self.assertLess(time.monotonic() - started, 6)


class Crash(NetstackDhcpTest):
    timeout = "1"

    def kill_while_asking(self, container, document):
        process = self.netstack.start("setup", container.path)
        process.stdin.write(encoded(document))
        process.stdin.close()
        self.assertTrue(wait_until(lambda: f"errands/{identifier('c1')}.json" in self.journal()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def setUp(self):
        super().setUp()
        self.pod = self.container("c1")
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.mixed = request("c1", attachment(PLAIN, "10.77.0.2"), attachment(macvlan()), ports=[port(8080, 80)])

    def test_a_teardown_leaves_nothing_of_a_setup_that_was_killed_while_it_asked(self):
        self.misbehave("never")
        self.start_proxy()
        before = self.snapshot(self.pod)
        self.kill_while_asking(self.pod, self.mixed)
        self.teardown_ok(self.pod, self.mixed)
        self.assert_unchanged(before, self.pod)
        self.assertTrue(wait_until(lambda: self.status() == []))

    def test_the_next_command_of_another_container_takes_it_back(self):
        self.misbehave("never")
        self.start_proxy()
        self.kill_while_asking(self.pod, self.mixed)
        other = self.container("other")
        document = request("other", attachment(PLAIN, "10.77.0.3"), ports=[port(8080, 80)])
        self.setup_ok(other, document)
        self.assertEqual(self.pod.links(), {"lo"})
        self.assertEqual(self.journal(), [f"attachments/{identifier('other')}/plain.json", "host.json", "networks/plain.json"])
        self.teardown_ok(other, document)

    def test_at_any_moment(self):
        """Before some of the changing calls of a set-up and of a teardown."""
        self.dnsmasq(last="10.5.0.99")
        self.start_proxy()
        document = self.document()
        before = self.snapshot(self.pod)
        line = self.netstack.command("setup", self.pod.path)
        line[0] = shutil.which(line[0])
        for command in ("setup", "teardown"):
            for number in range(8, 400, 9):
                if command == "teardown":
                    self.setup_ok(self.pod, document)
                status, _ = kill_at_syscall.run(
                    [command if word == "setup" else word for word in line], encoded(document), self.netstack.environment, number)
                if number % 2:
                    self.setup_ok(self.pod, document)
                    self.assertEqual(len(self.status()), 1, f"{command}, call {number}")
                self.teardown_ok(self.pod, document)
                self.assertTrue(wait_until(lambda: self.status() == []), f"{command}, call {number}")
                self.assertEqual(self.journal(), [], f"{command}, call {number}")
                self.assert_unchanged(before, self.pod)
                if not os.WIFSIGNALED(status):
                    break
            self.assertGreater(number, 8)


if __name__ == "__main__":
    if not os.path.exists("/usr/sbin/dnsmasq"):
        print("skipped: no dnsmasq", file=sys.stderr)
        sys.exit(77)
    main()
