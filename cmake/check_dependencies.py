#!/usr/bin/env python3
"""The dependency table of docs/architecture.md as a test: which folder may include what."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder -> project folders it may include besides itself.
FOLDERS = {
    "core": set(),
    "host": {"core"},
    "ipam": {"core"},
    "firewall": {"core", "host"},
    "netstack": {"core", "host", "ipam", "firewall"},
    "dns": {"core", "host"},
    "dhcp": {"core", "host"},
    "plugins": {"core", "host"},
    "engine": {"core", "host", "ipam"},
}

# What engine/ and plugins/ share with netstack/: documents, nothing that acts.
NETSTACK_VALUES = {"netstack/create.h", "netstack/create_request.h", "netstack/driver_options.h", "netstack/limit_words.h", "netstack/network.h", "netstack/network_rules.h",
                   "netstack/request.h", "netstack/status.h"}

# What netstack/ knows of dhcp/: the conversation with the proxy, not DHCP.
DHCP_CLIENT = {"dhcp/client.h", "dhcp/lease.h", "dhcp/protocol.h"}

# What dns/ knows of firewall/: how to put addresses of names in, for a while.
NAMED_PEERS = "firewall/named_peers.h"

# Third-party header prefix -> the folders that are the only place for it.
LIBRARIES = {
    "netlink/": {"host"},
    "libmnl/": {"firewall"},
    "libnftnl/": {"firewall"},
    "dbus/": {"firewall"},
    "boost/": set(),
    "ares": set(),
    "sqlite3": {"engine"},
    "CLI/": {"engine"},
    "tl/": {"core"},
}

# Planners and answers are pure: these files may include no header that does I/O.
PURE = [
    *(f"dhcp/{name}" for name in (
        "bytes.h", "client4.*", "client6.*", "command_line.*", "frame.*", "grant.h", "lease.*",
        "message4.*", "message6.*", "pace.h", "protocol.*")),
    *(f"dns/{name}" for name in (
        "answer.*", "answered_addresses.*", "cache.*", "client_shares.*", "command_line.*", "domain_servers.*",
        "egress_list.*", "kept_answer.*",
        "keyed_hash.*", "line_diff.*", "message.*", "message_text.*", "name.*", "network_file.*",
        "network_zone.*", "peer_ledger.*", "question_key.*", "race.*", "record.*", "records.*", "relay.*", "reply.*",
        "resolv_conf.*", "server_health.*", "shared_table.*", "wire.*", "zones.*")),
    *(f"firewall/{name}" for name in (
        "accepts.*", "elements.*", "firewalld_entries.*", "limits.*", "policy.*", "shapes.*")),
    "ipam/*.cpp", "ipam/*.h",
    *(f"netstack/{name}" for name in (
        "create.*", "create_request.*", "dns_file.*", "dns_lists.*", "dns_records.*", "driver_options.*", "limit_words.*",
        "network_rules.*", "plan*.cpp", "plan*.h")),
]
IMPURE = re.compile(r"^(host/(?!.*values)|unistd\.h|fcntl\.h|fstream|sys/|boost/|ares)")

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def violations():
    for folder, allowed in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            name = path.relative_to(ROOT)
            for header in INCLUDE.findall(path.read_text()):
                first = header.split("/")[0]
                if header in NETSTACK_VALUES and folder in ("engine", "plugins"):
                    continue
                if header in DHCP_CLIENT and folder == "netstack":
                    continue
                if header == NAMED_PEERS and folder == "dns":
                    continue
                if first in FOLDERS and first != folder and first not in allowed:
                    yield f"{name}: {folder}/ may not include {header}"
                for prefix, places in LIBRARIES.items():
                    if header.startswith(prefix) and folder not in places:
                        yield f"{name}: only {', '.join(sorted(places)) or 'no folder'} may include {header}"
    for pattern in PURE:
        for path in sorted(ROOT.glob(pattern)):
            for header in INCLUDE.findall(path.read_text()):
                if IMPURE.match(header):
                    yield f"{path.relative_to(ROOT)}: pure, may not include {header}"


found = list(violations())
print("\n".join(found) if found else "every include keeps the dependency table")
sys.exit(1 if found else 0)
