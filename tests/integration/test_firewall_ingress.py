"""Lists of who may send to containers, by real packets, lists within one network, and lists that
cannot be meant."""

import json
import os
import unittest

from limits_support import LimitsTest
from netstack_support import attachment, main, network, port, request

BRIDGED = "/proc/sys/net/bridge/bridge-nf-call-{}tables"


class Ingress(LimitsTest):
    def test_who_is_denied_is_refused_and_published_ports_are_no_way_round(self):
        outer = self.make_outside()
        server = self.start("server", self.front(), 2, ports=[port(8080, 80)],
                            ingress_deny="10.31.0.3,fd00:31::3,192.0.2.2,2001:db8::/64")
        self.listen(server)
        direct, published = ("10.30.0.2", "fd00:30::2"), ("192.0.2.1", "2001:db8::1")
        denied, other = self.start("b", self.back(), 3), self.start("c", self.back(), 4)
        self.assertEqual(self.outcomes(denied, *direct), ["refused"] * 2)
        self.assertEqual(self.outcomes(denied, *published, port=8080), ["forbidden"] * 2)
        self.assertEqual(self.outcomes(other, *direct), ["open"] * 2)
        self.assertEqual(self.outcomes(outer, *published, port=8080), ["forbidden"] * 2)
        # The host itself is not behind anything.
        self.assertEqual(self.outcomes(self.machine, "127.0.0.1", "10.30.0.1", port=8080), ["open"] * 2)

    def test_an_allow_list_of_a_container_or_of_its_network_shuts_everybody_else_out(self):
        for where in ("container", "network"):
            with self.subTest(where):
                words = {"ingress_allow": "10.31.0.3,fd00:31::3"}
                front = self.front(**words) if where == "network" else self.front()
                server = self.start(f"server-{where}", front, 2, **(words if where == "container" else {}))
                self.listen(server)
                allowed = self.start(f"b-{where}", self.back(), 3)
                other = self.start(f"c-{where}", self.back(), 4)
                self.assertEqual(self.outcomes(allowed, "10.30.0.2", "fd00:30::2"), ["open"] * 2)
                self.assertEqual(self.outcomes(other, "10.30.0.2", "fd00:30::2"), ["refused"] * 2)
                for name in ("server", "b", "c"):
                    self.stop(f"{name}-{where}")

    def test_a_containers_list_decides_before_its_networks(self):
        front = self.front(ingress_deny="0.0.0.0/0,::/0")
        closed, open_ = self.start("closed", front, 2), self.start("open", front, 3, ingress_allow="10.31.0.0/24,fd00:31::/64")
        for namespace in (closed, open_):
            self.listen(namespace)
        peer = self.start("peer", self.back(), 3)
        self.assertEqual(self.outcomes(peer, "10.30.0.2", "fd00:30::2"), ["refused"] * 2)
        self.assertEqual(self.outcomes(peer, "10.30.0.3", "fd00:30::3"), ["open"] * 2)
        # What it opens itself is answered.
        self.listen(peer)
        self.assertEqual(self.outcomes(closed, "10.31.0.3", "fd00:31::3"), ["open"] * 2)


