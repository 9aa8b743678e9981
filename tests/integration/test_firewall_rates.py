"""Rates of connections and packets, and numbers of connections: what gets through is counted."""

import contextlib
import socket

from limits_support import FAR4, FAR6, NEAR4, NEAR6, LimitsTest, attempt
from netns_support import family_of
from netstack_support import main

DATAGRAM = (socket.SOCK_DGRAM,)
MANY = 20


class Rates(LimitsTest):
    def setUp(self):
        super().setUp()
        self.outer = self.make_outside()
        self.heard = self.listen(self.outer, 99, DATAGRAM)

    def count(self, address, expected):
        """How many datagrams arrive: waits for as many as are expected, and a moment for more."""
        listener = self.heard[family_of(address), socket.SOCK_DGRAM]
        count = 0
        while listener.hears(3 if count < expected else 0.2):
            count += 1
        return count

    def sockets(self, namespace, address, count):
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                sock = stack.enter_context(namespace.socket(family_of(address), socket.SOCK_DGRAM))
                sock.connect((address, 99))
                yield sock

    def flows(self, namespace, address, expected):
        """Of many datagrams, each of a flow of its own: how many arrive."""
        for sock in self.sockets(namespace, address, MANY):
            sock.send(b"one")
        return self.count(address, expected)

    def packets(self, namespace, address, expected):
        """The same of one flow that is answered."""
        with namespace.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.connect((address, 99))
            sock.settimeout(2)
            sock.send(b"one")
            self.heard[family_of(address), socket.SOCK_DGRAM].answer_once()
            sock.recv(64)
            for _ in range(MANY):
                sock.send(b"one")
        return 1 + self.count(address, expected - 1)

    def test_connections_begin_at_their_rate_and_each_address_has_its_own(self):
        limited = self.start("a", self.front(), 2, connection_rate="5/hour")
        self.assertEqual(self.flows(limited, FAR4, 5), 5)
        self.assertEqual(self.flows(limited, FAR6, 5), 5)
        self.assertEqual(attempt(limited, FAR4, timeout=0.3), "silent")
        free = self.start("b", self.front(), 3)
        self.assertEqual(self.flows(free, FAR4, MANY), MANY)

    def test_a_rate_is_of_connections_and_what_stands_goes_on(self):
        limited = self.start("a", self.front(), 2, connection_rate="3/hour")
        self.assertEqual(self.packets(limited, NEAR4, MANY + 1), MANY + 1)

    def test_packets_come_at_their_rate_established_or_not(self):
        limited = self.start("a", self.front(), 2, packet_rate="60/hour burst 8")
        self.assertEqual(self.packets(limited, NEAR4, 8), 8)
        self.assertEqual(self.packets(limited, NEAR6, 8), 8)
        free = self.start("b", self.front(), 3)
        self.assertEqual(self.packets(free, NEAR4, MANY + 1), MANY + 1)

    def test_so_many_connections_stand_at_a_time(self):
        limited = self.start("a", self.front(), 2, connections="3")
        self.listen(self.outer)
        open_ = []
        for _ in range(3):
            client = limited.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.addCleanup(client.close)
            client.settimeout(2)
            client.connect((NEAR4, 80))
            open_.append(client)
        self.assertEqual(attempt(limited, NEAR4, timeout=0.3), "silent")
        self.assertEqual(attempt(self.start("b", self.front(), 3), NEAR4), "open")

    def test_the_rates_of_a_network_are_each_containers_unless_it_has_others(self):
        front = self.front(connection_rate="4/hour")
        first, second = self.start("a", front, 2), self.start("b", front, 3)
        other = self.start("c", front, 4, connection_rate="6/hour burst 2")
        for namespace, expected in ((first, 4), (second, 4), (other, 2)):
            self.assertEqual(self.flows(namespace, FAR4, expected), expected)

    def test_a_token_comes_back_in_its_time(self):
        limited = self.start("a", self.front(), 2, connection_rate="100/second burst 2")
        with contextlib.closing(self.sockets(limited, FAR4, MANY)) as sockets:
            arrived = 0
            for sock in sockets:
                sock.send(b"one")
                # Far slower than the rate: each finds a token.
                arrived += self.count(FAR4, 1)
        self.assertEqual(arrived, MANY)


if __name__ == "__main__":
    main()
