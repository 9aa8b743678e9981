"""Another program has port 53: names are served on another port, and containers notice nothing. And
a daemon that never becomes ready holds nobody up for long."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

import dns_support
from netns_support import wait_until
from netstack_support import CONFIG, DNS, NetstackTest, attachment, main, network, request

DIRECTORY = f"{CONFIG}/aardvark-dns"
DNSMASQ = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin:/sbin")
FRONT = network("front", "10.30.0.0/24", "fd00:30::/64", dns_enabled=True)
BACK = network("back", "10.31.0.0/24", dns_enabled=True)
GATEWAYS = ("10.30.0.1", "fd00:30::1")


def ask(namespace, server, name, kind=socket.SOCK_DGRAM):
    """The addresses that `server` has for `name`, asked from inside a container; None: no answer."""
    query = dns_support.make_query(name, edns=1232)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with namespace.socket(family, kind) as client:
        client.settimeout(2)
        try:
            client.connect((server, 53))
            if kind == socket.SOCK_STREAM:
                client.sendall(len(query).to_bytes(2, "big") + query)
                reply = client.recv(4096)[2:]
            else:
                client.send(query)
                reply = client.recv(4096)
        except OSError:
            return None
    return dns_support.Reply(reply).data


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Port(NetstackTest):
    dns = DNS or ""

    def start_dnsmasq(self, *arguments):
        if not DNSMASQ:
            self.skipTest("needs dnsmasq")
        daemon = subprocess.Popen(
            [DNSMASQ, "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root",
             "--pid-file=", "--address=/of.dnsmasq/192.0.2.99", *arguments])  # fmt: skip
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.machine.sh("ip", "link", "set", "lo", "up")
        self.assertTrue(wait_until(lambda: ask(self.machine, "127.0.0.1", "of.dnsmasq") == ["192.0.2.99"]))

    def assert_served(self, client, gateways=GATEWAYS, name="web", address="10.30.0.2"):
        for gateway in gateways:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                self.assertEqual(ask(client, gateway, name, kind), [address], (gateway, kind))

    def daemon_port(self):
        pid = int(pathlib.Path(DIRECTORY, "aardvark.pid").read_text())
        arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return int(arguments[arguments.index(b"-p") + 1])

    def redirections(self):
        found = {}
        for name in ("dns4", "dns6"):
            listed = self.machine.sh("nft", "list", "map", "inet", "burrow", name)
            found[name] = " ".join(listed.split())
        return found

    def test_dnsmasq_on_all_addresses_leaves_names_to_containers(self):
        self.start_dnsmasq()
        before = self.settled_snapshot()
        web = request("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
        client = request("client", attachment(FRONT, "10.30.0.3", "fd00:30::3"))
        containers = {name: self.container(name) for name in ("web", "client")}
        self.setup_ok(containers["web"], web)
        self.setup_ok(containers["client"], client)
        self.assertNotEqual(self.daemon_port(), 53)
        self.assert_served(containers["client"])
        self.assertEqual(ask(self.machine, "127.0.0.1", "of.dnsmasq"), ["192.0.2.99"])
        self.teardown_ok(containers["web"], web)
        self.teardown_ok(containers["client"], client)
        for container in containers.values():
            container.delete()
        self.assert_unchanged(before)

    def test_the_log_says_who_is_in_the_way_of_what(self):
        self.start_dnsmasq()
        container = self.container("web")
        document = request("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
        outcome = self.netstack.setup(container, document, environment={"RUST_LOG": "warn"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("port 53 of 10.30.0.1", outcome.err)
        self.assertIn(f"port {self.daemon_port()}", outcome.err)

    def test_further_networks_follow_the_daemon_that_runs(self):
        self.start_dnsmasq()
        self.attach("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
        other = self.attach("other", attachment(BACK, "10.31.0.2"))
        self.assert_served(other, ("10.31.0.1",), "other", "10.31.0.2")

    def test_a_daemon_that_is_started_again_serves_where_the_firewall_leads(self):
        self.start_dnsmasq()
        web = self.attach("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
        port = self.daemon_port()
        pid = int(pathlib.Path(DIRECTORY, "aardvark.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        other = self.attach("other", attachment(BACK, "10.31.0.2"))
        self.assertEqual(self.daemon_port(), port)
        self.assert_served(web)
        self.assert_served(other, ("10.31.0.1",), "other", "10.31.0.2")

    def test_only_one_of_the_two_protocols_is_in_the_way(self):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with self.subTest(kind=kind), socket.socket(socket.AF_INET6, kind) as taken:
                taken.bind(("::", 53))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                document = request("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
                web = self.container("web")
                self.setup_ok(web, document)
                self.assert_served(web)
                self.teardown_ok(web, document)
                web.delete()
                self.assertTrue(wait_until(lambda: not os.path.exists(f"{DIRECTORY}/aardvark.pid")))

    def test_with_port_53_free_nothing_is_redirected(self):
        web = self.attach("web", attachment(FRONT, "10.30.0.2", "fd00:30::2"))
        self.assertEqual(self.daemon_port(), 53)
        self.assertIn("10.30.0.1 . udp . 53 comment \"network front\" : 10.30.0.1 . 53", self.redirections()["dns4"])
        self.assert_served(web)


class Slow(NetstackTest):
    def test_a_daemon_that_is_never_ready_is_an_error_within_seconds(self):
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/run/slow"
        with open("/run/slow", "w") as file:
            file.write("#!/bin/sh\necho $$ > /run/slow.pid\necho still thinking >&2\nexec sleep 600\n")
        os.chmod("/run/slow", 0o755)
        container = self.container("web")
        began = time.monotonic()
        self.assert_refused(container, request("web", attachment(FRONT, "10.30.0.2", "fd00:30::2")),
                            "aardvark-dns failed to start", "not ready", "still thinking")  # fmt: skip
        self.assertLess(time.monotonic() - began, 15)
        self.assertFalse(os.path.exists(f"/proc/{pathlib.Path('/run/slow.pid').read_text().strip()}"))


if __name__ == "__main__":
    main()
