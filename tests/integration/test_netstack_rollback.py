"""A setup that fails leaves the host and the container exactly as they were, and a setup followed by
its teardown does too."""

import os
import subprocess
import unittest

from netns_support import Listener, connects
from netstack_support import CONFIG, DNS, IS_FOREIGN, NetstackTest, attachment, main, network, port, request, subnet

A = network("a", "10.1.0.0/24", "fd00:1::/64")
B = network("b", "10.2.0.0/24", "fd00:2::/64")
IN_A, IN_B = ("10.1.0.2", "fd00:1::2"), ("10.2.0.2", "fd00:2::2")
PORTS = [port(8080, 80), port(5353, 53, "udp"), port(7000, 7000, count=3)]


class FailedSetup(NetstackTest):
    """Each failure is found late, when links and rules of the first network could stand already."""

    def setUp(self):
        super().setUp()
        self.outside()
        self.pod = self.container("c")

    def fail_with(self, *words, second=None, first=None, **members):
        document = request(
            "c", first or attachment(A, *IN_A), second or attachment(B, *IN_B), ports=PORTS, **members
        )
        return self.assert_refused(self.pod, document, *words)

    def test_a_name_that_is_taken_in_the_container(self):
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")

    def test_a_name_that_is_taken_in_the_container_by_the_first_network(self):
        self.fail_with("eth0", second=attachment(B, *IN_B, interface_name="eth0"))

    def test_a_host_interface_name_that_is_taken(self):
        self.machine.sh("ip", "link", "add", "taken", "type", "bridge")
        self.fail_with("taken", second=attachment(B, *IN_B, options={"host_interface_name": "taken"}))

    def test_one_host_interface_name_for_two_networks(self):
        same = {"host_interface_name": "same"}
        self.fail_with("same", first=attachment(A, *IN_A, options=same), second=attachment(B, *IN_B, options=same))

    def test_a_bridge_name_that_a_link_of_another_kind_has(self):
        self.machine.sh("ip", "link", "add", "br-b", "type", "veth", "peer", "name", "peer0")
        self.fail_with("br-b")

    def test_a_gateway_that_the_host_already_has_elsewhere_is_no_failure_of_ours(self):
        """Two links may have one address: the kernel allows it, and so do we."""
        self.machine.sh("ip", "addr", "add", "10.2.0.1/32", "dev", "lo")
        self.setup_ok(self.pod, request("c", attachment(A, *IN_A), attachment(B, *IN_B)))

    def test_a_route_to_a_gateway_that_no_link_leads_to(self):
        routes = [{"destination": "10.9.0.0/16", "gateway": "10.200.0.1"}]
        self.fail_with("10.200.0.1", second=attachment({**B, "routes": routes}, *IN_B))

    def test_an_mtu_that_the_kernel_refuses(self):
        self.fail_with(second=attachment({**B, "options": {"mtu": "4294967295"}}, *IN_B))

    def test_a_container_without_ipv6(self):
        self.pod.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        self.fail_with("fd00:1::2")

    def test_a_published_port_of_another(self):
        self.attach("o", attachment(network("o", "10.9.0.0/24"), "10.9.0.2"), ports=[port(7002, 80)])
        self.settled_snapshot()  # the other's links get addresses a little later
        self.fail_with("7002")

    def test_a_neighbour_on_the_first_network_stays_as_it_is(self):
        neighbour = self.attach("n", attachment(A, "10.1.0.9", "fd00:1::9"), ports=[port(9999, 80)])
        before = self.settled_snapshot(neighbour)
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")
        self.assert_unchanged(before, neighbour)
        with Listener(neighbour, 80, "10.1.0.9"):
            self.assertTrue(connects(self.machine, "127.0.0.1", 9999))

    def test_a_bridge_that_stood_before_stays(self):
        self.machine.sh("ip", "link", "add", "br-a", "type", "bridge")
        self.machine.sh("ip", "addr", "add", "10.1.0.77/24", "dev", "br-a")
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")

    def test_forwarding_of_single_links_stays_as_it_was(self):
        """Writing ip_forward rewrites every link's own setting: undoing it is more than writing 0."""
        self.machine.sysctl("net/ipv4/conf/uplink/forwarding", 1)
        self.machine.sysctl("net/ipv6/conf/uplink/forwarding", 1)
        self.machine.sysctl("net/ipv4/conf/default/forwarding", 1)
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")

    def test_forwarding_that_was_on_stays_on(self):
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")

    def test_routes_that_the_container_had_stay(self):
        self.machine.connect(self.pod, "wire", ["203.0.113.1/24"], ["203.0.113.2/24"])
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.pod.sh("ip", "route", "add", "default", "via", "203.0.113.1", "metric", "100")
        self.fail_with("eth0")

    def test_with_the_firewall_driver_none(self):
        self.netstack.flags[-1] = "none"
        self.pod.sh("ip", "link", "add", "eth1", "type", "bridge")
        self.fail_with("eth1")


