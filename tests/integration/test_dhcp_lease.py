"""Leases from dnsmasq: what a container gets, keeps and gives back."""

import os
import shutil
import signal
import socket
import stat
import sys
import unittest

from dhcp_support import SERVER_ADDRESS, Caller, DhcpTest, sh, wait_until


def defaults(container):
    return [(r.get("gateway"), r["metric"], r["protocol"]) for r in container.routes() if r["dst"] == "default"]


class Lease(DhcpTest):
    def setUp(self):
        super().setUp()
        self.container = self.join("c1")

    def test_the_container_has_address_and_default_route_of_the_lease(self):
        self.dnsmasq()
        self.start_proxy()
        (lease,) = self.set_up(self.container)
        self.assertRegex(lease["address"], r"^10\.5\.0\.(5\d|60)/24$")
        self.assertEqual(lease["server"], SERVER_ADDRESS)
        self.assertEqual(self.container.addresses("eth0"), [lease["address"]])
        self.assertEqual(defaults(self.container), [(SERVER_ADDRESS, 100, "dhcp")])
        self.container.sh("ping", "-c1", "-W5", SERVER_ADDRESS)

    def test_the_kernel_knows_when_the_address_ends(self):
        self.dnsmasq()
        self.start_proxy()
        self.set_up(self.container)
        (link,) = self.container.ip("addr", "show", "dev", "eth0")
        (address,) = [a for a in link["addr_info"] if a["family"] == "inet"]
        self.assertTrue(100 < address["valid_life_time"] <= 120, address)

    def test_the_lease_brings_servers_domain_mtu_and_classless_routes(self):
        self.dnsmasq(
            "--dhcp-option=option:dns-server,10.5.0.7,10.5.0.8", "--dhcp-option=option:domain-name,lan.example",
            "--dhcp-option=option:mtu,1400",
            "--dhcp-option=option:classless-static-route,10.9.0.0/16,10.5.0.2,10.8.0.0/16,0.0.0.0,0.0.0.0/0,10.5.0.3")
        self.start_proxy()
        (lease,) = self.set_up(self.container)
        self.assertEqual(lease["dns_servers"], ["10.5.0.7", "10.5.0.8"])
        self.assertEqual(lease["domains"], ["lan.example"])
        self.assertEqual(self.container.link("eth0")["mtu"], 1400)
        routes = {r["dst"]: r.get("gateway") for r in self.container.routes() if r["protocol"] == "dhcp"}
        self.assertEqual(routes, {"10.9.0.0/16": "10.5.0.2", "10.8.0.0/16": None, "default": "10.5.0.3"})

    def test_a_link_keeps_its_mtu_when_told_so_and_its_lower_one_always(self):
        self.dnsmasq("--dhcp-option=option:mtu,1400")
        self.start_proxy()
        self.set_up(self.container, mtu="link")
        self.assertEqual(self.container.link("eth0")["mtu"], 1500)
        other = self.join("c2")
        other.sh("ip", "link", "set", "eth0", "mtu", "1300")
        self.set_up(other)
        self.assertEqual(other.link("eth0")["mtu"], 1300)

    def test_metric_and_absence_of_the_default_route_are_as_asked_for(self):
        self.dnsmasq()
        self.start_proxy()
        self.set_up(self.container, metric=7)
        self.assertEqual(defaults(self.container), [(SERVER_ADDRESS, 7, "dhcp")])
        other = self.join("c2")
        self.set_up(other, default_route="leave")
        self.assertEqual(defaults(other), [])

    def test_the_server_hears_hostname_and_client_identifier(self):
        server = self.dnsmasq()
        self.start_proxy()
        (lease,) = self.set_up(self.container, hostname="web-1", client_id="mine")
        self.assertIn("client provides name: web-1", server.text())
        with open(f"{self.directory}/dnsmasq.leases") as file:
            (known,) = [line for line in file if "web-1" in line]
        self.assertEqual(known.split()[4], "00:" + ":".join(f"{b:02x}" for b in b"mine"))

    def test_the_identifier_keeps_the_address_when_the_mac_changes(self):
        self.dnsmasq()
        self.start_proxy()
        (first,) = self.set_up(self.container)
        self.container.sh("ip", "link", "set", "eth0", "address", "02:00:00:00:77:01")
        (second,) = self.set_up(self.container)
        self.assertEqual(second["address"], first["address"])

    def test_teardown_gives_the_lease_back_and_takes_it_off_the_link(self):
        server = self.dnsmasq()
        self.start_proxy()
        (lease,) = self.set_up(self.container)
        self.assertEqual(len(self.records()), 1)
        self.assertTrue(self.tear_down(self.container))
        self.assert_untouched(self.container)
        address = lease["address"].split("/")[0]
        self.assertTrue(wait_until(lambda: f"DHCPRELEASE(eth0) {address}" in server.text()), server.text())
        self.assertFalse(self.tear_down(self.container))

    def test_a_second_setup_replaces_the_first(self):
        self.dnsmasq()
        self.start_proxy()
        (first,) = self.set_up(self.container)
        (second,) = self.set_up(self.container, metric=5)
        self.assertEqual(first["address"], second["address"])
        self.assertEqual(self.container.addresses("eth0"), [second["address"]])
        self.assertEqual(defaults(self.container), [(SERVER_ADDRESS, 5, "dhcp")])
        self.assertEqual(len(self.status()), 1)

    def test_twenty_at_once_get_twenty_addresses(self):
        self.dnsmasq(last="10.5.0.99")
        self.start_proxy()
        containers = [self.container] + [self.join(f"d{n}") for n in range(19)]
        callers = [self.call() for _ in containers]
        for caller, container in zip(callers, containers):
            caller.send({"command": "setup", "request": self.request(container)})
        addresses = {caller.receive()["leases"][0]["address"] for caller in callers}
        self.assertEqual(len(addresses), 20)
        for caller in callers:
            caller.ask({"command": "commit"})
        self.assertEqual(len(self.status()), 20)

    def test_status_is_a_table_for_people_and_json_for_programs(self):
        self.dnsmasq()
        self.start_proxy()
        (lease,) = self.set_up(self.container)
        program = os.path.join(os.environ["BURROW_BIN"], "burrow-dhcp")
        self.assertRegex(sh(program, "-d", self.directory, "status"),
                         rf"c1 +eth0 +lan +bound +{lease['address']} +10\.5\.0\.1 +1[12]\d s")
        self.assertIn('"seconds_left"', sh(program, "-d", self.directory, "status", "--format", "json"))

    def test_nothing_of_ours_keeps_a_namespace_alive(self):
        self.dnsmasq()
        self.start_proxy()
        self.set_up(self.container)
        self.namespaces.remove(self.container)
        self.container.delete()
        # With the namespace the container's end of the pair goes, and with that the host's.
        self.assertTrue(wait_until(lambda: not os.path.exists("/sys/class/net/vc1") or "vc1" not in sh("ip", "link")))


