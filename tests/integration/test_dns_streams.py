"""Upstream servers over TCP: questions share connections, and servers that end them lose no answer."""

import os
import socket
import struct
import sys
import threading
import time
import unittest

import dns_support as dns
from dns_support import DaemonTest, Reply, ask, make_query, respond

GATEWAY, CLIENT, UPSTREAM = "10.89.0.1", "10.89.0.2", "127.0.0.11"
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\n"}
dns.add_address(GATEWAY, CLIENT)
dns.private_etc()


class Server:
    """Answers over TCP alone: over UDP everything is truncated. `serve(connection, messages)` has a
    connection of its own and yields what comes over it."""

    def __init__(self, serve):
        self.serve, self.connections, self.ended = serve, 0, False
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((UPSTREAM, 53))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((UPSTREAM, 53))
        self.tcp.listen(256)
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._udp, self._tcp)]
        for thread in self.threads:
            thread.start()

    def _udp(self):
        while True:
            query, client = self.udp.recvfrom(512)
            if self.ended:
                return
            self.udp.sendto(respond(query, flags=0x8380), client)

    def _tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            if self.ended:
                connection.close()
                return
            self.connections += 1
            threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection):
        with connection:
            try:
                self.serve(connection, self._messages(connection))
            except OSError:
                pass

    @staticmethod
    def _messages(connection):
        held = b""
        while part := connection.recv(65535):
            held += part
            while len(held) >= 2 and len(held) >= 2 + struct.unpack(">H", held[:2])[0]:
                size = struct.unpack(">H", held[:2])[0]
                yield held[2:2 + size]
                held = held[2 + size:]

    def stop(self):
        self.ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (UPSTREAM, 53))
        socket.create_connection((UPSTREAM, 53)).close()
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()


def answer(connection, query):
    response = respond(query, addresses=["192.0.2.1"])
    connection.sendall(struct.pack(">H", len(response)) + response)


class Streams(DaemonTest):
    def serve(self, function):
        server = Server(function)
        self.addCleanup(server.stop)
        return server

    def ask_at_once(self, count):
        """Questions of one client, all out together; the codes of their answers."""
        with dns.udp_socket(CLIENT, GATEWAY, timeout=5) as asker:
            for ident in range(count):
                asker.send(make_query(f"n{ident}.example", ident=ident))
            replies = [Reply(asker.recv(512)) for _ in range(count)]
        self.assertEqual({reply.ident for reply in replies}, set(range(count)))
        return [reply.rcode for reply in replies]

    def test_questions_at_once_share_connections_and_are_answered_in_any_order(self):
        def backwards(connection, messages):
            waiting, lock = [], threading.Lock()

            def respond_soon():
                time.sleep(0.3)
                with lock:
                    for query in reversed(waiting):
                        answer(connection, query)
            for query in messages:
                with lock:
                    waiting.append(query)
                    if len(waiting) == 1:
                        threading.Thread(target=respond_soon, daemon=True).start()
        server = self.serve(backwards)
        self.start_daemon(FILES)
        self.assertEqual(self.ask_at_once(100), [dns.NOERROR] * 100)
        self.assertLessEqual(server.connections, 8)

    def test_a_connection_waits_for_the_next_question(self):
        def patient(connection, messages):
            for query in messages:
                answer(connection, query)
        server = self.serve(patient)
        daemon = self.start_daemon(FILES)
        before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        for number in range(10):
            self.assertEqual(ask(f"n{number}.example", source=CLIENT).data, ["192.0.2.1"])
        self.assertEqual(server.connections, 1)
        self.assertLessEqual(len(os.listdir(f"/proc/{daemon.pid}/fd")), before + 1)

    def test_a_server_that_ends_a_connection_after_each_answer_answers_all(self):
        def brief(connection, messages):
            answer(connection, next(messages))
        server = self.serve(brief)
        self.start_daemon(FILES)
        self.assertEqual(self.ask_at_once(40), [dns.NOERROR] * 40)
        self.assertGreaterEqual(server.connections, 40)
        self.assertEqual(self.ask_at_once(40), [dns.NOERROR] * 40)

    def test_a_connection_that_the_server_ended_while_it_was_idle_costs_no_answer(self):
        def impatient(connection, messages):
            connection.settimeout(0.05)
            for query in messages:
                answer(connection, query)
        server = self.serve(impatient)
        self.start_daemon(FILES)
        for number in range(5):
            self.assertEqual(ask(f"n{number}.example", source=CLIENT).data, ["192.0.2.1"])
            time.sleep(0.05 + 0.002 * number)
        self.assertGreater(server.connections, 1)

    def test_a_server_that_accepts_and_says_nothing_fails_the_question_in_time(self):
        server = self.serve(lambda _, messages: list(messages))
        self.start_daemon(FILES)
        began = time.monotonic()
        reply = ask("n.example", source=CLIENT, timeout=6)
        # What came over UDP is better than nothing.
        self.assertTrue(reply.truncated)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(server.connections, 1)

    def test_nonsense_over_a_connection_is_no_answer(self):
        def nonsense(connection, messages):
            next(messages)
            connection.sendall(b"\0\5hello" + os.urandom(300))
        self.serve(nonsense)
        daemon = self.start_daemon(FILES)
        self.assertTrue(ask("n.example", source=CLIENT, timeout=6).truncated)
        self.assertTrue(daemon.is_running())


if __name__ == "__main__":
    sys.exit(unittest.main())
