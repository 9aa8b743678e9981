"""The real firewalld, on a message bus of its own inside the calling thread's namespaces.

Which one: the tree at $BURROW_FIREWALLD (a package unpacked there, such as a newer one), else the
distribution's.
"""

import os
import shutil
import signal
import subprocess
import sys

from netns_support import Machine, sh, wait_until
import netstack_support
from netstack_support import CONFIG, Netstack, NetstackTest, request

TREE = os.environ.get("BURROW_FIREWALLD", "")
PYTHON = "/usr/bin/python3"
PROGRAM = f"{TREE}/usr/sbin/firewalld"
ZONE_FILE = os.path.join(os.path.dirname(__file__), "../../packaging/firewalld/zones/burrow.xml")
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
        shutil.copy(ZONE_FILE, f"{SETTINGS}/zones/burrow.xml")

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


def main():
    if not is_there():
        print("skipped: firewalld or dbus-daemon is not installed", file=sys.stderr)
        sys.exit(77)
    netstack_support.main()
