"""Podman on a network stack of our choice, inside tests/support/sandbox.

The programs that stand as `netavark` and `aardvark-dns` are ours from $BURROW_BIN, or those of the
directory $BURROW_PODMAN_HELPERS: the same tests then check another stack of the same protocol.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

HELPERS = {"netavark": "burrow-netstack", "aardvark-dns": "burrow-dns"}
NETWORK_RUN_DIR = pathlib.Path("/run/containers/networks")
IMAGE = "busy"
OUTSIDE = "198.51.100.2"
HOST = "198.51.100.1"
OUTSIDE6 = "2001:db8:51::2"
HOST6 = "2001:db8:51::1"
DEADLINE_SECONDS = 10
CLONE_NEWNET = 0x40000000

# Cgroups of a private mount namespace cannot be written on every machine, and crun takes the limits
# of the caller for granted, so both are said explicitly.
CONTAINERS_CONF = """
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
helper_binaries_dir = ["{helpers}"]
[network]
network_backend = "netavark"
network_config_dir = "{networks}"
"""


def helper_programs():
    """Path of the program behind each name that Podman looks for."""
    directory = os.environ.get("BURROW_PODMAN_HELPERS")
    if directory:
        return {name: pathlib.Path(directory, name) for name in HELPERS}
    built = pathlib.Path(os.environ.get("BURROW_BIN", "build/dev/bin")).resolve()
    return {name: built / program for name, program in HELPERS.items()}


def is_ours():
    """Whether the programs are this project's, held to more than older programs can do."""
    return all(path.name.startswith("burrow-") for path in helper_programs().values())


def missing_requirement():
    """What this machine lacks to run Podman on the stack, or None."""
    for program in ("podman", "busybox", "nft", "nsenter"):
        if not shutil.which(program):
            return f"no {program} on this machine"
    for path in helper_programs().values():
        if not os.access(path, os.X_OK):
            return f"no program {path}"
    return None


def run(*command, check=True, text=None, timeout=60):
    """The standard output of a command; raises with both outputs when it fails."""
    done = subprocess.run([str(word) for word in command], input=text, capture_output=True,
                          text=True, timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout if check else done


def wait_until(claim, what):
    """Polls `claim` until it is true; fails after DEADLINE_SECONDS."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}")
        time.sleep(0.02)


@contextlib.contextmanager
def inside_netns(path):
    """Runs the body, on this thread, in the network namespace at `path`. Sockets stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(path) as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns back")


def address_record(query):
    """The DNS reply that gives a query's name the address 203.0.113.7."""
    header = query[:2] + b"\x81\x80" + b"\0\1" + b"\0\1" + b"\0\0" + b"\0\0"
    question = query[12:query.index(b"\0", 12) + 5]
    return header + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([203, 0, 113, 7])


class Answerer:
    """Answers on a port of a namespace: every datagram (udp) or connection (tcp) with `answer`, a
    text or, for datagrams, a function of what was asked."""

    def __init__(self, netns, protocol, port, answer, family=socket.AF_INET):
        self._answer = answer if callable(answer) else lambda _: answer.encode()
        kind = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}[protocol]
        with inside_netns(netns):
            self._socket = socket.socket(family, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("", port))
        if protocol == "tcp":
            self._socket.listen()
        serve = {"udp": self._serve_udp, "tcp": self._serve_tcp}[protocol]
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def _serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                asked, peer = self._socket.recvfrom(2048)
                if peer is None:  # closed
                    return
                self._socket.sendto(self._answer(asked), peer)

    def _serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    connection.sendall(self._answer(None))
                    # Closed with something unread, the connection would be reset, and the answer lost.
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(DEADLINE_SECONDS)
                    with contextlib.suppress(OSError):
                        while connection.recv(4096):
                            pass

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_SECONDS)
        self._socket.close()


