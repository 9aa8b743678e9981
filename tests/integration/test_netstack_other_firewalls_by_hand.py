"""Beside chains that were written by hand or by iptables, with BURROW_OTHER_FIREWALLS=accept: containers
work and have names, whom a rule bars stays barred, and in the end the chains are as before."""

import shutil
import socket
import subprocess
import unittest

import dns_support
from beside_support import ADDRESSES, HOSTS, OUTSIDE, WEB, Accepted
from netns_support import sh, wait_until
from netstack_support import DNS, attachment, main, port, request

NAMED = {**WEB, "dns_enabled": True}

# Written by hand: both hooks, one table for both families, and one address that is barred.
BY_HAND = """
table inet filter {
  chain input { type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    iifname { "uplink", "theirs0" } meta l4proto { icmp, ipv6-icmp } accept
  }
  chain forward { type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ip saddr 10.1.0.9 drop
    ip6 saddr fd00:1::9 drop
    iifname "theirs0" accept
  }
}
"""

# The last rule speaks, not the policy; in a chain of its own, to which one rule alone leads.
IN_THE_END = """
table inet filter {
  chain rest { counter log prefix "rest" reject with icmpx admin-prohibited
  }
  chain routed {
    ct state established,related accept
    ip saddr 10.1.0.9 drop
    jump rest
  }
  chain forward { type filter hook forward priority filter; policy accept;
    iifname "theirs0" accept
    jump routed
    ip saddr 192.0.2.77 accept
  }
}
"""


class ByHand(Accepted):
    rules = BY_HAND

    def test_containers_work_and_the_table_is_as_before_in_the_end(self):
        self.assert_works_and_ends()

    def test_who_is_barred_by_a_rule_stays_barred(self):
        self.attach_web()
        barred = self.attach("barred", attachment(WEB, "10.1.0.9", "fd00:1::9"))
        self.assert_cut_off(barred, OUTSIDE, 81, self.outside_listeners)

    def test_behind_a_long_list_and_what_is_added_to_it_they_stand_last(self):
        barred = [f"10.200.{number // 250}.{number % 250}" for number in range(5000)]
        sh("nft", "-f", "-", input="".join(f"add rule inet filter forward ip saddr {one} drop\n" for one in barred))
        self.attach_web()
        last = lambda count: [line.strip() for line in
                              sh("nft", "-s", "list", "chain", "inet", "filter", "forward").splitlines()[-2 - count:-2]]
        self.assertEqual(last(3)[0], f"ip saddr {barred[-1]} drop")
        sh("nft", "add", "rule", "inet", "filter", "forward", "ip", "saddr", "10.1.0.9", "drop")
        self.setup_ok(self.container("second"), request("second", attachment(WEB, "10.1.0.3")))
        self.assertEqual(last(3)[0], "ip saddr 10.1.0.9 drop")
        self.assertEqual(last(3)[1:], self.ours("inet", "filter", "forward"))

    def test_the_host_is_open_for_names_alone(self):
        web, _ = self.attach_web()
        listeners = self.listener(self.machine, 22)
        self.assert_cut_off(web, ("10.1.0.1", "fd00:1::1"), 22, listeners)

    def test_a_table_of_a_running_program_is_named_and_stops_nobody(self):
        owner = subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.stdin.close)
        owner.stdin.write("add table inet guarded { flags owner; }\n"
                          "add chain inet guarded forward { type filter hook forward priority 5; policy drop; }\n")
        owner.stdin.flush()
        self.assertTrue(wait_until(lambda: "chain forward" in sh("nft", "list", "tables") + sh("nft", "list", "chains")
                                   and "guarded" in sh("nft", "list", "chains")))
        outcome = self.netstack.setup(self.container("web"), request("web", attachment(WEB, *ADDRESSES)))
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn('chain "inet guarded forward" cannot be changed: its table belongs to a running program',
                      outcome.err)
        self.assertEqual(len(self.ours("inet", "filter", "forward")), 2)

    def test_chains_of_bridges_are_named_and_left_alone(self):
        sh("nft", "add table bridge frames; add chain bridge frames forward "
                  "{ type filter hook forward priority 0; policy drop; }")
        self.before = sh("nft", "-s", "list", "ruleset")
        outcome = self.netstack.setup(self.container("web"), request("web", attachment(WEB, *ADDRESSES)),
                                      environment={"RUST_LOG": "warn"})
        self.assertIn('chain "bridge frames forward" drops frames of bridges and is left alone', outcome.err)
        self.end(("/run/netns/web", request("web", attachment(WEB, *ADDRESSES))))


