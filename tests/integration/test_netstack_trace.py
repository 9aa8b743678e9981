"""`trace`: a packet's way through all tables in words, and `firewall show`: who is in ours."""

import json
import os
import signal
import socket
import subprocess
import threading

from netns_support import Listener, connects, send, wait_until
from netstack_support import NetstackTest, attachment, main, network, port, request

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64", options={"isolate": "true"})
BACK = network("back", "10.31.0.0/24", options={"isolate": "strict"})
SECRET = network("secret", "10.32.0.0/24", internal=True)


class World(NetstackTest):
    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.a = self.attach("a", attachment(FRONT, "10.30.0.2", "fd00:30::2"),
                             ports=[port(8080, 80), port(9000, 9000, "udp", count=20), port(53, 5353, "udp", "127.0.0.1")])
        self.b = self.attach("b", attachment(BACK, "10.31.0.2"))

    def nft(self, text):
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


class Trace(World):
    def trace(self, *options):
        process = self.netstack.start("trace", *options)
        process.stdin.close()
        self.addCleanup(self.end, process)
        first = process.stdout.readline().decode()
        self.assertTrue(first.startswith("waiting for packets"), first)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def story(self, process):
        # A packet that is not heard of must not keep the test waiting.
        limit = threading.Timer(10, process.kill)
        limit.start()
        text = process.stdout.read().decode()
        limit.cancel()
        self.assertEqual(process.wait(timeout=10), 0, text)
        return text

    def tables(self):
        return self.machine.sh("nft", "list", "tables")

    def test_a_published_port_in_both_families(self):
        for client, host, inside, any_address in (("192.0.2.2", "192.0.2.1", "10.30.0.2", "0.0.0.0"),
                                                  ("2001:db8::2", "2001:db8::1", "fd00:30::2", "::")):
            process = self.trace("--from", client, "--to", f"[{host}]:8080" if ":" in host else f"{host}:8080")
            with Listener(self.a, 80, any_address):
                self.assertTrue(connects(self.outside_host, host, 8080))
            text = self.story(process)
            self.assertIn(f"tcp {client} port ", text)
            self.assertIn(f"to {host} port 8080, in by \"uplink\"", text)
            self.assertRegex(text, r"inet burrow publish .*protocol . port in @publish[46], translate the destination")
            self.assertRegex(text, r"inet burrow forward .*oifname in @bridges, jump container")
            self.assertRegex(text, r'inet burrow container .*translation dnat, accept" accepts it')
            self.assertIn("=> no chain dropped it", text)
            self.assertNotIn("burrow_trace", self.tables())

    def test_who_dropped_it_is_said_also_where_it_was_somebody_elses_table(self):
        process = self.trace("--from", "10.30.0.2", "--to", "10.31.0.2", "--protocol", "udp")
        send(self.a, "10.31.0.2", 99)
        text = self.story(process)
        self.assertRegex(text, r'=> dropped by rule "oifname in @strict, drop" of inet burrow between')

        self.nft("table ip theirs {\n chain c {\n  type filter hook forward priority -10; policy accept;\n"
                 "  ip saddr 10.30.0.0/16 udp dport 98 counter drop\n }\n}\n")
        process = self.trace("--from", "10.30.0.2", "--to", "192.0.2.2:98", "--protocol", "udp")
        send(self.a, "192.0.2.2", 98)
        text = self.story(process)
        self.assertRegex(text, r'=> dropped by rule "source 10.30.0.0/16, .*port 98, drop" of ip theirs c')

        self.nft("flush chain ip theirs c\nchain ip theirs c { policy drop; }")
        process = self.trace("--from", "10.30.0.2", "--to", "192.0.2.2:98", "--protocol", "udp")
        send(self.a, "192.0.2.2", 98)
        self.assertIn("=> dropped by the policy of ip theirs c", self.story(process))

    def test_packets_of_other_flows_are_not_followed(self):
        process = self.trace("--from", "10.30.0.2", "--to", "192.0.2.2:98", "--protocol", "udp")
        send(self.a, "192.0.2.2", 97)
        send(self.b, "192.0.2.2", 98)
        send(self.a, "192.0.2.2", 98)
        text = self.story(process)
        self.assertEqual(text.count("packet "), 1)
        self.assertIn("to 192.0.2.2 port 98", text)

    def test_no_signal_leaves_its_table_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            process = self.trace("--from", "10.30.0.2", "--to", "192.0.2.2")
            self.assertIn("burrow_trace", self.tables())
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=10), 0 if number != signal.SIGKILL else -number)
            self.assertTrue(wait_until(lambda: "burrow_trace" not in self.tables()), number)

    def test_a_table_that_an_older_kernel_kept_is_replaced_and_two_at_once_are_refused(self):
        self.nft("add table inet burrow_trace\nadd chain inet burrow_trace stale")
        process = self.trace("--from", "10.30.0.2", "--to", "192.0.2.2")
        self.assertNotIn("stale", self.machine.sh("nft", "list", "table", "inet", "burrow_trace"))
        error = self.netstack.run("trace", "--from", "10.30.0.2", "--to", "192.0.2.2").error
        self.assertIn("another trace is at work", error)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=10), 0)

    def test_bad_input(self):
        for options, words in (
            (["--from", "10.0.0.1", "--to", "fd00::1"], "two families"),
            (["--from", "nobody", "--to", "10.0.0.1"], "nobody"),
            (["--from", "10.0.0.1", "--to", "10.0.0.2:0"], "not a port"),
            (["--from", "10.0.0.1", "--to", "10.0.0.2:80", "--protocol", "smtp"], "smtp"),
        ):
            self.assertIn(words, self.netstack.run("trace", *options).error)
        for options in ((), ("--from", "10.0.0.1"), ("--from", "10.0.0.1", "--to", "10.0.0.2", "--packets", "0")):
            self.assertEqual(self.netstack.run("trace", *options).code, 2)


