"""A small world of network namespaces for the firewall's tests: this one is the host, with bridges
and containers behind it and a machine outside. Sockets are made inside a namespace by a thread that
enters it and ends; they are used from anywhere."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import threading

BIN = pathlib.Path(os.environ.get("BURROW_BIN", "build/dev/bin"))
TOOL = BIN / "firewall-tool"
CLONE_NEWNET = 0x40000000
POSITIVE = 3.0  # how long an answer that must come may take
NEGATIVE = 0.3  # how long an answer that must not come is waited for

libc = ctypes.CDLL(None, use_errno=True)


def run(*words, stdin=None):
    done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def ip(text):
    return run("ip", *text.split())


def sysctl(key, value, netns=None):
    path = f"/proc/sys/{key}"
    if netns is None:
        pathlib.Path(path).write_text(f"{value}\n")
    else:
        run("ip", "netns", "exec", netns, "sh", "-c", f"echo {value} > {path}")


def has_sysctl(key):
    return pathlib.Path(f"/proc/sys/{key}").exists()


class Refused(Exception):
    """What firewall-tool says when it refuses: its JSON as `answer`."""

    def __init__(self, answer):
        super().__init__(answer["error"])
        self.answer = answer


def tool(*words, policy=None, netns=None):
    command = [str(TOOL), *map(str, words)]
    if netns:
        command = ["ip", "netns", "exec", netns, *command]
    done = subprocess.run(command, input=json.dumps(policy or {}), capture_output=True, text=True)
    if done.returncode == 1 and done.stdout.startswith("{"):
        raise Refused(json.loads(done.stdout))
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def apply(policy, table="ensure"):
    tool("apply", table, policy=policy)


def remove(policy):
    tool("apply", "keep", policy={"remove": policy})


def listing():
    return run("nft", "list", "table", "inet", "burrow")


def in_netns(netns, make):
    """What `make` returns when called inside a namespace (None: the host)."""
    if netns is None:
        return make()
    box = {}

    def enter():
        try:
            with open(f"/run/netns/{netns}") as file:
                if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            box["value"] = make()
        except BaseException as error:  # handed to the caller's thread
            box["error"] = error

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["value"]


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Server:
    """Answers on a TCP and a UDP port with its name and the address of who asked."""

    def __init__(self, name, netns, port, address=None):
        self.name = name
        self.sockets = []
        self.requests = 0
        for family in (socket.AF_INET, socket.AF_INET6):
            if address and family_of(address) != family:
                continue
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                self.sockets.append(in_netns(netns, lambda: self._open(family, kind, address, port)))
        for sock in self.sockets:
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    @staticmethod
    def _open(family, kind, address, port):
        sock = socket.socket(family, kind)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address or ("" if family == socket.AF_INET else "::"), port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        return sock

    def _serve(self, sock):
        with contextlib.suppress(OSError):
            while True:
                if sock.type == socket.SOCK_STREAM:
                    client, peer = sock.accept()
                    self.requests += 1
                    with client, contextlib.suppress(OSError):
                        client.sendall(f"{self.name} {peer[0]}".encode())
                else:
                    _, peer = sock.recvfrom(2048)
                    if peer is None:  # closed
                        return
                    self.requests += 1
                    sock.sendto(f"{self.name} {peer[0]}".encode(), peer)

    def close(self):
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def ask(netns, address, port, kind="tcp", source=None, timeout=POSITIVE):
    """(name, address as seen there) of who answers, or None."""
    is_tcp = kind == "tcp"
    family = family_of(address)
    sock = in_netns(netns, lambda: socket.socket(
        family, socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM))
    with sock:
        sock.settimeout(timeout)
        try:
            if source:
                sock.bind(source)
            sock.connect((address, port))
            if not is_tcp:
                sock.send(b"?")
            answer = sock.recv(2048).decode()
        except ConnectionRefusedError:
            return ("refused", "")
        except OSError:
            return None
        return tuple(answer.split()) if answer else None


def answers_from(questions):
    """Which of (netns, address, port, kind) are answered within NEGATIVE; all asked at once."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=64) as pool:
        answers = list(pool.map(lambda question: ask(*question, timeout=NEGATIVE), questions))
    return [question for question, answer in zip(questions, answers)
            if answer and answer[0] != "refused"]


