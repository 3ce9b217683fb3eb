//! Text to every stage's configuration: one YAML file, one table of keys, all mistakes at once.

mod alertmanager;
mod check;
mod documents;
mod filter;
mod key;
mod keys;
mod login;
mod network;
mod overload;
mod places;
mod port;
mod print;
mod problem;
mod secret;
mod settings;
mod size;
mod suggest;
mod templates;
mod tree;
mod url;
mod walk;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use check::{check_listen, needs_restart, warnings};
pub use overload::Overload;
pub use print::{default_file, print};
pub use problem::{Place, Problem, Problems};
pub use settings::{ApiDocument, Documents, Log, LogFormat, SecretFiles, Sensor, Settings};
pub use templates::{RULES_MAX, parse_rule, parse_rules, print_rules};

use crate::secret::ReadSecret;
use crate::walk::Walk;

/// Bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a configuration file.
///
/// # Errors
/// Every mistake, in file order; or why the file cannot be read.
pub fn load(path: &Path) -> Result<Settings, Problems> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    if let Err(error) = read {
        return Err(Problems::one(&name, None, format!("cannot be read: {error}")));
    }
    parse(&text, &name)
}

/// Reads settings from text; `file` names it in messages, and password files lie beside it.
///
/// # Errors
/// Every mistake, in file order.
pub fn parse(text: &str, file: &str) -> Result<Settings, Problems> {
    parse_with(text, file, &secret::from_disk)
}

/// The host and port of a URL that was accepted as a setting.
pub fn host_and_port(url: &str) -> (&str, u16) {
    (url::host(url), url::port(url))
}

/// A hash of the settings in force, passwords not included: 16 hexadecimal digits.
pub fn hash(settings: &Settings) -> String {
    let whole = blake3::hash(print(settings).as_bytes()).to_hex();
    whole.chars().take(16).collect()
}

fn parse_with(text: &str, file: &str, read_secret: ReadSecret<'_>) -> Result<Settings, Problems> {
    if text.len() as u64 > FILE_BYTES_MAX {
        let said = format!("is larger than {FILE_BYTES_MAX} bytes; is it that file?");
        return Err(Problems::one(file, None, said));
    }
    let root = tree::read(text).map_err(|(place, said)| Problems::one(file, Some(place), said))?;
    let mut walk = Walk::new(file, read_secret);
    if let Some(root) = root {
        walk.section("", &root);
    }
    check::together(&mut walk);
    walk.finish()
}

#[cfg(test)]
mod tests;
