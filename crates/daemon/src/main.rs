//! `tapline`: see `tapline --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tapline_daemon::cli::main()
}
