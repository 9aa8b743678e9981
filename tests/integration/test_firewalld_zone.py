"""The nftables driver beside the real firewalld: our bridges have a zone of their own."""

import signal
import socket
import time

from firewalld_support import FirewalldTest, main
from netns_support import NEVER, Listener, connects, reaches, talks
from netstack_support import Netstack, attachment, network, port, request

OPEN = {"isolate": "false"}
FRONT = network("front", "10.40.0.0/24", "fd00:40::/64", options=OPEN)
BACK = network("back", "10.41.0.0/24", "fd00:41::/64", options=OPEN)
UDP = socket.SOCK_DGRAM
BRIDGE = "br-front"


class Beside(FirewalldTest):
    def reaches_outside(self, namespace, timeout=5):
        """Whether both families get out."""
        for address in ("192.0.2.2", "2001:db8::2"):
            with Listener(self.outside_host, 80, address) as listener:
                if not reaches(namespace, address, 80, listener, timeout):
                    return False
        return True

    def test_containers_get_out_and_to_each_other_in_both_families(self):
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        back = self.attached("b", attachment(BACK, "10.41.0.2", "fd00:41::2"))
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "burrow")
        self.assertTrue(self.reaches_outside(front))
        for address in ("10.41.0.2", "fd00:41::2"):
            with Listener(back, 80, address) as listener:
                self.assertIsNotNone(reaches(front, address, 80, listener), address)
        # Which network reaches which is for our table alone, also inside of one zone.
        apart = self.attached("c", attachment(network("apart", "10.44.0.0/24"), "10.44.0.2"))
        self.assertEqual(self.firewalld.zone_of("br-apart"), "burrow")
        with Listener(apart, 80):
            self.assertFalse(connects(front, "10.44.0.2", 80, NEVER))
        # Getting out is the zone's doing: outside of it, firewalld lets nothing pass.
        self.firewalld.take(BRIDGE, "burrow")
        self.assertFalse(self.reaches_outside(front, NEVER))

    def test_published_ports_are_reached_from_outside_and_from_the_host(self):
        web = self.attached("web", attachment(FRONT, "10.40.0.3", "fd00:40::3"), ports=[port(8080, 80)])
        other = self.attached("other", attachment(FRONT, "10.40.0.4", "fd00:40::4"))
        for address, local in (("192.0.2.1", "0.0.0.0"), ("2001:db8::1", "::")):
            with Listener(web, 80, local) as listener:
                for place in (self.outside_host, self.host, other):
                    self.assertIsNotNone(reaches(place, address, 8080, listener), (place.name, address))
        with Listener(web, 80) as listener:
            self.assertIsNotNone(reaches(self.host, "127.0.0.1", 8080, listener))
        # The container's own address is for nobody outside, but for what is published.
        self.outside_host.sh("ip", "route", "replace", "10.40.0.0/24", "via", "192.0.2.1")
        with Listener(web, 80):
            self.assertFalse(connects(self.outside_host, "10.40.0.3", 80, NEVER))

    def test_of_the_host_containers_reach_names_and_ping_and_no_service(self):
        front = self.attached("c", attachment(FRONT, "10.40.0.5", "fd00:40::5"))
        for gateway in ("10.40.0.1", "fd00:40::1"):
            with Listener(self.host, 53, gateway, UDP) as names:
                self.assertIsNotNone(talks(front, gateway, 53, names), gateway)
            with Listener(self.host, 53, gateway) as names:
                self.assertIsNotNone(reaches(front, gateway, 53, names), gateway)
            front.sh("ping", "-c1", "-W2", gateway)
            with Listener(self.host, 5432, gateway):
                self.assertFalse(connects(front, gateway, 5432, NEVER))
        # More is for the administrator to open.
        self.host.sh("firewall-cmd", "-q", "--zone=burrow", "--add-port=5432/tcp")
        with Listener(self.host, 5432, "10.40.0.1") as listener:
            self.assertIsNotNone(reaches(front, "10.40.0.1", 5432, listener))

    def test_ports_for_the_hosts_firewall_to_decide_are_asked_of_the_zone_they_come_in_by(self):
        asked = network("asked", "10.46.0.0/24", options={"publish": "host-firewall"})
        web = self.attached("w", attachment(asked, "10.46.0.2"), ports=[port(8090, 80)])
        with Listener(web, 80) as listener:
            self.assertFalse(connects(self.outside_host, "192.0.2.1", 8090, NEVER))
            self.host.sh("firewall-cmd", "-q", "--zone=public", "--add-port=8090/tcp")
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8090, listener))

    def test_names_on_another_port_are_reached(self):
        front = self.attached("c", attachment(FRONT, "10.40.0.5"))
        self.host.sh("nft", "add", "element", "inet", "burrow", "dns4", "{ 10.40.0.1 . udp . 53 : 10.40.0.1 . 1153 }")
        with Listener(self.host, 1153, "10.40.0.1", UDP) as names:
            self.assertIsNotNone(talks(front, "10.40.0.1", 53, names))

    def test_the_last_teardown_takes_the_bridge_out(self):
        document = request("a", attachment(FRONT, "10.40.0.2"))
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        self.setup_ok(namespace, document)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "burrow")
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "")
        self.assertNotIn("burrow", self.firewalld.call(".zone", "getActiveZones"))

    def test_a_set_up_that_fails_leaves_no_bridge_in_the_zone(self):
        namespace = self.container("d")
        self.addCleanup(namespace.delete)
        document = request("d", attachment(FRONT, "10.40.0.2"))
        document["network_info"]["front"] = {**FRONT, "routes": [{"destination": "10.9.0.0/16", "gateway": "10.77.0.1"}]}
        self.assertTrue(self.netstack.setup(namespace, document).error)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "")

    def test_a_zone_that_the_administrator_chose_stays(self):
        self.firewalld.put(BRIDGE, "home")
        self.addCleanup(self.firewalld.take, BRIDGE, "home")
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, "10.40.0.2"))
        self.setup_ok(namespace, document)
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "home")
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "home")

    def test_the_next_container_of_a_network_puts_it_back(self):
        front = self.attached("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
        self.firewalld.take(BRIDGE, "burrow")
        self.attached("b", attachment(FRONT, "10.40.0.3", "fd00:40::3"))
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "burrow")
        self.assertTrue(self.reaches_outside(front))

    def test_a_plan_names_the_zone_and_puts_nothing_there(self):
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        outcome = self.netstack.run("plan", "setup", namespace.path, document=request("a", attachment(FRONT, "10.40.0.2")))
        self.assertIn("put br-front into zone burrow of firewalld", outcome.out)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "")

    def test_the_driver_none_asks_for_no_zone(self):
        netstack = Netstack(firewall="none")
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, "10.40.0.2"))
        self.assertEqual(netstack.setup(namespace, document).code, 0)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "")
        self.assertEqual(netstack.teardown(namespace, document).code, 0)

    def test_internal_networks_have_names_and_nothing_else(self):
        inner = network("inner", "10.42.0.0/24", internal=True)
        namespace = self.attached("i", attachment(inner, "10.42.0.2"))
        with Listener(self.host, 53, "10.42.0.1", UDP) as names:
            self.assertIsNotNone(talks(namespace, "10.42.0.1", 53, names))
        with Listener(self.outside_host, 80, "192.0.2.2"):
            self.assertFalse(connects(namespace, "192.0.2.2", 80, NEVER))

    def test_what_firewalld_does_not_answer_holds_nobody_up_for_long(self):
        self.firewalld.process.send_signal(signal.SIGSTOP)
        try:
            namespace = self.container("a")
            self.addCleanup(namespace.delete)
            document = request("a", attachment(FRONT, "10.40.0.2", "fd00:40::2"))
            began = time.monotonic()
            outcome = self.netstack.setup(namespace, document)
            took = time.monotonic() - began
        finally:
            self.firewalld.process.send_signal(signal.SIGCONT)
        self.addCleanup(self.netstack.teardown, namespace, document)
        self.assertEqual(outcome.code, 0, outcome)
        self.assertLess(took, 4)
        self.assertIn("firewalld: list zones: no answer in time", outcome.err)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "")
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertEqual(self.firewalld.zone_of(BRIDGE), "burrow")
        self.assertTrue(self.reaches_outside(namespace))

    def test_a_name_that_would_mean_all_bridges_is_kept_out(self):
        odd = network("odd", "10.43.0.0/24", network_interface="br+")
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(odd, "10.43.0.2"))
        outcome = self.netstack.setup(namespace, document)
        self.addCleanup(self.netstack.teardown, namespace, document)
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("all links that begin so", outcome.err)
        self.assertEqual(self.firewalld.zone_of("br7"), "")


if __name__ == "__main__":
    main()