class Show(World):
    def show(self, *options):
        outcome = self.netstack.run("firewall", "show", *options)
        self.assertEqual(outcome.code, 0, outcome)
        return outcome.out

    def test_networks_and_ports_are_shown_with_their_owners(self):
        self.attach("c", attachment(SECRET, "10.32.0.2"))
        view = json.loads(self.show("--format", "json"))
        self.assertEqual(view["table"], "current")
        networks = {entry["name"]: entry for entry in view["networks"]}
        self.assertEqual(sorted(networks), ["back", "front", "secret"])
        self.assertEqual(networks["front"]["isolation"], "isolated")
        self.assertEqual(networks["front"]["subnets"], ["10.30.0.0/24", "fd00:30::/64"])
        self.assertEqual(networks["back"]["isolation"], "strict")
        self.assertEqual((networks["secret"]["internal"], networks["front"]["internal"]), (True, False))
        ports = {(entry["protocol"], entry["host_address"], entry["host_ports"]): entry for entry in view["ports"]}
        self.assertEqual(ports["tcp", "0.0.0.0", "8080"]["to"], "10.30.0.2:80")
        self.assertEqual(ports["tcp", "::", "8080"]["to"], "[fd00:30::2]:80")
        self.assertEqual(ports["udp", "0.0.0.0", "9000-9019"]["to"], "10.30.0.2:9000-9019")
        self.assertEqual(ports["udp", "127.0.0.1", "53"]["to"], "10.30.0.2:5353")
        self.assertTrue(ports["udp", "127.0.0.1", "53"]["owner"].startswith("container a ("))
        text = self.show()
        self.assertIn("table inet burrow: current", text)
        self.assertRegex(text, r"front +br-front +10\.30\.0\.0/24,fd00:30::/64 +isolated +translated")
        self.assertRegex(text, r"0\.0\.0\.0:8080 +tcp +10\.30\.0\.2:80 +container a \(")

    def test_counters_are_those_of_the_bridges(self):
        traffic = lambda: {entry["name"]: entry["traffic"] for entry in
                           json.loads(self.show("--format", "json", "--counters"))["networks"]}
        before = traffic()["front"]["packets_in"]
        for _ in range(5):
            send(self.a, "192.0.2.2", 98)
        self.assertTrue(wait_until(lambda: traffic()["front"]["packets_in"] >= before + 5))
        self.assertIn("packets", self.show("--counters"))
        self.assertNotIn("traffic", self.show("--format", "json"))

    def test_connections_are_counted_by_published_port(self):
        def traffic(everywhere):
            shown = json.loads(self.show("--format", "json", "--counters"))["ports"]
            return next(entry["traffic"] for entry in shown if (entry["host_address"], entry["host_ports"]) == (everywhere, "8080"))

        listeners = [Listener(self.a, 80, everywhere) for everywhere in ("0.0.0.0", "::")]
        for listener in listeners:
            self.addCleanup(listener.close)
        self.machine.sysctl("net/netfilter/nf_conntrack_acct", 0)
        self.assertEqual([traffic("0.0.0.0"), traffic("::")], [{"connections": 0}] * 2)
        with self.outside_host.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect(("192.0.2.1", 8080))
            self.assertEqual([traffic("0.0.0.0"), traffic("::")], [{"connections": 1}, {"connections": 0}])
        self.assertRegex(self.show("--counters"), r"0\.0\.0\.0:8080 +tcp +10\.30\.0\.2:80 +container a .* 1 +not counted +not counted")
        self.machine.sysctl("net/netfilter/nf_conntrack_acct", 1)
        with self.outside_host.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            client.connect(("2001:db8::1", 8080))
            client.sendall(b"x" * 1000)
            self.assertTrue(wait_until(lambda: traffic("::").get("bytes_to_container", 0) > 1000))
            self.assertEqual(traffic("::")["connections"], 1)

    def test_without_a_table_there_is_nothing_to_show(self):
        self.machine.sh("nft", "flush", "ruleset")
        self.assertEqual(json.loads(self.show("--format", "json")), {"table": "missing", "networks": [], "ports": [], "limits": []})
        self.assertEqual(self.show(), "table inet burrow: missing\n")
        self.assertEqual(self.netstack.run("firewall", "hide").code, 2)


if __name__ == "__main__":
    main()
