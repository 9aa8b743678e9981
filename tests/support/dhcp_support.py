"""Containers on a LAN with a DHCP server: a bridge on the host, the server and each container in a
namespace of its own, and burrow-dhcp on the host, spoken to over its socket."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from netns_support import Machine, Namespace, SOON, sh, wait_until

BIN = os.environ["BURROW_BIN"]
PROGRAM = os.path.join(BIN, "burrow-dhcp")
BRIDGE = "lan0"
SERVER_ADDRESS = "10.5.0.1"
KEA_TIMES = {"valid-lifetime": 4, "renew-timer": 1, "rebind-timer": 3}


class Server:
    """A DHCP server that runs in a namespace, with what it writes."""

    def __init__(self, namespace, *command, ready=None, directory="/tmp"):
        self.log = os.path.join(directory, f"{os.path.basename(command[0])}.log")
        with open(self.log, "w") as log:
            self.process = namespace.inside(
                subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if ready and not wait_until(lambda: ready in self.text() or self.process.poll() is not None):
            raise RuntimeError(f"{command[0]} does not come up: {self.text()}")
        if self.process.poll() is not None:
            raise RuntimeError(f"{command[0]}: {self.text()}")

    def text(self):
        with open(self.log) as log:
            return log.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


class Refused(Exception):
    """The proxy's words for why not."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Caller:
    """A conversation with the proxy, by its protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rwb")

    def send(self, document):
        self.file.write(json.dumps(document).encode() + b"\n")
        self.file.flush()

    def receive(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the proxy has hung up")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def ask(self, document):
        self.send(document)
        return self.receive()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class DhcpTest(unittest.TestCase):
    """A LAN without a server yet."""

    timeout = "8"  # of the proxy, for getting a lease

    @classmethod
    def setUpClass(cls):
        cls.host = Machine()

    def setUp(self):
        self.directory = tempfile.mkdtemp(dir="/run")
        self.path = f"{self.directory}/dhcp.sock"
        self.namespaces = []
        self.servers = []
        self.proxy = None
        sh("ip", "link", "add", BRIDGE, "type", "bridge")
        sh("ip", "link", "set", BRIDGE, "up")
        self.server = self.join("server", "eth0", f"{SERVER_ADDRESS}/24")
        self.addCleanup(self.clean)

    def clean(self):
        if self.proxy:
            self.stop_proxy()
        for server in self.servers:
            server.stop()
        for namespace in self.namespaces:
            if os.path.exists(namespace.path):
                namespace.delete()
        sh("ip", "link", "del", BRIDGE)
        shutil.rmtree(self.directory)

    def join(self, name, link="eth0", address=None, dad=0):
        """A namespace with a link on the LAN."""
        namespace = Namespace.add(name)
        self.namespaces.append(namespace)
        # Links of a namespace that a test before deleted go with it, a moment later.
        wait_until(lambda: not os.path.exists(f"/proc/sys/net/ipv4/conf/v{name}"))
        sh("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", link, "netns", name)
        sh("ip", "link", "set", f"v{name}", "master", BRIDGE, "up")
        namespace.sysctl(f"net/ipv6/conf/{link}/accept_dad", dad)
        namespace.sh("ip", "link", "set", "lo", "up")
        if address:
            namespace.sh("ip", "addr", "add", address, "dev", link)
        namespace.sh("ip", "link", "set", link, "up")
        if not wait_until(lambda: namespace.link(link)["operstate"] == "UP"):
            raise RuntimeError(f"{link} does not come up")
        return namespace

    def serve(self, namespace, *command, ready=None):
        server = Server(namespace, *command, ready=ready, directory=self.directory)
        self.servers.append(server)
        return server

    def dnsmasq(self, *options, first="10.5.0.50", last="10.5.0.60", lease="2m"):
        return self.serve(
            self.server, "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
            "--user=root", "--pid-file=", "--log-facility=-", "--log-dhcp", "--no-ping", "--no-hosts",
            "--no-resolv", "--interface=eth0", "--dhcp-authoritative", f"--dhcp-leasefile={self.directory}/dnsmasq.leases",
            f"--dhcp-range={first},{last},255.255.255.0,{lease}", *options, ready="DHCP, ")

    def start_proxy(self, *options, environment=None):
        self.log = f"{self.directory}/proxy.log"
        log = open(self.log, "a")
        with log:
            self.proxy = subprocess.Popen(
                [PROGRAM, "-d", self.directory, "-t", self.timeout, *options], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, "BURROW_LOG": "debug", **(environment or {})})
        self.assertTrue(wait_until(self.is_serving), self.proxy_log())

    def is_serving(self):
        try:
            Caller(self.path).close()
            return True
        except OSError:
            return False

    def proxy_log(self):
        with open(self.log) as log:
            return log.read()

    def stop_proxy(self, how=signal.SIGTERM):
        if self.proxy.poll() is None:
            self.proxy.send_signal(how)
        status = self.proxy.wait(10)
        self.proxy = None
        return status

    def call(self):
        caller = Caller(self.path)
        self.addCleanup(caller.close)
        return caller

    def request(self, container, **more):
        return {"container": container.name, "interface": "eth0", "network": "lan", "netns": container.path,
                "families": ["ipv4"], "metric": 100, **more}

    def set_up(self, container, **more):
        """The leases, committed."""
        with Caller(self.path) as caller:
            leases = caller.ask({"command": "setup", "request": self.request(container, **more)})["leases"]
            self.assertEqual(caller.ask({"command": "commit"}), {"had_lease": True})
        return leases

    def tear_down(self, container):
        with Caller(self.path) as caller:
            return caller.ask({"command": "teardown", "holder": {"container": container.name, "interface": "eth0"}})["had_lease"]

    def status(self):
        with Caller(self.path) as caller:
            return caller.ask({"command": "status"})["status"]

    def records(self):
        return sorted(name for name in os.listdir(f"{self.directory}/leases") if name != "lock")

    def assert_refused(self, container, words, code=None, **more):
        with Caller(self.path) as caller:
            with self.assertRaisesRegex(Refused, words) as refused:
                caller.ask({"command": "setup", "request": self.request(container, **more)})
        if code:
            self.assertEqual(refused.exception.code, code)

    def assert_untouched(self, container):
        """Nothing of a lease is left on the container's link, and nothing on record."""
        self.assertEqual([a for a in container.addresses("eth0") if ":" not in a], [])
        self.assertEqual(container.routes(), [])
        self.assertEqual(self.records(), [])
        self.assertEqual(self.status(), [])


