"""Several server threads: clients are dealt out among them, one snapshot of the names, one view from
outside. Run with the programs of the tsan preset it finds data races: none may be reported."""

import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

import dns_support as dns
from dns_support import (DaemonTest, Reply, TcpClient, ask, control, control_path, make_query, respond,
                         wait_until)

GATEWAY, UPSTREAM = "10.89.0.1", "127.0.0.11"
CLIENTS = [f"10.89.0.{number}" for number in range(2, 10)]
NET = f"{GATEWAY} {UPSTREAM}\n" + "".join(
    f"id{number} {address}  web{number}\n" for number, address in enumerate(CLIENTS))
dns.add_address(GATEWAY, "10.90.0.1", *CLIENTS)
dns.private_etc()


class ThreadsTest(DaemonTest):
    def start(self, files, *options):
        """A daemon whose data races, if it was built to see them, fail the test."""
        reports = pathlib.Path(tempfile.mkdtemp(prefix="races-"))
        daemon = self.start_daemon(files, *options, environment={
            "TSAN_OPTIONS": f"log_path={reports}/report"})

        def check():
            daemon.stop()
            found = [path.read_text() for path in reports.iterdir()]
            self.assertEqual(found, [])
        self.addCleanup(check)
        return daemon

    @staticmethod
    def thread_nanoseconds(daemon):
        """CPU time of each thread. A sanitizer has one of its own, which does not work."""
        return {stat.parent.name: int(stat.read_text().split()[0])
                for stat in pathlib.Path(f"/proc/{daemon.pid}/task").glob("*/schedstat")}


