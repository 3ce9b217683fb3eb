//! What an `EtherType` announces.

use tapline_model::{Encapsulation, IgnoreReason};

use crate::layer::{Kind, Layer, Path};
use crate::rest::Rest;
use crate::tunnel::{mpls, ppp};

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const MPLS_UNICAST: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1Q, IEEE 802.1ad, and the one used for stacked tags before 802.1ad.
const VLANS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Up to here the field is a length (IEEE 802.3 section 3.2.6).
const LENGTH_MAX: u16 = 1_500;

/// Whether an `EtherType` announces something that may carry IP.
pub(crate) fn is_known(ether_type: u16) -> bool {
    matches!(ether_type, IPV4 | IPV6 | MPLS_UNICAST | MPLS_MULTICAST | PPPOE_SESSION)
        || VLANS.contains(&ether_type)
}

/// Takes off what an `EtherType` announces.
pub(crate) fn open<'a>(
    ether_type: u16,
    rest: Rest<'a>,
    path: &mut Path,
) -> Result<Layer<'a>, IgnoreReason> {
    match ether_type {
        IPV4 => Ok(Layer::new(Kind::Ipv4, rest)),
        IPV6 => Ok(Layer::new(Kind::Ipv6, rest)),
        MPLS_UNICAST | MPLS_MULTICAST => mpls::open(rest, path),
        PPPOE_SESSION => ppp::open_session(rest, path),
        vlan if VLANS.contains(&vlan) => {
            path.enter(Encapsulation::Vlan)?;
            let (tag, rest) = rest.take::<4>()?;
            let [id_high, id_low, type_high, type_low] = *tag;
            // Id 0 tags a priority alone, and names no VLAN.
            path.name(u32::from(u16::from_be_bytes([id_high, id_low]) & 0x0fff));
            let inner = u16::from_be_bytes([type_high, type_low]);
            Ok(Layer::new(Kind::EtherType(inner), rest))
        }
        length if length <= LENGTH_MAX => snap(rest),
        _ => Err(IgnoreReason::NotIp),
    }
}

/// IEEE 802.3 with a length for a type: IEEE 802.2, and SNAP for what carries IP (RFC 1042).
fn snap(rest: Rest<'_>) -> Result<Layer<'_>, IgnoreReason> {
    let (header, rest) = rest.take::<8>()?;
    let [0xaa, 0xaa, 0x03, 0, 0, 0, high, low] = *header else { return Err(IgnoreReason::NotIp) };
    let ether_type = u16::from_be_bytes([high, low]);
    // A length here would only lead back.
    if ether_type <= LENGTH_MAX {
        return Err(IgnoreReason::NotIp);
    }
    Ok(Layer::new(Kind::EtherType(ether_type), rest))
}
