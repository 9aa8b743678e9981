"""Containers with an ipvlan of their own on a LAN of the host."""
# needs: ipvlan

import sys

from lan_support import LanTest, lan
from netns_support import Listener, connects, has_link_kind
from netstack_support import attachment, main, request

LAN = lan("ipvlan")


def with_options(**options):
    return {**LAN, "options": options}


class Links(LanTest):
    def test_it_is_an_ipvlan_in_mode_l2_with_the_parents_address(self):
        container = self.container("c")
        status = self.setup_ok(container, request("c", attachment(LAN, "198.51.100.10", "fd00:77::10")))
        link = container.link("eth0")
        self.assertIn("UP", link["flags"])
        self.assertEqual(link["linkinfo"]["info_kind"], "ipvlan")
        self.assertEqual(link["linkinfo"]["info_data"]["mode"], "l2")
        self.assertEqual(container.addresses("eth0"), ["198.51.100.10/24", "fd00:77::10/64"])
        mac = self.machine.link("uplink")["address"]
        self.assertEqual(link["address"], mac)
        self.assertEqual(status["lan"]["interfaces"]["eth0"]["mac_address"], mac)
        self.assert_on_the_lan(container, "198.51.100.10")

    def test_the_modes(self):
        for mode in ("l2", "l3", "l3s", ""):
            with self.subTest(mode=mode):
                document = request("c", attachment(with_options(mode=mode, mtu="1300"), "198.51.100.10"))
                container = self.container("c")
                self.setup_ok(container, document)
                link = container.link("eth0")
                self.assertEqual(link["linkinfo"]["info_data"]["mode"], mode or "l2")
                self.assertEqual(link["mtu"], 1300)
                self.assertEqual(self.defaults(container)[0][1:], ("eth0", 99))
                self.teardown_ok(container, document)
                self.assertEqual(container.links(), {"lo"})
                container.delete()

    def test_two_containers_reach_each_other_in_mode_l3(self):
        document = with_options(mode="l3")
        first = self.attach("a", attachment(document, "198.51.100.10"))
        second = self.attach("b", attachment(document, "198.51.100.11"))
        with Listener(first, 80, "198.51.100.10"):
            self.assertTrue(connects(second, "198.51.100.10", 80))

    def test_a_name_that_the_host_uses_is_free_in_the_container(self):
        self.machine.sh("ip", "link", "add", "eth0", "type", "bridge")
        before = self.settled_snapshot()
        document = request("c", attachment(lan("ipvlan", parent=None), "198.51.100.10"))
        container = self.container("c")
        self.setup_ok(container, document)
        self.assertEqual(container.link("eth0")["linkinfo"]["info_kind"], "ipvlan")
        self.teardown_ok(container, document)
        self.assertEqual(container.links(), {"lo"})
        self.assert_unchanged(before)


class Teardown(LanTest):
    document = request("c", attachment(LAN, "198.51.100.10"))

    def test_the_link_has_another_name_by_now(self):
        pod = self.attach("c", attachment(LAN, "198.51.100.10"))
        pod.sh("ip", "link", "set", "eth0", "down")
        pod.sh("ip", "link", "set", "eth0", "name", "lan0")
        self.teardown_ok(pod, self.document)
        self.assertEqual(pod.links(), {"lo"})

    def test_the_namespace_is_gone(self):
        pod = self.attach("c", attachment(LAN, "198.51.100.10"))
        pod.delete()
        self.teardown_ok(pod.path, self.document)
        self.assertEqual(self.records(), [])


class BadInput(LanTest):
    def test_words_and_addresses(self):
        pod = self.container("c")
        before = self.snapshot(pod)
        for document, options, words in (
            (with_options(mode="bridge"), {}, ("mode", '"bridge"')),
            (with_options(mode="L3"), {}, ("mode", '"L3"')),
            (with_options(mtu="9000"), {}, ("9000", "1500")),
            (LAN, {"static_mac": "92:d0:c6:0a:29:35"}, ("static_mac", "92:d0:c6:0a:29:35")),
        ):
            error = self.netstack.setup(pod, request("c", attachment(document, "198.51.100.10", **options))).error
            for word in (*words, "lan"):
                self.assertIn(word, error)
        self.assert_unchanged(before, pod)

    def test_a_parent_that_has_a_macvlan_already(self):
        self.attach("a", attachment(lan("macvlan", "other"), "198.51.100.20"))
        self.assert_refused(self.container("c"), request("c", attachment(LAN, "198.51.100.10")), '"uplink"')


if __name__ == "__main__":
    if not has_link_kind("ipvlan"):
        print("skipped: the kernel has no ipvlan", file=sys.stderr)
        sys.exit(77)
    main()
