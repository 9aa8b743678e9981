"""Other firewalls reload, and come later: the watcher has their chains accept containers again, by what
is on record alone. And commands are killed: teardowns leave nothing there."""

import os
import re
import shutil
import signal

import kill_at_syscall
from beside_support import ADDRESSES, DOCKER, FAMILIES, HOSTS, UFW, WEB, Accepted, Beside
from netns_support import sh, wait_until
from netstack_support import attachment, encoded, main, port, request
from watch_support import Watcher

FORWARD = {'iifname "br-web" counter accept comment "burrow: network web"',
           'oifname "br-web" counter accept comment "burrow: network web"'}  # fmt: skip


class Watched(Beside):
    def setUp(self):
        super().setUp()
        self.netstack.environment["BURROW_OTHER_FIREWALLS"] = "accept"

    def watch(self):
        watcher = Watcher()
        self.addCleanup(watcher.stop)
        return watcher

    def tail(self, *chain, count=2):
        """The last rules of a chain."""
        lines = [line.strip() for line in sh("nft", "-s", "list", "chain", *chain).splitlines()]
        return set(lines[-2 - count:-2])

    def assert_placed(self, *chains):
        def is_placed():
            return all(self.tail(family, "filter", "FORWARD") == FORWARD for family in chains)

        self.assertTrue(wait_until(is_placed, 5, step=0.02), sh("nft", "list", "table", "ip", "filter"))

    def load(self, text):
        sh("nft", "-f", "-", input="".join(text.format(**family) for family in FAMILIES))


class Docker(Watched):
    rules = DOCKER

    def test_whatever_others_do_to_their_chains_ours_come_back_to_their_place(self):
        self.netstack.environment.update({"BURROW_OTHER_FIREWALLS": "accept"})
        web, listeners = self.attach_web()
        watcher = self.watch()
        for name, change in {
            "one rule": lambda: sh("nft", "delete", "rule", "ip", "filter", "FORWARD", "handle", self.handle("ip")),
            "a flushed chain": lambda: sh("nft", "flush", "chain", "ip6", "filter", "FORWARD"),
            "a restart": lambda: self.load("flush table {family} filter\n" + DOCKER.split("table {family} nat")[0]),
            "tables made anew": lambda: self.load("delete table {family} filter\n" + DOCKER.split("table {family} nat")[0]),
            "everything": lambda: sh("nft", "flush", "ruleset"),
        }.items():
            with self.subTest(name):
                change()
                if name == "everything":
                    self.assertTrue(wait_until(lambda: "inet burrow" in sh("nft", "list", "tables")))
                    self.load(DOCKER)
                self.assert_placed("ip", "ip6")
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        self.assertTrue(watcher.says(r'put back 1 rule in chains of other firewalls, which "nft"'), watcher.said())
        # What the administrator adds is asked first, but for a last word: ours stay before that.
        sh("nft", "add", "rule", "ip", "filter", "FORWARD", "ip", "saddr", "10.1.0.9", "drop")
        self.assert_placed("ip")
        sh("nft", "add", "rule", "ip", "filter", "FORWARD", "drop")
        last = lambda: self.tail("ip", "filter", "FORWARD", count=3)
        self.assertTrue(wait_until(lambda: last() == {*FORWARD, "drop"}, 5), last())
        self.end(web, watcher)

    def handle(self, family):
        listing = sh("nft", "-a", "list", "chain", family, "filter", "FORWARD")
        return re.search(r'iifname "br-web".*# handle (\d+)', listing)[1]

    def end(self, web, watcher):
        """What a teardown takes away is not put back."""
        self.teardown_ok(web, request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)]))
        before = watcher.said()
        sh("nft", "add", "table", "inet", "quiet")
        self.assertFalse(wait_until(lambda: "br-web" in sh("nft", "list", "ruleset"), 0.3))
        self.assertEqual(watcher.said(), before)

    def test_who_keeps_deleting_is_named_and_waited_out(self):
        self.attach_web()
        watcher = self.watch()
        for _ in range(12):
            if not wait_until(lambda: self.tail("ip", "filter", "FORWARD") == FORWARD, 1):
                break
            sh("nft", "flush", "chain", "ip", "filter", "FORWARD")
        self.assertTrue(watcher.says(r'"nft" \(process \d+\) keeps taking away what is ours'), watcher.said())


class Later(Watched):
    def test_a_firewall_that_comes_when_containers_run_accepts_them(self):
        watcher = self.watch()
        web, listeners = self.attach_web()
        self.load(UFW)
        self.assert_placed("ip", "ip6")
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        self.assertNotIn("error", watcher.said().lower())
        # Those who only change what they let through are passed over.
        before = watcher.said()
        sh("nft", "add", "rule", "ip", "filter", "ufw-user-forward", "tcp", "dport", "22", "accept")
        self.assertFalse(wait_until(lambda: watcher.said() != before, 0.2))

    def test_without_leave_the_watcher_touches_nothing(self):
        del self.netstack.environment["BURROW_OTHER_FIREWALLS"]
        self.attach_web()
        self.watch()
        self.load(UFW)
        theirs = self.their_tables()
        self.assertFalse(wait_until(lambda: self.their_tables() != theirs, 0.4))


class Crash(Accepted):
    rules = DOCKER

    def test_killed_at_any_moment_the_teardown_leaves_no_rule(self):
        web = self.container("web")
        document = request("web", attachment(WEB, *ADDRESSES))
        for command in ("setup", "teardown"):
            for number in range(1, 200, 9):
                if command == "teardown":
                    self.setup_ok(web, document)
                line = self.netstack.command(command, web.path)
                line[0] = shutil.which(line[0])
                status, _ = kill_at_syscall.run(line, encoded(document), self.netstack.environment, number)
                self.teardown_ok(web, document)
                self.assertEqual(sh("nft", "-s", "list", "ruleset"), self.before, f"{command}, call {number}")
                if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
                    self.assertGreater(number, 6)
                    break


if __name__ == "__main__":
    main()
