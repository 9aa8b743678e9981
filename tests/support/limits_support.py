"""Containers with limits: two networks, a machine outside with several addresses, and who gets how
far."""

import errno
import json
import socket

from netns_support import Listener, family_of, wildcard
from netstack_support import NetstackTest, attachment, identifier, network, request

NEAR4, NEAR6 = "192.0.2.2", "2001:db8::2"
FAR4, FAR6 = "198.51.100.9", "2001:db8:9::9"
FORBIDDEN = (errno.EHOSTUNREACH, errno.EACCES)


def attempt(namespace, address, port=80, timeout=2.0):
    """What comes of a TCP connection: "open", "refused" by a reset, "forbidden" by an ICMP
    error, or "silent"."""
    with namespace.socket(family_of(address), socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
            return "open"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"
        except OSError as error:
            return "forbidden" if error.errno in FORBIDDEN else str(error)


def datagram_error(namespace, address, port=99, timeout=1.0):
    """What a sender of a datagram is told: the name of an error, or None."""
    with namespace.socket(family_of(address), socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((address, port))
        client.send(b"question")
        try:
            client.recv(64)
        except TimeoutError:
            return None
        except OSError as error:
            return errno.errorcode[error.errno]


class LimitsTest(NetstackTest):
    """Networks `front` and `back` that reach each other, and outside two addresses a family."""

    def setUp(self):
        super().setUp()
        # One error a second for each destination would do, but tests would take long.
        self.machine.sysctl("net/ipv4/icmp_ratelimit", 0)
        self.machine.sysctl("net/ipv6/icmp/ratelimit", 0)
        self.requests = {}
        self.namespaces = {}

    def make_outside(self):
        outside = self.outside()
        outside.sh("ip", "addr", "add", f"{FAR4}/32", "dev", "lo")
        outside.sh("ip", "addr", "add", f"{FAR6}/128", "dev", "lo")
        return outside

    @staticmethod
    def front(**options):
        return network("front", "10.30.0.0/24", "fd00:30::/64", options={"isolate": "false", **options})

    @staticmethod
    def back(**options):
        return network("back", "10.31.0.0/24", "fd00:31::/64", options={"isolate": "false", **options})

    def start(self, name, document, number, ports=(), **options):
        """A container with the addresses .NUMBER and ::NUMBER, and limits of its own."""
        prefix = 30 if document["name"] == "front" else 31
        asked = request(name, attachment(document, f"10.{prefix}.0.{number}", f"fd00:{prefix}::{number}",
                                         options=options), ports=ports)
        self.requests[name] = asked
        self.namespaces[name] = self.container(name)
        self.setup_ok(self.namespaces[name], asked)
        return self.namespaces[name]

    def stop(self, name):
        self.teardown_ok(self.namespaces[name], self.requests[name])

    def listen(self, namespace, port=80, kinds=(socket.SOCK_STREAM,)):
        """Listeners on every address of both families, by family and kind."""
        listeners = {}
        for family in (socket.AF_INET, socket.AF_INET6):
            for kind in kinds:
                listeners[family, kind] = Listener(namespace, port, wildcard(family), kind)
                self.addCleanup(listeners[family, kind].close)
        return listeners

    def limit(self, network_name, *words, container=None):
        options = ("--container", container) if container else ()
        return self.netstack.run("limit", network_name, *options, *words)

    def limit_ok(self, *arguments, **keywords):
        outcome = self.limit(*arguments, **keywords)
        self.assertEqual((outcome.code, outcome.out, outcome.err), (0, "", ""), outcome)

    def shown_limits(self):
        """What `firewall show` says: {(owner's first words, limit): values}."""
        outcome = self.netstack.run("firewall", "show", "--format", "json")
        return {(one["owner"], one["limit"]): one["values"]
                for one in json.loads(outcome.out)["limits"]}

    def owner(self, name, network_name="front"):
        return f"container {name} ({identifier(name)[:12]}) on network {network_name}"

    def outcomes(self, namespace, *addresses, port=80):
        return [attempt(namespace, address, port) for address in addresses]
