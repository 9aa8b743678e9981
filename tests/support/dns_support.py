"""DNS for tests: messages in plain bytes, a daemon in a directory, upstream servers that misbehave on
purpose. Everything runs inside the sandbox's own network and mount namespaces."""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

BINARY = pathlib.Path(os.environ["BURROW_BIN"], "burrow-dns")
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, OPT, HTTPS, ANY = 1, 2, 5, 6, 12, 15, 16, 28, 41, 65, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def add_address(*addresses, link="lo"):
    """Addresses that tests ask from and listen on; IPv6 ones are usable at once."""
    for address in addresses:
        bits = "/128" if ":" in address else "/32"
        flags = ["nodad"] if ":" in address else []
        text = address if "/" in address else address + bits
        run("ip", "address", "add", text, "dev", link, *flags)


def private_etc():
    """Gives this mount namespace an /etc of its own that may be written and renamed in."""
    copy = tempfile.mkdtemp(prefix="etc-")
    run("cp", "-a", "/etc/.", copy, check=False)
    run("mount", "--bind", copy, "/etc")
    resolv_conf = pathlib.Path("/etc/resolv.conf")
    if resolv_conf.is_symlink() or resolv_conf.exists():
        run("umount", "/etc/resolv.conf", check=False)
        resolv_conf.unlink()
    resolv_conf.write_text("")


