"""A host port has one owner: who asks for it second is refused and leaves nothing; who replaces the
first gets its packets at once."""

import socket
import struct

from netns_support import Listener, SOON, connects, reaches, send
from netstack_support import NetstackTest, attachment, identifier, main, network, port, request

WEB = network("web", "10.1.0.0/24", "fd00:1::/64")
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"
UDP = socket.SOCK_DGRAM
FIRST, SECOND = ("10.1.0.2", "fd00:1::2"), ("10.1.0.3", "fd00:1::3")


class Conflict(NetstackTest):
    def refuse(self, published, wanted, *words):
        """The container "owner" has a port; "second" is refused one, and the first still works."""
        outside = self.outside()
        owner = self.attach("owner", attachment(WEB, *FIRST), ports=[published])
        second = self.container("second")
        error = self.assert_refused(second, request("second", attachment(WEB, *SECOND), ports=[wanted]), *words)
        self.assertTrue("owner" in error or identifier("owner")[:12] in error, error)
        if published["protocol"] == "tcp":
            with Listener(owner, published["container_port"]) as listener:
                self.assertIsNotNone(reaches(outside, HOST4, published["host_port"], listener))

    def test_a_published_port_is_refused_naming_the_port_and_the_owner(self):
        self.refuse(port(8080, 80), port(8080, 81), "8080")

    def test_also_at_a_host_address(self):
        self.refuse(port(8080, 80, host_ip=HOST4), port(8080, 80, host_ip=HOST4), "8080", HOST4)

    def test_also_an_ipv6_address(self):
        outside = self.outside()
        self.attach("owner", attachment(WEB, *FIRST), ports=[port(8080, 80, host_ip=HOST6)])
        second = self.container("second")
        document = request("second", attachment(WEB, *SECOND), ports=[port(8080, 80, host_ip=HOST6)])
        self.assert_refused(second, document, "8080", HOST6)
        self.assertEqual(outside.links(), {"lo", "eth0"})

    def test_also_udp(self):
        self.refuse(port(5353, 53, "udp"), port(5353, 53, "udp"), "5353")

    def test_also_a_port_inside_a_published_range(self):
        self.refuse(port(7000, 7000, count=10), port(7005, 80), "7005")

    def test_also_a_range_around_a_published_port(self):
        self.refuse(port(7005, 80), port(7000, 7000, count=10), "7005")

    def test_also_a_shifted_range_that_overlaps_an_equal_one(self):
        self.refuse(port(7000, 7000, count=10), port(7009, 80, count=5), "7009")

    def test_also_when_only_the_last_of_many_ports_is_taken(self):
        self.attach("owner", attachment(WEB, *FIRST), ports=[port(9000, 80)])
        second = self.container("second")
        wanted = [port(9100 + n, 80 + n) for n in range(20)] + [port(9000, 80)]
        self.assert_refused(second, request("second", attachment(WEB, *SECOND), ports=wanted), "9000")

    def test_a_port_asked_for_twice_in_one_request_is_refused(self):
        container = self.container("c")
        for ports in (
            [port(8080, 80), port(8080, 81)],
            [port(7000, 7000, count=5), port(7004, 80)],
            [port(8080, 80, "tcp,udp"), port(8080, 81, "udp")],
        ):
            self.assert_refused(container, request("c", attachment(WEB, *FIRST), ports=ports), str(ports[1]["host_port"]))

    def test_another_protocol_is_no_conflict(self):
        self.attach("a", attachment(WEB, *FIRST), ports=[port(8080, 80)])
        self.attach("b", attachment(WEB, *SECOND), ports=[port(8080, 80, "udp")])

    def test_after_the_owners_teardown_it_is_free(self):
        outside = self.outside()
        owner = self.attach("owner", attachment(WEB, *FIRST), ports=[port(8080, 80)])
        self.teardown_ok(owner, request("owner", attachment(WEB, *FIRST), ports=[port(8080, 80)]))
        second = self.attach("second", attachment(WEB, *SECOND), ports=[port(8080, 80)])
        with Listener(second, 80) as listener:
            self.assertIsNotNone(reaches(outside, HOST4, 8080, listener))


