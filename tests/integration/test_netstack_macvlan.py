"""Containers with a macvlan of their own on a LAN of the host."""

from lan_support import LanTest, broadcast_cutoff, lan
from netns_support import Listener, Namespace, connects
from netstack_support import CONFIG, attachment, main, network, port, request
from test_netstack_crash import CrashTest

LAN = lan("macvlan")


def with_options(**options):
    return {**LAN, "options": options}


class Links(LanTest):
    def test_it_is_a_macvlan_of_the_parent_that_is_up_with_its_addresses(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10", "fd00:77::10"))
        link = container.link("eth0")
        self.assertIn("UP", link["flags"])
        self.assertEqual(link["linkinfo"]["info_kind"], "macvlan")
        self.assertEqual(link["linkinfo"]["info_data"]["mode"], "bridge")
        self.assertEqual(link["link_index"], self.machine.link("uplink")["ifindex"])
        self.assertEqual(container.addresses("eth0"), ["198.51.100.10/24", "fd00:77::10/64"])
        self.assertIn("UP", container.link("lo")["flags"])

    def test_it_talks_with_the_lan(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10"))
        self.assert_on_the_lan(container, "198.51.100.10")

    def test_its_ipv6_address_is_usable_at_once(self):
        container = self.attach("c", attachment(LAN, "fd00:77::10"))
        text = container.sh("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global")
        self.assertNotIn("tentative", text)
        with Listener(container, 80, "fd00:77::10"):
            self.assertTrue(connects(self.lan_host, "fd00:77::10", 80))

    def test_the_modes(self):
        for mode in ("bridge", "private", "vepa", "source", ""):
            with self.subTest(mode=mode):
                document = request("c", attachment(with_options(mode=mode), "198.51.100.10"))
                container = self.container("c")
                self.setup_ok(container, document)
                found = container.link("eth0")["linkinfo"]["info_data"]["mode"]
                self.assertEqual(found, mode or "bridge")
                self.teardown_ok(container, document)
                container.delete()

    def test_two_containers_reach_each_other_in_mode_bridge_and_not_in_mode_private(self):
        for mode, answer in (("bridge", True), ("private", False)):
            with self.subTest(mode=mode):
                document = with_options(mode=mode)
                first = self.attach(f"{mode}1", attachment(document, "198.51.100.10"))
                second = self.attach(f"{mode}2", attachment(document, "198.51.100.11"))
                with Listener(first, 80, "198.51.100.10"):
                    self.assertEqual(connects(second, "198.51.100.10", 80, 5 if answer else 0.3), answer)
                for name, container, address in ((f"{mode}1", first, "198.51.100.10"), (f"{mode}2", second, "198.51.100.11")):
                    self.teardown_ok(container, request(name, attachment(document, address)))

    def test_in_mode_passthru_it_has_the_parents_address_and_says_so(self):
        container = self.container("c")
        status = self.setup_ok(container, request("c", attachment(with_options(mode="passthru"), "198.51.100.10")))
        mac = self.machine.link("uplink")["address"]
        self.assertEqual(container.link("eth0")["address"], mac)
        self.assertEqual(status["lan"]["interfaces"]["eth0"]["mac_address"], mac)

    def test_without_network_interface_the_parent_is_the_link_of_the_default_route(self):
        for parent in (None, ""):
            container = self.attach(f"c{parent}", attachment(lan("macvlan", parent=parent), "198.51.100.10"))
            self.assertEqual(container.link("eth0")["link_index"], self.machine.link("uplink")["ifindex"])
            self.teardown_ok(container, request(f"c{parent}", attachment(lan("macvlan", parent=parent), "198.51.100.10")))

    def test_default_routes_of_ipv6_alone_or_over_several_links_lead_to_the_parent_too(self):
        self.machine.sh("ip", "route", "del", "default")
        uplink = self.machine.link("uplink")["ifindex"]
        document = lan("macvlan", parent=None)
        self.assertEqual(self.attach("a", attachment(document, "198.51.100.10")).link("eth0")["link_index"], uplink)
        self.machine.sh("ip", "-6", "route", "del", "default")
        hops = ("nexthop", "via", "198.51.100.2", "nexthop", "via", "198.51.100.3")
        self.machine.sh("ip", "route", "add", "default", *hops)
        self.assertEqual(self.attach("b", attachment(document, "198.51.100.11")).link("eth0")["link_index"], uplink)

    def test_mtu_is_the_parents_or_the_options(self):
        self.machine.sh("ip", "link", "set", "uplink", "mtu", "1400")
        self.assertEqual(self.attach("a", attachment(LAN, "198.51.100.10")).link("eth0")["mtu"], 1400)
        document = with_options(mtu="0")
        self.assertEqual(self.attach("b", attachment(document, "198.51.100.11")).link("eth0")["mtu"], 1400)
        document = with_options(mtu="1300")
        self.assertEqual(self.attach("c", attachment(document, "198.51.100.12")).link("eth0")["mtu"], 1300)

    def test_bclim_is_the_links_broadcast_cutoff(self):
        for number, (text, value) in enumerate((("-1", -1), ("+7", 7), ("0", 0))):
            container = self.attach(f"c{number}", attachment(with_options(bclim=text), f"198.51.100.1{number}"))
            if number == 0 and broadcast_cutoff(container, "eth0") is None:
                self.skipTest("the kernel has no broadcast cutoff")
            self.assertEqual(broadcast_cutoff(container, "eth0"), value)

    def test_static_mac_is_the_address_of_the_link(self):
        container = self.container("c")
        document = request("c", attachment(LAN, "198.51.100.10", static_mac="92:d0:c6:0a:29:35"))
        status = self.setup_ok(container, document)
        self.assertEqual(container.link("eth0")["address"], "92:d0:c6:0a:29:35")
        self.assertEqual(status["lan"]["interfaces"]["eth0"]["mac_address"], "92:d0:c6:0a:29:35")

    def test_without_static_mac_the_address_depends_on_network_and_address_alone(self):
        container = self.attach("a", attachment(LAN, "198.51.100.10"))
        mac = container.link("eth0")["address"]
        self.assertEqual(int(mac[:2], 16) & 3, 2)
        self.teardown_ok(container, request("a", attachment(LAN, "198.51.100.10")))
        self.assertEqual(self.attach("b", attachment(LAN, "198.51.100.10")).link("eth0")["address"], mac)

    def test_several_addresses_of_each_subnet(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10", "fd00:77::10", "198.51.100.11", "fd00:77::11"))
        self.assertEqual(
            sorted(container.addresses("eth0")),
            ["198.51.100.10/24", "198.51.100.11/24", "fd00:77::10/64", "fd00:77::11/64"],
        )

    def test_ipam_none_gives_a_link_without_addresses_and_routes(self):
        routes = [{"destination": "10.9.0.0/16", "gateway": "198.51.100.7"}]
        document = {**LAN, "ipam_options": {"driver": "none"}, "subnets": None, "routes": routes}
        container = self.container("c")
        status = self.setup_ok(container, request("c", attachment(document)))
        self.assertEqual(container.addresses("eth0"), [])
        self.assertEqual(self.defaults(container), [])
        self.assertEqual(status["lan"]["interfaces"]["eth0"]["subnets"], [])

    def test_its_settings(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10", "fd00:77::10"))
        for key, value in {
            "net/ipv6/conf/eth0/autoconf": "0",
            "net/ipv6/conf/eth0/accept_ra": "1",
            "net/ipv6/conf/eth0/accept_dad": "0",
            "net/ipv4/conf/eth0/arp_notify": "1",
            "net/ipv4/conf/eth0/rp_filter": "2",
        }.items():
            self.assertEqual(container.sysctl(key), value, key)


class Names(LanTest):
    def test_a_name_that_the_host_uses_is_free_in_the_container(self):
        self.machine.sh("ip", "link", "add", "eth0", "type", "bridge")
        before = self.snapshot()
        container = self.attach("c", attachment(LAN, "198.51.100.10"))
        self.assertEqual(container.link("eth0")["linkinfo"]["info_kind"], "macvlan")
        self.assertEqual(container.links(), {"lo", "eth0"})
        self.assertEqual(self.machine.link("eth0")["linkinfo"]["info_kind"], "bridge")
        self.assert_on_the_lan(container, "198.51.100.10")
        self.teardown_ok(container, request("c", attachment(LAN, "198.51.100.10")))
        self.assert_unchanged(before)

    def test_the_parents_own_name(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10", interface_name="uplink"))
        self.assertEqual(container.addresses("uplink"), ["198.51.100.10/24"])

    def test_a_name_that_is_taken_in_the_container_is_refused(self):
        container = self.container("c")
        container.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.assert_refused(
            container, request("c", attachment(LAN, "198.51.100.10")), '"eth0"', '"lan"', "already exists in the container"
        )

    def test_a_name_that_is_taken_on_both_sides_is_refused(self):
        container = self.container("c")
        for place in (self.machine, container):
            place.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.assert_refused(container, request("c", attachment(LAN, "198.51.100.10")), '"eth0"', "in the container")


class Routes(LanTest):
    def test_the_default_routes_have_metric_99(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10", "fd00:77::10"))
        self.assertEqual(self.defaults(container), [("198.51.100.2", "eth0", 99)])
        self.assertEqual(self.defaults(container, 6), [("fd00:77::2", "eth0", 99)])

    def test_metric(self):
        container = self.attach("c", attachment(with_options(metric="250"), "198.51.100.10"))
        self.assertEqual(self.defaults(container), [("198.51.100.2", "eth0", 250)])

    def test_no_default_route(self):
        container = self.attach("c", attachment(with_options(no_default_route="true"), "198.51.100.10", "fd00:77::10"))
        self.assertEqual((self.defaults(container), self.defaults(container, 6)), ([], []))
        self.assertEqual(container.sysctl("net/ipv6/conf/eth0/accept_ra_defrtr"), "0")

    def test_an_internal_network_has_no_default_route_and_the_answer_its_gateway(self):
        container = self.container("c")
        status = self.setup_ok(container, request("c", attachment({**LAN, "internal": True}, "198.51.100.10")))
        self.assertEqual(self.defaults(container), [])
        self.assertEqual(container.sysctl("net/ipv6/conf/eth0/accept_ra"), "0")
        self.assertEqual(
            status["lan"]["interfaces"]["eth0"]["subnets"], [{"gateway": "198.51.100.2", "ipnet": "198.51.100.10/24"}]
        )

    def test_static_routes_of_every_type(self):
        routes = [
            {"destination": "10.9.0.0/16", "gateway": "198.51.100.7", "metric": 7},
            {"destination": "10.8.0.0/16", "route_type": "blackhole"},
            {"destination": "fd00:8::/64", "route_type": "unreachable"},
        ]
        document = {**LAN, "routes": routes}
        container = self.attach("c", attachment(document, "198.51.100.10"))
        found = {r["dst"]: (r.get("type", "unicast"), r.get("gateway"), r.get("metric")) for r in container.routes()}
        self.assertEqual(found["10.9.0.0/16"], ("unicast", "198.51.100.7", 7))
        self.assertEqual(found["10.8.0.0/16"], ("blackhole", None, 100))
        self.teardown_ok(container, request("c", attachment(document, "198.51.100.10")))
        self.assertEqual((container.routes(), container.routes(6)), ([], []))

    def test_beside_a_bridge_it_is_the_way_out_and_ports_lead_to_the_bridge(self):
        front = network("front", "10.30.0.0/24")
        container = self.attach(
            "c", attachment(front, "10.30.0.5"), attachment(LAN, "198.51.100.10"), ports=[port(8080, 80)]
        )
        self.assertEqual(container.ip("route", "get", "203.0.113.1")[0]["dev"], "eth1")
        with Listener(container, 80) as listener:
            self.assertTrue(connects(self.machine, "10.30.0.1", 8080))
            self.assertEqual(listener.hears(), "10.30.0.1")


class Host(LanTest):
    def test_it_needs_no_firewall_and_no_forwarding(self):
        self.attach("c", attachment(LAN, "198.51.100.10"))
        self.assertEqual(self.tables(), [])
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "0")
        self.assertEqual(len(self.records()), 1)
        self.assertRegex(self.records()[0], "^attachments/.*/lan.json$")

    def test_setup_and_teardown_leave_host_and_container_as_before(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.settled_snapshot(container)
        document = request(
            "c", attachment(LAN, "198.51.100.10", "fd00:77::10"),
            attachment(lan("macvlan", "lan2", parent=None), "198.51.100.11"), ports=[port(8080, 80)],
        )  # fmt: skip
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assert_unchanged(before, container)

    def test_the_answer_has_no_names_of_ours(self):
        document = {**LAN, "dns_enabled": True}
        status = self.setup_ok(self.container("c"), request("c", attachment(document, "198.51.100.10")))
        self.assertEqual(status["lan"]["dns_server_ips"], [])
        self.assertEqual(status["lan"]["dns_search_domains"], [])


class Teardown(LanTest):
    document = request("c", attachment(LAN, "198.51.100.10"))

    def setUp(self):
        super().setUp()
        self.pod = self.attach("c", attachment(LAN, "198.51.100.10"))

    def check_gone(self):
        self.teardown_ok(self.pod, self.document)
        self.assertEqual(self.pod.links(), {"lo"})
        self.assertEqual(self.records(), [])
        self.teardown_ok(self.pod, self.document)

    def test_the_link_goes(self):
        self.check_gone()

    def test_the_namespace_is_gone(self):
        self.pod.delete()
        self.teardown_ok(self.pod.path, self.document)
        self.assertEqual(self.records(), [])

    def test_the_link_is_gone_already(self):
        self.pod.sh("ip", "link", "del", "eth0")
        self.check_gone()

    def test_the_parent_is_gone(self):
        self.machine.sh("ip", "link", "del", "uplink")
        self.check_gone()

    def test_the_link_has_another_name_and_address_by_now(self):
        self.pod.sh("ip", "link", "set", "eth0", "down")
        self.pod.sh("ip", "link", "set", "eth0", "name", "lan0", "address", "02:00:00:00:00:01")
        self.check_gone()

    def test_without_a_record_the_request_tells(self):
        self.machine.sh("rm", "-r", f"{CONFIG}/burrow")
        self.check_gone()

    def test_without_a_record_a_bridge_that_is_the_parent_stays(self):
        self.machine.sh("ip", "link", "add", "lan-bridge", "type", "bridge")
        document = request("d", attachment(lan("macvlan", parent="lan-bridge"), "198.51.100.20"))
        container = self.container("d")
        self.setup_ok(container, document)
        self.machine.sh("rm", "-r", f"{CONFIG}/burrow")
        self.teardown_ok(container, document)
        self.assertEqual(container.links(), {"lo"})
        self.assertIsNotNone(self.machine.link("lan-bridge"))

    def test_another_containers_namespace_under_the_same_path_keeps_what_it_has(self):
        self.pod.delete()
        other = Namespace.add("c")
        self.setup_ok(other, request("o", attachment(LAN, "198.51.100.11")))
        self.teardown_ok(other.path, self.document)
        self.assertEqual(other.addresses("eth0"), ["198.51.100.11/24"])

    def test_of_two_networks_one_goes_alone(self):
        second = attachment(lan("macvlan", "lan2"), "198.51.100.11", interface_name="eth1")
        self.setup_ok(self.pod, request("c", second))
        self.teardown_ok(self.pod, self.document)
        self.assertEqual(self.pod.links(), {"lo", "eth1"})


class KilledSetup(CrashTest, LanTest):
    routes = [{"destination": "10.9.0.0/16", "gateway": "198.51.100.7"}, {"destination": "10.8.0.0/16", "route_type": "blackhole"}]
    document = request("c", attachment({**LAN, "routes": routes}, "198.51.100.10", "fd00:77::10"))

    def setUp(self):
        super().setUp()
        self.before = self.settled_snapshot(self.pod)

    def test_teardown_works_and_leaves_nothing(self):
        def judge():
            self.teardown_ok(self.pod, self.document)
            self.assert_unchanged(self.before, self.pod)

        self.at_every_call("setup", judge, step=7)

    def test_setup_again_works(self):
        def judge():
            self.setup_ok(self.pod, self.document)
            self.assertEqual(self.pod.addresses("eth0"), ["198.51.100.10/24", "fd00:77::10/64"])
            self.teardown_ok(self.pod, self.document)

        calls = self.run_until("setup")
        self.teardown_ok(self.pod, self.document)
        for number in range(2, len(calls), 9):
            self.at_one_call("setup", number, judge)
        self.assert_unchanged(self.before, self.pod)


class Repetition(LanTest):
    document = request("c", attachment(LAN, "198.51.100.10"))

    def test_a_second_setup_replaces_the_first(self):
        container = self.attach("c", attachment(LAN, "198.51.100.10"))
        self.setup_ok(container, request("c", attachment(LAN, "198.51.100.12")))
        self.assertEqual(container.addresses("eth0"), ["198.51.100.12/24"])
        self.assertEqual(len(self.records()), 1)

    def test_its_link_in_a_namespace_that_lives_on_goes_when_it_is_set_up_elsewhere(self):
        old, new = self.container("old"), self.container("new")
        document = request("c", attachment(LAN, "198.51.100.10", "fd00:77::10"))
        self.setup_ok(old, document)
        self.setup_ok(new, document)
        self.assertEqual(old.links(), {"lo"})
        self.assert_on_the_lan(new, "198.51.100.10")
        self.teardown_ok(new, document)
        self.assertEqual(self.records(), [])

    def test_another_containers_links_in_its_old_namespace_stay(self):
        shared, new = self.container("shared"), self.container("new")
        document = request("c", attachment(LAN, "198.51.100.10"))
        self.setup_ok(shared, document)
        other = request("other", attachment(LAN, "198.51.100.11", interface_name="eth1"))
        self.setup_ok(shared, other)
        self.setup_ok(new, document)
        self.assertIn("eth1", shared.links())
        self.teardown_ok(shared, other)
        self.teardown_ok(new, document)

    def test_a_container_that_died_without_teardown_comes_back_in_another_namespace(self):
        self.attach("c", attachment(LAN, "198.51.100.10")).delete()
        again = self.container("again")
        self.setup_ok(again, self.document)
        self.assert_on_the_lan(again, "198.51.100.10")

    def test_a_network_that_was_a_bridge_may_become_a_macvlan(self):
        container = self.container("c")
        bridge = network("lan", "192.0.3.0/24")
        self.setup_ok(container, request("c", attachment(bridge, "192.0.3.10")))
        self.setup_ok(container, self.document)
        self.assertEqual(container.link("eth0")["linkinfo"]["info_kind"], "macvlan")
        self.assertIsNone(self.machine.link("br-lan"))


class BadInput(LanTest):
    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.before = self.snapshot(self.pod)

    def refuse(self, document, *words, address="198.51.100.10", **options):
        error = self.netstack.setup(self.pod, request("c", attachment(document, address, **options))).error
        for word in (*words, "lan"):
            self.assertIn(word, error)

    def tearDown(self):
        self.assert_unchanged(self.before, self.pod)

    def test_option_words(self):
        for words in (
            ("mode", "bridged"), ("mode", "l2"), ("mode", "Bridge"), ("bclim", "x"), ("bclim", ""), ("bclim", "+-1"),
            ("bclim", "2147483648"), ("bclim", "-2147483649"), ("mtu", "-1"), ("mtu", "1e3"), ("mtu", "4294967296"),
            ("metric", "0x10"), ("metric", "4294967296"), ("no_default_route", "1"),
        ):  # fmt: skip
            with self.subTest(words=words):
                self.refuse(with_options(**dict([words])), words[0], f'"{words[1]}"')

    def test_mtus_that_the_parent_or_the_kernel_does_not_carry(self):
        self.refuse(with_options(mtu="9000"), "9000", "1500", '"uplink"')
        self.refuse(with_options(mtu="1"), "mtu")

    def test_parents(self):
        self.refuse(lan("macvlan", parent="no-such-link"), '"no-such-link"', "does not exist")
        self.refuse(lan("macvlan", parent="lo"), '"lo"', "loopback")

    def test_static_mac_in_mode_passthru(self):
        self.refuse(with_options(mode="passthru"), "passthru", static_mac="92:d0:c6:0a:29:35")

    def test_addresses(self):
        self.refuse(LAN, "192.0.3.10", address="192.0.3.10")
        self.refuse(LAN, "198.51.100.2", "gateway", address="198.51.100.2")

    def test_a_static_route_with_a_gateway_that_no_link_leads_to(self):
        document = {**LAN, "routes": [{"destination": "10.9.0.0/16", "gateway": "10.200.0.1"}]}
        error = self.netstack.setup(self.pod, request("c", attachment(document, "198.51.100.10"))).error
        self.assertIn("10.9.0.0/16", error)


class BadSurroundings(LanTest):
    def test_without_a_default_route_there_is_no_parent(self):
        self.machine.sh("ip", "link", "set", "uplink", "down")
        container, document = self.container("c"), request("c", attachment(lan("macvlan", parent=None), "198.51.100.10"))
        self.assert_refused(container, document, '"lan"', "network_interface is missing", "no default route")

    def test_a_parent_that_another_link_has_for_itself(self):
        first = self.attach("a", attachment(with_options(mode="passthru"), "198.51.100.20"))
        self.assert_refused(self.container("c"), request("c", attachment(LAN, "198.51.100.10")), '"uplink"')
        self.assertIn("UP", first.link("eth0")["flags"])


if __name__ == "__main__":
    main()