def wait_until(claim, seconds=5, what="the claim"):
    """Polls, because the daemon gives no sign on purpose."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if claim():
                return
        except AttributeError:
            pass  # ask() gave no Reply yet
        time.sleep(0.005)
    raise AssertionError(f"{what} did not become true within {seconds} s")


# --- messages ---------------------------------------------------------------------------------

def encode_name(name):
    labels = [label.encode("latin-1") for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def make_query(name, qtype=A, ident=0x1234, flags=0x0100, qclass=1, edns=None, options=b""):
    """`edns`: the UDP size of an OPT record."""
    message = struct.pack(">6H", ident, flags, 1, 0, 0, 0 if edns is None else 1)
    message += encode_name(name) + struct.pack(">2H", qtype, qclass)
    if edns is not None:
        message += b"\0" + struct.pack(">HHIH", OPT, edns, 0, len(options)) + options
    return message


def read_name(message, at):
    labels, back = [], None
    while True:
        size = message[at]
        if size >= 0xC0:
            if back is None:
                back = at + 2
            at = (size & 0x3F) << 8 | message[at + 1]
        elif size == 0:
            return ".".join(labels) + ".", back or at + 1
        else:
            labels.append(message[at + 1:at + 1 + size].decode("latin-1"))
            at += 1 + size


class Reply:
    """A message taken apart; fails on bytes too few or too many."""

    def __init__(self, message):
        self.size = len(message)
        self.ident, self.flags, *counts = struct.unpack(">6H", message[:12])
        self.rcode = self.flags & 15
        at, self.question = 12, None
        for _ in range(counts[0]):
            name, at = read_name(message, at)
            self.question = (name, *struct.unpack(">2H", message[at:at + 4]))
            at += 4
        self.answer, self.authority, self.additional = [], [], []
        for count, section in zip(counts[1:], (self.answer, self.authority, self.additional)):
            for _ in range(count):
                name, at = read_name(message, at)
                rtype, rclass, ttl, size = struct.unpack(">HHIH", message[at:at + 10])
                at += 10
                raw = message[at:at + size]
                assert len(raw) == size, "record beyond the end"
                if rtype == A:
                    shown = socket.inet_ntop(socket.AF_INET, raw)
                elif rtype == AAAA:
                    shown = socket.inet_ntop(socket.AF_INET6, raw)
                elif rtype in (PTR, CNAME, NS):
                    shown = read_name(message, at)[0]
                else:
                    shown = raw
                at += size
                section.append((name, rtype, ttl, shown))
        assert at == len(message), f"{len(message) - at} bytes after the last record"
        opt = [record for record in self.additional if record[1] == OPT]
        self.extended_error = None
        if opt and opt[0][3][:2] == b"\0\x0f":
            self.extended_error = struct.unpack(">H", opt[0][3][4:6])[0]

    authoritative = property(lambda self: bool(self.flags & 0x0400))
    truncated = property(lambda self: bool(self.flags & 0x0200))
    data = property(lambda self: [record[3] for record in self.answer])


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def place(server, port):
    """For connect(); the link of a link-local address stands behind a percent sign."""
    return socket.getaddrinfo(server, port)[0][4] if "%" in server else (server, port)


def udp_socket(source=None, server=None, port=53, timeout=5):
    made = socket.socket(family_of(source or server), socket.SOCK_DGRAM)
    made.settimeout(timeout)
    if source:
        made.bind((source, 0))
    if server:
        made.connect(place(server, port))
    return made


def exchange(message, server, source=None, port=53, timeout=5):
    """One datagram there and one back, or None when nothing comes or nobody listens."""
    with udp_socket(source, server, port, timeout) as asker:
        try:
            asker.send(message)
            return asker.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


def ask(name, qtype=A, server="10.89.0.1", source=None, timeout=5, **options):
    """The Reply over UDP, or None."""
    reply = exchange(make_query(name, qtype, **options), server, source, timeout=timeout)
    return Reply(reply) if reply is not None else None


class TcpClient:
    """A connection that frames messages; several may be out."""

    def __init__(self, server="10.89.0.1", source=None, port=53, timeout=5):
        self.socket = socket.socket(family_of(server), socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(place(server, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *messages):
        self.socket.sendall(b"".join(struct.pack(">H", len(one)) + one for one in messages))

    def _read(self, size):
        held = b""
        while len(held) < size:
            part = self.socket.recv(size - len(held))
            if not part:
                raise EOFError
            held += part
        return held

    def receive(self):
        return Reply(self._read(struct.unpack(">H", self._read(2))[0]))


def ask_tcp(name, qtype=A, server="10.89.0.1", source=None, **options):
    with TcpClient(server, source) as client:
        client.send(make_query(name, qtype, **options))
        return client.receive()


# --- the daemon -------------------------------------------------------------------------------

class Daemon:
    """The daemon on a directory of its own."""

    def __init__(self, files, *options, name="burrow-dns", port=53, environment=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="networks-"))
        self.files(files)
        self.program = BINARY
        if name != "burrow-dns":
            self.program = self.directory.parent / name
            self.program.unlink(missing_ok=True)
            self.program.symlink_to(BINARY)
        self.command = [self.program, "--config", self.directory, "-p", str(port), *options, "run"]
        self.environment = {**os.environ, **(environment or {})}
        self.pid = None

    def files(self, files):
        for name, content in files.items():
            (self.directory / name).write_text(content)

    def try_start(self):
        return subprocess.run(self.command, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=self.environment, timeout=20, check=False)

    def start(self):
        done = self.try_start()
        assert done.returncode == 0, done.stderr
        self.pid = int((self.directory / "aardvark.pid").read_text())
        return self

    def reload(self, files=None):
        self.files(files or {})
        os.kill(self.pid, signal.SIGHUP)

    def is_running(self):
        """A zombie is gone: the sandbox's first process may be slow to reap."""
        try:
            stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.rsplit(")", 1)[1].split()[0] != "Z"

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def stop(self):
        if self.pid and self.is_running():
            os.kill(self.pid, signal.SIGTERM)
            wait_until(lambda: not self.is_running(), what="the daemon's end")
        shutil.rmtree(self.directory, ignore_errors=True)


def control_path(daemon):
    return pathlib.Path(f"{daemon.directory}.sock")


