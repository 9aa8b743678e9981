"""Reloads of burrow-dns: nothing is lost, little is read, torn files do no harm."""

import os
import pathlib
import signal
import socket
import sys
import threading
import time
import unittest

import dns_support as dns
from dns_support import NXDOMAIN, DaemonTest, Reply, TcpClient, ask, make_query, wait_until

GATEWAY, CLIENT = "10.89.0.1", "10.89.0.2"
NET = f"{GATEWAY}\nabc {CLIENT}  web\n"
dns.add_address(GATEWAY, CLIENT, "10.90.0.1", "10.91.0.1")
dns.private_etc()


class Asker(threading.Thread):
    """Asks without a pause until it is told to end; counts what came back and what did not."""

    def __init__(self, name):
        super().__init__()
        self.name_asked = name
        self.lost, self.wrong, self.right = [], [], 0
        self.is_ending = threading.Event()

    def run(self):
        with dns.udp_socket(CLIENT, GATEWAY, timeout=2) as asker:
            while not self.is_ending.is_set():
                ident = self.right & 0xFFFF
                asker.send(make_query(self.name_asked, ident=ident))
                try:
                    reply = Reply(asker.recv(512))
                except TimeoutError:
                    self.lost.append(ident)
                    continue
                if reply.ident != ident or reply.data not in ([CLIENT], ["192.0.2.1"]):
                    self.wrong.append((ident, reply.ident, reply.data))
                self.right += 1


