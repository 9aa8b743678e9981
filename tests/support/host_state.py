"""A recorder of everything that a network tool may change, for "the host is as it was before".

A snapshot is a set of lines, one per fact; the difference of two is what a person reads.
"""

import collections
import json
import os

# Members that change with time or count traffic: facts about the past, not about the state.
_VOLATILE = {
    "stats", "stats64", "handle", "gc_timer", "hello_timer", "tcn_timer", "topology_change_timer",
    "topology_change", "topology_change_detected", "designated_cost", "valid_life_time", "metainfo",
    "preferred_life_time", "hold_timer", "message_age_timer", "forward_delay_timer", "carrier_changes",
    "carrier_up_count", "carrier_down_count", "used", "expires", "age", "mdb_size", "n_learned",
    "fdb_n_learned",
}  # fmt: skip
# Sysctls that move on their own or can only be written.
_MOVING_SYSCTLS = ("route/flush", "tcp_fastopen_key", "fib_multipath_hash_seed", "bootid")


def _without_volatile(value):
    if isinstance(value, dict):
        return {k: _without_volatile(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_without_volatile(v) for v in value]
    return value


def _lines(prefix, values):
    for value in values:
        yield f"{prefix}: {json.dumps(_without_volatile(value), sort_keys=True)}"


def _sysctls():
    for top in ("net/ipv4", "net/ipv6", "net/bridge"):
        for directory, _, names in os.walk(f"/proc/sys/{top}"):
            for name in names:
                key = os.path.join(directory, name)[len("/proc/sys/") :]
                if key.endswith(_MOVING_SYSCTLS):
                    continue
                try:
                    with open(f"/proc/sys/{key}") as file:
                        yield f"{key} = {file.read().strip()}"
                except OSError:
                    continue


def _links(namespace):
    for link in namespace.ip("-d", "link"):
        if "UP" not in link["flags"]:
            link.pop("qdisc", None)  # a link that was up once keeps it, to no effect
        yield from _lines(f"link {link['ifname']}", [link])


def _addresses(namespace):
    """Addresses and routes. The kernel gives loopback its address when it goes up and leaves it and
    its routes there when it goes down: what is on a loopback that is down counts for nothing."""
    passed_over = set()
    for link in namespace.ip("addr"):
        if "LOOPBACK" in link["flags"] and "UP" not in link["flags"]:
            passed_over.add(link["ifname"])
            continue
        for address in link.get("addr_info", []):
            address.pop("tentative", None)
            yield from _lines(f"address on {link['ifname']}", [address])
    for family in (4, 6):
        routes = namespace.ip(f"-{family}", "route", "show", "table", "all")
        kept = [route for route in routes if route.get("dev") not in passed_over]
        yield from _lines(f"ipv{family} route", kept)


def _namespace_facts(namespace):
    yield from _links(namespace)
    yield from _addresses(namespace)
    for family in (4, 6):
        yield from _lines(f"ipv{family} rule", namespace.ip(f"-{family}", "rule"))
    ruleset = json.loads(namespace.sh("nft", "-s", "-j", "list", "ruleset"))
    yield from _lines("nft", ruleset["nftables"])
    for line in namespace.inside(lambda: list(_sysctls())):
        yield f"sysctl {line}"


def _files(path):
    """Files with their contents. Locks and empty directories hold nothing and are no state."""
    for directory, _, names in os.walk(path):
        for name in names:
            file = os.path.join(directory, name)
            if not os.path.isfile(file):
                yield f"no regular file {file}"
                continue
            if name.endswith("lock") and os.path.getsize(file) == 0:
                continue
            with open(file, "rb") as opened:
                yield f"file {file}: {opened.read()!r}"


class HostState:
    """What stood on a host and in namespaces at one moment."""

    def __init__(self, facts):
        self.facts = facts

    @classmethod
    def snapshot(cls, namespaces, paths=()):
        facts = []
        for namespace in namespaces:
            facts += [f"{namespace.name} | {fact}" for fact in _namespace_facts(namespace)]
        for path in paths:
            facts += _files(path)
        return cls(sorted(facts))

    def difference(self, later):
        """Lines that went (-) and came (+), empty when both are equal."""
        gone = collections.Counter(self.facts) - collections.Counter(later.facts)
        came = collections.Counter(later.facts) - collections.Counter(self.facts)
        lines = [f"- {line}" for line in gone.elements()] + [f"+ {line}" for line in came.elements()]
        return "\n".join(sorted(lines, key=lambda line: line[2:]))
