"""Beside Docker and ufw, with BURROW_OTHER_FIREWALLS=accept: containers work, nothing else is let through,
and the chains are as before when the last container has gone."""

import json
import os

from beside_support import ADDRESSES, DOCKER, HOSTS, OUTSIDE, UFW, WEB, Accepted
from netns_support import sh
from netstack_support import attachment, main, network, port, request

BACK = network("back", "10.2.0.0/24", "fd00:2::/64")
INSIDE = network("inside", "10.3.0.0/24", "fd00:3::/64", internal=True)


class Docker(Accepted):
    rules = DOCKER

    def test_containers_work_and_its_tables_are_as_before_in_the_end(self):
        web, listeners = self.attach_web()
        self.assert_ours_work(web, listeners)
        guests = self.listener(self.guest, 80)
        self.assert_reaches(self.outside_host, HOSTS, 8000, guests)
        for family in ("ip", "ip6"):
            listing = sh("nft", "-s", "list", "chain", family, "filter", "FORWARD").splitlines()
            # Behind all that is Docker's, and only once however often a container comes.
            self.assertEqual([line.strip() for line in listing[-4:-2]],
                             ['iifname "br-web" counter accept comment "burrow: network web"',
                              'oifname "br-web" counter accept comment "burrow: network web"'])
            self.assertEqual(self.ours(family, "filter", "DOCKER-USER"), [])
        second = request("second", attachment(WEB, "10.1.0.3"))
        self.setup_ok(self.container("second"), second)
        self.assertEqual(len(self.ours("ip", "filter", "FORWARD")), 2)
        self.teardown_ok("/run/netns/second", second)
        self.assertEqual(len(self.ours("ip", "filter", "FORWARD")), 2)
        self.end_web(web)

    def test_what_our_table_drops_stays_dropped(self):
        web, listeners = self.attach_web()
        back = self.attach("back", attachment(BACK, "10.2.0.2", "fd00:2::2"))
        inside = self.attach("inside", attachment(INSIDE, "10.3.0.2", "fd00:3::2"))
        # Nobody has a direct way in, networks are isolated, and internal ones have no way out.
        for prefix, gateway in (("10.1.0.0/24", "192.0.2.1"), ("fd00:1::/64", "2001:db8::1")):
            self.outside_host.sh("ip", "route", "add", prefix, "via", gateway)
        self.assert_cut_off(self.outside_host, ADDRESSES, 80, listeners)
        self.assert_cut_off(back, ADDRESSES, 80, listeners)
        self.assert_cut_off(inside, OUTSIDE, 81, self.outside_listeners)
        self.assert_reaches(back, OUTSIDE, 81, self.outside_listeners)
        self.assertEqual([line for line in self.ours("ip", "filter", "FORWARD") if "br-inside" in line],
                         ['iifname "br-inside" oifname "br-inside" counter accept comment "burrow: network inside"'])

    def test_without_the_administrators_leave_nothing_is_touched(self):
        for word in (None, "leave"):
            environment = {} if word is None else {"BURROW_OTHER_FIREWALLS": word}
            del self.netstack.environment["BURROW_OTHER_FIREWALLS"]
            self.netstack.environment.update(environment)
            web, listeners = self.attach_web()
            self.assert_cut_off(self.outside_host, HOSTS, 8080, listeners)
            self.assertEqual(self.their_tables(), self.theirs)
            self.end_web(web)
            web.delete()
            for listener in listeners:
                listener.close()
            self.netstack.environment["BURROW_OTHER_FIREWALLS"] = "accept"

    def test_limits_that_cut_off_a_networks_containers_say_so(self):
        switches = [f"net/bridge/bridge-nf-call-{family}" for family in ("iptables", "ip6tables")]
        if not all(os.path.exists(f"/proc/sys/{switch}") for switch in switches):
            self.skipTest("br_netfilter is not loaded")
        for switch in switches:
            self.machine.sysctl(switch, 0)
        self.netstack.environment["RUST_LOG"] = "warn"
        asked = request("limited", attachment(WEB, *ADDRESSES, options={"connections": "50"}))
        named = 'chain "ip filter FORWARD" and chain "ip6 filter FORWARD"'
        # With leave there is nothing to say, without it the first limit of the network says it.
        self.assertNotIn(named, self.netstack.setup(self.container("limited"), asked).err)
        self.end(("/run/netns/limited", asked))
        del self.netstack.environment["BURROW_OTHER_FIREWALLS"]
        self.assertIn(named, self.netstack.setup(self.container("first"), asked).err)
        self.end(("/run/netns/first", asked))
        web, _ = self.attach_web()
        command = ("limit", "web", "--container", "web", "--connections")
        self.assertIn(named, self.netstack.run(*command, "50").err)
        self.assertNotIn(named, self.netstack.run(*command, "60").err)
        self.assertIn("br-web", self.findings()["settings.bridge-nf-call"]["found"])
        self.end_web(web)

    def test_no_option_of_a_network_or_container_gives_that_leave(self):
        del self.netstack.environment["BURROW_OTHER_FIREWALLS"]
        asking = {"BURROW_OTHER_FIREWALLS": "accept", "other_firewalls": "accept"}
        document = attachment({**WEB, "options": asking}, *ADDRESSES, options=asking)
        self.netstack.setup(self.container("web"), request("web", document))
        self.assertEqual(self.their_tables(), self.theirs)

    def test_another_word_is_refused(self):
        outcome = self.netstack.setup(self.container("web"), request("web", attachment(WEB, *ADDRESSES)),
                                      environment={"BURROW_OTHER_FIREWALLS": "yes"})
        self.assertEqual(outcome.error, 'invalid BURROW_OTHER_FIREWALLS "yes": must be leave or accept')
        self.assertEqual(sh("nft", "-s", "list", "ruleset"), self.before)

    def test_a_set_up_that_fails_leaves_no_rule(self):
        routes = [{"destination": "10.9.0.0/16", "gateway": "10.77.0.1"}]
        web = self.container("web")
        outcome = self.netstack.setup(web, request("web", attachment({**WEB, "routes": routes}, *ADDRESSES)))
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(sh("nft", "-s", "list", "ruleset"), self.before)

    def test_a_set_up_that_fails_takes_nothing_from_containers_that_run(self):
        web, listeners = self.attach_web()
        # It finds something to put back, and fails after that.
        sh("nft", "flush", "chain", "ip", "filter", "FORWARD")
        routes = [{"destination": "10.9.0.0/16", "gateway": "10.77.0.1"}]
        failing = request("second", attachment({**WEB, "routes": routes}, "10.1.0.3", "fd00:1::3"))
        outcome = self.netstack.setup(self.container("second"), failing)
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(len(self.ours("ip", "filter", "FORWARD")), 2)
        self.assert_ours_work(web, listeners)

    def test_a_dry_run_names_it_and_does_nothing(self):
        outcome = self.netstack.run("plan", "setup", self.container("web").path,
                                    document=request("web", attachment(WEB, *ADDRESSES)))
        self.assertIn("have chains of other firewalls accept br-web", outcome.out)
        self.assertEqual(sh("nft", "-s", "list", "ruleset"), self.before)

    def test_the_leave_counts_for_a_network_that_runs_already_and_stays_when_it_is_gone(self):
        del self.netstack.environment["BURROW_OTHER_FIREWALLS"]
        web, listeners = self.attach_web()
        second = request("second", attachment(WEB, "10.1.0.3"))
        self.setup_ok(self.container("second"), second, environment={"BURROW_OTHER_FIREWALLS": "accept"})
        self.assert_ours_work(web, listeners)
        self.setup_ok(self.container("third"), request("third", attachment(WEB, "10.1.0.4")))
        self.assertEqual(len(self.ours("ip", "filter", "FORWARD")), 2)
        self.teardown_ok("/run/netns/third", request("third", attachment(WEB, "10.1.0.4")))
        self.teardown_ok("/run/netns/second", second)
        self.end_web(web)

    def test_what_is_missing_is_put_back_by_set_ups_reloads_and_repairs(self):
        web, _ = self.attach_web()
        again = request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)])
        for name, command in {
            "set-up": lambda: self.setup_ok(web, again),
            "firewall-reload": lambda: self.assertEqual(self.netstack.run("firewall-reload").code, 0),
            "repair": lambda: self.assertEqual(self.netstack.run("repair").code, 0),
        }.items():
            with self.subTest(name):
                sh("nft", "flush", "chain", "ip", "filter", "FORWARD")
                outcome = self.netstack.run("repair", "--dry-run")
                self.assertIn('chain "ip filter FORWARD" does not accept iifname "br-web"', outcome.out)
                command()
                self.assertEqual(len(self.ours("ip", "filter", "FORWARD")), 2)
                self.assertEqual(self.netstack.run("repair", "--dry-run").code, 0)

    def test_doctor_says_what_is_placed_and_what_is_missing(self):
        finding = self.findings()["firewall.forward-policy"]
        self.assertIn("BURROW_OTHER_FIREWALLS=accept", finding["remedy"])
        self.attach_web()
        shown = json.loads(self.netstack.run("firewall", "show", "--format", "json").out)["networks"][0]
        self.assertEqual(shown["accepted_in"], ["ip filter FORWARD", "ip6 filter FORWARD"])
        self.assertRegex(self.netstack.run("firewall", "show").out, r"ACCEPTED IN +NETWORK\nip filter FORWARD +web\n")
        finding = self.findings()["firewall.forward-policy"]
        self.assertEqual(finding["verdict"], "ok")
        self.assertIn("accept br-web", finding["found"])
        self.setup_ok(self.container("b"), request("b", attachment(BACK, "10.2.0.2", "fd00:2::2")),
                      environment={"BURROW_OTHER_FIREWALLS": "leave"})
        finding = self.findings()["firewall.forward-policy"]
        self.assertEqual(finding["verdict"], "warning")
        self.assertIn("of those on br-back", finding["meaning"])


class Ufw(Accepted):
    rules = UFW

    def test_containers_work_and_its_tables_are_as_before_in_the_end(self):
        web, listeners = self.attach_web()
        self.assert_reaches(web, OUTSIDE, 81, self.outside_listeners)
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        self.end_web(web)


if __name__ == "__main__":
    main()
