//! `tapline interfaces`.

use std::io::Write;

use crate::cli;
use crate::exit::Failure;

/// Lists the interfaces, one a line.
pub(crate) fn run() -> Result<(), Failure> {
    let interfaces = tapline_capture::interfaces()?;
    cli::print(|out| {
        for interface in &interfaces {
            let state = if interface.up { "up" } else { "down" };
            let addresses: Vec<String> =
                interface.addresses.iter().map(ToString::to_string).collect();
            writeln!(out, "{:<16} {state:<5} {}", interface.name, addresses.join(" "))?;
        }
        Ok(())
    })
}