def control_text(daemon, request, timeout=5):
    """All that the daemon says to a line over its control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.settimeout(timeout)
        asker.connect(str(control_path(daemon)))
        asker.sendall(request.encode("latin-1") + b"\n")
        return b"".join(iter(lambda: asker.recv(65536), b"")).decode()


def control(daemon, request, timeout=5):
    """The document that it answers with."""
    return json.loads(control_text(daemon, request, timeout))


class DaemonTest(unittest.TestCase):
    """Starts daemons and upstream servers that end with the test."""

    def start_daemon(self, files, *options, **settings):
        daemon = Daemon(files, *options, **settings)
        self.addCleanup(daemon.stop)
        return daemon.start()

    def start_upstream(self, address, behaviour=None):
        upstream = Upstream(address, behaviour)
        self.addCleanup(upstream.stop)
        return upstream


# --- upstream servers -------------------------------------------------------------------------

def respond(query, rcode=NOERROR, addresses=(), flags=0x8180, records=b"", count=0, ttl=0):
    """A response to the bytes of a query with A records of its name, its OPT record left out.
    `records`: further answers, `count` of them. TTL 0 is never kept."""
    end = 12
    while query[end]:
        end += 1 + query[end]
    end += 5
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", A, 1, ttl, 4) + socket.inet_aton(address)
                    for address in addresses)
    header = struct.pack(">6H", struct.unpack(">H", query[:2])[0], flags | rcode, 1,
                         len(addresses) + count, 0, 0)
    return header + query[12:end] + body + records


def answering(address="192.0.2.1", ttl=60):
    """For Upstream: answers every name with `address`."""
    return lambda query, _: respond(query, addresses=[address], ttl=ttl)


def negative(rcode, ttl, minimum):
    """For Upstream: says no with a SOA record."""
    data = b"\0\0" + struct.pack(">5I", 1, 2, 3, 4, minimum)
    soa = b"\xc0\x0c" + struct.pack(">HHIH", SOA, 1, ttl, len(data)) + data

    def behave(query, _):
        response = bytearray(respond(query, rcode, records=soa))
        response[8:10] = b"\0\1"
        return bytes(response)
    return behave


class Upstream:
    """A server on port 53 of `address`: `behaviour(query, transport)` gives a response's bytes, a
    list of them, or None for silence. Without one it answers every name with its own address."""

    def __init__(self, address, behaviour=None):
        self.address = address
        self.behaviour = behaviour or (
            lambda query, _: respond(query, addresses=[address]))
        self.seen = []
        self.ports = set()
        self._udp = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self._udp.bind((address, 53))
        self._tcp = socket.socket(family_of(address), socket.SOCK_STREAM)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, 53))
        self._tcp.listen(64)
        self._is_stopping = False
        self._threads = [threading.Thread(target=serve, daemon=True)
                         for serve in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def names(self):
        """What was asked, as (name in lower case, type), in order."""
        return [(read_name(query, 12)[0].lower(), Reply(query).question[1])
                for query, _ in self.seen]

    def spellings(self):
        """The names that were asked as they came, in order."""
        return [read_name(query, 12)[0] for query, _ in self.seen]

    def send(self, message, client):
        """Sends a datagram from the server's address and port."""
        self._udp.sendto(message, client)

    def _responses(self, query, transport):
        self.seen.append((query, transport))
        given = self.behaviour(query, transport)
        if given is None:
            return []
        return given if isinstance(given, list) else [given]

    def _serve_udp(self):
        while True:
            query, client = self._udp.recvfrom(65535)
            if self._is_stopping:
                return
            self.ports.add(client[1])
            threading.Thread(target=self._answer_udp, args=(query, client), daemon=True).start()

    def _answer_udp(self, query, client):
        for response in self._responses(query, "udp"):
            try:
                self._udp.sendto(response, client)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            connection, _ = self._tcp.accept()
            if self._is_stopping:
                return
            threading.Thread(target=self._answer_tcp, args=(connection,), daemon=True).start()

    def _answer_tcp(self, connection):
        connection.settimeout(30)
        with connection:
            held = b""
            while True:
                try:
                    part = connection.recv(65535)
                except OSError:
                    return
                if not part:
                    return
                held += part
                while len(held) >= 2 and len(held) >= 2 + struct.unpack(">H", held[:2])[0]:
                    size = struct.unpack(">H", held[:2])[0]
                    query, held = held[2:2 + size], held[2 + size:]
                    for response in self._responses(query, "tcp"):
                        connection.sendall(struct.pack(">H", len(response)) + response)

    def stop(self):
        if self._is_stopping:
            return
        self._is_stopping = True
        # A socket is free only when no thread waits on it: both are woken.
        with socket.socket(family_of(self.address), socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.address, 53))
        socket.create_connection((self.address, 53)).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()
