//! MPLS (RFC 3032): labels do not say what they carry, so it is guessed (RFC 4928 section 3).
//!
//! Labels are another one in each direction, so they name no network.

use tapline_model::{Encapsulation, IgnoreReason};

use crate::ether_type;
use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;

const BOTTOM_OF_STACK: u8 = 0x01;
/// Where the `EtherType` lies in an Ethernet header.
const ETHER_TYPE_OFFSET: usize = 12;
/// The control word of a pseudowire (RFC 4448 section 4.6).
const CONTROL_WORD_BYTES: usize = 4;

/// Takes a stack of labels off; the whole stack is one encapsulation.
pub(crate) fn open<'a>(mut rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    path.enter(Encapsulation::Mpls)?;
    loop {
        let ([_, _, flags, _], behind) = rest.take::<4>()?;
        rest = behind;
        if flags & BOTTOM_OF_STACK != 0 {
            return carried(rest);
        }
    }
}

/// What lies under the labels: IP by its version, else an Ethernet pseudowire with or without a
/// control word. A MAC address may begin like any of them, so the `EtherType` decides.
fn carried(rest: Rest<'_>) -> Result<Layer<'_>, IgnoreReason> {
    let first = *rest.bytes.first().ok_or(IgnoreReason::Malformed)?;
    let is_ethernet =
        |offset: usize| rest.peek_u16(offset + ETHER_TYPE_OFFSET).is_some_and(ether_type::is_known);
    match first >> 4 {
        4 if is_ipv4(rest) || !is_ethernet(0) => Ok(Layer::new(Kind::Ipv4, rest)),
        6 if is_ipv6(rest) || !is_ethernet(0) => Ok(Layer::new(Kind::Ipv6, rest)),
        0 if is_ethernet(CONTROL_WORD_BYTES) => {
            Ok(Layer::new(Kind::Ethernet, rest.skip(CONTROL_WORD_BYTES)?))
        }
        _ if is_ethernet(0) => Ok(Layer::new(Kind::Ethernet, rest)),
        _ => Err(IgnoreReason::NotIp),
    }
}

/// Whether the lengths of an IPv4 header fit one another and what there is.
fn is_ipv4(rest: Rest<'_>) -> bool {
    let header = rest.bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let total = rest.peek_u16(2).map_or(0, usize::from);
    header >= 20 && (total == 0 || (total >= header && total <= rest.wire_bytes))
}

/// Whether the length of an IPv6 header fits what there is.
fn is_ipv6(rest: Rest<'_>) -> bool {
    rest.peek_u16(4).is_some_and(|payload| usize::from(payload) + 40 <= rest.wire_bytes)
}
