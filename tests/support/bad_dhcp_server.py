"""A DHCPv4 server that misbehaves on purpose: bad_dhcp_server.py LINK MANNER, in its namespace.

Frames are built by hand, so that anything can be sent. MANNER is one of MANNERS."""

import os
import socket
import struct
import sys

SERVER, OFFERED = bytes([10, 5, 0, 1]), bytes([10, 5, 0, 50])
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def option(code, value):
    return bytes([code, len(value)]) + value


def reply(request, kind, options=b"", xid=None, mac=None, address=OFFERED, lease=120):
    """A server's message to the client of `request`."""
    body = bytes([2, 1, 6, 0]) + (xid or request[4:8]) + bytes(8) + address + bytes(8)
    body += (mac or request[28:34]) + bytes(202) + b"\x63\x82\x53\x63" + option(53, bytes([kind])) + option(54, SERVER)
    if kind != NAK:
        body += option(51, struct.pack("!I", lease)) + option(1, bytes([255, 255, 255, 0]))
    return body + options + b"\xff"


def kind_of(request):
    """Option 53, which is the first of ours."""
    at = request.find(b"\x63\x82\x53\x63") + 4
    return request[at + 2]


def never(request):
    return []


def garbage(request):
    return [os.urandom(n) for n in (1, 60, 300, 1400)]


def cut(request):
    """Options that claim more than there is."""
    return [reply(request, OFFER)[:-1] + bytes([6, 200, 10])]


def other_transaction(request):
    return [reply(request, OFFER, xid=b"\1\2\3\4")]


def other_client(request):
    return [reply(request, OFFER, mac=b"\2\0\0\0\0\x99")]


def refuses(request):
    """Offers, and refuses what it has offered."""
    if kind_of(request) == DISCOVER:
        return [reply(request, OFFER)]
    return [reply(request, NAK, option(56, b"the pool is closed"))]


def offers_only(request):
    return [reply(request, OFFER)] if kind_of(request) == DISCOVER else []


def no_time(request):
    return [reply(request, OFFER, lease=0)]


def bad_route(request):
    """A gateway that no link leads to."""
    return [reply(request, OFFER if kind_of(request) == DISCOVER else ACK, option(3, bytes([192, 0, 2, 1])))]


def flood(request):
    """All kinds of nonsense, then a good answer."""
    kind = OFFER if kind_of(request) == DISCOVER else ACK
    return garbage(request) * 5 + other_client(request) * 20 + [reply(request, NAK, xid=b"\1\2\3\4"), reply(request, kind)]


MANNERS = {f.__name__: f for f in (
    never, garbage, cut, other_transaction, other_client, refuses, offers_only, no_time, bad_route, flood)}


def main(link, manner):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    packets.bind((link, 0x0800))
    print("ready", flush=True)
    own = packets.getsockname()[4]
    while True:
        frame = packets.recv(2048)
        if frame[23] != 17 or frame[36:38] != b"\0\x43":
            continue
        request = frame[42:]
        print("heard", kind_of(request), flush=True)
        for payload in MANNERS[manner](request):
            udp = struct.pack("!HHHH", 67, 68, 8 + len(payload), 0) + payload
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, SERVER, b"\xff" * 4)
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
            packets.send(b"\xff" * 6 + own + b"\x08\x00" + ip + udp)


if __name__ == "__main__":
    main(*sys.argv[1:])
