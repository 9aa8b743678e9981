"""Plugins for tests: small programs in a directory, that note every call they get.

A plugin is a Python program whose functions `setup`, `teardown` and `create` take the input's JSON and
return what is written to standard output; what they raise is the protocol's error.
"""

import json
import os
import sys

DIRECTORY = "/run/plugins"
CALLS = "/run/plugin-calls"

_PROLOGUE = f"""#!{sys.executable} -IS
import json, os, signal, subprocess, sys, time
NAME = os.path.basename(sys.argv[0])
VERB, NETNS = sys.argv[1], (sys.argv[2:] or [""])[0]
text = sys.stdin.buffer.read()
with open({CALLS!r}, "a") as file:
    file.write(json.dumps([NAME, VERB, NETNS, json.loads(text)]) + "\\n")

def answer(document):
    return {{
        document["network_options"]["interface_name"]: {{
            "mac_address": "02:00:00:00:00:07",
            "subnets": [{{"ipnet": "10.99.0.7/24", "gateway": "10.99.0.1"}}],
        }}
    }}

def make_link(document):
    name = document["network_options"]["interface_name"]
    subprocess.run(["nsenter", "--net=" + NETNS, "ip", "link", "add", name, "type", "bridge"], check=True)

def delete_link(document):
    name = document["network_options"]["interface_name"]
    if os.path.exists(NETNS):
        subprocess.run(["nsenter", "--net=" + NETNS, "ip", "link", "delete", name], capture_output=True)

def setup(document):
    make_link(document)
    return {{"dns_search_domains": ["plug.in"], "dns_server_ips": ["10.99.0.1"], "interfaces": answer(document), "extra": 1}}

def teardown(document):
    delete_link(document)

def create(document):
    return {{**document, "options": {{"made": "yes"}}}}

document = json.loads(text)
"""

_EPILOGUE = """
try:
    result = globals()[VERB](document)
    if result is not None:
        print(json.dumps(result))
except Exception as error:
    print(json.dumps({"error": str(error)}))
    sys.exit(1)
"""


def write_plugin(name, body="", directory=DIRECTORY):
    """A plugin that makes a link, but for the functions that `body` defines anew."""
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/{name}"
    with open(path, "w") as file:
        file.write(_PROLOGUE + body + _EPILOGUE)
    os.chmod(path, 0o755)
    return path


def write_program(name, text, directory=DIRECTORY, mode=0o755):
    """Any program under a plugin's name."""
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/{name}"
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def calls():
    """Every call of every plugin so far: name, verb, namespace, input."""
    try:
        with open(CALLS) as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def verbs(name=None):
    return [call[1] for call in calls() if name in (None, call[0])]
