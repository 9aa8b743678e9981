"""The firewall driver firewalld: a firewalld that is absent, slow, refuses, or ends in the middle."""

import fcntl
import os
import signal
import time

from firewalld_support import Bus, FirewalldTest, ReloadTest, end, full_bus, main
from netns_support import Listener, reaches, wait_until
from netstack_support import NetstackTest, attachment, encoded, network, port, request

FRONT = network("front", "10.40.0.0/24", "fd00:40::/64")
A = ("10.40.0.2", "fd00:40::2")


class Fails(ReloadTest):
    def test_a_firewalld_that_dies_in_the_middle_of_a_set_up_leaves_nothing_of_it(self):
        namespace = self.container("c")
        self.addCleanup(namespace.delete)
        document = request("c", attachment(self.front, "10.40.0.9", "fd00:40::9"), ports=[port(8090, 80)])
        before = self.settled_snapshot(namespace)
        self.firewalld.process.send_signal(signal.SIGSTOP)
        call = self.netstack.start("setup", namespace.path)
        call.stdin.write(encoded(document))
        call.stdin.close()
        time.sleep(0.4)
        self.firewalld.kill()
        self.assertEqual(call.wait(timeout=10), 1)
        said = call.stdout.read().decode()
        end(call)
        self.assertIn("went away before it answered", said)
        self.host.sh("nft", "delete", "table", "inet", "firewalld")  # which it leaves when it is killed, and then doubles
        self.firewalld.start()
        self.assertEqual(self.netstack.run("firewall-reload").code, 0)
        self.assert_back()
        self.assert_unchanged(before, namespace)

    def test_a_firewalld_that_hangs_is_not_waited_for_for_ever(self):
        namespace = self.container("c")
        self.addCleanup(namespace.delete)
        document = request("c", attachment(self.front, "10.40.0.9", "fd00:40::9"))
        self.firewalld.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            error = self.netstack.setup(namespace, document).error
        finally:
            self.firewalld.process.send_signal(signal.SIGCONT)
        self.assertIn("no answer in time", error)
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(namespace.links(), {"lo"})
        self.assertTrue(wait_until(self.firewalld.is_running))
        self.assert_back()

    def test_commands_of_several_run_directories_take_turns(self):
        namespace = self.container("c")
        self.addCleanup(namespace.delete)
        document = request("c", attachment(self.front, "10.40.0.9", "fd00:40::9"), ports=[port(8090, 80)])
        with open("/run/burrow-firewalld.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            call = self.netstack.start("setup", namespace.path)
            call.stdin.write(encoded(document))
            call.stdin.close()
            time.sleep(0.4)
            self.assertIsNone(call.poll())
        self.assertEqual(call.wait(timeout=10), 0)
        end(call)
        self.assertFalse(os.path.exists("/run/burrow-firewalld.lock"))
        self.teardown_ok(namespace, document)

    def test_a_rule_that_firewalld_refuses_leaves_nothing_half_applied(self):
        # Panic mode refuses every change.
        self.firewalld.call("", "enablePanicMode")
        namespace = self.container("c")
        self.addCleanup(namespace.delete)
        document = request("c", attachment(self.front, "10.40.0.9", "fd00:40::9"), ports=[port(8090, 80)])
        try:
            error = self.netstack.setup(namespace, document).error
        finally:
            self.firewalld.call("", "disablePanicMode")
        self.assertIn("PANIC_MODE", error)
        self.assertEqual(namespace.links(), {"lo"})
        self.assert_back()


class RefusesPorts(FirewalldTest):
    """A firewalld that takes everything but rules of ports."""

    firewall = "firewalld"
    prelude = """
from firewall.core import fw_policy; from firewall.errors import FirewallError, INVALID_RULE
known = fw_policy.FirewallPolicy.set_config_with_settings_dict
def refusing(self, policy, settings, sender):
    if policy == 'burrow-ports': raise FirewallError(INVALID_RULE, 'not today')
    return known(self, policy, settings, sender)
fw_policy.FirewallPolicy.set_config_with_settings_dict = refusing
"""

    def test_a_bridge_that_was_moved_is_back_where_it_was(self):
        self.host.sh("ip", "link", "add", "br-front", "type", "bridge")
        self.firewalld.put("br-front", "burrow")
        before = self.firewalld.state()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        error = self.netstack.setup(namespace, request("a", attachment(FRONT, *A), ports=[port(8080, 80)])).error
        self.assertIn("not today", error)
        self.assertEqual(self.firewalld.zone_of("br-front"), "burrow")
        self.assertEqual(self.firewalld.state(), before)
        self.assertEqual(namespace.links(), {"lo"})


class Unread(FirewalldTest):
    firewall = "firewalld"
    has_zone = False

    def test_until_firewalld_has_read_our_files_the_driver_says_what_to_do_and_reloads_nothing(self):
        before = self.firewalld.state()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, *A))
        self.assert_refused(namespace, document, "firewalld has not read burrow-open", "firewall-cmd --reload once")
        self.assertEqual(self.firewalld.state(), before)
        self.firewalld.install_driver()
        self.firewalld.reload()
        self.setup_ok(namespace, document)
        self.teardown_ok(namespace, document)