class Serving(ThreadsTest):
    def test_one_thread_is_the_rule(self):
        daemon = self.start({"net": NET})
        self.assertEqual(control(daemon, "status")["threads"], 1)

    def test_every_client_is_answered_over_both_transports_whoever_serves_it(self):
        daemon = self.start({"net": NET}, "--threads=3")
        self.assertGreaterEqual(len(self.thread_nanoseconds(daemon)), 3)
        for number, client in enumerate(CLIENTS):
            self.assertEqual(ask(f"web{number}", source=client).data, [client])
            with TcpClient(source=client) as connection:
                connection.send(make_query(f"web{number}"), make_query("none.dns.podman"))
                self.assertEqual(connection.receive().data, [client])
                self.assertEqual(connection.receive().rcode, dns.NXDOMAIN)
        status = control(daemon, "status")
        self.assertEqual((status["threads"], status["queries"]["udp"], status["queries"]["tcp"]),
                         (3, len(CLIENTS), 2 * len(CLIENTS)))
        self.assertEqual(status["answers"], {"NOERROR": 2 * len(CLIENTS), "NXDOMAIN": len(CLIENTS)})

    def test_clients_side_by_side_are_work_for_all_threads(self):
        daemon = self.start({"net": NET}, "--threads=2")
        before = self.thread_nanoseconds(daemon)
        ending = time.monotonic() + 1
        missing = []

        def client(address):
            with dns.udp_socket(address, GATEWAY) as asker:
                ident = 0
                while time.monotonic() < ending:
                    for _ in range(20):
                        ident += 1
                        asker.send(make_query("web1", ident=ident & 0xFFFF))
                    for _ in range(20):
                        if not asker.recv(512):
                            missing.append(address)
        threads = [threading.Thread(target=client, args=(address,)) for address in CLIENTS[:2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = self.thread_nanoseconds(daemon)
        # A thread without clients is never woken.
        busy = [thread for thread, spent in after.items() if spent - before.get(thread, 0) > 500_000]
        self.assertGreaterEqual(len(busy), 2)
        self.assertEqual(missing, [])

    def test_a_limit_on_one_client_is_that_of_one_thread(self):
        self.start_upstream(UPSTREAM, lambda *_: None)
        self.start({"net": NET}, "--threads=2")
        with dns.udp_socket(CLIENTS[0], GATEWAY, timeout=0.5) as asker:
            for ident in range(600):
                asker.send(make_query(f"n{ident}.example", ident=ident))
            refused = 0
            try:
                while True:
                    self.assertEqual(Reply(asker.recv(512)).rcode, dns.REFUSED)
                    refused += 1
            except TimeoutError:
                pass
        self.assertEqual(refused, 600 - 512)


class Changes(ThreadsTest):
    def test_a_refresh_is_acknowledged_when_every_thread_has_the_new_names(self):
        daemon = self.start({"net": NET}, "--threads=3")
        for number in range(60):
            daemon.files({"net": NET + f"new{number} 10.89.1.{number}  n{number}\n"})
            self.assertEqual(control(daemon, "refresh")["failures"], [])
            for client in CLIENTS[:6]:
                reply = ask(f"n{number}", source=client, timeout=2)
                self.assertEqual(reply.data, [f"10.89.1.{number}"])

    def test_queries_during_a_hundred_reloads_are_all_answered(self):
        self.start_upstream(UPSTREAM, lambda query, _: respond(query, addresses=["192.0.2.1"]))
        daemon = self.start({"net": NET}, "--threads=2")
        ending = threading.Event()
        answered, lost = [0] * len(CLIENTS), []

        def client(number, address):
            with dns.udp_socket(address, GATEWAY, timeout=4) as asker:
                while not ending.is_set():
                    answered[number] += 1
                    # Each fourth is an upstream's, with TTL 0: never kept.
                    name = f"web{number}" if answered[number] % 4 else f"n{number}.example"
                    asker.send(make_query(name, ident=answered[number] & 0xFFFF))
                    try:
                        reply = Reply(asker.recv(512))
                    except TimeoutError:
                        lost.append(name)
                        continue
                    if reply.ident != answered[number] & 0xFFFF or not reply.answer:
                        lost.append(name)
        threads = [threading.Thread(target=client, args=one) for one in enumerate(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            for number in range(100):
                files = {"net": NET + f"new{number} 10.89.1.{number}  n{number}\n"}
                if number % 2:
                    files["two"] = "10.90.0.1\nx 10.90.0.2  two\n"
                else:
                    (daemon.directory / "two").unlink(missing_ok=True)
                daemon.files(files)
                control(daemon, "refresh")
                if number % 10 == 0:
                    control(daemon, "status")
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        self.assertEqual(lost, [])
        self.assertTrue(all(answered))

    def test_the_log_and_the_metrics_are_those_of_all_threads(self):
        daemon = self.start({"net": NET}, "--threads=2")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.settimeout(5)
            listener.connect(str(control_path(daemon)))
            listener.sendall(b"log\n")
            lines = listener.makefile()
            self.assertTrue(json.loads(lines.readline())["listening"])
            for number, client in enumerate(CLIENTS):
                ask(f"web{number}", source=client)
            told = [json.loads(lines.readline()) for _ in CLIENTS]
        self.assertEqual(sorted(line["client"] for line in told), CLIENTS)
        wait_until(lambda: f'queries_total{{transport="udp"}} {len(CLIENTS)}\n' in
                   dns.control_text(daemon, "metrics"))
        # Nobody listens any more: nothing is said, nothing breaks.
        self.assertEqual(ask("web1", source=CLIENTS[1]).data, [CLIENTS[1]])

    def test_it_ends_with_all_its_threads_while_it_is_asked(self):
        daemon = self.start({"net": NET}, "--threads=4")
        with dns.udp_socket(CLIENTS[0], GATEWAY) as asker:
            for ident in range(200):
                asker.send(make_query("web1", ident=ident))
            os.kill(daemon.pid, signal.SIGTERM)
        wait_until(lambda: not daemon.is_running(), seconds=5)
        self.assertFalse((daemon.directory / "aardvark.pid").exists())


if __name__ == "__main__":
    sys.exit(unittest.main())
