"""Where a container's packets go: default routes, static routes, and their metrics."""

from netstack_support import NetstackTest, attachment, main, network, request, subnet

A = network("a", "10.1.0.0/24", "fd00:1::/64")
B = network("b", "10.2.0.0/24", "fd00:2::/64")
IN_A, IN_B = ("10.1.0.2", "fd00:1::2"), ("10.2.0.2", "fd00:2::2")


def with_options(document, **options):
    return {**document, "options": options}


class DefaultRoutes(NetstackTest):
    def defaults(self, container, family):
        """(gateway, link, metric) of every default route."""
        found = []
        for route in container.routes(family):
            if route["dst"] == "default":
                found.append((route.get("gateway"), route.get("dev"), route.get("metric")))
        return sorted(found, key=str)

    def way_out(self, container, family):
        """The links that packets to several places leave by."""
        places = [f"198.51.100.{n}" for n in (1, 77, 200)] if family == 4 else [f"2001:db8:{n}::1" for n in (5, 6, 7, 8, 9)]
        return {container.ip("route", "get", place)[0]["dev"] for place in places}

    def test_there_is_one_of_each_family_with_metric_100(self):
        container = self.attach("c", attachment(A, *IN_A))
        self.assertEqual(self.defaults(container, 4), [("10.1.0.1", "eth0", 100)])
        self.assertEqual(self.defaults(container, 6), [("fd00:1::1", "eth0", 100)])

    def test_they_are_the_tools_and_not_the_kernels(self):
        container = self.attach("c", attachment(A, *IN_A))
        for family in (4, 6):
            route = [r for r in container.routes(family) if r["dst"] == "default"][0]
            self.assertEqual(route["protocol"], "static")

    def test_the_metric_option_is_their_metric(self):
        container = self.attach("c", attachment(with_options(A, metric="250"), *IN_A))
        self.assertEqual(self.defaults(container, 4), [("10.1.0.1", "eth0", 250)])
        self.assertEqual(self.defaults(container, 6), [("fd00:1::1", "eth0", 250)])

    def test_no_default_route_leaves_them_out(self):
        container = self.attach("c", attachment(with_options(A, no_default_route="true"), *IN_A))
        self.assertEqual((self.defaults(container, 4), self.defaults(container, 6)), ([], []))

    def test_no_default_route_false_keeps_them(self):
        container = self.attach("c", attachment(with_options(A, no_default_route="false"), *IN_A))
        self.assertEqual(len(self.defaults(container, 4)), 1)

    def test_an_internal_network_has_none(self):
        container = self.attach("c", attachment({**A, "internal": True}, *IN_A))
        self.assertEqual((self.defaults(container, 4), self.defaults(container, 6)), ([], []))

    def test_of_two_networks_the_first_is_the_way_out(self):
        container = self.attach("c", attachment(A, *IN_A), attachment(B, *IN_B))
        self.assertEqual(self.way_out(container, 4), {"eth0"})
        self.assertEqual(self.way_out(container, 6), {"eth0"})

    def test_the_first_is_the_first_in_the_request_and_not_by_name(self):
        container = self.attach("c", attachment(B, *IN_B), attachment(A, *IN_A))
        self.assertEqual(self.way_out(container, 4), {"eth0"})
        self.assertEqual(self.way_out(container, 6), {"eth0"})

    def test_a_network_connected_later_does_not_take_the_way_out_over(self):
        container = self.attach("c", attachment(A, *IN_A))
        self.setup_ok(container, request("c", attachment(B, *IN_B, interface_name="eth1")))
        self.assertEqual(self.way_out(container, 4), {"eth0"})
        self.assertEqual(self.way_out(container, 6), {"eth0"})

    def test_when_the_first_network_is_disconnected_the_other_becomes_the_way_out(self):
        container = self.attach("c", attachment(A, *IN_A), attachment(B, *IN_B))
        self.teardown_ok(container, request("c", attachment(A, *IN_A)))
        self.assertEqual(self.way_out(container, 4), {"eth1"})
        self.assertEqual(self.way_out(container, 6), {"eth1"})

    def test_a_lower_metric_wins_over_the_order(self):
        container = self.attach("c", attachment(A, *IN_A), attachment(with_options(B, metric="50"), *IN_B))
        self.assertEqual(self.way_out(container, 4), {"eth1"})
        self.assertEqual(self.way_out(container, 6), {"eth1"})

    def test_the_first_network_may_be_internal_and_the_second_the_way_out(self):
        container = self.attach("c", attachment({**A, "internal": True}, *IN_A), attachment(B, *IN_B))
        self.assertEqual(self.way_out(container, 4), {"eth1"})

    def test_of_two_subnets_of_a_family_the_first_gives_the_default_route(self):
        document = network("two", "10.3.0.0/24", "10.4.0.0/24")
        container = self.attach("c", attachment(document, "10.3.0.2", "10.4.0.2"))
        self.assertEqual(self.defaults(container, 4), [("10.3.0.1", "eth0", 100)])


