"""The real firewalld, on a message bus of its own inside the calling thread's namespaces.

Which one: the tree at $BURROW_FIREWALLD (a package unpacked there, such as a newer one), else the
distribution's.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from netns_support import SOON, Listener, Machine, reaches, sh, wait_until
import netstack_support
from netstack_support import CONFIG, Netstack, NetstackTest, attachment, network, port, request

TREE = os.environ.get("BURROW_FIREWALLD", "")
PYTHON = "/usr/bin/python3"
PROGRAM = f"{TREE}/usr/sbin/firewalld"
PACKAGING = os.path.join(os.path.dirname(__file__), "../../packaging/firewalld")
SETTINGS = "/run/firewalld-settings"
BUS = "/run/dbus/system_bus_socket"
NAME = "org.fedoraproject.FirewallD1"
START = 60.0  # seconds: Python, on a machine that is busy

_BUS_SETTINGS = f"""<busconfig>
  <type>system</type>
  <listen>unix:path={BUS}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""


def is_there():
    return all(shutil.which(program) for program in ("dbus-daemon", "dbus-send", PROGRAM))


def call(destination, path, interface, method, *arguments):
    """What a method answers, as dbus-send prints it."""
    return sh(
        "dbus-send", f"--bus=unix:path={BUS}", "--print-reply=literal", f"--dest={destination}",
        path, f"{interface}.{method}", *(f"string:{argument}" for argument in arguments)
    ).strip()  # fmt: skip


def end(process):
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


