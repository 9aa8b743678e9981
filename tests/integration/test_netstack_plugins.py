"""Drivers from plugins: found, told, believed with care; what they do wrong is named and undone."""

import json
import os
import pathlib
import signal
import time

from netns_support import wait_until
from netstack_support import CONFIG, NetstackTest, attachment, encoded, identifier, main, network, port, request
from plugin_support import DIRECTORY, calls, verbs, write_plugin, write_program

FLAGS = ["--plugin-directory", DIRECTORY]


def plugged(name="plug", driver="test-driver", **members):
    """A network of a plugin."""
    return network(
        name, driver=driver, network_interface=None, subnets=[{"subnet": "10.99.0.0/24", "gateway": "10.99.0.1"}],
        ipam_options={"driver": "host-local"}, options={"colour": "green"}, **members,
    )  # fmt: skip


PLUG = plugged()
BRIDGE = network("a", "10.1.0.0/24")


class PluginTest(NetstackTest):
    def setUp(self):
        super().setUp()
        self.netstack.flags += FLAGS
        self.pod = self.container("pod")
        self.pod.sh("ip", "link", "set", "lo", "up")

    def document(self, *attachments, **keywords):
        return request("pod", *(attachments or [attachment(PLUG, "10.99.0.7")]), **keywords)

    def record(self, network_name="plug"):
        with open(f"{CONFIG}/burrow/attachments/{identifier('pod')}/{network_name}.json") as file:
            return json.load(file)

    def refused(self, *words, document=None, **keywords):
        """Set-up fails with an error that has the words, and leaves no link and no record."""
        before = self.machine.links(), self.pod.links()
        error = self.netstack.setup(self.pod, document or self.document(), **keywords).error
        for word in words:
            self.assertIn(word, error)
        self.assertEqual((self.machine.links(), self.pod.links()), before)
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))
        return error


