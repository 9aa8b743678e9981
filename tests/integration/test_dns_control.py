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
import urllib.error
import urllib.request

import dns_support as dns
from dns_support import Daemon, DaemonTest, ask, control, control_path, control_text, wait_until

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


class Look(DaemonTest):
    FILES = {"net": NET + "=   www 5 CNAME web\n=   @ 0 SET domain=shop.internal\n",
             "inner%int": "10.90.0.1\nxyz 10.90.0.2  inside\n", "torn": ""}

    def test_status_tells_networks_counters_and_complaints(self):
        daemon = self.start_daemon(self.FILES)
        ask("web")
        ask("nobody.dns.podman")
        dns.ask_tcp("web")
        status = control(daemon, "status")
        self.assertEqual([(each["name"], each["internal"], each["listen"], each["containers"],
                           each["names"]) for each in status["networks"]],
                         [("inner", True, ["10.90.0.1"], 1, 1), ("net", False, [GATEWAY], 1, 2)])
        self.assertEqual(status["networks"][1]["domain"], "shop.internal")
        self.assertEqual((status["queries"]["udp"], status["queries"]["tcp"]), (2, 1))
        self.assertEqual(status["answers"], {"NOERROR": 2, "NXDOMAIN": 1})
        self.assertEqual((status["pid"], status["listeners"]), (daemon.pid, 2))
        self.assertEqual(len(status["complaints"]), 1)
        self.assertIn('"torn"', status["complaints"][0])

    def test_names_are_listed_by_network(self):
        daemon = self.start_daemon(self.FILES)
        self.assertEqual(control(daemon, "names net")["networks"], [
            {"name": "net", "names": [{"name": "web", "addresses": [CLIENT]},
                                      {"name": "www", "addresses": [],
                                       "records": ["5 CNAME web"]}]}])
        self.assertEqual(len(control(daemon, "names")["networks"]), 2)
        self.assertIn("no network", control(daemon, "names nowhere")["error"])

    def test_a_large_list_of_names_comes_whole(self):
        lines = "".join(f"id{i} 10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}  name{i}\n"
                        for i in range(20000))
        daemon = self.start_daemon({"net": NET + lines})
        self.assertEqual(len(control(daemon, "names", 20)["networks"][0]["names"]), 20001)

    def test_a_query_is_answered_as_its_container_would_get_it(self):
        daemon = self.start_daemon(self.FILES)
        answer = control(daemon, f"query www from={CLIENT}")
        self.assertEqual((answer["by"], answer["network"], answer["sees"]), ("us", "net", ["net"]))
        self.assertEqual(answer["answer"], ["www. 5 CNAME web.", f"web. 0 A {CLIENT}"])
        inner = control(daemon, "query example.com AAAA network=inner from=10.90.0.2")
        self.assertEqual((inner["by"], inner["rcode"]), ("us", "NXDOMAIN"))
        for words in ("", "web NONSENSE", "web from=x", "a..b", "web network=nowhere"):
            self.assertIn("error", control(daemon, f"query {words}"), words)

    def test_a_query_for_the_world_really_goes_there(self):
        self.start_upstream("127.0.0.21")
        daemon = self.start_daemon({"net": NET.replace(GATEWAY, f"{GATEWAY} 127.0.0.21", 1)})
        answer = control(daemon, f"query example.com from={CLIENT}")
        self.assertEqual((answer["by"], answer["servers"]), ("upstream", ["127.0.0.21"]))
        self.assertEqual([line.split()[-1] for line in answer["answer"]], ["127.0.0.21"])

    def listen(self, daemon):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(made.close)
        made.settimeout(5)
        made.connect(str(control_path(daemon)))
        made.sendall(b"log\n")
        lines = made.makefile()
        self.addCleanup(lines.close)
        self.assertEqual(json.loads(lines.readline()), {"listening": True})
        return made, lines

    def test_the_log_tells_each_query_live(self):
        self.start_upstream("127.0.0.22")
        daemon = self.start_daemon({"net": NET.replace(GATEWAY, f"{GATEWAY} 127.0.0.22", 1)})
        _, lines = self.listen(daemon)
        ask("Web", source=CLIENT)
        dns.ask_tcp("nobody.dns.podman", dns.MX, source=CLIENT)
        ask("example.com", source=CLIENT)
        dns.exchange(b"\0\1\1\0\0\0\0\0\0\0\0\0", GATEWAY, CLIENT)
        told = [json.loads(lines.readline()) for _ in range(4)]
        self.assertEqual([(each["transport"], each["name"], each["type"], each["rcode"])
                          for each in told],
                         [("udp", "web", "A", "NOERROR"),
                          ("tcp", "nobody.dns.podman", "MX", "NXDOMAIN"),
                          ("udp", "example.com", "A", "NOERROR"), ("udp", "", "", "FORMERR")])
        self.assertTrue(all(each["client"] == CLIENT and each["network"] == "net"
                            and each["microseconds"] >= 0 for each in told))
        self.assertEqual(told[0]["answer"], [f"Web. 0 A {CLIENT}"])
        self.assertEqual(told[2]["servers"], ["127.0.0.22"])

    def test_the_log_names_the_server_that_answered(self):
        self.start_upstream("127.0.0.22", lambda query, _: dns.respond(query, dns.SERVFAIL))
        self.start_upstream("127.0.0.23", dns.answering(ttl=60))
        servers = "127.0.0.22,127.0.0.23"
        daemon = self.start_daemon({"net": NET.replace(GATEWAY, f"{GATEWAY} {servers}", 1)})
        _, lines = self.listen(daemon)
        for name in ("example.com", "example.com", "web"):
            ask(name, source=CLIENT)
        told = [json.loads(lines.readline()) for _ in range(3)]
        self.assertEqual([each.get("upstream") for each in told], ["127.0.0.23", "cache", None])
        self.assertEqual(told[0]["servers"], servers.split(","))
        self.assertEqual(control(daemon, f"query example.org from={CLIENT}")["upstream"], "127.0.0.23")

    def test_listeners_that_leave_or_never_read_hold_nothing_up(self):
        daemon = self.start_daemon({"net": NET})
        gone, lines = self.listen(daemon)
        lines.close()
        gone.close()
        self.listen(daemon)  # and never reads again
        with dns.udp_socket(CLIENT, GATEWAY) as asker:
            for number in range(8000):
                asker.send(dns.make_query("web", ident=number))
                asker.recv(512)
        self.assertLess(daemon.resident_kib(), 30 * 1024)
        self.assertEqual(control(daemon, "status")["queries"]["udp"], 8000)

    def test_metrics_come_over_the_socket_and_over_loopback_when_asked_for(self):
        daemon = self.start_daemon(self.FILES, "--metrics", "127.0.0.1:9153")
        ask("web")
        text = control_text(daemon, "metrics")
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) burrow_dns_\w+ .+'
                                   r'|burrow_dns_\w+(\{\w+="[^"]*"\})? [0-9.e+-]+)$')
        self.assertIn('burrow_dns_answers_total{rcode="NOERROR"} 1\n', text)
        with urllib.request.urlopen("http://127.0.0.1:9153/metrics", timeout=5) as response:
            self.assertIn('burrow_dns_queries_total{transport="udp"} 1\n',
                          response.read().decode())
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen("http://127.0.0.1:9153/", timeout=5)

    def test_without_being_asked_no_port_is_open(self):
        self.start_daemon({"net": NET})
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 9153), timeout=5)

    def test_a_taken_metrics_port_costs_the_metrics_alone(self):
        with socket.create_server(("127.0.0.1", 9153)):
            self.start_daemon({"net": NET}, "--metrics", "127.0.0.1:9153")
            self.assertEqual(ask("web").data, [CLIENT])


if __name__ == "__main__":
    sys.exit(unittest.main())
