"""Beside Docker, ufw, libvirt and LXD, whose rule sets are in beside_support: our containers work,
theirs keep working, and their tables stay as they are."""

from beside_support import ADDRESSES, DOCKER, HOSTS, LIBVIRT, LXD, OUTSIDE, UFW, WEB, Beside
from netns_support import sh
from netstack_support import attachment, main, port, request


class Docker(Beside):
    rules = DOCKER

    def allow(self):
        """What docs/firewall.md says to allow."""
        for family in ("ip", "ip6"):
            for word in ("iifname", "oifname"):
                sh("nft", "insert", "rule", family, "filter", "DOCKER-USER", word, "br-web", "accept")

    def test_our_containers_are_cut_off_and_doctor_names_the_chain(self):
        web, listeners = self.attach_web()
        self.assert_cut_off(self.outside_host, HOSTS, 8080, listeners)
        finding = self.findings()["firewall.forward-policy"]
        self.assertIn("filter FORWARD", finding["found"])
        self.assertIn("nft insert rule", finding["remedy"])

    def test_what_is_allowed_in_the_users_chain_makes_them_work(self):
        web, listeners = self.attach_web()
        self.allow()
        self.assert_ours_work(web, listeners)

    def test_theirs_keep_their_ports_and_their_way_out(self):
        web, _ = self.attach_web()
        self.allow()
        guests = self.listener(self.guest, 80)
        self.assert_reaches(self.outside_host, HOSTS, 8000, guests)
        self.assert_reaches(web, HOSTS, 8000, guests)
        self.assert_reaches(self.guest, OUTSIDE, 81, self.outside_listeners)

    def test_their_tables_stay_as_they_are(self):
        web, _ = self.attach_web()
        self.assertEqual(self.their_tables(), self.theirs)
        self.teardown_leaves_theirs(web)


class Ufw(Beside):
    rules = UFW

    def allow(self):
        for family in ("ip", "ip6"):
            for word in ("iifname", "oifname"):
                sh("nft", "add", "rule", family, "filter", "ufw-user-forward", word, "br-web", "accept")

    def test_what_is_allowed_for_routed_packets_makes_containers_work(self):
        web, listeners = self.attach_web()
        self.assert_cut_off(self.outside_host, HOSTS, 8080, listeners)
        self.assertIn("firewall.forward-policy", self.findings())
        self.allow()
        self.assert_reaches(web, OUTSIDE, 81, self.outside_listeners)
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)
        self.teardown_ok(web, request("web", attachment(WEB, *ADDRESSES), ports=[port(8080, 80)]))

    def test_published_ports_obey_its_list_of_open_ports_when_asked_to(self):
        self.allow()
        document = {**WEB, "options": {"publish": "host-firewall"}}
        web = self.attach("web", attachment(document, *ADDRESSES), ports=[port(8080, 80)])
        listeners = self.listener(web, 80)
        self.assert_cut_off(self.outside_host, HOSTS, 8080, listeners)
        for family in ("ip", "ip6"):
            sh("nft", "add", "rule", family, "filter", "ufw-user-input", "tcp", "dport", "8080", "accept")
        self.assert_reaches(self.outside_host, HOSTS, 8080, listeners)

    def test_its_tables_stay_as_they_are(self):
        web, _ = self.attach_web()
        self.teardown_leaves_theirs(web)


class Libvirt(Beside):
    rules = LIBVIRT

    def test_both_work_and_its_tables_stay_as_they_are(self):
        web, listeners = self.attach_web()
        self.assert_ours_work(web, listeners)
        self.assert_reaches(self.guest, OUTSIDE, 81, self.outside_listeners)
        self.assert_cut_off(self.guest, ADDRESSES, 80, listeners)
        self.teardown_leaves_theirs(web)


class Lxd(Libvirt):
    rules = LXD


if __name__ == "__main__":
    main()
