//! Where the corpus and the independent programs are; whoever lacks them says so loudly.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;

/// The real documents of the shared corpus, by name; none, loudly, when there is no corpus.
#[expect(clippy::disallowed_methods, reason = "tests are told where the corpus is")]
pub(crate) fn corpus() -> Vec<(String, Vec<u8>)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let place = std::env::var("TAPLINE_CORPUS").map_or(beside, PathBuf::from).join("openapi");
    let Ok(folder) = fs::read_dir(&place) else {
        loudly(&format!("no corpus at {}: set TAPLINE_CORPUS", place.display()));
        return Vec::new();
    };
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let mut bytes = Vec::new();
        GzDecoder::new(fs::File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
        (path.file_name().unwrap().to_string_lossy().replace(".json.gz", ""), bytes)
    };
    files.into_iter().map(read).collect()
}

/// A Python that has the module: of `TAPLINE_PYTHON`, of `make setup-test`, or the system's.
#[expect(clippy::disallowed_methods, reason = "tests are told where Python is")]
pub(crate) fn python_with(module: &str) -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let told = std::env::var("TAPLINE_PYTHON").ok().map(PathBuf::from);
    let candidates = told.into_iter().chain([ours, PathBuf::from("python3")]);
    let has = |python: &PathBuf| {
        let run = Command::new(python).args(["-c", &format!("import {module}")]).output();
        run.is_ok_and(|output| output.status.success())
    };
    let found = candidates.into_iter().find(has);
    if found.is_none() {
        loudly(&format!("no Python with {module} (make setup-test installs it)"));
    }
    found
}

#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn loudly(why: &str) {
    eprintln!("\n*** SKIPPED: {why} ***\n");
}
