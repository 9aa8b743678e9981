"""Faults that other network tools have on bridges, and ours must not: teardown that stumbles over what
is missing, settings that stay, default routes that are not seen."""

import contextlib
import os
import threading

from netns_support import Listener, reaches
from netstack_support import CONFIG, DNS, NetstackTest, attachment, main, network, port, request

A = network("a", "10.1.0.0/24", "fd00:1::/64")


class Teardown(NetstackTest):
    def test_static_routes_of_a_network_without_addresses_disturb_nobody(self):
        """They were never set, as no gateway could be reached, and are not missed."""
        routes = [{"destination": "203.0.113.0/24", "gateway": "10.1.0.1"},
                  {"destination": "198.51.100.0/24", "route_type": "blackhole"}]  # fmt: skip
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", ({**A, "ipam_options": {"driver": "none"}, "routes": routes}, {}))
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_the_first_network_that_is_damaged_does_not_keep_the_second(self):
        """Its bridge is gone, its routes too; the other network and the ports are still taken away."""
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.settled_snapshot(container)
        routes = [{"destination": "203.0.113.0/24", "gateway": "10.2.0.1"}]
        document = request(
            "c", attachment(A, "10.1.0.2", "fd00:1::2"),
            attachment(network("b", "10.2.0.0/24", routes=routes), "10.2.0.2"), ports=[port(8080, 80)],
        )  # fmt: skip
        self.setup_ok(container, document)
        self.machine.sh("ip", "link", "del", "br-a")
        container.sh("ip", "route", "del", "203.0.113.0/24")
        container.sh("ip", "link", "del", "eth0")
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_a_container_that_dies_while_it_is_torn_down_leaves_nothing(self):
        """Its namespace goes at the same time, and with it, some time, its end of the pair."""
        before = self.settled_snapshot()
        for n in range(2, 10):
            document = request(f"c{n}", attachment(A, f"10.1.0.{n}", f"fd00:1::{n}"), ports=[port(8080, 80)])
            container = self.container(f"c{n}")
            self.setup_ok(container, document)
            death = threading.Thread(target=container.delete)
            death.start()
            self.teardown_ok(container, document)
            death.join()
        self.assert_unchanged(before)

    def test_settings_of_a_bridge_leave_with_it(self):
        """The next network with the same bridge has its own, also after an internal one."""
        internal = {**A, "internal": True}
        for document in (internal, A):
            container = self.container("c")
            asked = request("c", attachment(document, "10.1.0.2", "fd00:1::2"))
            self.setup_ok(container, asked)
            forwarding = self.machine.sysctl("net/ipv4/conf/br-a/forwarding")
            self.assertEqual(forwarding, "0" if document is internal else "1")
            self.teardown_ok(container, asked)
            container.delete()
            self.assertEqual(os.listdir("/run/sysctl.d") if os.path.exists("/run/sysctl.d") else [], [])


class Adopted(NetstackTest):
    def test_an_internal_network_on_a_bridge_that_stood_before_does_not_forward(self):
        """Also when the same set-up has the host begin to forward, which is a switch of all links."""
        self.machine.sh("ip", "link", "add", "br-int", "type", "bridge")
        self.machine.sh("ip", "link", "set", "br-int", "up")
        internal = network("int", "10.8.0.0/24", internal=True)
        self.assertEqual(self.machine.sysctl("net/ipv4/conf/br-int/forwarding"), "0")
        document = request("c", attachment(internal, "10.8.0.2"), attachment(A, "10.1.0.2", "fd00:1::2"))
        container = self.container("c")
        self.setup_ok(container, document)
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "1")
        self.assertEqual(self.machine.sysctl("net/ipv4/conf/br-int/forwarding"), "0")
        # Nor when somebody switched forwarding off and the next set-up has it on again.
        self.machine.sysctl("net/ipv4/ip_forward", 0)
        self.attach("d", attachment(network("b", "10.2.0.0/24"), "10.2.0.2"))
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "1")
        self.assertEqual(self.machine.sysctl("net/ipv4/conf/br-int/forwarding"), "0")
        self.teardown_ok(container, document)
        self.assertIsNotNone(self.machine.link("br-int"))


class Outbound(NetstackTest):
    def test_an_address_that_the_host_lacks_is_said(self):
        document = {**A, "options": {"outbound_addr4": "192.0.2.77", "outbound_addr6": "fd00:99::1"}}
        warned = {"environment": {"RUST_LOG": "warn"}}

        def warnings(name, last):
            asked = request(name, attachment(document, f"10.1.0.{last}", f"fd00:1::{last}"))
            outcome = self.netstack.setup(self.container(name), asked, **warned)
            self.assertEqual(outcome.code, 0, outcome)
            return outcome.err

        first = warnings("c", 2)
        for address in ("192.0.2.77", "fd00:99::1"):
            self.assertIn(f'network "a": the outbound address {address} is none of the host\'s', first)
        self.machine.sh("ip", "addr", "add", "192.0.2.77/32", "dev", "lo")
        second = warnings("d", 3)
        self.assertNotIn("192.0.2.77", second)
        self.assertIn("fd00:99::1", second)


