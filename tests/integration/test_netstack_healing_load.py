"""Connections that stand while the firewall is flushed at random moments, in both families, with other
containers coming and going: none is silent for longer than a bound, and new ones succeed again."""

import random
import select
import socket
import threading
import time

from netns_support import connects, family_of, sh
from netstack_support import CONFIG, NetstackTest, attachment, main, network, port, request
from watch_support import Watcher

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64")
SIDE = network("side", "10.31.0.0/24")
HOSTS = {"192.0.2.1": "0.0.0.0", "2001:db8::1": "::"}
# A loaded machine of two CPUs may take its time to run us; the figures are in bench/heal.
LONGEST_SILENCE = 1.5
FLUSHES = 8


class Echo(threading.Thread):
    """Sends back what comes on one TCP connection."""

    def __init__(self, namespace, address, number):
        super().__init__(daemon=True)
        self.listener = namespace.socket(family_of(address), socket.SOCK_STREAM)
        if ":" in address:
            self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.listener.bind((address, number))
        self.listener.listen(64)
        self.start()

    def run(self):
        waiting = [self.listener]
        while True:
            for ready in select.select(waiting, [], [])[0]:
                if ready is self.listener:
                    waiting.append(self.listener.accept()[0])
                    continue
                try:
                    data = ready.recv(65536)
                    ready.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    waiting.remove(ready)
                    ready.close()


class Talk(threading.Thread):
    """One connection on which something is said and echoed every few milliseconds."""

    def __init__(self, namespace, address, number):
        super().__init__(daemon=True)
        self.socket = namespace.socket(family_of(address), socket.SOCK_STREAM)
        self.socket.settimeout(5)
        self.socket.connect((address, number))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.longest, self.exchanges, self.failure, self.is_over = 0.0, 0, None, False
        self.start()

    def run(self):
        try:
            while not self.is_over:
                begin = time.monotonic()
                self.socket.sendall(b"x")
                if self.socket.recv(1) != b"x":
                    raise OSError("closed")
                self.longest = max(self.longest, time.monotonic() - begin)
                self.exchanges += 1
                time.sleep(0.002)
        except OSError as error:
            self.failure = error

    def end(self):
        self.is_over = True
        self.join()
        self.socket.close()


class Healing(NetstackTest):
    def test_no_connection_is_lost_and_none_is_silent_for_long(self):
        outside = self.outside()
        a = self.attach("a", attachment(FRONT, "10.30.0.2", "fd00:30::2"), ports=[port(8080, 80)])
        for inside in HOSTS.values():
            Echo(a, inside, 80)
        other = request("b", attachment(SIDE, "10.31.0.2"), ports=[port(8081, 80)])
        b = self.container("b")
        watcher = Watcher("--run-directory", CONFIG)
        self.addCleanup(watcher.stop)
        talks = [Talk(outside, host, 8080) for host in HOSTS for _ in range(3)]
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)

        is_over = threading.Event()

        def come_and_go():
            while not is_over.is_set():
                self.setup_ok(b, other)
                self.teardown_ok(b, other)

        coming = threading.Thread(target=come_and_go)
        coming.start()
        for _ in range(FLUSHES):
            time.sleep(chance.uniform(0.05, 0.6))
            sh("nft", "flush", "ruleset")
        time.sleep(LONGEST_SILENCE)
        is_over.set()
        coming.join()
        for talk in talks:
            talk.end()
        for talk in talks:
            self.assertIsNone(talk.failure, f"seed {seed}\n{watcher.said()}")
            self.assertGreater(talk.exchanges, 100)
            self.assertLess(talk.longest, LONGEST_SILENCE, f"seed {seed}\n{watcher.said()}")
        for host in HOSTS:
            self.assertTrue(connects(outside, host, 8080), f"seed {seed}\n{watcher.said()}")
        self.assertGreaterEqual(watcher.said().count("put back"), FLUSHES // 2, watcher.said())


if __name__ == "__main__":
    main()
