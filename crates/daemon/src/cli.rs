//! The command line.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::command;
use crate::exit::{self, Failure};

/// A passive API-security sensor: hears a copy of the traffic, lists every API in it, learns what
/// is normal, and raises alerts.
#[derive(Debug, Parser)]
#[command(
    name = "tapline",
    version,
    after_help = "Exit codes: 0 done, 1 compare found a difference, 64 wrong use, 65 a document \
                  cannot be read, 70 internal fault, 74 a file or interface failed, \
                  77 privileges are missing, 78 wrong configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Listen on interfaces until SIGINT or SIGTERM; SIGHUP reads the configuration again.
    Run(Run),
    /// Analyse capture files (pcap, pcapng, .gz, .zst) with the same pipeline.
    Replay(Replay),
    /// Replay captures of the past with other settings: what they would have found, beside what the
    /// present ones find.
    Backtest(Backtest),
    /// Compare an API document with what was seen, or with another document; ends with 1 if they
    /// differ.
    Compare(Compare),
    /// Convert an API document (Swagger 2.0, OpenAPI 3.0, 3.1; JSON or YAML) to OpenAPI 3.1 or 3.0.
    Convert(Convert),
    /// Write the design review: riskiest endpoints and why, what to test first, misconfigurations.
    Report(Report),
    /// Write an example request for each endpoint, for curl and for fuzzers; no value was captured.
    Seeds(Seeds),
    /// Check a configuration and report every mistake at once.
    CheckConfig {
        /// The file; without it, the one that `run` would read.
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print the configuration that is in force, with every default.
    PrintConfig {
        /// The file; without it, the one that `run` would read.
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Print the defaults with their units and ranges instead.
        #[arg(long, conflicts_with = "file")]
        defaults: bool,
    },
    /// List the interfaces, and whether they can be listened on.
    Interfaces,
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Configuration file [default: /etc/tapline/tapline.yaml, if there is one].
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Interface to listen on; may be given more than once. Overrides capture.interfaces.
    #[arg(long, short, value_name = "IFACE")]
    pub(crate) interface: Vec<String>,
    /// Write the output files into this folder when the sensor ends.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Workers; overrides sensor.workers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: Option<u16>,
    /// Keep query strings in transactions.jsonl (classified values are masked all the same).
    #[arg(long, requires = "out")]
    pub(crate) raw_targets: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Capture files, as one stream in time order; `-` is standard input.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Configuration file [default: built-in defaults].
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Write the output files into this folder.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Workers; overrides sensor.workers. The results are the same whatever the number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: Option<u16>,
    /// Serve pages, API and metrics here while it runs and afterwards, until SIGINT or SIGTERM.
    #[arg(long, value_name = "ADDR")]
    pub(crate) serve: Option<SocketAddr>,
    /// Push alerts to the configured Alertmanagers, with wall-clock times.
    #[arg(long)]
    pub(crate) push: bool,
    /// File with the 32-byte key for consumer hashes [default: a fixed, documented key].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
    /// Keep query strings in transactions.jsonl (classified values are masked all the same).
    #[arg(long, requires = "out")]
    pub(crate) raw_targets: bool,
}

/// Arguments of `backtest`.
#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// Capture files, as one stream in time order.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// The settings to try.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: PathBuf,
    /// The settings to compare with [default: those that `run` would read, else the built-in ones].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) against: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Workers; overrides sensor.workers. The results are the same whatever the number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: Option<u16>,
    /// File with the 32-byte key for consumer hashes [default: a fixed, documented key].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The document: Swagger 2.0, OpenAPI 3.0 or 3.1, as JSON or YAML.
    #[arg(value_name = "DOCUMENT", value_hint = ValueHint::FilePath)]
    pub(crate) documented: PathBuf,
    /// What was seen: a file of openapi/ that `replay --out` wrote, or one of the API; any other
    /// document is taken at its word.
    #[arg(value_name = "OBSERVED", value_hint = ValueHint::FilePath)]
    pub(crate) observed: PathBuf,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
    /// The mildest difference to fail for.
    #[arg(long, value_name = "CLASS", default_value = "additive",
          value_parser = ["notice", "additive", "breaking", "never"])]
    pub(crate) fail_on: String,
    /// Observations that are enough whatever their share; fewer than three never are.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) observations_min: u64,
    /// Where the API is served, in place of the servers of the document (`/v2`).
    #[arg(long, value_name = "PATH")]
    pub(crate) base_path: Option<String>,
}

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The document.
    #[arg(value_name = "DOCUMENT", value_hint = ValueHint::FilePath)]
    pub(crate) document: PathBuf,
    /// The version of OpenAPI to write.
    #[arg(long, value_name = "VERSION", default_value = "3.1", value_parser = ["3.1", "3.0"])]
    pub(crate) to: String,
    /// Write YAML instead of JSON.
    #[arg(long)]
    pub(crate) yaml: bool,
}

