//! GENEVE (RFC 8926).

use tapline_model::{Encapsulation, IgnoreReason};

use super::{gre, vni};
use crate::layer::{Layer, Path};
use crate::rest::Rest;

/// The packet is for the endpoint itself.
const CONTROL: u8 = 0x80;

/// Takes a GENEVE header and its options off. A datagram of another version is none.
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, rest) = rest.take::<8>()?;
    let [version_and_length, flags, type_high, type_low, high, middle, low, _] = *header;
    if version_and_length >> 6 != 0 || flags & CONTROL != 0 {
        return Err(IgnoreReason::NotTcp);
    }
    path.enter(Encapsulation::Geneve)?;
    path.name(vni([high, middle, low]));
    let rest = rest.skip(usize::from(version_and_length & 0x3f) * 4)?;
    gre::open_protocol(u16::from_be_bytes([type_high, type_low]), rest, path)
}