class Protocol(PluginTest):
    def test_a_plugin_is_told_the_attachment_and_its_answer_is_ours(self):
        write_plugin("test-driver")
        before = self.snapshot(self.pod)
        document = self.document(
            attachment(PLUG, "10.99.0.7", aliases=["w"], static_mac="02:00:00:00:00:01", options={"k": "v"}),
            ports=[port(8080, 80)],
        )
        status = self.setup_ok(self.pod, document)
        self.assertEqual(
            status,
            {
                "plug": {
                    "dns_search_domains": ["plug.in"],
                    "dns_server_ips": ["10.99.0.1"],
                    "interfaces": {
                        "eth0": {
                            "mac_address": "02:00:00:00:00:07",
                            "subnets": [{"gateway": "10.99.0.1", "ipnet": "10.99.0.7/24"}],
                        }
                    },
                }
            },
        )
        self.assertIn("eth0", self.pod.links())
        ((name, verb, netns, told),) = calls()
        self.assertEqual((name, verb, netns), ("test-driver", "setup", self.pod.path))
        self.assertEqual(told["container_id"], identifier("pod"))
        self.assertEqual(told["container_name"], "pod")
        self.assertEqual(told["port_mappings"][0]["host_port"], 8080)
        self.assertEqual(told["network"]["options"], {"colour": "green"})
        self.assertNotIn("network_interface", told["network"])
        self.assertEqual(
            told["network_options"],
            {"aliases": ["w"], "interface_name": "eth0", "static_ips": ["10.99.0.7"],
             "static_mac": "02:00:00:00:00:01", "options": {"k": "v"}},
        )  # fmt: skip
        (step,) = self.record()["steps"]
        self.assertEqual(step["step"], "set_up_plugin")
        self.assertEqual(step["answer"], status["plug"])
        self.teardown_ok(self.pod, document)
        self.assertEqual(calls()[1][:3], ["test-driver", "teardown", self.pod.path])
        self.assertEqual(calls()[1][3], told)
        self.assert_unchanged(before, self.pod)

    def test_plugins_and_bridges_are_set_up_in_the_order_of_the_request(self):
        write_plugin("test-driver")
        before = self.snapshot(self.pod)
        document = self.document(
            attachment(plugged("first"), "10.99.0.7"), attachment(BRIDGE, "10.1.0.2"), attachment(plugged("last"), "10.99.0.8")
        )
        status = self.setup_ok(self.pod, document)
        self.assertEqual(list(status), ["first", "a", "last"])
        self.assertEqual(list(status["last"]["interfaces"]), ["eth2"])
        index = {link["ifname"]: link["ifindex"] for link in self.pod.ip("link")}
        self.assertLess(index["eth0"], index["eth2"])
        self.teardown_ok(self.pod, document)
        self.assertEqual([call[3]["network"]["name"] for call in calls()], ["first", "last", "last", "first"])
        self.assert_unchanged(before, self.pod)

    def test_the_first_directory_that_has_the_program_counts_and_links_are_followed(self):
        real = write_plugin("elsewhere", directory="/run/real")
        os.makedirs("/run/one/test-driver")  # no file
        write_program("test-driver", "no program", "/run/two", mode=0o644)
        os.makedirs("/run/three")
        os.symlink(real, "/run/three/test-driver")
        write_program("test-driver", "#!/bin/false\n", "/run/four")
        flags = [word for name in ("none", "one", "two", "three", "four") for word in ("--plugin-directory", f"/run/{name}")]
        self.setup_ok(self.pod, self.document(), flags=flags)
        self.assertEqual(verbs(), ["setup"])
        self.assertEqual(self.record()["steps"][0]["program"], "/run/three/test-driver")

    def test_no_program_can_take_the_place_of_a_builtin_driver(self):
        write_plugin("bridge")
        self.setup_ok(self.pod, self.document(attachment(BRIDGE, "10.1.0.2")))
        self.assertEqual(calls(), [])

    def test_an_answer_may_leave_out_what_it_does_not_know(self):
        for text in ("{}", '{"interfaces": null, "dns_server_ips": null}'):
            write_program("test-driver", f"#!/bin/sh\ncat > /dev/null; [ $1 = teardown ] || echo '{text}'\n")
            status = self.setup_ok(self.pod, self.document())
            self.assertEqual(status, {"plug": {"dns_search_domains": None, "dns_server_ips": None, "interfaces": {}}})
            self.teardown_ok(self.pod, self.document())

    def test_a_plugin_that_reads_nothing_and_one_that_is_told_a_megabyte_are_fine(self):
        write_program("test-driver", "#!/bin/sh\n[ $1 = teardown ] || echo '{}'\n")
        labels = {f"label{n}": "x" * 1000 for n in range(1000)}
        document = self.document(attachment(plugged(labels=labels), "10.99.0.7"))
        self.setup_ok(self.pod, document)
        write_plugin("test-driver")
        self.setup_ok(self.pod, document)
        self.assertEqual(len(calls()[0][3]["network"]["labels"]), 1000)

    def test_the_plugin_of_the_page_works(self):
        page = (pathlib.Path(__file__).parents[2] / "docs/plugins.md").read_text()
        write_program("wire", page.split("```python\n", 1)[1].split("```", 1)[0])
        before = self.snapshot(self.pod)
        document = self.document(attachment(plugged(driver="wire")))
        status = self.setup_ok(self.pod, document)
        host = "w" + identifier("pod")[:10]
        self.assertEqual(status["plug"]["interfaces"]["eth0"]["mac_address"], self.pod.link("eth0")["address"])
        self.assertIn(host, self.machine.links())
        self.teardown_ok(self.pod, document)
        self.assert_unchanged(before, self.pod)

    def test_words_for_people_are_passed_on(self):
        write_plugin("test-driver", "print('the cable is loose', file=sys.stderr)\n")
        outcome = self.netstack.setup(self.pod, self.document())
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("test-driver: the cable is loose", outcome.err)

    def test_what_a_plugin_leaves_running_holds_nobody_up(self):
        write_plugin("test-driver", "subprocess.Popen(['sleep', '20'])\n")
        started = time.monotonic()
        self.setup_ok(self.pod, self.document())
        self.teardown_ok(self.pod, self.document())
        self.assertLess(time.monotonic() - started, 10)


