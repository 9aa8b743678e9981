"""Rule sets as Docker, ufw, libvirt and LXD publish them, in our words, with a guest of theirs behind
a bridge of theirs, and a machine outside."""

import json
import socket

from netns_support import Listener, NEVER, Namespace, reaches, sh
from netstack_support import NetstackTest, attachment, network, port, request

WEB = network("web", "10.1.0.0/24", "fd00:1::/64")
ADDRESSES = ("10.1.0.2", "fd00:1::2")
HOSTS = ("192.0.2.1", "2001:db8::1")
OUTSIDE = ("192.0.2.2", "2001:db8::2")

# Forwarding is dropped by policy; the administrator's chain is asked first; a guest's port 8000 is
# published by translation, one chain per family as the compatible iptables makes them.
DOCKER = """
table {family} filter {{
  chain DOCKER-USER {{ }}
  chain DOCKER {{ {source} {guest} oifname "theirs0" iifname != "theirs0" tcp dport 80 accept; }}
  chain FORWARD {{ type filter hook forward priority filter; policy drop;
    jump DOCKER-USER
    oifname "theirs0" ct state related,established accept
    oifname "theirs0" jump DOCKER
    iifname "theirs0" oifname != "theirs0" accept
  }}
}}
table {family} nat {{
  chain DOCKER {{ iifname != "theirs0" tcp dport 8000 dnat to {target}; }}
  chain PREROUTING {{ type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump DOCKER
  }}
  chain POSTROUTING {{ type nat hook postrouting priority srcnat; policy accept;
    {network} oifname != "theirs0" masquerade
  }}
}}
"""

# Input and forwarding are dropped by policy; what the administrator allows stands in chains of users.
UFW = """
table {family} filter {{
  chain ufw-user-forward {{ }}
  chain ufw-user-input {{ tcp dport 22 accept; }}
  chain ufw-before-input {{
    iifname "lo" accept
    ct state related,established accept
    {neighbours} accept
    jump ufw-user-input
  }}
  chain ufw-before-forward {{
    ct state related,established accept
    jump ufw-user-forward
  }}
  chain INPUT {{ type filter hook input priority filter; policy drop; jump ufw-before-input; }}
  chain FORWARD {{ type filter hook forward priority filter; policy drop; jump ufw-before-forward; }}
}}
"""

# Chains that reject what goes in or out by their own bridge without leave, and accept all else.
LIBVIRT = """
table {family} libvirt_network {{
  chain guest_output {{ {source_network} iifname "theirs0" accept; iifname "theirs0" reject; }}
  chain guest_input {{ {target_network} oifname "theirs0" ct state related,established accept; oifname "theirs0" reject; }}
  chain forward {{ type filter hook forward priority filter; policy accept;
    iifname "theirs0" oifname "theirs0" accept
    jump guest_input
    jump guest_output
  }}
  chain guest_nat {{ type nat hook postrouting priority srcnat; policy accept;
    {network} oifname != "theirs0" masquerade
  }}
}}
"""

LXD = """
table inet lxd {
  chain pstrt.theirs0 { type nat hook postrouting priority srcnat; policy accept;
    ip saddr 172.17.0.0/24 ip daddr != 172.17.0.0/24 masquerade
    ip6 saddr fd17::/64 ip6 daddr != fd17::/64 masquerade
  }
  chain fwd.theirs0 { type filter hook forward priority filter; policy accept;
    ip version 4 oifname "theirs0" accept
    ip version 4 iifname "theirs0" accept
    ip6 version 6 oifname "theirs0" accept
    ip6 version 6 iifname "theirs0" accept
  }
  chain in.theirs0 { type filter hook input priority filter; policy accept;
    iifname "theirs0" udp dport 67 accept
  }
}
"""

FAMILIES = (
    {"family": "ip", "guest": "ip daddr 172.17.0.2", "source": "", "target": "172.17.0.2:80",
     "network": "ip saddr 172.17.0.0/24", "source_network": "ip saddr 172.17.0.0/24",
     "target_network": "ip daddr 172.17.0.0/24", "neighbours": "icmp type echo-request"},
    {"family": "ip6", "guest": "ip6 daddr fd17::2", "source": "", "target": "[fd17::2]:80",
     "network": "ip6 saddr fd17::/64", "source_network": "ip6 saddr fd17::/64",
     "target_network": "ip6 daddr fd17::/64", "neighbours": "meta l4proto icmpv6"},
)


