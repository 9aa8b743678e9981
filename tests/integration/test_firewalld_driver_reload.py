"""The firewall driver firewalld: reloads and restarts of the real firewalld."""

from firewalld_support import ReloadTest, main
from netns_support import NEVER, connects
from netstack_support import CONFIG
from watch_support import Watcher


class Reloads(ReloadTest):
    def restart(self):
        self.firewalld.stop()
        self.firewalld.start()

    def test_firewalld_reload_puts_everything_back_after_reloads_and_restarts(self):
        self.start_watch()
        for forget in (self.firewalld.reload, lambda: self.firewalld.reload("completeReload"), self.restart):
            forget()
            self.assert_back()

    def test_the_watcher_does_it_too(self):
        watcher = Watcher("--run-directory", CONFIG)
        self.addCleanup(watcher.stop)
        for forget in (self.firewalld.reload, self.restart):
            forget()
            self.assert_back()

    def test_without_them_firewall_reload_does_it_once(self):
        self.firewalld.reload()
        self.assertFalse(connects(self.outside_host, self.host_addresses[0], 8080, NEVER))
        outcome = self.netstack.run("firewall-reload")
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)
        self.assert_back()

    def test_a_bridge_that_somebody_has_put_elsewhere_meanwhile_stays_there(self):
        self.firewalld.put("br-front", "home")
        self.addCleanup(self.firewalld.take, "br-front", "home")
        outcome = self.netstack.run("firewall-reload")
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)
        self.assertEqual(self.firewalld.zone_of("br-front"), "home")

    def test_a_teardown_after_a_reload_finds_nothing_and_is_content(self):
        before = self.firewalld.state()
        self.firewalld.reload()
        self.teardown_ok(self.web, self.document)
        self.assertNotEqual(self.firewalld.state(), before)
        self.assertNotIn("10.40.0", self.firewalld.rules())


if __name__ == "__main__":
    main()