class Strict(FirewalldTest):
    """StrictForwardPorts, which an older firewalld has only by this patch of one property."""

    firewall = "firewalld"
    settings = {"StrictForwardPorts": "yes"}
    prelude = """
import dbus, firewall.config, firewall.server.config as server
if not hasattr(firewall.config, 'FALLBACK_STRICT_FORWARD_PORTS'):
    known = server.FirewallDConfig._get_dbus_property
    server.FirewallDConfig._get_dbus_property = lambda self, name: (
        dbus.String('yes') if name == 'StrictForwardPorts' else known(self, name))
"""

    def test_only_the_administrator_opens_ports_and_who_waits_for_him_is_said(self):
        before = self.firewalld.state()
        namespace = self.container("a")
        self.addCleanup(namespace.delete)
        document = request("a", attachment(FRONT, *A), ports=[port(8080, 80)])
        outcome = self.netstack.setup(namespace, document, environment={"BURROW_LOG": "warn"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("port 8080/tcp waits for firewalld's administrator", outcome.err)
        self.assertNotIn("8080", self.firewalld.rules())
        self.host.sh("firewall-cmd", "-q", "--zone=public", "--add-forward-port=port=8080:proto=tcp:toport=80:toaddr=10.40.0.2")
        with Listener(namespace, 80) as listener:
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8080, listener))
        self.firewalld.call(".zone", "removeForwardPort", "public", "8080", "tcp", "80", "10.40.0.2")
        self.teardown_ok(namespace, document)
        self.assertEqual(self.firewalld.state(), before)


class Absent(NetstackTest):
    firewall = "firewalld"

    def test_without_a_bus_or_without_firewalld_on_it_a_set_up_is_refused(self):
        namespace = self.container("a")
        document = request("a", attachment(FRONT, *A))
        self.assert_refused(namespace, document, 'firewall driver "firewalld": firewalld does not run')
        bus = Bus()
        self.addCleanup(bus.stop)
        self.assert_refused(namespace, document, 'firewall driver "firewalld": firewalld does not run')

    def test_a_bus_that_takes_no_connections_is_said_to(self):
        with full_bus():
            namespace = self.container("a")
            self.assert_refused(namespace, request("a", attachment(FRONT, *A)), "takes no connections")

    def test_networks_on_no_bridge_need_no_firewalld(self):
        self.machine.sh("ip", "link", "add", "lan0", "type", "bridge")
        self.machine.sh("ip", "link", "set", "lan0", "up")
        unmanaged = network("lan", "10.90.0.0/24", options={"mode": "unmanaged"})
        unmanaged["network_interface"] = "lan0"
        namespace = self.container("a")
        document = request("a", attachment(unmanaged, "10.90.0.2"))
        self.setup_ok(namespace, document)
        self.teardown_ok(namespace, document)


if __name__ == "__main__":
    main()
