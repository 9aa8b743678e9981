"""`plan`: what setup and teardown would do, said beforehand, with nothing written by it."""

import json
import os
import re
import shutil
import subprocess
import unittest

from netstack_support import CONFIG, DNS, NetstackTest, attachment, main, network, port, request

FRONT = network("front", "10.30.0.0/24", "fd00:30::/64", dns_enabled=True, routes=[
    {"destination": "10.99.0.0/16", "gateway": "10.30.0.9"}])  # fmt: skip


class Plan(NetstackTest):
    dns = DNS or ""

    def setUp(self):
        super().setUp()
        self.asked = request("c", attachment(FRONT, "10.30.0.2", "fd00:30::2"), ports=[port(8080, 80)])
        self.c = self.container("c")

    def plan(self, command, document=None, namespace=None, form="json"):
        outcome = self.netstack.run(
            "plan", command, namespace or self.c.path, "--format", form, document=document or self.asked
        )
        self.assertEqual(outcome.code, 0, outcome)
        return json.loads(outcome.out) if form == "json" else outcome.out

    def traced(self, command, namespace=None):
        """System calls of a plan that could change something."""
        log = "/tmp/trace"
        calls = "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,rmdir,ftruncate,truncate,write,pwrite64,link,symlink,kill,flock"
        outcome = self.netstack.run(
            "plan", command, namespace or self.c.path, document=self.asked,
            prefix=("strace", "-f", "-o", log, "-e", f"trace={calls}"),
        )  # fmt: skip
        self.assertEqual(outcome.code, 0, outcome)
        with open(log) as file:
            lines = [line.split(None, 1)[1] for line in file]
        suspicious = []
        for line in lines:
            if re.match(r"open(at)?\(", line) and not re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", line):
                continue
            if re.match(r"write\((1|2),", line) or "LOCK_SH" in line or not re.match(r"[a-z0-9]+\(", line):
                continue
            suspicious.append(line.strip())
        return suspicious

    def test_the_steps_are_those_that_setup_then_takes(self):
        plan = self.plan("setup")
        self.assertEqual(plan["command"], "setup")
        self.assertNotIn("recovery", plan)
        answer = self.setup_ok(self.c, self.asked)
        self.assertEqual(plan["answer"], answer)
        made = []
        for place, _, names in os.walk(f"{CONFIG}/burrow"):
            for name in names:
                if name.endswith(".json"):
                    with open(f"{place}/{name}") as file:
                        made += json.load(file)["steps"]
        kinds = lambda steps: sorted({step["step"] for step in steps})
        # The zone of firewalld is on record in any case, and a step only where firewalld runs.
        self.assertLessEqual(set(kinds(made)) - {"join_zone"}, set(kinds(plan["steps"])))
        links = [step["link"] for step in plan["steps"] if step["step"].startswith("create_")]
        self.assertLessEqual(set(links), self.machine.links())

    def test_nothing_is_changed(self):
        for command in ("setup", "teardown"):
            before = self.snapshot(self.c)
            self.plan(command)
            self.plan(command, form="text")
            self.assert_unchanged(before, self.c)
            self.assertEqual(os.listdir(CONFIG), [])
        self.setup_ok(self.c, self.asked)
        for command in ("setup", "teardown"):
            before = self.settled_snapshot(self.c)
            self.plan(command)
            self.assert_unchanged(before, self.c)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_no_system_call_writes(self):
        for command in ("setup", "teardown"):
            self.assertEqual(self.traced(command), [])
        self.setup_ok(self.c, self.asked)
        for command in ("setup", "teardown"):
            self.assertEqual(self.traced(command), [])

    def test_people_get_a_numbered_list(self):
        text = self.plan("setup", form="text")
        self.assertTrue(text.startswith(f"setup in {self.c.path}\nsteps:\n   1. change firewall"), text)
        self.assertIn("create bridge br-front", text)
        self.assertIn("+ publish4 { tcp . 8080 : 10.30.0.2 . 80 }", text)
        self.assertTrue(text.endswith("nothing was changed\n"), text)
        text = self.plan("teardown", form="text")
        self.assertIn("nothing to do", text)

    def test_what_setup_would_refuse_plan_refuses_likewise(self):
        document = request("c", attachment(FRONT, "10.31.0.2"))
        outcome = self.netstack.run("plan", "setup", self.c.path, document=document)
        self.assertEqual(outcome.error, self.netstack.setup(self.c, document).error)
        self.assertIn("namespace", self.netstack.run("plan", "setup", "/none", document=document).error)
        error = self.netstack.run("plan", "setup", self.c.path, document="{").error
        self.assertTrue(error.startswith("failed to load network options"), error)

    def test_teardown_names_what_goes(self):
        self.setup_ok(self.c, self.asked)
        plan = self.plan("teardown")
        gone = [link["link"] for step in plan["steps"] if step["step"] == "delete_links" for link in step["links"]]
        self.assertIn("br-front", gone)
        self.assertEqual(len(gone), 2)
        self.teardown_ok(self.c, self.asked)
        self.assertFalse(set(gone) & self.machine.links())

    def test_a_set_up_that_replaces_says_what_it_ends_first(self):
        before = self.plan("setup")
        self.setup_ok(self.c, self.asked)
        plan = self.plan("setup")
        self.assertTrue(any(step["step"] == "delete_links" for step in plan["replaced"]), plan)
        kinds = ("create_bridge", "create_veth", "add_address", "add_route", "add_dns_entry")
        self.assertEqual(
            [step for step in plan["steps"] if step["step"] in kinds],
            [step for step in before["steps"] if step["step"] in kinds],
        )

    def pend(self, command, steps, changes=()):
        with open(f"{CONFIG}/burrow/pending.json", "w") as file:
            document = {"version": 1, "command": command, "netns": self.c.path, "steps": steps, "changes": list(changes)}
            json.dump(document, file)

    def test_what_would_be_recovered_is_said_first_and_seen_past(self):
        """A set-up that was killed before its last line: everything stands, and it will be undone."""
        other = request("other", attachment(network("other", "10.40.0.0/24"), "10.40.0.2"))
        self.setup_ok(self.container("other"), other)  # so that there is a journal
        fresh = self.plan("setup")
        self.setup_ok(self.c, self.asked)
        changes = []
        root = f"{CONFIG}/burrow"
        for path in [f"networks/front.json", f"attachments/{self.asked['container_id']}/front.json"]:
            with open(f"{root}/{path}") as file:
                changes.append({"path": path, "before": None, "after": file.read()})
        self.pend("setup", fresh["steps"], changes)
        before = self.snapshot(self.c)
        plan = self.plan("setup")
        self.assertEqual(plan["recovery"]["command"], "setup")
        self.assertTrue(any(step["step"] == "delete_links" for step in plan["recovery"]["steps"]), plan)
        self.assertEqual(plan["steps"], fresh["steps"])
        self.assertNotIn("replaced", plan)
        text = self.plan("setup", form="text")
        self.assertIn("first, a set-up", text)
        self.assertEqual(self.plan("teardown")["steps"], [])
        self.assert_unchanged(before, self.c)
        self.setup_ok(self.c, self.asked)  # and that is what happens
        self.teardown_ok(self.c, self.asked)

    def test_damaged_records_stay_where_they_are(self):
        self.setup_ok(self.c, self.asked)
        with open(f"{CONFIG}/burrow/networks/front.json", "w") as file:
            file.write("{")
        before = self.snapshot(self.c)
        self.plan("teardown")
        self.assert_unchanged(before, self.c)

    def test_it_waits_for_a_command_at_work(self):
        self.setup_ok(self.c, self.asked)
        holder = subprocess.Popen(["flock", f"{CONFIG}/burrow/lock", "cat"], stdin=subprocess.PIPE)
        try:
            while subprocess.run(["flock", "-n", f"{CONFIG}/burrow/lock", "true"]).returncode == 0:
                pass
            process = self.netstack.start("plan", "teardown", self.c.path)
            with self.assertRaises(subprocess.TimeoutExpired):
                process.communicate(json.dumps(self.asked).encode(), timeout=0.3)
            holder.stdin.close()
            holder.wait()
            out, _ = process.communicate(timeout=10)
            self.assertEqual(process.returncode, 0, out)
        finally:
            holder.kill()
            holder.wait()


if __name__ == "__main__":
    main()
