"""Bad input: exit 1, one line of error that names the thing and what was found, nothing changed."""

import copy
import json
import os

from netstack_support import (
    CONFIG, NetstackTest, attachment, encoded, main, network, port, request, subnet,
)  # fmt: skip

A = network("front", "10.1.0.0/24", "fd00:1::/64")
GOOD = request("web", attachment(A, "10.1.0.2", "fd00:1::2"), ports=[port(8080, 80)])
ABSENT = object()


def changed(*path_and_value):
    """The good request with one value replaced, or removed (ABSENT): ("network_info", "front", "id", 7)."""
    *path, last, value = path_and_value
    document = copy.deepcopy(GOOD)
    place = document
    for key in path:
        place = place[key]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return document


def net(key, value):
    return changed("network_info", "front", key, value)


def option(**options):
    return net("options", options)


def attached(key, value):
    return changed("networks", 0, key, value)


def mapping(**members):
    return changed("port_mappings", [{**port(8080, 80), **members}])


def route(**members):
    return net("routes", [members])


class BadInput(NetstackTest):
    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.before = self.snapshot(self.pod)

    def refuse(self, *rows):
        """Each row: a document and the words that its error must have."""
        for number, (document, *words) in enumerate(rows):
            with self.subTest(row=number, words=words):
                error = self.netstack.setup(self.pod, document).error
                for word in words:
                    self.assertIn(word, error)
                self.assertLess(len(error), 4096)
        self.assert_unchanged(self.before, self.pod)

    def test_the_request_that_all_the_others_come_from_is_good(self):
        self.setup_ok(self.pod, GOOD)

    def test_malformed_json(self):
        text = encoded(GOOD).decode()
        self.refuse(
            ("",),
            (" \n",),
            ("{",),
            ("null",),
            ("[]",),
            ("7",),
            ('"text"',),
            (text[:-1],),
            (text + "x",),
            (text + text,),
            (text.replace(":", "=", 1),),
            (text.replace('"web"', "'web'"),),
            (text.replace("80,", "080,", 1),),
            (text.replace("{", "{,", 1),),
            (b"\xef\xbb\xbf{",),
            (text.encode().replace(b"web", b"w\xffb"),),
            ("NaN",),
        )

    def test_a_syntax_error_says_where(self):
        self.refuse(('{"container_id": \n oops}', "line 2"))

    def test_duplicate_keys(self):
        text = encoded(GOOD).decode()
        self.refuse(
            (text.replace('{"container_id"', '{"container_id": "x", "container_id"', 1), "container_id"),
            (text.replace('"internal"', '"internal": true, "internal"', 1), "internal"),
        )

    def test_a_missing_member_is_named(self):
        self.refuse(
            *((changed(key, ABSENT), key) for key in ("container_id", "container_name", "networks", "network_info")),
            *((net(key, ABSENT), key) for key in ("name", "id", "driver", "dns_enabled", "internal", "ipv6_enabled")),
            *((net(key, None), key) for key in ("name", "id", "driver", "dns_enabled", "internal", "ipv6_enabled")),
            (net("network_interface", ABSENT), "network_interface"),
            (attached("interface_name", ABSENT), "interface_name"),
            (attached("name", ABSENT), "name"),
            *((changed("port_mappings", 0, key, ABSENT), key) for key in port(1, 1)),
            (net("subnets", [{"gateway": "10.1.0.1"}]), "subnet"),
            (route(gateway="10.1.0.7"), "destination"),
        )

    def test_a_member_of_the_wrong_type_is_named(self):
        self.refuse(
            (changed("container_id", 7), "container_id"),
            (changed("container_name", ["web"]), "container_name"),
            (changed("networks", "front"), "networks"),
            (changed("networks", [["front"]]), "networks"),
            (changed("networks", ["front"]), "networks"),
            (changed("network_info", []), "network_info"),
            (changed("network_info", {"front": 7}), "network_info"),
            (changed("port_mappings", {}), "port_mappings"),
            (changed("port_mappings", [8080]), "port_mappings"),
            (changed("dns_servers", "192.0.2.1"), "dns_servers"),
            (changed("dns_servers", [192]), "dns_servers"),
            (net("internal", "false"), "internal"),
            (net("dns_enabled", 0), "dns_enabled"),
            (net("subnets", {}), "subnets"),
            (net("subnets", ["10.1.0.0/24"]), "subnets"),
            (net("options", {"mtu": 1500}), "mtu"),
            (net("options", ["mtu"]), "options"),
            (net("driver", ["bridge"]), "driver"),
            (attached("static_ips", "10.1.0.2"), "static_ips"),
            (attached("static_ips", [167837698]), "static_ips"),
            (attached("aliases", "www"), "aliases"),
            (attached("aliases", [None]), "aliases"),
            (attached("static_mac", 7), "static_mac"),
            (mapping(host_port="8080"), "host_port"),
            (mapping(host_port=8080.5), "host_port"),
            (mapping(host_port=True), "host_port"),
            (mapping(host_ip=None), "host_ip"),
            (mapping(protocol=6), "protocol"),
        )

    def test_networks_that_do_not_fit_together(self):
        twice = copy.deepcopy(GOOD)
        twice["networks"].append({**twice["networks"][0], "interface_name": "eth1"})
        self.refuse(
            (attached("name", "ghost"), "ghost"),
            (changed("network_info", {}), "front"),
            (twice, "front"),
            (net("driver", "no-such-driver"), "no-such-driver"),
            (net("driver", ""), "driver"),
            (net("ipam_options", {"driver": "no-such-ipam"}), "no-such-ipam"),
            (net("ipam_options", {"driver": "dhcp"}), "dhcp"),
        )

    def test_names_of_networks_and_containers(self):
        for name in ("", "../../etc/passwd", "a/b", "..", ".", "%int", "front%int", "a b", "a\n", "aardvark.pid\0", "-x"):
            document = copy.deepcopy(GOOD)
            document["network_info"] = {name: {**A, "name": name}}
            document["networks"][0]["name"] = name
            with self.subTest(network=name):
                self.assertNotEqual(self.netstack.setup(self.pod, document).error, "")
        self.refuse(
            (changed("container_id", ""), "container"),
            (changed("container_id", "../../../etc/cron.d/x"), "container"),
            (changed("container_id", "a b"), "container"),
            (changed("container_id", "a\nb"), "container"),
            (changed("container_id", "a,b"), "container"),
            (changed("container_id", "."), "container"),
        )
        self.assert_unchanged(self.before, self.pod)

    def test_interface_names(self):
        bad_names = ["sixteen-bytes-xx", "a/b", "..", ".", "a b", "a:b", "eth0\n", "eth0\0x", "\u00e9" * 8]
        self.refuse(
            *((attached("interface_name", bad), "interface_name") for bad in ["", *bad_names]),
            *((net("network_interface", bad), "network_interface") for bad in ["", *bad_names]),
            *((attached("options", {"host_interface_name": bad}), "host_interface_name") for bad in bad_names),
            (attached("interface_name", "sixteen-bytes-xx"), "sixteen-bytes-xx", "15"),
            (attached("interface_name", "lo"), "lo"),
            (net("network_interface", "lo"), "lo"),
            (attached("options", {"host_interface_name": "br-front"}), "br-front"),
        )

    def test_subnets(self):
        self.refuse(
            (net("subnets", [subnet("10.1.0.0/24"), subnet("10.1.0.0/24")]), "10.1.0.0/24"),
            (net("subnets", [subnet("10.1.0.0/16"), subnet("10.1.0.0/24")]), "10.1.0.0/16", "10.1.0.0/24"),
            (net("subnets", [subnet("fd00:1::/64"), subnet("fd00:1::/80")]), "fd00:1::/64"),
            (net("subnets", [subnet("10.1.0.0/24", "10.2.0.1")]), "10.2.0.1", "10.1.0.0/24"),
            (net("subnets", [subnet("10.1.0.0/24", "fd00:1::1")]), "fd00:1::1"),
            *(
                (net("subnets", [{"subnet": text}]), "subnet")
                for text in ("", "10.1.0.0", "10.1.0.0/33", "10.1.0/24", "10.1.0.0/-1", "10.01.0.0/24", "fd00::/129", "x", "10.1.0.0/24 ")
            ),
            (net("subnets", [subnet("10.1.0.0/24", "10.1.0.300")]), "10.1.0.300"),
        )

    def test_two_networks_of_one_request_that_overlap(self):
        other = network("other", "10.1.0.128/25")
        document = request("web", attachment(A, "10.1.0.2", "fd00:1::2"), attachment({**other, "subnets": [subnet("10.1.0.128/25", "10.1.0.129")]}, "10.1.0.130"))
        self.refuse((document, "10.1.0.128/25", "10.1.0.0/24"))

    def test_two_networks_of_one_request_with_one_bridge(self):
        other = network("other", "10.2.0.0/24", network_interface="br-front")
        self.refuse((request("web", attachment(A, "10.1.0.2", "fd00:1::2"), attachment(other, "10.2.0.2")), "br-front"))

    def test_static_addresses(self):
        self.refuse(
            (attached("static_ips", ["10.9.0.2"]), "10.9.0.2"),
            (attached("static_ips", ["10.1.0.2", "fd00:9::2"]), "fd00:9::2"),
            (attached("static_ips", ["10.1.0.999"]), "10.1.0.999"),
            (attached("static_ips", ["10.1.0.02"]), "10.1.0.02"),
            (attached("static_ips", ["10.1.0.2/24"]), "10.1.0.2/24"),
            (attached("static_ips", ["fe80::1%eth0"]), "fe80::1%eth0"),
            (attached("static_ips", [""]), "static_ips"),
            (attached("static_ips", ["10.1.0.2", "10.1.0.2"]), "10.1.0.2"),
            (attached("static_ips", ["10.1.0.1"]), "10.1.0.1"),
            (attached("static_ips", ABSENT), "static"),
        )

    def test_mac_addresses(self):
        bad_addresses = (
            "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:00:00:00", "02:00:00:00:00:01:02",
            "02:00:00:00:00:0g", "020000000001", "02:00:00:00:00:001", "02-00:00:00:00:01", "x", "02:00:00:00:00:",
        )  # fmt: skip
        self.refuse(*((attached("static_mac", bad), bad) for bad in bad_addresses))

    def test_port_mappings(self):
        self.refuse(
            (mapping(host_port=65536), "65536"),
            (mapping(host_port=-1), "-1"),
            (mapping(container_port=70000), "70000"),
            (mapping(host_port=65535, range=2), "65535"),
            (mapping(container_port=65530, range=100), "65530"),
            (mapping(range=65536), "65536"),
            (mapping(host_port=0), "host"),
            (mapping(container_port=0), "container"),
            (mapping(host_ip="localhost"), "localhost"),
            (mapping(host_ip="10.0.0.0/8"), "10.0.0.0/8"),
            (mapping(host_ip="[::1]"), "[::1]"),
            (mapping(protocol="icmp"), "icmp"),
            (mapping(protocol="tcp,icmp"), "icmp"),
            (mapping(protocol="tcp,"), "protocol"),
            (mapping(protocol="tcp udp"), "tcp udp"),
        )

    def test_option_words(self):
        self.refuse(
            (option(isolate="sometimes"), "isolate", "sometimes"),
            (option(isolate="True"), "isolate", "True"),
            (option(mtu="big"), "mtu", "big"),
            (option(mtu="-1"), "mtu", "-1"),
            (option(mtu="4294967296"), "mtu", "4294967296"),
            (option(mtu="1500 "), "mtu"),
            (option(metric="x"), "metric", "x"),
            (option(metric="4294967296"), "metric"),
            (option(no_default_route="yes"), "no_default_route", "yes"),
            (option(mode="bridged"), "mode", "bridged"),
            (option(vlan="4095"), "vlan"),
            (option(vlan="x"), "vlan"),
            (option(vrf="no-such-vrf"), "vrf"),
            (option(outbound_addr4="fd00::1"), "outbound_addr4", "fd00::1"),
            (option(outbound_addr6="10.0.0.1"), "outbound_addr6", "10.0.0.1"),
            (option(outbound_addr4="x"), "outbound_addr4", "x"),
        )

    def test_unknown_options_and_members_are_ignored(self):
        document = option(**{"com.example.any": "thing"})
        document["future_member"] = {"nested": [1, 2, 3]}
        document["networks"][0]["future"] = None
        self.setup_ok(self.pod, document)

    def test_routes(self):
        self.refuse(
            (route(destination="10.9.0.0/16"), "10.9.0.0/16", "gateway"),
            (route(destination="10.9.0.0/16", gateway="fd00:1::7"), "10.9.0.0/16", "fd00:1::7"),
            (route(destination="10.9.0.0/16", gateway="10.1.0.7", route_type="blackhole"), "10.9.0.0/16", "blackhole"),
            (route(destination="10.9.0.0/16", gateway="10.1.0.7", route_type="multicast"), "multicast"),
            (route(destination="10.9.0.0", gateway="10.1.0.7"), "10.9.0.0"),
            (route(destination="10.9.0.0/16", gateway="x"), "x"),
            (route(destination="10.9.0.0/16", gateway="10.1.0.7", metric=-1), "metric"),
            (route(destination="10.9.0.0/16", gateway="10.1.0.7", metric=4294967296), "4294967296"),
            (route(destination="10.9.0.0/16", gateway="10.1.0.7", metric="100"), "metric"),
        )

    def test_server_addresses(self):
        self.refuse(
            (changed("dns_servers", ["dns.example"]), "dns.example"),
            (net("network_dns_servers", ["192.0.2.300"]), "192.0.2.300"),
            (net("network_dns_servers", ["192.0.2.1:53"]), "192.0.2.1:53"),
        )


