"""Faults that other network tools have on their command line and in what they accept: help that speaks
of what is not there, words that nobody checks, names that lead elsewhere."""

import copy
import os
import re
import subprocess

from netstack_support import CONFIG, NETSTACK, NetstackTest, attachment, main, network, request

A = network("a", "10.1.0.0/24")
GOOD = request("c", attachment(A, "10.1.0.2"))


def run(*arguments):
    done = subprocess.run([*NETSTACK, *arguments], input=b"", capture_output=True, timeout=10, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Help(NetstackTest):
    """What the help text names is there."""

    def setUp(self):
        super().setUp()
        self.text = run("--help")[1]

    def test_every_command_that_it_names_is_one(self):
        section = self.text.split("Commands:\n")[1].split("\n\n")[0]
        commands = re.findall(r"^  ([a-z-]+)", section, re.MULTILINE)
        self.assertTrue({"setup", "teardown", "version"} <= set(commands), commands)
        unknown = run("no-such-command")[2]
        self.assertIn("no-such-command", unknown)
        for command in commands:
            code, _, err = run("--config", CONFIG, command, "--help")
            self.assertNotEqual(err, unknown.replace("no-such-command", command))
            self.assertEqual(code, 0, (command, err))

    def test_every_option_that_it_names_is_taken(self):
        section = self.text.split("Options, before the command:\n")[1].split("\n\n")[0]
        options = re.findall(r"^  (?:(-[a-zA-Z]), |    )(--[a-z-]+)( [A-Z]+)?", section, re.MULTILINE)
        self.assertGreater(len(options), 6)
        values = {"BOOL": "false", "DRIVER": "nftables", "DIR": CONFIG, "PATH": "/run/none", "FILE": "/dev/null",
                  "SECONDS": "5"}  # fmt: skip
        for short, long, value in options:
            for flag in filter(None, (short, long)):
                words = [flag, values[value.strip()]] if value else [flag]
                code, _, err = run(*words, "version")
                self.assertEqual(code, 0, (words, err))


class Names(NetstackTest):
    def test_a_network_that_is_listed_under_another_name_than_its_own_is_refused(self):
        """Or else the answer, the DNS file and teardown would each speak of another one."""
        document = copy.deepcopy(GOOD)
        document["network_info"]["a"]["name"] = "b"
        self.assert_refused(self.container("c"), document, '"a"', '"b"')

    def test_words_of_the_mode_are_checked(self):
        for word in ("Managed", "unmanaged ", "routed", "managed,unmanaged"):
            document = request("c", attachment({**A, "options": {"mode": word}}, "10.1.0.2"))
            container = self.container("c")
            self.assert_refused(container, document, f'"{word}"')
            container.delete()

    def test_a_plugin_directory_is_never_left(self):
        """The name of a driver is no path, neither upwards nor absolute, whatever stands there."""
        os.makedirs("/run/plugins/below")
        for path in ("/run/outside", "/run/plugins/below/inside"):
            with open(path, "w") as file:
                file.write("#!/bin/sh\ntouch /run/called\necho '{}'\n")
            os.chmod(path, 0o755)
        for driver in ("../outside", "/run/outside", "below/inside", "./../outside", "..", "."):
            container = self.container("c")
            document = request("c", attachment({**A, "driver": driver}, "10.1.0.2"))
            outcome = self.netstack.setup(container, document, flags=("--plugin-directory", "/run/plugins"))
            self.assertIn(driver, outcome.error)
            self.assertFalse(os.path.exists("/run/called"), driver)
            container.delete()


if __name__ == "__main__":
    main()
