"""Answers of upstreams are kept as long as they hold, and no longer."""

import pathlib
import sys
import time
import unittest

import dns_support as dns
from dns_support import (AAAA, MX, NOERROR, NXDOMAIN, SOA, DaemonTest, answering, ask, ask_tcp,
                         make_query, negative, respond, wait_until)

GATEWAY, CLIENT, OTHER, GUEST = "10.89.0.1", "10.89.0.2", "10.89.0.3", "10.89.0.4"
UPSTREAM, SECOND = "127.0.0.11", "127.0.0.12"
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\ndef {OTHER}  other\n"
                f"ghi {GUEST}  guest {SECOND}\n"}
RESOLV_CONF = pathlib.Path("/etc/resolv.conf")
dns.add_address(GATEWAY, CLIENT, OTHER, GUEST)
dns.private_etc()


class Keeping(DaemonTest):
    def setUp(self):
        RESOLV_CONF.write_text("")

    def test_an_answer_is_given_again_to_everyone_older_each_time(self):
        upstream = self.start_upstream(UPSTREAM, answering())
        self.start_daemon(FILES)
        first = ask("Example.com", source=CLIENT)
        self.assertEqual((first.data, first.answer[0][2]), (["192.0.2.1"], 60))
        time.sleep(1.1)
        again = ask("eXample.COM", source=OTHER, ident=99)
        self.assertEqual((again.ident, again.question[0], again.data), (99, "eXample.COM.",
                                                                        ["192.0.2.1"]))
        self.assertIn(again.answer[0][2], (58, 59))
        self.assertFalse(again.authoritative)
        self.assertEqual(ask_tcp("example.com", source=CLIENT).data, ["192.0.2.1"])
        self.assertEqual(len(upstream.seen), 1)

    def test_aardvark_keeps_nothing_unless_it_is_told_to(self):
        upstream = self.start_upstream(UPSTREAM, answering())
        for options, seen in ((["--compat=aardvark"], 2), (["--compat=aardvark", "--cache=64"], 1)):
            upstream.seen.clear()
            daemon = self.start_daemon(FILES, *options)
            for _ in range(2):
                self.assertEqual(ask("example.com", source=CLIENT).data, ["192.0.2.1"])
            self.assertEqual(len(upstream.seen), seen)
            daemon.stop()

    def test_types_flags_and_servers_make_other_questions(self):
        upstream = self.start_upstream(UPSTREAM, answering())
        self.start_upstream(SECOND, answering("192.0.2.2"))
        self.start_daemon(FILES)
        for _ in range(2):
            ask("example.com", source=CLIENT)
            ask("example.com", MX, source=CLIENT)
            ask("example.com", source=CLIENT, edns=1232)
            ask("example.com", source=CLIENT, flags=0x0110)
            # Another container's servers say something else.
            self.assertEqual(ask("example.com", source=GUEST).data, ["192.0.2.2"])
        self.assertEqual(len(upstream.seen), 4)

    def test_an_answer_that_holds_no_longer_is_asked_for_anew(self):
        upstream = self.start_upstream(UPSTREAM, answering(ttl=1))
        self.start_daemon(FILES)
        ask("example.com", source=CLIENT)
        ask("example.com", source=CLIENT)
        self.assertEqual(len(upstream.seen), 1)
        time.sleep(1.1)
        ask("example.com", source=CLIENT)
        self.assertEqual(len(upstream.seen), 2)

    def test_a_ttl_of_zero_is_never_kept(self):
        upstream = self.start_upstream(UPSTREAM, answering(ttl=0))
        self.start_daemon(FILES)
        for _ in range(3):
            ask("example.com", source=CLIENT)
        self.assertEqual(len(upstream.seen), 3)

    def test_a_no_is_kept_as_long_as_its_soa_record_says(self):
        for rcode, name in ((NXDOMAIN, "no.example"), (NOERROR, "empty.example")):
            upstream = self.start_upstream(UPSTREAM, negative(rcode, 60, 1))
            daemon = self.start_daemon(FILES)
            for _ in range(3):
                reply = ask(name, AAAA, source=CLIENT)
                self.assertEqual((reply.rcode, reply.authority[0][1]), (rcode, SOA))
            self.assertEqual(len(upstream.seen), 1)
            time.sleep(1.1)
            ask(name, AAAA, source=CLIENT)
            self.assertEqual(len(upstream.seen), 2)
            daemon.stop(), upstream.stop()

    def test_a_large_answer_fetched_over_tcp_is_kept_whole(self):
        def behaviour(query, transport):
            if transport == "udp":
                return respond(query, flags=0x8380)
            return respond(query, addresses=[f"192.0.2.{i}" for i in range(100)], ttl=60)
        upstream = self.start_upstream(UPSTREAM, behaviour)
        self.start_daemon(FILES)
        self.assertTrue(ask("example.com", source=CLIENT).truncated)
        self.assertEqual(len(ask_tcp("example.com", source=CLIENT).data), 100)
        cut = ask("example.com", source=CLIENT)
        self.assertEqual((cut.truncated, len(cut.data)), (True, 30))
        self.assertEqual([over for _, over in upstream.seen], ["udp", "tcp"])

    def test_it_is_off_with_one_option(self):
        upstream = self.start_upstream(UPSTREAM, answering())
        self.start_daemon(FILES, "--cache=0")
        for _ in range(3):
            self.assertEqual(ask("example.com", source=CLIENT).data, ["192.0.2.1"])
        self.assertEqual(len(upstream.seen), 3)

    def test_other_host_servers_make_it_forget(self):
        self.start_upstream(UPSTREAM, answering())
        self.start_upstream(SECOND, answering("192.0.2.2"))
        RESOLV_CONF.write_text(f"nameserver {UPSTREAM}\n")
        self.start_daemon({"net": f"{GATEWAY}\nabc {CLIENT}  web\n"})
        self.assertEqual(ask("example.com", source=CLIENT).data, ["192.0.2.1"])
        RESOLV_CONF.write_text(f"nameserver {SECOND}\n")
        wait_until(lambda: ask("example.com", source=CLIENT).data == ["192.0.2.2"])

    def test_container_names_are_not_kept(self):
        daemon = self.start_daemon(FILES)
        self.assertEqual(ask("web", source=CLIENT).data, [CLIENT])
        daemon.reload({"net": FILES["net"].replace(f"{CLIENT}  web", "10.89.0.77  web")})
        wait_until(lambda: ask("web", source=OTHER).data == ["10.89.0.77"])

    def test_what_many_ask_for_is_asked_anew_before_it_ends(self):
        upstream = self.start_upstream(UPSTREAM, answering(ttl=6))
        self.start_daemon(FILES)
        for _ in range(5):
            ask("hot.example", source=CLIENT)
        ask("cold.example", source=CLIENT)
        self.assertEqual(len(upstream.seen), 2)
        time.sleep(5.5)
        self.assertLessEqual(ask("hot.example", source=CLIENT).answer[0][2], 1)
        ask("cold.example", source=CLIENT)
        wait_until(lambda: ask("hot.example", source=CLIENT).answer[0][2] >= 5)
        self.assertEqual([name for name, _ in upstream.names()],
                         ["hot.example.", "cold.example.", "hot.example."])

    def test_memory_is_bounded(self):
        self.start_upstream(UPSTREAM, answering())
        daemon = self.start_daemon(FILES, "--cache=64")
        before = daemon.resident_kib()
        with dns.udp_socket(CLIENT, GATEWAY) as asker:
            for number in range(1500):
                asker.send(make_query(f"name{number}.{'x' * 60}.example", ident=number))
                asker.recv(512)
        self.assertLess(daemon.resident_kib() - before, 512)


if __name__ == "__main__":
    sys.exit(unittest.main())
