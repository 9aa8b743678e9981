"""What firewall/ does to the kernel's tables: whole batches, owners, other people's rules."""

import concurrent.futures
import json
import re
import subprocess
import unittest

from firewall_support import Refused, apply, listing, remove, run, tool

SOURCE = __file__.rsplit("/tests/", 1)[0]


def nft(text):
    return run("nft", "-f", "-", stdin=text)


def network(name, bridge, *subnets, **more):
    return {"name": name, "bridge": bridge, "subnets": list(subnets), **more}


def web(name="web", network="front", address4="10.89.0.2", ports=None, **more):
    return {"container": f"{name}-1", "name": name, "network": network, "address4": address4,
            "ports": ports or [{"host_port": 8080, "container_port": 80}], **more}


FRONT = network("front", "br0", "10.89.0.0/24", "fd00:1::/64")
BACK = network("back", "br1", "10.89.1.0/24", "fd00:2::/64")


def published(*publications):
    return {"publications": list(publications)}


def single(port, **more):
    return [{"host_port": port, "container_port": 80, **more}]


class Table(unittest.TestCase):
    def setUp(self):
        subprocess.run(["nft", "flush", "ruleset"], check=True)

    def refused(self, policy, text, table="keep"):
        before = run("nft", "list", "ruleset")
        with self.assertRaises(Refused) as refusal:
            apply(policy, table)
        self.assertEqual(str(refusal.exception), text)
        self.assertEqual(run("nft", "list", "ruleset"), before, "the batch was not all or nothing")
        return refusal.exception.answer

    def test_the_table_lists_as_the_documentation_prints_it(self):
        apply({})
        with open(f"{SOURCE}/docs/firewall.nft", encoding="utf-8") as file:
            self.assertEqual(listing(), file.read())

    def test_the_documented_text_loads_into_nft_and_lists_the_same(self):
        run("nft", "-f", f"{SOURCE}/docs/firewall.nft")
        with open(f"{SOURCE}/docs/firewall.nft", encoding="utf-8") as file:
            self.assertEqual(listing(), file.read())

    def test_the_rules_that_the_documentation_suggests_load(self):
        apply({})
        with open(f"{SOURCE}/docs/firewall.md", encoding="utf-8") as file:
            rules = re.findall(r"^nft (add rule .*)$", file.read(), flags=re.MULTILINE)
        self.assertGreaterEqual(len(rules), 4)
        for rule in rules:
            nft(rule)

    def test_states_are_told_apart(self):
        state = lambda: tool("observe").strip()
        self.assertEqual(state(), "missing")
        nft("table inet other {\n chain c {\n }\n }\n")
        self.assertEqual(state(), "missing")
        apply({})
        self.assertEqual(tool("observe").strip(), "current")
        nft("flush table inet burrow")
        self.assertEqual(state(), "damaged")
        apply({})
        self.assertEqual(tool("observe").strip(), "current")
        run("nft", "delete", "table", "inet", "burrow")
        nft("""
            table inet burrow {
              chain forward {
                type filter hook forward priority 0;
                iifname "br0" accept comment "burrow ruleset 0"
              }
            }
        """)
        self.assertEqual(state(), "outdated")
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        nft("add table inet burrow")
        self.assertEqual(state(), "damaged")
        apply({})
        self.assertEqual(tool("observe").strip(), "current")

    def test_creating_what_came_into_being_is_a_change_and_not_a_failure(self):
        apply({}, "create")
        answer = self.refused({}, 'firewall table "burrow" came into being meanwhile', "create")
        self.assertTrue(answer["changed"])

    def test_adding_to_a_table_that_went_away_is_a_change(self):
        answer = self.refused({"networks": [FRONT]}, 'firewall table "burrow" went away')
        self.assertTrue(answer["changed"])

    def test_removing_what_is_not_there_is_fine(self):
        tool("apply", "remove")
        apply({})
        remove({"networks": [FRONT], **published(web())})
        apply({"networks": [FRONT]})
        before = listing()
        remove({"networks": [BACK], **published(web())})
        self.assertEqual(listing(), before)

    def test_adding_twice_is_the_same_as_once_and_removing_gives_the_table_back(self):
        apply({})
        empty = listing()
        policy = {"networks": [FRONT, BACK], **published(
            web(ports=single(8080) + single(81, host_ip="127.0.0.1", protocol="udp")
                + [{"host_port": 9000, "range": 100}] + single(132, protocol="sctp"),
                address6="fd00:1::2"))}
        apply(policy)
        full = listing()
        for text in ("tcp . 8080", "127.0.0.1 . udp . 81", "tcp . 9000-9099", "sctp . 132",
                     "container web (web-1) on network front"):
            self.assertIn(text, full)
        apply(policy)
        self.assertEqual(listing(), full)
        remove(policy)
        self.assertEqual(listing(), empty)

    def test_neighbouring_subnets_keep_their_own_owners(self):
        subnets = [f"10.89.{i}.0/24" for i in range(8)]
        policies = [network(f"n{i}", f"br{i}", subnet) for i, subnet in enumerate(subnets)]
        apply({"networks": policies})
        for turn in (0, 1):
            for policy in policies[turn::2]:
                owners = json.loads(tool("owners", policy={"networks": [policy]}))
                self.assertEqual(set(owners), {f"network {policy['name']}"})
                apply({"networks": [policy]})
                remove({"networks": [policy]})
                owners = json.loads(tool("owners", policy={"networks": [policy]}))
                self.assertEqual(set(owners), {None})

    def test_bridges_are_listed(self):
        self.assertEqual(tool("bridges"), "")
        apply({"networks": [BACK, FRONT]})
        self.assertEqual(tool("bridges").split(), ["br0", "br1"])

    # Claims.

    def test_claims_on_one_port_exclude_each_other_and_name_the_owner(self):
        owner = 'is already published by container "web" on network "front"'
        wildcard, specific = single(8080), single(8080, host_ip="192.0.2.1")
        range_ = [{"host_port": 8000, "range": 100}]
        wide = [{"host_port": 7900, "range": 1000}]
        shifted = [{"host_port": 8079, "container_port": 1, "range": 3}]
        cases = [
            (wildcard, wildcard, "8080/tcp"),
            (wildcard, specific, "192.0.2.1:8080/tcp"),
            (specific, wildcard, "192.0.2.1:8080/tcp"),
            (specific, specific, "192.0.2.1:8080/tcp"),
            (range_, wildcard, "8080/tcp"),
            (wildcard, range_, "8080/tcp"),
            (wildcard, wide, "8080/tcp"),
            (range_, specific, "192.0.2.1:8080/tcp"),
            (specific, range_, "192.0.2.1:8080/tcp"),
            (range_, wide, "8000/tcp"),
            (wide, range_, "8000/tcp"),
            (shifted, wildcard, "8080/tcp"),
            (wildcard, shifted, "8080/tcp"),
        ]
        for first, second, port in cases:
            with self.subTest(first=first, second=second):
                subprocess.run(["nft", "flush", "ruleset"], check=True)
                apply({"networks": [FRONT], **published(web(ports=first))})
                answer = self.refused(
                    published(web("api", address4="10.89.0.3", ports=single(99) + second)),
                    f"port {port} {owner}")
                self.assertTrue(answer["exists"])
                # All in one batch, as after a flush, they are found as well.
                subprocess.run(["nft", "flush", "ruleset"], check=True)
                with self.assertRaisesRegex(Refused, "is already published by container"):
                    apply(published(web(ports=first), web("api", ports=second)))

    def test_claims_of_other_protocols_families_and_addresses_live_together(self):
        apply({"networks": [FRONT], **published(
            web("a", ports=single(80)), web("b", ports=single(80, protocol="udp")),
            web("c", ports=single(80, protocol="sctp")),
            web("d", address4=None, address6="fd00:1::2", ports=single(80)),
            web("e", ports=single(81, host_ip="127.0.0.1")),
            web("f", ports=single(81, host_ip="127.0.0.2")),
            web("g", ports=[{"host_port": 100, "range": 50}]),
            web("h", ports=[{"host_port": 150, "range": 50}]))})
        apply(published(web("i", ports=single(200)), web("j", ports=single(99))), "keep")

    def test_an_owner_may_move_its_own_ports(self):
        apply({"networks": [FRONT], **published(web(ports=single(8080) + single(8081)))})
        apply(published(web(address4="10.89.0.9", ports=single(8080, host_ip="127.0.0.1"))))
        text = listing()
        self.assertIn("127.0.0.1 . tcp . 8080", text)
        self.assertNotRegex(text, r"(?<!\. )tcp \. 8080 comment")
        self.assertIn("tcp . 8081", text)

    def test_intervals_change_their_size_in_one_batch(self):
        apply({"networks": [FRONT], **published(web(ports=[{"host_port": 8000, "range": 50}]))})
        wide = network("front", "br0", "10.88.0.0/15", "fd00::/16")
        apply({"networks": [wide], **published(web(ports=[{"host_port": 7990, "range": 90}]))})
        text = listing()
        for new, old in (("tcp . 7990-8079", "8000-8049"), ("{ 10.88.0.0/15 ", "10.89.0.0/24"),
                         ("{ fd00::/16 ", "fd00:1::/64")):
            self.assertIn(new, text)
            self.assertNotIn(old, text)
        apply({"networks": [FRONT], **published(web(ports=[{"host_port": 8010, "range": 20}]))})
        self.assertIn("tcp . 8010-8029", listing())
        self.assertIn("{ 10.89.0.0/24 ", listing())

    def test_the_ends_of_the_address_space_are_intervals_too(self):
        policy = {"networks": [network("ends", "br0", "0.0.0.0/1", "128.0.0.0/1", "8000::/1")]}
        apply(policy)
        full = listing()
        apply(policy)
        self.assertEqual(listing(), full)
        remove(policy)
        self.assertNotIn("network ends", listing())

    def test_a_port_moves_from_one_owner_to_another_in_one_batch(self):
        apply({"networks": [FRONT], **published(web())})
        tool("apply", "keep", policy={**published(web("api")), "remove": published(web())})
        self.assertIn("container api (api-1)", listing())
        self.assertNotIn("container web", listing())

    def test_what_belongs_to_another_owner_by_now_is_not_removed(self):
        apply({"networks": [FRONT], **published(web())})
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        apply({"networks": [FRONT], **published(web("api"))})
        before = listing()
        remove(published(web()))
        self.assertEqual(listing(), before)

    def test_overlapping_subnets_and_shared_bridges_name_the_other_network(self):
        apply({"networks": [FRONT]})
        self.refused({"networks": [network("wide", "br9", "10.89.0.0/16")]},
                     'subnet 10.89.0.0/16 overlaps 10.89.0.0/24 of network "front"')
        self.refused({"networks": [network("small", "br9", "10.89.0.128/25")]},
                     'subnet 10.89.0.128/25 overlaps 10.89.0.0/24 of network "front"')
        self.refused({"networks": [network("twin", "br0", "10.90.0.0/24")]},
                     'bridge "br0" already belongs to network "front"')

    # Other people's rules.

    def test_nothing_outside_the_table_changes(self):
        nft("""
            table ip nat {
              chain PREROUTING { type nat hook prerouting priority -100; }
            }
            table inet filter {
              set s { type inet_service; elements = { 22 }; }
              chain input {
                type filter hook input priority 0; policy drop;
                tcp dport @s accept
              }
            }
        """)
        def others():
            return re.sub(r"table inet burrow \{.*?\n\}\n", "", run("nft", "list", "ruleset"),
                          flags=re.DOTALL)
        before = others()
        apply({"networks": [FRONT], **published(web())})
        self.assertEqual(others(), before)
        apply({"networks": [FRONT]}, "replace")
        self.assertEqual(others(), before)
        tool("apply", "remove")
        self.assertEqual(run("nft", "list", "ruleset"), before)

    def test_the_administrators_rules_survive_a_replacement(self):
        apply({"networks": [FRONT], **published(web())})
        nft("""
            table inet burrow {
              set blocked { type ipv4_addr; elements = { 203.0.113.7 }; }
              chain mine {
                iifname @bridges counter accept
              }
              chain admin {
                ip saddr @blocked drop
                tcp dport { 22, 80 } iifname @bridges counter jump mine
                ip daddr @subnets4 udp dport 5353 drop
              }
            }
        """)
        mine = lambda: re.findall(r"(?:chain (?:admin|mine)|set blocked) \{.*?\n\t\}", listing(),
                                  flags=re.DOTALL)
        before = mine()
        self.assertEqual(len(before), 3)
        nft("flush chain inet burrow forward; flush map inet burrow publish4; "
            "add rule inet burrow between drop")
        self.assertEqual(tool("observe").strip(), "damaged")
        apply({"networks": [BACK], **published(web("api"))}, "replace")
        self.assertEqual(mine(), before)
        text = listing()
        self.assertIn("burrow ruleset 7", text)
        self.assertIn('"br1"', text)
        self.assertIn("container api (api-1)", text)
        self.assertNotIn("container web", text)
        self.assertEqual(text.count("jump container"), 3)

    def test_a_replacement_keeps_what_it_does_not_name(self):
        """Networks of another engine are on another engine's records."""
        apply({"networks": [FRONT], **published(web())})
        nft("flush chain inet burrow forward")
        isolated = {**FRONT, "isolate": "true"}
        apply({"networks": [BACK], **published(web("api", ports=single(9000)))}, "replace")
        text = listing()
        self.assertEqual(tool("observe").strip(), "current")
        for part in ('"br0"', '"br1"', "container web (web-1)", "container api (api-1)"):
            self.assertIn(part, text)
        # An owner that is named has what is said of it and nothing else.
        apply({"networks": [isolated]}, "replace")
        self.assertIn("br0", run("nft", "list", "set", "inet", "burrow", "isolated"))
        apply({"networks": [FRONT]}, "replace")
        self.assertNotIn("br0", run("nft", "list", "set", "inet", "burrow", "isolated"))
        self.assertIn("container api (api-1)", listing())
        # What contradicts the change is left out, and the change holds.
        apply({"networks": [FRONT], **published(web("other"))}, "replace")
        text = listing()
        self.assertIn("container other (other-1)", text)
        self.assertNotIn("container web (web-1)", text)
        self.assertIn("container api (api-1)", text)

    def test_a_replacement_of_a_set_that_the_administrator_uses_is_refused_whole(self):
        nft("""
            table inet burrow {
              set bridges { type ipv4_addr; }
              chain admin {
                ip saddr @bridges drop
              }
            }
        """)
        self.refused({"networks": [FRONT]}, 'rules of yours in firewall table "burrow" use a chain '
                     "or set that must be renewed", "replace")

    # Size and company.

    def test_ten_thousand_ports_are_one_batch(self):
        ports = [{"host_port": port, "container_port": 80} for port in range(1, 10001)]
        apply({"networks": [FRONT], **published(web(ports=ports, address6="fd00:1::2"))})
        text = listing()
        self.assertEqual(text.count("container web (web-1)"), 20000)
        remove(published(web(ports=ports, address6="fd00:1::2")))
        self.assertNotIn("container web", listing())

    def test_one_bad_element_among_thousands_voids_the_batch(self):
        apply({"networks": [FRONT], **published(web(ports=single(5000)))})
        ports = [{"host_port": port, "container_port": 80} for port in range(1, 10001)]
        self.refused(published(web("api", ports=ports)),
                     'port 5000/tcp is already published by container "web" on network "front"')

    def test_many_at_once_all_succeed_while_others_change_the_firewall(self):
        nft("table inet noise {\n set s { type inet_service; }\n }\n")
        apply({"networks": [FRONT]})
        def one(number):
            policy = published(web(f"c{number}", ports=single(1000 + number)))
            if number % 3 == 0:
                nft(f"add element inet noise s {{ {1000 + number} }}")
            apply(policy, "keep")
            if number % 2:
                remove(policy)
        with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(one, range(64)))
        text = listing()
        for number in range(64):
            self.assertEqual(f"tcp . {1000 + number} comment" in text, number % 2 == 0, number)

    def test_of_many_claims_on_one_port_one_wins(self):
        apply({"networks": [FRONT]})
        def one(number):
            try:
                apply(published(web(f"c{number}")), "keep")
                return True
            except Refused as refusal:
                self.assertTrue(refusal.answer["exists"], refusal)
                return False
        with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
            self.assertEqual(sum(pool.map(one, range(32))), 1)
        self.assertEqual(listing().count("tcp . 8080 comment"), 1)

    def test_creating_at_once_makes_one_table(self):
        def one(number):
            try:
                apply({"networks": [network(f"n{number}", f"br{number}")]}, "create")
                return True
            except Refused as refusal:
                self.assertTrue(refusal.answer["changed"], refusal)
                return False
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            self.assertEqual(sum(pool.map(one, range(8))), 1)
        self.assertEqual(listing().count("jump container"), 3)

    def test_the_time_to_publish_does_not_depend_on_what_is_published(self):
        def median(existing):
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            rounds = json.loads(tool("bench", existing, 10))["rounds"]
            return sorted(applied for _, applied, _ in rounds)[len(rounds) // 2]
        empty = min(median(0) for _ in range(3))
        full = min(median(10000) for _ in range(3))
        print(f"10 elements: {empty:.0f} us beside none, {full:.0f} us beside 10,000")
        # A list would be a hundred times slower; the machine's noise is not.
        self.assertLess(full, 4 * empty)

    def test_without_privilege_the_answer_is_permission(self):
        apply({})
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               "--bounding-set=-all", "--inh-caps=-all",
                               *self.copied_tool(), "apply", "keep"],
                              input=json.dumps({"networks": [FRONT]}), capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(json.loads(done.stdout)["code"], 5)

    def copied_tool(self):
        run("sh", "-c", 'cp "$0" /tmp/firewall-tool && chmod 755 /tmp /tmp/firewall-tool',
            str(__import__("firewall_support").TOOL))
        return ["/tmp/firewall-tool"]


if __name__ == "__main__":
    unittest.main()
