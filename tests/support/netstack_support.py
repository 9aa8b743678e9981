"""The network-configuration binary as a caller sees it: documents, calls, and a test case.

Which binary: $BURROW_NETSTACK (a command line, for comparing with another implementation), else
$BURROW_BIN/burrow-netstack. Which DNS daemon: $BURROW_DNS, else $BURROW_BIN/burrow-dns, else the
distribution's aardvark-dns.
"""

import copy
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import unittest

from host_state import HostState
from netns_support import Machine, Namespace, wait_until

_BIN = os.environ.get("BURROW_BIN", "build/dev/bin")
NETSTACK = shlex.split(os.environ.get("BURROW_NETSTACK", f"{_BIN}/burrow-netstack"))
IS_FOREIGN = "BURROW_NETSTACK" in os.environ
_DNS = [os.environ.get("BURROW_DNS", ""), f"{_BIN}/burrow-dns", "/usr/lib/podman/aardvark-dns"]
DNS = next((path for path in _DNS if os.access(path, os.X_OK)), None)
CONFIG = "/run/containers/networks"
PIPE_BUFFER = 65536


def identifier(name):
    """64 hexadecimal digits, as engines identify networks and containers."""
    return hashlib.sha256(name.encode()).hexdigest()


def subnet(prefix, gateway=None, **members):
    """A Subnet; by default the gateway is its first address (prefixes end in .0 or ::)."""
    base = prefix.split("/")[0]
    if gateway is None:
        gateway = base + "1" if ":" in base else base.rsplit(".", 1)[0] + ".1"
    return {"subnet": prefix, **({"gateway": gateway} if gateway else {}), **members}


def network(name, *subnets, **members):
    """A Network document for the bridge driver; subnets as prefixes or Subnet documents."""
    documents = [subnet(s) if isinstance(s, str) else s for s in subnets]
    return {
        "name": name,
        "id": identifier(name),
        "driver": "bridge",
        "network_interface": f"br-{name}",
        "created": "2026-01-02T03:04:05.678901234Z",
        "subnets": documents,
        "ipv6_enabled": any(":" in s["subnet"] for s in documents),
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
        **members,
    }


def attachment(network_document, *addresses, **members):
    """An element of `networks` with its Network; interface names follow in `request`."""
    return network_document, {"static_ips": list(addresses), **members}


def request(container, *attachments, ports=(), **members):
    """A set-up request; interfaces are eth0, eth1, ... unless they say otherwise."""
    networks = []
    for index, (document, options) in enumerate(attachments):
        networks.append({"name": document["name"], "interface_name": f"eth{index}", **options})
    return {
        "container_id": identifier(container),
        "container_name": container,
        "networks": networks,
        "network_info": {document["name"]: document for document, _ in attachments},
        "port_mappings": list(ports),
        **members,
    }


def port(host_port, container_port, protocol="tcp", host_ip="", count=1):
    return {
        "host_ip": host_ip,
        "host_port": host_port,
        "container_port": container_port,
        "protocol": protocol,
        "range": count,
    }


def networks_as_map(document):
    """The same request in the older shape, where `networks` is an object."""
    document = copy.deepcopy(document)
    document["networks"] = {
        options.pop("name"): options for options in document["networks"]
    }
    return document


def encoded(document):
    if isinstance(document, bytes):
        return document
    if isinstance(document, str):
        return document.encode()
    if IS_FOREIGN and isinstance(document.get("networks"), list):
        document = networks_as_map(document)
    return json.dumps(document).encode()


