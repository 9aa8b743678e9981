"""`create`: a described network in, its whole definition out. The rules one by one are unit tests;
here is what callers of the program see."""

import copy
import json
import os
import re
import unittest

from netstack_support import NetstackTest, identifier, main, request

REQUEST = {
    "network": {
        "name": "front",
        "id": identifier("front"),
        "driver": "bridge",
        "dns_enabled": False,
        "internal": False,
        "ipv6_enabled": True,
    },
    "used": {"interfaces": ["podman0"], "names": {"podman": identifier("podman")}, "subnets": ["10.88.0.0/16"]},
    "options": {
        "subnet_pools": [{"base": "10.89.0.0/16", "size": 24}],
        "default_interface_name": "podman",
        "check_used_subnets": True,
    },
}


def with_network(**members):
    document = copy.deepcopy(REQUEST)
    document["network"].update(members)
    return document


class Create(NetstackTest):
    def create(self, document, **keywords):
        outcome = self.netstack.run("create", document=document, **keywords)
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome)
        self.assertEqual(outcome.out.count("\n"), 1)
        return json.loads(outcome.out)

    def error(self, document, **keywords):
        return self.netstack.run("create", document=document, **keywords).error

    def test_the_definition_is_complete_and_the_host_as_before(self):
        before = self.snapshot()
        network = self.create(REQUEST)
        self.assert_unchanged(before)
        self.assertEqual(network["network_interface"], "podman1")
        self.assertEqual(network["subnets"][0], {"subnet": "10.89.0.0/24", "gateway": "10.89.0.1"})
        self.assertRegex(network["subnets"][1]["subnet"], r"^fd[0-9a-f:]+::/64$")
        self.assertRegex(network["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        self.assertEqual(network["id"], REQUEST["network"]["id"])

    def test_what_create_prints_is_what_setup_takes(self):
        network = self.create(REQUEST)
        v6 = network["subnets"][1]["subnet"].replace("::/64", "::2")
        document = request("c", (network, {"static_ips": ["10.89.0.2", v6]}))
        container = self.container("c")
        self.setup_ok(container, document)
        self.assertEqual(container.addresses("eth0"), ["10.89.0.2/24", v6 + "/64"])
        self.teardown_ok(container, document)

    def test_two_networks_never_get_the_same_random_subnet(self):
        subnets = {self.create(REQUEST)["subnets"][1]["subnet"] for _ in range(20)}
        self.assertEqual(len(subnets), 20)

    def test_links_of_the_host_are_kept_clear_of(self):
        self.machine.sh("ip", "link", "add", "podman1", "type", "bridge")
        self.assertEqual(self.create(REQUEST)["network_interface"], "podman2")

    def test_a_parent_must_be_a_link_of_the_host(self):
        document = with_network(driver="macvlan", network_interface="up0", ipv6_enabled=False)
        self.assertIn("parent interface up0 does not exist", self.error(document))
        self.machine.sh("ip", "link", "add", "up0", "type", "bridge")
        self.assertEqual(self.create(document)["ipam_options"], {"driver": "dhcp"})

    def test_engines_recognise_a_name_that_is_taken(self):
        self.assertIn("network already exists podman", self.error(with_network(name="podman")))

    def test_no_run_directory_and_no_firewall_is_asked_for(self):
        self.netstack.flags = ["--firewall-driver", "no-such-driver"]
        self.create(REQUEST, environment={"NETAVARK_DNS_PORT": "x"})

    def test_the_document_may_come_from_a_file(self):
        with open("/run/document.json", "w") as file:
            json.dump(REQUEST, file)
        self.assertEqual(self.create(b"", flags=("-f", "/run/document.json"))["name"], "front")
        error = self.error(b"", flags=("-f", "/run/none.json"))
        self.assertTrue(error.startswith("failed to load network create: "), error)

    def test_what_is_wrong_with_a_document_is_said_with_its_place(self):
        for document, words in (
            (b"", "failed to load network create"),
            (b"{}", "network"),
            (b"[]", "failed to load network create"),
            (json.dumps(REQUEST).encode() + b"x", "failed to load network create"),
            (with_network(subnets=[{"subnet": "10.0.0.0"}]), "network.subnets[0].subnet"),
            (with_network(routes=[{"destination": "10.0.0.0/8"}]), "network.routes[0]"),
            (with_network(options={"mode": "x" * 100000}), "invalid bridge mode"),
            (with_network(driver="\u0000\n/../x"), "unknown network driver"),
        ):
            with self.subTest(words=words):
                self.assertIn(words, self.error(document))

    def test_a_driver_of_nobody_is_said_to_be_so(self):
        document = with_network(driver="mine")
        self.assertRegex(self.error(document), "(?i)unknown network driver.*mine.*no plugin directory")
        error = self.error(document, flags=("--plugin-directory", "/run/plugins"))
        self.assertRegex(error, 'plugin for driver "mine" not found')

    def test_a_hostile_amount_of_used_subnets_is_no_trouble(self):
        document = copy.deepcopy(REQUEST)
        document["used"]["subnets"] = [f"10.89.{i // 128 % 256}.{i % 128 * 2}/31" for i in range(200_000)]
        self.assertIn("could not find free subnet", self.error(document, timeout=10))

    def test_it_executes_no_program(self):
        """Where nothing can be found in PATH it does the same."""
        self.assertTrue(re.match("podman", self.create(REQUEST, environment={"PATH": "/none"})["network_interface"]))


if __name__ == "__main__":
    main()
