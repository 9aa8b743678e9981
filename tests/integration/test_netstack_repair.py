"""`repair`: the host is compared with the journal, and is as the journal says afterwards."""

import json
import os
import subprocess

from netns_support import Listener, reaches
from netstack_support import CONFIG, DNS, Netstack, NetstackTest, attachment, main, network, port, request

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64")
BACK = network("back", "10.31.0.0/24")


class RepairTest(NetstackTest):
    def setUp(self):
        super().setUp()
        self.outside_host = self.outside()
        self.document = request("a", attachment(FRONT, "10.30.0.2", "fd00:30::2"), ports=[port(8080, 80)])
        self.a = self.container("a")
        self.setup_ok(self.a, self.document)
        self.other = request("b", attachment(BACK, "10.31.0.2"), ports=[port(8081, 80)])
        self.b = self.container("b")
        self.setup_ok(self.b, self.other)

    def repair(self, *options, code=0):
        outcome = self.netstack.run("repair", "--format", "json", *options)
        self.assertEqual(outcome.code, code, outcome)
        return json.loads(outcome.out)

    def found(self, report):
        return [f"{entry['where']}: {entry['what']}" for entry in report["differences"]]

    def assert_well(self):
        self.assertEqual(self.repair(), {"well": True, "differences": [], "errors": []})

    def serves(self):
        with Listener(self.a, 80) as listener:
            return bool(reaches(self.outside_host, "192.0.2.1", 8080, listener, timeout=2))

    def link_of(self, container):
        [entry] = os.listdir(f"{CONFIG}/burrow/attachments/{container['container_id']}")
        with open(f"{CONFIG}/burrow/attachments/{container['container_id']}/{entry}") as file:
            [name] = [step["link"] for step in json.load(file)["steps"] if "peer_mac" in step]
        return name


class Repair(RepairTest):
    def test_where_all_is_well_it_says_so_and_changes_nothing(self):
        before = self.settled_snapshot(self.a, self.b)
        self.assert_well()
        self.assertIn("all is well", self.netstack.run("repair").out)
        self.assertIn("all is well", self.netstack.run("repair", "--dry-run").out)
        self.assert_unchanged(before, self.a, self.b)
        outcome = Netstack(config="/run/none").run("repair")
        self.assertEqual(outcome.code, 0, outcome)
        self.assertFalse(os.path.exists("/run/none"))

    def test_each_damage_is_named_foreseen_and_mended(self):
        link = self.link_of(self.document)
        for damage, words in (
            (["nft", "flush", "ruleset"], "table inet burrow is gone"),
            (["nft", "flush", "chain", "inet", "burrow", "publish"], "chains, sets or rules"),
            (["nft", "flush", "map", "inet", "burrow", "publish4"], "publish4 { tcp . 8080"),
            (["ip", "addr", "del", "10.30.0.1/24", "dev", "br-front"], "10.30.0.1/24 is not on"),
            (["ip", "link", "set", "br-front", "down"], 'bridge "br-front" is down'),
            (["ip", "link", "set", link, "nomaster"], "is no port of"),
            (["ip", "link", "set", link, "down"], f'link "{link}" is down'),
            (["ip", "link", "del", link], 'interface "eth0" is gone'),
            (["ip", "-n", "a", "addr", "del", "10.30.0.2/24", "dev", "eth0"], "10.30.0.2/24 is not on"),
            (["ip", "-n", "a", "link", "set", "eth0", "down"], 'interface "eth0" is down'),
            (["ip", "link", "del", "br-front"], 'bridge "br-front" is gone'),
            (["sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/br-front/forwarding"], "forwarding is 0 instead of 1"),
        ):
            with self.subTest(words):
                self.assertTrue(self.serves())
                self.machine.sh(*damage)
                foreseen = self.repair("--dry-run", code=1)
                self.assertIn(words, "\n".join(self.found(foreseen)))
                report = self.repair()
                self.assertEqual(self.found(report), self.found(foreseen))
                self.assertEqual({entry["fate"] for entry in report["differences"]}, {"mended"}, report)
                self.assert_well()
                self.assertTrue(self.serves())

    def test_a_dry_run_changes_nothing(self):
        self.machine.sh("nft", "flush", "ruleset")
        self.machine.sh("ip", "link", "del", self.link_of(self.document))
        before = self.settled_snapshot(self.a, self.b)
        self.repair("--dry-run", code=1)
        self.assert_unchanged(before, self.a, self.b)

    def test_what_is_left_of_a_dead_container_is_taken_down(self):
        self.b.delete()
        report = self.repair("--dry-run", code=1)
        self.assertEqual(self.found(report), ['container b on back: its namespace "/run/netns/b" is gone'])
        self.repair()
        self.assert_well()
        self.assertIsNone(self.machine.link("br-back"))
        self.assertNotIn("8081", self.machine.sh("nft", "list", "ruleset"))
        self.assertTrue(self.serves())

    def test_what_it_cannot_mend_it_says(self):
        self.machine.sh("nft", "delete", "element", "inet", "burrow", "publish4", "{", "tcp", ".", "8080", "}")
        self.machine.sh("nft", "add", "element", "inet", "burrow", "publish4",
                        '{ tcp . 8080 comment "theirs" : 10.9.9.9 . 9 }')
        report = self.repair(code=1)
        self.assertIn('port 8080/tcp is already published by "theirs"', "\n".join(report["errors"]))
        self.assertEqual([entry["fate"] for entry in report["differences"]], ["left"])

        self.machine.sh("ip", "-n", "b", "link", "set", "eth0", "down", "name", "moved")
        report = self.repair(code=1)
        advice = [entry["advice"] for entry in report["differences"] if "advice" in entry]
        self.assertEqual(len(advice), 1)
        self.assertIn("somebody renamed or moved it", advice[0])
        text = self.netstack.run("repair").out
        self.assertIn("2 of 2 differences are left", text)

    def test_everything_at_once(self):
        self.machine.sh("nft", "flush", "ruleset")
        for link in ("br-front", "br-back"):
            self.machine.sh("ip", "link", "del", link)
        self.repair()
        self.assert_well()
        self.assertTrue(self.serves())
        self.teardown_ok(self.a, self.document)
        self.teardown_ok(self.b, self.other)
        self.assertEqual(self.machine.sh("nft", "list", "ruleset"), "")

    def test_a_command_that_was_cut_short_is_recovered_first(self):
        with open(f"{CONFIG}/burrow/pending.json", "w") as file:
            json.dump({"version": 1, "command": "setup", "netns": "/none", "steps": [], "changes": []}, file)
        self.assertEqual(self.found(self.repair("--dry-run", code=1)), ["journal: a command was cut short"])
        self.assertTrue(os.path.exists(f"{CONFIG}/burrow/pending.json"))
        self.assert_well()
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow/pending.json"))


class Names(RepairTest):
    dns = DNS or ""

    def setUp(self):
        if not DNS:
            self.skipTest("no DNS daemon")
        FRONT["dns_enabled"] = True
        self.addCleanup(FRONT.update, dns_enabled=False)
        super().setUp()

    def test_names_that_are_gone_are_put_in_again(self):
        path = f"{CONFIG}/aardvark-dns/front"
        with open(path) as file:
            before = file.read()
        with open(path, "w") as file:
            file.write(before.splitlines()[0] + "\n")
        report = self.repair()
        self.assertEqual(self.found(report), ['container a on front: no names in the DNS file "front"'])
        with open(path) as file:
            self.assertEqual(file.read(), before)
        self.assert_well()


if __name__ == "__main__":
    main()