class Outcome:
    """How a call ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def __repr__(self):
        return f"exit {self.code}, stdout {self.out[:2000]!r}, stderr {self.err[:2000]!r}"

    @property
    def error(self):
        """The error of a failure that keeps the protocol: exit 1, one line, one key."""
        if self.code != 1 or self.out.count("\n") != 1 or not self.out.endswith("\n"):
            raise AssertionError(f"not one line of error: {self!r}")
        document = json.loads(self.out)
        if list(document) != ["error"] or not isinstance(document["error"], str):
            raise AssertionError(f"not the one key `error`: {self.out!r}")
        return document["error"]


class Netstack:
    """Calls of the binary with a configuration directory."""

    def __init__(self, config=CONFIG, dns="", firewall="nftables"):
        self.flags = ["--config", config, "--rootless", "false", "--aardvark-binary", dns]
        self.flags += ["--firewall-driver", firewall]
        self.environment = {"PATH": os.environ["PATH"], "RUST_LOG": "error"}

    def command(self, *arguments, flags=()):
        return [*NETSTACK, *self.flags, *flags, *arguments]

    def start(self, *arguments, flags=(), environment=None, prefix=()):
        """A call that has begun; its input is still to be written."""
        return subprocess.Popen(
            [*prefix, *self.command(*arguments, flags=flags)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **(environment or {})},
        )

    def run(self, *arguments, document=b"", flags=(), environment=None, prefix=(), timeout=30):
        done = subprocess.run(
            [*prefix, *self.command(*arguments, flags=flags)],
            input=encoded(document),
            capture_output=True,
            env={**self.environment, **(environment or {})},
            timeout=timeout,
        )
        return Outcome(done)

    def setup(self, namespace, document, **keywords):
        return self.run("setup", namespace.path, document=document, **keywords)

    def teardown(self, namespace, document, **keywords):
        path = namespace if isinstance(namespace, str) else namespace.path
        return self.run("teardown", path, document=document, **keywords)


class NetstackTest(unittest.TestCase):
    """Every test has a machine of its own, on which nothing is configured yet."""

    maxDiff = None
    firewall = "nftables"
    dns = ""

    def setUp(self):
        self.machine = Machine()
        os.makedirs(CONFIG)
        self.netstack = Netstack(dns=self.dns, firewall=self.firewall)
        self.addCleanup(self._stop_daemon)

    def _stop_daemon(self):
        try:
            with open(f"{CONFIG}/aardvark-dns/aardvark.pid") as file:
                pid = int(file.read())
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)  # in the sandbox this is its parent
        except (OSError, ValueError):
            pass

    def container(self, name):
        """A container's namespace, loopback up as a runtime leaves it for us to find."""
        return Namespace.add(name)

    def outside(self):
        """A host on the link `uplink`, which is also where the machine's default routes lead."""
        outside = Namespace.add("outside")
        outside.sh("ip", "link", "set", "lo", "up")
        self.machine.connect(
            outside, "uplink", ["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.2/24", "2001:db8::2/64"]
        )
        self.machine.sh("ip", "route", "add", "default", "via", "192.0.2.2")
        self.machine.sh("ip", "-6", "route", "add", "default", "via", "2001:db8::2")
        return outside

    def setup_ok(self, namespace, document, **keywords):
        outcome = self.netstack.setup(namespace, document, **keywords)
        self.assertEqual(outcome.code, 0, outcome)
        return json.loads(outcome.out)

    def teardown_ok(self, namespace, document, **keywords):
        outcome = self.netstack.teardown(namespace, document, **keywords)
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)

    def attach(self, name, *attachments, **keywords):
        """A container's namespace, set up."""
        namespace = self.container(name)
        self.setup_ok(namespace, request(name, *attachments, **keywords))
        return namespace

    def snapshot(self, *namespaces):
        return HostState.snapshot([self.machine, *namespaces], [CONFIG, "/run/sysctl.d"])

    def settled_snapshot(self, *namespaces):
        """A snapshot after links that came up just now have got what the kernel gives them."""
        places = [self.machine, *namespaces]
        taken = [self.snapshot(*namespaces)]

        def is_settled():
            time.sleep(0.1)
            # An IPv6 address that is still being probed gets its routes a second later.
            if any(place.sh("ip", "-6", "addr", "show", "tentative") for place in places):
                return False
            taken.append(self.snapshot(*namespaces))
            return not taken[-2].difference(taken[-1])

        self.assertTrue(wait_until(is_settled), "the host does not settle")
        return taken[-1]

    def assert_unchanged(self, before, *namespaces):
        """Everything is as in the snapshot, soon (the kernel reports carriers a little late)."""
        difference = ""

        def is_equal():
            nonlocal difference
            difference = before.difference(self.snapshot(*namespaces))
            return not difference

        if not wait_until(is_equal, timeout=2.0):
            self.fail(f"the host has changed:\n{difference}")

    def assert_refused(self, namespace, document, *words, **keywords):
        """Setup fails as the protocol says, with an error that has all the words, and no trace."""
        before = self.snapshot(namespace)
        error = self.netstack.setup(namespace, document, **keywords).error
        for word in words:
            self.assertIn(word, error)
        self.assert_unchanged(before, namespace)
        return error


def main():
    """Runs the tests of the calling file; exit 77 when the binary is not there."""
    if not os.access(NETSTACK[0], os.X_OK):
        print(f"skipped: {NETSTACK[0]} is not built", file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=1)
