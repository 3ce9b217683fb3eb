//! ERSPAN types II and III (draft-foschiano-erspan). Type I is bare Ethernet in GRE.

use tapline_model::IgnoreReason;

use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;

/// In the last byte of a type III header: eight more bytes follow.
const SUBHEADER: u8 = 0x01;

/// Takes an ERSPAN header off.
pub(crate) fn open<'a>(rest: Rest<'a>, path: &mut Path) -> Result<Layer<'a>, IgnoreReason> {
    let (header, behind) = rest.take::<8>()?;
    let [version_and_vlan, vlan_low, ..] = *header;
    // The VLAN that the frame was mirrored from; a tag inside the frame is nearer to it.
    path.name(u32::from(u16::from_be_bytes([version_and_vlan & 0x0f, vlan_low])));
    match version_and_vlan >> 4 {
        1 => Ok(Layer::new(Kind::Ethernet, behind)),
        2 => {
            let ([_, _, type_high, last], behind) = behind.take::<4>()?;
            let behind = if last & SUBHEADER == 0 { behind } else { behind.skip(8)? };
            match type_high >> 2 & 0x1f {
                0 => Ok(Layer::new(Kind::Ethernet, behind)),
                2 => Layer::ip(behind),
                _ => Err(IgnoreReason::NotIp),
            }
        }
        _ => Err(IgnoreReason::Malformed),
    }
}
