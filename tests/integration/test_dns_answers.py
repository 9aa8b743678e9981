"""What burrow-dns answers to containers and to the host, over both transports and families."""

import sys
import unittest

import dns_support as dns
from dns_support import (A, AAAA, HTTPS, MX, NOERROR, NXDOMAIN, PTR, SOA, DaemonTest, ask, ask_tcp,
                         make_query, run)

FILES = {
    "blue": "10.89.0.1,fd89::1\n"
            "aaa 10.89.0.2 fd89::2 web,frontend,aaaaaaaaaaaa\n"
            "bbb 10.89.0.3  db,backend\n"
            "mmm 10.89.0.4  bridge,group\n"
            "ggg 10.89.0.5  g,group\n",
    "red": "10.90.0.1\n"
           "mmm 10.90.0.4  bridge,group\n"
           "ccc 10.90.0.2  secret,web\n",
    "dark%int": "10.91.0.1,fd91::1\nddd 10.91.0.2 fd91::2 inside\n",
}
GATEWAYS = ["10.89.0.1", "10.90.0.1", "10.91.0.1", "fd89::1", "fd91::1"]
CONTAINERS = ["10.89.0.2", "10.89.0.3", "10.89.0.4", "10.89.0.77", "10.90.0.2", "10.90.0.4",
              "10.91.0.2", "fd89::2", "fd91::2", "fd91::77"]
WEB, DB, BRIDGE = CONTAINERS[:3]

dns.add_address("10.89.0.1/24", "10.90.0.1/24", *GATEWAYS[2:], *CONTAINERS)
dns.private_etc()


