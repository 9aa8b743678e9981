"""burrow network: definitions are made, shown and removed, and refused input changes nothing."""

import json
import os
import unittest

import engine_support


class Networks(engine_support.EngineTest):
    def test_a_network_is_written_in_podmans_format_and_shown(self):
        made = self.burrow("network", "create", "--subnet", "10.20.0.7/24", "--ip-range",
                           "10.20.0.128/25", "--label", "a=b", "--opt", "mtu=1400", "--dns",
                           "9.9.9.9", "--route", "10.99.0.0/16,10.20.0.9,7", "front")  # fmt: skip
        self.assertEqual(made.stdout, "front\n")
        path = os.path.join(self.root, "networks", "front.json")
        with open(path) as file:
            text = file.read()
        self.assertTrue(text.startswith('{\n     "name": "front"'))
        network = json.loads(text)
        self.assertEqual(network["network_interface"], "burrow1")
        self.assertEqual(network["subnets"], [{
            "subnet": "10.20.0.0/24", "gateway": "10.20.0.1",
            "lease_range": {"start_ip": "10.20.0.129", "end_ip": "10.20.0.255"}}])  # fmt: skip
        self.assertEqual(network["routes"],
                         [{"destination": "10.99.0.0/16", "gateway": "10.20.0.9", "metric": 7}])
        self.assertEqual(network["options"], {"mtu": "1400"})
        self.assertEqual(network["labels"], {"a": "b"})
        self.assertTrue(network["dns_enabled"])
        self.assertEqual(self.json("network", "ls", "--format", "json"), [network])
        table = self.burrow("network", "ls").stdout.splitlines()
        self.assertEqual(table[0].split(), ["NETWORK", "ID", "NAME", "DRIVER", "BRIDGE", "SUBNETS", "DNS"])
        self.assertEqual(table[1].split(),
                         [network["id"][:12], "front", "bridge", "burrow1", "10.20.0.0/24", "on"])
        shown = self.json("network", "inspect", network["id"][:5])
        self.assertEqual(shown, [{**network, "containers": {}}])
        self.assertEqual(self.burrow("network", "rm", network["id"][:12]).returncode, 0)
        self.assertFalse(os.path.exists(path))

    def test_free_names_bridges_and_subnets_are_found(self):
        names = [self.burrow("network", "create").stdout.strip() for _ in range(2)]
        self.assertEqual(names, ["burrow1", "burrow2"])
        self.burrow("network", "create", "--ipv6", "six")
        networks = {n["name"]: n for n in self.json("network", "ls", "--format", "json")}
        self.assertEqual(networks["burrow1"]["subnets"][0]["subnet"], "10.89.0.0/24")
        self.assertEqual(networks["burrow2"]["subnets"][0]["subnet"], "10.89.1.0/24")
        first, second = networks["six"]["subnets"]
        self.assertEqual(first["subnet"], "10.89.2.0/24")
        self.assertTrue(second["subnet"].startswith("fd") and second["subnet"].endswith("::/64"))
        self.assertEqual(networks["six"]["network_interface"], "burrow3")

    def test_addresses_and_routes_of_the_host_are_kept_clear_of(self):
        for command in ("link add taken type bridge", "link set taken up",
                        "addr add 10.89.0.9/25 dev taken", "route add 10.89.1.0/24 dev taken"):
            self.assertEqual(os.system(f"ip {command}"), 0)
        self.addCleanup(os.system, "ip link del taken")
        self.links.add("taken")
        self.burrow("network", "create", "clear")
        self.assertEqual(self.json("network", "inspect", "clear")[0]["subnets"][0]["subnet"],
                         "10.89.2.0/24")
        refused = self.burrow("network", "create", "--subnet", "10.89.1.0/28", "x", check=False)
        self.assertEqual(refused.returncode, 125)
        self.assertIn("subnet 10.89.1.0/28 is already used on the host", refused.stderr)
        os.system("ip link del taken")
        self.links.discard("taken")

    def test_ignore_leaves_an_existing_network_alone(self):
        self.burrow("network", "create", "one")
        before = self.json("network", "inspect", "one")
        again = self.burrow("network", "create", "--ignore", "--internal", "one")
        self.assertEqual(again.stdout, "one\n")
        self.assertEqual(self.json("network", "inspect", "one"), before)

    def test_a_broken_definition_is_warned_about_and_stops_nothing(self):
        self.burrow("network", "create", "good")
        with open(os.path.join(self.root, "networks", "bad.json"), "w") as file:
            file.write("{not json")
        listed = self.burrow("network", "ls", "--quiet")
        self.assertEqual(listed.stdout, "good\n")
        self.assertIn("bad.json", listed.stderr)

    def test_refused_input_names_the_thing_and_changes_nothing(self):
        self.burrow("network", "create", "--subnet", "10.50.0.0/24", "taken")
        create = ("network", "create")
        for arguments, code, sentence in [
            ((*create, "taken"), 125, "network already exists taken"),
            ((*create, "host"), 125, 'name "host" because it conflicts with a valid network mode'),
            ((*create, "2bad!"), 125, "2bad!"),
            ((*create, "foo/"), 125, "foo/"),
            ((*create, "x" * 200), 125, "longer than"),
            ((*create, "--subnet", "10.11.12.0/17000", "n"), 125, "10.11.12.0/17000"),
            ((*create, "--subnet", "10.11.12.0", "n"), 125, "invalid CIDR address: 10.11.12.0"),
            ((*create, "--subnet", "10.50.0.0/16", "n"), 125, "subnet 10.50.0.0/16 is already used"),
            ((*create, "--subnet", "10.6.0.0/24", "--subnet", "10.6.0.0/24", "n"), 125,
             "duplicate subnet defined: 10.6.0.0/24"),
            ((*create, "--subnet", "10.6.0.0/24", "--subnet", "10.6.0.0/16", "n"), 125,
             "overlapping subnets: 10.6.0.0/24 and 10.6.0.0/16"),
            ((*create, "--subnet", "10.6.0.0/24", "--gateway", "10.7.0.1", "n"), 125,
             "gateway 10.7.0.1 not in subnet 10.6.0.0/24"),
            ((*create, "--subnet", "10.6.0.0/24", "--gateway", "10.6.0.256", "n"), 125, "10.6.0.256"),
            ((*create, "--gateway", "10.6.0.1", "n"), 125, "without subnet"),
            ((*create, "--subnet", "10.6.0.0/24", "--ip-range", "10.6.0.345-10.6.0.9", "n"), 125,
             'range start ip "10.6.0.345" is not a ip address'),
            ((*create, "--subnet", "10.6.0.0/24", "--ip-range", "10.6.1.5-10.6.1.9", "n"), 125,
             "10.6.1.5 not in subnet 10.6.0.0/24"),
            ((*create, "--subnet", "10.6.0.0/24", "--ip-range", "10.6.0.9-10.6.0.5", "n"), 125,
             "10.6.0.9 is after end_ip 10.6.0.5"),
            ((*create, "--subnet", "10.6.0.0/31", "n"), 125, "10.6.0.0/31"),
            ((*create, "--opt", "foo=1", "n"), 125, "unsupported bridge network option: foo"),
            ((*create, "--opt", "mtu=big", "n"), 125, 'unable to parse "mtu": found "big"'),
            ((*create, "--opt", "isolate=maybe", "n"), 125, 'invalid isolate option "maybe"'),
            ((*create, "--route", "10.0.0.0/8", "n"), 125, "invalid route: 10.0.0.0/8"),
            ((*create, "--route", "10.0.0.1/8,10.0.0.1", "n"), 125, "invalid route destination"),
            ((*create, "--route", "10.0.0.0/8,x", "n"), 125, "invalid route gateway x"),
            ((*create, "--disable-dns", "--dns", "9.9.9.9", "n"), 125, "DNS is not enabled"),
            ((*create, "--dns", "nine", "n"), 125, "nine"),
            ((*create, "--driver", "macvlan", "n"), 125, '"macvlan" is not supported'),
            ((*create, "--interface-name", "burrow1", "n"), 125, "bridge name burrow1 already in use"),
            ((*create, "--interface-name", "sixteen-letters-", "n"), 125, "sixteen-letters-"),
            ((*create, "--interface-name", "lo", "n"), 125, "bridge name lo already in use"),
            ((*create, "--bogus", "n"), 125, "--bogus"),
            ((*create, "n", "m"), 125, "m"),
            (("network", "rm", "nosuch"), 1, "nosuch: network not found"),
            (("network", "inspect", "nosuch"), 125, "network nosuch"),
            (("network", "exists", "nosuch"), 1, ""),
            (("network", "connect", "taken", "nosuch"), 125, "no such container"),
            (("network", "disconnect", "taken", "nosuch"), 125, "no such container"),
            (("network", "rm"), 125, "NETWORK"),
            (("network",), 125, "subcommand"),
        ]:
            with self.subTest(" ".join(arguments)[:80]):
                before = self.state()
                done = self.burrow(*arguments, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(sentence, done.stderr)
                if sentence:
                    self.assertTrue(done.stderr.startswith("Error: "), done.stderr)
                self.assertEqual(self.state(), before)


engine_support.require_programs()
unittest.main()