@unittest.skipUnless(DNS, "needs a DNS daemon")
class FailedNames(NetstackTest):
    """The daemon is started last, when everything else stands."""

    NAMED = {**A, "dns_enabled": True}

    def fail_with_binary(self, binary, *words):
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = binary
        container = self.container("c")
        document = request("c", attachment(self.NAMED, *IN_A), attachment(B, *IN_B), ports=PORTS)
        return self.assert_refused(container, document, *words)

    def program(self, text):
        with open("/run/daemon", "w") as file:
            file.write(text)
        os.chmod("/run/daemon", 0o755)
        return "/run/daemon"

    def test_a_daemon_that_fails_with_words(self):
        binary = self.program("#!/bin/sh\necho 'address in use: 10.1.0.1' >&2\nexit 1\n")
        self.fail_with_binary(binary, "address in use: 10.1.0.1")

    def test_a_daemon_that_fails_without_words(self):
        self.fail_with_binary(self.program("#!/bin/sh\nexit 3\n"))

    def test_a_daemon_that_cannot_be_executed(self):
        self.fail_with_binary(self.program("\x7fELF nonsense"))

    def test_a_daemon_that_dies_by_a_signal(self):
        self.fail_with_binary(self.program("#!/bin/sh\nkill -9 $$\n"))

    @unittest.skipUnless(DNS and DNS.endswith("burrow-dns"), "others succeed without listening")
    def test_the_real_daemon_when_its_port_is_taken(self):
        """The gateway exists only after setup has begun; whoever listens on every address is first."""
        self.netstack.environment["NETAVARK_DNS_PORT"] = "53"  # else it serves on another
        with Listener(self.machine, 53, "0.0.0.0"), Listener(self.machine, 53, "::"):
            self.fail_with_binary(DNS, "53")


@unittest.skipIf(IS_FOREIGN, "our own journal")
class NotTakenBack(NetstackTest):
    """A set-up fails, and the host refuses to give back what it had done."""

    DIRECTORY = f"{CONFIG}/aardvark-dns"
    UNFINISHED = f"{CONFIG}/burrow/unfinished.json"

    def setUp(self):
        super().setUp()
        self.before = self.snapshot()
        self.pod = self.container("c")
        with open("/run/daemon", "w") as file:
            file.write(f"#!/bin/sh\nmount --bind {self.DIRECTORY} {self.DIRECTORY}\n"
                       f"mount -o remount,ro,bind {self.DIRECTORY}\nexit 1\n")  # fmt: skip
        os.chmod("/run/daemon", 0o755)
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/run/daemon"
        self.addCleanup(subprocess.run, ["umount", self.DIRECTORY], capture_output=True)
        outcome = self.netstack.setup(self.pod, request("c", attachment({**A, "dns_enabled": True}, *IN_A)))
        self.assertIn("failed to start", outcome.error)
        self.assertTrue(os.path.exists(f"{self.DIRECTORY}/a"))

    def next_command(self):
        self.teardown_ok(self.pod, request("o", attachment(B, *IN_B)))

    def test_the_next_command_tries_again(self):
        subprocess.run(["umount", self.DIRECTORY], check=True)
        self.next_command()
        self.assertFalse(os.path.exists(f"{self.DIRECTORY}/a"))
        self.pod.delete()
        self.assert_unchanged(self.before)

    def test_after_three_commands_it_is_given_up(self):
        for _ in range(2):
            self.next_command()
            self.assertTrue(os.path.exists(self.UNFINISHED))
        self.next_command()
        self.assertFalse(os.path.exists(self.UNFINISHED))

    def test_a_set_up_that_works_needs_nothing_taken_back_any_more(self):
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = ""
        self.setup_ok(self.pod, request("c", attachment(A, *IN_A)))
        self.assertFalse(os.path.exists(self.UNFINISHED))


