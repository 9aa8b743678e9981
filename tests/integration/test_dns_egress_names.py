"""Names in lists of egress: what burrow-dns answers is open when the answer comes, and nothing else."""

import dns_support as dns
from limits_support import FAR4, FAR6, NEAR4, NEAR6
from names_support import NamesTest, asks
from netstack_support import attachment, main

OPEN, REFUSED = "open", "refused"


class Answers(NamesTest):
    def setUp(self):
        super().setUp()
        self.server.names = {
            "deb.example.org": ([FAR4, FAR6], 300),
            "near.example.org": ([NEAR4, NEAR6], 300),
            "www.shop.example": "cdn.example.net",
            "cdn.example.net": ([FAR4, FAR6], 20),
        }

    def test_a_name_is_open_as_soon_as_it_is_answered_and_not_before(self):
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org")
        self.assertEqual(self.outcomes(web, FAR4, FAR6, NEAR4), [REFUSED] * 3)
        for qtype, address in ((dns.A, FAR4), (dns.AAAA, FAR6)):
            self.assertEqual(asks(web, "Deb.Example.org", qtype), [address])
            self.assertEqual(self.outcomes(web, address), [OPEN])
        self.assertEqual(self.outcomes(web, NEAR4, NEAR6), [REFUSED] * 2)
        opened = self.opened()
        self.assertEqual({key: comment for key, (comment, _) in opened.items()}, {
            ("egress_allow_named4", "10.30.0.2", FAR4): "web (front): deb.example.org",
            ("egress_allow_named6", "fd00:30::2", FAR6): "web (front): deb.example.org"})
        for _, left in opened.values():
            self.assertTrue(350 <= left <= 360, left)

    def test_who_asks_over_tcp_or_is_answered_from_memory_finds_it_open_too(self):
        web = self.start("web", self.front(), 2, egress_allow="deb.example.org")
        other = self.start("other", self.front(), 3, egress_allow="deb.example.org")
        asks(web, "deb.example.org")
        asked = len(self.server.asked)
        self.assertEqual(asks(other, "deb.example.org"), [FAR4])
        self.assertEqual(len(self.server.asked), asked)
        self.assertEqual(self.outcomes(other, FAR4, FAR6), [OPEN, REFUSED])
        by_tcp = self.start("third", self.front(), 4, egress_allow="deb.example.org")
        reply = by_tcp.inside(lambda: dns.ask_tcp("deb.example.org", server="10.30.0.1"))
        self.assertEqual(reply.data, [FAR4])
        self.assertEqual(self.outcomes(by_tcp, FAR4), [OPEN])
        reply = by_tcp.inside(lambda: dns.ask_tcp("deb.example.org", dns.AAAA, server="10.30.0.1"))
        self.assertEqual(reply.data, [FAR6])
        self.assertEqual(self.outcomes(by_tcp, FAR6), [OPEN])

    def test_the_asked_name_counts_not_what_it_is_an_alias_of(self):
        web = self.start("web", self.front(), 2, egress_allow="www.shop.example")
        other = self.start("other", self.front(), 3, egress_allow="cdn.example.net")
        self.assertEqual(asks(web, "www.shop.example"), [FAR4])
        self.assertEqual(asks(other, "www.shop.example"), [FAR4])
        self.assertEqual(self.outcomes(web, FAR4), [OPEN])
        self.assertEqual(self.outcomes(other, FAR4), [REFUSED])

    def test_a_wildcard_means_all_below_a_name_and_not_the_name(self):
        self.server.names.update({"example.org": ([NEAR4], 60), "a.b.example.org": ([FAR4], 60)})
        web = self.start("web", self.front(), 2, egress_allow="*.example.org")
        for name in ("example.org", "a.b.example.org"):
            asks(web, name)
        self.assertEqual(self.outcomes(web, NEAR4, FAR4), [REFUSED, OPEN])

    def test_a_denied_name_is_answered_and_its_address_is_denied_whatever_else_allows_it(self):
        web = self.start("web", self.front(), 2, egress_deny="deb.example.org")
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [OPEN] * 2)
        self.assertEqual(asks(web, "deb.example.org"), [FAR4])
        self.assertEqual(self.outcomes(web, FAR4, NEAR4), [REFUSED, OPEN])
        both = self.start("both", self.front(), 3, egress_deny="deb.example.org", egress_allow="cdn.example.net,192.0.2.2")
        asks(both, "cdn.example.net")
        self.assertEqual(self.outcomes(both, FAR4, NEAR4), [OPEN] * 2)
        asks(both, "deb.example.org")
        self.assertEqual(self.outcomes(both, FAR4, NEAR4), [REFUSED, OPEN])

    def test_a_short_ttl_is_held_for_two_minutes_and_never_shortened(self):
        web = self.start("web", self.front(), 2, egress_allow="cdn.example.net,deb.example.org")
        asks(web, "cdn.example.net")
        [(_, left)] = self.opened().values()
        self.assertTrue(115 <= left <= 120, left)
        asks(web, "deb.example.org")  # the same address for longer
        [(comment, left)] = self.opened().values()
        self.assertTrue(350 <= left <= 360, left)
        self.server.names["cdn.example.net"] = ([FAR4], 1)
        asks(web, "cdn.example.net")
        [(_, left)] = self.opened().values()
        self.assertTrue(345 <= left <= 360, left)

    def test_a_networks_names_hold_for_all_its_containers_and_no_other(self):
        front = self.front(egress_allow="deb.example.org")
        a, b = self.start("a", front, 2), self.start("b", front, 3)
        other = self.start("other", self.back(), 2)
        self.assertEqual(self.outcomes(a, FAR4), [REFUSED])
        self.assertEqual(asks(other, "deb.example.org", gateway="10.31.0.1"), [FAR4])
        self.assertEqual(self.opened(), {})
        asks(a, "deb.example.org")
        self.assertEqual(self.outcomes(a, FAR4, NEAR4), [OPEN, REFUSED])
        self.assertEqual(self.outcomes(b, FAR4, NEAR4), [OPEN, REFUSED])
        self.assertEqual(list(self.opened()), [("network_egress_allow_named4", "br-front", FAR4)])

    def test_a_list_holds_wherever_its_container_asks(self):
        """On two networks it may ask on either, and sends by the one that has the route."""
        front, back = self.front(), self.back()
        web = self.attach("web", attachment(front, "10.30.0.2", options={"egress_allow": "deb.example.org"}),
                          attachment(back, "10.31.0.2"))
        self.assertEqual(asks(web, "deb.example.org", gateway="10.31.0.1"), [FAR4])
        self.assertEqual(list(self.opened()), [("egress_allow_named4", "10.30.0.2", FAR4)])


if __name__ == "__main__":
    main()