class KeaTest(DhcpTest):
    """With Kea, whose leases last four seconds."""

    def kea(self, family, subnet, pool, **more):
        """A Kea that keeps its leases in memory."""
        name = f"Dhcp{family}"
        if family == 6:
            more = {"preferred-lifetime": 4, "server-id": {"type": "LL", "persist": False, "identifier": "020000000001"}, **more}
        document = {name: {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": {"type": "memfile", "persist": False},
            f"subnet{family}": [{"subnet": subnet, "pools": [{"pool": pool}], **({"interface": "eth0"} if family == 6 else {})}],
            "loggers": [{"name": f"kea-dhcp{family}", "severity": "DEBUG", "debuglevel": 40, "output_options": [{"output": "stdout"}]}],
            **KEA_TIMES, **more}}
        path = f"{self.directory}/kea{family}.json"
        with open(path, "w") as file:
            json.dump(document, file)
        os.makedirs("/run/kea", exist_ok=True)
        os.makedirs("/run/lock/kea", exist_ok=True)
        os.environ["KEA_LOCKFILE_DIR"] = "/run/lock/kea"
        os.environ["KEA_PIDFILE_DIR"] = self.directory
        return self.serve(self.server, f"/usr/sbin/kea-dhcp{family}", "-c", path, ready=f"DHCP{family}_STARTED")

    def kea4(self, **more):
        options = [{"name": "routers", "data": "10.5.0.1"}, {"name": "domain-name-servers", "data": "10.5.0.9"}]
        return self.kea(4, "10.5.0.0/24", "10.5.0.100 - 10.5.0.110", **{"option-data": options, **more})

    def kea6(self, **more):
        self.server.sh("ip", "addr", "replace", "fd00:5::1/64", "dev", "eth0")
        options = [{"name": "dns-servers", "data": "fd00:5::9"}, {"name": "domain-search", "data": "lan.example"}]
        return self.kea(6, "fd00:5::/64", "fd00:5::100 - fd00:5::110", **{"option-data": options, **more})

    def expiry(self, container, family="inet"):
        """How long the kernel still keeps the address; None when there is none."""
        (link,) = container.ip("addr", "show", "dev", "eth0")
        left = [a["valid_life_time"] for a in link["addr_info"] if a["family"] == family and a["scope"] == "global"]
        return left[0] if left else None
