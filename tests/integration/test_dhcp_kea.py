"""Short leases from Kea, in real time: renewed, rebound, ended, for both families."""

import os
import re
import sys
import unittest

from dhcp_support import DhcpTest, KeaTest, sh, wait_until


class Ipv4(KeaTest):
    def test_a_lease_is_renewed_by_unicast_and_the_address_stays(self):
        server = self.kea4()
        container = self.join("c1")
        self.start_proxy()
        (lease,) = self.set_up(container)
        self.assertLessEqual(self.expiry(container), 4)
        renewals = lambda: len(re.findall(r"DHCP4_LEASE_ALLOC", server.text()))
        self.assertTrue(wait_until(lambda: renewals() >= 3, 8), server.text()[-2000:])
        self.assertEqual(container.addresses("eth0"), [lease["address"]])
        self.assertGreaterEqual(self.expiry(container), 2)
        self.assertIn("bound", [s["state"] for s in self.status()])
        # By unicast: from the container's address to the server's.
        self.assertRegex(server.text(), r"received buffer from 10\.5\.0\.1\d\d:68 to 10\.5\.0\.1:67")

    def test_without_a_server_the_address_goes_at_the_end_and_comes_back_with_it(self):
        server = self.kea4()
        container = self.join("c1")
        self.start_proxy()
        (lease,) = self.set_up(container)
        server.stop()
        self.assertTrue(wait_until(lambda: self.status()[0]["state"] == "rebinding", 6))
        self.assertEqual(container.addresses("eth0"), [lease["address"]])
        self.assertTrue(wait_until(lambda: container.addresses("eth0") == [], 6))
        self.assertEqual(container.routes(), [])
        self.assertIn("the lease has expired", self.proxy_log())
        self.kea4()
        self.assertTrue(wait_until(lambda: container.addresses("eth0") != [], 8))
        self.assertIn("default", [r["dst"] for r in container.routes()])

    def test_the_kernel_ends_the_address_when_the_proxy_is_dead(self):
        self.kea4()
        container = self.join("c1")
        self.start_proxy()
        self.set_up(container)
        self.stop_proxy(9)
        self.assertTrue(wait_until(lambda: container.addresses("eth0") == [], 8))

    def test_a_server_that_lost_its_leases_refuses_and_the_address_changes(self):
        server = self.kea4(authoritative=True)
        container = self.join("c1")
        self.start_proxy()
        (lease,) = self.set_up(container)
        server.stop()
        self.kea(4, "10.5.0.0/24", "10.5.0.200 - 10.5.0.210", authoritative=True)
        new = lambda: [a for a in container.addresses("eth0") if a.startswith("10.5.0.2")]
        self.assertTrue(wait_until(new, 12), self.proxy_log())
        self.assertEqual(len(container.addresses("eth0")), 1)


class Ipv6(KeaTest):
    def test_an_address_is_got_renewed_and_given_back(self):
        server = self.kea6()
        container = self.join("c1")
        self.start_proxy()
        (lease,) = self.set_up(container, families=["ipv6"])
        self.assertRegex(lease["address"], r"^fd00:5::1[01][0-9a-f]/128$")
        self.assertEqual((lease["dns_servers"], lease["domains"]), (["fd00:5::9"], ["lan.example"]))
        self.assertEqual(container.addresses("eth0"), [lease["address"]])
        self.assertTrue(wait_until(lambda: "DHCP6_PROCESS_IA_NA_EXTEND" in server.text() or "RENEW" in server.text(), 5), server.text()[-3000:])
        self.assertTrue(wait_until(lambda: self.expiry(container, "inet6") >= 3, 3))
        self.assertTrue(self.tear_down(container))
        self.assertEqual(container.addresses("eth0"), [])
        self.assertTrue(wait_until(lambda: "RELEASE" in server.text()), server.text()[-3000:])

    def test_a_link_whose_address_is_still_being_checked_is_waited_for(self):
        self.kea6()
        container = self.join("c1", dad=1)
        self.start_proxy()
        (lease,) = self.set_up(container, families=["ipv6"])
        self.assertEqual(container.addresses("eth0"), [lease["address"]])

    def test_both_families_at_once(self):
        self.kea6()
        self.kea4()
        container = self.join("c1")
        self.start_proxy()
        four, six = self.set_up(container, families=["ipv4", "ipv6"])
        self.assertEqual(sorted(container.addresses("eth0")), sorted([four["address"], six["address"]]))
        self.assertEqual(len(self.status()), 2)

    def test_without_a_server_the_address_goes_at_the_end(self):
        server = self.kea6()
        container = self.join("c1")
        self.start_proxy()
        self.set_up(container, families=["ipv6"])
        server.stop()
        self.assertTrue(wait_until(lambda: container.addresses("eth0") == [], 9))

    def test_one_family_without_a_server_is_an_error_that_says_which_and_nothing_stays(self):
        self.timeout = "2"
        self.kea4()
        container = self.join("c1")
        self.start_proxy()
        self.assert_refused(container, r"within 2 s: IPv6: no DHCPv6 server answers$", "timeout", families=["ipv4", "ipv6"])
        self.assert_untouched(container)


class Dnsmasq(DhcpTest):
    @unittest.skipUnless(os.path.exists("/usr/sbin/dnsmasq"), "no dnsmasq")
    def test_dnsmasq_speaks_both_families(self):
        self.server.sh("ip", "addr", "add", "fd00:5::1/64", "dev", "eth0")
        server = self.dnsmasq("--dhcp-range=fd00:5::100,fd00:5::1ff,64,2m", "--enable-ra")
        container = self.join("c1")
        self.start_proxy()
        four, six = self.set_up(container, families=["ipv4", "ipv6"])
        self.assertRegex(six["address"], r"^fd00:5::1[0-9a-f]{2}/128$")
        # The router announces itself: that is the kernel's part.
        self.assertTrue(wait_until(lambda: [r for r in container.routes(6) if r["dst"] == "default" and r["protocol"] == "ra"], 15))
        self.tear_down(container)
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in server.text()), server.text())


if __name__ == "__main__":
    if not all(os.path.exists(f"/usr/sbin/kea-dhcp{family}") for family in (4, 6)):
        sys.exit(77)
    unittest.main()