class Reload(DaemonTest):
    def test_a_thousand_reloads_lose_no_query(self):
        def slow(query, _):
            time.sleep(0.02)
            return dns.respond(query, addresses=["192.0.2.1"])
        self.start_upstream("127.0.0.11", slow)
        files = {"net": NET.replace(GATEWAY, f"{GATEWAY} 127.0.0.11", 1)}
        daemon = self.start_daemon(files)
        askers = [Asker("web"), Asker("forwarded.example")]
        for asker in askers:
            asker.start()
        for number in range(1000):
            daemon.reload({"other": f"10.90.0.1\nx 10.90.0.2  n{number}\n"} if number % 2 else
                          {"net": files["net"] + f"y 10.89.0.3  n{number}\n"})
            if number % 10 == 0:
                self.assertTrue(daemon.is_running())
            time.sleep(0.002)
        for asker in askers:
            asker.is_ending.set()
            asker.join()
            self.assertEqual((asker.lost, asker.wrong), ([], []))
        self.assertGreater(askers[0].right, 1000)
        wait_until(lambda: ask("n998.dns.podman").data == ["10.89.0.3"])

    def test_new_networks_get_sockets_and_old_ones_keep_theirs(self):
        daemon = self.start_daemon({"net": NET})

        def sockets():
            return {os.readlink(entry.path) for entry in os.scandir(f"/proc/{daemon.pid}/fd")
                    if os.readlink(entry.path).startswith("socket:")}
        before = sockets()
        daemon.reload({"two": "10.90.0.1\nx 10.90.0.2  two\n"})
        # Eight for UDP, each for some of the clients, and one for TCP.
        wait_until(lambda: len(sockets()) == len(before) + 9)
        self.assertLess(before, sockets())
        self.assertEqual(ask("two", server="10.90.0.1").data, ["10.90.0.2"])
        (daemon.directory / "two").unlink()
        daemon.reload()
        wait_until(lambda: sockets() == before)

    def test_only_changed_files_are_read(self):
        gateways = [f"10.93.0.{number}" for number in range(1, 20)]
        dns.add_address(*gateways)
        files = {f"n{gateway}": f"{gateway}\nx{gateway} 10.94.0.2  name\n" for gateway in gateways}
        daemon = self.start_daemon({"net": NET, **files})
        daemon.reload()
        time.sleep(0.2)  # until the files are old enough to be taken for settled
        daemon.reload()
        time.sleep(0.1)
        read_before = self.bytes_read(daemon)
        daemon.reload()
        time.sleep(0.1)
        unchanged = self.bytes_read(daemon) - read_before
        self.assertLess(unchanged, 1000)  # the signal and resolv.conf
        daemon.reload({"net": NET + "y 10.89.0.3  new\n"})
        wait_until(lambda: ask("new").data == ["10.89.0.3"])

    @staticmethod
    def bytes_read(daemon):
        text = pathlib.Path(f"/proc/{daemon.pid}/io").read_text()
        return int(text.split()[1])

    def test_a_change_that_keeps_size_and_follows_at_once_is_seen(self):
        daemon = self.start_daemon({"net": NET})
        for number in range(3, 60):
            address = f"10.89.0.{number:02}".replace(".0", ".1") if number < 10 else f"10.89.0.{number}"
            daemon.reload({"net": f"{GATEWAY}\nabc {address}  web\n"})
            wait_until(lambda: ask("web").data == [address], seconds=2, what=f"web at {address}")

    def test_changes_are_seen_without_a_signal(self):
        daemon = self.start_daemon({"net": NET})
        daemon.files({"net": NET + "y 10.89.0.3  unsignalled\n"})
        wait_until(lambda: ask("unsignalled.dns.podman").data == ["10.89.0.3"])

    def test_a_torn_or_bad_file_keeps_its_last_good_version(self):
        daemon = self.start_daemon({"net": NET, "two": "10.90.0.1\nx 10.90.0.2  two\n"})
        for broken in ("", "nonsense\n", "10.89.0.999\n", "\n\n"):
            daemon.reload({"net": broken})
            time.sleep(0.05)
            self.assertEqual(ask("web").data, [CLIENT], broken)
            self.assertEqual(ask("two", server="10.90.0.1").data, ["10.90.0.2"])
        daemon.reload({"net": NET + "broken line\ny 10.89.0.3  after\n"})
        wait_until(lambda: ask("after.dns.podman").data == ["10.89.0.3"])
        self.assertEqual(ask("web").data, [CLIENT])

    def test_a_file_rewritten_in_place_is_never_seen_half_way(self):
        lines = "".join(f"id{i} 10.89.1.{i}  n{i}\n" for i in range(200))
        daemon = self.start_daemon({"net": NET + lines})
        for _ in range(5):
            with open(daemon.directory / "net", "r+") as file:
                file.truncate(0)
                for line in (NET + lines).splitlines(keepends=True):
                    file.write(line)
                    file.flush()
                    if line.startswith("id1 ") or line.startswith("id150 "):
                        # Told in the middle, as by another launcher's change.
                        os.kill(daemon.pid, signal.SIGHUP)
                        self.assertEqual(ask("n199.dns.podman").data, ["10.89.1.199"])
            self.assertEqual(ask("n199.dns.podman").data, ["10.89.1.199"])
        daemon.reload({"net": NET})  # a beginning of what it was, for good
        wait_until(lambda: ask("n199.dns.podman").rcode == NXDOMAIN)

    def test_files_that_are_no_networks_are_passed_over(self):
        daemon = self.start_daemon({"net": NET, ".hidden": "10.90.0.1\n", "net~": "10.91.0.1\n"})
        (daemon.directory / "directory").mkdir()
        os.mkfifo(daemon.directory / "fifo")
        (daemon.directory / "binary").write_bytes(b"\xff\xfe\x00" * 100)
        os.symlink("/nowhere", daemon.directory / "dangling")
        daemon.reload({"two": "10.90.0.1\nx 10.90.0.2  two\n"})
        wait_until(lambda: ask("two.dns.podman", server="10.90.0.1").data == ["10.90.0.2"])
        self.assertEqual(ask("web").data, [CLIENT])
        self.addCleanup((daemon.directory / "fifo").unlink)

    def test_a_taken_address_on_a_reload_costs_that_network_alone_until_it_is_free(self):
        daemon = self.start_daemon({"net": NET})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("10.90.0.1", 53))
            daemon.reload({"two": "10.90.0.1\nx 10.90.0.2  two\n",
                           "six": "10.91.0.1\nx 10.91.0.2  three\n"})
            wait_until(lambda: ask("web").data == [CLIENT])
            wait_until(lambda: self.serves("10.91.0.1"))
        wait_until(lambda: self.serves("10.90.0.1"), what="the retry")  # nobody sends a signal

    @staticmethod
    def serves(address):
        return ask("x.dns.podman", server=address, timeout=0.2).rcode == NXDOMAIN

    def test_networks_that_share_a_gateway_do_not_fail_the_start(self):
        self.start_daemon({"a": NET, "b": f"{GATEWAY}\nx 10.90.0.2  two\n"})
        self.assertEqual(ask("web").data, [CLIENT])

    def test_a_connection_and_a_socket_live_through_reloads(self):
        daemon = self.start_daemon({"net": NET})
        with TcpClient(source=CLIENT) as client:
            for number in range(20):
                daemon.reload({"net": NET + f"y 10.89.0.3  n{number}\n",
                               "a": f"10.90.0.1\nx 10.90.0.2  n{number}\n"})
                wait_until(lambda: ask(f"n{number}.dns.podman").answer)
                client.send(make_query(f"n{number}"))
                self.assertEqual(client.receive().data, ["10.89.0.3"])

    def test_signals_during_the_start_never_kill(self):
        daemon = dns.Daemon({"net": NET})
        self.addCleanup(daemon.stop)
        pid_file = daemon.directory / "aardvark.pid"

        def signal_as_soon_as_possible():
            while True:
                try:
                    os.kill(int(pid_file.read_text()), signal.SIGHUP)
                    return
                except (FileNotFoundError, ValueError):
                    continue
        for _ in range(20):
            eager = threading.Thread(target=signal_as_soon_as_possible)
            eager.start()
            daemon.start()
            eager.join()
            self.assertEqual(ask("web", timeout=1).data, [CLIENT])
            os.kill(daemon.pid, signal.SIGTERM)
            wait_until(lambda: not daemon.is_running())