class StaticRoutes(NetstackTest):
    def attach_with(self, *routes):
        return self.attach("c", attachment({**A, "routes": list(routes)}, *IN_A))

    def route(self, container, destination, family=4):
        found = [r for r in container.routes(family) if r["dst"] == destination]
        self.assertEqual(len(found), 1, container.routes(family))
        return found[0]

    def test_a_unicast_route_leads_to_its_gateway_with_metric_100(self):
        container = self.attach_with(
            {"destination": "10.100.0.0/16", "gateway": "10.1.0.7"},
            {"destination": "fd00:100::/48", "gateway": "fd00:1::7"},
        )
        for family, destination, gateway in ((4, "10.100.0.0/16", "10.1.0.7"), (6, "fd00:100::/48", "fd00:1::7")):
            route = self.route(container, destination, family)
            self.assertEqual((route["gateway"], route["dev"], route["metric"]), (gateway, "eth0", 100))
            self.assertEqual(route["protocol"], "static")

    def test_the_word_unicast_and_the_empty_type_mean_the_same(self):
        container = self.attach_with(
            {"destination": "10.100.0.0/16", "gateway": "10.1.0.7", "route_type": "unicast"},
            {"destination": "10.101.0.0/16", "gateway": "10.1.0.7", "route_type": ""},
        )
        for destination in ("10.100.0.0/16", "10.101.0.0/16"):
            self.assertEqual(self.route(container, destination)["gateway"], "10.1.0.7")

    def test_a_metric_is_kept(self):
        container = self.attach_with(
            {"destination": "10.100.0.0/16", "gateway": "10.1.0.7", "metric": 4294967295},
            {"destination": "10.101.0.0/16", "gateway": "10.1.0.7", "metric": 1},
        )
        self.assertEqual(self.route(container, "10.100.0.0/16")["metric"], 4294967295)
        self.assertEqual(self.route(container, "10.101.0.0/16")["metric"], 1)

    def test_blackhole_unreachable_and_prohibit_are_the_kernels_types(self):
        for index, kind in enumerate(("blackhole", "unreachable", "prohibit")):
            container = self.attach(
                f"c{index}",
                attachment(
                    {
                        **network(f"n{index}", f"10.{index + 10}.0.0/24", f"fd00:{index + 10}::/64"),
                        "routes": [
                            {"destination": "10.100.0.0/16", "route_type": kind},
                            {"destination": "fd00:100::/48", "route_type": kind, "metric": 7},
                        ],
                    },
                    f"10.{index + 10}.0.2",
                    f"fd00:{index + 10}::2",
                ),
            )
            self.assertEqual(self.route(container, "10.100.0.0/16")["type"], kind)
            six = self.route(container, "fd00:100::/48", 6)
            self.assertEqual((six["type"], six["metric"]), (kind, 7))

    def test_a_route_may_lead_through_an_interface_set_up_before(self):
        routes = [{"destination": "10.100.0.0/16", "gateway": "10.1.0.9"}]
        container = self.attach("c", attachment(A, *IN_A), attachment({**B, "routes": routes}, *IN_B))
        self.assertEqual(self.route(container, "10.100.0.0/16")["dev"], "eth0")

    def test_routes_of_an_internal_network_are_set(self):
        document = {**A, "internal": True, "routes": [{"destination": "10.100.0.0/16", "gateway": "10.1.0.9"}]}
        container = self.attach("c", attachment(document, *IN_A))
        self.assertEqual(self.route(container, "10.100.0.0/16")["gateway"], "10.1.0.9")

    def test_they_go_with_the_network_also_those_without_a_link(self):
        document = {
            **A,
            "routes": [
                {"destination": "10.100.0.0/16", "gateway": "10.1.0.7"},
                {"destination": "10.101.0.0/16", "route_type": "blackhole"},
                {"destination": "fd00:100::/48", "route_type": "unreachable"},
            ],
        }
        container = self.attach("c", attachment(document, *IN_A), attachment(B, *IN_B))
        self.teardown_ok(container, request("c", attachment(document, *IN_A)))
        left = [r["dst"] for family in (4, 6) for r in container.routes(family)]
        self.assertFalse({"10.100.0.0/16", "10.101.0.0/16", "fd00:100::/48"} & set(left), left)


if __name__ == "__main__":
    main()
