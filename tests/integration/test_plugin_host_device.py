"""The plugin host-device: a link of the host is lent to a container and given back as it was."""

import json
import os
import subprocess
import sys

from netns_support import Listener, connects, wait_until
from netstack_support import CONFIG, NetstackTest, attachment, identifier, main, network, request

PLUGINS = os.environ.get("BURROW_BIN", "build/dev/bin") + "/plugins"
MEMORY = "/run/burrow-plugins/host-device"


def lab(device="cable", *subnets, **members):
    return network(
        "lab", *subnets, driver="host-device", network_interface=device,
        **{"ipam_options": {"driver": "host-local" if subnets else "none"}, **members},
    )  # fmt: skip


class HostDevice(NetstackTest):
    def setUp(self):
        super().setUp()
        self.netstack.flags += ["--plugin-directory", PLUGINS]
        self.pod = self.container("pod")
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.other = self.container("other")
        # A cable whose one end is a link of the host with all that a link can have.
        self.machine.connect(self.other, "cable", ["198.51.100.1/24", "fd00:c::1/64"], ["198.51.100.2/24", "fd00:c::2/64"])
        self.machine.sh("ip", "link", "set", "cable", "alias", "to the lab")
        self.machine.sh("ip", "link", "set", "cable", "mtu", "1400")

    def document(self, net=None, *addresses, container="pod", **members):
        return request(container, attachment(net or lab("cable", "10.99.0.0/24", "fd00:9::/64"),
                                             *(addresses or ("10.99.0.7", "fd00:9::7")), **members))  # fmt: skip

    def facts(self):
        """What the host's end of the cable is like."""
        link = self.machine.link("cable")
        return {
            **{key: link.get(key) for key in ("address", "mtu", "ifalias")},
            "up": "UP" in link["flags"], "addresses": sorted(self.machine.addresses("cable")),
        }  # fmt: skip

    def test_a_link_is_lent_with_a_name_addresses_and_routes_and_given_back_as_it_was(self):
        before = self.facts()
        document = self.document(lab("cable", "198.51.100.0/24"), "198.51.100.77", static_mac="02:00:00:00:00:77")
        document["network_info"]["lab"]["subnets"][0]["gateway"] = "198.51.100.2"
        status = self.setup_ok(self.pod, document)
        self.assertEqual(
            status["lab"]["interfaces"],
            {"eth0": {"mac_address": "02:00:00:00:00:77", "subnets": [{"gateway": "198.51.100.2", "ipnet": "198.51.100.77/24"}]}},
        )
        self.assertIsNone(self.machine.link("cable"))
        inside = self.pod.link("eth0")
        self.assertEqual((inside["address"], inside["mtu"]), ("02:00:00:00:00:77", 1400))
        self.assertIn("UP", inside["flags"])
        (default,) = [route for route in self.pod.routes() if route["dst"] == "default"]
        self.assertEqual((default["gateway"], default["dev"], default["metric"]), ("198.51.100.2", "eth0", 100))
        with Listener(self.other, 80, "198.51.100.2"):
            self.assertTrue(connects(self.pod, "198.51.100.2", 80))
        self.teardown_ok(self.pod, document)
        self.assertEqual(self.facts(), before)
        self.assertEqual(self.pod.links(), {"lo"})
        self.assertEqual(os.listdir(MEMORY), [])
        with Listener(self.other, 80, "198.51.100.2"):
            self.assertTrue(wait_until(lambda: connects(self.machine, "198.51.100.2", 80, 0.3)))

    def test_both_families_and_routes_of_the_network(self):
        document = self.document()
        document["network_info"]["lab"]["routes"] = [{"destination": "10.5.0.0/16", "gateway": "10.99.0.9", "metric": 7}]
        self.setup_ok(self.pod, document)
        self.assertEqual(self.pod.addresses("eth0"), ["10.99.0.7/24", "fd00:9::7/64"])
        self.assertIn(("10.5.0.0/16", 7), [(route["dst"], route.get("metric")) for route in self.pod.routes()])
        self.assertIn("default", [route["dst"] for route in self.pod.routes(6)])

    def test_internal_or_no_default_route(self):
        for net in (
            lab("cable", "10.99.0.0/24", internal=True),
            lab("cable", "10.99.0.0/24", options={"no_default_route": "true"}),
        ):
            document = self.document(net, "10.99.0.7")
            self.setup_ok(self.pod, document)
            self.assertNotIn("default", [route["dst"] for route in self.pod.routes()])
            self.teardown_ok(self.pod, document)

    def test_without_addresses_and_by_the_attachments_option(self):
        document = self.document(lab(None), options={"host_interface_name": "cable"})
        del document["networks"][0]["static_ips"]
        status = self.setup_ok(self.pod, document)
        self.assertEqual(status["lab"]["interfaces"]["eth0"]["subnets"], [])
        self.assertIn("eth0", self.pod.links())

    def test_a_link_that_was_renamed_inside_is_found_again(self):
        before = self.facts()
        self.setup_ok(self.pod, self.document())
        self.pod.sh("ip", "link", "set", "eth0", "down")
        self.pod.sh("ip", "link", "set", "eth0", "name", "mine", "address", "02:00:00:00:00:99", "mtu", "1300")
        self.teardown_ok(self.pod, self.document())
        self.assertEqual(self.facts(), before)

    def test_a_virtual_link_dies_with_the_namespace_and_teardown_is_content(self):
        self.setup_ok(self.pod, self.document())
        path = self.pod.path
        self.pod.delete()
        self.teardown_ok(path, self.document())
        self.assertTrue(wait_until(lambda: self.other.link("eth0") is None))
        self.assertEqual(os.listdir(MEMORY), [])
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))

    def test_links_that_the_host_needs_are_not_lent(self):
        self.machine.sh("ip", "route", "add", "default", "via", "198.51.100.2")
        self.machine.sh("ip", "link", "add", "br0", "type", "bridge")
        self.machine.sh("ip", "link", "add", "port", "type", "veth", "peer", "name", "trop")
        self.machine.sh("ip", "link", "set", "port", "master", "br0")
        for device, word in (
            ("cable", "default route"), ("lo", "loopback"), ("port", "port of another"), ("nothing", "does not exist"),
            (None, "names no link"),
        ):  # fmt: skip
            with self.subTest(device):
                before = self.machine.links()
                error = self.netstack.setup(self.pod, self.document(lab(device), "10.99.0.7")).error
                for wanted in (word, 'plugin "host-device" failed', 'network "lab"'):
                    self.assertIn(wanted, error)
                self.assertEqual((self.machine.links(), self.pod.links()), (before, {"lo"}))

    def test_a_link_that_the_kernel_does_not_let_go_stays_as_it_is(self):
        self.machine.sh("ip", "link", "add", "br0", "type", "bridge")
        before = self.snapshot(self.pod)
        error = self.netstack.setup(self.pod, self.document(lab("br0"), "10.99.0.7")).error
        self.assertIn("move link", error)
        self.assert_unchanged(before, self.pod)

    def test_whatever_fails_inside_the_link_is_given_back(self):
        before = self.facts()
        for net, word in (
            (lab("cable", "10.99.0.0/24", routes=[{"destination": "10.5.0.0/16", "gateway": "10.77.0.1"}]), "add route"),
            (lab("cable", "10.99.0.0/24", options={"metric": "x"}), "metric"),
            (lab("cable", "10.98.0.0/24"), "not in any subnet"),
        ):
            error = self.netstack.setup(self.pod, self.document(net, "10.99.0.7")).error
            self.assertIn(word, error)
            self.assertEqual(self.facts(), before)
            self.assertEqual(self.pod.links(), {"lo"})

    def test_what_is_lent_to_one_cannot_be_lent_to_another(self):
        self.setup_ok(self.pod, self.document())
        second = self.container("second")
        error = self.netstack.setup(second, self.document(container="second")).error
        self.assertIn('"cable"', error)
        self.assertIn("does not exist", error)

    def test_a_name_that_was_taken_meanwhile_is_an_error_until_it_is_free(self):
        self.setup_ok(self.pod, self.document())
        self.machine.sh("ip", "link", "add", "cable", "type", "bridge")
        self.assertIn("another one of that name", self.netstack.teardown(self.pod, self.document()).error)
        self.assertIn("eth0", self.pod.links())
        self.machine.sh("ip", "link", "delete", "cable")
        self.teardown_ok(self.pod, self.document())
        self.assertEqual(self.machine.link("cable")["ifalias"], "to the lab")

    def test_a_second_setup_without_a_teardown_starts_from_the_link_as_it_was(self):
        before = self.facts()
        self.setup_ok(self.pod, self.document())
        document = json.dumps(self.call("setup"))
        done = self.plugin("setup", self.pod.path, document)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.plugin("teardown", self.pod.path, document)
        self.assertEqual(self.facts(), before)

    def call(self, verb):
        with open(f"{CONFIG}/burrow/attachments/{identifier('pod')}/lab.json") as file:
            return json.load(file)["steps"][0]["input"]

    def plugin(self, *arguments):
        *words, text = arguments
        return subprocess.run([f"{PLUGINS}/host-device", *words], input=text, capture_output=True, text=True)

    def test_teardown_of_what_was_never_set_up_is_content(self):
        self.setup_ok(self.pod, self.document())
        document = self.call("setup")
        self.teardown_ok(self.pod, self.document())
        before = self.facts()
        document["container_id"] = "another"
        done = self.plugin("teardown", self.pod.path, json.dumps(document))
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(self.facts(), before)

    def test_the_protocol_itself(self):
        self.assertEqual(json.loads(self.plugin("info", "").stdout)["api_version"], "1.0.0")
        asked = lab("cable")
        del asked["ipam_options"]
        done = self.plugin("create", json.dumps(asked))
        self.assertEqual(json.loads(done.stdout)["ipam_options"], {"driver": "none"})
        for arguments, word in (
            (("format", "{}"), "format"), (("setup", "{}"), "namespace"), (("setup", "/x", "{}"), "network"),
            (("setup", "/x", "garbage"), "parse error"), (("create", "[]"), "object"), (("teardown", "/x", ""), "parse error"),
            (("create", json.dumps({**asked, "dns_enabled": True})), "dns_enabled"),
        ):  # fmt: skip
            with self.subTest(arguments):
                done = self.plugin(*arguments)
                self.assertEqual((done.returncode, list(json.loads(done.stdout))), (1, ["error"]))
                self.assertIn(word, json.loads(done.stdout)["error"])


if __name__ == "__main__":
    if not os.access(f"{PLUGINS}/host-device", os.X_OK):
        print(f"skipped: {PLUGINS}/host-device is not built", file=sys.stderr)
        sys.exit(77)
    main()
