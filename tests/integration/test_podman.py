"""Podman on top of the stack: what its users do, with our programs as netavark and aardvark-dns.

Each test begins and ends with a host on which no container has a network.
"""

import concurrent.futures
import json
import re
import sys
import unittest

import podman_support as support
from podman_support import HOST, HOST6, OUTSIDE, OUTSIDE6, Answerer, ask, run, wait_until

lacking = support.missing_requirement()
if lacking:
    print(lacking, file=sys.stderr)
    sys.exit(77)


class PodmanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.podman = support.Podman("/tmp/podman")
        cls.outside = cls.enterClassContext(support.outside_host())

    def tearDown(self):
        self.podman("rm", "-fa", "-t", "0")
        self.podman("network", "prune", "-f")
        wait_until(lambda: not support.dns_processes(), "the DNS server ends with the last network")
        self.assertEqual(self.podman.leftovers(), [])

    def serve(self, container, protocol, port, answer, **options):
        """Answers inside a container until the test ends."""
        answerer = Answerer(self.podman.netns(container), protocol, port, answer, **options)
        self.addCleanup(answerer.close)

    def test_both_programs_say_the_version_podman_expects(self):
        directory = self.podman.directory / "helpers"
        self.assertEqual(self.podman("info", "--format", "{{.Host.NetworkBackend}}"), "netavark")
        said = run(directory / "netavark", "--version")
        self.assertRegex(said, r"^netavark \d+\.\d+\.\d+")
        dns_said = run(directory / "aardvark-dns", "--version")
        self.assertRegex(dns_said, r"^aardvark-dns \d+\.\d+\.\d+")
        described = json.loads(run(directory / "netavark", "version"))
        self.assertIn(described["version"], said)
        if support.is_ours():
            self.assertTrue(said.startswith("netavark 2.1.0"), said)
            self.assertTrue(dns_said.startswith("aardvark-dns 2."), dns_said)

    def test_containers_of_a_network_resolve_names_aliases_and_addresses(self):
        podman = self.podman
        podman("network", "create", "one")
        identity = podman.start("web", "--network", "one:alias=www,alias=shop")
        podman.start("client", "--network", "one")
        web, client = podman.address("web", "one"), podman.address("client", "one")
        names = ["web", "www", "shop", identity[:12], "web.dns.podman"]
        if support.is_ours():  # aardvark-dns 1.4 knows lower case alone
            names.append("WEB")
        for name in names:
            self.assertEqual(podman.lookup("client", name), [web], name)
        self.assertEqual(podman.lookup("web", "client"), [client])
        self.assertEqual(podman.lookup("client", "nobody.dns.podman"), [])
        self.assertEqual(podman.lookup("client", web),
                         sorted(["web", "www", "shop", identity[:12]]))
        resolv_conf = podman("exec", "client", "cat", "/etc/resolv.conf")
        self.assertIn("search dns.podman", resolv_conf)
        # The C library's resolver, the search list included, and the way there.
        self.serve("web", "tcp", 80, "HTTP/1.0 200 OK\r\n\r\npage\n")
        self.assertEqual(podman("exec", "client", "wget", "-q", "-O", "-", "http://shop/"), "page")

    def test_a_name_leaves_with_its_container(self):
        podman = self.podman
        podman("network", "create", "one")
        podman.start("web", "--network", "one")
        podman.start("client", "--network", "one")
        self.assertTrue(podman.lookup("client", "web"))
        podman("rm", "-f", "-t", "0", "web")
        wait_until(lambda: not podman.lookup("client", "web.dns.podman"), "the name is gone")

    def test_a_shared_alias_gives_every_address(self):
        podman = self.podman
        podman("network", "create", "one")
        for name in ("a", "b", "c"):
            podman.start(name, "--network", "one", "--network-alias", "pool")
        expected = sorted(podman.address(name, "one") for name in ("a", "b", "c"))
        self.assertEqual(podman.lookup("a", "pool"), expected)

    def test_names_of_another_network_are_not_seen(self):
        podman = self.podman
        podman("network", "create", "one")
        podman("network", "create", "two")
        podman.start("web", "--network", "one")
        podman.start("stranger", "--network", "two")
        podman.start("both", "--network", "one", "--network", "two")
        self.assertEqual(podman.lookup("stranger", "web.dns.podman"), [])
        if support.is_ours():  # aardvark-dns 1.4 answers for one network alone
            self.assertEqual(podman.lookup("both", "web"), [podman.address("web", "one")])
            self.assertEqual(podman.lookup("both", "stranger"), [podman.address("stranger", "two")])

    def test_other_names_are_forwarded(self):
        upstream = Answerer(self.outside, "udp", 53, support.address_record)
        self.addCleanup(upstream.close)
        self.podman("network", "create", "one")
        self.podman.start("client", "--network", "one")
        found = self.podman("exec", "client", "nslookup", "-type=a", "www.example.net")
        self.assertIn("203.0.113.7", found)
        self.assertRegex(found, r"Server:\s+10\.89\.")

    def test_published_ports_answer(self):
        podman = self.podman
        podman("network", "create", "one")
        podman.start("web", "--network", "one", "-p", "8080:80", "-p", "5353:53/udp",
                     "-p", "127.0.0.1:9000:90", "-p", "7000-7002:70-72")
        podman.start("client", "--network", "one")
        podman("network", "create", "two")
        podman.start("stranger", "--network", "two")
        self.serve("web", "tcp", 80, "tcp")
        self.serve("web", "udp", 53, "udp")
        self.serve("web", "tcp", 90, "local")
        self.serve("web", "tcp", 72, "range")
        own = podman.address("web", "one")
        places = [("outside", self.outside, HOST),
                  ("the host by its address", "/proc/self/ns/net", HOST),
                  ("the host by 127.0.0.1", "/proc/self/ns/net", "127.0.0.1"),
                  ("the same network", podman.netns("client"), HOST),
                  ("another network", podman.netns("stranger"), HOST)]
        if support.is_ours():  # netavark 1.4 cannot where br_netfilter is loaded
            places.append(("the container itself", podman.netns("web"), HOST))
        for where, netns, address in places:
            with self.subTest(where):
                self.assertEqual(ask("tcp", address, 8080, netns), "tcp")
                self.assertEqual(ask("udp", address, 5353, netns), "udp")
                self.assertEqual(ask("tcp", address, 7002, netns), "range")
        self.assertEqual(ask("tcp", "127.0.0.1", 9000), "local")
        self.assertIsNone(ask("tcp", HOST, 9000, self.outside))
        self.assertIsNone(ask("tcp", HOST, 8081, self.outside))
        self.assertEqual(ask("tcp", own, 80), "tcp")
        self.assertEqual(podman("port", "web", "80"), "0.0.0.0:8080")

        podman("rm", "-f", "-t", "0", "web")
        self.assertIsNone(ask("tcp", HOST, 8080, self.outside))
        podman.start("next", "--network", "one", "-p", "8080:80", "-p", "5353:53/udp")
        self.serve("next", "tcp", 80, "next")
        self.serve("next", "udp", 53, "next")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "next")
        self.assertEqual(ask("udp", HOST, 5353, self.outside), "next")

    def test_a_running_container_is_connected_and_disconnected(self):
        podman = self.podman
        podman("network", "create", "one")
        podman("network", "create", "two")
        podman.start("web", "--network", "one", "-p", "8080:80")
        podman.start("peer", "--network", "two")
        self.serve("web", "tcp", 80, "tcp")
        before = podman.addresses("web", "eth0")

        podman("network", "connect", "--alias", "late", "two", "web")
        self.assertEqual(podman.addresses("web", "eth1"), [podman.address("web", "two") + "/24"])
        wait_until(lambda: podman.lookup("peer", "late") == [podman.address("web", "two")],
                   "the alias resolves")
        self.assertEqual(podman.lookup("web", "peer"), [podman.address("peer", "two")])
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "tcp")

        podman("network", "disconnect", "two", "web")
        self.assertEqual(sorted(podman.links("web")), ["eth0", "lo"])
        wait_until(lambda: not podman.lookup("peer", "late.dns.podman"), "the alias is gone")
        self.assertEqual(podman.addresses("web", "eth0"), before)
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "tcp")

        podman("network", "disconnect", "one", "web")
        self.assertEqual(sorted(podman.links("web")), ["lo"])
        self.assertIsNone(ask("tcp", HOST, 8080, self.outside, timeout=0.5))
        podman("network", "connect", "one", "web")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "tcp")

    def test_an_internal_network_has_no_way_out(self):
        podman = self.podman
        answerer = Answerer(self.outside, "tcp", 80, "outside")
        self.addCleanup(answerer.close)
        podman("network", "create", "open")
        podman("network", "create", "--internal", "closed")
        podman.start("free", "--network", "open")
        podman.start("a", "--network", "closed")
        podman.start("b", "--network", "closed")
        self.assertEqual(ask("tcp", OUTSIDE, 80, podman.netns("free")), "outside")
        inside = ["nsenter", f"--net={podman.netns('a')}", "ip", "route"]
        self.assertEqual(run(*inside, "show", "default"), "")
        self.assertEqual(podman.lookup("a", "b"), [podman.address("b", "closed")])
        self.assertIn("1 packets received", podman("exec", "a", "ping", "-c", "1", "b"))
        # Nor does a route of its own make help.
        gateway = json.loads(podman("network", "inspect", "closed"))[0]["subnets"][0]["gateway"]
        run(*inside, "add", "default", "via", gateway)
        self.assertIsNone(ask("tcp", OUTSIDE, 80, podman.netns("a"), timeout=0.5))

    def test_isolated_networks_do_not_meet(self):
        podman = self.podman
        for network in ("one", "two"):
            podman("network", "create", "--opt", "isolate=true", network)
            podman.start(f"in-{network}", "--network", network)
        podman.start("near", "--network", "one")
        self.serve("in-one", "tcp", 80, "one")
        address = podman.address("in-one", "one")
        self.assertEqual(ask("tcp", address, 80, podman.netns("near")), "one")
        self.assertIsNone(ask("tcp", address, 80, podman.netns("in-two"), timeout=0.5))

    def test_dual_stack(self):
        podman = self.podman
        answerer = Answerer(self.outside, "tcp", 80, "outside", family=support.socket.AF_INET6)
        self.addCleanup(answerer.close)
        podman("network", "create", "--ipv6", "six")
        podman.start("web", "--network", "six", "-p", "8080:80", "-p", f"[{HOST6}]:8081:81")
        podman.start("client", "--network", "six")
        web4, web6 = (podman.address("web", "six", family) for family in (4, 6))
        self.assertEqual(podman.addresses("web", "eth0"), sorted([f"{web4}/24", f"{web6}/64"]))
        self.assertEqual(podman.lookup("client", "web"), sorted([web4, web6]))
        self.assertIn("web", podman.lookup("client", web6))
        self.serve("web", "tcp", 80, "six", family=support.socket.AF_INET6)
        self.serve("web", "tcp", 81, "at", family=support.socket.AF_INET6)
        self.assertEqual(ask("tcp", web6, 80, podman.netns("client")), "six")
        self.assertEqual(ask("tcp", HOST6, 8080, self.outside), "six")
        self.assertEqual(ask("tcp", HOST6, 8080), "six")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "six")
        self.assertEqual(ask("tcp", HOST6, 8081, self.outside), "at")
        # Masqueraded: the world outside has no route to the network's prefix.
        run("ip", "-n", "outside", "-6", "route", "del", "default")
        self.addCleanup(run, "ip", "-n", "outside", "-6", "route", "add", "default", "via", HOST6)
        self.assertEqual(ask("tcp", OUTSIDE6, 80, podman.netns("client")), "outside")

    def test_chosen_addresses_are_kept(self):
        podman = self.podman
        podman("network", "create", "--subnet", "10.30.0.0/24", "--gateway", "10.30.0.1", "fixed")
        podman.start("web", "--network", "fixed:ip=10.30.0.200,mac=02:00:00:00:00:07,"
                     "interface_name=net7")
        link = podman.links("web")["net7"]
        self.assertEqual(link["address"], "02:00:00:00:00:07")
        self.assertEqual(podman.addresses("web", "net7"), ["10.30.0.200/24"])
        attachment = podman.inspect("web")["NetworkSettings"]["Networks"]["fixed"]
        self.assertEqual(attachment["MacAddress"], "02:00:00:00:00:07")
        self.assertEqual(attachment["Gateway"], "10.30.0.1")

    def test_what_podman_inspects_is_what_stands(self):
        podman = self.podman
        podman("network", "create", "--opt", "mtu=1400", "--label", "tier=db", "one")
        described = json.loads(podman("network", "inspect", "one"))[0]
        podman.start("web", "--network", "one")
        bridge = described["network_interface"]
        links = json.loads(run("ip", "-json", "-details", "address", "show", bridge))
        self.assertEqual(links[0]["linkinfo"]["info_kind"], "bridge")
        gateway = described["subnets"][0]["gateway"]
        self.assertIn(gateway, [entry["local"] for entry in links[0]["addr_info"]])
        link = podman.links("web")["eth0"]
        self.assertEqual(link["mtu"], 1400)
        attachment = podman.inspect("web")["NetworkSettings"]["Networks"]["one"]
        self.assertEqual(attachment["MacAddress"], link["address"])
        self.assertEqual(attachment["Gateway"], gateway)

    def test_a_reload_keeps_addresses_and_brings_rules_back(self):
        podman = self.podman
        podman("network", "create", "one")
        podman.start("web", "--network", "one", "-p", "8080:80")
        podman.start("client", "--network", "one")
        before = podman.links("web")["eth0"]["address"], podman.addresses("web", "eth0")
        run("nft", "flush", "ruleset")
        podman("network", "reload", "-a")
        after = podman.links("web")["eth0"]["address"], podman.addresses("web", "eth0")
        self.assertEqual(after, before)
        self.serve("web", "tcp", 80, "tcp")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "tcp")
        self.assertEqual(podman.lookup("client", "web"), [podman.address("web", "one")])

    def test_a_container_restarts_with_its_network(self):
        podman = self.podman
        podman("network", "create", "one")
        podman.start("web", "--network", "one", "-p", "8080:80")
        podman.start("client", "--network", "one")
        podman("restart", "-t", "0", "web")
        self.serve("web", "tcp", 80, "again")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "again")
        self.assertEqual(podman.lookup("client", "web"), [podman.address("web", "one")])

    def test_the_default_network_publishes_without_names(self):
        podman = self.podman
        podman.start("web", "-p", "8080:80")
        self.serve("web", "tcp", 80, "default")
        self.assertEqual(ask("tcp", HOST, 8080, self.outside), "default")
        self.assertEqual(support.dns_processes(), [])

    def test_a_published_port_is_not_given_twice(self):
        podman = self.podman
        podman("network", "create", "one")
        podman.start("web", "--network", "one", "-p", "8080:80")
        refused = podman("run", "-d", "--name", "late", "--network", "one", "-p", "8080:80",
                         support.IMAGE, "sleep", "1000", check=False)
        self.assertNotEqual(refused.returncode, 0)
        if support.is_ours():
            self.assertIn('already published by container "web"', refused.stderr)
        if support.is_ours():  # netavark 1.17 takes the first container's rule away
            self.serve("web", "tcp", 80, "first")
            self.assertEqual(ask("tcp", HOST, 8080, self.outside), "first")

    def test_many_containers_start_and_end_at_once(self):
        podman = self.podman
        podman("network", "create", "one")
        names = [f"c{number}" for number in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: podman.start(name, "--network", "one", "-p",
                                                    f"{8000 + int(name[1:])}:80"), names))
            for name in names:
                self.assertEqual(podman.lookup("c0", name), [podman.address(name, "one")])
            bridges = re.findall(r"^\d+: (podman\d+):", run("ip", "link"), re.MULTILINE)
            self.assertEqual(len(bridges), 1)
            list(pool.map(lambda name: podman("rm", "-f", "-t", "0", name), names))


if __name__ == "__main__":
    unittest.main()