/// Where a finished analysis is read from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Source {
    /// The folder that `replay --out` or `run --out` has written.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: Option<PathBuf>,
    /// A running sensor, as its pages are reached, such as <http://127.0.0.1:9488>.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
}

/// Who asks a running sensor.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Name for the sensor's pages, when they want one.
    #[arg(long, value_name = "NAME", requires_all = ["url", "password_file"])]
    pub(crate) user: Option<String>,
    /// File with the password, one line.
    #[arg(long, value_name = "FILE", requires = "user", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) login: Login,
    /// How it is written.
    #[arg(long, short, value_enum, default_value_t = ReportFormat::Html)]
    pub(crate) format: ReportFormat,
    /// Where to [default: standard output].
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// One page that loads and runs nothing.
    Html,
    /// For a ticket or a repository.
    Markdown,
    /// For programs.
    Json,
}

/// Arguments of `seeds`.
#[derive(Debug, Args)]
pub(crate) struct Seeds {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) login: Login,
    /// How they are written.
    #[arg(long, short, value_enum, default_value_t = SeedFormat::Curl)]
    pub(crate) format: SeedFormat,
    /// Only the endpoints of this host.
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub(crate) host: Option<String>,
    /// Aim them at this server, such as <https://staging.example/base>.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) base_url: Option<String>,
    /// Where to [default: standard output].
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// How seeds are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SeedFormat {
    /// A shell script of curl commands.
    Curl,
    /// An HTTP archive (HAR 1.2).
    Har,
    /// One JSON object a line.
    Jsonl,
    /// `OpenAPI` 3.1 with examples, of one host: schemathesis and other fuzzers read it.
    Openapi,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(exit::IO),
            };
        }
    };
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // One clear message; when even stderr is gone, the code still tells.
            let written = writeln!(std::io::stderr(), "tapline: {failure}");
            drop(written);
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => command::run::run(&arguments),
        Command::Replay(arguments) => command::replay::run(&arguments),
        Command::Backtest(arguments) => command::backtest::run(&arguments),
        Command::Compare(arguments) => command::compare::run(&arguments),
        Command::Convert(arguments) => command::convert::run(&arguments),
        Command::Report(arguments) => command::review::report(&arguments),
        Command::Seeds(arguments) => command::review::seeds(&arguments),
        Command::CheckConfig { file } => command::config::check(file.as_deref()),
        Command::PrintConfig { file, defaults } => {
            command::config::print(file.as_deref(), defaults)
        }
        Command::Interfaces => command::interfaces::run(),
        Command::Completions { shell } => print(|out| {
            clap_complete::generate(shell, &mut Cli::command(), "tapline", out);
            Ok(())
        }),
        Command::Man => print(|out| clap_mangen::Man::new(Cli::command()).render(out)),
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is no failure.
pub(crate) fn print(fill: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<(), Failure> {
    let mut text = Vec::new();
    let mut out = std::io::stdout().lock();
    match fill(&mut text).and_then(|()| out.write_all(&text)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::io("standard output", &error)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_report_has_one_source() {
        let parse = |rest: &[&str]| Cli::try_parse_from(["tapline", "report"].iter().chain(rest));
        assert!(parse(&[]).is_err());
        assert!(parse(&["--from", "a", "--url", "http://b"]).is_err());
        assert!(parse(&["--from", "a", "--format", "markdown", "--out", "b"]).is_ok());
    }

    #[test]
    fn replay_wants_a_file() {
        assert!(Cli::try_parse_from(["tapline", "replay"]).is_err());
        assert!(Cli::try_parse_from(["tapline", "replay", "-", "--workers", "0"]).is_err());
        assert!(Cli::try_parse_from(["tapline", "replay", "a", "b", "--workers", "8"]).is_ok());
    }
}