@unittest.skipUnless(os.path.exists(BRIDGED.format("ip")), "this kernel has no br_netfilter")
class WithinANetwork(LimitsTest):
    """The host keeps bridged packets from its firewall, but for the bridges of limited containers."""

    def setUp(self):
        super().setUp()
        for family in ("ip", "ip6"):
            with open(BRIDGED.format(family), "w") as file:
                file.write("0")

    def meets_firewall(self, bridge):
        [link] = json.loads(self.machine.sh("ip", "-d", "-j", "link", "show", bridge))
        return all(link["linkinfo"]["info_data"][f"nf_call_{family}tables"] for family in ("ip", "ip6"))

    def test_lists_of_containers_hold_within_their_network_and_its_own_do_not(self):
        # The network's lists leave out its own subnets: they are about its border.
        front = self.front(egress_allow="203.0.113.0/24", ingress_deny="10.30.0.0/24,fd00:30::/64")
        a = self.start("a", front, 2, egress_deny="10.30.0.4,fd00:30::4")
        b = self.start("b", front, 3)
        closed = self.start("closed", front, 4)
        shy = self.start("shy", front, 5, ingress_allow="10.30.0.3,fd00:30::3")
        for namespace in (a, b, closed, shy):
            self.listen(namespace)
        self.assertEqual(self.outcomes(a, "10.30.0.4", "fd00:30::4"), ["refused"] * 2)
        self.assertEqual(self.outcomes(a, "10.30.0.3", "fd00:30::3"), ["open"] * 2)
        self.assertEqual(self.outcomes(closed, "10.30.0.2", "fd00:30::2"), ["open"] * 2)
        self.assertEqual(self.outcomes(b, "10.30.0.5", "fd00:30::5"), ["open"] * 2)
        self.assertEqual(self.outcomes(a, "10.30.0.5", "fd00:30::5"), ["refused"] * 2)

    def test_a_live_limit_holds_within_the_network_and_other_networks_are_spared(self):
        server = self.start("server", self.front(), 2, ports=[port(8080, 80)])
        peer = self.start("peer", self.front(), 3)
        self.start("elsewhere", self.back(), 2)
        self.listen(server)
        self.assertEqual(self.outcomes(self.machine, "::1", "127.0.0.1", port=8080), ["open"] * 2)
        self.assertFalse(self.meets_firewall("br-front"))
        self.limit_ok("front", "--ingress-deny", "10.30.0.3,fd00:30::3", container="server")
        self.assertEqual([self.meets_firewall("br-front"), self.meets_firewall("br-back")], [True, False])
        self.assertEqual(self.outcomes(peer, "10.30.0.2", "fd00:30::2"), ["refused"] * 2)
        # Answers to ::1 are lost on such a bridge: clients are to see that at once.
        self.assertEqual(self.outcomes(self.machine, "::1", "127.0.0.1", port=8080), ["refused", "open"])

    def test_somebody_elses_bridge_is_left_as_it_was_and_a_repair_brings_the_flag_back(self):
        self.machine.sh("ip", "link", "add", "br-front", "type", "bridge")
        self.start("server", self.front(), 2, egress_deny="192.0.2.0/24")
        self.assertTrue(self.meets_firewall("br-front"))
        self.machine.sh("ip", "link", "set", "br-front", "type", "bridge", "nf_call_iptables", "0")
        outcome = self.netstack.run("repair")
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn('packets within "br-front" do not meet the firewall', outcome.out)
        self.assertTrue(self.meets_firewall("br-front"))
        self.stop("server")
        self.assertFalse(self.meets_firewall("br-front"))


class BadInput(LimitsTest):
    def test_what_cannot_be_meant_is_refused_and_leaves_nothing(self):
        container = self.container("a")
        for options, *words in (
                ({"egress_deny": "10.0.0.1/8"}, 'network "front": egress_deny: host bits set: "10.0.0.1/8"'),
                ({"ingress_allow": "example.org"}, '"example.org" is a name'),
                ({"connection_rate": "0/second"}, 'connection_rate: not a rate: "0/second"'),
                ({"packet_rate": "1/week"}, 'packet_rate: not a rate: "1/week"'),
                ({"connections": "0"}, '"connections": found "0"'),
                ({"ingress_deny": ",".join(f"10.0.0.{i}" if i < 256 else "10.0.1.0" for i in range(257))}, "ingress_deny: more than 256")):
            for own, shared in ((options, {}), ({}, options)):
                with self.subTest(options=str(options)[:60]):
                    document = network("front", "10.30.0.0/24", options=shared)
                    self.assert_refused(container, request("a", attachment(document, "10.30.0.2", options=own)), *words)

    def test_limits_that_nothing_would_hold_are_refused(self):
        container = self.container("a")
        self.machine.sh("ip", "link", "add", "br-front", "type", "bridge")
        unmanaged = network("front", "10.30.0.0/24", options={"mode": "unmanaged", "egress_deny": "10.0.0.0/8"})
        self.assert_refused(container, request("a", attachment(unmanaged, "10.30.0.2")), "the bridge is unmanaged")
        self.netstack.flags[self.netstack.flags.index("--firewall-driver") + 1] = "none"
        front = network("front", "10.30.0.0/24")
        asked = request("a", attachment(front, "10.30.0.2", options={"packet_rate": "5/second"}))
        self.assert_refused(container, asked, "the firewall driver is not nftables")


if __name__ == "__main__":
    main()
