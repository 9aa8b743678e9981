"""Servers that are silent, broken or hostile, callers that are, and addresses that are taken: an error
that names it, in time, and nothing left."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import unittest

from dhcp_support import PROGRAM, BRIDGE, Caller, DhcpTest, Refused, sh, wait_until

BAD_SERVER = os.path.join(os.path.dirname(__file__), "../support/bad_dhcp_server.py")


class Servers(DhcpTest):
    timeout = "2"

    def setUp(self):
        super().setUp()
        self.container = self.join("c1")
        self.start_proxy()

    def bad_server(self, manner):
        return self.serve(self.server, sys.executable, BAD_SERVER, "eth0", manner, ready="ready")

    def assert_named(self, manner, words, code="timeout"):
        server = self.bad_server(manner)
        begin = time.monotonic()
        self.assert_refused(self.container, words, code)
        self.assertLess(time.monotonic() - begin, 3)
        self.assert_untouched(self.container)
        return server

    def test_one_that_never_answers(self):
        server = self.assert_named("never", r'^no lease for "eth0" of container c1 within 2 s: IPv4: no DHCP server answers$')
        self.assertGreaterEqual(server.text().count("heard 1"), 2)

    def test_one_that_answers_garbage(self):
        self.assert_named("garbage", "an answer makes no sense: ")

    def test_one_whose_options_are_cut_short(self):
        self.assert_named("cut", "an answer makes no sense: option 6 is cut short")

    def test_one_that_answers_for_another_transaction(self):
        self.assert_named("other_transaction", r"no answer, but \d for other clients")

    def test_one_that_answers_for_another_client(self):
        self.assert_named("other_client", r"no answer, but \d for other clients")

    def test_one_that_refuses_what_it_offers_is_not_asked_in_circles(self):
        server = self.assert_named("refuses", "server 10.5.0.1 refuses 10.5.0.50: the pool is closed")
        self.assertLess(server.text().count("heard"), 12)

    def test_one_that_offers_and_never_grants(self):
        self.assert_named("offers_only", "IPv4: ")

    def test_one_whose_leases_have_no_time(self):
        self.assert_named("no_time", "an offer cannot be used: a lease of 0 seconds")

    def test_one_whose_gateway_no_link_leads_to(self):
        self.assert_named("bad_route", r"the server's routes: add route 0.0.0.0/0 via 192.0.2.1", code=None)

    def test_a_good_answer_among_much_nonsense_is_heard(self):
        self.bad_server("flood")
        (lease,) = self.set_up(self.container)
        self.assertEqual(self.container.addresses("eth0"), ["10.5.0.50/24"])


class Conflicts(DhcpTest):
    def test_an_address_that_somebody_has_is_declined_and_another_got(self):
        squatter = self.join("squatter", address="10.5.0.50/24")
        server = self.dnsmasq("--dhcp-sequential-ip")
        container = self.join("c1")
        self.start_proxy()
        (lease,) = self.set_up(container)
        self.assertEqual(lease["address"], "10.5.0.51/24")
        self.assertIn("DHCPDECLINE(eth0) 10.5.0.50", server.text())
        self.assertEqual(container.addresses("eth0"), ["10.5.0.51/24"])

    def test_when_all_are_taken_the_error_names_address_and_owner(self):
        self.timeout = "2"
        squatter = self.join("squatter", address="10.5.0.50/24")
        mac = squatter.link("eth0")["address"]
        self.dnsmasq(last="10.5.0.50")
        container = self.join("c1")
        self.start_proxy()
        self.assert_refused(container, f"address 10.5.0.50 is in use by {mac}", "timeout")
        self.assert_untouched(container)


class Containers(DhcpTest):
    def setUp(self):
        super().setUp()
        self.container = self.join("c1")
        self.start_proxy()

    def test_namespaces_and_links_that_are_not_there_are_named_at_once(self):
        self.assert_refused(self.container, r'invalid namespace path "/run/netns/none"', "not_found", netns="/run/netns/none")
        self.assert_refused(self.container, 'there is no link "eth7" in "/run/netns/c1"', "not_found", interface="eth7")
        self.assert_refused(self.container, "has the MAC address .* and not 02:00:00:00:00:07", "not_found", mac="02:00:00:00:00:07")

    def test_a_link_that_is_down_is_said_so(self):
        self.container.sh("ip", "link", "set", "eth0", "down")
        self.assert_refused(self.container, 'link "eth0" of container c1 is down', "invalid_input")

    def test_the_hosts_own_namespace_is_refused(self):
        self.assert_refused(self.container, "it is the host's own", "invalid_input", netns="/proc/self/ns/net")

    def test_a_namespace_that_goes_while_a_server_is_waited_for(self):
        caller = self.call()
        caller.send({"command": "setup", "request": self.request(self.container)})
        time.sleep(0.2)
        self.namespaces.remove(self.container)
        self.container.delete()
        self.assertTrue(self.call().ask({"command": "status"})["status"])
        self.assertFalse(self.tear_down(self.container))
        with self.assertRaisesRegex(Refused, "was ended by somebody else"):
            caller.receive()
        self.assertTrue(wait_until(lambda: "vc1" not in sh("ip", "link")))


class Callers(DhcpTest):
    """Whoever speaks on the socket: nothing makes the proxy fall, hang or grow."""

    def setUp(self):
        super().setUp()
        self.start_proxy()

    def answers(self):
        return self.call().ask({"command": "status"})["status"] == []

    def test_lines_that_make_no_sense_are_answered(self):
        caller = self.call()
        for line in (b"", b"{}", b"[]", b"\xff\xfe", b'{"command":"x"}', b'{"command":"setup"}', b"[" * 5000, b'{"command":"setup","request":{"container":"../../etc"}}'):
            caller.file.write(line + b"\n")
            caller.file.flush()
            with self.assertRaises(Refused) as refused:
                caller.receive()
            self.assertEqual(refused.exception.code, "invalid_input", line)
        self.assertTrue(self.answers())

    def test_a_line_without_end_is_hung_up_on(self):
        caller = self.call()
        with self.assertRaises(OSError):
            for _ in range(1000):
                caller.socket.send(b"x" * 65536)
        self.assertTrue(self.answers())

    def test_commands_in_one_piece_are_answered_one_by_one(self):
        caller = self.call()
        caller.file.write(b'{"command":"status"}\n' * 50)
        caller.file.flush()
        for _ in range(50):
            self.assertEqual(caller.receive(), {"status": []})

    def test_hundreds_of_silent_callers_do_not_keep_others_out_for_long(self):
        silent = [self.call() for _ in range(255)]
        self.assertTrue(self.answers())
        for caller in silent:
            caller.close()
        self.assertTrue(self.answers())

    def test_other_users_are_turned_away(self):
        os.chmod(self.directory, 0o755)
        os.chmod(self.path, 0o666)
        code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({self.path!r}); s.send(b'{{}}\\n'); print(len(s.recv(99)))"
        done = subprocess.run([sys.executable, "-c", f"import os; os.setuid(65534)\ntry:\n {code}\nexcept OSError:\n print(0)"], capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), "0", done.stderr)
        self.assertIn("a caller of another user is turned away", self.proxy_log())

    def test_the_socket_is_for_its_owner_alone(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(f"{self.directory}/leases").st_mode & 0o777, 0o700)


if __name__ == "__main__":
    unittest.main()
