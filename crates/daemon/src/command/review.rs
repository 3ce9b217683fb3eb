//! `tapline report` and `tapline seeds`: what a finished analysis or a running sensor knows, written
//! for people and for tools.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tapline_review::{Report, Seed};

use crate::cli::{self, Login, ReportFormat, SeedFormat, Source};
use crate::control;
use crate::exit::{CONFIG, Failure, IO, USAGE};

/// Bytes read of a file or an answer.
const BYTES_MAX: u64 = 1 << 30;
/// How long a sensor may take to answer.
const ANSWER_TIME: Duration = Duration::from_mins(2);

/// What is read.
struct Wanted {
    /// In a folder.
    file: &'static str,
    /// Of a sensor.
    path: &'static str,
}

const REPORT: Wanted = Wanted { file: "review.json", path: "/api/v1/review" };
const SEEDS: Wanted = Wanted { file: "seeds.jsonl", path: "/api/v1/seeds" };

/// Writes the design review.
pub(crate) fn report(arguments: &cli::Report) -> Result<(), Failure> {
    let (text, place) = read(&arguments.source, &arguments.login, &REPORT)?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| Failure::new(CONFIG, format!("{place} is no design review: {error}")))?;
    let written = match arguments.format {
        ReportFormat::Html => tapline_review::document(&report, tapline_web::STYLE),
        ReportFormat::Markdown => tapline_review::markdown(&report),
        ReportFormat::Json => pretty(&report),
    };
    write(arguments.out.as_deref(), &written)
}

/// What a sensor answers.
#[derive(Deserialize)]
struct Answer {
    seeds: Vec<Seed>,
}

/// Writes the fuzz seeds.
pub(crate) fn seeds(arguments: &cli::Seeds) -> Result<(), Failure> {
    let (text, place) = read(&arguments.source, &arguments.login, &SEEDS)?;
    let mut seeds = if arguments.source.from.is_some() {
        tapline_review::read_json_lines(&text)
    } else {
        serde_json::from_str(&text).map(|Answer { seeds }| seeds).map_err(|error| error.to_string())
    }
    .map_err(|error| Failure::new(CONFIG, format!("{place} holds no seeds: {error}")))?;
    let hosts: std::collections::BTreeSet<String> = seeds.iter().map(host_of).collect();
    if let Some(host) = &arguments.host {
        if !hosts.contains(host) {
            let known = hosts.into_iter().take(20).collect::<Vec<_>>().join(", ");
            let text = format!("{place} has no endpoint of {host}; it has {known}");
            return Err(Failure::new(USAGE, text));
        }
        seeds.retain(|seed| host_of(seed) == *host);
    }
    if let Some(base_url) = &arguments.base_url {
        let is_url = ["http://", "https://"].iter().any(|scheme| base_url.starts_with(scheme));
        if !is_url || !base_url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\'') {
            let text = format!(
                "--base-url {base_url:?} is not a URL; write one like https://staging.example"
            );
            return Err(Failure::new(USAGE, text));
        }
        seeds = seeds.into_iter().map(|seed| seed.at(base_url)).collect();
    } else if arguments.format == SeedFormat::Openapi && arguments.host.is_none() && hosts.len() > 1
    {
        let text = format!(
            "an OpenAPI document is of one host: name it with --host, one of {}",
            hosts.into_iter().take(20).collect::<Vec<_>>().join(", ")
        );
        return Err(Failure::new(USAGE, text));
    }
    let written = match arguments.format {
        SeedFormat::Curl => tapline_review::curl_script(&seeds),
        SeedFormat::Har => {
            pretty(&tapline_review::har(&seeds, &crate::clock::timestamp().to_string()))
        }
        SeedFormat::Jsonl => tapline_review::json_lines(&seeds),
        SeedFormat::Openapi => pretty(&tapline_review::openapi(&seeds)),
    };
    write(arguments.out.as_deref(), &written)
}

fn host_of(seed: &Seed) -> String {
    seed.base_url.split_once("://").map_or_else(String::new, |(_, host)| host.to_owned())
}

fn pretty(value: &impl serde::Serialize) -> String {
    // Strings and numbers alone always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// The text, and where it is from.
fn read(source: &Source, login: &Login, wanted: &Wanted) -> Result<(String, String), Failure> {
    if let Some(folder) = &source.from {
        let file = folder.join(wanted.file);
        let text = std::fs::metadata(&file)
            .and_then(|found| {
                if found.len() > BYTES_MAX {
                    return Err(std::io::Error::other("larger than 1 GiB"));
                }
                std::fs::read_to_string(&file)
            })
            .map_err(|error| {
                let hint = "--from wants the folder that `tapline replay --out` wrote";
                Failure::new(IO, format!("{}: {error}; {hint}", file.display()))
            })?;
        return Ok((text, file.display().to_string()));
    }
    let url = source.url.as_deref().unwrap_or_default().trim_end_matches('/');
    let url = format!("{url}{}", wanted.path);
    let password = match &login.password_file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            Some(text.map_err(|error| Failure::io(file.display(), &error))?)
        }
        None => None,
    };
    let user = login
        .user
        .as_deref()
        .zip(password.as_deref().map(|text| text.trim_end_matches(['\r', '\n'])));
    let text = control::runtime()?
        .block_on(fetch(&url, user))
        .map_err(|error| Failure::new(IO, format!("{url}: {error}")))?;
    Ok((text, url))
}

async fn fetch(url: &str, user: Option<(&str, &str)>) -> Result<String, String> {
    // A proxy that the environment names is not meant for the sensor beside us.
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIME).build();
    let mut request = client.map_err(|error| with_causes(&error))?.get(url);
    if let Some((name, password)) = user {
        request = request.basic_auth(name, Some(password));
    }
    let mut response = request.send().await.map_err(|error| with_causes(&error))?;
    let status = response.status();
    if status.as_u16() == 401 {
        return Err("the sensor wants a password: give --user and --password-file".to_owned());
    }
    if !status.is_success() {
        return Err(format!("the sensor answered {status}; is it as new as this program?"));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| with_causes(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > BYTES_MAX {
            return Err("the answer is larger than 1 GiB".to_owned());
        }
    }
    String::from_utf8(bytes).map_err(|_| "the answer is no text".to_owned())
}

/// `reqwest` says what it did, its causes say what went wrong.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(known) = cause {
        text.push_str(": ");
        text.push_str(&known.to_string());
        cause = known.source();
    }
    text
}

fn write(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    match out {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::io(path.display(), &error))
        }
        None => cli::print(|out| out.write_all(text.as_bytes())),
    }
}
