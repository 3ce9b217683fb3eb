#!/usr/bin/env python3
"""Repeats a capture, each round later and with other addresses, to have work for seconds.

usage: repeat.py IN.pcap OUT.pcap ROUNDS

Classic pcap with Ethernet and IPv4 only; other frames are repeated as they are. Each round adds to
the second octet of both addresses, so flows of different rounds are different flows. Checksums are
left as they are.
"""
import mmap
import struct
import sys


def rounds(path, out, count):
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    magic = data[:4]
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}[magic]
    head = struct.Struct(order + "IIII")
    records, at = [], 24
    while at + 16 <= len(data):
        seconds, _, kept, _ = head.unpack_from(data, at)
        records.append((at, seconds, kept))
        at += 16 + kept
    span = records[-1][1] - records[0][1] + 2
    with open(out, "wb", buffering=1 << 22) as file:
        file.write(data[:24])
        for turn in range(count):
            body = bytearray(data[24:at])
            for start, seconds, kept in records:
                place = start - 24
                struct.pack_into(order + "I", body, place, seconds + turn * span)
                frame = place + 16
                if kept >= 34 and body[frame + 12 : frame + 14] == b"\x08\x00":
                    for octet in (frame + 27, frame + 31):
                        body[octet] = (body[octet] + turn) & 0xFF
            file.write(body)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    rounds(sys.argv[1], sys.argv[2], int(sys.argv[3]))


main()