class Guard(DhcpTest):
    """What is not committed goes with the conversation."""

    def setUp(self):
        super().setUp()
        self.container = self.join("c1")
        self.dhcp = self.dnsmasq()

    def set_up_only(self):
        caller = self.call()
        caller.ask({"command": "setup", "request": self.request(self.container)})
        self.assertEqual(len(self.container.addresses("eth0")), 1)
        return caller

    def test_a_caller_that_hangs_up_gives_back(self):
        self.start_proxy()
        self.set_up_only().close()
        self.assertTrue(wait_until(lambda: self.container.addresses("eth0") == []))
        self.assert_untouched(self.container)
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in self.dhcp.text()))

    def test_a_proxy_that_dies_before_the_commit_gives_back_when_it_is_started_again(self):
        self.start_proxy()
        self.set_up_only()
        self.stop_proxy(signal.SIGKILL)
        self.start_proxy()
        self.assert_untouched(self.container)
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in self.dhcp.text()))

    def test_a_proxy_that_ends_before_the_commit_gives_back(self):
        self.start_proxy()
        self.set_up_only()
        self.assertEqual(self.stop_proxy(), 0)
        self.assertEqual(self.container.addresses("eth0"), [])
        self.assertEqual(self.records(), [])

    def test_two_callers_cannot_set_up_the_same(self):
        self.start_proxy()
        self.set_up_only()
        self.assert_refused(self.container, "is being set up by another caller", "already_exists")


class Restart(DhcpTest):
    def setUp(self):
        super().setUp()
        self.container = self.join("c1")
        self.dhcp = self.dnsmasq()
        self.start_proxy()
        (self.lease,) = self.set_up(self.container)

    def check_kept(self):
        self.assertEqual(self.container.addresses("eth0"), [self.lease["address"]])
        self.start_proxy()
        (status,) = self.status()
        self.assertEqual((status["state"], status["lease"]["address"]), ("bound", self.lease["address"]))
        self.assertTrue(self.tear_down(self.container))
        self.assertTrue(wait_until(lambda: "DHCPRELEASE" in self.dhcp.text()), self.dhcp.text())
        self.assert_untouched(self.container)

    def test_leases_outlive_the_proxy_and_are_given_back_by_the_next(self):
        self.assertEqual(self.stop_proxy(), 0)
        self.assertFalse(os.path.exists(self.path))
        self.check_kept()

    def test_leases_outlive_a_proxy_that_was_killed(self):
        self.stop_proxy(signal.SIGKILL)
        self.check_kept()

    def test_a_lease_whose_namespace_has_gone_meanwhile_is_dropped(self):
        self.stop_proxy()
        self.namespaces.remove(self.container)
        self.container.delete()
        self.start_proxy()
        self.assertEqual((self.status(), self.records()), ([], []))

    def test_another_namespace_of_the_same_name_is_left_alone(self):
        self.stop_proxy()
        self.namespaces.remove(self.container)
        self.container.delete()
        other = self.join("c1")
        self.start_proxy()
        self.assertEqual((self.status(), self.records()), ([], []))
        self.assertEqual(other.addresses("eth0"), [])

    def test_a_record_of_another_boot_is_dropped_and_a_damaged_one_put_aside(self):
        self.stop_proxy()
        (name,) = self.records()
        path = f"{self.directory}/leases/{name}"
        with open(path) as file:
            text = file.read()
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open(path, "w") as file:
            file.write(text.replace(boot, "00000000-0000-0000-0000-000000000000"))
        with open(f"{self.directory}/leases/c9:eth0.json", "w") as file:
            file.write(text[: len(text) // 2])
        self.start_proxy()
        self.assertEqual((self.status(), self.records()), ([], ["c9:eth0.json.damaged"]))


if __name__ == "__main__":
    if not shutil.which("dnsmasq", path="/usr/sbin:/usr/bin"):
        sys.exit(77)
    unittest.main()
