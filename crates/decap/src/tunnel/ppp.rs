//! PPP (RFC 1661), and `PPPoE` sessions (RFC 2516) that carry it.

use tapline_model::{Encapsulation, IgnoreReason};

use super::mpls;
use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;

/// Version 1, type 1; code 0 is session data.
const SESSION: [u8; 2] = [0x11, 0];

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;

/// Takes the header of a `PPPoE` session off.
pub(crate) fn open_session<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, rest) = rest.take::<6>()?;
    let [version, code, _, _, length_high, length_low] = *header;
    if [version, code] != SESSION {
        return Err(IgnoreReason::NotIp);
    }
    path.enter(Encapsulation::Pppoe)?;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    Ok(Layer::new(Kind::Ppp, rest.limited(length)))
}

/// Takes the header of PPP off: address and control if they are there, and the protocol, in one
/// byte where that was agreed on (an odd byte ends it).
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let rest = if rest.bytes.starts_with(&[0xff, 0x03]) { rest.skip(2)? } else { rest };
    let first = *rest.bytes.first().ok_or(IgnoreReason::Malformed)?;
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(first), rest.skip(1)?)
    } else {
        let (protocol, rest) = rest.take::<2>()?;
        (u16::from_be_bytes(*protocol), rest)
    };
    match protocol {
        IPV4 => Ok(Layer::new(Kind::Ipv4, rest)),
        IPV6 => Ok(Layer::new(Kind::Ipv6, rest)),
        MPLS_UNICAST => mpls::open(rest, path),
        _ => Err(IgnoreReason::NotIp),
    }
}
