//! The interfaces of this host.

use std::net::IpAddr;

use pcap::{Capture, ConnectionStatus};

use crate::{CaptureError, live};

/// Capture devices of libpcap that carry no network frames: kernel logs and buses.
const OTHER_DEVICES: [&str; 5] = ["bluetooth", "dbus", "nflog", "nfqueue", "usbmon"];

/// A network interface that can be captured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// As [`crate::Live::open`] takes it.
    pub name: String,
    /// For people, when the system has one.
    pub description: Option<String>,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it has a carrier, where it says so.
    pub connected: Option<bool>,
    /// Whether it is a loopback.
    pub loopback: bool,
    /// Whether it is a radio, which is heard only as far as its own frames go.
    pub wireless: bool,
}

impl From<pcap::Device> for Interface {
    fn from(device: pcap::Device) -> Self {
        Self {
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            up: device.flags.is_up(),
            connected: match device.flags.connection_status {
                ConnectionStatus::Connected => Some(true),
                ConnectionStatus::Disconnected => Some(false),
                ConnectionStatus::Unknown | ConnectionStatus::NotApplicable => None,
            },
            loopback: device.flags.is_loopback(),
            wireless: device.flags.is_wireless(),
            name: device.name,
            description: device.desc,
        }
    }
}

/// The network interfaces of this host, in the order of libpcap. Needs no privileges.
///
/// # Errors
/// [`CaptureError::InterfaceList`] when the system does not tell.
pub fn interfaces() -> Result<Vec<Interface>, CaptureError> {
    let devices = pcap::Device::list()
        .map_err(|error| CaptureError::InterfaceList { message: message(&error) })?;
    Ok(devices.into_iter().map(Interface::from).filter(carries_frames).collect())
}

/// Opens an interface for an instant, in a small ring and not promiscuous: the name of its link
/// type, in the words of pcap-linktype(7), says that it can be captured.
///
/// # Errors
/// What [`crate::Live::open`] would say.
pub fn probe(interface: &str) -> Result<String, CaptureError> {
    let opened = Capture::from_device(interface)
        .and_then(|inactive| inactive.snaplen(64).buffer_size(1 << 20).open());
    let capture = opened.map_err(|error| live::refused(interface, &error))?;
    let link_type = capture.get_datalink();
    Ok(link_type.get_name().unwrap_or_else(|_| format!("DLT {}", link_type.0)))
}

/// The words of libpcap, without those the binding puts before them.
pub(crate) fn message(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) if text.is_empty() => "libpcap does not say why".to_owned(),
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn carries_frames(interface: &Interface) -> bool {
    !OTHER_DEVICES.iter().any(|prefix| interface.name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_listed_with_its_address() {
        let listed = interfaces().unwrap();
        let loopback = listed.iter().find(|interface| interface.loopback).unwrap();
        assert_eq!(loopback.name, "lo");
        assert!(!loopback.up || loopback.addresses.contains(&"127.0.0.1".parse().unwrap()));
        assert!(!listed.iter().any(|interface| interface.name == "nflog"));
    }

    #[test]
    fn a_probe_names_the_link_type_or_the_reason() {
        match probe("lo") {
            Ok(link_type) => assert_eq!(link_type, "EN10MB"),
            Err(error) => assert_eq!(error.kind(), crate::ErrorKind::Privilege, "{error}"),
        }
        assert!(probe("nosuch0").unwrap_err().to_string().contains("no such interface"));
    }
}
