"""A SIGKILL before any system call of setup or teardown: the next setup works, the next teardown
works, and nothing is left."""

import os
import shutil
import signal
import unittest

import kill_at_syscall
from netns_support import wait_until
from netstack_support import (
    CONFIG, DNS, NETSTACK, NetstackTest, attachment, encoded, main, network, port, request,
)  # fmt: skip

A = network("a", "10.1.0.0/24", "fd00:1::/64")
B = network("b", "10.2.0.0/24", options={"isolate": "false"})
ROUTES = [{"destination": "10.9.0.0/16", "gateway": "10.1.0.7"}, {"destination": "10.8.0.0/16", "route_type": "blackhole"}]
DOCUMENT = request(
    "c",
    attachment({**A, "routes": ROUTES}, "10.1.0.2", "fd00:1::2", options={"host_interface_name": "web-a"}),
    attachment(B, "10.2.0.2"),
    ports=[port(8080, 80), port(5353, 53, "udp"), port(7000, 7000, count=3)],
)
OTHER = request("o", attachment(A, "10.1.0.9", "fd00:1::9"), ports=[port(9999, 80)])
MOST_CALLS = 400


class CrashTest(NetstackTest):
    document = DOCUMENT

    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.before = self.snapshot(self.pod)

    def run_until(self, command, number=None):
        """Kills `command` before its changing call `number`; whether it came that far."""
        line = self.netstack.command(command, self.pod.path)
        line[0] = shutil.which(line[0])
        status, calls = kill_at_syscall.run(line, encoded(self.document), self.netstack.environment, number)
        if number is None:
            self.assertEqual(status, 0)
            return calls
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def at_one_call(self, command, number, judge):
        try:
            killed = self.run_until(command, number)
            judge()
            return killed
        except AssertionError as fault:
            moment = f"after {command} was killed before its changing call {number}"
            raise AssertionError(f"{moment}: {fault}") from None

    def at_every_call(self, command, judge, prepare=lambda: None, first=1, step=1):
        """Kills `command` at one moment after the other and has the host judged after each, the last
        time after a run to the end. Stops at the first fault: the host is not clean any more."""
        for number in range(first, MOST_CALLS, step):
            prepare()
            if not self.at_one_call(command, number, judge):
                self.assertGreater(number, 6)
                return
        self.fail(f"more than {MOST_CALLS} changing calls")


class DuringSetup(CrashTest):
    def test_teardown_works_and_leaves_nothing(self):
        def judge():
            self.teardown_ok(self.pod, self.document)
            self.assert_unchanged(self.before, self.pod)

        self.at_every_call("setup", judge)

    def test_setup_again_works_and_its_teardown_leaves_nothing(self):
        def judge():
            self.assertEqual(list(self.setup_ok(self.pod, self.document)), ["a", "b"])
            self.assertEqual(self.pod.addresses("eth0"), ["10.1.0.2/24", "fd00:1::2/64"])
            self.assertEqual(self.pod.addresses("eth1"), ["10.2.0.2/24"])
            self.teardown_ok(self.pod, self.document)
            self.assert_unchanged(self.before, self.pod)

        # Killed before its last call, the exit, it has given its answer: that is another matter.
        calls = self.run_until("setup")
        self.assertEqual(calls[-1], "exit_group")
        self.teardown_ok(self.pod, self.document)
        for number in range(1, len(calls), 3):
            self.at_one_call("setup", number, judge)

    def test_setup_of_another_container_works(self):
        other = self.container("o")

        def judge():
            self.setup_ok(other, OTHER)
            self.assertEqual(other.addresses("eth0"), ["10.1.0.9/24", "fd00:1::9/64"])
            self.teardown_ok(self.pod, self.document)
            self.teardown_ok(other, OTHER)
            self.assert_unchanged(self.before, self.pod)

        self.at_every_call("setup", judge, first=3, step=9)

    def test_teardown_works_when_the_namespace_has_gone_too(self):
        host_before = self.snapshot()

        def judge():
            self.pod.delete()
            self.teardown_ok(self.pod.path, self.document)
            self.assert_unchanged(host_before)
            self.pod = self.container("c")

        self.at_every_call("setup", judge, first=5, step=5)


class DuringTeardown(CrashTest):
    def prepare(self):
        self.setup_ok(self.pod, self.document)

    def test_teardown_again_works_and_leaves_nothing(self):
        def judge():
            self.teardown_ok(self.pod, self.document)
            self.assert_unchanged(self.before, self.pod)

        self.at_every_call("teardown", judge, self.prepare, step=3)

    def test_setup_again_works(self):
        def judge():
            outcome = self.netstack.setup(self.pod, self.document)
            if outcome.code != 0:  # nothing had been taken away yet
                self.assertIn("already attached", outcome.error)
                self.teardown_ok(self.pod, self.document)
                self.setup_ok(self.pod, self.document)
            self.assertEqual(self.pod.addresses("eth1"), ["10.2.0.2/24"])
            self.teardown_ok(self.pod, self.document)
            self.assert_unchanged(self.before, self.pod)

        calls = len(self.calls_of_teardown())
        for number in range(1, calls, 5):
            self.prepare()
            self.at_one_call("teardown", number, judge)

    def calls_of_teardown(self):
        self.prepare()
        return self.run_until("teardown")


@unittest.skipUnless(DNS, "needs a DNS daemon")
class WithNames(CrashTest):
    dns = DNS or ""
    document = request(
        "c", attachment({**A, "dns_enabled": True}, "10.1.0.2", "fd00:1::2", aliases=["www"]), ports=[port(8080, 80)]
    )

    def test_teardown_works_and_the_daemon_ends(self):
        def judge():
            self.teardown_ok(self.pod, self.document)
            self.assertTrue(wait_until(lambda: not self.daemons()), self.daemons())
            self.assert_unchanged(self.before, self.pod)

        self.at_every_call("setup", judge, step=11)

    def daemons(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if file.read().startswith(DNS.encode()):
                        found.append(int(pid))
            except FileNotFoundError:
                continue
        return found


class DamagedRecords(CrashTest):
    def test_records_that_were_cut_short_by_a_crash_do_not_stop_anybody(self):
        """After a power cut files may be empty or half: teardown then goes by the request."""
        for keep in (0.0, 0.5):
            with self.subTest(kept=keep):
                self.setup_ok(self.pod, self.document)
                for directory, _, names in os.walk(CONFIG):
                    for name in names:
                        path = os.path.join(directory, name)
                        os.truncate(path, int(os.path.getsize(path) * keep))
                outcome = self.netstack.teardown(self.pod, self.document)
                self.assertIn(outcome.code, (0, 1), outcome)
                if outcome.code == 1:
                    self.assertNotEqual(outcome.error, "")
                self.assertEqual(self.pod.links(), {"lo"})
                self.assertEqual(self.machine.links(), {"lo"})
                self.setup_ok(self.pod, self.document)
                self.teardown_ok(self.pod, self.document)


if __name__ == "__main__":
    main()
