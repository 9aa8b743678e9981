"""How burrow-dns starts, lives and ends as a launcher of aardvark-dns sees it."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import dns_support as dns
from dns_support import BINARY, Daemon, DaemonTest, ask, run, wait_until

NETWORK = "10.89.0.1\nabc 10.89.0.2  web\n"
dns.add_address("10.89.0.1", "10.89.0.2", "10.90.0.1")
dns.private_etc()


class CommandLine(unittest.TestCase):
    def test_versions_say_the_name_that_was_called(self):
        said = run(BINARY, "--version").stdout
        self.assertRegex(said, r"^burrow-dns \d+\.\d+\.\d+\n$")
        link = pathlib.Path(tempfile.mkdtemp(), "aardvark-dns")
        link.symlink_to(BINARY)
        self.assertTrue(run(link, "--version").stdout.startswith("aardvark-dns 2.0.0"))
        self.assertIn('"version": "2.0.0"', run(link, "version").stdout)

    def test_usage_errors_exit_with_2_and_say_so_on_stderr(self):
        for arguments in ([], ["walk"], ["run", "-c", "/tmp"], ["-p", "65536", "run"]):
            done = run(BINARY, *arguments, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("Usage:", done.stderr)
            self.assertEqual(done.stdout, "")


class Start(DaemonTest):
    def fail_to_start(self, daemon):
        self.addCleanup(daemon.stop)
        done = daemon.try_start()
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("Error from child process\n"), done.stderr)
        self.assertFalse((daemon.directory / "aardvark.pid").exists())
        return done.stderr

    def test_it_serves_when_the_caller_goes_on(self):
        daemon = self.start_daemon({"net": NETWORK})
        self.assertEqual(ask("web", timeout=0.5).data, ["10.89.0.2"])
        command = pathlib.Path(f"/proc/{daemon.pid}/cmdline").read_bytes().split(b"\0")
        self.assertEqual([part.decode() for part in command[1:-1]],
                         ["--config", str(daemon.directory), "-p", "53", "run"])

    def test_the_pid_file_holds_the_number_alone(self):
        daemon = self.start_daemon({"net": NETWORK})
        self.assertEqual((daemon.directory / "aardvark.pid").read_text(), str(daemon.pid))
        self.assertEqual(sorted(os.listdir(daemon.directory)), ["aardvark.pid", "net"])

    def test_it_lets_go_of_everything_that_it_inherits(self):
        leaked, kept = os.pipe()
        os.set_inheritable(kept, True)
        daemon = Daemon({"net": NETWORK})
        self.addCleanup(daemon.stop)
        with subprocess.Popen(daemon.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, close_fds=False, cwd="/tmp") as starting:
            os.close(kept)
            # Ends only when nobody holds the pipes any more.
            self.assertEqual(starting.communicate(timeout=10), (b"", b""))
        daemon.pid = int((daemon.directory / "aardvark.pid").read_text())
        self.assertEqual(os.read(leaked, 1), b"")
        os.close(leaked)
        self.assertEqual(os.readlink(f"/proc/{daemon.pid}/cwd"), "/")
        self.assertEqual(os.getsid(daemon.pid), daemon.pid)

    def test_a_relative_directory_is_still_found_on_a_reload(self):
        daemon = Daemon({"net": NETWORK})
        self.addCleanup(daemon.stop)
        done = subprocess.run([BINARY, "-c", daemon.directory.name, "-p", "53", "run"],
                              cwd=daemon.directory.parent, check=False)
        self.assertEqual(done.returncode, 0)
        daemon.pid = int((daemon.directory / "aardvark.pid").read_text())
        daemon.reload({"net": NETWORK + "def 10.89.0.3  late\n"})
        wait_until(lambda: ask("late.dns.podman").data == ["10.89.0.3"])

    def test_an_empty_directory_is_a_failure(self):
        self.fail_to_start(Daemon({}))

    def test_a_missing_directory_is_named(self):
        daemon = Daemon({})
        daemon.directory.rmdir()
        done = daemon.try_start()
        self.assertEqual(done.returncode, 1)
        self.assertIn("Error creating aardvark pid Unable to get process pid: No such file",
                      done.stderr)

    def test_a_taken_udp_port_is_named_with_its_address(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("10.89.0.1", 53))
            said = self.fail_to_start(Daemon({"net": NETWORK}))
        self.assertIn("Error starting server failed to bind udp listener on 10.89.0.1:53: IO error: "
                      "Address already in use (os error 98)\n", said)

    def test_a_taken_tcp_port_is_named_with_its_address(self):
        with socket.create_server(("10.89.0.1", 53)):
            said = self.fail_to_start(Daemon({"net": NETWORK}))
        self.assertIn("failed to bind tcp listener on 10.89.0.1:53: IO error: ", said)

    def test_an_address_that_nobody_has_is_named(self):
        said = self.fail_to_start(Daemon({"net": "10.77.0.1\n"}))
        self.assertIn("10.77.0.1:53: IO error: Cannot assign requested address (os error 99)", said)

    def test_a_failed_start_beside_a_running_daemon_leaves_that_alone(self):
        daemon = self.start_daemon({"net": NETWORK})
        done = daemon.try_start()
        self.assertEqual(done.returncode, 1)
        self.assertEqual((daemon.directory / "aardvark.pid").read_text(), str(daemon.pid))
        self.assertEqual(ask("web").data, ["10.89.0.2"])

    def test_a_tentative_ipv6_gateway_does_not_fail_the_start(self):
        run("ip", "link", "add", "dad0", "type", "veth", "peer", "name", "dad1")
        self.addCleanup(run, "ip", "link", "del", "dad0")
        run("ip", "link", "set", "dad1", "up")
        run("ip", "link", "set", "dad0", "up")
        run("ip", "address", "add", "fd99::1/64", "dev", "dad0")
        self.assertIn("tentative", run("ip", "address", "show", "dad0").stdout)
        self.start_daemon({"net": "10.89.0.1,fd99::1\nabc 10.89.0.2 fd99::2 web\n"})
        wait_until(lambda: "tentative" not in run("ip", "address", "show", "dad0").stdout)
        self.assertEqual(ask("web", dns.AAAA, server="fd99::1").data, ["fd99::2"])

    def test_a_link_local_gateway_is_bound_on_its_link(self):
        run("ip", "link", "add", "local0", "type", "veth", "peer", "name", "local1")
        self.addCleanup(run, "ip", "link", "del", "local0")
        for link in ("local0", "local1"):
            run("ip", "link", "set", link, "up")
        run("ip", "address", "add", "fe80::53/64", "dev", "local0", "nodad")
        self.start_daemon({"net": "10.89.0.1,fe80::53\nabc 10.89.0.2  web\n"})
        for way in (ask, dns.ask_tcp):
            self.assertEqual(way("web", server="fe80::53%local0").data, ["10.89.0.2"])

    def test_a_bad_nameserver_line_does_not_fail_the_start_but_for_aardvark(self):
        pathlib.Path("/etc/resolv.conf").write_text("nameserver nonsense\n")
        self.addCleanup(pathlib.Path("/etc/resolv.conf").write_text, "")
        said = self.fail_to_start(Daemon({"net": NETWORK}, "--compat=aardvark"))
        self.assertIn("failed to get upstream nameservers, dns forwarding will not work", said)
        self.start_daemon({"net": NETWORK})


class End(DaemonTest):
    def test_it_ends_in_milliseconds_with_the_last_network(self):
        daemon = self.start_daemon({"net": NETWORK})
        (daemon.directory / "net").unlink()
        time.sleep(0.1)
        self.assertTrue(daemon.is_running())  # whoever removed the file still has to find it
        began = time.monotonic()
        daemon.reload()
        wait_until(lambda: not daemon.is_running(), seconds=1)
        self.assertLess(time.monotonic() - began, 0.1)
        self.assertEqual(os.listdir(daemon.directory), [])

    def test_files_that_are_no_networks_do_not_keep_it(self):
        daemon = self.start_daemon({"net": NETWORK, "junk": "junk\n"})
        (daemon.directory / "net").unlink()
        daemon.reload()
        wait_until(lambda: not daemon.is_running(), seconds=1)

    def test_a_network_without_containers_keeps_it(self):
        daemon = self.start_daemon({"net": NETWORK})
        daemon.reload({"net": "10.89.0.1\n"})
        wait_until(lambda: ask("web.dns.podman").rcode == dns.NXDOMAIN)
        self.assertTrue(daemon.is_running())

    def test_a_torn_file_of_the_last_network_does_not_end_it(self):
        daemon = self.start_daemon({"net": NETWORK})
        daemon.reload({"net": ""})
        time.sleep(0.3)
        self.assertEqual(ask("web").data, ["10.89.0.2"])
        daemon.files({"net": "10.89.0.1\nabc 10.89.0.3  web\n"})
        wait_until(lambda: ask("web").data == ["10.89.0.3"])

    def test_signals_that_end_it_remove_the_pid_file(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            daemon = self.start_daemon({"net": NETWORK})
            os.kill(daemon.pid, number)
            wait_until(lambda: not daemon.is_running())
            self.assertEqual(os.listdir(daemon.directory), ["net"])


class Log(DaemonTest):
    def test_lines_go_to_the_syslog_socket(self):
        pathlib.Path("/dev/log").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.bind("/run/log")
            syslog.settimeout(5)
            run("mount", "-t", "tmpfs", "tmpfs", "/mnt")
            run("sh", "-c", "cp -a /dev/null /dev/zero /dev/urandom /dev/random /mnt/")
            run("mount", "--bind", "/mnt", "/dev")
            try:
                os.symlink("/run/log", "/dev/log")
                daemon = self.start_daemon({"net": NETWORK}, environment={"RUST_LOG": "WARN"})
                daemon.reload({"net": "10.89.0.1\nnonsense\nabc 10.89.0.2  web\n"})
                line = syslog.recv(4096).decode()
            finally:
                run("umount", "--lazy", "/dev")
                run("umount", "--lazy", "/mnt")
        self.assertRegex(line, r'^<12>\w{3} [ \d]\d \d\d:\d\d:\d\d burrow-dns\[\d+\]: .*"net".*line 2')

    def test_an_unknown_level_is_said_once(self):
        daemon = Daemon({"net": NETWORK}, environment={"RUST_LOG": "a=loud"})
        self.addCleanup(daemon.stop)
        done = daemon.try_start()
        daemon.pid = int((daemon.directory / "aardvark.pid").read_text())
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("RUST_LOG"), 1)


if __name__ == "__main__":
    sys.exit(unittest.main())
