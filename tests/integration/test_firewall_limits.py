"""Lists of whom containers may send to, by real packets: what holds, comes back and goes again."""

import socket
import subprocess

from limits_support import FAR4, FAR6, NEAR4, NEAR6, LimitsTest, datagram_error
from netns_support import Listener, delivers
from netstack_support import main, port
from watch_support import Watcher

DATAGRAM = (socket.SOCK_DGRAM,)


class Egress(LimitsTest):
    def setUp(self):
        super().setUp()
        self.outer = self.make_outside()
        self.listen(self.outer)
        self.places = (NEAR4, FAR4, NEAR6, FAR6)

    def test_what_a_container_is_denied_is_refused_at_once_and_nobody_else_is(self):
        limited = self.start("a", self.front(), 2, egress_deny="198.51.100.0/24,2001:db8:9::/48")
        free = self.start("b", self.front(), 3)
        self.assertEqual(self.outcomes(limited, *self.places), ["open", "refused"] * 2)
        self.assertEqual(self.outcomes(free, *self.places), ["open"] * 4)
        heard = self.listen(self.outer, 99, DATAGRAM)
        for address, family in ((FAR4, socket.AF_INET), (FAR6, socket.AF_INET6)):
            listener = heard[family, socket.SOCK_DGRAM]
            self.assertEqual(datagram_error(limited, address), "EHOSTUNREACH" if address == FAR4 else "EACCES")
            self.assertIsNone(listener.hears(0.2))
            self.assertIsNotNone(delivers(free, address, 99, listener))

    def test_who_is_allowed_a_list_reaches_nothing_else_in_either_family(self):
        limited = self.start("a", self.front(), 2, egress_allow="198.51.100.9")
        self.assertEqual(self.outcomes(limited, *self.places), ["refused", "open", "refused", "refused"])
        nobody = self.start("b", self.front(), 3, egress_allow="none")
        self.assertEqual(self.outcomes(nobody, *self.places), ["refused"] * 4)
        # The gateway is the host, which is not behind it.
        with Listener(self.machine, 8053), Listener(self.machine, 8053, "::"):
            self.assertEqual(self.outcomes(nobody, "10.30.0.1", "fd00:30::1", port=8053), ["open"] * 2)

    def test_a_denied_part_of_what_is_allowed_stays_denied(self):
        limited = self.start("a", self.front(), 2, egress_allow="198.51.100.0/24,::/0",
                             egress_deny="198.51.100.9/32,2001:db8:9::/64")
        self.assertEqual(self.outcomes(limited, *self.places), ["refused", "refused", "open", "refused"])

    def test_a_networks_list_holds_for_its_containers_and_their_own_decides_before_it(self):
        front = self.front(egress_deny="198.51.100.0/24,2001:db8:9::/48")
        plain = self.start("a", front, 2)
        self.assertEqual(self.outcomes(plain, *self.places), ["open", "refused"] * 2)
        allowed = self.start("b", front, 3, egress_allow="198.51.100.9,2001:db8:9::9")
        self.assertEqual(self.outcomes(allowed, *self.places), ["refused", "open"] * 2)
        denied = self.start("c", front, 4, egress_deny="192.0.2.0/24")
        self.assertEqual(self.outcomes(denied, *self.places), ["refused", "refused", "open", "refused"])
        other = self.start("d", self.back(egress_allow="192.0.2.0/24"), 2)
        self.assertEqual(self.outcomes(other, *self.places), ["open", "refused", "refused", "refused"])

    def test_lists_are_about_containers_behind_published_ports_as_well(self):
        """What counts is where a packet is led, not the host's address that it was sent to."""
        server = self.start("server", self.back(), 2, ports=[port(8080, 80)])
        self.listen(server)
        limited = self.start("a", self.front(), 2, egress_deny="10.31.0.2,fd00:31::/64")
        self.assertEqual(self.outcomes(limited, "10.31.0.2", "fd00:31::2"), ["refused"] * 2)
        self.assertEqual(self.outcomes(limited, "192.0.2.1", "2001:db8::1", port=8080), ["forbidden"] * 2)
        self.assertEqual(self.outcomes(self.start("b", self.front(), 3), "192.0.2.1", port=8080), ["open"])

    def test_whoever_is_spoken_to_may_answer(self):
        limited = self.start("a", self.front(), 2, egress_allow="none", ports=[port(8080, 80)])
        self.listen(limited)
        self.assertEqual(self.outcomes(self.outer, "192.0.2.1", "2001:db8::1", port=8080), ["open"] * 2)

    def test_limits_go_with_their_owner_and_with_nothing_else(self):
        before = self.snapshot()
        front = self.front(egress_deny="203.0.113.0/24")
        self.start("a", front, 2, egress_deny="198.51.100.0/24", connections="5")
        self.start("b", front, 3, egress_deny="198.51.100.0/24", packet_rate="5/second")
        self.assertEqual(self.shown_limits(), {
            (self.owner("a"), "egress_deny"): ["198.51.100.0/24"],
            (self.owner("a"), "connections"): ["5"],
            (self.owner("b"), "egress_deny"): ["198.51.100.0/24"],
            (self.owner("b"), "packet_rate"): ["5/second burst 5"],
            ("network front", "egress_deny"): ["203.0.113.0/24"],
        })
        self.stop("a")
        self.assertEqual(sorted(self.shown_limits()), [
            (self.owner("b"), "egress_deny"), (self.owner("b"), "packet_rate"), ("network front", "egress_deny")])
        self.stop("b")
        self.assert_unchanged(before)

    def test_what_somebody_takes_away_comes_back(self):
        limited = self.start("a", self.front(ingress_deny="203.0.113.0/24"), 2, connection_rate="9/second burst 40",
                             connections="70", egress_deny="198.51.100.0/24,2001:db8:9::/48")
        shown = self.shown_limits()
        self.assertEqual(len(shown), 4)
        for command in ("firewall-reload", "repair"):
            for change in (
                    "flush ruleset", "flush set inet burrow egress_deny4", "flush chain inet burrow egress_limits4",
                    "".join(f"flush chain inet burrow {way}gress_limits{family};" for way in ("e", "in") for family in (4, 6))
                    + "delete chain inet burrow refused",
                    "delete element inet burrow connection_rate6 { fd00:30::2 }"):
                with self.subTest(command=command, change=change):
                    self.nft(change)
                    self.assertEqual(self.netstack.run(command).code, 0)
                    self.assertEqual(self.shown_limits(), shown)
                    self.assertEqual(self.outcomes(limited, *self.places), ["open", "refused"] * 2)

    def test_the_watcher_puts_limits_back(self):
        limited = self.start("a", self.front(), 2, egress_deny="198.51.100.0/24", packet_rate="1000/second")
        shown = self.shown_limits()
        watcher = Watcher()
        self.addCleanup(watcher.stop)
        self.nft("flush set inet burrow egress_deny4; flush set inet burrow packet_rate4")
        self.assertTrue(watcher.says("put back"))
        self.assertEqual(self.shown_limits(), shown)
        self.assertEqual(self.outcomes(limited, NEAR4, FAR4), ["open", "refused"])

    def test_a_listing_of_the_table_with_limits_can_be_loaded_again(self):
        self.start("a", self.front(egress_allow="192.0.2.0/24"), 2, connection_rate="5/minute", connections="7",
                   packet_rate="100/second burst 5", ingress_deny="203.0.113.0/24")
        shown = self.shown_limits()
        text = self.machine.sh("nft", "list", "table", "inet", "burrow")
        self.nft("delete table inet burrow")
        self.nft(text)
        self.assertEqual(self.shown_limits(), shown)

    def nft(self, text):
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


if __name__ == "__main__":
    main()