def tables(text):
    return "".join(text.format(**family) for family in FAMILIES) if "{family}" in text else text


class Beside(NetstackTest):
    rules = ""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.guest = self.add_guest()
        sh("nft", "-f", "-", input=tables(self.rules))
        self.theirs = self.their_tables()
        self.outside_listeners = self.listener(self.outside_host, 81)

    def add_guest(self):
        """A guest of theirs with a web server, behind their bridge."""
        guest = Namespace.add("guest")
        sh("ip", "link", "add", "theirs0", "type", "bridge")
        self.machine.sysctl("net/ipv6/conf/theirs0/accept_dad", 0)
        for address in ("172.17.0.1/24", "fd17::1/64"):
            sh("ip", "address", "add", address, "dev", "theirs0")
        sh("ip", "link", "add", "guest0", "type", "veth", "peer", "name", "eth0", "netns", "guest")
        sh("ip", "link", "set", "guest0", "master", "theirs0", "up")
        sh("ip", "link", "set", "theirs0", "up")
        guest.sysctl("net/ipv6/conf/eth0/accept_dad", 0)
        guest.sh("ip", "link", "set", "eth0", "up")
        for address, gateway in (("172.17.0.2/24", "172.17.0.1"), ("fd17::2/64", "fd17::1")):
            guest.sh("ip", "address", "add", address, "dev", "eth0")
            guest.sh("ip", "route", "add", "default", "via", gateway)
        for key in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            self.machine.sysctl(key, 1)
        return guest

    def their_tables(self):
        """What the kernel has of others, without ours."""
        document = json.loads(sh("nft", "-j", "list", "ruleset"))["nftables"]
        return [entry for entry in document
                if "burrow" not in json.dumps(entry) and "metainfo" not in entry]

    def listener(self, namespace, number, kind=socket.SOCK_STREAM):
        pair = []
        for address in ("0.0.0.0", "::"):
            pair.append(Listener(namespace, number, address, kind))
            self.addCleanup(pair[-1].close)
        return pair

    def attach_web(self):
        web = self.attach("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)])
        return web, self.listener(web, 80)

    def assert_reaches(self, source, addresses, number, listeners):
        for address, listener in zip(addresses, listeners):
            self.assertIsNotNone(reaches(source, address, number, listener), address)

    def assert_cut_off(self, source, addresses, number, listeners):
        for address, listener in zip(addresses, listeners):
            self.assertIsNone(reaches(source, address, number, listener, timeout=NEVER), address)

    def assert_ours_work(self, web, listeners):
        self.assert_reaches(web, OUTSIDE, 81, self.outside_listeners)
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        self.assert_reaches(self.guest, HOSTS, 8080, listeners)

    def findings(self):
        document = json.loads(self.netstack.run("doctor", "--format", "json").out)
        return {finding["check"]: finding for finding in document["findings"]}

    def teardown_leaves_theirs(self, web):
        self.teardown_ok(web, request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)]))
        self.assertEqual(self.their_tables(), self.theirs)


class Accepted(Beside):
    """With the administrator's leave to put rules into chains of theirs."""

    def setUp(self):
        super().setUp()
        self.netstack.environment["BURROW_OTHER_FIREWALLS"] = "accept"
        self.before = sh("nft", "-s", "list", "ruleset")

    def ours(self, *chain):
        """The rules of ours in a chain of theirs, as nft has them."""
        lines = [line.strip() for line in sh("nft", "-s", "list", "chain", *chain).splitlines()]
        return [line for line in lines if "burrow: " in line]

    def end(self, *containers):
        for namespace, document in containers:
            self.teardown_ok(namespace, document)
        self.assertEqual(sh("nft", "-s", "list", "ruleset"), self.before)

    def end_web(self, web):
        self.end((web, request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)])))

    def assert_works_and_ends(self):
        web, listeners = self.attach_web()
        self.assert_ours_work(web, listeners)
        self.end_web(web)
