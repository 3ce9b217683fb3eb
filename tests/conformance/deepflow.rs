//! What `DeepFlow` parsed: the `.result` beside a capture.

use std::fs;
use std::path::Path;

use super::heard::Heard;
use super::message::{Messages, Request, is_final};
use super::opinion::Opinion;

/// Its opinion, when the capture has a result in which HTTP/1 stands.
pub(super) fn opinion(capture: &Path, heard: &Heard) -> Option<Opinion> {
    let text = fs::read_to_string(capture.with_extension("result")).ok()?;
    let mut messages = Messages::default();
    for line in text.lines().filter(|line| line.contains("proto: Http1,")) {
        if line.contains("msg_type: Request") {
            messages.requests.push(Request {
                method: word(line, "method: ").map(str::to_ascii_uppercase),
                host: quoted(line, " host: "),
                target: quoted(line, " path: "),
            });
        }
        let status = word(line, "status_code: Some(").and_then(|status| status.parse().ok());
        messages.statuses.extend(status.filter(|status| is_final(*status)));
    }
    let has_http = !messages.is_empty();
    has_http.then(|| Opinion {
        oracle: "DeepFlow",
        has_http,
        agrees: messages.has_requests(&heard.requests())
            && messages.has_statuses(&heard.statuses()),
        text: messages.to_string(),
    })
}

fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(name)?;
    rest.split([',', ')']).next()
}

fn quoted(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(name)?;
    rest.strip_prefix('"')?.split('"').next().map(str::to_owned)
}
