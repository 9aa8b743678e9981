"""StrictForwardPorts of firewalld: who waits for the administrator is said, and containers start.

Debian 12's firewalld has no such setting: there it is put on by a patch of the one property, which
proves what we ask and say. What it does to packets is tested where firewalld is 2.3 or newer
(BURROW_FIREWALLD names the tree of one).
"""

from firewalld_support import FirewalldTest, main
from netns_support import NEVER, Listener, connects, reaches
from netstack_support import attachment, network, port, request

FRONT = network("front", "10.40.0.0/24", "fd00:40::/64")

# The property of a newer firewalld, in an older one.
_PATCH = """
import dbus, firewall.config, firewall.server.config as server
if not hasattr(firewall.config, 'FALLBACK_STRICT_FORWARD_PORTS'):
    known = server.FirewallDConfig._get_dbus_property
    server.FirewallDConfig._get_dbus_property = lambda self, name: (
        dbus.String('yes') if name == 'StrictForwardPorts' else known(self, name))
"""


class Strict(FirewalldTest):
    settings = {"StrictForwardPorts": "yes"}
    prelude = _PATCH

    def publish(self):
        namespace = self.container("web")
        document = request(
            "web", attachment(FRONT, "10.40.0.2", "fd00:40::2"), ports=[port(8080, 80), port(9000, 90, "udp", count=3)]
        )
        outcome = self.netstack.setup(namespace, document, environment={"BURROW_LOG": "warn"})
        self.addCleanup(namespace.delete)
        self.addCleanup(self.netstack.teardown, namespace, document)
        self.assertEqual(outcome.code, 0, outcome)
        return namespace, outcome

    def open(self):
        words = ("public", "8080", "tcp", "80", "10.40.0.2")
        self.host.sh("firewall-cmd", f"--zone={words[0]}",
                     "--add-forward-port=port=8080:proto=tcp:toport=80:toaddr=10.40.0.2")  # fmt: skip
        self.addCleanup(self.firewalld.call, ".zone", "removeForwardPort", *words)

    def test_a_container_starts_and_each_port_that_waits_is_said(self):
        _, outcome = self.publish()
        self.assertIn("port 8080/tcp waits for firewalld's administrator", outcome.err)
        self.assertIn("--add-forward-port=port=9000-9002:proto=udp:toport=90-92:toaddr=10.40.0.2", outcome.err)
        self.assertIn("StrictForwardPorts=yes", self.netstack.run("doctor").out)

    def test_a_port_that_the_administrator_opened_waits_for_nobody(self):
        self.host.sh("firewall-cmd", "-q", "--zone=public", "--change-interface=uplink")
        self.addCleanup(self.firewalld.take, "uplink", "public")
        self.open()
        _, outcome = self.publish()
        self.assertNotIn("8080", outcome.err)
        self.assertIn("9000-9002", outcome.err)

    def test_a_port_is_open_exactly_when_the_administrator_opened_it(self):
        if "filter_FORWARD_dnat" not in self.host.sh("nft", "list", "table", "inet", "firewalld"):
            self.skipTest("this firewalld is older than StrictForwardPorts")
        namespace, _ = self.publish()
        with Listener(namespace, 80) as listener:
            self.assertFalse(connects(self.outside_host, "192.0.2.1", 8080, NEVER))
            self.open()
            self.assertIsNotNone(reaches(self.outside_host, "192.0.2.1", 8080, listener))
        with Listener(namespace, 80, "::") as listener:
            self.assertIsNotNone(reaches(self.outside_host, "2001:db8::1", 8080, listener))


if __name__ == "__main__":
    main()
