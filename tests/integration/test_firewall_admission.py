"""Published ports that the host's own firewall decides on, with real packets: `publish=host-firewall`."""

import time
import unittest

from firewall_support import (NEGATIVE, Server, World, apply, ask, ip, publication, remove, run,
                              tool)

STRANGER4, STRANGER6 = "192.0.2.10", "2001:db8::10"
# The kernel sends the first packet of a connection again after a second.
AGAIN = 1.0
HOSTS = (World.HOST4, World.HOST6)


def host_firewall(*rules, policy="drop"):
    """What an administrator has in a table of his own; replaces what was there."""
    run("nft", "-f", "-", stdin="table inet host {\n}\ndelete table inet host\n"
        f"table inet host {{\n chain input {{\n type filter hook input priority 0; policy {policy};\n"
        " iif lo accept\n ct state established,related accept\n meta l4proto icmpv6 accept\n"
        + "".join(f" {rule}\n" for rule in rules) + " }\n}\n")


class Admission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        world = cls.world = World(bridge_netfilter=False)
        world.network("front", 1, dns=[{"listen": "10.89.1.1", "port": 53},
                                       {"listen": "fd00:1::1", "port": 53}])
        cls.address = {netns: world.container(netns, "front", number)
                       for netns, number in (("web", 2), ("plain", 3), ("peer", 4))}
        ip(f"-n outside address add {STRANGER4}/24 dev eth0")
        ip(f"-n outside -6 address add {STRANGER6}/64 dev eth0 nodad")
        cls.servers = [Server("web", "web", 80), Server("plain", "plain", 80),
                       Server("range", "web", 7003), Server("outside", "outside", 80),
                       Server("names", None, 53, "10.89.1.1"), Server("names", None, 53, "fd00:1::1")]
        cls.web = cls.servers[0]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.close()
        tool("apply", "remove")
        for netns in ("outside", "web", "plain", "peer"):
            ip(f"netns delete {netns}")
        ip("link delete br-front")

    def setUp(self):
        # A fresh table: nobody is admitted yet.
        tool("apply", "remove")
        run("nft", "flush", "ruleset")
        asked = publication("web", "front", self.address["web"], [
            {"host_port": 8080, "container_port": 80},
            {"host_port": 8080, "container_port": 80, "protocol": "udp"},
            {"host_port": 9002, "container_port": 80, "host_ip": "192.0.2.5"},
            {"host_port": 9001, "container_port": 80, "host_ip": "127.0.0.1"},
            {"host_port": 7000, "range": 20},
            {"host_port": 53, "container_port": 80, "protocol": "udp"},
        ])
        self.published = {**asked, "publish": "host-firewall"}
        apply({"networks": list(self.world.networks.values()), "publications": [
            self.published,
            publication("plain", "front", self.address["plain"],
                        [{"host_port": 8081, "container_port": 80}])]})

    def asked(self, address, port=8080, **keywords):
        """Who answers, and after how long."""
        begin = time.monotonic()
        answer = ask("outside", address, port, **keywords)
        return answer and answer[0], time.monotonic() - begin

    def test_without_rules_of_the_host_the_first_packet_is_sent_twice_and_no_later_one(self):
        for host in HOSTS:
            name, seconds = self.asked(host)
            self.assertEqual(name, "web")
            self.assertGreater(seconds, AGAIN / 2)
            for _ in range(3):
                name, seconds = self.asked(host)
                self.assertEqual(name, "web")
                self.assertLess(seconds, AGAIN / 2)

    def test_the_container_sees_who_asks(self):
        for host, client in zip(HOSTS, (World.OUTSIDE4, World.OUTSIDE6)):
            self.assertEqual(ask("outside", host, 8080, source=(client, 0)), ("web", client))

    def test_what_the_host_drops_never_reaches_the_container(self):
        host_firewall()
        before = self.web.requests
        for host in HOSTS:
            self.assertEqual(self.asked(host, timeout=AGAIN * 1.5)[0], None)
            for _ in range(3):
                self.assertEqual(self.asked(host, kind="udp", timeout=NEGATIVE)[0], None)
        self.assertEqual(self.web.requests, before)

    def test_what_the_host_rejects_is_refused_at_once(self):
        host_firewall("tcp dport 8080 reject with tcp reset")
        for host in HOSTS:
            name, seconds = self.asked(host)
            self.assertEqual(name, "refused")
            self.assertLess(seconds, AGAIN / 2)

    def test_what_the_host_lets_in_by_source_is_let_in_by_source(self):
        host_firewall("ip saddr 192.0.2.9 tcp dport 8080 accept",
                      "ip6 saddr 2001:db8::9 tcp dport 8080 accept")
        for host, known, stranger in ((World.HOST4, World.OUTSIDE4, STRANGER4),
                                      (World.HOST6, World.OUTSIDE6, STRANGER6)):
            self.assertEqual(self.asked(host, source=(known, 0))[0], "web")
            self.assertEqual(self.asked(host, source=(stranger, 0), timeout=AGAIN * 1.5)[0], None)

    def test_a_datagram_that_is_sent_again_is_answered(self):
        host_firewall("udp dport 8080 accept")
        for host in HOSTS:
            self.assertEqual(self.asked(host, kind="udp", timeout=NEGATIVE)[0], None)
            self.assertEqual(self.asked(host, kind="udp")[0], "web")

    def test_host_addresses_and_ranges_are_asked_about_too(self):
        host_firewall("tcp dport 7003 accept")
        self.assertEqual(self.asked("192.0.2.5", 9002, timeout=AGAIN * 1.5)[0], None)
        self.assertEqual(self.asked(World.HOST4, 7003)[0], "range")
        host_firewall("ip daddr 192.0.2.5 tcp dport 9002 accept")
        self.assertEqual(self.asked("192.0.2.5", 9002)[0], "web")

    def test_the_host_itself_is_not_asked(self):
        host_firewall()
        for host, port in ((World.HOST4, 8080), (World.HOST6, 8080), ("127.0.0.1", 8080),
                           ("127.0.0.1", 9001)):
            begin = time.monotonic()
            self.assertEqual(ask(None, host, port)[0], "web")
            self.assertLess(time.monotonic() - begin, AGAIN / 2)

    def test_other_containers_are_asked_as_strangers_are(self):
        host_firewall()
        self.assertIsNone(ask("peer", World.HOST4, 8080, timeout=AGAIN * 1.5))
        host_firewall('iifname "br-front" tcp dport 8080 accept')
        self.assertEqual(ask("peer", World.HOST4, 8080)[0], "web")

    def test_ports_of_others_stay_open(self):
        host_firewall()
        for host in HOSTS:
            self.assertEqual(self.asked(host, 8081)[0], "plain")

    def test_names_are_served_beside_a_container_that_publishes_their_port(self):
        for gateway in ("10.89.1.1", "fd00:1::1"):
            self.assertEqual(ask("peer", gateway, 53, "udp", timeout=AGAIN / 2)[0], "names")

    def test_answers_to_the_host_itself_are_no_visitors(self):
        for there, here in ((World.OUTSIDE4, World.HOST4), (World.OUTSIDE6, World.HOST6)):
            self.assertEqual(ask(None, there, 80, source=(here, 8080))[0], "outside")

    def test_a_connection_outlives_the_hosts_change_of_mind_and_a_new_reload_asks_again(self):
        self.assertEqual(self.asked(World.HOST4)[0], "web")
        host_firewall()
        self.assertEqual(self.asked(World.HOST4)[0], "web")  # admitted before
        apply({"networks": list(self.world.networks.values()), "publications": [
            {**publication("web", "front", self.address["web"],
                           [{"host_port": 8080, "container_port": 80}]),
             "publish": "host-firewall"}]}, "replace")
        self.assertEqual(self.asked(World.HOST4, timeout=AGAIN * 1.5)[0], None)

    def test_nothing_stays_when_the_container_goes(self):
        self.assertIn("elements", run("nft", "list", "set", "inet", "burrow", "asked4"))
        remove({"publications": [self.published]})
        self.assertNotIn("elements", run("nft", "list", "set", "inet", "burrow", "asked4"))


if __name__ == "__main__":
    unittest.main()
