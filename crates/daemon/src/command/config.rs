//! `tapline check-config` and `tapline print-config`; and how every command finds its settings.

use std::io::Write;
use std::path::{Path, PathBuf};

use tapline_config::Settings;

use crate::cli;
use crate::documents;
use crate::exit::{CONFIG, Failure};

/// Where `run` looks when no file is named.
const DEFAULT_FILE: &str = "/etc/tapline/tapline.yaml";

/// The file that is meant: the one named, else the default one if it exists.
pub(crate) fn file_or_default(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| {
        let default = Path::new(DEFAULT_FILE);
        default.exists().then(|| default.to_owned())
    })
}

/// Reads settings; without a file, the defaults.
///
/// # Errors
/// When the file cannot be read, and with every mistake in it.
pub(crate) fn load(file: Option<&Path>) -> Result<Settings, Failure> {
    let Some(file) = file else { return Ok(Settings::default()) };
    tapline_config::load(file).map_err(|problems| Failure::new(CONFIG, problems.to_string()))
}

/// `check-config`.
pub(crate) fn check(file: Option<&Path>) -> Result<(), Failure> {
    let file = file_or_default(file);
    let settings = load(file.as_deref())?;
    documents::load(&settings)?;
    let warnings = tapline_config::warnings(&settings);
    cli::print(|out| {
        for warning in &warnings {
            writeln!(out, "warning: {warning}")?;
        }
        match &file {
            Some(file) => writeln!(out, "{}: the configuration is good", file.display()),
            None => writeln!(out, "no configuration file: the defaults are in force"),
        }
    })
}

/// `print-config`.
pub(crate) fn print(file: Option<&Path>, defaults: bool) -> Result<(), Failure> {
    let text = if defaults {
        tapline_config::default_file()
    } else {
        tapline_config::print(&load(file_or_default(file).as_deref())?)
    };
    cli::print(|out| out.write_all(text.as_bytes()))
}