class World:
    """host: this namespace, with uplink 192.0.2.1 and 2001:db8::1; outside: 192.0.2.9, ...::9."""

    HOST4, HOST6 = "192.0.2.1", "2001:db8::1"
    OUTSIDE4, OUTSIDE6 = "192.0.2.9", "2001:db8::9"

    def __init__(self, bridge_netfilter):
        self.networks = {}
        for key in ("iptables", "ip6tables"):
            if has_sysctl(f"net/bridge/bridge-nf-call-{key}"):
                sysctl(f"net/bridge/bridge-nf-call-{key}", int(bridge_netfilter))
        sysctl("net/ipv4/ip_forward", 1)
        sysctl("net/ipv6/conf/all/forwarding", 1)
        sysctl("net/ipv6/conf/default/accept_dad", 0)
        ip("netns add outside")
        ip("link add uplink type veth peer name eth0 netns outside")
        sysctl("net/ipv6/conf/uplink/accept_dad", 0)
        ip("address add 192.0.2.1/24 dev uplink")
        ip("address add 192.0.2.5/24 dev uplink")
        ip("-6 address add 2001:db8::1/64 dev uplink nodad")
        ip("-6 address add 2001:db8::5/64 dev uplink nodad")
        ip("link set uplink up")
        ip("-n outside link set lo up")
        ip("-n outside link set eth0 up")
        ip("-n outside address add 192.0.2.9/24 dev eth0")
        ip("-n outside -6 address add 2001:db8::9/64 dev eth0 nodad")

    def network(self, name, number, subnets=1, **policy):
        """Bridge br-NAME with gateways 10.89.N.1, fd00:N::1; a second subnet is 10.99.N, fd01:N."""
        bridge = f"br-{name}"
        ip(f"link add {bridge} type bridge")
        sysctl(f"net/ipv4/conf/{bridge}/route_localnet", 1)
        sysctl(f"net/ipv4/conf/{bridge}/rp_filter", 2)
        sysctl(f"net/ipv6/conf/{bridge}/accept_dad", 0)
        prefixes = [(f"10.89.{number}", f"fd00:{number}"), (f"10.99.{number}", f"fd01:{number}")]
        policy = {"name": name, "bridge": bridge, "subnets": [], **policy}
        for prefix4, prefix6 in prefixes[:subnets]:
            ip(f"address add {prefix4}.1/24 dev {bridge}")
            ip(f"-6 address add {prefix6}::1/64 dev {bridge} nodad")
            policy["subnets"] += [f"{prefix4}.0/24", f"{prefix6}::/64"]
        ip(f"link set {bridge} up")
        if policy.get("loopback6"):
            ip(f"-6 route add local ::1 dev {bridge} table local metric 1024")
        self.networks[name] = policy
        return policy

    def container(self, netns, network, number, index=0, subnet=0, default_route=True):
        """Namespace NETNS with a port on the network's bridge and addresses .NUMBER, ::NUMBER."""
        if not os.path.exists(f"/run/netns/{netns}"):
            ip(f"netns add {netns}")
            ip(f"-n {netns} link set lo up")
            sysctl("net/ipv6/conf/default/accept_dad", 0, netns)
        link, port = f"eth{index}", f"{netns}{index}"
        policy = self.networks[network]
        prefix4 = policy["subnets"][2 * subnet].rsplit(".", 1)[0]
        prefix6 = policy["subnets"][2 * subnet + 1].split("::")[0]
        ip(f"link add {port} type veth peer name {link} netns {netns}")
        ip(f"link set {port} master {policy['bridge']} up")
        ip(f"link set {port} type bridge_slave hairpin on")
        ip(f"-n {netns} link set {link} up")
        ip(f"-n {netns} address add {prefix4}.{number}/24 dev {link}")
        ip(f"-n {netns} -6 address add {prefix6}::{number}/64 dev {link} nodad")
        if default_route:
            ip(f"-n {netns} route add default via {prefix4}.1")
            ip(f"-n {netns} -6 route add default via {prefix6}::1")
        return f"{prefix4}.{number}", f"{prefix6}::{number}"


def publication(name, network, addresses, ports):
    return {"container": f"{name}-0123456789", "name": name, "network": network, "ports": ports,
            "address4": addresses[0], "address6": addresses[1]}
