"""`firewall-reload`: our table comes back, with packets that prove it."""

import json
import os
import re

from netns_support import NEVER, Listener, Namespace, connects, reaches
from netstack_support import CONFIG, Netstack, NetstackTest, attachment, main, network, port, request

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64")
BACK = network("back", "10.31.0.0/24")


class Reload(NetstackTest):
    def setUp(self):
        super().setUp()
        self.front = request(
            "a", attachment(FRONT, "10.30.0.2", "fd00:30::2"), ports=[port(8080, 80), port(9000, 90, "udp", count=20)]
        )
        self.back = request("b", attachment(BACK, "10.31.0.2"), ports=[port(8081, 80)])
        self.a, self.b = self.container("a"), self.container("b")
        self.setup_ok(self.a, self.front)
        self.setup_ok(self.b, self.back)

    def table(self):
        """The table as text, without what differs between two that say the same."""
        return re.sub(r" # handle \d+|counter packets \d+ bytes \d+", "", self.machine.sh("nft", "list", "ruleset"))

    def reload(self, *, expected=0, flags=None):
        netstack = self.netstack
        if flags is not None:
            netstack = Netstack()
            netstack.flags = flags
        outcome = netstack.run("firewall-reload")
        self.assertEqual((outcome.code, outcome.out), (expected, ""), outcome)
        return outcome

    def test_after_a_flush_everything_is_back(self):
        before = self.table()
        self.machine.sh("nft", "flush", "ruleset")
        self.reload()
        self.assertEqual(self.table(), before)

    def test_again_and_again_it_is_the_same(self):
        before = self.table()
        for _ in range(3):
            self.reload()
            self.assertEqual(self.table(), before)

    def test_rules_that_were_flushed_come_back_and_the_administrators_stay(self):
        self.machine.sh("nft", "add", "rule", "inet", "burrow", "admin", "ip", "saddr", "192.0.2.7", "drop")
        before = self.table()
        chains = json.loads(self.machine.sh("nft", "-j", "list", "chains"))["nftables"]
        for chain in [entry["chain"]["name"] for entry in chains if "chain" in entry]:
            if chain != "admin":
                self.machine.sh("nft", "flush", "chain", "inet", "burrow", chain)
        self.assertNotEqual(self.table(), before)
        self.reload()
        # Chains come back behind the administrator's.
        self.assertEqual(sorted(self.table().splitlines()), sorted(before.splitlines()))

    def test_elements_that_somebody_removed_come_back_and_those_of_others_stay(self):
        other = Netstack(config="/run/other")
        document = request("c", attachment(network("side", "10.32.0.0/24"), "10.32.0.2"), ports=[port(8082, 80)])
        self.assertEqual(other.setup(self.container("c"), document).code, 0)
        before = self.table()
        self.machine.sh("nft", "flush", "map", "inet", "burrow", "publish4")
        self.reload()
        table = self.table()
        self.assertIn("8080", table)
        self.assertIn("10.32.0.0/24", table)
        self.assertEqual(other.run("firewall-reload").code, 0)
        self.assertEqual(self.table(), before)

    def test_a_port_that_another_has_by_now_keeps_nothing_else_from_coming_back(self):
        self.machine.sh("nft", "flush", "map", "inet", "burrow", "publish4")
        other = Netstack(config="/run/other")
        document = request("c", attachment(network("side", "10.32.0.0/24"), "10.32.0.2"), ports=[port(8080, 80)])
        self.assertEqual(other.setup(self.container("c"), document).code, 0)
        error = self.netstack.run("firewall-reload").error
        self.assertIn("8080", error)
        self.assertIn("tcp . 8081 ", self.table())
        self.assertIn("10.32.0.2", self.table())

    def test_where_nothing_is_set_up_nothing_is_made(self):
        self.teardown_ok(self.a, self.front)
        self.teardown_ok(self.b, self.back)
        before = self.snapshot()
        self.reload()
        self.reload(flags=["--config", "/run/none"])
        self.assert_unchanged(before)
        self.assertFalse(os.path.exists("/run/none"))

    def test_units_need_not_name_the_run_directory(self):
        before = self.table()
        self.machine.sh("nft", "flush", "ruleset")
        self.assertEqual(CONFIG, "/run/containers/networks")
        self.reload(flags=[])
        self.assertEqual(self.table(), before)

    def test_teardown_after_a_reload_leaves_nothing(self):
        self.machine.sh("nft", "flush", "ruleset")
        self.reload()
        self.teardown_ok(self.a, self.front)
        self.teardown_ok(self.b, self.back)
        self.assertEqual(self.table(), "")

    def test_a_set_up_that_was_cut_short_is_taken_back_first(self):
        record = f"{CONFIG}/burrow/pending.json"
        with open(record, "w") as file:
            json.dump({"version": 1, "command": "setup", "netns": "/none", "steps": [], "changes": []}, file)
        self.reload()
        self.assertFalse(os.path.exists(record))

    def test_one_damaged_record_keeps_no_other_from_coming_back(self):
        with open(f"{CONFIG}/burrow/networks/back.json", "w") as file:
            file.write("{")
        self.machine.sh("nft", "flush", "ruleset")
        self.reload()
        self.assertIn("10.30.0.0/24", self.table())


class OwnPart(NetstackTest):
    """Without anybody asking, each set-up puts back what its own network lacks."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.setup_ok(self.container("a"), request("a", attachment(FRONT, "10.30.0.2", "fd00:30::2"), ports=[port(8080, 80)]))
        self.setup_ok(self.container("b"), request("b", attachment(BACK, "10.31.0.2")))

    def lines(self):
        return sorted(self.machine.sh("nft", "list", "table", "inet", "burrow").splitlines())

    def join(self, number):
        """One more container on the network, which leaves again: what it repairs stays."""
        document = request("c", attachment(FRONT, f"10.30.0.{number}", f"fd00:30::{number}"))
        namespace = self.container(f"c{number}")
        self.setup_ok(namespace, document)
        self.teardown_ok(namespace, document)

    def test_each_kind_of_element_comes_back(self):
        before = self.lines()
        for number, change in enumerate((
            "delete element inet burrow bridges { br-front }",
            "delete element inet burrow same_bridge { br-front . br-front }",
            "delete element inet burrow subnets4 { 10.30.0.0/24 }",
            "delete element inet burrow subnets6 { fd00:30::/64 }",
            "delete element inet burrow same_network6 { fd00:30::/64 . fd00:30::/64 }",
        ), start=10):
            self.machine.sh("nft", *change.split())
            self.assertNotEqual(self.lines(), before)
            self.join(number)
            self.assertEqual(self.lines(), before, change)

    def test_chains_and_rules_come_back_and_nobody_loses_an_element(self):
        before = self.lines()
        for number, change in enumerate((
            "delete chain inet burrow forward",
            "flush chain inet burrow publish",
            "flush table inet burrow",
        ), start=20):
            self.machine.sh("nft", *change.split())
            self.join(number)
            self.assertEqual(self.lines(), before, change)

    def test_packets_flow_again_after_the_next_set_up(self):
        with Listener(Namespace("a", "/run/netns/a"), 80) as listener:
            self.assertTrue(reaches(self.outside_host, "192.0.2.1", 8080, listener))
            self.machine.sh("nft", "flush", "chain", "inet", "burrow", "publish")
            self.assertFalse(connects(self.outside_host, "192.0.2.1", 8080, timeout=NEVER))
            self.join(30)
            self.assertTrue(reaches(self.outside_host, "192.0.2.1", 8080, listener))


if __name__ == "__main__":
    main()