class Answers(DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.daemon = dns.Daemon(FILES).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def assert_negative(self, reply, rcode):
        self.assertEqual((reply.rcode, reply.data), (rcode, []))
        self.assertTrue(reply.authoritative)
        self.assertEqual([record[1] for record in reply.authority], [SOA])

    def test_names_aliases_and_short_ids_over_both_transports(self):
        for name in ("web", "frontend", "aaaaaaaaaaaa", "web.dns.podman", "WEB.DNS.podman"):
            for way in (ask, ask_tcp):
                reply = way(name, source=DB)
                self.assertEqual(reply.answer, [(name + ".", A, 0, WEB)])
                self.assertTrue(reply.authoritative)
        self.assertEqual(ask("web", AAAA, source=DB).data, ["fd89::2"])
        self.assertEqual(ask("web", server="fd89::1", source="fd89::2").data, [WEB])

    def test_a_name_that_exists_has_no_nxdomain_for_any_type(self):
        for name in ("db", "db.dns.podman"):
            for qtype in (AAAA, MX, HTTPS, 33, 257):
                self.assert_negative(ask(name, qtype, source=WEB), NOERROR)
        self.assert_negative(ask("nobody.dns.podman", source=WEB), NXDOMAIN)

    def test_a_container_sees_its_networks_and_no_other(self):
        self.assert_negative(ask("secret.dns.podman", source=WEB), NXDOMAIN)
        self.assertEqual(ask("secret", source=BRIDGE).data, ["10.90.0.2"])
        self.assertEqual(ask("db", server="10.90.0.1", source="10.90.0.4").data, [DB])
        self.assert_negative(ask("db.dns.podman", server="10.90.0.1", source="10.90.0.2"), NXDOMAIN)
        # By a foreign gateway a container still sees its own.
        self.assertEqual(ask("db", server="10.90.0.1", source=WEB).data, [DB])
        self.assert_negative(ask("secret.dns.podman", server="10.90.0.1", source=WEB), NXDOMAIN)

    def test_addresses_of_the_asked_network_come_first(self):
        self.assertEqual(ask("bridge", source=BRIDGE).data, [BRIDGE, "10.90.0.4"])
        self.assertEqual(ask("bridge", server="10.90.0.1", source="10.90.0.4").data,
                         ["10.90.0.4", BRIDGE])
        self.assertEqual(ask("web", source=BRIDGE).data, [WEB, "10.90.0.2"])

    def test_an_alias_group_turns(self):
        first = {ask("group", source=WEB, ident=ident).data[0] for ident in range(20)}
        self.assertEqual(first, {"10.89.0.4", "10.89.0.5"})

    def test_the_host_sees_the_network_that_it_asks(self):
        self.assertEqual(ask("web").data, [WEB])
        self.assertEqual(ask("web", server="10.90.0.1").data, ["10.90.0.2"])
        self.assertEqual(ask("2.0.89.10.in-addr.arpa", PTR).data,
                         ["web.", "frontend.", "aaaaaaaaaaaa."])

    def test_reverse_names_in_both_families(self):
        self.assertEqual(ask("3.0.89.10.in-addr.arpa", PTR, source=WEB).data, ["db.", "backend."])
        self.assertEqual(run("dig", "+short", "@fd89::1", "-b", "fd89::2", "-x", "fd89::2").stdout,
                         "web.\nfrontend.\naaaaaaaaaaaa.\n")

    def test_reverse_names_of_container_subnets_stay_here(self):
        upstream = self.start_upstream("127.0.0.9")
        servers = {"blue": FILES["blue"].replace("fd89::1\n", "fd89::1 127.0.0.9\n", 1)}
        self.daemon.reload(servers)
        self.addCleanup(self.daemon.reload, FILES)
        dns.wait_until(lambda: ask("example.com", source=WEB).data == ["127.0.0.9"])
        self.assert_negative(ask("200.0.89.10.in-addr.arpa", PTR, source=WEB), NXDOMAIN)
        self.assert_negative(ask("2.0.90.10.in-addr.arpa", PTR, source=WEB), NXDOMAIN)
        self.assertEqual({name for name, _ in upstream.names()}, {"example.com."})

    def test_an_internal_network_is_no_way_out_for_any_source(self):
        for server, sources in (("10.91.0.1", ["10.91.0.2", "10.89.0.77"]),
                                ("fd91::1", ["fd91::2", "fd91::77"])):
            for source in sources:
                self.assert_negative(ask("example.com", server=server, source=source), NXDOMAIN)
        self.assertEqual(ask("inside", server="fd91::1", source="fd91::2").data, ["10.91.0.2"])

    def test_dig_finds_nothing_to_complain_about(self):
        said = run("dig", "@10.89.0.1", "-b", WEB, "web").stdout
        self.assertIn("flags: qr aa rd ra;", said)
        self.assertNotIn("WARNING", said)
        self.assertIn("BADVERS", run("dig", "+edns=1", "+noednsneg", "@10.89.0.1", "web").stdout)

    def test_a_large_group_is_cut_in_whole_records_and_whole_over_tcp(self):
        lines = "".join(f"c{i} 10.89.1.{i}  many\n" for i in range(1, 151))
        self.daemon.reload({"blue": FILES["blue"] + lines})
        self.addCleanup(self.daemon.reload, FILES)
        dns.wait_until(lambda: ask("many").answer)
        reply = ask("many")
        self.assertTrue(reply.truncated)
        self.assertEqual(len(reply.data), 30)
        reply = ask("many", edns=4096)
        self.assertTrue(reply.truncated)
        self.assertEqual((len(reply.data), reply.size <= 1232), (74, True))
        whole = ask_tcp("many")
        self.assertEqual((whole.truncated, len(set(whole.data))), (False, 150))
        self.assertEqual(len(run("dig", "+short", "@10.89.0.1", "many").stdout.split()), 150)

    def test_the_system_resolver_of_this_host_finds_names(self):
        with open("/etc/resolv.conf", "w", encoding="ascii") as resolv_conf:
            resolv_conf.write("search dns.podman\nnameserver 10.89.0.1\n")
        self.addCleanup(lambda: open("/etc/resolv.conf", "w", encoding="ascii").close())
        self.assertIn(WEB, run("getent", "ahostsv4", "web").stdout)
        self.assertIn("fd89::2", run("getent", "ahostsv6", "web").stdout)


class NoProxy(DaemonTest):
    def test_nothing_is_forwarded_when_the_variable_is_there(self):
        self.start_daemon(FILES, environment={"AARDVARK_NO_PROXY": ""})
        self.assertEqual(ask("example.com", source=WEB).rcode, NXDOMAIN)
        self.assertEqual(ask("web", source=DB).data, [WEB])


class SearchDomain(DaemonTest):
    def test_another_domain_takes_the_place_of_the_default(self):
        self.start_daemon(FILES, "-f", ".box", environment={"AARDVARK_NO_PROXY": ""})
        self.assertEqual(ask("web.BOX", source=DB).data, [WEB])
        self.assertEqual(ask("web.dns.podman", source=DB).rcode, NXDOMAIN)


class FixedOrder(DaemonTest):
    def test_aardvark_compatibility_keeps_the_order_of_the_file(self):
        self.start_daemon(FILES, "--compat", "aardvark")
        for ident in range(20):
            self.assertEqual(ask("group", source=WEB, ident=ident).data, ["10.89.0.4", "10.89.0.5"])


class OtherPort(DaemonTest):
    def test_it_listens_on_the_port_that_it_is_told(self):
        self.start_daemon(FILES, port=1153)
        reply = dns.exchange(make_query("web"), "10.89.0.1", WEB, port=1153)
        self.assertEqual(dns.Reply(reply).data, [WEB])


if __name__ == "__main__":
    sys.exit(unittest.main())
