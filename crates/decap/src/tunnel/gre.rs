//! GRE (RFC 2784, RFC 2890), NVGRE (RFC 7637) and the enhanced GRE of PPTP (RFC 2637).

use tapline_model::{Encapsulation, IgnoreReason};

use super::erspan;
use crate::ether_type;
use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const PPP: u16 = 0x880b;

/// Subnet ids of NVGRE below this one are reserved.
const NVGRE_SUBNET_MIN: u32 = 0x1000;

/// Takes a GRE header off, and an ERSPAN header behind it.
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, mut rest) = rest.take::<4>()?;
    let [flags_high, flags_low, type_high, type_low] = *header;
    let flags = u16::from_be_bytes([flags_high, flags_low]);
    let protocol = u16::from_be_bytes([type_high, type_low]);
    let version = flags & VERSION;
    // Source routes have been deprecated since 2000: nothing tells where they would end.
    if version > 1 || (version == 0 && flags & ROUTING != 0) {
        return Err(IgnoreReason::NotTcp);
    }
    let is_mirror = matches!(protocol, ERSPAN | ERSPAN_3);
    path.enter(if is_mirror { Encapsulation::Erspan } else { Encapsulation::Gre })?;
    if flags & CHECKSUM != 0 {
        rest = rest.skip(4)?;
    }
    if flags & KEY != 0 {
        let (key, behind) = rest.take::<4>()?;
        rest = behind;
        if version == 0 && !is_mirror {
            path.name(network(u32::from_be_bytes(*key), protocol));
        }
    }
    if flags & SEQUENCE != 0 {
        rest = rest.skip(4)?;
    }
    if version == 1 && flags & ACKNOWLEDGEMENT != 0 {
        rest = rest.skip(4)?;
    }
    match protocol {
        // Type I has no header of its own, and no sequence number either.
        ERSPAN if flags & SEQUENCE == 0 => Ok(Layer::new(Kind::Ethernet, rest)),
        ERSPAN | ERSPAN_3 => erspan::open(rest, path),
        PPP => Ok(Layer::new(Kind::Ppp, rest)),
        _ => open_protocol(protocol, rest, path),
    }
}

/// Takes off what a protocol type of GRE or GENEVE announces: an `EtherType`, or Ethernet itself.
pub(crate) fn open_protocol<'a>(
    protocol: u16,
    rest: Rest<'a>,
    path: &mut Path,
) -> Result<Layer<'a>, IgnoreReason> {
    if protocol == ETHERNET {
        return Ok(Layer::new(Kind::Ethernet, rest));
    }
    ether_type::open(protocol, rest, path)
}

/// The network that a key names. In NVGRE its last byte tells the flows of a subnet apart.
fn network(key: u32, protocol: u16) -> u32 {
    let subnet = key >> 8;
    if protocol == ETHERNET && subnet >= NVGRE_SUBNET_MIN { subnet } else { key }
}
