"""UDP clients that talk on while a published port comes, moves and goes."""

import unittest

from firewall_support import Server, World, apply, ask, publication, remove, run, tool

PORT = 5300


def entries():
    listed = run("conntrack", "-L", "-p", "udp", "--orig-port-dst", PORT).splitlines()
    return [line for line in listed if line.startswith("udp")]


class Udp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        world = cls.world = World(bridge_netfilter=False)
        world.network("front", 1)
        cls.old = world.container("old", "front", 2)
        cls.new = world.container("new", "front", 3)
        cls.servers = [Server("old", "old", 80), Server("new", "new", 80),
                       Server("outside", "outside", PORT)]
        apply({"networks": list(world.networks.values())})
        cls.source = 40000

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.close()

    def setUp(self):
        Udp.source += 1
        run("conntrack", "-F")

    def publish(self, name, addresses, **more):
        policy = {"publications": [publication(name, "front", addresses, [
            {"host_port": PORT, "container_port": 80, "protocol": "udp", **more}])]}
        apply(policy, "keep")
        self.addCleanup(remove, policy)
        return policy

    def forget(self, targets, **mapping):
        mapping = {"host_port": PORT, "container_port": 80, "protocol": "udp", **mapping}
        return int(tool("forget-udp", policy={"ports": [mapping], "targets": list(targets)}))

    def client(self, host, timeout=0.5):
        """Asks again and again from one port, as a resolver or a phone does."""
        source = ("::" if ":" in host else "0.0.0.0", self.source)
        answer = ask("outside", host, PORT, "udp", source=source, timeout=timeout)
        return answer[0] if answer else None

    def test_a_client_that_asked_too_early_is_answered_after_publishing(self):
        for host in (World.HOST4, World.HOST6):
            with self.subTest(host=host):
                Udp.source += 1
                self.assertIn(self.client(host), (None, "refused"))
                policy = self.publish("old", self.old)
                self.assertIn(self.client(host), (None, "refused"), "the kernel needs no help?")
                self.assertEqual(self.forget(self.old), 1)
                self.assertEqual(self.client(host), "old")
                remove(policy)

    def test_a_client_follows_the_port_to_another_container(self):
        for host in (World.HOST4, World.HOST6):
            with self.subTest(host=host):
                Udp.source += 1
                policy = self.publish("old", self.old)
                self.assertEqual(self.client(host), "old")
                remove(policy)
                policy = self.publish("new", self.new)
                self.assertEqual(self.client(host), "old", "the kernel needs no help?")
                self.assertEqual(self.forget(self.new), 1)
                self.assertEqual(self.client(host), "new")
                self.assertEqual(self.forget(self.new), 0, "a connection that is right was cut")
                self.assertEqual(self.client(host), "new")
                remove(policy)

    def test_nothing_leads_to_a_withdrawn_port(self):
        policy = self.publish("old", self.old)
        self.assertEqual(self.client(World.HOST4), "old")
        remove(policy)
        self.assertEqual(self.forget([]), 1)
        self.assertIn(self.client(World.HOST4), (None, "refused"))

    def test_other_ports_addresses_protocols_and_passers_by_are_left_alone(self):
        self.publish("old", self.old)
        self.assertEqual(self.client(World.HOST4), "old")
        # A container asks somebody else's server on the same port: it only passes this host.
        self.assertEqual(ask("new", World.OUTSIDE4, PORT, "udp")[0], "outside")
        self.assertEqual(self.forget(self.new, host_port=PORT + 1), 0)
        self.assertEqual(self.forget(self.new, protocol="tcp"), 0)
        self.assertEqual(self.forget(self.new, host_ip="192.0.2.5"), 0)
        self.assertEqual(self.forget(self.new, host_ip="::"), 0)
        self.assertEqual(len(entries()), 2)
        self.assertEqual(self.forget(self.new, host_ip=World.HOST4), 1)
        self.assertEqual(len(entries()), 1)
        self.assertIn(f"dst={World.OUTSIDE4} ", entries()[0])

    def test_a_long_range_is_one_look(self):
        self.publish("old", self.old)
        self.assertEqual(self.client(World.HOST4), "old")
        whole = {"host_port": 1, "container_port": 1, "range": 65535}
        # 5300 of the range would lead to port 5300 of the container, not to 80.
        self.assertEqual(self.forget(self.old, **whole), 1)
        self.assertEqual(self.forget(self.old, **whole), 0)

    def test_hundreds_of_clients_are_forgotten_at_once(self):
        self.publish("old", self.old)
        for number in range(300):
            run("conntrack", "-I", "-p", "udp", "-t", "60", "--src", f"203.0.113.{number % 250}",
                "--dst", World.HOST4, "--sport", str(2000 + number), "--dport", str(PORT))
        self.assertEqual(self.forget(self.new), 300)
        self.assertEqual(entries(), [])


if __name__ == "__main__":
    unittest.main()