class Replacement(NetstackTest):
    """UDP flows outlive containers in the kernel's connection tracking."""

    PORTS = [port(5353, 53, "udp")]

    def setUp(self):
        super().setUp()
        self.client_host = self.outside()

    def client(self, address):
        client = self.client_host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, UDP)
        client.connect((address, 5353))
        self.addCleanup(client.close)
        return client

    def serve(self, namespace, address):
        listener = Listener(namespace, 53, "::" if ":" in address else "0.0.0.0", UDP)
        self.addCleanup(listener.close)
        return listener

    def ask(self, client):
        try:
            client.send(b"question")
        except ConnectionRefusedError:  # about the datagram before
            client.send(b"question")

    def test_a_client_of_the_old_container_reaches_the_new_one_at_once(self):
        for address in (HOST4, HOST6):
            with self.subTest(address=address):
                client = self.client(address)
                old = self.container("old")
                document = request("old", attachment(WEB, *FIRST), ports=self.PORTS)
                self.setup_ok(old, document)
                listener = self.serve(old, address)
                self.ask(client)
                self.assertIsNotNone(listener.answer_once())
                self.teardown_ok(old, document)

                new = self.container("new")
                document = request("new", attachment(WEB, *SECOND), ports=self.PORTS)
                self.setup_ok(new, document)
                listener = self.serve(new, address)
                self.ask(client)
                self.assertIsNotNone(listener.hears(1.0))
                self.teardown_ok(new, document)
                old.delete()
                new.delete()

    def test_a_client_that_spoke_while_nothing_was_published_reaches_the_container_at_once(self):
        self.attach("o", attachment(WEB, "10.1.0.9", "fd00:1::9"), ports=[port(6000, 60, "udp")])
        for address in (HOST4, HOST6):
            with self.subTest(address=address):
                client = self.client(address)
                self.ask(client)
                container = self.container("c")
                document = request("c", attachment(WEB, *FIRST), ports=self.PORTS)
                self.setup_ok(container, document)
                listener = self.serve(container, address)
                self.ask(client)
                self.assertIsNotNone(listener.hears(1.0))
                self.teardown_ok(container, document)
                container.delete()

    def test_flows_of_other_ports_are_left_alone(self):
        """A flow through another published port goes on with the translation it has."""
        other = self.attach("o", attachment(WEB, "10.1.0.9", "fd00:1::9"), ports=[port(6000, 60, "udp")])
        listener = Listener(other, 60, "0.0.0.0", UDP)
        self.addCleanup(listener.close)
        send(self.client_host, HOST4, 6000)
        self.assertIsNotNone(listener.hears())
        before = self.tracked(6000)
        self.assertEqual(len(before), 1)
        document = request("c", attachment(WEB, *FIRST), ports=self.PORTS)
        container = self.container("c")
        self.setup_ok(container, document)
        self.teardown_ok(container, document)
        self.assertEqual(len(self.tracked(6000)), 1)

    def tracked(self, number):
        with open("/proc/self/net/nf_conntrack") as file:
            return [line for line in file if f"dport={number} " in line]


def crc32c(text):
    crc = 0xFFFFFFFF
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp_init(source_port, destination_port):
    """An SCTP packet that begins an association (RFC 9260, 3.1 and 3.3.2)."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 0x1234, 65536, 1, 1, 1)
    header = struct.pack("!HHI", source_port, destination_port, 0)
    checksum = struct.pack("<I", crc32c(header + b"\0\0\0\0" + chunk))
    return header + checksum + chunk


class Sctp(NetstackTest):
    def test_an_sctp_port_is_published(self):
        """By raw packets, as kernels without SCTP sockets still translate SCTP."""
        outside = self.outside()
        web = self.attach("web", attachment(WEB, *FIRST), ports=[port(7000, 80, "sctp")])
        receiver = web.inside(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
        sender = outside.inside(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
        with receiver, sender:
            receiver.settimeout(SOON)
            sender.sendto(sctp_init(4321, 7000), (HOST4, 0))
            packet, peer = receiver.recvfrom(2048)
            header = packet[(packet[0] & 15) * 4 :]
            self.assertEqual(peer[0], "192.0.2.2")
            self.assertEqual(struct.unpack("!HH", header[:4]), (4321, 80))


if __name__ == "__main__":
    main()
