"""Where burrow-dns sends what it does not know, and what happens when the other side fails."""

import os
import pathlib
import socket
import struct
import sys
import threading
import time
import unittest

import dns_support as dns
from dns_support import (MX, NOERROR, NXDOMAIN, REFUSED, SERVFAIL, TXT, DaemonTest, Reply,
                         TcpClient, ask, ask_tcp, make_query, respond, wait_until)

GATEWAY, CLIENT = "10.89.0.1", "10.89.0.2"
# Upstream servers, as loopback addresses.
HOST, NETWORK, OWN, SECOND = (f"127.0.0.{n}" for n in range(11, 15))
RESOLV_CONF = pathlib.Path("/etc/resolv.conf")


dns.add_address(GATEWAY, CLIENT, "10.89.0.3", "10.90.0.1", "10.90.0.3")
dns.private_etc()


def network(servers=(), own=()):
    return (f"{GATEWAY}{' ' if servers else ''}{','.join(servers)}\n"
            f"abc {CLIENT}  web{' ' if own else ''}{','.join(own)}\n"
            "def 10.89.0.3  other\n")


def write_resolv_conf(text):
    """As a plain file, whatever an earlier test made of it."""
    RESOLV_CONF.unlink(missing_ok=True)
    RESOLV_CONF.write_text(text)


def failing(rcode):
    return lambda query, _: respond(query, rcode)


def silent(_query, _transport):
    return None


class Choice(DaemonTest):
    def setUp(self):
        write_resolv_conf(f"nameserver {HOST}\n")
        for address in (HOST, NETWORK, OWN):
            self.start_upstream(address)

    def test_own_servers_then_the_network_s_then_the_host_s(self):
        self.start_daemon({"net": network([NETWORK], [OWN])})
        self.assertEqual(ask("example.com", source=CLIENT).data, [OWN])
        self.assertEqual(ask("example.com", source="10.89.0.3").data, [NETWORK])
        self.assertEqual(ask("example.com").data, [HOST])

    def test_own_servers_hold_on_every_network_of_the_container(self):
        self.start_daemon({"net": network([], [OWN]), "two": "10.90.0.1\nabc 10.90.0.3  web\n"})
        self.assertEqual(ask("example.com", server="10.90.0.1", source="10.90.0.3").data, [OWN])

    def test_a_domain_s_servers_come_before_all_others(self):
        self.start_upstream(SECOND)
        rules = f"=   @ 0 SET forward=corp.example={SECOND};9.10.in-addr.arpa={SECOND}\n"
        daemon = self.start_daemon({"net": network([NETWORK], [OWN]) + rules})
        for name in ("corp.example", "intranet.Corp.Example", "1.1.9.10.in-addr.arpa"):
            self.assertEqual(ask(name, source=CLIENT).data, [SECOND])
        self.assertEqual(ask("xcorp.example", source=CLIENT).data, [OWN])
        self.assertEqual(ask("corp.example").data, [SECOND])  # the host too
        daemon.reload({"net": network([NETWORK], [OWN])})
        wait_until(lambda: ask("corp.example", source=CLIENT).data == [OWN])

    def test_a_changed_server_list_counts_without_a_signal(self):
        daemon = self.start_daemon({"net": network()})
        self.assertEqual(ask("example.com", source=CLIENT).data, [HOST])
        daemon.files({"net": network([NETWORK])})
        wait_until(lambda: ask("example.com", source=CLIENT).data == [NETWORK])

    def test_own_listen_addresses_are_never_asked(self):
        daemon = self.start_daemon({"net": network([GATEWAY])})
        reply = ask("example.com", source=CLIENT, edns=1232)
        self.assertEqual((reply.rcode, reply.extended_error), (SERVFAIL, 22))
        daemon.reload({"net": network([GATEWAY, NETWORK])})
        wait_until(lambda: ask("example.com", source=CLIENT).data == [NETWORK])

    def test_resolv_conf_is_followed_through_writes_renames_and_links(self):
        self.start_daemon({"net": network()})
        self.assertEqual(ask("example.com", source=CLIENT).data, [HOST])

        def becomes(address):
            wait_until(lambda: ask("example.com", source=CLIENT).data == [address],
                       what=f"forwarding to {address}")

        RESOLV_CONF.write_text(f"nameserver {NETWORK}\n")
        becomes(NETWORK)
        for address in (OWN, HOST, NETWORK):  # again and again: a watch must not die
            new = RESOLV_CONF.with_suffix(".new")
            new.write_text(f"nameserver {address}\n")
            new.rename(RESOLV_CONF)
            becomes(address)
        for number, address in enumerate((OWN, HOST)):
            target = pathlib.Path(f"/tmp/linked{number}/resolv.conf")
            target.parent.mkdir()
            target.write_text(f"nameserver {address}\n")
            link = RESOLV_CONF.with_suffix(".link")
            link.symlink_to(target)
            link.rename(RESOLV_CONF)
            becomes(address)
        target.write_text(f"nameserver {NETWORK}\n")  # through the link
        becomes(NETWORK)
        RESOLV_CONF.unlink()  # the last servers stay
        time.sleep(0.05)
        self.assertEqual(ask("example.com", source=CLIENT).data, [NETWORK])

    def test_bad_lines_are_passed_over_and_the_stub_leads_to_the_real_servers(self):
        RESOLV_CONF.write_text(f"nameserver x\nnameserver 10.0.0.1%eth0\nnameserver {NETWORK}\n")
        daemon = self.start_daemon({"net": network()})
        self.assertEqual(ask("example.com", source=CLIENT).data, [NETWORK])
        real = pathlib.Path("/run/systemd/resolve/resolv.conf")
        real.parent.mkdir(parents=True)
        real.write_text(f"nameserver {OWN}\n")
        RESOLV_CONF.write_text("nameserver 127.0.0.53\n")
        daemon.reload()
        wait_until(lambda: ask("example.com", source=CLIENT).data == [OWN])

    def test_a_link_local_server_is_reached_by_its_zone(self):
        dns.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
        self.addCleanup(dns.run, "ip", "link", "del", "up0")
        dns.run("ip", "link", "set", "up0", "up")
        dns.run("ip", "address", "add", "fe80::53/64", "dev", "up0", "nodad")
        index = pathlib.Path("/sys/class/net/up0/ifindex").read_text().strip()
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
            server.bind(("fe80::53", 53, 0, int(index)))
            server.settimeout(5)
            for zone in ("up0", index):
                RESOLV_CONF.write_text(f"nameserver fe80::53%{zone}\n")
                daemon = self.start_daemon({"net": network()})
                with dns.udp_socket(CLIENT, GATEWAY) as asker:
                    asker.send(make_query("example.com"))
                    query, peer = server.recvfrom(512)
                    server.sendto(respond(query, addresses=["192.0.2.1"]), peer)
                    self.assertEqual(Reply(asker.recv(512)).data, ["192.0.2.1"])
                daemon.stop()


