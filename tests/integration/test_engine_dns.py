"""`burrow dns`: what people see of the DNS daemon."""

import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import unittest

import dns_support as dns
from dns_support import DaemonTest, ask

BURROW = pathlib.Path(os.environ["BURROW_BIN"], "burrow")
GATEWAY, CLIENT = "10.89.0.1", "10.89.0.2"
NET = f"{GATEWAY}\n=   www 0 CNAME web\nabc {CLIENT}  web\n"
dns.add_address(GATEWAY, CLIENT, "10.90.0.1")
dns.private_etc()


class Dns(DaemonTest):
    def burrow(self, command, *arguments, expect=0):
        done = subprocess.run([BURROW, "dns", command, "--dir", self.daemon.directory, *arguments],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def setUp(self):
        self.daemon = self.start_daemon({"net": NET, "inner%int": "10.90.0.1\n"})

    def test_status_shows_networks_and_counters(self):
        ask("web")
        said = self.burrow("status")
        self.assertIn("1 queries (0 over TCP)", said)
        self.assertRegex(said, r"(?m)^net +10\.89\.0\.1 +1 +2 +- +-$")
        self.assertIn("inner (internal)", said)
        self.assertEqual(json.loads(self.burrow("status", "--format", "json"))["pid"],
                         self.daemon.pid)

    def test_names_are_a_table(self):
        self.assertRegex(self.burrow("names", "net"), rf"(?m)^net +web +{CLIENT}$")
        self.assertRegex(self.burrow("names"), r"(?m)^net +www +0 CNAME web$")
        self.assertIn('no network "nowhere"', self.burrow("names", "nowhere", expect=125))

    def test_a_query_shows_who_answers_and_what(self):
        said = self.burrow("query", "www", "--from", CLIENT)
        self.assertIn(f"for {CLIENT} at network net, which sees net\nNOERROR by us", said)
        self.assertIn(f"  web. 0 A {CLIENT}\n", said)
        self.assertIn("NXDOMAIN by us", self.burrow("query", "x.dns.podman", "MX"))
        self.assertIn("unknown record type", self.burrow("query", "web", "WORD", expect=125))

    def test_the_log_is_shown_as_it_comes_until_the_daemon_ends(self):
        with subprocess.Popen([BURROW, "dns", "log", "--dir", self.daemon.directory],
                              stdout=subprocess.PIPE, text=True) as following:
            def has_listener():
                ask("web")
                return bool(select.select([following.stdout], [], [], 0.05)[0])
            dns.wait_until(has_listener)
            self.assertRegex(following.stdout.readline(),
                             rf"^\S+Z net \S+ web A NOERROR web\. 0 A {CLIENT} \d+ us$")
            self.daemon.stop()
            self.assertEqual(following.wait(5), 0)

    def test_metrics_are_those_of_the_daemon(self):
        self.assertIn("burrow_dns_networks 2\n", self.burrow("metrics"))

    def test_without_a_daemon_it_says_so(self):
        done = subprocess.run([BURROW, "--root", tempfile.mkdtemp(), "dns", "status"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertRegex(done.stderr, r'^Error: no DNS daemon: there is no ".*/aardvark-dns.sock"')


if __name__ == "__main__":
    sys.exit(unittest.main())
