"""What is not ours stays as it is: other tables, links, rules, and packets of other networks."""

import json
import socket

from netns_support import Listener, NEVER, Namespace, connects, delivers, reaches
from netstack_support import NetstackTest, attachment, main, network, port, request

A = network("a", "10.1.0.0/24", "fd00:1::/64")
IN_A = ("10.1.0.2", "fd00:1::2")
PORTS = [port(8080, 80), port(5353, 53, "udp"), port(7000, 7000, count=3)]
FOREIGN_RULES = """
table inet admin {
  counter seen { }
  set friends { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 }; }
  chain input { type filter hook input priority filter; policy accept; tcp dport 22 accept; }
  chain forward { type filter hook forward priority filter; policy accept; ip saddr @friends accept; }
}
table ip nat {
  chain prerouting { type nat hook prerouting priority dstnat; tcp dport 2222 dnat to 198.51.100.5:22; }
  chain postrouting { type nat hook postrouting priority srcnat; ip saddr 203.0.113.0/24 masquerade; }
}
table ip6 filter {
  chain FORWARD { type filter hook forward priority filter; policy accept; }
}
table bridge b {
  chain c { type filter hook forward priority 0; policy accept; }
}
"""


def load(text):
    with open("/run/foreign.nft", "w") as file:
        file.write(text)
    return "/run/foreign.nft"


class ForeignState(NetstackTest):
    def foreign(self):
        """All rules but those that came with us, and all links but ours."""
        tables = json.loads(self.machine.sh("nft", "-s", "-j", "list", "ruleset"))["nftables"]
        rules = []
        for entry in tables:
            (kind, value), = entry.items()
            if kind == "metainfo" or "burrow" in (value.get("table"), value.get("name")):
                continue
            value.pop("handle", None)
            rules.append((kind, value))
        links = {
            link["ifname"]: (link["flags"], link.get("master"), link["mtu"], link["address"])
            for link in self.machine.ip("link")
            if link["ifname"] in ("lo", "uplink", "lan0", "br-lan")
        }
        addresses = [self.machine.addresses(name) for name in links]
        return rules, links, addresses

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.machine.sh("nft", "-f", load(FOREIGN_RULES))
        self.machine.sh("ip", "link", "add", "br-lan", "type", "bridge")
        self.machine.sh("ip", "addr", "add", "198.51.100.1/24", "dev", "br-lan")
        self.machine.sh("ip", "link", "set", "br-lan", "up")
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)

    def test_tables_links_and_addresses_of_others_never_change(self):
        before = self.foreign()
        container = self.container("c")
        document = request("c", attachment(A, *IN_A), ports=PORTS)
        self.setup_ok(container, document)
        self.assertEqual(self.foreign(), before)
        self.teardown_ok(container, document)
        self.assertEqual(self.foreign(), before)

    def test_after_teardown_the_ruleset_is_that_of_others_alone(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", attachment(A, *IN_A), ports=PORTS)
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_rules_the_administrator_put_into_our_table_do_not_stop_a_teardown(self):
        container = self.container("c")
        document = request("c", attachment(A, *IN_A), ports=PORTS)
        self.setup_ok(container, document)
        tables = [t["table"]["name"] for t in json.loads(self.machine.sh("nft", "-j", "list", "tables"))["nftables"] if "table" in t]
        self.assertIn("burrow", tables)
        self.machine.sh("nft", "add", "rule", "inet", "burrow", "admin", "tcp", "dport", "23", "drop")
        self.attach("d", attachment(A, "10.1.0.3", "fd00:1::3"))
        chain = self.machine.sh("nft", "list", "chain", "inet", "burrow", "admin")
        self.assertIn("tcp dport 23 drop", chain)
        self.teardown_ok(container, document)
        self.assertIn("tcp dport 23 drop", self.machine.sh("nft", "list", "chain", "inet", "burrow", "admin"))

    def test_the_administrators_chain_has_the_first_word(self):
        container = self.attach("c", attachment(A, *IN_A), ports=PORTS)
        with Listener(container, 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8080, listener))
            self.machine.sh("nft", "add", "rule", "inet", "burrow", "admin", "ip", "saddr", "192.0.2.2", "drop")
            self.assertFalse(connects(self.outside_host, "192.0.2.1", 8080, NEVER))


