"""Names in lists of egress: how long what they opened stays open, and who is refused such lists."""

import os
import subprocess
import time

import dns_support as dns
from limits_support import FAR4, FAR6, NEAR4
from names_support import NamesTest, asks
from netstack_support import DNS, attachment, main, request
from watch_support import Watcher

OPEN, REFUSED = "open", "refused"


class Life(NamesTest):
    def setUp(self):
        super().setUp()
        self.server.names = {"deb.example.org": ([FAR4, FAR6], 300), "near.example.org": ([NEAR4], 300)}

    def test_a_list_that_changes_while_its_container_runs_counts_at_once(self):
        web = self.start("web", self.front(), 2)
        self.limit_ok("front", "--egress-allow", "deb.example.org,192.0.2.2", container="web")
        asks(web, "deb.example.org")
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [OPEN] * 2)
        self.assertEqual(self.shown_limits(), {
            (self.owner("web"), "egress_allow"): ["192.0.2.2/32", "deb.example.org"]})
        self.limit_ok("front", "--egress-allow", "near.example.org", container="web")
        self.assertEqual(self.addresses(), [])
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [REFUSED] * 2)
        asks(web, "near.example.org")
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [REFUSED, OPEN])
        self.limit_ok("front", "--egress-allow", "", "--egress-deny", "deb.example.org", container="web")
        self.assertEqual(self.addresses(), [])
        asks(web, "deb.example.org")
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [REFUSED, OPEN])
        self.limit_ok("front", "--egress-deny", "", container="web")
        self.assertEqual((self.addresses(), self.outcomes(web, FAR4)), ([], [OPEN]))

    def test_a_networks_list_that_changes_counts_for_those_who_come_later_too(self):
        a = self.start("a", self.front(), 2)
        self.limit_ok("front", "--egress-allow", "deb.example.org")
        b = self.start("b", self.front(), 3)
        asks(b, "deb.example.org")
        self.assertEqual(self.outcomes(a, FAR4, NEAR4), [OPEN, REFUSED])
        self.assertEqual(self.outcomes(b, FAR4, NEAR4), [OPEN, REFUSED])
        self.limit_ok("front", "--egress-allow", "")
        self.assertEqual(self.addresses(), [])
        self.assertEqual(self.outcomes(a, FAR4, NEAR4), [OPEN] * 2)

    def test_what_was_open_for_a_container_ends_with_it_also_without_the_daemon(self):
        stays = self.start("stays", self.front(), 9, egress_allow="near.example.org")
        for name, stopped in (("web", False), ("again", True)):
            web = self.start(name, self.front(), 2, egress_allow="deb.example.org")
            asks(web, "deb.example.org")
            asks(stays, "near.example.org")
            self.assertEqual(self.addresses(), sorted([FAR4, NEAR4]))
            if stopped:
                self._stop_daemon()
            self.stop(name)
            self.assertEqual(self.addresses(), [NEAR4])
        self.stop("stays")
        self.assertEqual(self.machine.sh("nft", "list", "tables"), "")

    def test_a_name_that_a_list_loses_is_closed_though_the_daemon_that_opened_it_has_died(self):
        self.server.names["deb.example.org"] = ([FAR4, FAR6], 86400)
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org,near.example.org")
        other = self.start("other", self.front(), 3, egress_allow="deb.example.org")
        for client in (web, other):
            asks(client, "deb.example.org")
        self._stop_daemon()
        self.limit_ok("front", "--egress-allow", "192.0.2.77", container="web")
        self.assertEqual(self.outcomes(web, FAR4), [REFUSED])
        self.assertEqual(self.outcomes(other, FAR4), [OPEN])
        self.assertEqual(len(self.opened()), 1)
        # The same of a network, by its bridge; what the daemon knows of names that stay comes back.
        self.limit_ok("front", "--egress-allow", "deb.example.org,near.example.org")
        self.stop("web")
        self.stop("other")
        third = self.start("third", self.front(), 4)
        self.limit_ok("front", "--egress-allow", "deb.example.org,near.example.org")
        asks(third, "deb.example.org")
        self._stop_daemon()
        self.limit_ok("front", "--egress-allow", "near.example.org")
        self.assertEqual(self.addresses(), [])
        self.limit_ok("front", "--egress-allow", "deb.example.org,near.example.org")
        for name in ("deb.example.org", "near.example.org"):
            asks(third, name)
        self.limit_ok("front", "--egress-allow", "near.example.org")
        self.assertEqual((self.addresses(), self.outcomes(third, FAR4, NEAR4)), ([NEAR4], [REFUSED, OPEN]))

    def test_two_definitions_of_a_network_do_not_take_turns(self):
        a = self.start("a", self.front(egress_allow="deb.example.org"), 2)
        b = self.start("b", self.front(egress_allow="near.example.org"), 3)
        path = "/run/containers/networks/aardvark-dns/front"
        with open(path) as file:
            latest = file.read()
        for _ in range(2):
            outcome = self.netstack.run("repair")
            self.assertNotIn("DNS", outcome.out)
            with open(path) as file:
                self.assertEqual(file.read(), latest)
        # Lists of the network that went are put back, and stay.
        with open(path, "w") as file:
            file.write("".join(line for line in latest.splitlines(True) if "EGRESS" not in line))
        self.assertIn("DNS", self.netstack.run("repair").out)
        self.assertNotIn("DNS", self.netstack.run("repair", "--dry-run").out)
        with open(path) as file:
            self.assertIn("EGRESS", file.read())
        for container in (a, b):
            asks(container, "deb.example.org")

    def test_after_a_flush_all_that_was_open_comes_back(self):
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org,near.example.org")
        for qtype in (dns.A, dns.AAAA):
            asks(web, "deb.example.org", qtype)
        opened = self.opened()
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertEqual(list(self.opened()), list(opened))
        self.assertEqual(self.outcomes(web, FAR4, FAR6, NEAR4), [OPEN, OPEN, REFUSED])
        # A set-up brings the table back as well.
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        self.start("other", self.front(), 3)
        self.assertEqual(list(self.opened()), list(opened))
        self.assertEqual(self.outcomes(web, FAR4, FAR6, NEAR4), [OPEN, OPEN, REFUSED])
        watcher = Watcher()
        self.addCleanup(watcher.stop)
        asks(web, "near.example.org")
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        self.assertTrue(watcher.says("put back our table"))
        dns.wait_until(lambda: len(self.opened()) == 3, what="the addresses of names")
        self.assertEqual(self.outcomes(web, FAR4, FAR6, NEAR4), [OPEN] * 3)

    def test_a_watcher_does_not_wake_for_names_that_come_and_go(self):
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org")
        watcher = Watcher()
        self.addCleanup(watcher.stop)
        asks(web, "deb.example.org")
        self.limit_ok("front", "--egress-allow", "near.example.org", container="web")
        time.sleep(0.3)
        self.assertNotIn("put back", watcher.said())
        # Neither are they missed, or somebody else's, when all is compared.
        asks(web, "near.example.org")
        outcome = self.netstack.run("repair", "--dry-run")
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome)
        self.assertNotIn("named", outcome.out)

    def test_two_threads_open_for_all_their_clients(self):
        script = "/run/dns-with-two-threads"
        with open(script, "w") as file:
            file.write(f'#!/bin/sh\nexec {os.path.abspath(DNS)} --threads 2 "$@"\n')
        os.chmod(script, 0o755)
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = script
        front = self.front(egress_allow="near.example.org")
        clients = [self.start(f"c{n}", front, n, egress_allow="deb.example.org") for n in range(2, 8)]
        for client in clients:
            asks(client, "deb.example.org")
            asks(client, "near.example.org")
        for client in clients:
            self.assertEqual(self.outcomes(client, FAR4), [OPEN])
        self.assertEqual(len(self.opened()), len(clients) + 1)
        self.stop("c2")
        self.assertEqual(len(self.opened()), len(clients))

    def test_without_the_table_answers_come_all_the_same(self):
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org")
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        self.assertEqual(asks(web, "deb.example.org"), [FAR4])
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [OPEN, REFUSED])


