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
    "plugins": {"core"},
    "engine": {"core", "host", "ipam"},
}

# What engine/ and plugins/ share with netstack/: documents, nothing that acts.
NETSTACK_VALUES = {"netstack/driver_options.h", "netstack/network.h", "netstack/network_rules.h",
                   "netstack/request.h", "netstack/status.h"}

# Third-party header prefix -> the folders that are the only place for it.
LIBRARIES = {
    "netlink/": {"host"},
    "libmnl/": {"firewall"},
    "libnftnl/": {"firewall"},
    "boost/": set(),
    "ares": set(),
    "sqlite3": {"engine"},
    "CLI/": {"engine"},
    "tl/": {"core"},
}

# Planners and answers are pure: these files may include no header that does I/O.
PURE = ["netstack/plan*.cpp", "netstack/plan*.h", "netstack/create.*", "netstack/create_request.*",
        "netstack/driver_options.*", "netstack/network_rules.*", "ipam/*.cpp", "ipam/*.h", "dns/answer.*",
        "dns/message.*", "dns/zones.*", "dns/name.*", "dns/network_file.*", "dns/resolv_conf.*",
        "dns/relay.*", "dns/reply.*", "dns/race.*", "dns/server_health.*",
        "dns/client_shares.*", "dns/cache.*", "dns/kept_answer.*", "dns/question_key.*",
        "dns/keyed_hash.*", "dns/domain_servers.*", "dns/records.*",
        "dns/shared_table.*", "dns/network_zone.*", "dns/line_diff.*", "dns/record.*",
        "dns/message_text.*", "netstack/dns_records.*", "netstack/dns_file.*", "dns/wire.*", "dns/command_line.*",
        "firewall/policy.*", "firewall/elements.*"]
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