class ForeignPackets(NetstackTest):
    """The host also routes between two networks of its own."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.lan = Namespace.add("lan")
        self.lan.sh("ip", "link", "set", "lo", "up")
        self.machine.connect(
            self.lan, "lan0", ["198.51.100.1/24", "2001:db8:5::1/64"], ["198.51.100.2/24", "2001:db8:5::2/64"]
        )
        self.lan.sh("ip", "route", "add", "default", "via", "198.51.100.1")
        self.lan.sh("ip", "-6", "route", "add", "default", "via", "2001:db8:5::1")
        self.outside_host.sh("ip", "route", "add", "default", "via", "192.0.2.1")
        self.outside_host.sh("ip", "-6", "route", "add", "default", "via", "2001:db8::1")
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)
        self.attach("c", attachment(A, *IN_A), ports=PORTS)

    def test_forwarded_packets_keep_their_addresses(self):
        for there, source in (("192.0.2.2", "198.51.100.2"), ("2001:db8::2", "2001:db8:5::2")):
            with Listener(self.outside_host, 80, there) as listener:
                self.assertEqual(reaches(self.lan, there, 80, listener), source)
            with Listener(self.outside_host, 81, there, socket.SOCK_DGRAM) as listener:
                self.assertEqual(delivers(self.lan, there, 81, listener), source)

    def test_packets_that_connection_tracking_calls_invalid_are_not_dropped_for_others(self):
        """As with asymmetric routing: an ACK out of nowhere must pass between networks not ours."""
        receiver = self.outside_host.inside(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        sender = self.lan.inside(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.machine.sysctl("net/netfilter/nf_conntrack_tcp_loose", 0)
        with receiver, sender:
            receiver.settimeout(3)
            segment = bytearray.fromhex("1e611e620000000100000001501004000000" + "0000")
            total = sum(int.from_bytes(part, "big") for part in (
                socket.inet_aton("198.51.100.2")[:2], socket.inet_aton("198.51.100.2")[2:],
                socket.inet_aton("192.0.2.2")[:2], socket.inet_aton("192.0.2.2")[2:]))  # fmt: skip
            total += 6 + len(segment)
            total += sum(int.from_bytes(segment[i : i + 2], "big") for i in range(0, len(segment), 2))
            while total > 0xFFFF:
                total = (total & 0xFFFF) + (total >> 16)
            segment[16:18] = (~total & 0xFFFF).to_bytes(2, "big")
            sender.sendto(bytes(segment), ("192.0.2.2", 0))
            packet, peer = receiver.recvfrom(2048)
            self.assertEqual((peer[0], packet[20:24].hex()), ("198.51.100.2", "1e611e62"))

    def test_the_hosts_own_connections_keep_their_addresses(self):
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertEqual(reaches(self.machine, "192.0.2.2", 80, listener), "192.0.2.1")
        with Listener(self.machine, 22, "192.0.2.1") as listener:
            self.assertEqual(reaches(self.outside_host, "192.0.2.1", 22, listener), "192.0.2.2")

    def test_a_published_port_number_stays_free_on_other_hosts_behind_this_one(self):
        with Listener(self.outside_host, 8080, "192.0.2.2") as listener:
            self.assertEqual(reaches(self.lan, "192.0.2.2", 8080, listener), "198.51.100.2")

    def test_marks_of_others_are_kept(self):
        """Connection and packet marks belong to the administrator."""
        self.machine.sh("nft", "-f", load(
            "table inet marks {\n counter ok { }\n"
            " chain f { type filter hook prerouting priority mangle; ct mark set 0xabcd; }\n"
            " chain g { type filter hook forward priority 10; ct mark 0xabcd counter name ok; }\n}"))  # fmt: skip
        with Listener(Namespace("c", "/run/netns/c"), 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8080, listener))
        counted = json.loads(self.machine.sh("nft", "-j", "list", "counter", "inet", "marks", "ok"))
        self.assertGreater(counted["nftables"][1]["counter"]["packets"], 0)


if __name__ == "__main__":
    main()
