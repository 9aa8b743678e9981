"""Limits by the engine: at a start, on what runs, and kept for the next start."""

import sys
import unittest

import engine_support
from engine_support import eventually

SERVE = "mkdir /srv/www && echo hello > /srv/www/index.html && exec busybox httpd -f -p 80 -h /srv/www"


class Limits(engine_support.EngineTest):
    def setUp(self):
        super().setUp()
        for name in ("front", "back"):
            self.burrow("network", "create", "--opt", "isolate=false", name)
        self.burrow("run", "-d", "--name", "web", "--network", "back", "sh", "-c", SERVE)
        self.web = self.address("web", "back")

    def client(self, name, *options):
        self.burrow("run", "-d", "--name", name, *options, "sleep", "1000")

    def fetches(self, name):
        """Whether the container gets the page of `web`, on the other network."""
        done = self.burrow("exec", name, "busybox", "wget", "-qO-", f"http://{self.web}/", check=False)
        return done.stdout == "hello\n"

    def test_a_container_can_begin_with_limits_and_they_are_shown(self):
        self.client("shut", "--network", f"front:egress_deny={self.web};fd00::/8,alias=x")
        self.client("open", "--network", "front")
        self.assertTrue(eventually(lambda: self.fetches("open")))
        self.assertFalse(self.fetches("shut"))
        networks = self.container("shut")["NetworkSettings"]["Networks"]
        self.assertEqual(networks["front"]["DriverOpts"], {"egress_deny": f"{self.web};fd00::/8"})
        wrong = self.burrow("run", "--network", "front:egress_deny=10.0.0.1/8", "true", check=False)
        self.assertIn("host bits set", wrong.stderr)

    def test_a_limit_of_a_running_container_holds_at_once_and_at_its_next_start(self):
        self.client("client", "--network", "front")
        self.assertTrue(eventually(lambda: self.fetches("client")))
        self.burrow("network", "limit", "front", "--container", "client", "--egress-deny", self.web)
        self.assertFalse(self.fetches("client"))
        self.burrow("stop", "-t", "0", "client")
        self.burrow("start", "client")
        self.assertFalse(self.fetches("client"))
        self.burrow("network", "limit", "front", "--container", "client", "--egress-deny", "")
        self.assertTrue(self.fetches("client"))
        self.burrow("stop", "-t", "0", "client")
        self.burrow("network", "limit", "front", "--container", "client", "--egress-allow", "none")
        self.burrow("start", "client")
        self.assertFalse(self.fetches("client"))

    def test_a_limit_of_a_network_is_in_its_definition_and_holds_at_once(self):
        self.client("client", "--network", "front")
        self.burrow("network", "limit", "front", "--egress-deny", f"{self.web},fd00::/8")
        self.assertFalse(self.fetches("client"))
        self.assertEqual(self.json("network", "inspect", "front")[0]["options"],
                         {"egress_deny": f"{self.web},fd00::/8", "isolate": "false"})
        self.burrow("rm", "-f", "client")
        self.client("next", "--network", "front")
        self.assertFalse(self.fetches("next"))
        self.burrow("network", "limit", "front", "--egress-deny", "")
        self.assertTrue(self.fetches("next"))
        self.assertEqual(self.json("network", "inspect", "front")[0]["options"], {"isolate": "false"})

    def test_what_cannot_be_meant_changes_nothing(self):
        self.client("client", "--network", "front")
        for arguments, words in (
                (("front",), "say which limit"),
                (("nowhere", "--packet-rate", "5/second"), "nowhere"),
                (("back", "--container", "client", "--packet-rate", "5/second"), "not connected to network back"),
                (("front", "--container", "nobody", "--packet-rate", "5/second"), "no such container"),
                (("front", "--egress-deny", "10.0.0.1/8"), "host bits set"),
                (("front", "--packet-rate", "5/second"), "packet_rate is each container's")):
            with self.subTest(arguments):
                done = self.burrow("network", "limit", *arguments, check=False)
                self.assertEqual(done.returncode, 125)
                self.assertIn(words, done.stderr)
        self.assertEqual(self.json("network", "inspect", "front")[0]["options"], {"isolate": "false"})
        self.assertIsNone(self.container("client")["NetworkSettings"]["Networks"]["front"]["DriverOpts"])


if __name__ == "__main__":
    engine_support.require_programs()
    sys.exit(unittest.main())