class Create(PluginTest):
    """`create` of a network whose driver is a plugin."""

    def ask(self, **members):
        net = {
            "name": "plug", "id": identifier("plug"), "driver": "test-driver", "dns_enabled": False, "internal": False,
            "ipv6_enabled": False, "subnets": [{"subnet": "10.99.0.0/24"}], **members,
        }  # fmt: skip
        used = {"interfaces": [], "names": {}, "subnets": ["10.88.0.0/16"]}
        options = {"subnet_pools": [], "default_interface_name": "podman", "check_used_subnets": True}
        return {"network": net, "used": used, "options": options}

    def test_the_plugin_completes_the_network_and_burrow_what_it_left_open(self):
        write_plugin("test-driver")
        outcome = self.netstack.run("create", document=self.ask(labels={"k": "v"}))
        self.assertEqual(outcome.code, 0, outcome)
        made = json.loads(outcome.out)
        self.assertEqual((made["driver"], made["options"], made["labels"]), ("test-driver", {"made": "yes"}, {"k": "v"}))
        self.assertEqual(made["subnets"], [{"subnet": "10.99.0.0/24", "gateway": "10.99.0.1"}])
        ((_, verb, netns, told),) = calls()
        self.assertEqual((verb, netns, told["name"]), ("create", "", "plug"))

    def test_what_it_does_wrong_is_named(self):
        for body, *words in (
            ("def create(d):\n    raise ValueError('no such colour')\n", "exit code 1, message: no such colour"),
            ("def create(d):\n    return {**d, 'id': '0' * 64}\n", "changed the network's id"),
            ("def create(d):\n    return {**d, 'name': 'other'}\n", "changed the network's name"),
            ("def create(d):\n    return {**d, 'driver': 'bridge'}\n", "changed the network's driver"),
            ("def create(d):\n    return [1]\n", "no network", "expected an object"),
            ("def create(d):\n    print('garbage')\n", 'answered "garbage"', "no network"),
            ("def create(d):\n    return {**d, 'subnets': [{'subnet': '10.88.1.0/24'}]}\n", "already used"),
            ("def create(d):\n    os.kill(os.getpid(), 9)\n", "killed by signal 9"),
            ("def create(d):\n    time.sleep(1000)\n", "did not end within 1 s"),
        ):
            with self.subTest(body):
                write_plugin("test-driver", body)
                error = self.netstack.run("create", document=self.ask(), flags=["--plugin-timeout", "1"]).error
                for word in words:
                    self.assertIn(word, error)
                self.assertTrue('plugin "test-driver"' in error or "subnet" in error, error)
        self.assertEqual(set(verbs()), {"create"})

    def test_a_driver_that_nobody_has_or_could_have(self):
        for driver in ("test-driver", "../x", "/run/plugins/x", ".."):
            error = self.netstack.run("create", document=self.ask(driver=driver)).error
            self.assertIn(driver, error)