class Bus:
    """A system bus at the usual place, on which everybody may say everything."""

    def __init__(self):
        os.makedirs(os.path.dirname(BUS), exist_ok=True)
        with open("/run/bus.conf", "w") as file:
            file.write(_BUS_SETTINGS)
        self.process = subprocess.Popen(
            ["dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL
        )
        if not wait_until(lambda: os.path.exists(BUS)):
            raise RuntimeError("the message bus does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()
        os.unlink(BUS)


@contextlib.contextmanager
def full_bus():
    """In the place of the bus a socket that takes no more connections."""
    os.makedirs("/run/dbus")
    with contextlib.ExitStack() as sockets:
        full, *waiting = [sockets.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        full.bind("/run/dbus/system_bus_socket")
        full.listen(0)
        for one in waiting:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect("/run/dbus/system_bus_socket")
        yield


class Firewalld:
    """firewalld with settings of its own, empty but for what a test puts there."""

    def __init__(self, prelude="", **settings):
        """`prelude`: Python that runs in firewalld before it starts; `settings`: of firewalld.conf."""
        self.prelude = prelude
        os.makedirs(f"{SETTINGS}/zones", exist_ok=True)
        with open(f"{SETTINGS}/firewalld.conf", "w") as file:
            for name, value in {"DefaultZone": "public", **settings}.items():
                file.write(f"{name}={value}\n")
        self.process = None

    @staticmethod
    def install_zone():
        shutil.copy(f"{PACKAGING}/zones/burrow.xml", f"{SETTINGS}/zones/burrow.xml")

    @staticmethod
    def install_driver():
        """All files of the package, which the firewall driver needs."""
        for directory in ("zones", "policies", "ipsets"):
            shutil.copytree(f"{PACKAGING}/{directory}", f"{SETTINGS}/{directory}", dirs_exist_ok=True)

    def start(self):
        code = f"import sys, runpy; {self.prelude or 'pass'}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
        arguments = [PROGRAM, "--nofork", "--nopid", "--log-target", "console", "--system-config", SETTINGS]
        environment = dict(os.environ)
        if TREE:
            arguments += ["--default-config", f"{TREE}/usr/lib/firewalld"]
            environment["PYTHONPATH"] = f"{TREE}/usr/lib/python3/dist-packages"
        with open("/run/firewalld.log", "w") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-c", f"import sys; sys.argv = sys.argv[1:]\n{code}", *arguments],
                stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        wait_until(lambda: self.is_running() or self.process.poll() is not None, timeout=START, step=0.05)
        if not self.is_running():
            with open("/run/firewalld.log") as log:
                raise RuntimeError(f"firewalld does not start: {log.read()}")

    def is_running(self):
        try:
            return bool(self.zones())
        except RuntimeError:
            return False

    def stop(self):
        """As by systemctl stop: its rules go with it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=START)
        self.process = None

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def call(self, interface, method, *arguments):
        return call(NAME, "/org/fedoraproject/FirewallD1", f"{NAME}{interface}", method, *arguments)

    def reload(self, method="reload"):
        """`reload` or `completeReload`: done when this returns."""
        self.call("", method)

    def zones(self):
        return self.call(".zone", "getZones").strip("array []").split()

    @staticmethod
    def rules():
        """Everything that it has in the kernel."""
        return sh("nft", "list", "table", "inet", "firewalld")

    def state(self):
        """All that can change at runtime, as it says and as the kernel has it; without the chains of zones, which
        it makes when a zone is first used and then keeps."""
        said = [self.call(".zone", "getActiveZones")]
        said += [self.call(".ipset", "getEntries", name) for name in self.call(".ipset", "getIPSets").strip("array []").split()]
        said += [self.call(".policy", "getPolicySettings", name) for name in self.call(".policy", "getPolicies").strip("array []").split()]
        telling = re.compile(r'dnat ip|"br-|elements =|10\.\d+\.\d|fd00:')
        in_kernel = [line.strip() for line in self.rules().splitlines() if telling.search(line)]
        return "\n".join([*(" ".join(sorted(text.split())) for text in said), *sorted(in_kernel)])

    def entries(self, ipset):
        return self.call(".ipset", "getEntries", ipset).strip("array []").split()

    def zone_of(self, link):
        return self.call(".zone", "getZoneOfInterface", link)

    def put(self, link, zone):
        self.call(".zone", "changeZoneOfInterface", zone, link)

    def take(self, link, zone):
        self.call(".zone", "removeInterface", zone, link)


class FirewalldTest(NetstackTest):
    """All tests of a class are on one machine, where firewalld runs and has read our zone."""

    settings = {}
    prelude = ""
    has_zone = True

    @classmethod
    def setUpClass(cls):
        cls.host = Machine()
        os.makedirs(CONFIG)
        cls.bus = Bus()
        cls.addClassCleanup(cls.bus.stop)
        cls.firewalld = Firewalld(cls.prelude, **cls.settings)
        if cls.has_zone:
            cls.firewalld.install_zone()
        if cls.firewall == "firewalld" and cls.has_zone:
            cls.firewalld.install_driver()
        cls.firewalld.start()
        cls.addClassCleanup(cls.firewalld.kill)

    def setUp(self):
        self.machine = self.host
        self.netstack = Netstack(dns=self.dns, firewall=self.firewall)
        if "outside_host" not in vars(type(self)):
            type(self).outside_host = self.outside()

    def attached(self, name, *attachments, **keywords):
        """A container that is torn down when the test ends."""
        namespace = self.attach(name, *attachments, **keywords)
        self.addCleanup(namespace.delete)
        self.addCleanup(self.netstack.teardown, namespace, request(name, *attachments, **keywords))
        return namespace

    def start_watch(self):
        """`firewalld-reload`, which waits from here on."""
        watch = self.netstack.start("firewalld-reload", environment={"BURROW_LOG": "info"})
        self.addCleanup(end, watch)
        self.assertTrue(any(b"waiting for firewalld" in line for line in watch.stderr))
        return watch


class ReloadTest(FirewalldTest):
    """A container with a published port, and what firewalld has when it is up."""

    firewall = "firewalld"
    front = network("front", "10.40.0.0/24", "fd00:40::/64")
    host_addresses = ("192.0.2.1", "2001:db8::1")
    addresses = ("10.40.0.2", "fd00:40::2")

    def setUp(self):
        super().setUp()
        self.document = request("a", attachment(self.front, *self.addresses), ports=[port(8080, 80)])
        self.web = self.attached("a", attachment(self.front, *self.addresses), ports=[port(8080, 80)])
        self.state = self.firewalld.state()

    def assert_back(self):
        back = wait_until(lambda: self.firewalld.state() == self.state, timeout=3 * SOON)
        self.assertTrue(back, self.firewalld.state())
        for address, local in zip(self.host_addresses, ("0.0.0.0", "::")):
            with Listener(self.web, 80, local) as listener:
                self.assertIsNotNone(reaches(self.outside_host, address, 8080, listener), address)


def main():
    if not is_there():
        print("skipped: firewalld or dbus-daemon is not installed", file=sys.stderr)
        sys.exit(77)
    netstack_support.main()
