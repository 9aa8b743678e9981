"""Malformed packets: burrow-dns answers as the RFCs say or not at all, and goes on."""

import random
import struct
import sys
import unittest

import dns_support as dns
from dns_support import (FORMERR, NOTIMP, REFUSED, DaemonTest, Reply, TcpClient, ask, exchange,
                         make_query, respond, wait_until)

GATEWAY, CLIENT, OTHER, UPSTREAM = "10.89.0.1", "10.89.0.2", "10.89.0.3", "127.0.0.11"
FILES = {"net": f"{GATEWAY} {UPSTREAM}\nabc {CLIENT}  web\ndef {OTHER}  other\n"}
dns.add_address(GATEWAY, CLIENT, OTHER)
dns.private_etc()


def header(qd=1, an=0, ns=0, ar=0, flags=0x0100):
    return struct.pack(">6H", 0x1234, flags, qd, an, ns, ar)


class Malformed(DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon(FILES)

    def rcode(self, message):
        reply = exchange(message, GATEWAY, CLIENT, timeout=1)
        self.assertIsNotNone(reply, message)
        reply = Reply(reply)
        self.assertEqual(reply.ident, 0x1234)
        self.assertEqual(reply.answer, [])
        return reply.rcode

    def test_broken_questions_get_formerr(self):
        question = b"\3web\0\0\1\0\1"
        for message in (header(), header() + b"\3we", header() + question[:-1],
                        header() + b"\xc0\x0c\0\1\0\1",                    # points to itself
                        header() + b"\xc0\x00\0\1\0\1",                    # into the header
                        header() + b"\3web\xc0\x0c\0\1\0\1",               # a loop
                        header() + b"\x40a\0\0\1\0\1",                     # reserved label type
                        header() + b"\x3f" + b"a" * 63 + b"\x3f" * 200 + b"\0\0\1\0\1",
                        header(2) + question * 2, header(0), header(0xffff) + question,
                        header(ar=1) + question,                           # a record is missing
                        header(ar=1) + question + b"\0\0\x29\x10\0\0\0\0\0\xff\xff",
                        header(ar=2) + question + b"\0\0\x29\x10\0\0\0\0\0\0\0" * 2,
                        header(an=1, ar=1) + question + b"\xc0\xff\0\1\0\1" + b"\0" * 6):
            self.assertEqual(self.rcode(message), FORMERR, message)

    def test_other_opcodes_classes_and_transfers_get_their_own_codes(self):
        for opcode in (1, 2, 4, 5, 6, 15):
            self.assertEqual(self.rcode(make_query("web", flags=opcode << 11)), NOTIMP)
        for qclass in (0, 2, 3, 4, 254, 255):
            self.assertEqual(self.rcode(make_query("web", qclass=qclass)), REFUSED)
        for qtype in (251, 252):
            self.assertEqual(self.rcode(make_query("web", qtype)), REFUSED)

    def test_responses_and_fragments_of_headers_get_nothing(self):
        with dns.udp_socket(CLIENT, GATEWAY, timeout=0.3) as asker:
            for message in (b"", b"\0", header()[:11], make_query("web", flags=0x8180),
                            make_query("web", flags=0xFFFF), respond(make_query("web"))):
                asker.send(message)
            with self.assertRaises(TimeoutError):
                asker.recv(512)

    def test_a_datagram_of_any_size_does_no_harm(self):
        for size in (4095, 4096, 4097, 9000, 60000):
            exchange(make_query("web") + b"\0" * size, GATEWAY, CLIENT, timeout=0.05)
        self.assertEqual(ask("web", source=CLIENT, timeout=1).data, [CLIENT])

    def test_mutations_and_noise_over_both_transports_leave_it_whole(self):
        chance = random.Random(20)
        seeds = [make_query("web", edns=1232), make_query("x.dns.podman", dns.AAAA),
                 make_query("2.0.89.10.in-addr.arpa", dns.PTR, edns=512, options=b"\0\x0a\0\2xx")]
        before = self.daemon.resident_kib()
        with dns.udp_socket(CLIENT, GATEWAY, timeout=0.001) as asker, \
                TcpClient(source=CLIENT) as stream:
            for number in range(30000):
                message = bytearray(chance.choice(seeds))
                for _ in range(chance.randrange(1, 6)):
                    message[chance.randrange(len(message))] = chance.randrange(256)
                message = bytes(message[:chance.randrange(len(message) + 1)])
                if number % 3 == 0:
                    message = chance.randbytes(chance.randrange(100))
                try:
                    asker.send(message)
                    if number % 50 == 0:
                        Reply(asker.recv(65535))  # whole, whatever it says
                except (TimeoutError, ConnectionRefusedError):
                    pass
                if number % 10 == 0:
                    stream.send(message)
        self.assertTrue(self.daemon.is_running())
        self.assertEqual(ask("web", source=CLIENT, timeout=2).data, [CLIENT])
        self.assertLess(self.daemon.resident_kib() - before, 8192)


if __name__ == "__main__":
    sys.exit(unittest.main())
