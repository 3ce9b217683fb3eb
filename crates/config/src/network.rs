//! Networks in CIDR notation.

use std::net::IpAddr;

use tapline_model::Network;

use crate::problem::quoted;

/// Reads an address or a network.
///
/// # Errors
/// What is wrong and what would be right.
pub(crate) fn parse(text: &str) -> Result<Network, String> {
    let refused =
        || format!("{} is neither an address nor a network such as 10.0.0.0/8", quoted(text));
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.parse().map_err(|_| refused())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = match bits {
        None => width,
        Some(bits) => bits.parse().ok().filter(|&bits| bits <= width).ok_or_else(refused)?,
    };
    Ok(Network { address, prefix_bits })
}

/// Writes a network.
pub(crate) fn print(network: &Network) -> String {
    format!("{}/{}", network.address, network.prefix_bits)
}