class Misbehaviour(PluginTest):
    def test_an_error_of_its_own_is_told_and_nothing_else_is_asked_of_it(self):
        write_plugin("test-driver", "def setup(document):\n    raise ValueError('no such cable')\n")
        self.refused('plugin "test-driver" failed: exit code 1, message: no such cable', 'network "plug"')
        self.assertEqual(verbs(), ["setup"])

    def test_what_was_set_up_before_it_is_undone(self):
        write_plugin("test-driver", "def setup(document):\n    raise ValueError('no such cable')\n")
        document = self.document(
            attachment(BRIDGE, "10.1.0.2"), attachment(plugged("ok", "other-driver"), "10.99.0.9"), attachment(PLUG, "10.99.0.7"),
            ports=[port(8080, 80)],
        )  # fmt: skip
        write_plugin("other-driver")
        self.assert_refused(self.pod, document, "no such cable")
        self.assertEqual(verbs("other-driver"), ["setup", "teardown"])

    def test_a_plugin_is_undone_when_what_comes_after_it_fails(self):
        write_plugin("test-driver")
        write_program("z-driver", "#!/bin/sh\nexit 3\n")
        document = self.document(attachment(PLUG, "10.99.0.7"), attachment(plugged("z", "z-driver"), "10.99.0.8"))
        self.refused('plugin "z-driver" failed: exit code 3, no message', document=document)
        self.assertEqual(verbs("test-driver"), ["setup", "teardown"])

    def test_an_exit_code_without_an_error_document(self):
        write_program("test-driver", "#!/bin/sh\necho 'Segmentation \001fault'; echo oh dear >&2; exit 7\n")
        self.refused('"test-driver"', "exit code 7", "Segmentation ?fault", "oh dear")

    def test_garbage_for_an_answer_is_undone(self):
        for text, word in (
            ("garbage", "parse error"), ("[]", "expected an object"), ("", "parse error"), ('{"interfaces": []}', "interfaces"),
            ('{"interfaces": {"eth0": {"mac_address": "xx"}}}', "interfaces.eth0.mac_address"),
            ('{"interfaces": {"eth0": {"mac_address": "02:00:00:00:00:07", "subnets": [{"ipnet": "10.1"}]}}}', "ipnet"),
            ('{"interfaces": {"a/b": {"mac_address": "02:00:00:00:00:07"}}}', "a/b"),
            ('{"dns_server_ips": ["1.2.3"]}', "dns_server_ips[0]"), ('{"dns_search_domains": [7]}', "dns_search_domains[0]"),
        ):  # fmt: skip
            with self.subTest(text):
                body = f"def setup(document):\n    make_link(document)\n    print({text!r})\n"
                write_plugin("test-driver", body)
                self.refused("no StatusBlock", word)
                self.assertEqual(verbs()[-2:], ["setup", "teardown"])

    def test_death_by_a_signal_is_named_and_undone(self):
        write_plugin("test-driver", "def setup(document):\n    make_link(document)\n    os.kill(os.getpid(), 11)\n")
        self.refused('plugin "test-driver" was killed by signal 11 (Segmentation fault)')
        self.assertEqual(verbs(), ["setup", "teardown"])

    def test_one_that_hangs_is_killed_with_its_children_and_undone(self):
        write_plugin(
            "test-driver",
            "def setup(document):\n    make_link(document)\n    child = subprocess.Popen(['sleep', '1000'])\n"
            "    open('/run/child', 'w').write(str(child.pid))\n    time.sleep(1000)\n",
        )
        started = time.monotonic()
        self.refused("did not end within 1 s and was killed", flags=["--plugin-timeout", "1"])
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(verbs(), ["setup", "teardown"])
        child = int(contents("/run/child"))
        self.assertTrue(wait_until(lambda: not is_alive(child)), "its child lives on")

    def test_one_that_reads_nothing_of_much_and_hangs_is_killed(self):
        write_program("test-driver", "#!/bin/sh\n[ $1 = teardown ] || sleep 1000\n")
        labels = {f"label{n}": "x" * 1000 for n in range(1000)}
        self.refused(
            "did not end within 1 s",
            document=self.document(attachment(plugged(labels=labels), "10.99.0.7")),
            environment={"BURROW_PLUGIN_TIMEOUT": "1"},
        )

    def test_megabytes_are_too_much(self):
        write_program("test-driver", "#!/bin/sh\n[ $1 = teardown ] || exec yes\n")
        self.refused("wrote more than 1048576 bytes and was killed")
        write_program("test-driver", "#!/bin/sh\n[ $1 = teardown ] && exit; head -c 900000 /dev/zero | tr '\\0' ' '; echo '{}'\n")
        self.setup_ok(self.pod, self.document())

    def test_megabytes_on_standard_error_are_cut(self):
        write_program("test-driver", "#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' 'x' >&2; [ $1 = teardown ] || echo '{}'\n")
        outcome = self.netstack.setup(self.pod, self.document())
        self.assertEqual(outcome.code, 0, outcome)
        self.assertLess(len(outcome.err), 70000)

    def test_an_answer_that_would_not_fit_into_an_engines_pipe(self):
        domains = [f"d{n}.example" for n in range(1000)] + ["x" * 30000]
        write_plugin("test-driver", f"def setup(document):\n    return {{'dns_search_domains': {domains!r}[-1000:]}}\n")
        self.refused("longer than 32768 bytes")

    def test_a_program_that_cannot_be_run_is_named(self):
        for text in ("#!/no/such/interpreter\n", "\x7fELF garbage"):
            write_program("test-driver", text)
            self.refused(f"{DIRECTORY}/test-driver")

    def test_a_driver_that_nobody_has(self):
        error = self.refused('unknown network driver "test-driver"')
        self.assertIn('network "plug"', error)

    def test_a_driver_name_is_never_a_path(self):
        write_plugin("evil", directory="/run/evil")
        for driver in ("../evil/evil", "/run/evil/evil", "..", ".", "a/b", "evil\0", "x" * 200, "", "-x", "ev il"):
            document = self.document(attachment(plugged(driver=driver), "10.99.0.7"))
            self.refused("driver", document=document, flags=["--plugin-directory", "/run/evil"])
        self.assertEqual(calls(), [])

    def test_an_interface_that_the_container_has_is_refused_before_a_plugin_runs(self):
        write_plugin("test-driver")
        self.pod.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.refused('"eth0"')
        self.assertEqual(calls(), [])

    def test_bad_time_limits_are_refused(self):
        for word in ("0", "-1", "x", "3601", "1s", ""):
            self.refused("time limit", environment={"BURROW_PLUGIN_TIMEOUT": word})


