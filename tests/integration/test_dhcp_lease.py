"""Leases from dnsmasq: what a container gets, keeps and gives back."""

import shutil
import sys
import unittest

from dhcp_support import SERVER_ADDRESS, Caller, DhcpTest, sh, wait_until


class Lease(DhcpTest):
    def setUp(self):
        super().setUp()
        self.container = self.join("c1")

    def default_routes(self):
        return [(r.get("gateway"), r["metric"], r["protocol"]) for r in self.container.routes() if r["dst"] == "default"]

    def test_the_container_has_address_and_default_route_of_the_lease(self):
        self.dnsmasq()
        self.start_proxy()
        (lease,) = self.set_up(self.container)
        self.assertRegex(lease["address"], r"^10\.5\.0\.(5\d|60)/24$")
        self.assertEqual(lease["server"], SERVER_ADDRESS)
        self.assertEqual(self.container.addresses("eth0"), [lease["address"]])
        self.assertEqual(self.default_routes(), [(SERVER_ADDRESS, 100, "dhcp")])
        self.container.sh("ping", "-c1", "-W5", SERVER_ADDRESS)


if __name__ == "__main__":
    if not shutil.which("dnsmasq", path="/usr/sbin:/usr/bin"):
        sys.exit(77)
    unittest.main()
