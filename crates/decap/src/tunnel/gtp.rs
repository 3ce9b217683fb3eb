//! GTP-U (3GPP TS 29.281): user packets between the parts of a mobile network.
//!
//! The tunnel id is another one in each direction, so it names no network.

use tapline_model::{Encapsulation, IgnoreReason};

use crate::layer::{Layer, Path};
use crate::rest::Rest;

/// Version 1 of GTP (not GTP prime), and nothing else of the first byte.
const VERSION_MASK: u8 = 0xf0;
const VERSION: u8 = 0x30;
const EXTENSION: u8 = 0x04;
/// Sequence number, N-PDU number or extension: four more bytes follow, whichever is set.
const OPTIONAL: u8 = 0x07;
/// The message that carries a user's packet.
const G_PDU: u8 = 255;

/// Takes a GTP-U header off, with its extensions. Other messages of GTP are no tunnel.
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, rest) = rest.take::<8>()?;
    let [flags, message, length_high, length_low, ..] = *header;
    if flags & VERSION_MASK != VERSION || message != G_PDU {
        return Err(IgnoreReason::NotTcp);
    }
    path.enter(Encapsulation::GtpU)?;
    let mut rest = rest.limited(usize::from(u16::from_be_bytes([length_high, length_low])));
    if flags & OPTIONAL != 0 {
        let ([_, _, _, next], behind) = rest.take::<4>()?;
        rest = behind;
        let mut next = if flags & EXTENSION == 0 { 0 } else { *next };
        while next != 0 {
            (next, rest) = extension(rest)?;
        }
    }
    Layer::ip(rest)
}

/// Takes one extension off; its length counts units of four bytes, and its last byte is the type of
/// the next one.
fn extension(rest: Rest<'_>) -> Result<(u8, Rest<'_>), IgnoreReason> {
    let units = usize::from(*rest.bytes.first().ok_or(IgnoreReason::Malformed)?);
    let last = (units * 4).checked_sub(1).ok_or(IgnoreReason::Malformed)?;
    let next = *rest.bytes.get(last).ok_or(IgnoreReason::Malformed)?;
    Ok((next, rest.skip(last + 1)?))
}
