"""Teardown takes away what setup made, whatever has happened to the container, the request or the
host in between, and says what it could not do."""

import copy
import json
import os
import signal
import time
import unittest

from netns_support import Listener, connects, wait_until
from netstack_support import (
    CONFIG, DNS, NetstackTest, attachment, encoded, identifier, main, network, port, request,
)  # fmt: skip

A = network("a", "10.1.0.0/24", "fd00:1::/64", dns_enabled=True)
B = network("b", "10.2.0.0/24")
IN_A, IN_B = ("10.1.0.2", "fd00:1::2"), ("10.2.0.2",)
DOCUMENT = request(
    "c",
    attachment({**A, "routes": [{"destination": "10.9.0.0/16", "gateway": "10.1.0.7"}]}, *IN_A),
    attachment(B, *IN_B),
    ports=[port(8080, 80), port(5353, 53, "udp"), port(7000, 7000, count=3)],
)


class TeardownTest(NetstackTest):
    dns = DNS or ""

    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.pod.sh("ip", "link", "set", "lo", "up")
        self.before = self.snapshot(self.pod)
        self.host_before = self.snapshot()

    def set_up(self):
        self.setup_ok(self.pod, DOCUMENT)


class Idempotence(TeardownTest):
    def test_the_second_time_it_succeeds_and_says_nothing(self):
        self.set_up()
        for _ in range(2):
            outcome = self.netstack.teardown(self.pod, DOCUMENT)
            self.assertEqual((outcome.code, outcome.out, outcome.err), (0, "", ""))
        self.assert_unchanged(self.before, self.pod)

    def test_without_any_setup_it_succeeds_and_changes_nothing(self):
        self.teardown_ok(self.pod, DOCUMENT)
        self.assert_unchanged(self.before, self.pod)

    def test_it_leaves_other_containers_of_the_network_alone(self):
        self.set_up()
        other = self.attach("o", attachment(A, "10.1.0.9", "fd00:1::9"), ports=[port(9999, 80)])
        other_before = self.settled_snapshot(other)
        second = self.container("d")
        document = request("d", attachment(A, "10.1.0.3", "fd00:1::3"), ports=[port(8081, 80)])
        self.setup_ok(second, document)
        self.teardown_ok(second, document)
        self.assert_unchanged(other_before, other)
        self.teardown_ok(self.pod, DOCUMENT)
        with Listener(other, 80, "10.1.0.9"):
            self.assertTrue(connects(self.machine, "127.0.0.1", 9999))


class WithoutNamespace(TeardownTest):
    def test_a_namespace_that_is_gone_is_no_error(self):
        self.set_up()
        self.pod.delete()
        self.teardown_ok("/run/netns/c", DOCUMENT)
        self.assert_unchanged(self.host_before)

    def test_it_need_not_wait_until_the_kernel_has_taken_the_links_away(self):
        """The kernel destroys a namespace in the background: links may be there still, or no more."""
        for _ in range(5):
            self.set_up()
            self.pod.delete()
            self.teardown_ok("/run/netns/c", DOCUMENT)
            self.pod = self.container("c")
        self.assert_unchanged(self.host_before)

    def test_a_file_that_is_no_namespace_in_its_place_is_no_obstacle(self):
        self.set_up()
        self.pod.delete()
        with open("/run/netns/c", "w"):
            pass
        outcome = self.netstack.teardown("/run/netns/c", DOCUMENT)
        if outcome.code != 0:
            self.assertIn("/run/netns/c", outcome.error)
        self.assert_unchanged(self.host_before)

    def test_another_namespace_under_the_same_name_keeps_what_it_has(self):
        self.set_up()
        self.pod.delete()
        pod = self.container("c")
        pod.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.teardown_ok(pod, DOCUMENT)
        self.assertEqual(pod.links(), {"lo", "eth0"})
        self.assert_unchanged(self.host_before)


