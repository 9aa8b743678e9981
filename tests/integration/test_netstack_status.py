"""The answer of setup: exactly the StatusBlock that engines decode, compact and on one line."""

import json

from netstack_support import DNS, NetstackTest, attachment, main, network, request, subnet

FRONT = network("front", "10.30.0.0/24")
BACK = network("back", "10.31.0.0/24", "fd00:31::/64")


class Status(NetstackTest):
    dns = DNS or ""

    def block(self, document, **members):
        name = document["networks"][0]["name"]
        return self.setup_ok(self.container("c"), {**document, **members})[name]

    def test_it_is_one_compact_line_with_the_keys_in_netavarks_order(self):
        document = request("c", attachment(FRONT, "10.30.0.5", static_mac="92:d0:c6:0a:29:35"))
        outcome = self.netstack.setup(self.container("c"), document)
        self.assertEqual(
            outcome.out,
            '{"front":{"dns_search_domains":[],"dns_server_ips":[],"interfaces":{"eth0":{"mac_address":'
            '"92:d0:c6:0a:29:35","subnets":[{"gateway":"10.30.0.1","ipnet":"10.30.0.5/24"}]}}}}\n',
        )
        self.assertEqual(outcome.err, "")

    def test_the_mac_is_that_of_the_link(self):
        container = self.container("c")
        status = self.setup_ok(container, request("c", attachment(FRONT, "10.30.0.5")))
        self.assertEqual(
            status["front"]["interfaces"]["eth0"]["mac_address"], container.link("eth0")["address"]
        )

    def test_addresses_are_listed_by_subnet_and_then_as_given(self):
        block = self.block(request("c", attachment(BACK, "fd00:31::2", "10.31.0.9", "10.31.0.3", "fd00:31::1:2")))
        self.assertEqual(
            block["interfaces"]["eth0"]["subnets"],
            [
                {"gateway": "10.31.0.1", "ipnet": "10.31.0.9/24"},
                {"gateway": "10.31.0.1", "ipnet": "10.31.0.3/24"},
                {"gateway": "fd00:31::1", "ipnet": "fd00:31::2/64"},
                {"gateway": "fd00:31::1", "ipnet": "fd00:31::1:2/64"},
            ],
        )

    def test_a_subnet_without_gateway_has_null_there(self):
        block = self.block(request("c", attachment(network("lone", subnet("10.51.0.0/24", "")), "10.51.0.2")))
        self.assertEqual(block["interfaces"]["eth0"]["subnets"], [{"gateway": None, "ipnet": "10.51.0.2/24"}])

    def test_an_internal_network_still_names_its_gateway(self):
        block = self.block(request("c", attachment({**FRONT, "internal": True}, "10.30.0.2")))
        self.assertEqual(block["interfaces"]["eth0"]["subnets"][0]["gateway"], "10.30.0.1")

    def test_with_dns_the_servers_are_the_gateways_and_the_domain_is_dns_podman(self):
        block = self.block(request("c", attachment({**BACK, "dns_enabled": True}, "10.31.0.2", "fd00:31::2")))
        self.assertEqual(block["dns_server_ips"], ["10.31.0.1", "fd00:31::1"])
        self.assertEqual(block["dns_search_domains"], ["dns.podman"])

    def test_without_dns_the_servers_are_those_of_the_container(self):
        block = self.block(request("c", attachment(FRONT, "10.30.0.2")), dns_servers=["192.0.2.53", "2001:db8::53"])
        self.assertEqual(block["dns_server_ips"], ["192.0.2.53", "2001:db8::53"])
        self.assertEqual(block["dns_search_domains"], [])

    def test_with_dns_the_containers_servers_are_not_named_as_its_resolvers(self):
        document = request("c", attachment({**FRONT, "dns_enabled": True}, "10.30.0.2"))
        self.assertEqual(self.block(document, dns_servers=["192.0.2.53"])["dns_server_ips"], ["10.30.0.1"])

    def test_there_is_one_block_for_every_network_in_the_order_of_the_request(self):
        document = request("c", attachment(FRONT, "10.30.0.2"), attachment(BACK, "10.31.0.2"))
        status = self.setup_ok(self.container("c"), document)
        self.assertEqual(list(status), ["front", "back"])
        self.assertEqual(list(status["back"]["interfaces"]), ["eth1"])

    def test_it_stays_below_a_pipes_buffer_with_many_networks(self):
        many = [
            attachment(network(f"net{n}", f"10.{n}.0.0/16", f"fd00:{n}::/64"), f"10.{n}.0.2", f"fd00:{n}::2")
            for n in range(1, 31)
        ]
        outcome = self.netstack.setup(self.container("c"), request("c", *many))
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(len(json.loads(outcome.out)), 30)
        self.assertLess(len(outcome.out), 65536)


if __name__ == "__main__":
    main()
