"""The command line, the environment, exit codes and streams: what callers of netavark rely on."""

import json
import os
import struct
import subprocess
import unittest

from netns_support import wait_until
from netstack_support import (
    CONFIG, DNS, IS_FOREIGN, NETSTACK, NetstackTest, attachment, encoded, main, network, request,
)  # fmt: skip

FRONT = network("front", "10.30.0.0/24")
NAMED = network("front", "10.30.0.0/24", dns_enabled=True)
PLAIN = request("c", attachment(FRONT, "10.30.0.5"))
WITH_NAMES = request("c", attachment(NAMED, "10.30.0.5"))


def run(*arguments, document=None, environment=None, program=NETSTACK):
    """A call with exactly these arguments; (exit code, standard output, standard error)."""
    done = subprocess.run(
        [*program, *arguments],
        input=encoded(document or {}),
        capture_output=True,
        timeout=20,
        env={"PATH": os.environ["PATH"], **(environment or {})},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def error_of(outcome):
    code, out, _ = outcome
    if code != 1 or out.count("\n") != 1 or not out.endswith("\n"):
        raise AssertionError(f"not one line of error: {outcome}")
    document = json.loads(out)
    if list(document) != ["error"]:
        raise AssertionError(f"not the one key `error`: {out!r}")
    return document["error"]


class Usage(NetstackTest):
    def test_version_tells_five_things_in_order(self):
        code, out, err = run("version")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            list(json.loads(out)), ["version", "commit", "build_time", "target", "default_fw_driver"]
        )
        self.assertTrue(out.startswith('{\n  "version": "'), out)
        self.assertEqual(json.loads(out)["default_fw_driver"], "nftables")

    def test_version_flags_name_the_program(self):
        for flag in ("--version", "-V"):
            code, out, err = run(flag)
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"^burrow-netstack \d+\.\d+\.\d+\n")

    @unittest.skipIf(IS_FOREIGN, "about our own binary")
    def test_called_as_netavark_it_says_the_version_that_it_stands_for_and_its_own(self):
        os.symlink(NETSTACK[0], "/run/netavark")
        code, out, _ = run("--version", program=["/run/netavark"])
        self.assertEqual(code, 0)
        self.assertRegex(out.splitlines()[0], r"^netavark 2\.1\.0\b")
        self.assertRegex(out, r"(?i)burrow\S* \d+\.\d+\.\d+")
        document = json.loads(run("version", program=["/run/netavark"])[1])
        self.assertTrue(document["version"].startswith("2.1.0"), document)

    @unittest.skipIf(IS_FOREIGN, "about our own binary")
    def test_the_program_loads_no_shared_library(self):
        with open(NETSTACK[0], "rb") as file:
            program = file.read()
        if b"__asan_init" in program or b"__tsan_init" in program:
            self.skipTest("sanitizers come as shared libraries")
        table, size, count = (struct.unpack_from("<Q", program, 32)[0],
                              *struct.unpack_from("<HH", program, 54))
        kinds = [struct.unpack_from("<I", program, table + i * size)[0] for i in range(count)]
        program_interpreter, dynamic_section = 3, 2
        self.assertNotIn(program_interpreter, kinds)
        self.assertNotIn(dynamic_section, kinds)

    def test_help_is_for_people_and_succeeds(self):
        for flag in ("--help", "-h"):
            code, out, _ = run(flag)
            self.assertEqual(code, 0)
            for word in ("setup", "teardown", "--config", "--firewall-driver"):
                self.assertIn(word, out)

    def test_a_wrong_command_line_is_exit_2_with_words_on_standard_error_only(self):
        for arguments in (
            [],
            ["no-such-command"],
            ["--no-such-flag", "version"],
            ["setup"],
            ["teardown"],
            ["setup", ""],
            ["--rootless"],
            ["--rootless", "maybe", "version"],
            ["--config"],
            ["version", "surplus"],
            ["setup", "/proc/self/ns/net", "surplus"],
        ):
            code, out, err = run(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertNotEqual(err, "", arguments)

    def test_flags_after_the_sub_command_are_refused(self):
        code, out, err = run("setup", "/proc/self/ns/net", "--config", CONFIG, document=PLAIN)
        self.assertEqual((code, out), (2, ""))
        self.assertIn("--config", err)


class Flags(NetstackTest):
    def ok(self, *arguments, document=PLAIN, environment=None):
        """Set-up with exactly these flags, then teardown likewise."""
        container = self.container("c")
        code, out, err = run(*arguments, "setup", container.path, document=document, environment=environment)
        self.assertEqual(code, 0, (out, err))
        code, out, err = run(*arguments, "teardown", container.path, document=document, environment=environment)
        self.assertEqual((code, out), (0, ""), err)

    def test_long_flags_with_separate_values(self):
        self.ok("--config", CONFIG, "--rootless", "false", "--aardvark-binary", "", "--firewall-driver", "nftables")

    def test_long_flags_with_joined_values(self):
        self.ok("--config=" + CONFIG, "--rootless=false", "--aardvark-binary=", "--firewall-driver=nftables")

    def test_short_flags(self):
        self.ok("-c", CONFIG, "-r", "false", "-a", "")

    def test_plugin_directory_may_be_given_several_times(self):
        self.ok("--config", CONFIG, "--plugin-directory", "/usr/libexec/a", "--plugin-directory=/usr/libexec/b")

    def test_rootless_true_is_accepted(self):
        self.ok("--config", CONFIG, "--rootless", "true")

    def test_the_document_may_come_from_a_file(self):
        with open("/run/document.json", "wb") as file:
            file.write(encoded(WITH_NAMES))
        container = self.container("c")
        for flag in ("--file", "-f"):
            code, out, err = run("--config", CONFIG, flag, "/run/document.json", "setup", container.path)
            self.assertEqual(code, 0, (out, err))
            code, out, err = run("--config", CONFIG, flag, "/run/document.json", "teardown", container.path)
            self.assertEqual((code, out), (0, ""), err)

    def test_a_missing_configuration_directory_flag_is_an_error_that_names_it(self):
        container = self.container("c")
        before = self.snapshot(container)
        for command in ("setup", "teardown"):
            self.assertIn("config", error_of(run(command, container.path, document=PLAIN)))
        self.assert_unchanged(before, container)

    def test_the_configuration_directory_need_not_be_utf_8(self):
        container = self.container("c")
        flags = [b"--config", b"/run/\xff\xfe"]
        for command in (b"setup", b"teardown"):
            done = subprocess.run(
                [*(part.encode() for part in NETSTACK), *flags, command, container.path.encode()],
                input=encoded(PLAIN),
                capture_output=True,
                env={"PATH": os.environ["PATH"]},
            )
            self.assertEqual(done.returncode, 0, done)
        self.assertEqual(container.links(), {"lo"})


class FirewallDriver(NetstackTest):
    def tables(self):
        return self.machine.sh("nft", "list", "tables")

    def setup_with(self, *flags, environment=None):
        container = self.container(f"c{len(os.listdir('/run/netns'))}")
        return run("--config", CONFIG, *flags, "setup", container.path, document=PLAIN, environment=environment)

    def test_the_default_is_nftables(self):
        self.assertEqual(self.setup_with()[0], 0)
        self.assertNotEqual(self.tables(), "")

    def test_none_makes_no_rule(self):
        self.assertEqual(self.setup_with("--firewall-driver", "none")[0], 0)
        self.assertEqual(self.tables(), "")

    def test_the_environment_names_it_too(self):
        self.assertEqual(self.setup_with(environment={"NETAVARK_FW": "none"})[0], 0)
        self.assertEqual(self.tables(), "")

    def test_the_flag_wins_over_the_environment(self):
        outcome = self.setup_with("--firewall-driver", "none", environment={"NETAVARK_FW": "nftables"})
        self.assertEqual(outcome[0], 0)
        self.assertEqual(self.tables(), "")

    def test_the_case_does_not_matter(self):
        self.assertEqual(self.setup_with("--firewall-driver", "NONE")[0], 0)
        self.assertEqual(self.tables(), "")

    def test_anything_else_is_an_error_that_names_it(self):
        for name in ("iptables", "no-such-driver"):
            self.assertIn(name, error_of(self.setup_with("--firewall-driver", name)))
        self.assertIn("iptables", error_of(self.setup_with(environment={"NETAVARK_FW": "iptables"})))
        error_of(self.setup_with(environment={"NETAVARK_FW": ""}))
        self.assertEqual(self.machine.links(), {"lo"})

    def test_after_teardown_with_none_nothing_is_left(self):
        container = self.container("c")
        container.sh("ip", "link", "set", "lo", "up")
        before = self.snapshot(container)
        for command in ("setup", "teardown"):
            outcome = run("--config", CONFIG, "--firewall-driver", "none", command, container.path, document=PLAIN)
            self.assertEqual(outcome[0], 0, outcome)
        self.assert_unchanged(before, container)


class Streams(NetstackTest):
    dns = DNS or ""

    def test_logs_go_to_standard_error_only(self):
        container = self.container("c")
        for filter_ in ("trace", "debug", "netavark=debug", "netavark=trace,other=off"):
            outcome = self.netstack.setup(container, PLAIN, environment={"RUST_LOG": filter_})
            self.assertEqual(outcome.code, 0, outcome)
            self.assertEqual(outcome.out.count("\n"), 1)
            json.loads(outcome.out)
            self.assertNotEqual(outcome.err, "", filter_)
            outcome = self.netstack.teardown(container, PLAIN, environment={"RUST_LOG": filter_})
            self.assertEqual((outcome.code, outcome.out), (0, ""))

    def test_without_trouble_it_is_silent_at_the_levels_engines_ask_for(self):
        container = self.container("c")
        for level in ("error", "warn", "netavark=warn", "netavark=error", "netavark=panic", "netavark=fatal", "off", ""):
            outcome = self.netstack.setup(container, PLAIN, environment={"RUST_LOG": level})
            self.assertEqual((outcome.code, outcome.err), (0, ""), level)
            outcome = self.netstack.teardown(container, PLAIN, environment={"RUST_LOG": level})
            self.assertEqual((outcome.code, outcome.err), (0, ""), level)

    def test_an_error_is_not_repeated_on_standard_error(self):
        outcome = self.netstack.setup(self.container("c"), "{")
        self.assertNotEqual(outcome.error, "")
        self.assertNotIn('{"error"', outcome.err)

    @unittest.skipUnless(DNS, "needs a DNS daemon")
    def test_no_child_keeps_the_streams_open(self):
        """The daemon is running when setup has ended, and the streams have ended too."""
        outcome = self.netstack.setup(self.container("c"), WITH_NAMES, timeout=10)
        self.assertEqual(outcome.code, 0, outcome)
        with open(f"{CONFIG}/aardvark-dns/aardvark.pid") as file:
            self.assertTrue(os.path.exists(f"/proc/{int(file.read())}"))

    def test_one_document_is_read_to_its_end_and_nothing_may_follow(self):
        text = encoded(PLAIN)
        self.assertEqual(self.netstack.setup(self.container("a"), text + b"\n").code, 0)
        self.assertNotEqual(self.netstack.setup(self.container("b"), text + b"\n{}").error, "")

    def test_the_namespace_is_looked_at_before_the_input_is_read(self):
        process = self.netstack.start("setup", "/run/netns/none")
        self.assertTrue(wait_until(lambda: process.poll() is not None))
        self.assertEqual(process.returncode, 1)
        process.communicate()


@unittest.skipUnless(DNS, "needs a DNS daemon")
class DnsPort(NetstackTest):
    dns = DNS or ""

    def command_line(self):
        with open(f"{CONFIG}/aardvark-dns/aardvark.pid") as file:
            with open(f"/proc/{int(file.read())}/cmdline", "rb") as line:
                return line.read().split(b"\0")[:-1]

    def test_the_daemon_is_started_as_engines_know_it(self):
        self.assertEqual(self.netstack.setup(self.container("c"), WITH_NAMES).code, 0)
        expected = ["--config", f"{CONFIG}/aardvark-dns", "-p", "53", "run"]
        self.assertEqual([part.decode() for part in self.command_line()[-5:]], expected)

    def test_the_environment_names_another_port(self):
        outcome = self.netstack.setup(self.container("c"), WITH_NAMES, environment={"NETAVARK_DNS_PORT": "5353"})
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(self.command_line()[-2], b"5353")

    def test_a_bad_port_is_an_error_of_every_command_and_changes_nothing(self):
        container = self.container("c")
        before = self.snapshot(container)
        for value in ("", "x", "-1", "65536", "53 ", "0x35"):
            for command in (self.netstack.setup, self.netstack.teardown):
                error = command(container, WITH_NAMES, environment={"NETAVARK_DNS_PORT": value}).error
                self.assertIn("NETAVARK_DNS_PORT", error)
        self.assert_unchanged(before, container)


if __name__ == "__main__":
    main()
