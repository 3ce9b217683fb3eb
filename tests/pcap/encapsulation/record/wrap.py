"""Wraps the first COUNT frames of CAPTURE in every encapsulation: FOLDER/<case>.pcap.

Usage: wrap.py CAPTURE FOLDER COUNT
"""

import logging
import os
import random
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether, GRE
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from scapy.utils import RawPcapReader, RawPcapWriter

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
ETHER = Ether(**MACS)
IP4 = IP(src="192.0.2.1", dst="192.0.2.2", ttl=61)
IP6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
FRAGMENT_BYTES = 512


def udp(port):
    return UDP(sport=50_000, dport=port, chksum=0)


def tap(vni):
    return udp(4789) / VXLAN(flags="Instance", vni=vni)


def erspan(kind, header):
    return IP4 / GRE(proto=kind, seqnum_present=1, seqence_number=7) / header


# Two options of AWS's gateway load balancer: type, length and value.
OPTIONS = bytes.fromhex("0108010200000000000000010108020200000000000000020108030100000003")[:32]
GENEVE_OPTIONS = GENEVE(bytes([8, 0, 0x08, 0x00, 0, 0, 0, 0]) + OPTIONS)

# What goes in front of the bare Ethernet frame.
AROUND_ETHERNET = {
    "mpls-pseudowire": ETHER / MPLS(label=16, s=0, ttl=9) / MPLS(label=17, s=1, ttl=9) / Raw(bytes(4)),
    "nvgre": ETHER / IP4 / GRE(proto=0x6558, key_present=1, key=0x12345678),
    "gre-ethernet-6": ETHER / IP6 / GRE(proto=0x6558),
    "erspan-1": ETHER / IP4 / GRE(proto=0x88BE),
    "erspan-2": ETHER / erspan(0x88BE, ERSPAN_II(ver=1, vlan=3, session_id=5)),
    "erspan-3": ETHER / erspan(0x22EB, ERSPAN_III(vlan=3, session_id=5)),
    "vxlan": ETHER / IP4 / tap(77),
    "vxlan-6": ETHER / IP6 / tap(77),
    "vxlan-8472": ETHER / IP4 / udp(8472) / VXLAN(flags="Instance", vni=1),
    "vxlan-vlan": ETHER / Dot1Q(vlan=9) / IP4 / tap(77),
    "geneve": ETHER / IP4 / udp(6081) / GENEVE(vni=5, proto=0x6558),
    "geneve-around-vxlan": ETHER / IP6 / udp(6081) / GENEVE_OPTIONS / IP4 / tap(78),
}

# What goes in front of the bare IP packet.
AROUND_IP = {
    "vlan": ETHER / Dot1Q(vlan=42),
    "qinq": ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=42),
    "mpls": ETHER / MPLS(label=16, s=0, ttl=9) / MPLS(label=17, s=1, ttl=9),
    "pppoe": ETHER / PPPoE(sessionid=3) / PPP(proto=0x21),
    "gre": ETHER / IP4 / GRE(proto=0x0800),
    "gre-options": ETHER / IP4 / GRE(proto=0x0800, chksum_present=1, chksum=1, key_present=1, key=5,
                                     seqnum_present=1, seqence_number=3),
    "geneve-around-ip": ETHER / IP4 / udp(6081) / GENEVE_OPTIONS,
    "gtp-u": ETHER / IP4 / udp(2152) / GTP_U_Header(teid=9, gtp_type=255, S=1, seq=4),
    "ip-in-ip": ETHER / IP4,
    "ip-in-ip6": ETHER / IP6,
    "vlan-in-vxlan-in-gre": ETHER / IP6 / GRE(proto=0x0800, key_present=1, key=5) / IP4 / tap(77)
                            / ETHER / Dot1Q(vlan=12),
    "ip-in-6in4": ETHER / IP4 / IP6,
}


