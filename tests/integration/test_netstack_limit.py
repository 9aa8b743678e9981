"""`limit`: other limits for containers and networks that run."""

import json
import os
import shutil
import socket

import kill_at_syscall
from limits_support import FAR4, FAR6, NEAR4, NEAR6, LimitsTest
from netns_support import Listener
from netstack_support import identifier, main

OPEN, ONE_SHUT = ["open"] * 4, ["open", "refused"] * 2
DENY = ("--egress-deny", "198.51.100.0/24,2001:db8:9::/48")


class Limit(LimitsTest):
    def setUp(self):
        super().setUp()
        self.outer = self.make_outside()
        self.listen(self.outer)
        self.places = (NEAR4, FAR4, NEAR6, FAR6)

    def test_a_container_gets_other_limits_while_it_runs_and_what_stands_goes_on(self):
        a, b = self.start("a", self.front(), 2, packet_rate="1000/second"), self.start("b", self.front(), 3)
        with Listener(self.outer, 81) as listener, a.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect((FAR4, 81))
            server, _ = listener.socket.accept()
            with server:
                self.limit_ok("front", *DENY, container="a")
                client.send(b"still here")
                server.settimeout(2)
                self.assertEqual(server.recv(64), b"still here")
        self.assertEqual(self.outcomes(a, *self.places), ONE_SHUT)
        self.assertEqual(self.outcomes(b, *self.places), OPEN)
        self.assertEqual(self.shown_limits(), {
            (self.owner("a"), "egress_deny"): ["198.51.100.0/24", "2001:db8:9::/48"],
            (self.owner("a"), "packet_rate"): ["1000/second burst 1000"]})
        self.limit_ok("front", "--egress-deny", "", "--egress-allow", "192.0.2.2", container="a")
        self.assertEqual(self.outcomes(a, *self.places), ["open", "refused", "refused", "refused"])
        self.limit_ok("front", "--egress-allow", "", "--packet-rate", "", container=identifier("a"))
        self.assertEqual(self.outcomes(a, *self.places), OPEN)
        self.assertEqual(self.shown_limits(), {})

    def test_saying_it_again_changes_nothing_and_teardown_leaves_nothing(self):
        before = self.snapshot()
        self.start("a", self.front(), 2)
        for _ in range(2):
            self.limit_ok("front", *DENY, "--connections", "9", container=identifier("a")[:12])
            self.limit_ok("front", "--ingress-allow", "none")
        shown = self.shown_limits()
        self.assertEqual(len(shown), 3)
        self.nft_flush()
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertEqual(self.shown_limits(), shown)
        self.stop("a")
        self.assert_unchanged(before)

    def test_lists_of_a_network_hold_for_who_comes_later_and_end_with_it(self):
        front = self.front(egress_deny="192.0.2.0/24")
        a = self.start("a", front, 2)
        self.assertEqual(self.outcomes(a, NEAR4, FAR4), ["refused", "open"])
        self.limit_ok("front", "--egress-deny", "198.51.100.0/24")
        self.assertEqual(self.outcomes(a, NEAR4, FAR4), ["open", "refused"])
        b = self.start("b", front, 3)
        for namespace in (a, b):
            self.assertEqual(self.outcomes(namespace, NEAR4, FAR4), ["open", "refused"])
        self.stop("a")
        self.stop("b")
        a.delete()
        self.assertEqual(self.outcomes(self.start("a", front, 2), NEAR4, FAR4), ["refused", "open"])

    def test_what_cannot_be_meant_is_refused_and_nothing_changes(self):
        self.start("a", self.front(), 2, egress_deny="203.0.113.0/24")
        before = self.settled_snapshot()
        for arguments, container, words in (
                (("front", "--egress-deny", "10.0.0.1/8"), "a", 'egress_deny: host bits set: "10.0.0.1/8"'),
                (("front", "--packet-rate", "5"), "a", 'packet_rate: not a rate: "5"'),
                (("front", "--packet-rate", "5/second"), None, "packet_rate is each container's"),
                (("front", *DENY), "nobody", 'no container "nobody" runs on network "front"'),
                (("front", *DENY), identifier("a")[:11], "no container"),
                (("back", *DENY), "a", 'no container "a" runs on network "back"'),
                (("back", *DENY), None, 'no container runs on network "back"'),
                (("../x", *DENY), None, "network name")):
            with self.subTest(arguments):
                self.assertIn(words, self.limit(arguments[0], *arguments[1:], container=container).error)
        self.assert_unchanged(before)
        self.nft_flush()
        self.assertIn("firewall-reload puts it back", self.limit("front", *DENY, container="a").error)

    def nft_flush(self):
        self.machine.sh("nft", "flush", "ruleset")


class Crash(LimitsTest):
    def test_killed_at_any_moment_it_is_done_or_not_and_the_next_command_goes_on(self):
        self.start("a", self.front(), 2, egress_deny="203.0.113.0/24", packet_rate="5/second")
        old = self.shown_limits()
        new = {**old, (self.owner("a"), "egress_deny"): ["198.51.100.0/24", "203.0.113.0/24"],
               (self.owner("a"), "packet_rate"): ["6/second burst 6"]}
        line = self.netstack.command("limit", "front", "--container", "a", "--egress-deny",
                                     "203.0.113.0/24,198.51.100.0/24", "--packet-rate", "6/second")
        line[0] = shutil.which(line[0])
        for number in range(1, 100):
            status, _ = kill_at_syscall.run(line, b"", self.netstack.environment, number)
            self.netstack.run("repair")  # takes back or completes what was begun
            look = self.netstack.run("repair", "--dry-run", "--format", "json")
            self.assertEqual((look.code, json.loads(look.out)["differences"]), (0, []), number)
            self.assertIn(self.shown_limits(), (old, new), number)
            if not os.WIFSIGNALED(status):
                break
            self.limit_ok("front", "--egress-deny", "203.0.113.0/24", "--packet-rate", "5/second", container="a")
            self.assertEqual(self.shown_limits(), old)
        else:
            self.fail("more changing calls than expected")
        self.assertGreater(number, 5)
        self.assertEqual(self.shown_limits(), new)


if __name__ == "__main__":
    main()
