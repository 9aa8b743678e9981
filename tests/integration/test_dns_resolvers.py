"""The resolvers that containers have, glibc's and musl's, against burrow-dns: search domains, both
families at once, names that do not exist, answers that need TCP."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import dns_support as dns
from dns_support import DaemonTest, respond, run

GATEWAY, WEB, DB, UPSTREAM = "10.89.0.1", "10.89.0.2", "10.89.0.3", "127.0.0.11"
MANY = [f"10.89.1.{number}" for number in range(1, 101)]
FILES = {"net": f"{GATEWAY}\naaa {WEB} fd89::2 web,a.b\nbbb {DB}  db\n"
                + "".join(f"c{number} {address}  many\n" for number, address in enumerate(MANY))}
PROGRAM = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
int main(int count, char** words) {
  struct addrinfo hints, *found, *each;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  int code = getaddrinfo(words[1], 0, &hints, &found);
  if (code) return printf("%s\n", code == EAI_NONAME ? "NONAME" : gai_strerror(code)), 1;
  for (each = found; each; each = each->ai_next) {
    char text[64];
    void* from = each->ai_family == AF_INET
      ? (void*)&((struct sockaddr_in*)each->ai_addr)->sin_addr
      : (void*)&((struct sockaddr_in6*)each->ai_addr)->sin6_addr;
    puts(inet_ntop(each->ai_family, from, text, sizeof text));
  }
  return count != 2;
}
"""

dns.add_address(f"{GATEWAY}/16")
dns.private_etc()


class Resolver:
    """The tests, once per C library."""
    compiler = None
    fewest = None

    @classmethod
    def setUpClass(cls):
        if not shutil.which(cls.compiler):
            raise unittest.SkipTest(f"no {cls.compiler}")
        directory = pathlib.Path(tempfile.mkdtemp())
        (directory / "look_up.c").write_text(PROGRAM)
        cls.program = directory / "look_up"
        run(cls.compiler, "-o", cls.program, directory / "look_up.c")

    def setUp(self):
        pathlib.Path("/etc/resolv.conf").write_text(f"nameserver {UPSTREAM}\n")
        self.upstream = self.start_upstream(UPSTREAM, self.answer)
        self.start_daemon(FILES)
        # The container's, in a mount namespace of its own.
        self.resolv_conf = self.program.parent / "resolv.conf"
        self.resolv_conf.write_text(f"search dns.podman corp.example\nnameserver {GATEWAY}\n")

    @staticmethod
    def answer(query, _):
        if b"\3www\7example" in query.lower():
            return respond(query, addresses=["192.0.2.1"] if query[-3] == dns.A else [])
        return respond(query, dns.NXDOMAIN)

    def look_up(self, name):
        began = time.monotonic()
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             'mount --bind "$1" /etc/resolv.conf; exec "$2" "$3"', "sh",
             self.resolv_conf, self.program, name], capture_output=True, text=True, check=False)
        self.assertLess(time.monotonic() - began, 2, name)
        return sorted(done.stdout.split())

    def test_short_and_full_names_give_both_families(self):
        for name in ("web", "web.dns.podman", "a.b.dns.podman"):
            self.assertEqual(self.look_up(name), [WEB, "fd89::2"], name)

    def test_a_name_of_one_family_is_found(self):
        self.assertEqual(self.look_up("db"), [DB])
        self.assertEqual(self.look_up("db.dns.podman"), [DB])

    def test_container_names_do_not_leak_upstream(self):
        self.look_up("web")
        self.look_up("db")
        self.assertEqual(self.upstream.seen, [])

    def test_a_name_that_nobody_has_is_no_name(self):
        self.assertEqual(self.look_up("nobody"), ["NONAME"])
        self.assertIn("nobody.corp.example.", {name for name, _ in self.upstream.names()})

    def test_names_of_the_world_are_found(self):
        self.assertEqual(self.look_up("www.example"), ["192.0.2.1"])

    def test_a_large_group_is_found(self):
        found = self.look_up("many")
        self.assertGreaterEqual(len(found), self.fewest)
        self.assertLessEqual(set(found), set(MANY))


class Glibc(Resolver, DaemonTest):
    compiler = "gcc"
    fewest = len(MANY)


class Musl(Resolver, DaemonTest):
    compiler = "musl-gcc"
    # Before 1.2.4 it has no TCP and uses what a cut datagram holds.
    fewest = 25


if __name__ == "__main__":
    sys.exit(unittest.main())