class DefaultRoute(NetstackTest):
    """The MTU of containers is that of the link by which packets to the internet leave."""

    def setUp(self):
        super().setUp()
        for n, mtu in ((1, 1400), (2, 1300)):
            self.machine.sh("ip", "link", "add", f"up{n}", "type", "veth", "peer", "name", f"peer{n}")
            self.machine.sh("ip", "link", "set", f"up{n}", "mtu", str(mtu), "up")
            self.machine.sh("ip", "link", "set", f"peer{n}", "up")
            self.machine.sh("ip", "addr", "add", f"198.18.{n}.1/24", "dev", f"up{n}")

    def route(self, *words):
        self.machine.sh("ip", "route", "add", "default", *words)

    def mtu(self):
        return self.attach("c", attachment(A, "10.1.0.2", "fd00:1::2")).link("eth0")["mtu"]

    def test_of_two_the_one_with_the_better_metric_counts(self):
        self.route("via", "198.18.1.2", "metric", "600")
        self.route("via", "198.18.2.2", "metric", "100")
        self.assertEqual(self.mtu(), 1300)

    def test_also_when_it_was_there_first(self):
        self.route("via", "198.18.2.2", "metric", "100")
        self.route("via", "198.18.1.2", "metric", "600")
        self.assertEqual(self.mtu(), 1300)

    def test_one_over_several_links_counts(self):
        self.route("nexthop", "via", "198.18.2.2", "nexthop", "via", "198.18.2.3")
        self.assertEqual(self.mtu(), 1300)

    def test_one_that_stands_in_a_table_of_its_own_counts(self):
        self.machine.sh("ip", "route", "add", "default", "via", "198.18.2.2", "table", "77")
        self.machine.sh("ip", "rule", "add", "table", "77")
        self.assertEqual(self.mtu(), 1300)

    def test_one_that_is_a_blackhole_is_none(self):
        self.machine.sh("ip", "route", "add", "blackhole", "default")
        self.assertEqual(self.mtu(), 1500)


class OthersBridge(NetstackTest):
    """A bridge that somebody else made gets what containers need of it, for as long as they are there."""

    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sh("ip", "link", "add", "br-a", "type", "bridge")
        self.machine.sysctl("net/ipv4/conf/br-a/forwarding", 0)

    def test_containers_reach_the_outside_though_it_did_not_forward(self):
        container = self.attach("c", attachment(A, "10.1.0.2", "fd00:1::2"))
        with Listener(self.outside_host, 80, "192.0.2.2") as listener:
            self.assertIsNotNone(reaches(container, "192.0.2.2", 80, listener))

    def test_published_ports_answer_at_the_loopback_address_of_the_host(self):
        container = self.attach("c", attachment(A, "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80)])
        with Listener(container, 80) as listener:
            self.assertIsNotNone(reaches(self.machine, "127.0.0.1", 8080, listener))

    def test_ipv6_needs_nothing_of_it_and_it_goes_on_hearing_routers(self):
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)
        self.machine.sysctl("net/ipv6/conf/br-a/forwarding", 0)
        container = self.attach("c", attachment(A, "10.1.0.2", "fd00:1::2"))
        with Listener(self.outside_host, 80, "2001:db8::2") as listener:
            self.assertIsNotNone(reaches(container, "2001:db8::2", 80, listener))
        self.assertEqual(self.machine.sysctl("net/ipv6/conf/br-a/forwarding"), "0")

    def test_its_settings_are_back_when_the_last_container_has_left(self):
        keys = [f"net/ipv4/conf/br-a/{name}" for name in ("forwarding", "route_localnet")]
        documents = [request(f"c{n}", attachment(A, f"10.1.0.{n}", f"fd00:1::{n}")) for n in (2, 3)]
        containers = [self.container(f"c{n}") for n in (2, 3)]
        for container, document in zip(containers, documents):
            self.setup_ok(container, document)
        for container, document in zip(containers, documents):
            self.assertEqual([self.machine.sysctl(key) for key in keys], ["1", "1"])
            self.teardown_ok(container, document)
        self.assertEqual([self.machine.sysctl(key) for key in keys], ["0", "0"])


class FullDisk(NetstackTest):
    """The run directory takes no byte more."""

    dns = DNS or ""

    def setUp(self):
        super().setUp()
        self.machine.sh("mount", "-t", "tmpfs", "-o", "size=64k", "none", CONFIG)
        self.pod = self.container("c")
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.document = request("c", attachment({**A, "dns_enabled": True}, "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80)])

    def fill(self):
        with open(f"{CONFIG}/full", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def test_setup_is_refused_and_changes_nothing(self):
        self.fill()
        self.assert_refused(self.pod, self.document, "No space left on device")

    def test_teardown_does_what_it_can_says_so_and_can_be_repeated(self):
        other = request("d", attachment({**A, "dns_enabled": True}, "10.1.0.3", "fd00:1::3"))
        self.setup_ok(self.container("d"), other)
        before = self.settled_snapshot(self.pod)
        self.setup_ok(self.pod, self.document)
        self.fill()
        outcome = self.netstack.teardown(self.pod, self.document)
        self.assertIn("No space left on device", outcome.error)
        self.assertEqual(self.pod.links(), {"lo"})
        self.assertNotIn("8080", self.machine.sh("nft", "list", "ruleset"))
        os.unlink(f"{CONFIG}/full")
        self.teardown_ok(self.pod, self.document)
        self.assert_unchanged(before, self.pod)


class Ports(NetstackTest):
    def test_the_first_address_of_the_request_has_them(self):
        container = self.attach("c", attachment(A, "10.1.0.3", "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80)])
        with Listener(container, 80, "10.1.0.3") as listener:
            self.assertIsNotNone(reaches(self.machine, "127.0.0.1", 8080, listener))


if __name__ == "__main__":
    main()