class BadSurroundings(NetstackTest):
    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.before = self.snapshot(self.pod)

    def refuse(self, path, *words, **keywords):
        error = self.netstack.run("setup", path, document=GOOD, **keywords).error
        for word in words:
            self.assertIn(word, error)
        self.assert_unchanged(self.before, self.pod)

    def test_a_namespace_that_is_not_there(self):
        self.refuse("/run/netns/ghost", "/run/netns/ghost")

    def test_a_file_that_is_no_namespace(self):
        with open("/run/plain", "w"):
            pass
        self.refuse("/run/plain", "/run/plain")
        self.refuse("/dev/null", "/dev/null")
        self.refuse("/run", "/run")

    def test_a_namespace_of_another_kind(self):
        self.refuse("/proc/self/ns/mnt", "/proc/self/ns/mnt")

    def test_a_pipe_in_place_of_a_namespace_is_not_waited_for(self):
        os.mkfifo("/run/pipe")
        self.refuse("/run/pipe", "/run/pipe", timeout=5)

    def test_the_hosts_own_namespace_is_no_container(self):
        self.refuse("/proc/self/ns/net", "/proc/self/ns/net")

    def test_an_unreadable_input_file_is_named(self):
        for path in ("/run/no-such-file", "/run"):
            self.refuse(self.pod.path, path, flags=["--file", path])

    def test_a_dash_is_no_word_for_standard_input(self):
        self.refuse(self.pod.path, flags=["--file", "-"])

    def test_a_configuration_directory_that_cannot_be_made_is_named(self):
        with open("/run/plain", "w"):
            pass
        self.netstack.flags[1] = "/run/plain/below"
        self.refuse(self.pod.path, "/run/plain/below")

    def test_a_bridge_name_that_another_network_uses_is_refused(self):
        self.attach("o", attachment(network("other", "10.9.0.0/24", network_interface="br-front"), "10.9.0.2"))
        self.before = self.snapshot(self.pod)
        self.refuse(self.pod.path, "br-front")

    def test_a_subnet_that_another_network_uses_is_refused(self):
        self.attach("o", attachment(network("other", "10.1.0.0/16"), "10.1.7.2"))
        self.before = self.snapshot(self.pod)
        self.refuse(self.pod.path, "10.1.0.0/24", "other")


