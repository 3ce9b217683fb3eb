//! Packets, byte by byte.

use super::PAYLOAD;

pub(super) const ADDRESSES_4: [u8; 8] = [10, 0, 0, 1, 10, 0, 0, 2];

pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9c, 0x40, 0, 80, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    bytes.extend([0x50, 0x18, 2, 0, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

/// An IPv4 packet with an identification of its own, so that it is no duplicate.
pub(super) fn ipv4_with(id: u16, flags: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap();
    let mut bytes = vec![0x45, 0];
    for field in [total, id, flags] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend(ADDRESSES_4);
    bytes.extend(payload);
    bytes
}

pub(super) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(1, 0x4000, protocol, payload)
}

pub(super) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend([0xfd; 16]);
    bytes.extend([0xfe; 16]);
    bytes.extend(payload);
    bytes
}

/// The packet that everything is about.
pub(super) fn packet4() -> Vec<u8> {
    ipv4(6, &tcp(PAYLOAD))
}

pub(super) fn packet6() -> Vec<u8> {
    ipv6(6, &tcp(PAYLOAD))
}

pub(super) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc0, 0];
    bytes.extend(port.to_be_bytes());
    bytes.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

pub(super) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The packet in an Ethernet frame.
pub(super) fn frame4() -> Vec<u8> {
    ethernet(0x0800, &packet4())
}

/// What follows an `EtherType` that announces a VLAN tag.
pub(super) fn tag(id: u16, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) fn vxlan(vni: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[8, 0, 0, 0, 0, 0, vni, 0], payload])
}

pub(super) fn geneve(vni: u8, options: &[u8], protocol: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = protocol.to_be_bytes();
    let units = u8::try_from(options.len() / 4).unwrap();
    join(&[&[units, 0, high, low, 0, 0, vni, 0], options, payload])
}

pub(super) fn gre(flags: u16, protocol: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    join(&[&flags.to_be_bytes(), &protocol.to_be_bytes(), options, payload])
}

/// The parts of an IPv4 packet cut into fragments, each of at most `size` bytes.
pub(super) fn fragments4(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let id = u16::from_be_bytes([header[4], header[5]]);
    let count = payload.len().div_ceil(size);
    (0..count)
        .map(|index| {
            let start = index * size;
            let end = payload.len().min(start + size);
            let more = if index + 1 < count { 0x2000 } else { 0 };
            let offset = u16::try_from(start / 8).unwrap();
            let mut fragment = ipv4_with(id, more | offset, header[9], &payload[start..end]);
            fragment[12..20].copy_from_slice(&header[12..20]);
            fragment
        })
        .collect()
}

/// The same of an IPv6 packet without extensions; `protocol` is what the datagram begins with.
pub(super) fn fragments6(id: u32, protocol: u8, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(size);
    (0..count)
        .map(|index| {
            let start = index * size;
            let end = payload.len().min(start + size);
            let more = u16::from(index + 1 < count);
            let offset = u16::try_from(start).unwrap() | more;
            let header = join(&[&[protocol, 0], &offset.to_be_bytes(), &id.to_be_bytes()]);
            ipv6(44, &join(&[&header, &payload[start..end]]))
        })
        .collect()
}