def wrapper(outer):
    """Puts a header in front of frames. It is built once for every length: nothing in it depends on
    what it carries but lengths."""
    built = {}

    def wrap(inner):
        if len(inner) not in built:
            packet = outer.copy()
            last = packet.lastlayer()
            if isinstance(last, IP):
                last.proto = 4
            if isinstance(last, IPv6):
                last.nh = 4
            if isinstance(last, (Dot1Q, Ether)):
                last.type = 0x0800
            built[len(inner)] = bytes(packet / Raw(bytes(len(inner))))[: -len(inner)]
        return [built[len(inner)] + inner]

    return wrap


def cut4(packet):
    """Fragments of an IPv4 packet."""
    header = IP(packet[:20])
    header.flags, header.chksum, header.len = 0, None, None
    whole = header / Raw(packet[20:])
    return [bytes(part) for part in fragment(whole, fragsize=FRAGMENT_BYTES)]


def shuffled(rng, parts):
    rng.shuffle(parts)
    return parts


def outer_fragments(rng):
    ids = iter(range(1, 1 << 16))
    wrap = wrapper(tap(77))

    def cut(frame):
        (datagram,) = wrap(frame)
        packet = IP(src="192.0.2.1", dst="192.0.2.2", id=next(ids), proto=17) / Raw(datagram)
        parts = fragment(packet, fragsize=FRAGMENT_BYTES)
        return shuffled(rng, [bytes(ETHER / part) for part in parts])

    return cut


def outer_fragments_6(rng):
    ids = iter(range(1, 1 << 16))
    wrap = wrapper(tap(77))

    def cut(frame):
        (datagram,) = wrap(frame)
        header = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(id=next(ids), nh=17)
        parts = fragment6(header / Raw(datagram), FRAGMENT_BYTES + 48)
        return shuffled(rng, [bytes(ETHER / part) for part in parts])

    return cut


def inner_fragments(rng, wrap):
    def cut(frame):
        parts = [frame]
        if len(frame) > FRAGMENT_BYTES:
            parts = [frame[:14] + part for part in cut4(frame[14:])]
        return shuffled(rng, [wrapped for part in parts for wrapped in wrap(part)])

    return cut


def both_ports(frame):
    """The frame as it enters a switch and as it leaves it: addresses, TTL and VLAN change."""
    leaving = bytearray(frame)
    leaving[14 + 8] -= 1
    tagged = bytes(12) + bytes([0x81, 0, 0, 20]) + bytes(leaving[12:])
    return [frame, tagged]


def cases():
    yield "bare", lambda frame: [frame]
    for name, outer in AROUND_ETHERNET.items():
        yield name, wrapper(outer)
    for name, outer in AROUND_IP.items():
        wrap = wrapper(outer)
        yield name, lambda frame, wrap=wrap: wrap(frame[14:])
    rng = random.Random(1)
    yield "fragments-outer", outer_fragments(rng)
    yield "fragments-outer-6", outer_fragments_6(rng)
    yield "fragments-inner", inner_fragments(rng, lambda frame: [frame])
    yield "fragments-inner-vxlan", inner_fragments(rng, wrapper(ETHER / IP4 / tap(77)))
    yield "fragments-both", inner_fragments(rng, outer_fragments(rng))
    yield "both-ports", both_ports
    vxlan = wrapper(ETHER / IP4 / tap(77))
    yield "both-ports-vxlan", lambda frame: [w for copy in both_ports(frame) for w in vxlan(copy)]
    doubled = outer_fragments(rng)
    yield "fragments-doubled", lambda frame: [part for part in doubled(frame) for _ in (1, 2)]


def main():
    source, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    reader = RawPcapReader(source)
    frames = []
    for frame, meta in reader:
        if len(frames) == count:
            break
        frames.append((frame, meta.sec, meta.usec))
    assert reader.linktype == 1, "Ethernet"
    for name, wrap in cases():
        writer = RawPcapWriter(os.path.join(folder, name + ".pcap"), linktype=1, nano=reader.nano)
        writer.write_header(None)
        for frame, sec, usec in frames:
            for wrapped in wrap(frame):
                size = len(wrapped)
                writer.write_packet(wrapped, sec=sec, usec=usec, caplen=size, wirelen=size)
        writer.close()


main()
