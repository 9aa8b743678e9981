"""A LAN behind the host's link `uplink`, and containers that have links of their own on it."""

import json
import os
import socket
import struct

from netns_support import connects, Listener, Namespace
from netstack_support import NetstackTest, network, subnet

_GETLINK, _IFNAME, _LINKINFO, _INFO_DATA, _BC_CUTOFF = 18, 3, 18, 2, 9


def _attributes(message):
    found = {}
    while len(message) >= 4:
        size, kind = struct.unpack_from("=HH", message)
        found[kind & 0x3FFF] = message[4:size]
        message = message[(size + 3) & ~3 :]
    return found


def broadcast_cutoff(namespace, name):
    """IFLA_MACVLAN_BC_CUTOFF of a link, which Debian 12's `ip` does not know; the kernel leaves out
    its usual value 1."""
    with namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW) as route:
        route.settimeout(5)
        text = name.encode() + b"\0"
        attribute = struct.pack("=HH", 4 + len(text), _IFNAME) + text + b"\0" * (-len(text) % 4)
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute
        route.send(struct.pack("=IHHII", 16 + len(body), _GETLINK, 1, 1, 0) + body)
        answer = route.recv(65536)
    value = _attributes(_attributes(_attributes(answer[32:])[_LINKINFO])[_INFO_DATA]).get(_BC_CUTOFF)
    return None if value is None else struct.unpack("=i", value)[0]


def lan(driver, name="lan", gateway="198.51.100.2", parent="uplink", **members):
    """A network on the LAN of a LanTest, where the gateway is the host behind `uplink`."""
    document = network(name, driver=driver, network_interface=parent, **members)
    document["subnets"] = [subnet("198.51.100.0/24", gateway), subnet("fd00:77::/64", "fd00:77::2")]
    document["ipv6_enabled"] = True
    return document


class LanTest(NetstackTest):
    """A machine whose default routes lead over its link `uplink` to `self.lan_host`. Not on a
    documentation network: by an address of those we ask for the default route."""

    def setUp(self):
        super().setUp()
        self.lan_host = Namespace.add("outside")
        self.machine.sh("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", "outside")
        for place, link, number in ((self.machine, "uplink", 1), (self.lan_host, "eth0", 2)):
            place.sysctl(f"net/ipv6/conf/{link}/accept_dad", 0)
            place.sh("ip", "addr", "add", f"198.51.100.{number}/24", "dev", link)
            place.sh("ip", "addr", "add", f"fd00:77::{number}/64", "dev", link, "nodad")
            place.sh("ip", "link", "set", link, "up")
        self.machine.sh("ip", "route", "add", "default", "via", "198.51.100.2")
        self.machine.sh("ip", "-6", "route", "add", "default", "via", "fd00:77::2")

    def defaults(self, container, family=4):
        """(gateway, link, metric) of every default route."""
        routes = [route for route in container.routes(family) if route["dst"] == "default"]
        return [(route.get("gateway"), route["dev"], route["metric"]) for route in routes]

    def assert_on_the_lan(self, container, address):
        """By packets, both ways."""
        with Listener(self.lan_host, 80, "198.51.100.2"):
            self.assertTrue(connects(container, "198.51.100.2", 80))
        with Listener(container, 81, address):
            self.assertTrue(connects(self.lan_host, address, 81))

    def records(self):
        """Paths of the journal's records."""
        found = []
        for directory, _, names in os.walk("/run/containers/networks/burrow"):
            found += [os.path.join(directory, name) for name in names if name.endswith(".json")]
        return sorted(path.rsplit("/burrow/", 1)[1] for path in found)

    def tables(self):
        return json.loads(self.machine.sh("nft", "-j", "list", "tables"))["nftables"][1:]
