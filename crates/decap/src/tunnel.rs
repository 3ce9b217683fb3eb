//! Tunnels: packets that carry packets.

pub(crate) mod erspan;
pub(crate) mod geneve;
pub(crate) mod gre;
pub(crate) mod gtp;
pub(crate) mod mpls;
pub(crate) mod ppp;
pub(crate) mod vxlan;

use tapline_model::{Encapsulation, IgnoreReason};

use crate::Config;
use crate::layer::{Kind, Layer, Path};
use crate::packet::Packet;
use crate::rest::Rest;

/// GTP-U has one port (3GPP TS 29.281 section 4.4.2).
const GTP_U_PORT: u16 = 2152;

const IPV4_IN_IP: u8 = 4;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const MPLS_IN_IP: u8 = 137;

/// Takes off the transport of a packet that is not TCP: the layer that it carries, if it is a
/// tunnel.
pub(crate) fn open<'a>(
    config: &Config,
    packet: &Packet<'a>,
    path: &mut Path,
) -> Result<Layer<'a>, IgnoreReason> {
    match packet.protocol {
        UDP => open_udp(config, packet.rest, path),
        GRE => gre::open(packet.rest, path),
        IPV4_IN_IP => {
            path.enter(Encapsulation::IpInIp)?;
            Ok(Layer::new(Kind::Ipv4, packet.rest))
        }
        IPV6_IN_IP => {
            path.enter(Encapsulation::IpInIp)?;
            Ok(Layer::new(Kind::Ipv6, packet.rest))
        }
        MPLS_IN_IP => mpls::open(packet.rest, path),
        _ => Err(IgnoreReason::NotTcp),
    }
}

/// Whether TCP may lie in a packet of this protocol: others are not worth being put together.
pub(crate) fn may_carry_tcp(protocol: u8) -> bool {
    /// IPv6 extension headers: hop-by-hop, routing, fragment, authentication, destination.
    const EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];
    matches!(protocol, UDP | GRE | IPV4_IN_IP | IPV6_IN_IP | MPLS_IN_IP)
        || protocol == crate::packet::TCP
        || EXTENSIONS.contains(&protocol)
}

fn open_udp<'a>(
    config: &Config,
    rest: Rest<'a>,
    path: &mut Path,
) -> Result<Layer<'a>, IgnoreReason> {
    let (header, rest) = rest.take::<8>()?;
    let [_, _, port_high, port_low, length_high, length_low, ..] = *header;
    let port = u16::from_be_bytes([port_high, port_low]);
    let open = if config.vxlan_ports.contains(&port) {
        vxlan::open
    } else if config.geneve_ports.contains(&port) {
        geneve::open
    } else if port == GTP_U_PORT {
        gtp::open
    } else {
        return Err(IgnoreReason::NotTcp);
    };
    // A length of 0 is a jumbogram's, or was left to offload.
    let rest = match usize::from(u16::from_be_bytes([length_high, length_low])) {
        0 => rest,
        length => rest.limited(length.checked_sub(8).ok_or(IgnoreReason::Malformed)?),
    };
    open(rest, path)
}

/// A network identifier of 24 bits.
fn vni([high, middle, low]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, high, middle, low])
}
