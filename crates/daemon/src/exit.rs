//! How a command ends: exit codes after sysexits.h.

use std::fmt;
use std::io;

use tapline_capture::CaptureError;

/// What was compared differs.
pub(crate) const DIFFERS: u8 = 1;
/// Wrong use of the command line.
pub(crate) const USAGE: u8 = 64;
/// A fault of the sensor itself.
pub(crate) const SOFTWARE: u8 = 70;
/// A document or another input is not what it should be.
pub(crate) const DATA: u8 = 65;
/// A file, an interface or a socket failed.
pub(crate) const IO: u8 = 74;
/// Privileges are missing.
pub(crate) const NO_PERMISSION: u8 = 77;
/// The configuration is wrong.
pub(crate) const CONFIG: u8 = 78;

/// Why a command failed: one message for a person, one code for a script.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// Names the thing, the cause and the remedy.
    pub(crate) text: String,
}

impl Failure {
    /// A failure with a code of this module.
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// An input or output error of `what`.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(IO, format!("{what}: {error}"))
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        let code = if error.is_missing_privilege() { NO_PERMISSION } else { IO };
        Self::new(code, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
