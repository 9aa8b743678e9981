"""The directory that the DNS daemon reads: one file per network, in aardvark-dns' format."""

import os
import signal
import subprocess
import sys
import unittest

import dns_support
from netns_support import wait_until
from netstack_support import CONFIG, DNS, NetstackTest, attachment, identifier, main, network, port, request, subnet

DIRECTORY = f"{CONFIG}/aardvark-dns"


def named(name, *subnets, **members):
    return network(name, *subnets, dns_enabled=True, **members)


FRONT = named("front", "10.30.0.0/24")
BACK = named("back", "10.31.0.0/24", "fd00:31::/64")


def entry(container, four, six, names, servers=None):
    return f"{identifier(container)} {four} {six} {names}" + (f" {servers}" if servers else "") + "\n"


@unittest.skipUnless(DNS, "needs a DNS daemon")
class DnsFiles(NetstackTest):
    dns = DNS or ""

    def content(self, name):
        with open(f"{DIRECTORY}/{name}") as file:
            return file.read()

    def names(self):
        return sorted(set(os.listdir(DIRECTORY)) - {"aardvark.pid"})

    def daemon(self):
        return int(self.content("aardvark.pid"))

    def is_running(self, pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
        except FileNotFoundError:
            return False

    def kill_daemon(self):
        """Its parent is the sandbox's first process, which is this one."""
        pid = self.daemon()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return pid

    def test_the_first_line_lists_the_gateways_and_the_next_the_container(self):
        self.attach("web", attachment(BACK, "10.31.0.2", "fd00:31::2", aliases=["w", "short"]))
        self.assertEqual(
            self.content("back"),
            "10.31.0.1,fd00:31::1\n" + entry("web", "10.31.0.2", "fd00:31::2", "web,w,short"),
        )

    def test_lists_without_elements_leave_an_empty_column(self):
        self.attach("web", attachment(FRONT, "10.30.0.2"))
        self.assertEqual(self.content("front"), "10.30.0.1\n" + entry("web", "10.30.0.2", "", "web"))
        six = named("six", "fd00:36::/64")
        self.attach("v6", attachment(six, "fd00:36::2"))
        self.assertEqual(self.content("six"), "fd00:36::1\n" + entry("v6", "", "fd00:36::2", "v6"))

    def test_several_addresses_are_a_comma_list(self):
        self.attach("web", attachment(FRONT, "10.30.0.2", "10.30.0.3"))
        self.assertEqual(self.content("front"), "10.30.0.1\n" + entry("web", "10.30.0.2,10.30.0.3", "", "web"))

    def test_servers_of_the_container_are_the_fifth_column(self):
        document = request("web", attachment(FRONT, "10.30.0.2"), dns_servers=["192.0.2.53", "2001:db8::53"])
        self.setup_ok(self.container("web"), document)
        self.assertEqual(
            self.content("front"), "10.30.0.1\n" + entry("web", "10.30.0.2", "", "web", "192.0.2.53,2001:db8::53")
        )

    def test_servers_of_the_network_are_the_second_column_of_the_first_line(self):
        document = {**FRONT, "network_dns_servers": ["192.0.2.1", "192.0.2.2"]}
        self.attach("web", attachment(document, "10.30.0.2"))
        self.assertEqual(self.content("front").splitlines()[0], "10.30.0.1 192.0.2.1,192.0.2.2")

    def test_an_empty_list_of_network_servers_leaves_no_column(self):
        self.attach("web", attachment({**FRONT, "network_dns_servers": []}, "10.30.0.2"))
        self.assertEqual(self.content("front").splitlines()[0], "10.30.0.1")

    def test_changed_servers_of_a_network_hold_from_the_next_setup_on(self):
        self.attach("a", attachment({**FRONT, "network_dns_servers": ["192.0.2.1"]}, "10.30.0.2"))
        self.attach("b", attachment({**FRONT, "network_dns_servers": ["192.0.2.9"]}, "10.30.0.3"))
        self.assertEqual(self.content("front").splitlines()[0], "10.30.0.1 192.0.2.9")

    def test_an_internal_network_has_a_file_of_its_own_kind(self):
        self.attach("web", attachment({**FRONT, "internal": True}, "10.30.0.2"))
        self.assertEqual(self.names(), ["front%int"])

    def test_containers_follow_in_the_order_they_came(self):
        for index, name in enumerate(("one", "two", "three"), start=2):
            self.attach(name, attachment(FRONT, f"10.30.0.{index}"))
        self.assertEqual(
            self.content("front"),
            "10.30.0.1\n" + "".join(entry(n, f"10.30.0.{i}", "", n) for i, n in enumerate(("one", "two", "three"), 2)),
        )

    def test_names_that_would_break_the_line_are_left_out(self):
        aliases = ["good", "", "with space", "with,comma", "with\nline", "fine-too"]
        self.attach("web", attachment(FRONT, "10.30.0.2", aliases=aliases))
        self.assertEqual(self.content("front"), "10.30.0.1\n" + entry("web", "10.30.0.2", "", "web,good,fine-too"))

    def test_a_name_cannot_smuggle_a_line_in(self):
        for hostile in ("x\r\n10.0.0.1", "x\ny 10.30.0.9  bank", "x\0y", "x\ty", "\u2028"):
            container = self.container("web")
            outcome = self.netstack.setup(container, request("web", attachment(FRONT, "10.30.0.2", aliases=[hostile])))
            if outcome.code == 0:
                lines = self.content("front").split("\n")
                self.assertEqual((len(lines), lines[2]), (3, ""), repr(hostile))
                self.assertEqual(len(lines[1].split(" ")), 4, repr(hostile))
                self.teardown_ok(container, request("web", attachment(FRONT, "10.30.0.2")))
            else:
                self.assertNotEqual(outcome.error, "")
            container.delete()

    def test_a_network_without_dns_has_no_file(self):
        self.attach("web", attachment(network("plain", "10.40.0.0/24"), "10.40.0.2"))
        self.assertFalse(os.path.exists(f"{DIRECTORY}/plain"))

    def test_a_subnet_without_gateway_gives_no_address_to_listen_on(self):
        document = named("half", subnet("10.50.0.0/24", ""), "fd00:50::/64")
        self.attach("web", attachment(document, "10.50.0.2", "fd00:50::2"))
        self.assertEqual(self.content("half").splitlines()[0], "fd00:50::1")

    def test_teardown_removes_the_line_and_with_the_last_the_file(self):
        containers = {}
        for index, name in enumerate(("one", "two"), start=2):
            containers[name] = request(name, attachment(FRONT, f"10.30.0.{index}"))
            self.setup_ok(self.container(name), containers[name])
        self.teardown_ok("/run/netns/one", containers["one"])
        self.assertEqual(self.content("front"), "10.30.0.1\n" + entry("two", "10.30.0.3", "", "two"))
        self.teardown_ok("/run/netns/two", containers["two"])
        self.assertFalse(os.path.exists(f"{DIRECTORY}/front"))

    def test_teardown_removes_only_lines_that_begin_with_the_containers_id(self):
        """An id may occur in another container's line, as an alias."""
        gone = request("gone", attachment(FRONT, "10.30.0.2"))
        self.setup_ok(self.container("gone"), gone)
        self.attach("stays", attachment(FRONT, "10.30.0.3", aliases=[identifier("gone")]))
        self.teardown_ok("/run/netns/gone", gone)
        self.assertIn(entry("stays", "10.30.0.3", "", f"stays,{identifier('gone')}"), self.content("front"))

    def test_the_daemon_runs_while_there_are_names_and_ends_with_the_last(self):
        document = request("web", attachment(FRONT, "10.30.0.2"))
        container = self.container("web")
        self.setup_ok(container, document)
        pid = self.daemon()
        self.assertTrue(self.is_running(pid))
        self.attach("b", attachment(FRONT, "10.30.0.3"))
        self.assertEqual(self.daemon(), pid)
        self.teardown_ok(container, document)
        self.assertTrue(self.is_running(pid))
        self.teardown_ok("/run/netns/b", request("b", attachment(FRONT, "10.30.0.3")))
        self.assertTrue(wait_until(lambda: not self.is_running(pid)))
        self.assertEqual(self.names(), [])

    @unittest.skipUnless(DNS and "burrow" in DNS, "another daemon acknowledges nothing")
    def test_a_name_answers_as_soon_as_the_setup_returns(self):
        for number in range(2, 12):
            address = f"10.30.0.{number}"
            self.attach(f"c{number}", attachment(FRONT, address))
            reply = dns_support.ask(f"c{number}.dns.podman", server="10.30.0.1", timeout=1)
            self.assertEqual(reply.data, [address])

    @unittest.skipUnless(DNS and "burrow" in DNS, "another daemon acknowledges nothing")
    def test_the_daemon_is_gone_when_the_last_teardown_returns(self):
        document = request("web", attachment(FRONT, "10.30.0.2"))
        self.setup_ok(self.container("web"), document)
        self.teardown_ok("/run/netns/web", document)
        self.assertEqual(os.listdir(DIRECTORY), [])
        self.assertFalse(os.path.exists(f"{DIRECTORY}.sock"))

    def test_custom_records_of_a_network_come_and_go_with_its_definition(self):
        records = {**FRONT, "options": {"dns_records": "www CNAME web; mail 60 MX 10 web",
                                        "dns_domain": "shop.internal"}}
        self.attach("web", attachment(records, "10.30.0.2"), ports=[port(8080, 80)])
        self.assertEqual(self.content("front"),
                         "10.30.0.1\n=   @ 0 SET domain=shop.internal\n=   www 0 CNAME web\n"
                         "=   mail 60 MX 10 web\n" + entry("web", "10.30.0.2", "", "web")
                         + f"={identifier('web')}   _80._tcp.web 0 SRV 0 0 80 web\n")
        self.attach("db", attachment(FRONT, "10.30.0.3"))
        self.assertTrue(self.content("front").startswith(f"10.30.0.1\n{identifier('web')} "))
        self.teardown_ok("/run/netns/db", request("db", attachment(FRONT, "10.30.0.3")))
        self.teardown_ok("/run/netns/web",
                         request("web", attachment(records, "10.30.0.2"), ports=[port(8080, 80)]))
        self.assertEqual(self.names(), [])

    @unittest.skipUnless(DNS and "burrow" in DNS, "another daemon has no custom records")
    def test_custom_records_are_answered(self):
        records = {**FRONT, "labels": {"burrow.dns_records": "www CNAME web"}}
        self.attach("web", attachment(records, "10.30.0.2"), ports=[port(8080, 80)])
        reply = dns_support.ask("www.dns.podman", server="10.30.0.1", timeout=2)
        self.assertEqual(reply.data, ["web.dns.podman.", "10.30.0.2"])
        reply = dns_support.ask("_80._tcp.web", 33, server="10.30.0.1", timeout=2)
        self.assertEqual(reply.data, [b"\0\0\0\0\0\x50\3web\0"])

    def test_a_record_that_makes_no_sense_is_refused_with_its_network(self):
        broken = {**FRONT, "options": {"dns_records": "www CNAME example..com"}}
        self.assert_refused(self.container("web"), request("web", attachment(broken, "10.30.0.2")),
                            "front", "www CNAME example..com")

    def test_a_daemon_without_control_socket_is_told_by_signal(self):
        os.makedirs(DIRECTORY)
        script = (f"import os, signal; signal.signal(signal.SIGHUP, lambda *_: os._exit(7));"
                  f"open('{DIRECTORY}/aardvark.pid', 'w').write(str(os.getpid())); signal.pause()")
        with subprocess.Popen([sys.executable, "-c", script, DIRECTORY]) as foreign:
            self.assertTrue(wait_until(lambda: os.path.exists(f"{DIRECTORY}/aardvark.pid")
                                       and self.content("aardvark.pid")))
            self.attach("web", attachment(FRONT, "10.30.0.2"))
            self.assertEqual(foreign.wait(5), 7)
        os.unlink(f"{DIRECTORY}/aardvark.pid")

    def test_a_daemon_that_died_is_started_again_by_the_next_setup(self):
        self.attach("a", attachment(FRONT, "10.30.0.2"))
        pid = self.kill_daemon()
        self.attach("b", attachment(FRONT, "10.30.0.3"))
        self.assertTrue(wait_until(lambda: self.daemon() != pid and self.is_running(self.daemon())))

    def test_a_daemon_that_died_is_not_started_again_by_the_last_teardown(self):
        document = request("a", attachment(FRONT, "10.30.0.2"))
        self.setup_ok(self.container("a"), document)
        pid = self.kill_daemon()
        self.teardown_ok("/run/netns/a", document)
        self.assertEqual(self.names(), [])

    def test_a_pid_file_that_names_another_process_kills_nobody(self):
        bystander = os.fork()
        if bystander == 0:
            signal.pause()
        try:
            os.makedirs(DIRECTORY)
            with open(f"{DIRECTORY}/aardvark.pid", "w") as file:
                file.write(str(bystander))
            outcome = self.netstack.setup(self.container("a"), request("a", attachment(FRONT, "10.30.0.2")))
            self.assertEqual(os.waitpid(bystander, os.WNOHANG), (0, 0), outcome)
        finally:
            os.kill(bystander, signal.SIGKILL)
            os.waitpid(bystander, 0)

    def test_a_server_that_is_a_gateway_of_its_own_network_is_refused(self):
        container = self.container("web")
        loop = {**FRONT, "network_dns_servers": ["10.30.0.1"]}
        self.assert_refused(container, request("web", attachment(loop, "10.30.0.2")), "10.30.0.1", "front")
        document = request("web", attachment(FRONT, "10.30.0.2"), attachment(BACK, "10.31.0.2"), dns_servers=["10.31.0.1"])
        self.assert_refused(container, document, "10.31.0.1", "back")


class WithoutDaemon(NetstackTest):
    def test_without_a_binary_set_up_goes_on_without_names(self):
        for binary in ("", "/run/no-such-binary"):
            self.netstack.flags[self.netstack.flags.index("--aardvark-binary") + 1] = binary
            container = self.container("web")
            document = request("web", attachment(FRONT, "10.30.0.2"))
            self.setup_ok(container, document)
            self.assertFalse(os.path.exists(f"{DIRECTORY}/front"))
            self.teardown_ok(container, document)
            container.delete()


if __name__ == "__main__":
    main()