class Relay(DaemonTest):
    def setUp(self):
        write_resolv_conf("")

    def test_the_question_goes_up_under_another_id_in_mixed_case(self):
        upstream = self.start_upstream(NETWORK)
        self.start_daemon({"net": network([NETWORK])})
        reply = ask("ExAmPle.com", 65280, source=CLIENT, ident=77, flags=0x0110, edns=4096,
                    options=struct.pack(">HH8s", 10, 8, b"cookie!!"))
        self.assertEqual((reply.ident, reply.question[0], reply.rcode), (77, "ExAmPle.com.", NOERROR))
        self.assertTrue(reply.flags & 0x0080)
        query, _ = upstream.seen[0]
        seen = Reply(query)
        self.assertEqual((seen.question[0].lower(), *seen.question[1:]), ("example.com.", 65280, 1))
        self.assertEqual(seen.flags, 0x0110)
        self.assertEqual(seen.additional[0][3], b"")  # the cookie was for us

    def test_ids_and_ports_are_not_the_client_s_and_change(self):
        upstream = self.start_upstream(NETWORK)
        self.start_daemon({"net": network([NETWORK])})
        for number in range(30):
            ask(f"n{number}.example", source=CLIENT, ident=1)
        idents = {Reply(query).ident for query, _ in upstream.seen}
        self.assertGreater(len(idents), 25)
        self.assertGreater(len(upstream.ports), 25)

    def test_the_case_of_questions_changes_and_a_server_that_loses_it_is_spared(self):
        keeping = self.start_upstream(NETWORK)

        def losing(query, _):
            return respond(query[:12] + query[12:-4].lower() + query[-4:], addresses=["192.0.2.1"])
        loser = self.start_upstream(SECOND, losing)
        daemon = self.start_daemon({"net": network([NETWORK])})
        name = "abcdefghijklmnopqrstuvwxyz.example"
        for _ in range(5):
            self.assertEqual(ask(name, source=CLIENT).data, [NETWORK])
            ask(name, TXT, source=CLIENT)
        spellings = set(keeping.spellings())
        self.assertGreater(len(spellings), 1)
        self.assertNotIn(name + ".", spellings)
        daemon.reload({"net": network([SECOND])})
        wait_until(lambda: ask("one." + name, source=CLIENT).data == ["192.0.2.1"])
        # The first question was decided over TCP; from then on there is no doubt any more.
        self.assertEqual([over for _, over in loser.seen], ["udp", "tcp"])
        self.assertEqual(ask("two." + name, source=CLIENT).data, ["192.0.2.1"])
        self.assertEqual([over for _, over in loser.seen], ["udp", "tcp", "udp"])
        self.assertEqual(loser.spellings()[-1], f"two.{name}.")

    def test_a_server_that_loses_the_case_and_has_no_tcp_is_asked_again(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((NETWORK, 53))
            server.settimeout(5)
            self.start_daemon({"net": network([NETWORK])})
            name = "abcdefghijklmnopqrstuvwxyz.example"
            with dns.udp_socket(CLIENT, GATEWAY) as asker:
                asker.send(make_query(name))
                seen = []
                for _ in range(2):
                    query, peer = server.recvfrom(512)
                    seen.append(Reply(query).question[0])
                    server.sendto(respond(query[:12] + query[12:].lower(),
                                          addresses=["192.0.2.1"]), peer)
                self.assertEqual(Reply(asker.recv(512)).data, ["192.0.2.1"])
            self.assertNotEqual(seen[0], seen[0].lower())
            self.assertEqual(seen[1], name + ".")

    def test_one_question_of_many_clients_goes_up_once(self):
        release = threading.Event()

        def slow(query, _):
            release.wait(5)
            return respond(query, addresses=["192.0.2.1"])
        upstream = self.start_upstream(NETWORK, slow)
        self.start_daemon({"net": network([NETWORK])})
        with dns.udp_socket(CLIENT, GATEWAY) as one, \
                dns.udp_socket("10.89.0.3", GATEWAY) as other, TcpClient(source=CLIENT) as stream:
            for ident in range(20):
                one.send(make_query("Example.COM", ident=ident))
                other.send(make_query("eXample.com", ident=100 + ident))
            stream.send(make_query("example.com", ident=7))
            time.sleep(0.2)
            release.set()
            replies = [Reply(one.recv(512)) for _ in range(20)]
            self.assertEqual({reply.ident for reply in replies}, set(range(20)))
            self.assertEqual({reply.question[0] for reply in replies}, {"Example.COM."})
            self.assertEqual({Reply(other.recv(512)).ident for _ in range(20)},
                             set(range(100, 120)))
            self.assertEqual(stream.receive().data, ["192.0.2.1"])
            for asker in (one, other):
                asker.settimeout(0.1)
                with self.assertRaises(TimeoutError):
                    asker.recv(512)
        self.assertEqual(len(upstream.seen), 1)
        # Other types and flags are other questions.
        ask("example.com", MX, source=CLIENT)
        ask("example.com", source=CLIENT, flags=0x0110)
        self.assertEqual(len(upstream.seen), 3)

    def test_negative_answers_are_relayed_as_they_are(self):
        upstreams = [self.start_upstream(NETWORK, failing(NXDOMAIN)), self.start_upstream(SECOND)]
        self.start_daemon({"net": network([NETWORK, SECOND])})
        self.assertEqual(ask("example.com", source=CLIENT).rcode, NXDOMAIN)
        self.assertEqual(upstreams[1].seen, [])

    def test_a_truncated_answer_is_fetched_over_tcp(self):
        def behaviour(query, transport):
            if transport == "udp":
                return respond(query, flags=0x8380)
            return respond(query, addresses=[f"192.0.2.{i}" for i in range(60)])
        upstream = self.start_upstream(NETWORK, behaviour)
        self.start_daemon({"net": network([NETWORK])})
        reply = ask("example.com", source=CLIENT, edns=1232)
        self.assertEqual((len(reply.data), reply.truncated), (60, False))
        plain = ask("example.com", source=CLIENT)
        self.assertTrue(plain.truncated)
        self.assertGreater(len(plain.data), 25)  # old musl uses what there is
        self.assertEqual(len(ask_tcp("example.com", source=CLIENT).data), 60)
        self.assertEqual(upstream.seen[-1][1], "tcp")  # TCP follows TCP

    def test_a_truncated_answer_of_a_server_without_tcp_is_relayed_as_it_is(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((NETWORK, 53))
            server.settimeout(5)
            self.start_daemon({"net": network([NETWORK])})
            with dns.udp_socket(CLIENT, GATEWAY) as asker:
                asker.send(make_query("example.com"))
                query, peer = server.recvfrom(512)
                server.sendto(respond(query, addresses=["192.0.2.1"], flags=0x8380), peer)
                reply = Reply(asker.recv(512))
        self.assertEqual((reply.data, reply.truncated, reply.rcode), (["192.0.2.1"], True, NOERROR))

    def test_a_response_larger_than_the_client_s_buffer_is_not_lost(self):
        self.start_upstream(NETWORK, lambda query, _: respond(
            query, addresses=[f"192.0.2.{i}" for i in range(200)]))
        self.start_daemon({"net": network([NETWORK])})
        wide = ask("example.com", source=CLIENT, edns=1232)
        self.assertEqual((len(wide.data), wide.truncated), (75, True))
        reply = ask("example.com", source=CLIENT)
        self.assertEqual((reply.rcode, reply.truncated), (NOERROR, True))
        self.assertLessEqual(reply.size, 512)

    def test_an_alias_out_of_the_network_comes_with_what_it_leads_to(self):
        upstream = self.start_upstream(NETWORK, dns.answering("192.0.2.9"))
        daemon = self.start_daemon(
            {"net": network([NETWORK]) + "=   db 5 CNAME db.corp.example.\n"})
        for reply in (ask("db.dns.podman", source=CLIENT), ask_tcp("db", source=CLIENT)):
            self.assertEqual((reply.rcode, reply.data), (NOERROR, ["db.corp.example.", "192.0.2.9"]))
            self.assertEqual(reply.answer[1][0], "db.corp.example.")
        # Asked once: the second time it was kept.
        self.assertEqual(upstream.names(), [("db.corp.example.", dns.A)])
        query = dns.control(daemon, "query db from=" + CLIENT)
        self.assertEqual((query["by"], query["answer"][-1]),
                         ("us and upstream", "db.corp.example. 60 A 192.0.2.9"))
        upstream.stop()
        self.start_upstream(SECOND, failing(REFUSED))
        daemon.reload({"net": network([SECOND]) + "=   db 5 CNAME db.corp.example.\n"})
        reply = ask("db", source=CLIENT)
        self.assertEqual((reply.rcode, reply.data), (SERVFAIL, ["db.corp.example."]))

    def test_wrong_responses_are_not_believed(self):
        def behaviour(query, _):
            spoofed = respond(query, addresses=["6.6.6.6"])
            other = respond(make_query("other.example"), addresses=["6.6.6.6"])
            return [struct.pack(">H", struct.unpack(">H", query[:2])[0] ^ 1) + spoofed[2:],
                    query[:2] + other[2:], b"", b"x", query[:11],
                    respond(query, addresses=["192.0.2.1"])]
        self.start_upstream(NETWORK, behaviour)
        self.start_daemon({"net": network([NETWORK])})
        for number in range(20):
            self.assertEqual(ask(f"n{number}.example", source=CLIENT).data, ["192.0.2.1"])


class Load(DaemonTest):
    def setUp(self):
        write_resolv_conf("")

    def test_questions_in_flight_are_answered_through_reloads_and_the_end_of_their_network(self):
        def slow(query, _):
            time.sleep(0.5)
            return respond(query, addresses=["192.0.2.1"])
        self.start_upstream(NETWORK, slow)
        daemon = self.start_daemon({"net": network([NETWORK]), "two": "10.90.0.1\n"})
        with dns.udp_socket(CLIENT, GATEWAY) as asker, TcpClient(source=CLIENT) as stream:
            for ident in range(50):
                asker.send(make_query(f"n{ident}.example", ident=ident))
            stream.send(make_query("tcp.example"))
            time.sleep(0.1)
            daemon.reload({"net": network([SECOND])})
            time.sleep(0.1)
            (daemon.directory / "net").unlink()
            daemon.reload()
            answers = {Reply(asker.recv(512)).ident for _ in range(50)}
            self.assertEqual(answers, set(range(50)))
            self.assertEqual(stream.receive().data, ["192.0.2.1"])
        # The address itself is free again.
        with self.assertRaises((ConnectionRefusedError, TimeoutError)):
            with dns.udp_socket(CLIENT, GATEWAY, timeout=1) as asker:
                asker.send(make_query("web"))
                asker.recv(512)

    def test_one_client_cannot_take_all_forwarding(self):
        self.start_upstream(NETWORK, silent)
        self.start_upstream(OWN)
        daemon = self.start_daemon({"net": f"{GATEWAY}\nabc {CLIENT}  web {NETWORK}\n"
                                           f"def 10.89.0.3  other {OWN}\n"})
        with dns.udp_socket(CLIENT, GATEWAY, timeout=0.3) as greedy:
            refused = 0
            for number in range(2000):
                greedy.send(make_query(f"n{number}.example", ident=number))
                if number >= 600:  # beyond what one client may have out
                    refused += Reply(greedy.recv(512)).rcode == REFUSED
            self.assertEqual(refused, 1400)
            self.assertEqual(ask("example.com", source="10.89.0.3", timeout=0.5).data, [OWN])
            began = time.monotonic()
            self.assertEqual(ask("other", source=CLIENT, timeout=0.5).data, ["10.89.0.3"])
            self.assertLess(time.monotonic() - began, 0.1)
        # A socket for each question that is out, and none once they have ended.
        self.assertLess(len(os.listdir(f"/proc/{daemon.pid}/fd")), 600)
        wait_until(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) < 30)


if __name__ == "__main__":
    sys.exit(unittest.main())