class Large(DaemonTest):
    def test_ten_thousand_names_stay_small_and_reload_fast(self):
        lines = "".join(f"id{i} 10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}  name{i}\n"
                        for i in range(10000))
        daemon = self.start_daemon({"net": NET + lines})
        self.assertLess(daemon.resident_kib(), 20 * 1024)
        time.sleep(0.2)
        daemon.reload()
        time.sleep(0.3)
        spent = daemon.cpu_seconds()
        for number in range(20):
            daemon.reload({"small": f"10.90.0.1\nx 10.90.0.2  n{number}\n"})
            wait_until(lambda: ask(f"n{number}.dns.podman", server="10.90.0.1").answer)
        # Twice each, by the watch and by the signal; the large file is not read again.
        self.assertLess((daemon.cpu_seconds() - spent) / 40, 0.005)


    def test_one_change_among_ten_thousand_names_costs_little(self):
        lines = [f"id{i} 10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}  name{i},alias{i}\n"
                 for i in range(10000)]
        daemon = self.start_daemon({"net": NET + "".join(lines)})
        self.assertLess(daemon.resident_kib(), 20 * 1024)
        spent = daemon.cpu_seconds()
        for number in range(100):
            # As netstack does: the line of a container leaves its place and comes last.
            lines.append(lines.pop(number * 97).replace(" 10.", f" 10.99.0.{number + 1},10."))
            scratch = daemon.directory.parent / "scratch"
            scratch.write_text(NET + "".join(lines))
            scratch.rename(daemon.directory / "net")
            dns.control(daemon, "refresh")
            name = lines[-1].split()[-1].split(",")[0]
            self.assertIn(f"10.99.0.{number + 1}", ask(f"{name}.dns.podman").data)
        # The files are read by the watch too; a debug build on a busy machine has ten times as much.
        self.assertLess((daemon.cpu_seconds() - spent) / 100, 0.02)
        self.assertLess(daemon.resident_kib(), 24 * 1024)


if __name__ == "__main__":
    sys.exit(unittest.main())
