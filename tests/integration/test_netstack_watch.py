"""`watch`: what somebody takes out of our table comes back by itself, and nothing else changes."""

import fcntl
import json
import os
import re
import subprocess
import time

from netns_support import Listener, connects, wait_until
from netstack_support import CONFIG, Netstack, NetstackTest, attachment, main, network, port, request
from watch_support import Watcher

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64")
BACK = network("back", "10.31.0.0/24", options={"isolate": "true"})


class Watch(NetstackTest):
    def setUp(self):
        super().setUp()
        self.front = request("a", attachment(FRONT, "10.30.0.2", "fd00:30::2"),
                             ports=[port(8080, 80), port(9000, 9000, "udp", count=20)])
        self.back = request("b", attachment(BACK, "10.31.0.2"), ports=[port(8081, 80)])
        self.a, self.b = self.container("a"), self.container("b")
        self.setup_ok(self.a, self.front)
        self.setup_ok(self.b, self.back)
        self.other_table = "table inet other {\n chain c {\n  type filter hook input priority 5; accept\n }\n}\n"

    def watch(self, *options, flags=()):
        watcher = Watcher(*options, flags=flags)
        self.addCleanup(watcher.stop)
        return watcher

    def nft(self, text):
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)

    def table(self):
        """Our table's lines, sorted: what comes back may stand elsewhere in the listing."""
        done = subprocess.run(["nft", "list", "table", "inet", "burrow"], capture_output=True, text=True)
        return sorted(re.sub(r"counter packets \d+ bytes \d+", "", done.stdout).splitlines())

    def assert_comes_back(self, table, timeout=5):
        if not wait_until(lambda: self.table() == table, timeout, step=0.02):
            self.assertEqual(self.table(), table)

    def test_whatever_goes_comes_back(self):
        before = self.table()
        watcher = self.watch()
        self.assertIn("READY=1", watcher.state)
        for name, change in {
            "everything": "flush ruleset",
            "the table": "delete table inet burrow",
            "a base chain": "delete chain inet burrow forward",
            "all rules": "flush table inet burrow",
            "a set's elements": "flush set inet burrow bridges",
            "a map of intervals": "flush map inet burrow publish4_range",
            "one port": "delete element inet burrow publish4 { tcp . 8080 }",
            "one prefix": "delete element inet burrow subnets4 { 10.31.0.0/24 }",
            "rules of two chains": "flush chain inet burrow between; flush chain inet burrow publish",
        }.items():
            with self.subTest(name):
                self.nft(change)
                self.assert_comes_back(before)
        # The table is another by now, and its rules have other numbers.
        text = self.machine.sh("nft", "-a", "list", "chain", "inet", "burrow", "container")
        handle = re.search(r"jump between # handle (\d+)", text)[1]
        self.nft(f"delete rule inet burrow container handle {handle}")
        self.assert_comes_back(before)
        self.assertTrue(watcher.says(r"put back .*\"nft\""), watcher.said())

    def test_what_went_before_it_started_comes_back_and_who_is_ready_has_healed(self):
        before = self.table()
        self.nft("flush ruleset")
        self.watch()
        self.assertEqual(self.table(), before)

    def test_tables_of_others_are_not_touched_and_cost_nothing(self):
        watcher = self.watch()
        self.nft(self.other_table)
        self.nft("delete table inet other")
        self.nft(self.other_table)
        before = self.machine.sh("nft", "-a", "list", "table", "inet", "other")
        self.nft("delete element inet burrow publish4 { tcp . 8080 }")
        self.assertTrue(watcher.says("put back 1 element"), watcher.said())
        self.assertEqual(self.machine.sh("nft", "-a", "list", "table", "inet", "other"), before)
        self.assertEqual(watcher.said().count("put back"), 1)

    def test_our_own_commands_are_no_loss(self):
        watcher = self.watch()
        guard = lambda: "burrow_watch" in self.machine.sh("nft", "list", "tables")
        self.assertTrue(guard())
        self.teardown_ok(self.b, self.back)
        self.setup_ok(self.b, self.back)
        self.setup_ok(self.b, self.back)  # replaces
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.teardown_ok(self.b, self.back)
        self.teardown_ok(self.a, self.front)
        time.sleep(0.2)
        self.assertEqual(self.table(), [])
        self.assertTrue(wait_until(lambda: not guard()))
        self.assertNotIn("put back", watcher.said())
        # Nothing is on record: what goes now is not ours to put back.
        self.nft("add table inet burrow\nadd set inet burrow bridges { type ifname; }")
        self.nft("delete table inet burrow")
        time.sleep(0.2)
        self.assertEqual(self.table(), [])
        self.setup_ok(self.b, self.back)
        self.assertTrue(wait_until(guard))
        watcher.stop()
        self.assertTrue(wait_until(lambda: not guard()))

    def test_a_command_at_work_is_waited_for_and_its_journal_counts(self):
        watcher = self.watch()
        with open(f"{CONFIG}/burrow/lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.nft("flush ruleset")
            time.sleep(0.2)
            self.assertEqual(self.table(), [])
            record = f"{CONFIG}/burrow/attachments/{self.back['container_id']}/back.json"
            os.rename(record, "/run/back.json")
            fcntl.flock(lock, fcntl.LOCK_UN)
        self.assertTrue(wait_until(lambda: any("8080" in line for line in self.table())), watcher.said())
        self.assertFalse([line for line in self.table() if "8081" in line])
        os.rename("/run/back.json", record)
        self.nft("delete element inet burrow publish4 { tcp . 8080 }")
        self.assertTrue(watcher.says("put back 1 element"), watcher.said())

    def test_a_teardown_that_was_cut_short_counts_as_done(self):
        self.watch()
        path = f"{CONFIG}/burrow/attachments/{self.back['container_id']}/back.json"
        with open(path) as file:
            text = file.read()
        change = {"path": os.path.relpath(path, f"{CONFIG}/burrow"), "before": text, "after": None}
        with open(f"{CONFIG}/burrow/pending.json", "w") as file:
            json.dump({"version": 1, "command": "teardown", "netns": "/none", "steps": [], "changes": [change]}, file)
        self.nft("flush ruleset")
        self.assertTrue(wait_until(lambda: any("8080" in line for line in self.table())))
        self.assertFalse([line for line in self.table() if "8081" in line])

    def test_all_run_directories_are_healed_and_only_those_that_are_named(self):
        other = Netstack(config="/run/burrow/networks")
        document = request("c", attachment(network("side", "10.32.0.0/24"), "10.32.0.2"), ports=[port(8082, 80)])
        self.assertEqual(other.setup(self.container("c"), document).code, 0)
        before = self.table()
        watcher = self.watch()
        self.nft("flush ruleset")
        self.assert_comes_back(before)
        watcher.stop()
        watcher = self.watch("--run-directory", "/run/burrow/networks")
        self.nft("flush ruleset")
        self.assertTrue(wait_until(lambda: any("8082" in line for line in self.table())))
        self.assertFalse([line for line in self.table() if "8080" in line])
        watcher.stop()
        self.watch(flags=["--config", CONFIG])
        self.nft("flush ruleset")
        self.assertTrue(wait_until(lambda: any("8080" in line for line in self.table())))
        self.assertFalse([line for line in self.table() if "8082" in line])

    def test_a_port_that_somebody_else_took_is_left_to_them_and_named(self):
        watcher = self.watch()
        self.nft('delete element inet burrow publish4 { tcp . 8080 };'
                 'add element inet burrow publish4 { tcp . 8080 comment "theirs" : 10.9.9.9 . 9 };'
                 'delete element inet burrow publish4 { tcp . 8081 }')
        self.assertTrue(wait_until(lambda: any("8081" in line for line in self.table())), watcher.said())
        self.assertTrue(watcher.says('port 8080/tcp is already published by "theirs"'), watcher.said())
        self.assertTrue([line for line in self.table() if "10.9.9.9 . 9" in line])

    def test_who_keeps_taking_away_is_named_and_waited_out(self):
        watcher = self.watch()
        before = self.table()
        end = time.monotonic() + 40
        flushes = 0
        while time.monotonic() < end and watcher.said().count("keeps taking away") < 4:
            self.nft("flush ruleset")
            flushes += 1
            self.assertTrue(wait_until(lambda: self.table() == before, timeout=10), watcher.said())
        self.assertTrue(watcher.says(r'"nft" \(process \d+\) keeps taking away'), watcher.said())
        self.assertGreater(flushes, 10)  # as many are free
        pauses = [int(pause) for pause in re.findall(r"in (\d+) ms at the earliest", watcher.said())]
        self.assertEqual(pauses[:4], [100, 200, 400, 800])
        self.nft("flush ruleset")
        time.sleep(0.1)
        self.assertEqual(self.table(), [])
        self.assert_comes_back(before)

    def test_the_administrators_rules_come_back_with_the_table(self):
        admin = lambda: self.machine.sh("nft", "list", "chain", "inet", "burrow", "admin")
        self.nft("""
            add set inet burrow blocked { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 }; }
            add rule inet burrow admin ip saddr { 192.0.2.7, 192.0.2.9 } tcp dport { 22, 80-90 } counter drop comment "ours"
            add rule inet burrow admin ip daddr @blocked reject
            add rule inet burrow admin iifname @bridges limit rate 5/second log prefix "x"
        """)
        without_counts = lambda: re.sub(r"packets \d+ bytes \d+", "", admin())
        before, table = without_counts(), self.table()
        watcher = self.watch()
        for change in ("flush ruleset", "delete table inet burrow"):
            self.nft(change)
            self.assert_comes_back(table)
            self.assertEqual(without_counts(), before)
        self.assertTrue(watcher.says("3 rules of chain admin"), watcher.said())
        # What its administrator changes is the new state, not a loss.
        handle = re.search(r'"ours" # handle (\d+)',
                           self.machine.sh("nft", "-a", "list", "chain", "inet", "burrow", "admin"))[1]
        self.nft(f"delete rule inet burrow admin handle {handle}")
        self.nft("add rule inet burrow admin ip saddr 192.0.2.99 drop")
        changed, table = without_counts(), self.table()
        time.sleep(0.2)
        self.assertEqual(without_counts(), changed)
        self.nft("flush ruleset")
        self.assert_comes_back(table)
        self.nft("flush chain inet burrow admin")
        time.sleep(0.2)
        self.nft("flush ruleset")
        self.assertTrue(wait_until(lambda: self.table()))
        self.assertNotIn("192.0.2", admin())

    def test_administrators_rules_that_need_more_than_the_chain_are_lost_as_a_whole_and_that_is_said(self):
        self.nft("add chain inet burrow mine\nadd rule inet burrow admin ip saddr 192.0.2.7 jump mine\n"
                 "add rule inet burrow admin ip saddr 192.0.2.8 drop")
        watcher = self.watch()
        self.nft("flush ruleset")
        self.assertTrue(watcher.says(r'2 rules of chain admin are lost: .*chain "mine"'), watcher.said())
        self.assertNotIn("192.0.2.8", "\n".join(self.table()))

    def test_notices_that_got_lost_are_made_up_for_by_comparing(self):
        watcher = self.watch()
        before = self.table()
        os.kill(watcher.process.pid, 19)  # SIGSTOP
        self.nft("delete element inet burrow publish4 { tcp . 8080 }")
        # Far more than the socket holds: what was said first is lost with the rest.
        ports = ", ".join(f"{number} comment \"{'x' * 100}\"" for number in range(1, 4000))
        self.nft("add table ip big\nadd set ip big s { type inet_service; }")
        for _ in range(12):
            self.nft(f"add element ip big s {{ {ports} }}\nflush set ip big s")
        os.kill(watcher.process.pid, 18)
        self.assert_comes_back(before)

    def test_it_sleeps_while_nothing_happens_and_stays_small(self):
        watcher = self.watch()
        self.nft("flush ruleset")
        self.assertTrue(watcher.says("put back our table"))
        time.sleep(0.2)
        ticks, switches = watcher.cpu_ticks(), watcher.context_switches()
        time.sleep(2)
        self.assertEqual(watcher.cpu_ticks(), ticks)
        self.assertEqual(watcher.context_switches(), switches)
        self.assertLess(watcher.resident_bytes(), 10 << 20)

    def test_traffic_flows_again_after_a_flush_in_both_families(self):
        self.outside()
        outside = self.machine  # from the host itself, by its own addresses
        self.watch()
        for family, host in (("0.0.0.0", "192.0.2.1"), ("::", "2001:db8::1")):
            with Listener(self.a, 80, family) as listener:
                self.assertTrue(connects(outside, host, 8080))
                self.nft("flush ruleset")
                self.assertTrue(wait_until(lambda: connects(outside, host, 8080, timeout=0.5)))
                listener.hears()


if __name__ == "__main__":
    main()
