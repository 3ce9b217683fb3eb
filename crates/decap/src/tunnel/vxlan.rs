//! VXLAN (RFC 7348) and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe).

use tapline_model::{Encapsulation, IgnoreReason};

use super::{mpls, vni};
use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;

/// The VNI is valid.
const INSTANCE: u8 = 0x08;
/// The last byte of the flags names the next protocol (GPE alone; reserved otherwise).
const NEXT_PROTOCOL: u8 = 0x04;

/// Takes a VXLAN header off. A datagram whose flags are not VXLAN's is none.
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, rest) = rest.take::<8>()?;
    let [flags, _, _, next, high, middle, low, _] = *header;
    if flags & (INSTANCE | NEXT_PROTOCOL) == 0 {
        return Err(IgnoreReason::NotTcp);
    }
    path.enter(Encapsulation::Vxlan)?;
    if flags & INSTANCE != 0 {
        path.name(vni([high, middle, low]));
    }
    if flags & NEXT_PROTOCOL == 0 {
        return Ok(Layer::new(Kind::Ethernet, rest));
    }
    match next {
        1 => Ok(Layer::new(Kind::Ipv4, rest)),
        2 => Ok(Layer::new(Kind::Ipv6, rest)),
        5 => mpls::open(rest, path),
        // 3, or plain VXLAN whose reserved bits were not zeroed: a receiver ignores them.
        _ => Ok(Layer::new(Kind::Ethernet, rest)),
    }
}
