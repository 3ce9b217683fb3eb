//! What a packet is wrapped in on its way to the sensor.

/// A way of carrying one packet in another, or in a frame with more than a link header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Encapsulation {
    /// A VLAN tag.
    Vlan,
    /// A stack of MPLS labels.
    Mpls,
    /// A `PPPoE` session.
    Pppoe,
    /// GRE, NVGRE included.
    Gre,
    /// ERSPAN of any type.
    Erspan,
    /// VXLAN, VXLAN-GPE included.
    Vxlan,
    /// GENEVE.
    Geneve,
    /// GTP-U.
    GtpU,
    /// IP directly in IP, of either version.
    IpInIp,
}

impl Encapsulation {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Vlan,
        Self::Mpls,
        Self::Pppoe,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::IpInIp,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Vlan => "vlan",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp_u",
            Self::IpInIp => "ip_in_ip",
        }
    }
}
