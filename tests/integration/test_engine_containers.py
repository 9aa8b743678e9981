"""burrow run and its kin: two containers find each other, ports answer, everything goes away."""

import concurrent.futures
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import engine_support
from engine_support import eventually

SERVE = "mkdir /srv/www && echo {} > /srv/www/index.html && exec busybox httpd -f -p 80 -h /srv/www"


def fetch(url):
    done = subprocess.run(["busybox", "wget", "-qO-", url], capture_output=True, text=True)
    return done.stdout


def processes_of(*programs):
    """The processes of this namespace that run one of `programs`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, rest = file.read().partition("(")[2].rsplit(")", 1)
        except OSError:
            continue
        if name in programs and rest.split()[0] != "Z":  # the sandbox's first process reaps nobody
            found.append((int(pid), name))
    return found


class Containers(engine_support.EngineTest):
    def test_the_commands_output_exit_code_and_input_pass_through(self):
        run = ("run", "--rm", "--network", "none")
        self.assertEqual(self.burrow(*run, "--", "echo", "--", "-x").stdout, "-- -x\n")
        done = self.burrow(*run, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "err\n", 7))
        self.assertEqual(self.burrow(*run, "-i", "cat", stdin="data").stdout, "data")
        self.assertEqual(self.burrow(*run, "cat", stdin="data").stdout, "")
        self.assertEqual(self.burrow(*run, "-e", "A=b c", "sh", "-c", "echo $A").stdout, "b c\n")
        self.assert_nothing_is_left()

    def test_a_container_is_a_sandbox(self):
        out = self.burrow("run", "--rm", "--network", "none", "--hostname", "box", "sh", "-c",
                          "hostname; echo $$; ip -o link | wc -l; grep NoNewPrivs /proc/self/status;"
                          "touch /root/.written && echo wrote; ls /dev/kmsg 2>&1 | wc -l;"
                          "echo 1 > /proc/sys/kernel/panic || echo refused").stdout  # fmt: skip
        self.assertEqual(out.split(),
                         ["box", "1", "1", "NoNewPrivs:", "1", "wrote", "1", "refused"])
        self.assertFalse(os.path.exists("/root/.written"))

    def test_a_signal_reaches_the_command(self):
        script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
        run = self.start("run", "--rm", "--network", "none", "sh", "-c", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=20)
        self.assertEqual((out, run.returncode), ("caught\n", 9))
        self.assert_nothing_is_left()

    def test_two_containers_meet_by_name_and_a_port_answers(self):
        self.burrow("network", "create", "front")
        self.burrow("run", "-d", "--name", "web", "--network", "front:alias=www", "-p", "8080:80",
                    "sh", "-c", SERVE.format("hello"))  # fmt: skip
        self.burrow("run", "-d", "--name", "client", "--network", "front", "sleep", "1000")
        address = self.address("web", "front")
        for name in ("web", "www", "web.dns.podman", self.container("web")["Id"][:12]):
            found = self.burrow("exec", "client", "getent", "hosts", name).stdout.split()
            self.assertEqual(found[0], address, name)
        self.assertTrue(eventually(lambda: fetch("http://127.0.0.1:8080/") == "hello\n"))
        page = self.burrow("exec", "client", "busybox", "wget", "-qO-", "http://web/").stdout
        self.assertEqual(page, "hello\n")
        self.assertEqual(self.burrow("port", "web").stdout, "80/tcp -> 0.0.0.0:8080\n")
        self.assertEqual(self.burrow("port", "web", "80").stdout, "0.0.0.0:8080\n")
        missing = self.burrow("port", "web", "99", check=False)
        self.assertEqual(missing.returncode, 125)
        self.assertIn('failed to find published port "99/tcp"', missing.stderr)
        taken = self.burrow("run", "-d", "--network", "front", "-p", "8080:81", "true", check=False)
        self.assertEqual(taken.returncode, 126)
        self.assertIn("0.0.0.0:8080/tcp: address already in use", taken.stderr)
        self.assertIn('port 8080/tcp is already published by container "web"', taken.stderr)
        picture = self.burrow("topology", "--ascii").stdout
        for word in ("network front", "bridge burrow1", "web", "client", address, ":8080->80/tcp"):
            self.assertIn(word, picture)
        self.burrow("rm", "-f", "web", "client")
        self.assert_nothing_is_left()
        self.assertEqual(fetch("http://127.0.0.1:8080/"), "")

    def test_a_free_host_port_is_found(self):
        self.burrow("run", "-d", "--name", "a", "-p", "80", "-p", "127.0.0.1::81/udp", "sleep", "99")
        ports = self.container("a")["NetworkSettings"]["Ports"]
        self.assertEqual(ports["81/udp"][0]["HostIp"], "127.0.0.1")
        port = int(ports["80/tcp"][0]["HostPort"])
        self.assertGreater(port, 1023)
        with socket.socket() as held, self.assertRaises(OSError):
            held.bind(("0.0.0.0", port))
        self.burrow("rm", "-f", "a")
        with socket.socket() as free:
            free.bind(("0.0.0.0", port))

    def test_connect_and_disconnect_change_a_running_container_at_once(self):
        for name in ("front", "back"):
            self.burrow("network", "create", name)
        self.burrow("run", "-d", "--name", "web", "--network", "back", "sleep", "1000")
        self.burrow("run", "-d", "--name", "client", "--network", "front", "sleep", "1000")
        unknown = self.burrow("exec", "client", "getent", "hosts", "web", check=False)
        self.assertEqual(unknown.returncode, 2)
        self.burrow("network", "connect", "--alias", "cl", "--ip", "10.89.1.44", "back", "client")
        self.assertEqual(self.address("client", "back"), "10.89.1.44")
        links = self.burrow("exec", "client", "ip", "-o", "-4", "addr", "show", "eth1").stdout
        self.assertIn("10.89.1.44/24", links)
        hosts = self.burrow("exec", "client", "cat", "/etc/hosts").stdout
        self.assertIn("10.89.1.44\t", hosts)
        resolver = self.burrow("exec", "client", "cat", "/etc/resolv.conf").stdout
        self.assertEqual(re.findall("nameserver (.*)", resolver), ["10.89.1.1", "10.89.0.1"])
        self.assertIn(self.address("web", "back"),
                      self.burrow("exec", "client", "getent", "hosts", "web").stdout)
        self.assertIn("10.89.1.44", self.burrow("exec", "web", "getent", "hosts", "cl").stdout)
        again = self.burrow("network", "connect", "back", "client", check=False)
        self.assertEqual(again.returncode, 125)
        self.assertIn("network is already connected", again.stderr)

        self.burrow("network", "disconnect", "back", "client")
        self.assertNotIn("eth1", self.burrow("exec", "client", "ip", "-o", "link").stdout)
        self.assertNotIn("10.89.1.44", self.burrow("exec", "client", "cat", "/etc/hosts").stdout)
        resolver = self.burrow("exec", "client", "cat", "/etc/resolv.conf").stdout
        self.assertEqual(re.findall("nameserver (.*)", resolver), ["10.89.0.1"])
        apart = self.burrow("network", "disconnect", "back", "client", check=False)
        self.assertEqual(apart.returncode, 125)
        self.assertIn("client is not connected to network back", apart.stderr)

    def test_a_failed_connect_leaves_the_container_as_it_was(self):
        self.burrow("network", "create", "front")
        self.burrow("network", "create", "back")
        self.burrow("run", "-d", "--name", "a", "--network", "front", "sleep", "1000")
        before = self.container("a")
        for arguments, sentence in [
            (("--ip", "10.77.0.1"), "10.77.0.1 not in any subnet on network back"),
            (("--ip", "10.89.1.1"), "is the gateway of network"),
            (("--ip", "10.89.1.255"), "network or broadcast address"),
            (("--mac-address", "01:00:00:00:00:01"), "group address"),
            (("--mac-address", "zz"), "zz"),
        ]:
            with self.subTest(arguments):
                done = self.burrow("network", "connect", *arguments, "back", "a", check=False)
                self.assertEqual(done.returncode, 125)
                self.assertIn(sentence, done.stderr)
                self.assertEqual(self.container("a"), before)

    def test_a_stopped_container_can_be_connected_and_started_again(self):
        self.burrow("network", "create", "front")
        self.burrow("network", "create", "back")
        self.burrow("run", "-d", "--name", "a", "--network", "front", "sleep", "1000")
        self.burrow("stop", "-t", "0", "a")
        self.assertEqual(self.container("a")["State"]["ExitCode"], 137)
        self.assertEqual(self.files("run", "netns"), [])
        self.burrow("network", "connect", "back", "a")
        self.burrow("start", "a")
        networks = self.container("a")["NetworkSettings"]["Networks"]
        self.assertEqual(networks["back"]["InterfaceName"], "eth1")
        self.assertIn("10.89.1.2/24", self.burrow("exec", "a", "ip", "-o", "addr").stdout)

    def test_static_addresses_are_kept_and_never_given_twice(self):
        self.burrow("network", "create", "front")
        self.burrow("run", "-d", "--name", "a", "--network", "front:ip=10.89.0.3", "sleep", "1000")
        self.burrow("run", "-d", "--name", "b", "--network", "front", "sleep", "1000")
        self.burrow("run", "-d", "--name", "c", "--network", "front", "sleep", "1000")
        self.assertEqual([self.address(n, "front") for n in "abc"],
                         ["10.89.0.3", "10.89.0.2", "10.89.0.4"])
        taken = self.burrow("run", "--network", "front:ip=10.89.0.2", "true", check=False)
        self.assertEqual(taken.returncode, 125)
        self.assertIn('10.89.0.2 on network "front" is already allocated to container "b"',
                      taken.stderr)

    def test_parallel_runs_all_start_with_distinct_addresses(self):
        self.burrow("network", "create", "--subnet", "10.33.0.0/26", "front")
        count = 50

        def run(number):
            return self.burrow("run", "-d", "--name", f"c{number}", "--network", "front", "-p",
                               "80", "sleep", "1000", check=False)  # fmt: skip

        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            for done in pool.map(run, range(count)):
                self.assertEqual(done.returncode, 0, done.stderr)
        listed = self.json("ps", "--format", "json")
        self.assertEqual(len(listed), count)
        self.assertEqual(len({a for c in listed for a in c["Addresses"]}), count)
        self.assertEqual(len({c["Ports"][0]["host_port"] for c in listed}), count)
        self.burrow("rm", "--all", "--force")
        self.assert_nothing_is_left()

    def test_a_full_network_says_so_and_leaves_nothing(self):
        self.burrow("network", "create", "--subnet", "10.33.0.0/30", "tiny")
        self.burrow("run", "-d", "--name", "a", "--network", "tiny", "sleep", "1000")
        full = self.burrow("run", "-d", "--name", "b", "--network", "tiny", "true", check=False)
        self.assertEqual(full.returncode, 125)
        self.assertIn("failed to find free IP in range: 10.33.0.1 - 10.33.0.2", full.stderr)
        self.assertEqual(self.lines("ps", "-aq"), [self.container("a")["Id"][:12]])
        # Addresses come back: a small network lasts for any number of containers, one by one.
        self.burrow("rm", "-f", "a")
        for _ in range(5):
            self.burrow("run", "--rm", "--network", "tiny", "true")

    def test_a_network_in_use_is_not_removed_unless_forced(self):
        self.burrow("network", "create", "front")
        self.burrow("run", "-d", "--name", "a", "--network", "front", "sleep", "1000")
        identifier = self.json("network", "inspect", "front")[0]["id"]
        for name in ("front", identifier):
            busy = self.burrow("network", "rm", name, check=False)
            self.assertEqual(busy.returncode, 2)
            self.assertIn('"front" has associated containers with it (a)', busy.stderr)
        self.burrow("network", "rm", "--force", "front")
        self.assert_nothing_is_left()

    def test_exec_stop_logs_and_rm_say_what_is_wrong(self):
        self.burrow("run", "-d", "--name", "a", "--network", "none", "sh", "-c", "echo hi; sleep 99")
        self.assertTrue(eventually(lambda: self.burrow("logs", "a").stdout == "hi\n"))
        for arguments, code, sentence in [
            (("exec", "a", "nosuch"), 127, '"nosuch" not found'),
            (("exec", "a", "/etc"), 126, '"/etc"'),
            (("exec", "nosuch", "true"), 125, "no such container"),
            (("rm", "a"), 2, 'cannot remove container "a" as it is running'),
            (("rm", "nosuch"), 1, "no such container"),
            (("stop", "nosuch"), 125, "no such container"),
            (("start", "a"), 125, "a is running already"),
            (("run", "--name", "a", "true"), 125, 'name "a" is already in use'),
            (("inspect", "nosuch"), 125, "no such container"),
            (("run", "--network", "none", "nosuch"), 127, '"nosuch" not found'),
            (("run", "--network", "none", "--", "/etc/passwd"), 126, '"/etc/passwd"'),
            (("run", "--network", "nosuch", "true"), 125, "nosuch: network not found"),
            (("run", "--network", "host", "true"), 125, '"host" is not supported'),
            (("run", "--network", "a:foo=1", "true"), 125, 'unknown option "foo"'),
            (("run", "-p", "80:81:82:83", "true"), 125, "80:81:82:83"),
            (("run", "-p", "0", "true"), 125, '"0"'),
            (("run", "-p", "1-3:5", "true"), 125, "different lengths: 3 vs 1"),
            (("run", "--name", "b/c", "true"), 125, "b/c"),
            (("run", "--rootfs", "/nosuch", "true"), 125, '"/nosuch"'),
            (("run", "--add-host", "x", "true"), 125, '"x"'),
            (("run", "--dns", "x", "true"), 125, '"x"'),
            (("run", "--bogus", "true"), 125, "--bogus"),
            (("run",), 125, "no command given"),
            (("nosuch",), 125, "nosuch"),
        ]:
            with self.subTest(" ".join(arguments)):
                before = self.state()
                done = self.burrow(*arguments, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertEqual(self.state(), before)

    def test_rootfs_is_seen_and_never_written_to(self):
        rootfs = os.path.join("/tmp", "rootfs")
        os.makedirs(os.path.join(rootfs, "bin"))
        self.addCleanup(os.system, f"rm -rf {rootfs}")
        self.assertEqual(os.system(f"cp /bin/busybox {rootfs}/bin/ && ln -s busybox {rootfs}/bin/sh"), 0)
        if b"dynamically linked" in subprocess.check_output(["sh", "-c", "ldd /bin/busybox 2>&1 || :"]) or \
                b"=>" in subprocess.check_output(["sh", "-c", "ldd /bin/busybox 2>&1 || :"]):
            self.skipTest("busybox is not static")
        out = self.burrow("run", "--rm", "--network", "none", "--rootfs", rootfs, "sh", "-c",
                          "echo x > /new; busybox ls /").stdout  # fmt: skip
        self.assertIn("new", out.split())
        self.assertEqual(os.listdir(rootfs), ["bin"])


class Crashes(engine_support.EngineTest):
    def setUp(self):
        super().setUp()
        self.burrow("network", "create", "front")

    def test_a_container_survives_its_supervisor_and_is_cleaned_up_after(self):
        self.burrow("run", "-d", "--name", "a", "--network", "front", "-p", "8080:80", "sleep", "99")
        os.kill(self.supervisor_of("a"), signal.SIGKILL)
        self.assertEqual(self.lines("ps", "-q"), [self.container("a")["Id"][:12]])
        self.burrow("exec", "a", "true")
        self.burrow("rm", "-f", "a")
        self.assert_nothing_is_left()
        self.burrow("run", "--rm", "--network", "front", "-p", "8080:80", "true")

    def test_an_unsupervised_container_that_ends_is_noticed(self):
        self.burrow("run", "-d", "--name", "a", "--network", "front", "sleep", "99")
        self.burrow("run", "-d", "--rm", "--name", "b", "--network", "front", "sleep", "99")
        for name in ("a", "b"):
            os.kill(self.supervisor_of(name), signal.SIGKILL)
            os.kill(self.container(name)["State"]["Pid"], signal.SIGKILL)
        self.assertTrue(eventually(lambda: self.lines("ps", "-q") == []))
        self.assertEqual(self.container("a")["State"]["Status"], "exited")
        self.assertIsNone(self.container("a")["State"]["ExitCode"])
        self.assertEqual(len(self.lines("ps", "-aq")), 1)
        self.assertEqual(self.files("run", "netns"), [])
        self.burrow("rm", "a")
        self.assert_nothing_is_left()

    def test_killed_at_any_moment_nothing_is_left_after_the_next_command(self):
        # From before the first line of the program to long after the container runs.
        for delay in [i * 0.012 for i in range(20)]:
            run = self.start("run", "-d", "--name", "a", "--network", "front", "-p", "8080:80",
                             "sleep", "1000")  # fmt: skip
            time.sleep(delay)
            victims = [run.pid]
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if b"supervise" in file.read().split(b"\0")[1:2]:
                            victims.append(int(pid))
                except OSError:
                    continue
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            run.communicate()
            self.burrow("rm", "--force", "a")
            with self.subTest(delay=delay):
                self.assert_nothing_is_left()
                self.assertTrue(eventually(lambda: not processes_of("sleep", "crun", "runc")))

    def test_after_a_reboot_nothing_runs_and_addresses_are_free(self):
        self.burrow("run", "-d", "--name", "a", "--network", "front:ip=10.89.0.2", "sleep", "99")
        self.burrow("run", "-d", "--rm", "--name", "b", "--network", "front", "sleep", "99")
        # What a reboot does: no process, no link, no namespace, another boot id.
        for name in ("a", "b"):
            supervisor, process = self.supervisor_of(name), self.container(name)["State"]["Pid"]
            os.kill(supervisor, signal.SIGKILL)
            os.kill(process, signal.SIGKILL)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if "burrow-dns" in os.readlink(f"/proc/{pid}/exe"):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                continue
        self.assertEqual(os.system("ip link del burrow1; nft flush ruleset"), 0)
        with open("/tmp/boot_id", "w") as file:
            file.write("11111111-2222-3333-4444-555555555555\n")
        boot_id = "/proc/sys/kernel/random/boot_id"
        self.assertEqual(os.system(f"mount --bind /tmp/boot_id {boot_id}"), 0)
        self.addCleanup(os.system, f"umount {boot_id}")
        listed = self.json("ps", "--all", "--format", "json")
        self.assertEqual([(c["Names"], c["State"]) for c in listed], [(["a"], "exited")])
        self.assertEqual(self.files("run", "netns"), [])
        self.burrow("run", "-d", "--name", "c", "--network", "front:ip=10.89.0.2", "sleep", "99")
        self.burrow("rm", "-f", "a", "c")
        self.assert_nothing_is_left()


engine_support.require_programs()
unittest.main()
