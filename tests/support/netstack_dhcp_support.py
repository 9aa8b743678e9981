"""Containers that get their addresses by lease: netstack, burrow-dhcp, and a LAN behind the host's
link `uplink` and its bridge `lan0`, on which a DHCP server may be."""

import os
import sys

from dhcp_support import BRIDGE, KeaTest, sh
from netstack_support import CONFIG, NetstackTest, attachment, network, request

BAD_SERVER = os.path.join(os.path.dirname(__file__), "bad_dhcp_server.py")
DHCP = {"driver": "dhcp"}


def macvlan(name="lan", **members):
    return network(name, driver="macvlan", **{"network_interface": "uplink", "ipam_options": DHCP, **members})


def unmanaged(name="lan", **members):
    options = {"mode": "unmanaged", **members.pop("options", {})}
    return network(name, **{"network_interface": BRIDGE, "ipam_options": DHCP, "options": options, **members})


class NetstackDhcpTest(KeaTest, NetstackTest):
    lan = staticmethod(macvlan)

    assert_refused = NetstackTest.assert_refused  # of netstack's set-up, not of the proxy's

    @classmethod
    def setUpClass(cls):
        pass  # every test has a machine of its own

    def setUp(self):
        NetstackTest.setUp(self)
        self.host = self.machine
        KeaTest.setUp(self)
        self.netstack.environment["BURROW_DHCP_SOCKET"] = self.path
        sh("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "wall")
        for link in ("uplink", "wall", BRIDGE, "vserver"):
            # Link-local addresses would come up some time later.
            sh("ip", "link", "set", link, "addrgenmode", "none")
            sh("ip", "-6", "addr", "flush", "dev", link)
        sh("ip", "link", "set", "wall", "master", BRIDGE)
        for link in ("wall", "uplink"):
            sh("ip", "link", "set", link, "up")

    def misbehave(self, manner):
        self.serve(self.server, sys.executable, BAD_SERVER, "eth0", manner, ready="ready")

    def document(self, lan=None, name="c1", **members):
        return request(name, attachment(lan or self.lan()), container_hostname="web", **members)

    def container(self, name):
        namespace = super().container(name)
        self.namespaces.append(namespace)
        return namespace

    def journal(self):
        """Paths of all files in the journal, but for its lock."""
        found = []
        for directory, _, names in os.walk(f"{CONFIG}/burrow"):
            found += [os.path.relpath(os.path.join(directory, name), f"{CONFIG}/burrow") for name in names]
        return sorted(name for name in found if name != "lock")
