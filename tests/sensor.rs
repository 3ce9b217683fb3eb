//! The sensor as an operator runs it: as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A command that starts `binary` (from `env!("CARGO_BIN_EXE_tapline-under-test")`).
pub fn command(binary: &str) -> Command {
    Command::new(binary)
}

/// What a finished command said on stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A capture of the repository.
pub fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcap").join(name)
}

/// A JSON document.
///
/// # Panics
/// When it is missing or no JSON.
#[expect(clippy::panic, reason = "a test without the output it judges has failed")]
pub fn json(path: &Path) -> Value {
    let read = fs::read(path).map_err(|error| error.to_string());
    match read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())) {
        Ok(value) => value,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// A file of JSON lines.
///
/// # Panics
/// When it is missing or a line is no JSON.
#[expect(clippy::panic, reason = "a test without the output it judges has failed")]
pub fn json_lines(path: &Path) -> Vec<Value> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}
