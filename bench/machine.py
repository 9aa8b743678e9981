"""The machine a benchmark runs on: namespaces of its own, and programs measured in them.

Nothing here knows what is measured.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

INSIDE = "BURROW_BENCH_INSIDE"
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def enter_private_machine():
    """Runs this script again as root of namespaces of its own, where /run is fresh, and returns
    there. Whatever it starts or makes ends with it."""
    if os.environ.pop(INSIDE, None) is None:
        if os.geteuid() != 0:
            sys.exit("needs root: it makes network namespaces")
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", "--uts", "--ipc", "--propagation", "private",
                              sys.executable, *sys.argv])
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")


def run(*command):
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Netns:
    """A network namespace, held by a file below /run/netns."""

    def __init__(self, name):
        run("ip", "netns", "add", name)
        self.name = name
        self.path = f"/run/netns/{name}"
        self._fd = os.open(self.path, os.O_RDONLY)

    def enter(self):
        """Puts this process there: what it starts and the sockets it opens belong to it."""
        if _libc.setns(self._fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {self.path}")

    def ip(self, *arguments):
        """`ip ARGUMENTS` in the namespace."""
        return run("ip", "-n", self.name, *arguments)


def make_host(name, address):
    """A namespace like a host's: loopback, an uplink that has `address` and the default route."""
    host = Netns(name)
    host.ip("link", "set", "lo", "up")
    # One end of a veth pair stands for the network card: every kernel has it.
    host.ip("link", "add", "uplink", "type", "veth", "peer", "name", "wire")
    host.ip("link", "set", "wire", "up")
    host.ip("link", "set", "uplink", "up")
    host.ip("address", "add", f"{address}/24", "dev", "uplink")
    host.ip("route", "add", "default", "dev", "uplink")
    return host


@dataclasses.dataclass
class Sample:
    """One run of a program. CPU time includes the children that it waited for."""
    wall_us: float
    cpu_us: float
    page_faults: int
    exit_code: int


def measure(command, environment, stdin="/dev/null", stdout="/dev/null", stderr="/dev/null"):
    """Runs a program from start to end; wall time is taken around vfork, exec, exit and wait."""
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
             (os.POSIX_SPAWN_OPEN, 1, stdout, writing, 0o600),
             (os.POSIX_SPAWN_OPEN, 2, stderr, writing | os.O_APPEND, 0o600)]
    begin = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, environment, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    end = time.perf_counter_ns()
    return Sample(wall_us=(end - begin) / 1000,
                  cpu_us=(usage.ru_utime + usage.ru_stime) * 1e6,
                  page_faults=usage.ru_minflt,
                  exit_code=os.waitstatus_to_exitcode(status))


def describe():
    """The machine, as figures need it beside them."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0], "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def version_of(program):
    """The first line a program says to --version, or nothing."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10,
                              check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().split("\n", 1)[0]


def named_path(text):
    """Splits NAME=PATH; the path made absolute, and executable or an error."""
    name, _, path = text.partition("=")
    if not name or not path:
        raise ValueError(f'want NAME=PATH: "{text}"')
    return name, executable(path)


def executable(path):
    """The absolute path of a program that can be run."""
    path = os.path.abspath(path)
    if not os.access(path, os.X_OK):
        raise ValueError(f'no program: "{path}"')
    return path


def write_json(path, document):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(json.dumps(document, indent=1) + "\n")
