//! The test vectors of other parsers. They are read from the folder in `TAPLINE_CORPUS`, else from
//! beside the checkout; without it the tests say that they were skipped.
#![expect(clippy::string_slice, reason = "the vectors are ASCII where they are cut")]

use std::fmt::Write;
use std::path::PathBuf;

use super::*;

#[expect(clippy::disallowed_methods, reason = "tests are told where the vectors are")]
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn corpus(folder: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var("TAPLINE_CORPUS").map_or(PathBuf::from(beside), PathBuf::from);
    let folder = root.join("proto-vectors").join(folder);
    if !folder.is_dir() {
        eprintln!("\n*** SKIPPED: no {}: set TAPLINE_CORPUS ***\n", folder.display());
        return None;
    }
    Some(folder)
}

/// A conversation file of libhtp: `>>>` and `<<<` lines before the chunks of each side.
fn conversation(file: &[u8]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        match line.trim_ascii_end() {
            b">>>" => steps.push(c("")),
            b"<<<" => steps.push(s("")),
            _ => {
                if let Some(C(bytes) | S(bytes)) = steps.last_mut() {
                    bytes.extend_from_slice(line);
                }
            }
        }
    }
    for step in &mut steps {
        if let C(bytes) | S(bytes) = step {
            // The line end before the next marker is not of the chunk.
            let end = bytes.strip_suffix(b"\r\n").or(bytes.strip_suffix(b"\n"));
            *bytes = end.map_or(bytes.clone(), <[u8]>::to_vec);
        }
    }
    steps.retain(|step| matches!(step, C(bytes) | S(bytes) if !bytes.is_empty()));
    steps
}

#[test]
fn libhtp_conversations() {
    let Some(folder) = corpus("libhtp") else { return };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "t"));
    files.sort();
    let mut shown = String::new();
    for path in files {
        let steps = conversation(&std::fs::read(&path).unwrap());
        writeln!(shown, "{}", path.file_stem().unwrap().to_string_lossy()).unwrap();
        for line in outline(&steps).lines() {
            writeln!(shown, "  {line}").unwrap();
        }
    }
    expect_test::expect_file!["vectors_libhtp.txt"].assert_eq(&shown);
}

/// The transactions without their content.
fn outline(steps: &[Step]) -> String {
    let mut run = Run::new(Config::default());
    run.sink.without_content = true;
    for step in steps {
        run.step(step);
    }
    run.finish().0
}

/// A test of llhttp: the side that speaks, the bytes, and what its parser logs.
struct Case {
    is_request: bool,
    bytes: Vec<u8>,
    log: String,
}

fn cases(markdown: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut is_request = None;
    let mut rest = markdown;
    while let Some(at) = next_mark(rest) {
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            let line = rest.lines().next().unwrap();
            is_request = match () {
                () if line.contains("\"request\"") => Some(true),
                () if line.contains("\"response\"") => Some(false),
                () => None,
            };
            rest = &rest[4..];
            continue;
        }
        let block = |text: &str, fence: &str| {
            let start = text.find(fence).unwrap() + fence.len();
            let end = start + text[start..].find("\n```").unwrap();
            (text[start..end].trim_start_matches('\n').to_owned(), end + 4)
        };
        let (http, used) = block(rest, "```http");
        rest = &rest[used..];
        let (log, used) = block(rest, "```log");
        rest = &rest[used..];
        let text = http.replace("\\\n", "").replace('\n', "\r\n");
        let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t");
        if let Some(is_request) = is_request {
            cases.push(Case { is_request, bytes: text.replace("\\f", "\x0c").into_bytes(), log });
        }
    }
    cases
}

/// Where the next case, or what is said about it, begins.
fn next_mark(text: &str) -> Option<usize> {
    ["<!-- meta=", "```http"].iter().filter_map(|mark| text.find(mark)).min()
}

#[test]
fn llhttp_cases() {
    let Some(folder) = corpus("llhttp") else { return };
    let mut compared = 0;
    for side in ["request", "response"] {
        for entry in std::fs::read_dir(folder.join(side)).unwrap() {
            let path = entry.unwrap().path();
            for case in cases(&std::fs::read_to_string(&path).unwrap()) {
                let step = if case.is_request { c(&case.bytes) } else { s(&case.bytes) };
                let lines = run(&[step]);
                // Bodies are never skipped here, an error of theirs may be an anomaly of ours, and a
                // body that begins like a response is taken for one while no request is known.
                if ["error", "pause", "skip body", "span[body]=\"HTTP"]
                    .iter()
                    .any(|word| case.log.contains(word))
                {
                    continue;
                }
                let interim = |line: &&str| line.contains("status=10") && !line.contains("101");
                // A request is one when its head is whole.
                let mark = if case.is_request { "headers complete" } else { "message begin" };
                let expected =
                    case.log.matches(mark).count() - case.log.lines().filter(interim).count();
                let input = case.bytes.escape_ascii();
                assert_eq!(lines.lines().count(), expected, "{input}\n{lines}{}", case.log);
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "only {compared} cases were found");
}
