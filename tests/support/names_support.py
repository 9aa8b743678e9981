"""Containers that may send to names: a DNS server outside that says what a test wants, and what is
open in the firewall for which name."""

import json
import re
import socket
import struct
import subprocess
import threading

import dns_support as dns
from limits_support import LimitsTest
from netstack_support import DNS, network

SERVER = "192.0.2.2"


class NameServer:
    """Answers on a namespace's address from `names`: name -> (addresses, TTL), or an alias."""

    def __init__(self, namespace, address=SERVER):
        self.names = {}
        self.asked = []
        self.socket = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
                self.socket.sendto(self._answer(query), client)
            except OSError:
                return  # closed

    def _answer(self, query):
        name, end = dns.read_name(query, 12)
        qtype = struct.unpack(">H", query[end:end + 2])[0]
        name = name.rstrip(".").lower()
        self.asked.append(name)
        records, owner = [], name
        said = self.names.get(name)
        while isinstance(said, str):
            records.append((owner, dns.CNAME, 60, dns.encode_name(said)))
            owner, said = said, self.names.get(said)
        if said is None:
            return dns.respond(query, dns.NXDOMAIN)
        addresses, ttl = said
        for address in addresses:
            family, kind = (socket.AF_INET6, dns.AAAA) if ":" in address else (socket.AF_INET, dns.A)
            if kind == qtype:
                records.append((owner, kind, ttl, socket.inet_pton(family, address)))
        raw = b"".join(dns.encode_name(who) + struct.pack(">HHIH", kind, 1, ttl, len(text)) + text
                       for who, kind, ttl, text in records)
        return dns.respond(query, records=raw, count=len(records))

    def close(self):
        self.socket.close()


def asks(namespace, name, qtype=dns.A, gateway="10.30.0.1"):
    """The addresses that a container is told."""
    with namespace.socket(dns.family_of(gateway), socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((gateway, 53))
        client.send(dns.make_query(name, qtype))
        reply = dns.Reply(client.recv(4096))
    return [record[3] for record in reply.answer if record[1] == qtype]


class NamesTest(LimitsTest):
    """Networks with DNS, whose upstream is a server outside."""

    dns = DNS

    def setUp(self):
        super().setUp()
        self.outer = self.make_outside()
        self.listen(self.outer)
        self.server = NameServer(self.outer)
        self.addCleanup(self.server.close)

    @staticmethod
    def front(**options):
        return network("front", "10.30.0.0/24", "fd00:30::/64", dns_enabled=True,
                       network_dns_servers=[SERVER], options={"isolate": "false", **options})

    @staticmethod
    def back(**options):
        return network("back", "10.31.0.0/24", "fd00:31::/64", dns_enabled=True,
                       network_dns_servers=[SERVER], options={"isolate": "false", **options})

    def opened(self):
        """{(set, owner, address): (comment, seconds left)} of all that names stand for."""
        done = subprocess.run(["nft", "-j", "list", "table", "inet", "burrow"], check=True,
                              capture_output=True, text=True)
        found = {}
        for item in json.loads(done.stdout)["nftables"]:
            one = item.get("set", {})
            if not re.search("_named[46]$", one.get("name", "")):
                continue
            for element in one.get("elem", []):
                inner = element["elem"]
                owner, peer = inner["val"]["concat"]
                found[one["name"], owner, peer] = (inner.get("comment"), inner["expires"])
        return found

    def addresses(self):
        return sorted(peer for _, _, peer in self.opened())

    def daemon_says(self, request):
        """The answer of the control socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect("/run/containers/networks/aardvark-dns.sock")
            client.sendall(request.encode() + b"\n")
            text = b""
            while part := client.recv(65536):
                text += part
        return json.loads(text)
