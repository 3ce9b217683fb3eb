//! The binary `tapline` once more, so that the tests can start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    tapline_daemon::cli::main()
}
