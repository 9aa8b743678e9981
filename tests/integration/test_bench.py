"""The benchmarks run and write well-formed figures. No time is asserted here."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("BURROW_BIN", ROOT / "build/dev/bin"))
OUT = pathlib.Path("/tmp/bench")

NEEDED = ("burrow-netstack", "burrow-dns", "bench-floor", "bench-udp-echo")
missing = [name for name in NEEDED if not os.access(BIN / name, os.X_OK)]
if missing or not shutil.which("dnsperf"):
    print(f"not there: {', '.join(missing) or 'dnsperf'}", file=sys.stderr)
    sys.exit(77)


def bench(name, *arguments):
    """Runs a benchmark; its JSON document and its table."""
    figures = OUT / f"{name}.json"
    command = [ROOT / "bench" / name, *arguments, "--json", figures]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(figures.read_text()), done.stdout


class BenchTest(unittest.TestCase):
    def assert_plot(self, path, *names):
        """An SVG with a line for each of the names."""
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        said = {text.text for text in root.iter() if text.tag.endswith("text")}
        self.assertLessEqual(set(names), said)
        lines = [line for line in root.iter() if line.tag.endswith("polyline")]
        self.assertTrue(all(line.get("points") for line in lines))
        self.assertGreaterEqual(len(lines), len(names))

    def test_setup_measures_every_contender_and_each_container(self):
        netstack = BIN / "burrow-netstack"
        document, said = bench("setup", "-n", "3", "-p", "2", "--binary", netstack,
                               "--peer", f"again={netstack}", "--svg", OUT / "setup.svg")
        self.assertEqual(list(document["contenders"]), ["floor", "burrow", "again"])
        for name, contender in document["contenders"].items():
            self.assertIsNone(contender["failure"])
            for verb in ("setup", "teardown"):
                self.assertEqual(len(contender["samples"][verb]), 3, name)
                self.assertGreater(contender["summary"][verb]["last_wall_us"], 0)
            self.assertIn(name, said)
        self.assertGreater(document["spawn"]["wall_us"], 0)
        self.assertEqual(document["ports"], 2)
        self.assert_plot(OUT / "setup.svg", "floor", "burrow", "again")

    def test_a_change_among_names_is_measured(self):
        document, said = bench("dns-reload", "-n", "3", "--names", "10", "200", "--binary",
                               BIN / "burrow-dns", "--threads", "2")
        for names in ("10", "200"):
            self.assertEqual(len(document["names"][names]["wall_us"]), 3)
            self.assertGreater(min(document["names"][names]["nothing_us"]), 0)
            self.assertIn(f"{names} names", said)

    def test_floods_are_measured_and_nothing_is_lost_or_answered_twice(self):
        cases = ["nobody", "outside names", "slow readers", "forged answers"]
        document, said = bench("dns-floods", "--seconds", "0.5", "--limit-ms", "60000", "--binary",
                               BIN / "burrow-dns", "--cases", *cases)
        self.assertEqual(list(document["cases"]), cases)
        for name, figures in document["cases"].items():
            self.assertGreater(figures["asked"], 0)
            self.assertEqual((figures["lost"], figures["twice"]), (0, 0))
            self.assertIn(name, said)

    def test_setup_measures_with_names(self):
        document, _ = bench("setup", "-n", "2", "-p", "1", "--binary", BIN / "burrow-netstack",
                            "--dns")
        self.assertIsNone(document["contenders"]["burrow"]["failure"])

    def test_setup_measures_macvlan_with_a_floor_of_its_own(self):
        document, _ = bench("setup", "-n", "2", "--driver", "macvlan", "--binary", BIN / "burrow-netstack")
        self.assertEqual((document["driver"], document["ports"]), ("macvlan", 0))
        for name in ("floor", "burrow"):
            contender = document["contenders"][name]
            self.assertIsNone(contender["failure"])
            self.assertEqual(len(contender["samples"]["teardown"]), 2)

    def test_setup_says_which_contender_fails(self):
        done = subprocess.run([ROOT / "bench/setup", "-n", "1", "-p", "1",
                               "--binary", BIN / "burrow-netstack", "--peer", "liar=/bin/true"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("liar: container 1 does not answer", done.stderr)

    def test_scale_measures_growth_ranges_and_batches(self):
        document, said = bench("scale", "-n", "10", "--networks", "3", "-p", "2", "--range", "20",
                               "--batch", "3", "--rounds", "1", "--binary", BIN / "burrow-netstack")
        for verb in ("setup", "teardown"):
            self.assertEqual(len(document["samples"][verb]), 10)
            self.assertEqual(sum(part["to"] - part["from"] + 1 for part in document["parts"][verb]), 10)
            self.assertGreater(document["batches"]["3"][f"{verb} at once"], 0)
            self.assertEqual(len(document["ranges"]), 3)
            self.assertTrue(all(figures[verb] > 0 for figures in document["ranges"].values()))
        self.assertIn("20 ports", said)

    def test_dns_measures_every_contender_and_size(self):
        dns = BIN / "burrow-dns"
        document, said = bench("dns", "--names", "3", "50", "--seconds", "0.3", "--rounds", "1",
                               "--binary", dns, "--peer", f"again={dns}", "--svg", OUT / "dns.svg")
        self.assertEqual(list(document["cases"]), ["3", "50", "cached", "2000 out"])
        for contenders in document["cases"].values():
            self.assertEqual(list(contenders)[-2:], ["burrow", "again"])
            for contender in contenders.values():
                self.assertIsNone(contender["failure"])
                self.assertGreater(contender["summary"]["queries_per_second"], 0)
        self.assertIn("2000 out", said)
        self.assert_plot(OUT / "dns.svg", "floor", "burrow", "again")

    def test_start_measures_our_programs(self):
        document, said = bench("start", "-n", "5", "--bin", BIN)
        for name in ("static nothing", "burrow-netstack", "burrow-dns"):
            self.assertGreater(document["programs"][name]["wall_us"], 0)
            self.assertIn(name, said)

    @unittest.skipUnless(os.access(BIN / "firewall-tool", os.X_OK) and shutil.which("nft"), "needs nft")
    def test_heal_measures_gaps_elements_and_connections(self):
        document, said = bench("heal", "-n", "5", "-e", "100", "-p", "20", "--flushes", "1", "--rounds", "1",
                               "--connections", "5", "--idle", "0.3", "--netstack", BIN / "burrow-netstack",
                               "--firewall-tool", BIN / "firewall-tool")
        self.assertEqual(set(document["gap_ms"]), {"one flow", "new flows"})
        self.assertEqual(set(document["connect_us"]), {"one port", "elements", "list of rules"})
        self.assertIn("100 elements from nothing", said)


if __name__ == "__main__":
    unittest.main()
