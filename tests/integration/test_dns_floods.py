"""Floods and spoofs: one client at full speed, connections by the thousand, readers who do not read,
forged answers. Others are answered, memory stays bounded, nothing is answered twice."""

import os
import pathlib
import resource
import signal
import socket
import struct
import sys
import threading
import time
import unittest

import dns_support as dns
from dns_support import DaemonTest, Reply, TcpClient, ask, ask_tcp, make_query, respond

GATEWAY, CLIENT, OTHER, UPSTREAM = "10.89.0.1", "10.89.0.2", "10.89.0.3", "127.0.0.11"
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\ndef {OTHER}  other\n"}
dns.add_address(GATEWAY, CLIENT, OTHER)
dns.private_etc()


def dropped():
    """Datagrams that the queues of the daemon's sockets had no room for."""
    lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines if line.split()[1].endswith(":0035"))


class Flood(DaemonTest):
    def test_others_are_answered_at_once_while_one_client_floods(self):
        self.start_upstream(UPSTREAM, lambda *_: None)
        daemon = self.start_daemon(FILES)
        ending = threading.Event()

        def flood(make):
            with dns.udp_socket(CLIENT, GATEWAY) as greedy:
                greedy.setblocking(False)
                number = 0
                while not ending.is_set():
                    number += 1
                    try:
                        greedy.send(make(number))
                    except (BlockingIOError, ConnectionRefusedError):
                        pass
        floods = [threading.Thread(target=flood, args=(make,)) for make in (
            lambda number: make_query("web", ident=number & 0xFFFF),
            lambda number: make_query(f"n{number}.example", ident=number & 0xFFFF),
            lambda number: os.urandom(number % 64))]
        for thread in floods:
            thread.start()
        try:
            taken, tries = [], 0
            for ident in range(300):
                began = time.monotonic()
                # The kernel drops what does not fit its queue: a client asks again.
                for _ in range(5):
                    tries += 1
                    reply = ask("web", source=OTHER, ident=ident, timeout=0.5)
                    if reply:
                        break
                self.assertEqual(reply.data, [CLIENT])
                taken.append(time.monotonic() - began)
        finally:
            ending.set()
            for thread in floods:
                thread.join()
        # Mostly the time of this program's own three flooding threads.
        self.assertLess(sorted(taken)[150], 0.1)
        self.assertLess(tries, 330)
        self.assertLess(daemon.resident_kib(), 20 * 1024)

    def test_each_query_is_answered_once(self):
        self.start_upstream(UPSTREAM, lambda query, _: [respond(query, addresses=["192.0.2.1"])] * 5)
        self.start_daemon(FILES)
        with dns.udp_socket(CLIENT, GATEWAY, timeout=0.3) as asker:
            for ident in range(50):
                asker.send(make_query("example.com" if ident % 2 else "web", ident=ident))
            seen = []
            try:
                while True:
                    seen.append(Reply(asker.recv(512)).ident)
            except TimeoutError:
                pass
        self.assertEqual(sorted(seen), list(range(50)))

    def test_thousands_of_half_open_connections_leave_room_for_others(self):
        daemon = self.start_daemon(FILES)
        held = []
        for number in range(2000):
            try:
                held.append(socket.create_connection((GATEWAY, 53), timeout=1,
                                                     source_address=(CLIENT, 0)))
                if number % 2:
                    held[-1].send(b"\0\x20half")
            except OSError:
                break
        self.addCleanup(lambda: [one.close() for one in held])
        with TcpClient(source=OTHER) as client:
            client.send(make_query("web"))
            self.assertEqual(client.receive().data, [CLIENT])
        self.assertLess(len(os.listdir(f"/proc/{daemon.pid}/fd")), 120)

    def test_a_full_queue_of_one_client_costs_others_no_answer(self):
        daemon = self.start_daemon(FILES)
        with dns.udp_socket(CLIENT, GATEWAY) as greedy, \
                dns.udp_socket(OTHER, GATEWAY, timeout=2) as asker:
            # More than the daemon can answer, because it does not run at all for a moment.
            os.kill(daemon.pid, signal.SIGSTOP)
            self.addCleanup(os.kill, daemon.pid, signal.SIGCONT)
            query = make_query("web")
            for _ in range(10000):
                greedy.send(query)
            self.assertGreater(dropped(), 0)
            for ident in range(100):
                asker.send(make_query("web", ident=ident))
            os.kill(daemon.pid, signal.SIGCONT)
            self.assertEqual({Reply(asker.recv(512)).ident for _ in range(100)}, set(range(100)))

    def test_ten_thousand_connections_leave_room_for_others(self):
        dns.run("ip", "route", "add", "local", "10.89.4.0/22", "dev", "lo")
        self.addCleanup(dns.run, "ip", "route", "del", "local", "10.89.4.0/22", "dev", "lo")
        resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
        daemon = self.start_daemon(FILES)
        held = []
        self.addCleanup(lambda: [one.close() for one in held])
        for number in range(10000):
            one = socket.socket()
            held.append(one)
            one.bind((f"10.89.{4 + number % 1000 // 250}.{1 + number % 250}", 0))
            one.setblocking(False)
            one.connect_ex((GATEWAY, 53))
            if number % 500 == 0:
                self.assertEqual(ask("web", source=OTHER, timeout=2).data, [CLIENT])
        with TcpClient(source=OTHER) as client:
            client.send(make_query("web"))
            self.assertEqual(client.receive().data, [CLIENT])
        self.assertLess(len(os.listdir(f"/proc/{daemon.pid}/fd")), 600)
        self.assertLess(daemon.resident_kib(), 20 * 1024)

    def test_readers_who_never_read_hold_neither_memory_nor_others(self):
        self.start_upstream(UPSTREAM, lambda query, _: respond(
            query, addresses=[f"192.0.2.{i}" for i in range(200)], ttl=60))
        daemon = self.start_daemon(FILES)
        ask_tcp("large.example", source=CLIENT)
        before = daemon.resident_kib()
        held = []
        self.addCleanup(lambda: [one.close() for one in held])
        query = make_query("large.example")
        for _ in range(40):
            one = TcpClient(source=CLIENT).socket
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            try:
                one.send((struct.pack(">H", len(query)) + query) * 2000)
            except BlockingIOError:
                pass
            held.append(one)
        for _ in range(50):
            self.assertEqual(ask("web", source=OTHER, timeout=4).data, [CLIENT])
        # 256 KiB of replies each, and as much of questions that wait for them.
        self.assertLess(daemon.resident_kib() - before, 40 * 600)


