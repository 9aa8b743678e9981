#!/usr/bin/env python3
"""Rule 15 of docs/style.md as a test: no TRY within braces behind another member.

GCC 12 and clang 14 leave the members of an aggregate that are made already undestroyed when a return
in a statement expression leaves its initialiser: memory and descriptors leak on the way of errors.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("core", "host", "ipam", "firewall", "netstack", "dns", "dhcp", "plugins", "engine")
NOT_CODE = re.compile(r"""//[^\n]*|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'""")


def members(inner):
    """The parts of an initialiser between its commas."""
    depth, start, parts = 0, 0, []
    for at, char in enumerate(inner):
        depth += (char in "{([") - (char in "})]")
        if char == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
    return [*parts, inner[start:]]


def violations(text):
    """Line numbers of initialisers that hold a TRY behind another member."""
    code = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    opened = []
    for at, char in enumerate(code):
        if char in "{([":
            opened.append(at)
        elif char in "})]" and opened:
            start = opened.pop()
            inner = code[start + 1:at]
            is_block = ";" in re.sub(r"\{[^{}]*\}", "", inner)
            if code[start] != "{" or is_block:
                continue
            if any("TRY(" in member for member in members(inner)[1:]):
                yield code.count("\n", 0, start) + 1


def main():
    found = [f"{path.relative_to(ROOT)}:{line}: TRY behind another member of an initialiser"
             for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))
             if path.suffix in (".h", ".cpp") for line in violations(path.read_text())]
    assert list(violations("Pair pair{one, TRY(two())};")) == [1], "the check finds nothing"
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