class Hostile(NetstackTest):
    """Sizes and shapes that are meant to hurt: refused, or served, in little time and memory."""

    LIMIT = 10.0  # seconds, on a slow and busy machine
    MEMORY = 512 << 20  # bytes of address space

    def setUp(self):
        super().setUp()
        self.pod = self.container("c")
        self.before = self.snapshot(self.pod)

    def answer(self, document):
        prefix = ["prlimit", f"--as={self.MEMORY}"]
        outcome = self.netstack.setup(self.pod, document, timeout=self.LIMIT, prefix=prefix)
        self.assertIn(outcome.code, (0, 1), repr(outcome)[:500])
        self.assertLess(len(outcome.out), 65536)
        if outcome.code == 0:
            self.assertEqual(self.netstack.teardown(self.pod, document, timeout=self.LIMIT).code, 0)
            self.pod.sh("ip", "link", "set", "lo", "down")
            return None
        return outcome.error

    def refuse(self, document):
        self.assertIsNotNone(self.answer(document))
        self.assert_unchanged(self.before, self.pod)

    def test_deep_nesting(self):
        self.refuse("[" * 100000)
        self.refuse('{"a":' * 100000)
        self.refuse('{"container_id":' + "[" * 50000 + "]" * 50000 + "}")

    def test_a_document_without_end_is_cut_off(self):
        self.refuse(b'{"container_id": "' + b"x" * (17 << 20) + b'"}')
        self.refuse(b" " * (17 << 20))

    def test_endless_input_is_cut_off(self):
        process = self.netstack.start("setup", self.pod.path, prefix=["prlimit", f"--as={self.MEMORY}"])
        block = b"[" + b" " * ((1 << 20) - 1)
        try:
            for _ in range(2000):
                process.stdin.write(block)
        except BrokenPipeError:
            pass
        else:
            self.fail("read 2 GiB")
        process.stdin = None
        out, _ = process.communicate(timeout=self.LIMIT)
        self.assertEqual(process.returncode, 1)
        self.assertIn("error", json.loads(out))

    def test_huge_numbers(self):
        text = encoded(GOOD).decode()
        for number in ("1" * 5000, "1e999999", "-0", "1e-400", "18446744073709551616"):
            self.refuse(text.replace("8080", number))

    def test_huge_arrays_are_refused_or_served_in_time(self):
        others = request("other", attachment(network("other", "10.9.0.0/24"), "10.9.0.2"))
        for document in (
            changed("port_mappings", [port(1024 + n, 80) for n in range(60000)]),
            attached("aliases", [f"alias{n}" for n in range(100000)]),
            attached("static_ips", [f"10.1.{n >> 8 & 255}.{n & 255}" for n in range(50000)]),
            net("subnets", [subnet(f"10.{n >> 8 & 255}.{n & 255}.0/24") for n in range(50000)]),
            net("routes", [{"destination": f"10.{n >> 8}.{n & 255}.0/24", "route_type": "blackhole"} for n in range(20000)]),
            net("options", {f"key{n}": "value" for n in range(50000)}),
            changed("networks", [{"name": f"n{n}", "interface_name": f"eth{n}"} for n in range(50000)]),
            changed("network_info", {f"n{n}": A for n in range(5000)}),
        ):
            self.answer(document)
            # Whatever became of it, other containers are not troubled.
            other = self.container("other")
            self.setup_ok(other, others)
            self.teardown_ok(other, others)
            other.delete()
        self.assert_unchanged(self.before, self.pod)

    def test_long_strings_are_cut_short_in_errors(self):
        long = "A" * 1000000
        for document in (
            attached("name", long), attached("interface_name", long), attached("static_mac", long), attached("static_ips", [long]),
            net("driver", long), net("network_interface", long), option(mtu=long), option(isolate=long), mapping(host_ip=long),
            mapping(protocol=long), changed("container_id", long), net("id", long), route(destination=long),
            net("ipam_options", {"driver": long}), changed("dns_servers", [long]),
        ):  # fmt: skip
            error = self.answer(document)
            if error is not None:
                self.assertLess(len(error), 4096)
        self.assert_unchanged(self.before, self.pod)

    def test_errors_stay_one_line_of_valid_json_whatever_they_quote(self):
        for nasty in ('"', "\\", "\n", "\r\n", "\0", "\x1b[2J", "\u2028", '"}\n{"x":"', "\ud83d\ude00", "%s%n%d", "{}", "{0}"):
            error = self.answer(attached("static_mac", nasty))
            self.assertIsNotNone(error)
            error = self.answer(option(isolate=nasty))
            self.assertIsNotNone(error)

    def test_paths_do_not_leave_the_configuration_directory(self):
        os.makedirs("/run/outside")
        for key in ("container_id", "container_name"):
            self.answer(changed(key, "../../../outside/x"))
        for key in ("id", "name"):
            self.answer(net(key, "../../../outside/x"))
        document = copy.deepcopy(GOOD)
        document["network_info"]["front"]["name"] = "../../../outside/x"
        document["network_info"]["front"]["dns_enabled"] = True
        self.answer(document)
        self.assertEqual(os.listdir("/run/outside"), [])
        self.assert_unchanged(self.before, self.pod)

    def test_a_driver_is_never_a_path(self):
        with open("/run/plugin", "w") as file:
            file.write("#!/bin/sh\ntouch /run/executed\n")
        os.chmod("/run/plugin", 0o755)
        for driver in ("/run/plugin", "../run/plugin", "../../run/plugin"):
            outcome = self.netstack.setup(self.pod, net("driver", driver), flags=["--plugin-directory", "/run"])
            self.assertNotEqual(outcome.error, "")
        self.assertFalse(os.path.exists("/run/executed"))

    def test_symbolic_links_in_the_configuration_directory_are_not_followed_out(self):
        """The directory is root's own; still, a link planted there must not be written through."""
        os.makedirs(f"{CONFIG}/aardvark-dns")
        with open("/run/victim", "w") as file:
            file.write("precious")
        os.symlink("/run/victim", f"{CONFIG}/aardvark-dns/front")
        document = net("dns_enabled", True)
        self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = "/bin/true"
        self.netstack.setup(self.pod, document)
        with open("/run/victim") as file:
            self.assertEqual(file.read(), "precious")


if __name__ == "__main__":
    main()
