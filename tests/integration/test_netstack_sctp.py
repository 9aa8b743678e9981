"""Published SCTP ports, by associations of real SCTP sockets from everywhere."""
# needs: sctp

import errno
import select
import socket
import sys

from netns_support import NEVER, SOON, family_of
from netstack_support import NetstackTest, attachment, main, network, port, request

WEB = network("web", "10.1.0.0/24", "fd00:1::/64")
OTHER = network("other", "10.2.0.0/24", "fd00:2::/64")
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"


def sctp_socket(namespace, address):
    return namespace.inside(socket.socket, family_of(address), socket.SOCK_STREAM, socket.IPPROTO_SCTP)


class Server:
    """An SCTP port that is listened on in a container, in both families."""

    def __init__(self, namespace, number):
        self.socket = sctp_socket(namespace, "::")
        self.socket.bind(("::", number))
        self.socket.listen(16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def answers(self, client_namespace, address, number, timeout=SOON):
        """Whether an association comes about and carries a message both ways."""
        with sctp_socket(client_namespace, address) as client:
            client.settimeout(timeout)
            try:
                client.connect((address, number))
            except OSError:
                return False
            if not select.select([self.socket], [], [], timeout)[0]:
                return False
            connection, _ = self.socket.accept()
            with connection:
                client.send(b"ping")
                connection.settimeout(timeout)
                connection.send(b"re:" + connection.recv(16))
                return client.recv(16) == b"re:ping"


class Sctp(NetstackTest):
    def setUp(self):
        super().setUp()
        self.outer = self.outside()

    def web(self, *ports):
        return self.attach("web", attachment(WEB, "10.1.0.2", "fd00:1::2"), ports=ports)

    def test_a_published_port_answers_from_outside_from_the_host_and_from_containers(self):
        web = self.web(port(7000, 80, "sctp"))
        other = self.attach("other", attachment(OTHER, "10.2.0.2", "fd00:2::2"))
        with Server(web, 80) as server:
            for place, address in (
                (self.outer, HOST4), (self.outer, HOST6), (self.machine, "127.0.0.1"), (self.machine, HOST4),
                (self.machine, HOST6), (other, HOST4), (other, HOST6), (web, HOST4), (web, HOST6),
            ):  # fmt: skip
                with self.subTest(place=place.name, address=address):
                    self.assertTrue(server.answers(place, address, 7000))

    def test_a_range_leads_to_a_range(self):
        web = self.web(port(7000, 8000, "sctp", count=100))
        for offset in (0, 57, 99):
            with Server(web, 8000 + offset) as server:
                self.assertTrue(server.answers(self.outer, HOST4, 7000 + offset), offset)

    def test_tcp_and_sctp_of_one_number_are_two_ports(self):
        web = self.web(port(7000, 80, "sctp"))
        second = self.attach("second", attachment(WEB, "10.1.0.3", "fd00:1::3"), ports=[port(7000, 80, "tcp")])
        with Server(web, 80) as server:
            self.assertTrue(server.answers(self.outer, HOST4, 7000))
        with Server(second, 80) as server:
            self.assertFalse(server.answers(self.outer, HOST4, 7000, NEVER))

    def test_a_port_that_is_taken_is_refused_and_one_that_was_given_back_is_free(self):
        document = request("web", attachment(WEB, "10.1.0.2", "fd00:1::2"), ports=[port(7000, 80, "sctp")])
        pod = self.container("web")
        self.setup_ok(pod, document)
        second = self.container("second")
        taker = request("second", attachment(WEB, "10.1.0.3", "fd00:1::3"), ports=[port(7000, 81, "sctp")])
        self.assertIn("7000", self.netstack.setup(second, taker).error)
        self.teardown_ok(pod, document)
        self.setup_ok(second, taker)
        with Server(second, 81) as server:
            self.assertTrue(server.answers(self.outer, HOST4, 7000))


def has_sctp():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError as error:
        if error.errno == errno.EPROTONOSUPPORT:
            return False
        raise
    return True


if __name__ == "__main__":
    if not has_sctp():
        print("skipped: the kernel has no SCTP sockets", file=sys.stderr)
        sys.exit(77)
    main()
