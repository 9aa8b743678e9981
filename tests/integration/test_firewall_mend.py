"""A table that lacks parts gets exactly these back, and nobody else's are touched."""

import json
import re
import unittest

from firewall_support import Refused, apply, listing, run, tool

NETWORK = {"name": "front", "bridge": "br0", "subnets": ["10.89.0.0/24", "fd00:1::/64"]}


def nft(text):
    return run("nft", "-f", "-", stdin=text)


def objects(kind):
    document = json.loads(run("nft", "-j", "list", "table", "inet", "burrow"))["nftables"]
    return [entry[kind] for entry in document if kind in entry]


def handles():
    """What the kernel knows things by: whatever was made again has another one."""
    return {(kind, entry["handle"]) for kind in ("rule", "chain", "set", "map") for entry in objects(kind)}


def state():
    return tool("observe").strip()


class Mend(unittest.TestCase):
    def setUp(self):
        run("nft", "flush", "ruleset")
        apply({"networks": [NETWORK]}, "create")

    def test_every_single_rule_comes_back_to_its_place_and_nothing_else_is_made(self):
        before, standing = listing(), handles()
        for rule in objects("rule"):
            nft(f"delete rule inet burrow {rule['chain']} handle {rule['handle']}")
            apply({}, "mend")
            text = run("nft", "-a", "list", "table", "inet", "burrow")
            self.assertEqual(re.sub(r" # handle \d+", "", text), before)
            self.assertNotIn(f"# handle {rule['handle']}\n", text)
        self.assertEqual(state(), "current")
        kept = {(kind, handle) for kind, handle in standing if kind != "rule"}
        self.assertEqual(kept - handles(), set())

    def test_every_chain_that_can_be_deleted_comes_back_whole(self):
        whole = sorted(listing().splitlines())
        for chain in [entry["name"] for entry in objects("chain")]:
            if chain == "admin":
                continue
            rules = objects("rule")
            callers = [rule for rule in rules if f'{{"target": "{chain}"}}' in json.dumps(rule)]
            deletions = [f"delete rule inet burrow {rule['chain']} handle {rule['handle']}" for rule in callers]
            nft("\n".join([*deletions, f"flush chain inet burrow {chain}", f"delete chain inet burrow {chain}"]))
            apply({}, "mend")
            self.assertEqual(sorted(listing().splitlines()), whole)

    def test_rules_of_others_in_our_chains_stay_where_they_are(self):
        first = next(rule for rule in objects("rule") if rule["chain"] == "between")
        nft(f"insert rule inet burrow between position {first['handle']} counter comment \"theirs\"\n"
            "add rule inet burrow between counter comment \"last\"\n"
            "add rule inet burrow admin ip saddr 192.0.2.1 drop")
        before = listing()
        nft(f"delete rule inet burrow between handle {first['handle']}")
        apply({}, "mend")
        self.assertEqual(listing(), before)

    def test_a_table_that_was_flushed_keeps_its_elements(self):
        before = listing()
        run("nft", "flush", "table", "inet", "burrow")
        self.assertEqual(state(), "damaged")
        apply({}, "mend")
        self.assertEqual(listing(), before)

    def test_a_chain_of_our_name_that_hangs_nowhere_is_renewed(self):
        before = sorted(listing().splitlines())
        nft("flush chain inet burrow forward\ndelete chain inet burrow forward\nadd chain inet burrow forward")
        apply({}, "mend")
        after = listing()
        self.assertEqual(after.count("hook forward"), 1)
        self.assertEqual(sorted(after.splitlines()), before)

    def test_sets_that_are_gone_come_back_with_what_is_added(self):
        before = sorted(listing().splitlines())
        run("nft", "flush", "table", "inet", "burrow")
        for name in [entry["name"] for kind in ("set", "map") for entry in objects(kind)]:
            nft(f"delete set inet burrow {name}")
        apply({"networks": [NETWORK]}, "mend")
        self.assertEqual(sorted(listing().splitlines()), before)

    def test_a_set_of_another_kind_in_our_place_is_named_and_nothing_is_half_applied(self):
        run("nft", "flush", "table", "inet", "burrow")
        nft("delete set inet burrow strict\nadd set inet burrow strict { type inet_service; }")
        before = listing()
        with self.assertRaises(Refused) as refusal:
            apply({}, "mend")
        self.assertIn('set "strict"', str(refusal.exception))
        self.assertEqual(listing(), before)

    def test_a_table_of_our_name_with_foreign_content_is_completed_around_it(self):
        run("nft", "flush", "ruleset")
        nft("table inet burrow {\n set theirs { type ipv4_addr; elements = { 192.0.2.1 } }\n"
            " chain theirs { ip saddr @theirs drop; }\n}\n")
        apply({"networks": [NETWORK]}, "mend")
        self.assertEqual(state(), "current")
        self.assertIn("ip saddr @theirs drop", listing())

    def test_a_whole_table_is_left_alone(self):
        generation = run("nft", "-a", "list", "ruleset")
        standing = handles()
        apply({}, "mend")
        self.assertEqual(handles(), standing)
        self.assertEqual(run("nft", "-a", "list", "ruleset"), generation)

    def test_what_nft_loads_from_our_listing_counts_as_whole(self):
        text = listing()
        run("nft", "flush", "ruleset")
        nft(text)
        self.assertEqual(state(), "current")
        rule = objects("rule")[-1]
        nft(f"delete rule inet burrow {rule['chain']} handle {rule['handle']}")
        self.assertEqual(state(), "outdated")


if __name__ == "__main__":
    unittest.main()
