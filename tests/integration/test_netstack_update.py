"""`update`: other DNS servers for a network whose containers run."""

import os
import unittest

from netstack_support import CONFIG, DNS, NetstackTest, attachment, main, network, request

FILES = f"{CONFIG}/aardvark-dns"


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Update(NetstackTest):
    dns = DNS or ""

    def setUp(self):
        super().setUp()
        self.front = network("front", "10.30.0.0/24", "fd00:30::/64", dns_enabled=True)
        self.containers = {}

    def start(self, name, document, *addresses):
        asked = request(name, attachment(document, *addresses))
        self.containers[name] = self.container(name)
        self.setup_ok(self.containers[name], asked)
        return asked

    def update(self, name, *servers):
        flags = [part for server in servers for part in ("--network-dns-servers", server)]
        return self.netstack.run("update", name, *flags)

    def update_ok(self, name, *servers):
        outcome = self.update(name, *servers)
        self.assertEqual((outcome.code, outcome.out, outcome.err), (0, "", ""), outcome)

    def lines(self, file="front"):
        with open(f"{FILES}/{file}") as opened:
            return opened.read().splitlines()

    def daemon(self):
        with open(f"{FILES}/aardvark.pid") as file:
            return int(file.read())

    def test_the_servers_change_and_nothing_else(self):
        self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        self.start("b", self.front, "10.30.0.3", "fd00:30::3")
        before, pid = self.lines(), self.daemon()
        self.update_ok("front", "192.0.2.53,2001:db8::53")
        self.assertEqual(self.lines(), ["10.30.0.1,fd00:30::1 192.0.2.53,2001:db8::53", *before[1:]])
        self.update_ok("front", "192.0.2.54", "192.0.2.55")
        self.assertEqual(self.lines()[0], "10.30.0.1,fd00:30::1 192.0.2.54,192.0.2.55")
        self.assertEqual(self.daemon(), pid)

    def test_an_empty_value_clears_them_and_the_daemon_is_told(self):
        self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        before = self.lines()
        self.update_ok("front", "192.0.2.53")
        self.update_ok("front", "")
        self.assertEqual(self.lines(), before)

    def test_an_internal_network_is_updated_too(self):
        inner = network("inner", "10.31.0.0/24", dns_enabled=True, internal=True)
        self.start("a", inner, "10.31.0.2")
        self.update_ok("inner", "192.0.2.53")
        self.assertEqual(self.lines("inner%int")[0], "10.31.0.1 192.0.2.53")

    def test_a_network_without_running_containers_has_nothing_to_change(self):
        self.update_ok("front", "192.0.2.53")
        self.assertEqual(os.listdir(CONFIG), [])
        asked = self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        before = self.lines()
        self.update_ok("other", "192.0.2.53")
        self.assertEqual(self.lines(), before)
        self.teardown_ok(self.containers["a"], asked)

    def test_without_a_daemon_nothing_is_done(self):
        self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        before = self.lines()


        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/none"
        self.update_ok("front", "192.0.2.53")
        self.assertEqual(self.lines(), before)

    def test_what_is_no_address_or_no_name_is_refused_and_nothing_changes(self):
        self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        before = self.lines()
        for servers in ("x", "192.0.2.53,x", "192.0.2.53 192.0.2.54", "192.0.2.53\n10.0.0.1", "192.0.2.53/32"):
            self.assertIn("--network-dns-servers", self.update("front", servers).error)
        for name in ("../front", "a/b", "a b"):
            self.assertIn("network name", self.update(name, "192.0.2.53").error)
        self.update_ok("aardvark.pid", "192.0.2.53")
        self.assertEqual(self.lines(), before)
        self.assertTrue(os.path.exists(f"/proc/{self.daemon()}"))

    def test_a_server_that_is_the_networks_own_gateway_is_refused(self):
        self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        before = self.lines()
        for server in ("10.30.0.1", "fd00:30:0::1"):
            self.assertIn("in a circle", self.update("front", f"192.0.2.53,{server}").error)
        self.assertEqual(self.lines(), before)

    def test_after_an_update_teardown_leaves_nothing(self):
        before = self.snapshot()
        asked = self.start("a", self.front, "10.30.0.2", "fd00:30::2")
        self.update_ok("front", "192.0.2.53")
        self.teardown_ok(self.containers["a"], asked)
        self.assert_unchanged(before)


if __name__ == "__main__":
    main()