def contents(path):
    with open(path) as file:
        return file.read()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Meanwhile(PluginTest):
    """A plugin that takes its time holds nobody else up: it runs without the journal's lock."""

    SLOW = "def wait():\n    open('/run/begun', 'w').close()\n    while not os.path.exists('/run/go'):\n        time.sleep(0.02)\n"

    def setUp(self):
        super().setUp()
        self.other = self.container("other")
        self.others = request("other", attachment(BRIDGE, "10.1.0.3"), ports=[port(8080, 80)])

    def begin(self, command):
        process = self.netstack.start(command, self.pod.path)
        process.stdin.write(encoded(self.document()))
        process.stdin.close()
        self.assertTrue(wait_until(lambda: os.path.exists("/run/begun")))
        return process

    def finish(self, process):
        open("/run/go", "w").close()
        out = process.stdout.read()
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.wait(10), 0, out)

    def test_while_it_sets_up(self):
        write_plugin("test-driver", self.SLOW + "def setup(document):\n    wait()\n    make_link(document)\n    return {'interfaces': answer(document)}\n")
        process = self.begin("setup")
        self.setup_ok(self.other, self.others)
        self.teardown_ok(self.other, self.others)
        self.assertIsNone(process.poll())
        self.finish(process)
        self.assertIn("answer", self.record()["steps"][0])
        self.teardown_ok(self.pod, self.document())
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))

    def test_while_it_tears_down(self):
        write_plugin("test-driver", self.SLOW + "def teardown(document):\n    wait()\n    delete_link(document)\n")
        self.setup_ok(self.pod, self.document())
        process = self.begin("teardown")
        self.setup_ok(self.other, self.others)
        self.assertIsNone(process.poll())
        self.finish(process)
        self.teardown_ok(self.other, self.others)
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))

    def test_another_command_for_the_same_container_waits(self):
        write_plugin("test-driver", self.SLOW + "def setup(document):\n    wait()\n    make_link(document)\n    return {'interfaces': answer(document)}\n")
        process = self.begin("setup")
        ending = self.netstack.start("teardown", self.pod.path)
        ending.stdin.write(encoded(self.document()))
        ending.stdin.close()
        time.sleep(0.2)
        self.assertIsNone(ending.poll())
        self.finish(process)
        self.assertEqual(ending.wait(10), 0)
        ending.stdout.close()
        ending.stderr.close()
        self.assertEqual(verbs(), ["setup", "teardown"])
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))


