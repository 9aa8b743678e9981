"""The example plugin tap: a program inside speaks Ethernet on a link that the plugin made."""

import fcntl
import os
import select
import socket
import struct
import sys

from netns_support import SOON, wait_until
from netstack_support import NetstackTest, attachment, main, network, request

PLUGINS = os.environ.get("BURROW_BIN", "build/dev/bin") + "/plugins"
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
ARP = b"\x08\x06"
OWNER = 4242


def virtual(**members):
    return network(
        "vm", "10.98.0.0/24", driver="tap", network_interface=None,
        **{"internal": True, "options": {"owner": str(OWNER), "mtu": "1380"}, **members},
    )  # fmt: skip


def open_tap(name, user):
    """The frames of a tap, for a user without privileges: the device may be root's alone, a tap need not be."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class Tap(NetstackTest):
    def setUp(self):
        super().setUp()
        self.netstack.flags += ["--plugin-directory", PLUGINS]
        self.pod = self.container("pod")
        self.pod.sh("ip", "link", "set", "lo", "up")

    def in_child(self, function):
        """What a function says inside the container, in a process that may give up its rights."""
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if self.pod.inside(function) else 1)
            except BaseException as error:
                print(error, file=sys.stderr)
                os._exit(2)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def document(self, net=None, address="10.98.0.2"):
        return request("pod", attachment(net or virtual(), address))

    def test_a_program_inside_gets_the_frames_of_its_link_without_any_privilege(self):
        before = self.snapshot(self.pod)
        status = self.setup_ok(self.pod, self.document())
        link = self.pod.link("eth0")
        self.assertEqual(status["vm"]["interfaces"]["eth0"]["mac_address"], link["address"])
        self.assertEqual((link["linkinfo"]["info_kind"], link["mtu"]), ("tun", 1380))
        self.assertEqual(self.pod.addresses("eth0"), ["10.98.0.2/24"])

        def hears_who_asks():
            """Whether somebody who looks for 10.98.0.9 is heard."""
            tap = open_tap("eth0", OWNER)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"hello", ("10.98.0.9", 9))
            while select.select([tap], [], [], SOON)[0]:
                if os.read(tap, 2048)[12:14] == ARP:
                    return True
            return False

        self.assertTrue(self.in_child(hears_who_asks))
        self.teardown_ok(self.pod, self.document())
        self.assert_unchanged(before, self.pod)

    def test_nobody_else_may_open_it(self):
        self.setup_ok(self.pod, self.document())

        def is_refused():
            try:
                open_tap("eth0", OWNER + 1)
            except PermissionError:
                return True
            return False

        self.assertTrue(self.in_child(is_refused))

    def test_what_is_wrong_is_said_and_leaves_no_link(self):
        for net, address, word in (
            (virtual(options={"owner": "root"}), "10.98.0.2", "owner"),
            (virtual(options={"mtu": "1"}), "10.98.0.2", "change link"),
            (virtual(), "10.97.0.2", "not in any subnet"),
        ):
            self.assertIn(word, self.netstack.setup(self.pod, self.document(net, address)).error)
            self.assertEqual(self.pod.links(), {"lo"})

    def test_it_goes_with_the_namespace(self):
        self.setup_ok(self.pod, self.document())
        path = self.pod.path
        self.pod.delete()
        self.teardown_ok(path, self.document())
        self.assertTrue(wait_until(lambda: not os.path.exists(path)))


if __name__ == "__main__":
    if not os.access(f"{PLUGINS}/tap", os.X_OK) or not os.path.exists("/dev/net/tun"):
        print("skipped: the plugin tap is not built, or there is no /dev/net/tun", file=sys.stderr)
        sys.exit(77)
    main()
