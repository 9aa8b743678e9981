"""Network namespaces and real packets, for tests that run in the sandbox.

A Machine is a host of its own (network and mount namespace, fresh /run) that the calling thread
moves into; a Namespace is a container or another host beside it. Sockets are opened inside a
namespace by a thread that then ends, and used from anywhere.
"""

import ctypes
import json
import os
import select
import socket
import subprocess
import threading
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SOON = 5.0  # seconds until something that must happen counts as failed
NEVER = 0.25  # seconds that something which must not happen is waited for

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def sh(*command, **keywords):
    """Runs a program and returns what it prints; raises with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """A network namespace: where the thread is (`path` None) or a named one."""

    def __init__(self, name, path=None):
        self.name = name
        self.path = path

    @classmethod
    def add(cls, name):
        sh("ip", "netns", "add", name)
        return cls(name, f"/run/netns/{name}")

    def delete(self):
        sh("ip", "netns", "delete", self.name)

    def inside(self, function, *arguments, **keywords):
        """The result of a function that runs inside."""
        if self.path is None:
            return function(*arguments, **keywords)
        outcome = {}

        def enter():
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    _check(_libc.setns(descriptor, CLONE_NEWNET))
                finally:
                    os.close(descriptor)
                outcome["value"] = function(*arguments, **keywords)
            except BaseException as error:  # handed to the caller
                outcome["error"] = error

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def sh(self, *command):
        return self.inside(sh, *command)

    def ip(self, *arguments):
        """`ip -j`, as a value."""
        return json.loads(self.sh("ip", "-j", *arguments) or "[]")

    def link(self, name):
        """A link with its details, or None."""
        found = [link for link in self.ip("-d", "link") if link["ifname"] == name]
        return found[0] if found else None

    def links(self):
        return {link["ifname"] for link in self.ip("link")}

    def addresses(self, name, scope="global"):
        """The addresses of a link as "address/length", in the kernel's order."""
        return [
            f"{address['local']}/{address['prefixlen']}"
            for link in self.ip("addr", "show", "dev", name)
            for address in link.get("addr_info", [])
            if address["scope"] == scope
        ]

    def routes(self, family=4):
        return self.ip(f"-{family}", "route", "show")

    def sysctl(self, key, value=None):
        """Reads, or writes, one value: net/ipv4/ip_forward."""

        def access():
            with open(f"/proc/sys/{key}", "r" if value is None else "w") as file:
                return file.read().strip() if value is None else file.write(str(value))

        return self.inside(access)

    def socket(self, family, kind):
        return self.inside(socket.socket, family, kind)


class Machine(Namespace):
    """A host of its own: from here on this thread and what it starts live on it."""

    def __init__(self):
        super().__init__("host")
        _check(_libc.unshare(CLONE_NEWNET | CLONE_NEWNS))
        _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        _check(_libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None))
        for directory in ("/run/lock", "/run/netns"):
            os.makedirs(directory)
        sh("ip", "link", "set", "lo", "up")

    def connect(self, other, link, ours, theirs):
        """A cable to another namespace: `link` here and `eth0` there, with addresses on both."""
        sh("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", other.name)
        for namespace, name, addresses in ((self, link, ours), (other, "eth0", theirs)):
            namespace.sysctl(f"net/ipv6/conf/{name}/accept_dad", 0)
            for address in addresses:
                namespace.sh("ip", "addr", "add", address, "dev", name)
            namespace.sh("ip", "link", "set", name, "up")
        for namespace, name in ((self, link), (other, "eth0")):
            # Carrier and link-local address are reported a moment later.
            if not wait_until(lambda: namespace.link(name)["operstate"] == "UP" and namespace.addresses(name, "link")):
                raise RuntimeError(f"{name} does not come up")


def has_link_kind(kind, *words):
    """Whether the kernel makes links of a kind, by making one on a veth in a namespace that ends at
    once: "ipvlan", or ("vrf", "table", "10")."""

    def attempt():
        _check(_libc.unshare(CLONE_NEWNET))
        sh("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        try:
            sh("ip", "link", "add", "probe2", "link", "probe0", "type", kind, *words)
            return True
        except RuntimeError:
            return False

    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(attempt()))
    thread.start()
    thread.join()
    return outcome[0]


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def wildcard(family):
    return "::" if family == socket.AF_INET6 else "0.0.0.0"


class Listener:
    """A TCP or UDP port that is listened on inside a namespace."""

    def __init__(self, namespace, port, address="0.0.0.0", kind=socket.SOCK_STREAM):
        family = family_of(address)
        self.kind = kind
        self.socket = namespace.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.bind((address, port))
        if kind == socket.SOCK_STREAM:
            self.socket.listen(64)

    def hears(self, timeout=SOON):
        """The address of who came (TCP) or spoke (UDP), or None after the timeout."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        if self.kind == socket.SOCK_STREAM:
            connection, peer = self.socket.accept()
            connection.close()
        else:
            _, peer = self.socket.recvfrom(65536)
        return peer[0]

    def answer_once(self, timeout=SOON):
        """Sends one UDP datagram back to its sender; who that was, or None."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        text, peer = self.socket.recvfrom(65536)
        self.socket.sendto(b"re:" + text, peer)
        return peer[0]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connects(namespace, address, port, timeout=SOON):
    """Whether a TCP connection from `namespace` comes about."""
    client = namespace.socket(family_of(address), socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        client.connect((address, port))
        return True
    except OSError:
        return False
    finally:
        client.close()


def reaches(namespace, address, port, listener, timeout=SOON):
    """By TCP: the source address that the listener sees, or None when nothing arrives."""
    if not connects(namespace, address, port, timeout):
        return None
    return listener.hears(timeout)


def send(namespace, address, port, text=b"ping"):
    """One UDP datagram, of which nothing more is known."""
    with namespace.socket(family_of(address), socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(text, (address, port))
        except OSError:
            pass  # no route: it has not gone out, and the listener will tell


def delivers(namespace, address, port, listener, timeout=SOON):
    """By one UDP datagram: the source address that the listener sees, or None."""
    send(namespace, address, port)
    return listener.hears(timeout)


def talks(namespace, address, port, listener, timeout=SOON):
    """A UDP exchange: the source address that the listener sees, or None when the question or its
    answer is lost or comes from another address than was asked."""
    with namespace.socket(family_of(address), socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
            client.send(b"question")
            source = listener.answer_once(timeout)
            return source if source and client.recv(64) == b"re:question" else None
        except OSError:
            return None


def wait_until(condition, timeout=SOON, step=0.005):
    """Whether a condition comes true in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True