class SetupAndTeardown(NetstackTest):
    dns = DNS or ""

    def check(self, *attachments, **members):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", *attachments, **members)
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def turn_forwarding_on(self):
        """As on a host whose other links live by it: teardown may not tell theirs from ours."""
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        self.machine.sysctl("net/ipv6/conf/all/forwarding", 1)

    def test_forwarding_that_came_with_the_first_network_goes_with_the_last(self):
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "0")
        self.check(attachment(A, *IN_A))
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "0")

    def test_forwarding_stays_on_when_a_bridge_of_others_may_live_by_it(self):
        self.machine.sh("ip", "link", "add", "virbr0", "type", "bridge")
        document = request("c", attachment(A, *IN_A))
        container = self.container("c")
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "1")

    def test_one_network(self):
        self.check(attachment(A, *IN_A))

    def test_two_networks_with_ports_names_and_routes(self):
        self.outside()
        self.turn_forwarding_on()
        routes = [
            {"destination": "10.9.0.0/16", "gateway": "10.1.0.7"},
            {"destination": "10.10.0.0/16", "route_type": "blackhole"},
            {"destination": "fd00:9::/48", "route_type": "prohibit"},
        ]
        self.check(
            attachment({**A, "routes": routes, "dns_enabled": True}, *IN_A, options={"host_interface_name": "h0"}),
            attachment({**B, "internal": True, "dns_enabled": True}, *IN_B),
            ports=PORTS,
            dns_servers=["192.0.2.53"],
        )

    def test_every_mode_of_isolation_and_an_outbound_address(self):
        for mode in ("true", "false", "strict"):
            options = {"isolate": mode, "outbound_addr4": "192.0.2.77", "outbound_addr6": "2001:db8::77"}
            with self.subTest(mode=mode):
                self.setUp()
                self.check(attachment({**A, "options": options}, *IN_A))

    def test_another_dns_port(self):
        self.netstack.environment["NETAVARK_DNS_PORT"] = "5300"
        self.check(attachment({**A, "dns_enabled": True}, *IN_A), ports=PORTS)

    def test_no_addresses(self):
        self.check((network("bare", ipam_options={"driver": "none"}, subnets=None), {}))

    def test_a_network_without_gateway(self):
        self.check(attachment(network("lone", subnet("10.51.0.0/24", "")), "10.51.0.2"))

    def test_the_container_keeps_what_else_it_had(self):
        container = self.container("c")
        self.machine.connect(container, "wire", ["203.0.113.1/24"], ["203.0.113.2/24"])
        self.turn_forwarding_on()
        container.sh("ip", "link", "set", "lo", "up")
        container.sh("ip", "route", "add", "10.77.0.0/16", "via", "203.0.113.1")
        before = self.snapshot(container)
        document = request("c", attachment(A, *IN_A, interface_name="eth9"))
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_ten_times_in_a_row(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        document = request("c", attachment({**A, "dns_enabled": True}, *IN_A), ports=PORTS)
        for _ in range(10):
            self.setup_ok(container, document)
            self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_networks_taken_away_one_by_one_in_any_order(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        both = attachment(A, *IN_A), attachment(B, *IN_B, interface_name="eth1")
        self.setup_ok(container, request("c", *both, ports=PORTS))
        between = self.snapshot(container)
        self.teardown_ok(container, request("c", both[0], ports=PORTS))
        self.setup_ok(container, request("c", both[0], ports=PORTS))
        self.assertEqual(container.links(), {"lo", "eth0", "eth1"})
        self.assertNotEqual(before.difference(between), "")
        self.teardown_ok(container, request("c", both[1], ports=PORTS))
        self.teardown_ok(container, request("c", both[0], ports=PORTS))
        self.assert_unchanged(before, container)


if __name__ == "__main__":
    main()