class Teardown(PluginTest):
    def test_a_plugin_is_told_the_path_of_a_namespace_that_is_gone(self):
        write_plugin("test-driver")
        self.setup_ok(self.pod, self.document())
        path = self.pod.path
        self.pod.delete()
        self.teardown_ok(path, self.document())
        self.assertEqual(calls()[-1][1:3], ["teardown", path])
        self.assertFalse(os.path.exists(f"{CONFIG}/burrow"))

    def test_it_is_told_what_it_was_set_up_with_whatever_the_request_says_now(self):
        write_plugin("test-driver")
        self.setup_ok(self.pod, self.document())
        changed = self.document(attachment(plugged(driver="other"), "10.99.0.99"))
        changed["container_name"] = "another"
        self.teardown_ok(self.pod, changed)
        self.assertEqual(calls()[1][3], calls()[0][3])

    def test_a_teardown_that_fails_is_told_goes_on_and_can_be_repeated(self):
        write_plugin("test-driver", "def teardown(document):\n    raise ValueError('cable stuck')\n")
        before = self.snapshot(self.pod)
        document = self.document(attachment(PLUG, "10.99.0.7"), attachment(BRIDGE, "10.1.0.2"))
        self.setup_ok(self.pod, document)
        error = self.netstack.teardown(self.pod, document).error
        self.assertIn('plugin "test-driver" failed: exit code 1, message: cable stuck', error)
        self.assertIsNone(self.machine.link("br-a"))
        self.assertEqual(self.record()["network"], "plug")
        write_plugin("test-driver")
        self.teardown_ok(self.pod, document)
        self.assert_unchanged(before, self.pod)

    def test_a_plugin_that_is_gone_is_an_error_until_it_is_somewhere_again(self):
        program = write_plugin("test-driver")
        self.setup_ok(self.pod, self.document())
        os.makedirs("/run/moved")
        os.rename(program, "/run/moved/test-driver")
        self.assertIn(program, self.netstack.teardown(self.pod, self.document()).error)
        self.teardown_ok(self.pod, self.document(), flags=["--plugin-directory", "/run/moved"])
        self.assertNotIn("eth0", self.pod.links())

    def test_what_another_stack_set_up_is_ended_by_the_plugin_too(self):
        write_plugin("test-driver")
        self.pod.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.teardown_ok(self.pod, self.document())
        self.assertEqual(verbs(), ["teardown"])
        self.assertNotIn("eth0", self.pod.links())
        self.teardown_ok(self.pod, self.document())
        self.assertEqual(verbs(), ["teardown"])

    def test_the_bridge_that_a_plugins_network_names_is_not_ours_to_delete(self):
        write_plugin("test-driver")
        self.machine.sh("ip", "link", "add", "br0", "type", "bridge")
        document = self.document(attachment({**PLUG, "network_interface": "br0"}, "10.99.0.7"))
        self.pod.sh("ip", "link", "add", "eth0", "type", "bridge")
        self.teardown_ok(self.pod, document)
        self.assertIsNotNone(self.machine.link("br0"))

    def test_a_repeated_setup_replaces_the_first(self):
        write_plugin("test-driver")
        self.setup_ok(self.pod, self.document())
        self.setup_ok(self.pod, self.document())
        self.assertEqual(verbs(), ["setup", "teardown", "setup"])
        self.teardown_ok(self.pod, self.document())


class Crash(PluginTest):
    def kill_while(self, command, marker):
        """SIGKILL for a command of ours once its plugin has written the marker."""
        process = self.netstack.start(command, self.pod.path)
        process.stdin.write(encoded(self.document()))
        process.stdin.close()
        self.assertTrue(wait_until(lambda: os.path.exists(marker)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def test_a_plugin_dies_with_us_and_the_next_command_undoes_what_it_did(self):
        slow = "def setup(document):\n    make_link(document)\n    open('/run/made', 'w').write(str(os.getpid()))\n    time.sleep(1000)\n"
        write_plugin("test-driver", slow)
        before = self.snapshot(self.pod)
        self.kill_while("setup", "/run/made")
        plugin = int(contents("/run/made") or 0)
        self.assertTrue(wait_until(lambda: not is_alive(plugin)), "the plugin lives on")
        self.assertIn("eth0", self.pod.links())
        write_plugin("test-driver")
        self.setup_ok(self.pod, self.document())
        self.assertEqual(verbs(), ["setup", "teardown", "setup"])
        self.teardown_ok(self.pod, self.document())
        self.assert_unchanged(before, self.pod)

    def test_a_teardown_that_was_cut_short_is_carried_through(self):
        write_plugin("test-driver")
        before = self.snapshot(self.pod)
        self.setup_ok(self.pod, self.document())
        write_plugin("test-driver", "def teardown(document):\n    open('/run/begun', 'w').close()\n    time.sleep(1000)\n")
        self.kill_while("teardown", "/run/begun")
        write_plugin("test-driver")
        self.teardown_ok(self.pod, self.document())
        self.assert_unchanged(before, self.pod)

    def test_a_plugin_that_hangs_in_recovery_stops_nobody_for_longer_than_its_time(self):
        write_plugin("test-driver", "open('/run/made', 'w').close()\ntime.sleep(1000)\n")
        self.kill_while("setup", "/run/made")
        other = self.container("other")
        started = time.monotonic()
        self.setup_ok(other, request("other", attachment(BRIDGE, "10.1.0.3")), flags=["--plugin-timeout", "1"])
        self.assertLess(time.monotonic() - started, 5)
        started = time.monotonic()
        self.teardown_ok(other, request("other", attachment(BRIDGE, "10.1.0.3")))
        self.assertLess(time.monotonic() - started, 1)


if __name__ == "__main__":
    main()
