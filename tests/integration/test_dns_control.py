"""The control socket of burrow-dns: reloads that are acknowledged, and who may ask."""

import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest

import dns_support as dns
from dns_support import Daemon, DaemonTest, ask, control, control_path, wait_until

GATEWAY, CLIENT = "10.89.0.1", "10.89.0.2"
NET = f"{GATEWAY}\nabc {CLIENT}  web\n"
dns.add_address(GATEWAY, CLIENT, "10.90.0.1")
dns.private_etc()


class Refresh(DaemonTest):
    def test_a_name_answers_when_the_refresh_was_acknowledged(self):
        daemon = self.start_daemon({"net": NET})
        for number in range(200):
            address = f"10.89.1.{number}"
            daemon.files({"net": NET + f"c{number} {address}  n{number}\n"})
            done = control(daemon, "refresh")
            self.assertEqual((done["networks"], done["failures"]), (1, []))
            self.assertEqual(ask(f"n{number}.dns.podman", timeout=0.5).data, [address])
        self.assertGreater(done["generation"], 200)

    def test_an_address_that_cannot_be_bound_is_told(self):
        daemon = self.start_daemon({"net": NET})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("10.90.0.1", 53))
            daemon.files({"two": "10.90.0.1\nx 10.90.0.2  two\n"})
            failures = control(daemon, "refresh")["failures"]
        self.assertEqual(len(failures), 1)
        self.assertIn("failed to bind udp listener on 10.90.0.1:53", failures[0])

    def test_the_answer_to_the_last_refresh_ends_with_the_daemon(self):
        daemon = self.start_daemon({"net": NET})
        (daemon.directory / "net").unlink()
        self.assertEqual(control(daemon, "refresh")["networks"], 0)
        self.assertFalse((daemon.directory / "aardvark.pid").exists())
        self.assertFalse(control_path(daemon).exists())
        wait_until(lambda: not daemon.is_running(), seconds=0.5)

    def test_a_directory_that_cannot_be_read_is_an_error(self):
        daemon = self.start_daemon({"net": NET})
        shutil.rmtree(daemon.directory)
        self.assertIn(str(daemon.directory), control(daemon, "refresh")["error"])
        self.assertEqual(ask("web").data, [CLIENT])


class Socket(DaemonTest):
    def connect(self, daemon):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(made.close)
        made.settimeout(5)
        made.connect(str(control_path(daemon)))
        return made

    def test_it_stands_beside_the_directory_for_the_owner_alone_and_goes_with_the_daemon(self):
        daemon = self.start_daemon({"net": NET})
        path = control_path(daemon)
        self.assertEqual(path.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(sorted(os.listdir(daemon.directory)), ["aardvark.pid", "net"])
        os.kill(daemon.pid, signal.SIGTERM)
        wait_until(lambda: not daemon.is_running())
        self.assertFalse(path.exists())

    def test_another_user_is_refused_whatever_the_files_mode(self):
        daemon = self.start_daemon({"net": NET})
        control_path(daemon).chmod(0o666)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.connect(str(control_path(daemon)))
            try:
                made.sendall(b"refresh\n")
                os._exit(len(made.recv(100)))
            except (BrokenPipeError, ConnectionResetError):
                os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(control(daemon, "refresh")["networks"], 1)

    def test_what_a_killed_daemon_left_is_no_hindrance(self):
        daemon = self.start_daemon({"net": NET})
        os.kill(daemon.pid, signal.SIGKILL)
        wait_until(lambda: not daemon.is_running())
        self.assertTrue(control_path(daemon).exists())
        daemon.start()
        self.assertEqual(control(daemon, "refresh")["networks"], 1)

    def test_a_failed_start_beside_a_running_daemon_leaves_its_socket_alone(self):
        daemon = self.start_daemon({"net": NET})
        self.assertEqual(daemon.try_start().returncode, 1)
        self.assertEqual(control(daemon, "refresh")["networks"], 1)

    def test_a_path_longer_than_a_socket_address_works(self):
        daemon = Daemon({})
        self.addCleanup(daemon.stop)
        daemon.directory = pathlib.Path(tempfile.mkdtemp(), "d" * 120, "networks")
        daemon.directory.mkdir(parents=True)
        daemon.command[2] = daemon.directory
        daemon.files({"net": NET})
        daemon.start()
        holder = os.open(daemon.directory.parent, os.O_PATH)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
            made.connect(f"/proc/self/fd/{holder}/networks.sock")
            made.sendall(b"refresh\n")
            self.assertEqual(json.loads(made.makefile().read())["networks"], 1)
        os.close(holder)

    def test_without_a_place_for_the_socket_names_are_still_served(self):
        daemon = Daemon({"net": NET})
        self.addCleanup(daemon.stop)
        control_path(daemon).mkdir()
        self.addCleanup(control_path(daemon).rmdir)
        daemon.start()
        self.assertEqual(ask("web").data, [CLIENT])

    def test_what_is_no_command_is_said_to_be_none(self):
        daemon = self.start_daemon({"net": NET})
        for nonsense in ("", "refresh now please", "REFRESH", "\x00\xff" * 100):
            self.assertIn("unknown command", control(daemon, nonsense)["error"])

    def test_endless_and_silent_requests_cost_nothing_to_others(self):
        daemon = self.start_daemon({"net": NET})
        silent = [self.connect(daemon) for _ in range(40)]
        endless = self.connect(daemon)
        with self.assertRaises(OSError):
            for _ in range(1000):
                endless.sendall(b"x" * 1000)
        self.assertEqual(control(daemon, "refresh")["networks"], 1)
        self.assertEqual(ask("web").data, [CLIENT])
        before = daemon.cpu_seconds()
        time.sleep(0.5)
        self.assertLess(daemon.cpu_seconds() - before, 0.1)
        self.assertEqual(len(silent), 40)


if __name__ == "__main__":
    sys.exit(unittest.main())