class Spoofed(DaemonTest):
    def test_answers_from_elsewhere_or_guessed_are_not_believed(self):
        asked = threading.Event()
        seen = []

        def behaviour(query, transport):
            seen.append((query, transport))
            if transport == "tcp":
                return respond(query, addresses=["192.0.2.1"])
            asked.set()
            return None
        upstream = self.start_upstream(UPSTREAM, behaviour)
        daemon = self.start_daemon(FILES)
        with dns.udp_socket(CLIENT, GATEWAY) as asker, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            asker.send(make_query("example.com"))
            self.assertTrue(asked.wait(5))
            port = next(iter(upstream.ports))
            forged = respond(seen[0][0], addresses=["6.6.6.6"])
            # All is right but the address, then all but the port.
            stranger.bind(("127.0.0.66", 53))
            stranger.sendto(forged, ("127.0.0.1", port))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_port:
                other_port.bind((UPSTREAM, 5353))
                other_port.sendto(forged, ("127.0.0.1", port))
            asker.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                asker.recv(512)
            # Address and port are right, the id is guessed: soon TCP decides.
            for guess in range(30):
                upstream.send(struct.pack(">H", guess) + forged[2:], ("127.0.0.1", port))
            asker.settimeout(5)
            self.assertEqual(Reply(asker.recv(512)).data, ["192.0.2.1"])
            asker.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                asker.recv(512)  # nothing twice
        self.assertEqual(seen[-1][1], "tcp")
        self.assertTrue(daemon.is_running())


if __name__ == "__main__":
    sys.exit(unittest.main())