def ask(protocol, address, port, netns="/proc/self/ns/net", timeout=2):
    """What a server answers to one connection or datagram; None when nothing answers."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}[protocol]
    with inside_netns(netns):
        client = socket.socket(family, kind)
    with client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
            if protocol == "udp":
                client.send(b"?")
            return client.recv(2048).decode()
        except OSError:
            return None


class Podman:
    """One Podman with storage, settings and networks of its own below `directory`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.helpers = helper_programs()
        self._cover_machine()
        helpers = self.directory / "helpers"
        helpers.mkdir(parents=True)
        for name, program in self.helpers.items():
            (helpers / name).symlink_to(program)
        networks = self.directory / "networks"
        networks.mkdir()
        settings = self.directory / "containers.conf"
        settings.write_text(CONTAINERS_CONF.format(helpers=helpers, networks=networks))
        os.environ["CONTAINERS_CONF"] = str(settings)
        self._command = ["podman", "--root", self.directory / "store",
                         "--runroot", self.directory / "run", "--storage-driver", "vfs"]
        self._import_image()

    @staticmethod
    def _cover_machine():
        """Puts fresh file systems where Podman would write to the machine's own."""
        run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
        for place in ("/dev/shm", "/var/lib", "/var/cache", "/var/tmp"):
            run("mount", "-t", "tmpfs", "tmpfs", place)
        resolv_conf = pathlib.Path("/run/resolv.conf")
        resolv_conf.write_text(f"nameserver {OUTSIDE}\n")
        run("mount", "--bind", resolv_conf, os.path.realpath("/etc/resolv.conf"))

    def _import_image(self):
        """Makes the image: a busybox and its names, nothing else."""
        root = self.directory / "image"
        (root / "bin").mkdir(parents=True)
        (root / "etc").mkdir()
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        for applet in run(root / "bin/busybox", "--list").split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        archive = self.directory / "image.tar"
        run("tar", "-C", root, "-cf", archive, ".")
        self("import", "-q", archive, IMAGE)

    def __call__(self, *arguments, check=True):
        """Runs `podman ARGUMENTS`; its standard output without the last newline."""
        done = run(*self._command, *arguments, check=check)
        return done.rstrip("\n") if check else done

    def start(self, name, *options, command=("sleep", "1000")):
        """Starts a container in the background; its id."""
        return self("run", "-d", "--name", name, *options, IMAGE, *command)

    def inspect(self, container):
        """The container as Podman describes it."""
        return json.loads(self("inspect", container))[0]

    def address(self, container, network, family=4):
        """The container's address on a network, as Podman recorded it."""
        attachment = self.inspect(container)["NetworkSettings"]["Networks"][network]
        return attachment["IPAddress" if family == 4 else "GlobalIPv6Address"]

    def netns(self, container):
        """Path of the container's network namespace, good while the container runs."""
        return f"/proc/{self.inspect(container)['State']['Pid']}/ns/net"

    def links(self, container):
        """Links in the container by name, as `ip -json address` describes them."""
        netns = f"--net={self.netns(container)}"
        found = json.loads(run("nsenter", netns, "ip", "-json", "address"))
        return {link["ifname"]: link for link in found}

    def addresses(self, container, link):
        """Global addresses with prefix length of a link in the container."""
        entries = self.links(container)[link]["addr_info"]
        return sorted(f"{entry['local']}/{entry['prefixlen']}" for entry in entries
                      if entry["scope"] == "global")

    def lookup(self, container, name, *, server=None):
        """What nslookup in the container finds: addresses of a name, names of an address."""
        done = self("exec", container, "nslookup", name, *([server] if server else []), check=False)
        # The first paragraph names the server.
        answer = done.stdout.split("\n\n", 1)[1] if "\n\n" in done.stdout else ""
        return sorted(set(re.findall(r"(?:^Address:|name =) *(\S+)", answer, re.MULTILINE)))

    def leftovers(self):
        """What a stack without containers should not have left behind, as sentences."""
        found = []
        for link in json.loads(run("ip", "-json", "-details", "link")):
            kind = link.get("linkinfo", {}).get("info_kind")
            if kind in ("bridge", "veth") and link["ifname"] != "uplink":
                found.append(f"link {link['ifname']}")
        for path in sorted(NETWORK_RUN_DIR.rglob("*")):
            # The locks and Podman's own database stay; netavark keeps the name of its driver.
            stays = path.suffix in (".lock", ".db") or path.name == "firewall-driver"
            if path.is_file() and not stays:
                found.append(f"file {path}")
        ruleset = run("nft", "list", "ruleset")
        if "elements = {" in ruleset or re.search(r"\b10\.|\bfd[0-9a-f]{2}:", ruleset):
            found.append(f"nftables:\n{ruleset}")
        for process in dns_processes():
            found.append(f"process {process}")
        return found


def dns_processes():
    """Command lines of running DNS servers."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if pathlib.Path(os.fsdecode(words[0])).name in ("aardvark-dns", "burrow-dns"):
                found.append(b" ".join(words).decode())
    return found


@contextlib.contextmanager
def outside_host():
    """A second machine: namespace `outside` at OUTSIDE and OUTSIDE6, linked to this host at HOST
    and HOST6; each is the other's default gateway."""
    run("ip", "netns", "add", "outside")
    run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", "outside")
    here, there = ["ip"], ["ip", "-n", "outside"]
    for ip, link, own, own6 in ((here, "uplink", HOST, HOST6), (there, "eth0", OUTSIDE, OUTSIDE6)):
        run(*ip, "link", "set", link, "up")
        run(*ip, "link", "set", "lo", "up")
        run(*ip, "address", "add", f"{own}/24", "dev", link)
        run(*ip, "address", "add", f"{own6}/64", "dev", link, "nodad")
    for ip, gateway, gateway6 in ((here, OUTSIDE, OUTSIDE6), (there, HOST, HOST6)):
        run(*ip, "route", "add", "default", "via", gateway)
        run(*ip, "-6", "route", "add", "default", "via", gateway6)
    try:
        yield "/run/netns/outside"
    finally:
        run("ip", "link", "del", "uplink")
        run("ip", "netns", "del", "outside")
