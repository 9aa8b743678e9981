"""burrow-dhcp as a service: socket activation, the end for want of work, signals, two at once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

from dhcp_support import PROGRAM, Caller, DhcpTest, wait_until


class Service(DhcpTest):
    def activated(self, *options, count="1", process=None, listening=True):
        """The proxy with a socket on descriptor 3, as systemd starts it."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        if listening:
            listener.listen()

        def prepare():
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)  # dup2 leaves a descriptor alone that is 3 already
            os.environ.update(LISTEN_FDS=count, LISTEN_PID=process or str(os.getpid()))

        # In the child, which alone knows its number.
        def start():
            prepare()
            os.execve(PROGRAM, [PROGRAM, "-d", self.directory, *options], os.environ)

        return listener, start

    def spawn(self, start):
        self.log = f"{self.directory}/proxy.log"
        pid = os.fork()
        if pid == 0:
            try:
                log = os.open(self.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                start()
            finally:
                os._exit(127)
        return pid

    def wait(self, pid, timeout=10):
        status = {}

        def ended():
            found, code = os.waitpid(pid, os.WNOHANG)
            if found:
                status["code"] = os.waitstatus_to_exitcode(code)
            return bool(found)

        if not wait_until(ended, timeout):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.fail(self.proxy_log())
        return status["code"]

    def test_a_socket_that_systemd_passes_is_served_and_left_where_it_is(self):
        _, start = self.activated()
        pid = self.spawn(start)
        self.assertEqual(self.status(), [])
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(self.wait(pid), 0)
        self.assertTrue(os.path.exists(self.path))

    def test_a_socket_that_is_for_another_process_is_not_taken(self):
        _, start = self.activated(process="1")
        pid = self.spawn(start)
        self.assertNotEqual(self.wait(pid), 0)
        self.assertIn("somebody answers", self.proxy_log())

    def test_what_is_passed_must_be_one_listening_socket(self):
        _, start = self.activated(count="2")
        self.assertEqual(self.wait(self.spawn(start)), 1)
        self.assertIn("LISTEN_FDS must be 1", self.proxy_log())
        os.unlink(self.path)
        _, start = self.activated(listening=False)
        self.assertEqual(self.wait(self.spawn(start)), 1)
        self.assertIn("no listening unix socket", self.proxy_log())

    def test_without_leases_it_ends_after_a_while_and_takes_its_socket_along(self):
        self.start_proxy("-a", "1")
        self.assertEqual(self.proxy.wait(5), 0)
        self.assertFalse(os.path.exists(self.path))
        self.proxy = None

    def test_with_a_lease_it_stays(self):
        self.dnsmasq()
        container = self.join("c1")
        self.start_proxy("-a", "1")
        self.set_up(container)
        time.sleep(1.5)
        self.assertIsNone(self.proxy.poll())
        self.tear_down(container)
        self.assertEqual(self.proxy.wait(5), 0)
        self.proxy = None

    def test_two_cannot_keep_the_same_leases(self):
        self.start_proxy()
        second = subprocess.run([PROGRAM, "-d", self.directory], capture_output=True, text=True, timeout=10)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another burrow-dhcp keeps the leases", second.stderr)
        self.assertEqual(self.status(), [])

    def test_a_socket_that_a_dead_proxy_left_is_replaced(self):
        self.start_proxy()
        self.stop_proxy(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.path))
        self.start_proxy()

    def test_a_wrong_command_line_is_status_2(self):
        done = subprocess.run([PROGRAM, "--nonsense"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("Usage: burrow-dhcp", done.stderr)


if __name__ == "__main__":
    unittest.main()