class Requests(TeardownTest):
    """What was set up is known by itself: the request only says whose it is."""

    def check(self, document, may_fail=False):
        self.set_up()
        outcome = self.netstack.teardown(self.pod, document)
        if may_fail and outcome.code != 0:
            self.assertNotEqual(outcome.error, "")
        else:
            self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)
        self.assert_unchanged(self.before, self.pod)

    def changed(self, change):
        document = copy.deepcopy(DOCUMENT)
        change(document)
        return document

    def test_without_port_mappings(self):
        self.check(self.changed(lambda d: d.pop("port_mappings")))

    def test_with_other_port_mappings(self):
        self.check(self.changed(lambda d: d.update(port_mappings=[port(1, 1), port(2, 2, "udp")])))

    def test_with_other_addresses(self):
        def change(document):
            for options in document["networks"]:
                options["static_ips"] = ["10.1.0.99"] if options["name"] == "a" else ["10.2.0.99"]

        self.check(self.changed(change))

    def test_with_another_interface_name(self):
        def change(document):
            for index, options in enumerate(document["networks"]):
                options["interface_name"] = f"other{index}"

        self.check(self.changed(change))

    def test_with_a_network_that_was_changed_meanwhile(self):
        def change(document):
            document["network_info"]["a"].update(
                subnets=[{"subnet": "10.77.0.0/24", "gateway": "10.77.0.1"}],
                network_interface="br-new",
                internal=True,
                dns_enabled=False,
                options={"isolate": "false"},
                routes=[],
            )

        self.check(self.changed(change))

    def test_with_a_network_that_was_removed_meanwhile(self):
        self.check(self.changed(lambda d: d["network_info"].pop("a")), may_fail=True)

    def test_with_networks_as_a_map(self):
        def change(document):
            document["networks"] = {options.pop("name"): options for options in document["networks"]}

        self.check(self.changed(change))

    def test_with_members_of_wrong_types(self):
        def change(document):
            document["port_mappings"] = "none"
            document["network_info"]["b"]["subnets"] = 7
            document["networks"][0]["static_ips"] = [None, {}]

        self.check(self.changed(change), may_fail=True)

    def test_with_nothing_but_the_containers_id(self):
        self.check({"container_id": identifier("c")}, may_fail=True)

    def test_with_an_empty_document(self):
        self.check({}, may_fail=True)

    def test_with_no_input_at_all(self):
        self.check(b"", may_fail=True)

    def test_with_half_a_document(self):
        text = encoded(DOCUMENT)
        self.check(text[: len(text) // 2], may_fail=True)

    def test_with_a_file_that_is_missing(self):
        self.set_up()
        outcome = self.netstack.teardown(self.pod, b"", flags=("--file", "/run/no-such-file"))
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)
        self.assert_unchanged(self.before, self.pod)
        error = self.netstack.teardown(self.pod, b"", flags=("--file", "/run/no-such-file")).error
        self.assertIn("/run/no-such-file", error)

    def test_with_bytes_that_are_no_text(self):
        self.check(b"\xff\xfe\0\x01" * 100, may_fail=True)

    def test_a_request_of_another_container_in_the_same_namespace_takes_nothing(self):
        self.set_up()
        between = self.settled_snapshot(self.pod)
        other = request("other", attachment(network("x", "10.99.0.0/24"), "10.99.0.2", interface_name="eth7"))
        self.netstack.teardown(self.pod, other)
        self.assert_unchanged(between, self.pod)


class Damage(TeardownTest):
    """Others have taken parts away, or added some."""

    def test_the_containers_interface_is_gone(self):
        self.set_up()
        self.pod.sh("ip", "link", "del", "eth0")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assert_unchanged(self.before, self.pod)

    def test_the_containers_interface_was_renamed(self):
        self.set_up()
        self.pod.sh("ip", "link", "set", "eth0", "down")
        self.pod.sh("ip", "link", "set", "eth0", "name", "lan7")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assertIsNone(self.machine.link("br-a"))
        self.assertEqual(self.machine.links(), {"lo"})

    def test_the_bridge_is_gone(self):
        self.set_up()
        self.machine.sh("ip", "link", "del", "br-a")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assert_unchanged(self.before, self.pod)

    def test_the_firewalls_rules_are_gone(self):
        self.set_up()
        self.machine.sh("nft", "flush", "ruleset")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assert_unchanged(self.before, self.pod)

    def test_the_static_route_is_gone(self):
        self.set_up()
        self.pod.sh("ip", "route", "del", "10.9.0.0/16")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assert_unchanged(self.before, self.pod)

    @unittest.skipUnless(DNS, "needs a DNS daemon")
    def test_the_names_are_gone(self):
        self.set_up()
        for name in os.listdir(f"{CONFIG}/aardvark-dns"):
            if name != "aardvark.pid":
                os.unlink(f"{CONFIG}/aardvark-dns/{name}")
        self.teardown_ok(self.pod, DOCUMENT)

    def test_a_link_that_someone_else_put_on_the_bridge_keeps_the_bridge(self):
        self.set_up()
        self.machine.sh("ip", "link", "add", "foreign0", "type", "veth", "peer", "name", "foreign1")
        self.machine.sh("ip", "link", "set", "foreign0", "master", "br-a")
        self.teardown_ok(self.pod, DOCUMENT)
        self.assertEqual(self.machine.link("foreign0")["master"], "br-a")

    def test_everything_that_was_set_up_under_a_lost_configuration_directory_is_derived_from_the_request(self):
        """As when another implementation set the container up before an upgrade."""
        self.set_up()
        for directory, _, names in os.walk(CONFIG):
            for name in names:
                if "aardvark-dns" not in directory:
                    os.unlink(os.path.join(directory, name))
        for directory in os.listdir("/run"):
            if directory not in ("netns", "containers", "lock"):
                self.machine.sh("rm", "-rf", f"/run/{directory}")
        outcome = self.netstack.teardown(self.pod, DOCUMENT)
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(self.pod.links(), {"lo"})
        self.assertEqual(self.machine.links(), {"lo"})
        ruleset = self.machine.sh("nft", "list", "ruleset")
        for trace in ("br-a", "10.1.0.2", "8080"):
            self.assertNotIn(trace, ruleset)


class Signals(TeardownTest):
    def start(self):
        """A teardown that has begun, up to the point where it ignores what ends other programs."""
        process = self.netstack.start("teardown", self.pod.path)
        status = f"/proc/{process.pid}/status"

        def ignores():
            with open(status) as file:
                mask = next(int(line.split()[1], 16) for line in file if line.startswith("SigIgn"))
            return mask >> (signal.SIGTERM - 1) & mask >> (signal.SIGINT - 1) & 1

        self.assertTrue(wait_until(ignores))
        return process

    def test_sigterm_and_sigint_are_ignored_while_it_waits_for_its_input(self):
        self.set_up()
        process = self.start()
        for number in (signal.SIGTERM, signal.SIGINT) * 3:
            process.send_signal(number)
        out, _ = process.communicate(encoded(DOCUMENT), timeout=20)
        self.assertEqual((process.returncode, out), (0, b""))
        self.assert_unchanged(self.before, self.pod)

    def test_sigterm_and_sigint_are_ignored_while_it_works(self):
        for delay in range(0, 20, 2):
            self.set_up()
            process = self.start()
            process.stdin.write(encoded(DOCUMENT))
            process.stdin.close()
            process.stdin = None
            time.sleep(delay / 1000)
            for number in (signal.SIGTERM, signal.SIGINT):
                process.send_signal(number)
            out, _ = process.communicate(timeout=20)
            self.assertEqual((process.returncode, out), (0, b""))
        self.assert_unchanged(self.before, self.pod)


class Errors(TeardownTest):
    def test_an_unknown_network_is_reported_and_the_others_are_taken_away(self):
        self.set_up()
        document = copy.deepcopy(DOCUMENT)
        document["networks"].append({"name": "ghost", "interface_name": "eth7"})
        outcome = self.netstack.teardown(self.pod, document)
        if outcome.code != 0:
            self.assertIn("ghost", outcome.error)
        self.assert_unchanged(self.before, self.pod)

    def test_every_error_is_reported_in_one_line_of_json(self):
        document = {
            **DOCUMENT,
            "networks": [{"name": f"ghost{n}", "interface_name": f"eth{n}"} for n in range(3)],
        }
        outcome = self.netstack.teardown(self.pod, document)
        error = outcome.error
        for n in range(3):
            self.assertIn(f"ghost{n}", error)
        self.assertEqual(json.loads(outcome.out), {"error": error})


if __name__ == "__main__":
    main()
