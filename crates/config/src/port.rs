//! Lists of ports.

use crate::keys::refusal;
use crate::size;

/// Adds a port.
pub(crate) fn add(ports: &mut Vec<u16>, text: &str) -> Result<(), String> {
    let port = size::digits(text).and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|&port| port != 0);
    ports.push(port.ok_or_else(|| refusal(text, "a port from 1 to 65535"))?);
    Ok(())
}