class InTheEnd(Accepted):
    rules = IN_THE_END

    def test_containers_work_and_the_table_is_as_before_in_the_end(self):
        web, listeners = self.attach_web()
        self.assert_ours_work(web, listeners)
        # Where one rule alone leads to, as late as can be.
        self.assertEqual(len(self.ours("inet", "filter", "rest")), 2)
        self.end_web(web)

    def test_a_chain_that_others_lead_to_as_well_is_left_alone(self):
        sh("nft", "insert", "rule", "inet", "filter", "forward", "ip", "saddr", "10.1.0.9", "jump", "rest")
        self.before = sh("nft", "-s", "list", "ruleset")
        web, listeners = self.attach_web()
        self.assert_ours_work(web, listeners)
        self.assertEqual(self.ours("inet", "filter", "rest"), [])
        self.assertEqual(len(self.ours("inet", "filter", "routed")), 2)
        barred = self.attach("barred", attachment(WEB, "10.1.0.9"))
        self.assert_cut_off(barred, OUTSIDE[:1], 81, self.outside_listeners)
        self.teardown_ok(barred, request("barred", attachment(WEB, "10.1.0.9")))
        self.end_web(web)


@unittest.skipUnless(DNS, "needs a DNS daemon")
class Names(Accepted):
    rules = BY_HAND
    dns = DNS or ""

    def answers(self, namespace, server):
        query = dns_support.make_query("web", edns=1232)
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        replies = []
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with namespace.socket(family, kind) as client:
                client.settimeout(2)
                client.connect((server, 53))
                client.send(query if kind == socket.SOCK_DGRAM else len(query).to_bytes(2, "big") + query)
                reply = client.recv(4096)
                replies.append(dns_support.Reply(reply if kind == socket.SOCK_DGRAM else reply[2:]).data)
        return replies

    def test_names_are_answered_on_the_port_in_use(self):
        for environment in ({}, {"NETAVARK_DNS_PORT": "1053"}):
            document = request("web", attachment(NAMED, *ADDRESSES))
            web = self.container("web")
            self.setup_ok(web, document, environment=environment)
            for server in ("10.1.0.1", "fd00:1::1"):
                self.assertEqual(self.answers(web, server), [["10.1.0.2"], ["10.1.0.2"]])
            self.end((web, document))
            web.delete()


@unittest.skipUnless(shutil.which("iptables-nft", path="/usr/sbin:/sbin:/usr/bin"), "needs iptables")
class IptablesNft(Accepted):
    def setUp(self):
        super().setUp()
        for program in ("iptables-nft", "ip6tables-nft"):
            for rule in ("-P FORWARD DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                         "-A FORWARD -i theirs0 -j ACCEPT", "-A FORWARD -j REJECT", "-N shared", "-A FORWARD -j shared",
                         "-P INPUT DROP", "-A INPUT -i uplink -j ACCEPT"):
                sh(program, *rule.split())
        self.rules_before = [sh(program, "-S") for program in ("iptables-nft", "ip6tables-nft")]

    def test_iptables_reads_our_rules_as_its_own_also_from_a_file_and_they_go_in_the_end(self):
        web, listeners = self.attach_web()
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        for program in ("iptables-nft", "ip6tables-nft"):
            listing = sh(program, "-S", "FORWARD").splitlines()
            self.assertEqual(listing[3:5],
                             ['-A FORWARD -i br-web -m comment --comment "burrow: network web" -j ACCEPT',
                              '-A FORWARD -o br-web -m comment --comment "burrow: network web" -j ACCEPT'])
            self.assertTrue(listing[5].startswith("-A FORWARD -j REJECT"), listing)
            saved = sh(f"{program}-save")
            self.assertNotIn("incompatible", saved)
            sh(f"{program}-restore", input=saved)
            self.assertEqual(sh(program, "-S", "FORWARD").splitlines(), listing)
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        # They are known again: none is added, and none is left.
        self.setup_ok(self.container("second"), request("second", attachment(WEB, "10.1.0.3")))
        self.assertEqual(sh("iptables-nft", "-S", "FORWARD").count("br-web"), 2)
        self.teardown_ok("/run/netns/second", request("second", attachment(WEB, "10.1.0.3")))
        self.teardown_ok(web, request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)]))
        self.assertEqual([sh(program, "-S") for program in ("iptables-nft", "ip6tables-nft")], self.rules_before)


if __name__ == "__main__":
    main()
