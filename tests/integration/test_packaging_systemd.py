"""What `cmake --install` puts where, and the units started by a real systemd with all that they deny
themselves."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from netns_support import wait_until
from netstack_support import attachment, encoded, network, port, request

SYSTEMD = "/lib/systemd/systemd"
SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
BUILD = pathlib.Path(os.environ["BURROW_BIN"]).parent
CONFIG = "/run/containers/networks"
FRONT = network("front", "10.89.0.0/24", dns_enabled=True)
OWN = network("own", "10.90.0.0/24")
ZONED = network("zoned", "10.91.0.0/24")
PATIENCE = 30  # a firewalld that starts on a busy machine


class Booted:
    """A machine whose first process is systemd."""

    def __init__(self):
        self.directory = tempfile.mkdtemp()
        self.outer = subprocess.Popen([str(SUPPORT / "boot_systemd"), self.directory, str(BUILD)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
        self.parent = self.outer.stdout.readline().strip()
        self.pid = None

    def is_up(self):
        if self.outer.poll() is not None:
            raise RuntimeError(f"no systemd: {self.parent} {self.outer.stdout.read()}")
        children = pathlib.Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text()
        if not children:
            return False
        self.pid = int(children.split()[0])
        if os.readlink(f"/proc/{self.pid}/exe") != os.path.realpath(SYSTEMD):
            return False
        return self.run("systemctl", "is-active", "burrow-test.target").returncode == 0

    def run(self, *command, text=None):
        return subprocess.run(["nsenter", "--target", str(self.pid), "--all", "--root", "--wd=/",
                               "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
                              input=text, capture_output=True, text=True, check=False, timeout=60)

    def stop(self):
        self.outer.terminate()
        self.outer.wait(PATIENCE)
        self.outer.stdout.close()
        os.rmdir(self.directory)


class Installed(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        self.addCleanup(self.root.cleanup)

    def install(self, prefix, *options):
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", prefix, *options], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": self.root.name})
        return pathlib.Path(self.root.name)

    def test_podman_finds_both_programs_by_the_names_that_it_knows(self):
        helpers = self.install("/usr") / "usr/libexec/burrow"
        for name, said in (("netavark", '"burrow-netstack"'), ("aardvark-dns", "aardvark-dns")):
            done = subprocess.run([helpers / name, "version" if name == "netavark" else "--version"],
                                  capture_output=True, text=True, check=True)
            self.assertIn("2.", done.stdout, name)

    def test_units_name_programs_where_they_are_installed(self):
        root = self.install("/usr/local")
        for unit in (root / "usr/local/lib/systemd/system").glob("*.service"):
            program = next(line.split("=")[1].split()[0] for line in unit.read_text().splitlines()
                           if line.startswith("ExecStart="))
            self.assertTrue(os.access(root / program.lstrip("/"), os.X_OK), program)

    def test_firewalld_s_files_come_when_they_are_asked_for_and_where_it_reads(self):
        root = self.install("/usr/local")
        files = lambda: sorted(file.name for file in (root / "usr/lib/firewalld").glob("*/*.xml"))
        self.assertEqual(files(), [])
        self.install("/usr/local", "--component", "firewalld")
        self.assertEqual(files(), ["burrow.xml"])
        self.install("/usr/local", "--component", "firewalld-driver")
        self.assertIn("burrow-masquerade.xml", files())
        self.assertTrue((root / "usr/local/share/man/man1/burrow-netstack.1").is_file())
        self.assertTrue(os.access(root / "usr/local/libexec/netavark/host-device", os.X_OK))


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Booted()
        cls.addClassCleanup(cls.machine.stop)
        if not wait_until(cls.machine.is_up, PATIENCE, 0.1):
            raise RuntimeError("systemd does not come up")
        cls.document = encoded(request("web", attachment(FRONT, "10.89.0.2"), ports=[port(8080, 80)])).decode()
        cls.do("ip", "netns", "add", "web")
        cls.netstack("setup")
        cls.do("ip", "netns", "add", "own")
        cls.do("burrow-netstack", "--config", "/run/burrow/networks", "setup", "/run/netns/own",
               text=encoded(request("own", attachment(OWN, "10.90.0.2"))).decode())

    @classmethod
    def do(cls, *command, text=None):
        done = cls.machine.run(*command, text=text)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    @classmethod
    def netstack(cls, command):
        return cls.do("burrow-netstack", "--config", CONFIG, "--aardvark-binary", "/usr/bin/burrow-dns",
                      command, "/run/netns/web", text=cls.document)

    def property(self, unit, name):
        return self.do("systemctl", "show", "--value", "--property", name, unit).strip()

    def starts(self, unit):
        self.do("systemctl", "start", unit)
        self.addCleanup(self.do, "systemctl", "stop", unit)
        self.assertEqual(self.property(unit, "ActiveState"), "active")

    def has_table(self):
        return "10.89.0.2 . 80" in self.machine.run("nft", "list", "table", "inet", "burrow").stdout

    def test_the_watcher_says_that_it_is_ready_and_heals(self):
        self.starts("burrow-watch.service")
        self.assertEqual(self.property("burrow-watch.service", "StatusText"), "watching the firewall")
        self.assertTrue(self.has_table())
        self.do("nft", "flush", "ruleset")
        self.assertTrue(wait_until(self.has_table, PATIENCE, 0.1))
        self.assertEqual(self.property("burrow-watch.service", "NRestarts"), "0")

    def test_the_watcher_puts_back_what_the_driver_firewalld_has_in_firewalld(self):
        self.starts("firewalld.service")
        self.do("ip", "netns", "add", "zoned")
        document = encoded(request("zoned", attachment(ZONED, "10.91.0.2"))).decode()
        command = ("burrow-netstack", "--firewall-driver", "firewalld", "--config", CONFIG)
        self.do(*command, "setup", "/run/netns/zoned", text=document)
        self.addCleanup(self.do, *command, "teardown", "/run/netns/zoned", text=document)
        zone = lambda: self.machine.run("firewall-cmd", "--get-zone-of-interface=br-zoned").stdout
        before = zone()
        self.assertIn("burrow-", before)
        self.starts("burrow-watch.service")
        self.do("firewall-cmd", "--reload")
        self.assertTrue(wait_until(lambda: zone() == before, PATIENCE, 0.2), zone())

    def test_the_dhcp_proxy_is_started_by_its_socket(self):
        self.starts("burrow-dhcp.socket")
        self.addCleanup(self.do, "systemctl", "stop", "burrow-dhcp.service")
        said = self.do(sys.executable, "-c", "import socket; s = socket.socket(socket.AF_UNIX); "
                       "s.connect('/run/burrow/dhcp.sock'); s.sendall(b'{}\\n'); "
                       "print(s.recv(1000).decode())")
        self.assertIn('missing field \\"command\\"', said)
        self.assertEqual(self.property("burrow-dhcp.service", "ActiveState"), "active")

    def test_bridges_are_back_in_their_zone_after_each_reload_of_firewalld(self):
        self.starts("burrow-firewalld-reload.service")
        self.starts("firewalld.service")
        # Podman's network and burrow's, which has another run directory.
        for bridge in ("br-front", "br-own"):
            zone = lambda: self.machine.run("firewall-cmd", f"--get-zone-of-interface={bridge}").stdout
            self.assertTrue(wait_until(lambda: zone() == "burrow\n", PATIENCE, 0.2), bridge)
            self.do("firewall-cmd", "--reload")
            self.assertTrue(wait_until(lambda: zone() == "burrow\n", PATIENCE, 0.2), bridge)
        self.assertEqual(self.property("burrow-firewalld-reload.service", "NRestarts"), "0")

    def test_the_dns_daemon_lives_in_a_scope_of_its_own(self):
        pid = self.do("cat", f"{CONFIG}/aardvark-dns/aardvark.pid").strip()
        self.assertRegex(self.do("cat", f"/proc/{pid}/cgroup"), r"/run-.*\.scope")

    def test_udev_is_told_the_settings_of_bridges(self):
        self.assertIn("net.ipv4.conf.br-front.route_localnet",
                      self.do("cat", "/run/sysctl.d/10-burrow-br-front.conf").replace("/", "."))

    def test_systemd_finds_no_fault_in_the_units(self):
        for unit in ("burrow-watch.service", "burrow-firewalld-reload.service",
                     "burrow-dhcp.service", "burrow-dhcp.socket"):
            with self.subTest(unit=unit):
                found = self.machine.run("systemd-analyze", "verify", "--man=no",
                                         f"/usr/lib/systemd/system/{unit}")
                self.assertEqual((found.returncode, found.stdout, found.stderr), (0, "", ""))


if __name__ == "__main__":
    kinds = pathlib.Path("/proc/filesystems").read_text().split()
    for what, is_there in (("systemd", os.path.exists(SYSTEMD)), ("overlayfs", "overlay" in kinds),
                           ("cgroup2", "cgroup2" in kinds)):
        if not is_there:
            print(f"skipped: there is no {what}")
            sys.exit(77)
    unittest.main()
