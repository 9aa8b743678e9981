"""`doctor`: what a host lacks is said before the first container, and nothing is touched."""

import json
import os
import socket
import subprocess
import unittest

from netns_support import sh
from netstack_support import DNS, NETSTACK, NetstackTest, attachment, main, network


class Doctor(NetstackTest):
    dns = DNS or "/none"

    def findings(self, *arguments, environment=None, prefix=()):
        outcome = self.netstack.run("doctor", "--format", "json", *arguments, environment=environment, prefix=prefix)
        self.assertEqual(outcome.err, "")
        document = json.loads(outcome.out)
        failures = [finding for finding in document["findings"] if finding["verdict"] == "failure"]
        self.assertEqual((document["healthy"], outcome.code), (not failures, 1 if failures else 0))
        return {finding["check"]: finding for finding in document["findings"]}

    def test_what_it_says_of_this_kernel_is_what_the_kernel_does(self):
        found = self.findings()
        self.assertEqual(found["privileges"]["verdict"], "ok")
        for kind, arguments in (("veth", ("peer", "name", "u")), ("bridge", ()), ("vrf", ("table", "7"))):
            works = subprocess.run(["ip", "link", "add", "name", "test", "type", kind, *arguments], capture_output=True)
            if works.returncode == 0:
                sh("ip", "link", "delete", "test")
            self.assertEqual(found[f"kernel.{kind}"]["verdict"] == "ok", works.returncode == 0, kind)
        sh("ip", "link", "add", "name", "parent", "type", "bridge")
        for kind in ("macvlan", "ipvlan"):
            works = subprocess.run(["ip", "link", "add", "name", "test", "link", "parent", "type", kind], capture_output=True)
            self.assertEqual(found[f"kernel.{kind}"]["verdict"] == "ok", works.returncode == 0, kind)
            subprocess.run(["ip", "link", "delete", "test"], capture_output=True)
        works = subprocess.run(
            ["ip", "link", "add", "name", "vlans", "type", "bridge", "vlan_filtering", "1"], capture_output=True
        ).returncode == 0 and self.machine.link("vlans")["linkinfo"]["info_data"].get("vlan_filtering") == 1
        self.assertEqual(found["kernel.vlan-filtering"]["verdict"] == "ok", works)
        self.assertEqual(found["kernel.firewall"]["verdict"], "ok")

    def test_the_host_is_as_before(self):
        self.machine.sh("nft", "add", "table", "inet", "mine")
        before = self.snapshot()
        self.findings()
        self.assertEqual(self.netstack.run("doctor").code, 0)
        self.assert_unchanged(before)
        self.assertEqual(self.machine.sysctl("net/ipv4/ip_forward"), "0")
        self.assertEqual(os.listdir("/run/netns"), [])

    def test_people_get_a_table(self):
        outcome = self.netstack.run("doctor")
        self.assertRegex(outcome.out, r"(?m)^ok +kernel\.bridge +the kernel has bridges$")
        self.assertRegex(outcome.out, r"\ncontainers will work: 0 failures, \d+ warnings?\n$")

    def test_no_run_directory_is_asked_for(self):
        done = subprocess.run([*NETSTACK, "doctor"], capture_output=True, env={"PATH": "/none"})
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def chain(self, hook, *rules):
        sh("nft", "add", "table", "ip", "foreign")
        sh("nft", "add", "chain", "ip", "foreign", "guard", f"{{ type filter hook {hook} priority 0; policy drop; }}")
        for rule in rules:
            sh("nft", "add", "rule", "ip", "foreign", "guard", *rule.split())

    def test_a_foreign_chain_that_forwards_nothing_is_a_failure_that_packets_prove(self):
        self.chain("forward")
        finding = self.findings()["firewall.forward-policy"]
        self.assertEqual(finding["verdict"], "failure")
        self.assertIn("ip foreign guard", finding["found"])
        outside = self.outside()
        container = self.attach("c", attachment(network("n", "10.1.0.0/24"), "10.1.0.2"))
        ping = ["ping", "-c1", "-W1", "-q", "192.0.2.2"]
        self.assertRaises(RuntimeError, container.sh, *ping)
        # The remedy's own rules.
        for word in ("oifname", "iifname"):
            sh("nft", "insert", "rule", "ip", "foreign", "guard", word, "br-*", "accept")
        container.sh(*ping)
        self.assertEqual(self.findings()["firewall.forward-policy"]["verdict"], "warning")
        outside.delete()

    def test_a_foreign_input_chain_that_drops_is_a_warning(self):
        self.chain("input", "iifname lo accept")
        self.assertEqual(self.findings()["firewall.input-policy"]["verdict"], "warning")

    def test_our_own_table_is_no_stranger(self):
        self.attach("c", attachment(network("n", "10.1.0.0/24"), "10.1.0.2"))
        self.assertEqual(self.findings()["firewall.policies"]["verdict"], "ok")

    def test_who_holds_the_port_of_names_is_named(self):
        self.assertEqual(self.findings()["dns.port"]["verdict"], "ok")
        with self.machine.socket(socket.AF_INET, socket.SOCK_DGRAM) as single:
            single.bind(("127.0.0.1", 53))
            self.assertEqual(self.findings()["dns.port"]["verdict"], "ok")
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind, word in ((socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")):
                with self.machine.socket(family, kind) as holder:
                    holder.bind((address, 53))
                    if kind == socket.SOCK_STREAM:
                        holder.listen()
                    finding = self.findings()["dns.port"]
                    self.assertEqual(finding["verdict"], "warning")
                    self.assertIn(f"{word} by python3", finding["found"])
                    self.assertIn(f"({os.getpid()})", finding["found"])
                    other = self.findings(environment={"NETAVARK_DNS_PORT": "5353"})
                    self.assertEqual(other["dns.port"]["verdict"], "ok")

    def test_without_privileges_it_says_so_and_ends_with_1(self):
        drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
        found = self.findings(prefix=drop)
        self.assertEqual(found["privileges"]["verdict"], "failure")
        self.assertNotIn("kernel.veth", found)

    def test_settings_that_cannot_be_written_matter_as_long_as_nothing_is_forwarded(self):
        sh("mount", "--bind", "-o", "ro", "/proc/sys", "/proc/sys")
        sh("mount", "-o", "remount,bind,ro", "/proc/sys")
        try:
            self.assertEqual(self.findings()["settings.writable"]["verdict"], "failure")
        finally:
            sh("umount", "/proc/sys")
        self.machine.sysctl("net/ipv4/ip_forward", 1)
        sh("mount", "--bind", "-o", "ro", "/proc/sys", "/proc/sys")
        sh("mount", "-o", "remount,bind,ro", "/proc/sys")
        try:
            self.assertEqual(self.findings()["settings.writable"]["verdict"], "warning")
        finally:
            sh("umount", "/proc/sys")

    def test_ipv6_that_is_switched_off_is_told(self):
        self.assertEqual(self.findings()["settings.ipv6"]["verdict"], "ok")
        self.machine.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        self.assertEqual(self.findings()["settings.ipv6"]["verdict"], "warning")

    @unittest.skipUnless(os.path.exists("/proc/sys/net/bridge"), "needs br_netfilter")
    def test_bridged_packets_that_meet_the_firewall_are_told(self):
        self.machine.sysctl("net/bridge/bridge-nf-call-iptables", 0)
        self.machine.sysctl("net/bridge/bridge-nf-call-ip6tables", 0)
        self.assertEqual(self.findings()["settings.bridge-nf-call"]["verdict"], "ok")
        self.machine.sysctl("net/bridge/bridge-nf-call-ip6tables", 1)
        self.assertIn("IPv6", self.findings()["settings.bridge-nf-call"]["found"])

    def test_a_daemon_that_is_not_there_is_told(self):
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/none"
        self.assertEqual(self.findings()["dns.daemon"]["verdict"], "warning")


if __name__ == "__main__":
    main()
