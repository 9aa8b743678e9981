"""burrow-dns over TCP: pipelining, limits, slow and vanishing clients."""

import os
import socket
import struct
import sys
import time
import unittest

import dns_support as dns
from dns_support import DaemonTest, Reply, TcpClient, ask, make_query, respond, wait_until

GATEWAY, CLIENT, OTHER, UPSTREAM = "10.89.0.1", "10.89.0.2", "10.89.0.3", "127.0.0.11"
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\ndef {OTHER}  other\n"}
dns.add_address(GATEWAY, CLIENT, OTHER)
dns.private_etc()


def framed(message):
    return struct.pack(">H", len(message)) + message


class Large(DaemonTest):
    def test_many_questions_for_large_answers_sent_at_once_are_all_answered(self):
        group = "".join(f"id{i} 10.89.{8 + i // 250}.{i % 250}  all\n" for i in range(1000))
        self.start_daemon({"net": FILES["net"] + group})
        with TcpClient(source=CLIENT) as client:
            client.send(*[make_query("all", ident=ident) for ident in range(300)])
            for ident in range(300):
                reply = client.receive()
                self.assertEqual((reply.ident, len(reply.data)), (ident, 1000))


class Tcp(DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon(FILES)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def test_many_messages_on_one_connection_in_one_segment_or_byte_by_byte(self):
        with TcpClient(source=CLIENT) as client:
            client.send(*[make_query("web", ident=ident) for ident in range(500)])
            self.assertEqual([client.receive().ident for _ in range(500)], list(range(500)))
            for byte in framed(make_query("other", ident=7)):
                client.socket.sendall(bytes([byte]))
            self.assertEqual(client.receive().data, [OTHER])

    def test_a_slow_answer_does_not_hold_up_later_ones(self):
        def slow(query, _):
            time.sleep(0.3)
            return respond(query, addresses=["192.0.2.1"])
        self.start_upstream(UPSTREAM, slow)
        with TcpClient(source=CLIENT) as client:
            client.send(make_query("slow.example", ident=1), make_query("web", ident=2))
            self.assertEqual([client.receive().ident, client.receive().ident], [2, 1])

    def test_both_families_on_one_connection_as_glibc_asks(self):
        self.start_upstream(UPSTREAM)
        with TcpClient(source=CLIENT) as client:
            client.send(make_query("example.com", ident=1), make_query("example.com", dns.AAAA, 2))
            self.assertEqual({client.receive().ident, client.receive().ident}, {1, 2})

    def test_a_half_closed_client_still_gets_its_answers(self):
        def slow(query, _):
            time.sleep(0.2)
            return respond(query, addresses=["192.0.2.1"])
        self.start_upstream(UPSTREAM, slow)
        with TcpClient(source=CLIENT) as client:
            client.send(make_query("web", ident=1), make_query("slow.example", ident=2))
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([client.receive().ident, client.receive().ident], [1, 2])
            with self.assertRaises(EOFError):
                client.receive()

    def test_the_end_inside_a_message_closes_without_a_spin(self):
        before = self.descriptors()
        for partial in (b"", b"\0", b"\0\x20", framed(make_query("web"))[:-3]):
            for reset in (False, True):
                with TcpClient(source=CLIENT) as client:
                    client.socket.sendall(partial)
                    if reset:
                        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                 struct.pack("ii", 1, 0))
        wait_until(lambda: self.descriptors() == before, what="closing")
        spent = self.daemon.cpu_seconds()
        time.sleep(0.5)
        self.assertLessEqual(self.daemon.cpu_seconds() - spent, 0.02)

    def test_messages_that_are_no_queries_are_dropped_and_the_connection_goes_on(self):
        with TcpClient(source=CLIENT) as client:
            client.send(b"", b"x", make_query("web", flags=0x8180), make_query("web", ident=9))
            self.assertEqual(client.receive().ident, 9)

    def test_an_idle_connection_is_closed(self):
        with TcpClient(source=CLIENT, timeout=20) as client:
            client.socket.sendall(b"\0")
            began = time.monotonic()
            self.assertEqual(client.socket.recv(1), b"")
            self.assertTrue(5 < time.monotonic() - began < 15)

    def test_one_client_cannot_take_all_connections(self):
        held = [socket.create_connection((GATEWAY, 53), source_address=(CLIENT, 0))
                for _ in range(300)]
        self.addCleanup(lambda: [one.close() for one in held])
        wait_until(lambda: self.descriptors() <= 100)
        with TcpClient(source=OTHER) as client:
            client.send(make_query("web"))
            self.assertEqual(client.receive().data, [CLIENT])
        self.assertEqual(ask("web", source=CLIENT, timeout=1).data, [CLIENT])

    def test_a_client_that_never_reads_costs_bounded_memory(self):
        before = self.daemon.resident_kib()
        lines = "".join(f"c{i} 10.89.1.{i}  many\n" for i in range(1, 200))
        self.daemon.reload({"net": FILES["net"] + lines})
        wait_until(lambda: ask("many").answer)
        greedy = TcpClient(source=CLIENT, timeout=1)
        self.addCleanup(greedy.socket.close)
        query = framed(make_query("many")) * 1000
        try:
            for _ in range(100):
                greedy.socket.sendall(query)
        except TimeoutError:
            pass
        self.assertLess(self.daemon.resident_kib() - before, 8192)
        self.assertEqual(ask("web", source=OTHER, timeout=1).data, [CLIENT])

    def test_running_out_of_descriptors_stops_nothing_for_good(self):
        dns.run("prlimit", f"--pid={self.daemon.pid}", f"--nofile={self.descriptors() + 5}")
        held = [socket.create_connection((GATEWAY, 53), source_address=(CLIENT, 0))
                for _ in range(20)]
        time.sleep(0.3)
        self.assertEqual(ask("web", source=OTHER, timeout=1).data, [CLIENT])
        for one in held:
            one.close()
        with TcpClient(source=OTHER) as client:
            client.send(make_query("web"))
            self.assertEqual(client.receive().data, [CLIENT])


if __name__ == "__main__":
    sys.exit(unittest.main())