class Refusals(NamesTest):
    def test_names_that_nobody_would_open_are_refused_with_a_reason(self):
        silent = self.front()
        silent["dns_enabled"] = False
        web = self.container("web")
        listed = {"egress_allow": "deb.example.org"}
        self.assert_refused(web, request("web", attachment(silent, "10.30.0.2", options=listed)),
                            'network "front": names in lists need its DNS')
        self.assert_refused(web, request("web", attachment(self.front(), "10.30.0.2",
                                                           options={"ingress_allow": "deb.example.org"})),
                            '"deb.example.org" is a name: lists of who may send')
        for typo in ("192.0.2.1-9", "192.0.2.0-255", "192.0.2.2_32", "192.0.2.x"):
            self.assert_refused(web, request("web", attachment(self.front(), "10.30.0.2",
                                                               options={"egress_deny": typo})),
                                f'"{typo}" is no name of hosts')
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = ""
        self.assert_refused(web, request("web", attachment(self.front(), "10.30.0.2", options=listed)),
                            'network "front": names in lists need its DNS')

    def test_with_another_daemon_of_the_contract_a_list_with_names_is_refused(self):
        """It serves, but opens nothing: known when it has been started, and all is taken back."""
        script = "/run/other-dns"
        with open(script, "w") as file:
            file.write('#!/bin/sh\n'
                       'while [ "$1" != --config ]; do shift; done\n'
                       '(exec sh -c "sleep 60; :" other "$2" >/dev/null 2>&1 </dev/null) &\n'
                       # Between fork and exec it is not known for a daemon yet.
                       'until grep -qa "sleep 60" /proc/$!/cmdline; do :; done\n'
                       'echo -n $! > "$2/aardvark.pid"\n')
        os.chmod(script, 0o755)
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = script
        asked = request("web", attachment(self.front(), "10.30.0.2", options={"egress_allow": "deb.example.org"}))
        error = self.netstack.setup(self.container("web"), asked).error
        self.assertIn("names in lists need burrow-dns", error)
        self.assertIn('aardvark.pid"', error)
        self.assertIn("end it, so that", error)
        self.assertEqual(os.path.exists("/run/containers/networks/aardvark-dns/front"), False)


if __name__ == "__main__":
    main()
