"""Old answers serve when nobody answers any more (RFC 8767), and failures are remembered (RFC 9520)."""

import pathlib
import sys
import time
import unittest

import dns_support as dns
from dns_support import (NXDOMAIN, SERVFAIL, DaemonTest, TcpClient, answering, ask, make_query,
                         negative, respond, wait_until)

GATEWAY, CLIENT, OTHER, UPSTREAM = "10.89.0.1", "10.89.0.2", "10.89.0.3", "127.0.0.11"
STALE, STALE_NXDOMAIN, CACHED_FAILURE = 3, 19, 13
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\ndef {OTHER}  other\n"}
dns.add_address(GATEWAY, CLIENT, OTHER)
dns.private_etc()


class Stale(DaemonTest):
    def setUp(self):
        pathlib.Path("/etc/resolv.conf").write_text("")
        self.is_silent = False

    def behaviour(self, answer):
        return lambda query, over: None if self.is_silent else answer(query, over)

    def test_when_the_servers_fall_silent_the_old_answer_serves(self):
        upstream = self.start_upstream(UPSTREAM, self.behaviour(answering(ttl=1)))
        self.start_daemon(FILES)
        ask("example.com", source=CLIENT)
        time.sleep(1.1)
        self.is_silent = True
        began = time.monotonic()
        reply = ask("example.com", source=CLIENT, edns=None)
        self.assertEqual((reply.data, reply.answer[0][2]), (["192.0.2.1"], 30))
        self.assertTrue(1.5 < time.monotonic() - began < 2.5)
        # For a while nobody waits for them at all.
        began, asked = time.monotonic(), len(upstream.seen)
        self.assertEqual(ask("example.com", source=OTHER).data, ["192.0.2.1"])
        self.assertLess(time.monotonic() - began, 0.2)
        self.assertEqual(len(upstream.seen), asked)

    def test_a_stale_answer_says_so_to_those_who_speak_edns(self):
        for answer, error in ((answering(ttl=1), STALE), (negative(NXDOMAIN, 1, 1),
                                                          STALE_NXDOMAIN)):
            self.is_silent = False
            upstream = self.start_upstream(UPSTREAM, self.behaviour(answer))
            daemon = self.start_daemon(FILES)
            ask("example.com", source=CLIENT, edns=1232)
            time.sleep(1.1)
            self.is_silent = True
            upstream.stop()  # refused: at once
            began = time.monotonic()
            reply = ask("example.com", source=CLIENT, edns=1232)
            self.assertEqual(reply.extended_error, error)
            self.assertLess(time.monotonic() - began, 0.5)
            daemon.stop()

    def test_a_failure_is_remembered_for_a_second_and_replaces_no_answer(self):
        upstream = self.start_upstream(UPSTREAM, lambda query, _: respond(query, SERVFAIL))
        self.start_daemon(FILES)
        self.assertEqual(ask("example.com", source=CLIENT, edns=1232).rcode, SERVFAIL)
        again = ask("example.com", source=OTHER, edns=1232)
        self.assertEqual((again.rcode, again.extended_error), (SERVFAIL, CACHED_FAILURE))
        self.assertEqual(len(upstream.seen), 1)
        upstream.behaviour = answering()
        wait_until(lambda: ask("example.com", source=CLIENT, edns=1232).data == ["192.0.2.1"])

    def test_a_stream_of_questions_is_served_too(self):
        self.start_upstream(UPSTREAM, self.behaviour(answering(ttl=1)))
        self.start_daemon(FILES)
        ask("example.com", source=CLIENT)
        time.sleep(1.1)
        self.is_silent = True
        with TcpClient(source=CLIENT) as stream:
            stream.send(*(make_query("example.com", ident=ident) for ident in range(10)))
            replies = [stream.receive() for _ in range(10)]
        self.assertEqual({reply.ident for reply in replies}, set(range(10)))
        self.assertEqual({reply.answer[0][2] for reply in replies}, {30})


if __name__ == "__main__":
    sys.exit(unittest.main())
