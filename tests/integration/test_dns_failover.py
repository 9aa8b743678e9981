"""Upstream servers that fail, are silent, slow or in a loop, and what the client gets then."""

import pathlib
import sys
import time
import unittest

import dns_support as dns
from dns_support import NXDOMAIN, REFUSED, SERVFAIL, DaemonTest, ask, respond

GATEWAY, CLIENT = "10.89.0.1", "10.89.0.2"
OWN_SERVER = "10.89.0.4"  # in a container
NETWORK, SECOND, NOBODY = "127.0.0.12", "127.0.0.14", "127.0.0.16"

dns.add_address(GATEWAY, CLIENT, "10.89.0.3", OWN_SERVER)
dns.private_etc()


def network(servers=()):
    return (f"{GATEWAY}{' ' if servers else ''}{','.join(servers)}\n"
            f"abc {CLIENT}  web\ndef 10.89.0.3  other\n")


def failing(rcode):
    return lambda query, _: respond(query, rcode)


def silent(_query, _transport):
    return None


class Failure(DaemonTest):
    def setUp(self):
        pathlib.Path("/etc/resolv.conf").write_text("")

    def test_a_server_that_knows_no_edns_is_asked_without(self):
        for rcode in (dns.FORMERR, dns.NOTIMP):
            def old(query, _, rcode=rcode):
                has_opt = query[11] != 0
                return respond(query, rcode) if has_opt else respond(query, addresses=["192.0.2.1"])
            upstream = self.start_upstream(NETWORK, old)
            daemon = self.start_daemon({"net": network([NETWORK])})
            for number in range(3):
                reply = ask(f"n{number}.example", source=CLIENT, edns=1232)
                self.assertEqual(reply.data, ["192.0.2.1"])
            # The first question twice; then it is known.
            self.assertEqual(len(upstream.seen), 4)
            daemon.stop(), upstream.stop()

    def test_a_server_that_no_route_leads_to_is_tried_ten_times_a_second_and_no_more(self):
        # Each try costs a walk through the kernel's routes, which others would wait for.
        daemon = self.start_daemon({"net": network(["192.0.2.53"])})
        began = time.monotonic()
        for number in range(300):
            self.assertEqual(ask(f"n{number}.example", source=CLIENT).rcode, SERVFAIL)
        allowed = 2 + 10 * (time.monotonic() - began)
        self.assertLessEqual(dns.control(daemon, "status")["forwarding"]["sent"], 2 * allowed)

    def test_a_refusal_with_an_opt_record_is_about_the_question(self):
        def modern(query, _):
            refusal = bytearray(respond(query, dns.FORMERR))
            refusal[10:12] = b"\0\1"
            return bytes(refusal) + b"\0\0\x29\4\xd0" + bytes(6)
        upstream = self.start_upstream(NETWORK, modern)
        self.start_daemon({"net": network([NETWORK])})
        self.assertEqual(ask("n.example", source=CLIENT, edns=1232).rcode, dns.FORMERR)
        self.assertEqual(len(upstream.seen), 1)

    def test_servfail_refused_and_broken_answers_go_to_the_next_server(self):
        def broken(query, _):
            return respond(query, addresses=["6.6.6.6"])[:-3]
        for behaviour in (failing(SERVFAIL), failing(REFUSED), failing(4), broken):
            first = self.start_upstream(NETWORK, behaviour)
            second = self.start_upstream(SECOND)
            daemon = self.start_daemon({"net": network([NETWORK, SECOND])})
            self.assertEqual(ask("example.com", source=CLIENT).data, [SECOND])
            self.assertEqual(len(first.seen), 1)
            daemon.stop(), first.stop(), second.stop()

    def test_the_last_refusal_is_relayed_when_nobody_does_better(self):
        self.start_upstream(NETWORK, failing(REFUSED))
        self.start_daemon({"net": network([NETWORK])})
        self.assertEqual(ask("example.com", source=CLIENT).rcode, REFUSED)

    def test_a_server_that_nobody_runs_costs_nothing(self):
        self.start_upstream(SECOND)
        self.start_daemon({"net": network([NOBODY, SECOND])})
        began = time.monotonic()
        self.assertEqual(ask("example.com", source=CLIENT).data, [SECOND])
        self.assertLess(time.monotonic() - began, 0.2)

    def test_a_silent_server_costs_little_for_a_second_and_is_then_asked_last(self):
        quiet = self.start_upstream(NETWORK, silent)
        self.start_upstream(SECOND)
        self.start_daemon({"net": network([NETWORK, SECOND])})
        began = time.monotonic()
        self.assertEqual(ask("one.example", source=CLIENT).data, [SECOND])
        self.assertLess(time.monotonic() - began, 0.7)
        time.sleep(1)
        began, asked = time.monotonic(), len(quiet.seen)
        self.assertEqual(ask("two.example", source=CLIENT).data, [SECOND])
        self.assertLess(time.monotonic() - began, 0.2)
        self.assertEqual(quiet.seen[asked:], [])

    def test_no_of_a_later_server_does_not_beat_a_slow_yes_of_the_first(self):
        def slow(query, _):
            time.sleep(0.6)
            return respond(query, addresses=["192.0.2.1"])
        self.start_upstream(NETWORK, slow)
        self.start_upstream(SECOND, failing(NXDOMAIN))
        self.start_daemon({"net": network([NETWORK, SECOND])})
        self.assertEqual(ask("intranet.example", source=CLIENT).data, ["192.0.2.1"])

    def test_no_of_a_later_server_counts_when_the_first_stays_silent(self):
        self.start_upstream(NETWORK, silent)
        self.start_upstream(SECOND, failing(NXDOMAIN))
        self.start_daemon({"net": network([NETWORK, SECOND])})
        began = time.monotonic()
        self.assertEqual(ask("example.com", source=CLIENT).rcode, NXDOMAIN)
        self.assertLess(time.monotonic() - began, 1.5)

    def test_a_lost_datagram_is_sent_again(self):
        upstream = self.start_upstream(NETWORK, lambda query, _: respond(
            query, addresses=[NETWORK]) if len(upstream.seen) > 1 else None)
        self.start_daemon({"net": network([NETWORK])})
        self.assertEqual(ask("example.com", source=CLIENT).data, [NETWORK])
        self.assertEqual(len({query for query, _ in upstream.seen}), 1)

    def test_a_server_that_asks_us_is_not_asked_its_own_question(self):
        # A resolver in a container that forwards to us what we forward to it.
        asked_back = []

        def looping(query, _):
            name = dns.read_name(query, 12)[0]
            reply = ask(name, source=OWN_SERVER, edns=1232, timeout=2)
            asked_back.append((reply.rcode, reply.extended_error))
            return respond(query, SERVFAIL)
        upstream = self.start_upstream(OWN_SERVER, looping)
        self.start_daemon({"net": f"{GATEWAY} {OWN_SERVER}\nabc {CLIENT}  web\n"
                                  f"ghi {OWN_SERVER}  resolver\n"})
        began = time.monotonic()
        self.assertEqual(ask("example.com", source=CLIENT).rcode, SERVFAIL)
        self.assertLess(time.monotonic() - began, 0.5)
        self.assertEqual((len(upstream.seen), asked_back), (1, [(SERVFAIL, 22)]))

    def test_a_loop_over_another_server_ends(self):
        def looping(query, _):
            return dns.exchange(query, GATEWAY, "10.89.0.3", timeout=6)
        upstream = self.start_upstream(NETWORK, looping)
        self.start_daemon({"net": network([NETWORK])})
        self.assertEqual(ask("example.com", source=CLIENT, timeout=6).rcode, SERVFAIL)
        self.assertLess(len(upstream.seen), 5)

    def test_a_late_answer_of_the_first_server_still_counts(self):
        def late(query, _):
            time.sleep(1.3)
            return respond(query, addresses=["192.0.2.1"])
        self.start_upstream(NETWORK, late)
        self.start_upstream(SECOND, silent)
        self.start_daemon({"net": network([NETWORK, SECOND])})
        self.assertEqual(ask("example.com", source=CLIENT).data, ["192.0.2.1"])

    def test_when_all_are_silent_the_client_learns_it_before_its_own_patience_ends(self):
        self.start_upstream(NETWORK, silent)
        self.start_daemon({"net": network([NETWORK])})
        began = time.monotonic()
        reply = ask("example.com", source=CLIENT, edns=1232, timeout=6)
        self.assertEqual((reply.rcode, reply.extended_error), (SERVFAIL, 23))
        self.assertLess(time.monotonic() - began, 4.9)

    def test_without_any_server_it_says_so_at_once(self):
        self.start_daemon({"net": network()})
        reply = ask("example.com", source=CLIENT, edns=1232, timeout=0.5)
        self.assertEqual((reply.rcode, reply.extended_error), (SERVFAIL, 22))

    def test_aardvark_compatibility_relays_the_first_failure_and_is_silent_without_one(self):
        first = self.start_upstream(NETWORK, failing(SERVFAIL))
        second = self.start_upstream(SECOND)
        daemon = self.start_daemon({"net": network([NETWORK, SECOND])}, "--compat=aardvark")
        self.assertEqual(ask("example.com", source=CLIENT).rcode, SERVFAIL)
        self.assertEqual(second.seen, [])
        daemon.reload({"net": network([NOBODY])})
        self.assertIsNone(ask("example.com", source=CLIENT, timeout=1))
        self.assertEqual(len(first.seen), 1)


if __name__ == "__main__":
    sys.exit(unittest.main())
