"""Running the burrow program in a private tree, and looking at what it left on the machine."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ.get("BURROW_BIN", "")
SKIPPED = 77


def require_programs():
    """Skips the whole file when a program or a container runtime is missing."""
    for program in ("burrow", "burrow-netstack", "burrow-dns"):
        if not os.access(os.path.join(BIN, program), os.X_OK):
            print(f"skipped: no {program} in BURROW_BIN={BIN!r}")
            sys.exit(SKIPPED)
    if not (shutil.which("crun") or shutil.which("runc")):
        print("skipped: neither crun nor runc is installed")
        sys.exit(SKIPPED)


class EngineTest(unittest.TestCase):
    """Each test has an engine of its own, and nothing may be left of it at the end."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="burrow-test.")
        self.links = set(os.listdir("/sys/class/net"))

    def tearDown(self):
        self.burrow("rm", "--all", "--force", check=False)
        for name in self.lines("network", "ls", "--quiet"):
            self.burrow("network", "rm", "--force", name, check=False)
        # The links of this namespace are gone with the last container, whatever happened before.
        self.assertEqual(set(os.listdir("/sys/class/net")), self.links)
        self.assertEqual(self.mounts(), [])
        shutil.rmtree(self.root)

    def environment(self):
        return {**os.environ, "BURROW_ROOT": self.root}

    def burrow(self, *arguments, check=True, stdin=None):
        """Runs burrow; with `check` it must succeed."""
        done = subprocess.run(
            [os.path.join(BIN, "burrow"), *arguments], env=self.environment(), input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120)  # fmt: skip
        if check and done.returncode != 0:
            self.fail(f"burrow {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return done

    def start(self, *arguments):
        """Starts burrow in the background."""
        return subprocess.Popen(
            [os.path.join(BIN, "burrow"), *arguments], env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip

    def lines(self, *arguments):
        return self.burrow(*arguments).stdout.split()

    def json(self, *arguments):
        return json.loads(self.burrow(*arguments).stdout)

    def container(self, name):
        return self.json("inspect", name)[0]

    def address(self, name, network):
        return self.container(name)["NetworkSettings"]["Networks"][network]["IPAddress"]

    def mounts(self):
        """Mounts below the engine's tree: network namespaces that are kept alive."""
        with open("/proc/self/mountinfo") as file:
            return [line.split()[4] for line in file if line.split()[4].startswith(self.root)]

    def files(self, *parts):
        """Names in a directory of the engine; none when it is missing."""
        try:
            return sorted(os.listdir(os.path.join(self.root, *parts)))
        except FileNotFoundError:
            return []

    def assert_nothing_is_left(self):
        """No container: no namespace, run directory, runtime state, data, link."""
        self.assertEqual(self.json("ps", "--all", "--format", "json"), [])
        for parts in (("run", "netns"), ("run", "containers"), ("run", "runtime"),
                      ("state", "containers")):  # fmt: skip
            self.assertEqual(self.files(*parts), [], "/".join(parts))
        self.assertEqual(set(os.listdir("/sys/class/net")), self.links)
        self.assertEqual(self.mounts(), [])

    def state(self):
        """Everything that a refused command must leave as it was."""
        containers = self.json("ps", "--all", "--format", "json")
        for container in containers:
            del container["Status"]  # tells how long it runs
        return (self.files("networks"), self.json("network", "ls", "--format", "json"), containers,
                self.files("run", "netns"),
                self.files("run", "containers"), self.mounts(),
                sorted(os.listdir("/sys/class/net")))  # fmt: skip

    def supervisor_of(self, name):
        """The process that supervises a container."""
        identifier = self.container(name)["Id"]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if len(words) > 5 and words[1] == b"supervise" and words[5].decode() == identifier:
                return int(pid)
        self.fail(f"no supervisor of {name}")


def eventually(condition, seconds=10):
    """Whether `condition` became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
