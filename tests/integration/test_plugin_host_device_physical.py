"""The plugin host-device with a real network card, which the kernel brings back when its container has died."""
# needs: physical

import json
import os
import subprocess
import sys
import unittest

from netns_support import Namespace, sh, wait_until

PLUGIN = os.environ.get("BURROW_BIN", "build/dev/bin") + "/plugins/host-device"


def spare_card():
    """A network card of this namespace that is down and has nothing, or None."""
    for link in json.loads(sh("ip", "-j", "-d", "addr")):
        is_card = os.path.exists(f"/sys/class/net/{link['ifname']}/device/driver")
        if is_card and "UP" not in link["flags"] and not link.get("addr_info"):
            return link["ifname"]
    return None


class Card(unittest.TestCase):
    def setUp(self):
        self.card = spare_card()
        self.pod = Namespace.add("pod")
        self.addCleanup(lambda: subprocess.run(["ip", "netns", "delete", "pod"], capture_output=True))
        sh("ip", "link", "set", self.card, "up", "mtu", "1400", "alias", "to the lab")
        sh("ip", "addr", "add", "198.51.100.1/24", "dev", self.card)
        self.addCleanup(sh, "ip", "link", "set", self.card, "down")
        self.addCleanup(sh, "ip", "addr", "flush", "dev", self.card)

    def call(self, verb):
        document = {
            "container_id": "c0ffee", "container_name": "web", "port_mappings": None,
            "network": {
                "name": "lab", "id": "1", "driver": "host-device", "network_interface": self.card,
                "subnets": [{"subnet": "10.99.0.0/24", "gateway": "10.99.0.1"}],
                "ipv6_enabled": False, "internal": False, "dns_enabled": False,
            },
            "network_options": {"interface_name": "eth7", "static_ips": ["10.99.0.7"]},
        }  # fmt: skip
        done = subprocess.run([PLUGIN, verb, "/run/netns/pod"], input=json.dumps(document), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def facts(self):
        for link in json.loads(sh("ip", "-j", "-d", "addr")):
            if link["ifname"] == self.card:
                addresses = [a["local"] for a in link["addr_info"] if a["scope"] == "global"]
                return [link["address"], link["mtu"], link.get("ifalias"), "UP" in link["flags"], addresses]
        return None

    def test_it_is_lent_and_given_back(self):
        before = self.facts()
        self.call("setup")
        self.assertIsNone(self.facts())
        self.assertEqual(self.pod.addresses("eth7"), ["10.99.0.7/24"])
        self.call("teardown")
        self.assertEqual(self.facts(), before)

    def test_it_comes_back_from_a_namespace_that_is_gone_with_all_that_it_had(self):
        before = self.facts()
        for rename in (False, True):
            self.call("setup")
            if rename:
                self.pod.sh("ip", "link", "set", "eth7", "down")
                self.pod.sh("ip", "link", "set", "eth7", "name", "mine", "address", "02:00:00:00:00:99")
            self.pod.delete()
            self.call("teardown")  # at once: the kernel has not brought it back yet
            self.assertEqual(self.facts(), before)
            self.pod = Namespace.add("pod")

    def test_it_comes_back_when_it_came_back_long_before_the_teardown(self):
        before = self.facts()
        self.call("setup")
        self.pod.delete()
        self.assertTrue(wait_until(lambda: "eth7" in sh("ip", "link")))
        self.call("teardown")
        self.assertEqual(self.facts(), before)


if __name__ == "__main__":
    if not os.access(PLUGIN, os.X_OK) or spare_card() is None:
        print("skipped: the plugin is not built, or there is no spare network card", file=sys.stderr)
        sys.exit(77)
    unittest.main()
