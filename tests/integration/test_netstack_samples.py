"""The documents that a real engine sent go through as they are, in the order it sent them."""

import json
import os

from netstack_support import CONFIG, DNS, NetstackTest, main

_DIRECTORY = f"{os.path.dirname(__file__)}/../data/podman"


def sample(name):
    with open(f"{_DIRECTORY}/{name}.json") as file:
        return file.read()


class Samples(NetstackTest):
    dns = DNS or ""

    def expect(self, container, number):
        """Set-up of a sample, whose answer is the recorded one but for addresses made by chance."""
        status = self.setup_ok(container, sample(f"{number}-setup.stdin"))
        recorded = json.loads(sample(f"{number}-setup.stdout"))
        macs = {}
        for document in (status, recorded):
            for name, block in document.items():
                for interface, value in block["interfaces"].items():
                    macs.setdefault((name, interface), []).append(value.pop("mac_address"))
        self.assertEqual(status, recorded)
        return macs

    def test_the_life_of_two_containers_leaves_nothing(self):
        web, plain = self.container("web"), self.container("plain")
        for container in (web, plain):
            container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(web, plain)

        macs = self.expect(web, "00")
        self.assertEqual(macs["back", "eth1"], ["92:d0:c6:0a:29:35"] * 2)
        self.expect(plain, "03")
        self.expect(web, "06")
        self.assertEqual(web.links(), {"lo", "eth0", "eth1", "eth2"})

        self.teardown_ok(web, sample("09-teardown.stdin"))
        self.assertEqual(web.links(), {"lo", "eth1", "eth2"})
        self.assertIsNone(self.machine.link("podman1"))

        self.teardown_ok(web, sample("13-teardown.stdin"))
        macs = self.expect(web, "16")
        self.assertEqual(macs["sec", "eth2"], ["9e:f8:6b:f5:8b:fe"] * 2)

        self.teardown_ok(web, sample("19-teardown.stdin"))
        self.teardown_ok(plain, sample("22-teardown.stdin"))
        self.assert_unchanged(before, web, plain)

    def test_the_answer_has_the_keys_in_the_order_of_the_request(self):
        web = self.container("web")
        outcome = self.netstack.setup(web, sample("00-setup.stdin"))
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(list(json.loads(outcome.out)), ["back", "front"])
        outcome = self.netstack.setup(self.container("plain"), sample("03-setup.stdin"))
        self.assertRegex(
            outcome.out,
            r'^\{"podman":\{"dns_search_domains":\[\],"dns_server_ips":\[\],"interfaces":\{"eth0":'
            r'\{"mac_address":"[0-9a-f:]{17}","subnets":\[\{"gateway":"10\.88\.0\.1","ipnet":"10\.88\.0\.2/16"\}\]\}\}\}\}\n$',
        )

    def test_the_names_of_the_container_are_with_the_dns_daemon(self):
        self.setup_ok(self.container("web"), sample("00-setup.stdin"))
        identity = "07b1ab1428af0473671d859f8642360050b8051d3816862868c37092aafa1e1f"

        def without_services(network):
            with open(f"{CONFIG}/aardvark-dns/{network}") as file:
                return [line for line in file.read().splitlines() if not line.startswith("=")]

        self.assertEqual(
            without_services("front"),
            ["10.30.0.1", f"{identity} 10.30.0.200  web,www,07b1ab1428af,w1 192.0.2.53"],
        )
        self.assertEqual(
            without_services("back"),
            [
                "10.89.0.1,fd5b:c568:3d57:4a74::1",
                f"{identity} 10.89.0.2 fd5b:c568:3d57:4a74::2 web,07b1ab1428af,w1 192.0.2.53",
            ],
        )


if __name__ == "__main__":
    main()
