//! Tests that need more than a checkout say loudly when they skip.

use std::path::PathBuf;

/// The shared corpus, from `TAPLINE_CORPUS`, else beside the checkout; says so when there is none.
#[expect(clippy::disallowed_methods, reason = "tests are told where the corpus is")]
pub fn corpus() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let place = std::env::var("TAPLINE_CORPUS").map_or(beside, PathBuf::from);
    if let Ok(whole) = place.canonicalize() {
        return Some(whole);
    }
    loudly(&format!("no corpus at {}: set TAPLINE_CORPUS", place.display()));
    None
}

/// Whether this process is root, and may therefore capture and make network namespaces.
pub fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        loudly("not root: nothing can be captured");
    }
    root
}

/// Whether every program is installed.
pub fn programs(names: &[&str]) -> bool {
    let missing: Vec<&&str> = names.iter().filter(|name| which(name).is_none()).collect();
    if !missing.is_empty() {
        loudly(&format!("not installed: {missing:?} (make setup-test installs them)"));
    }
    missing.is_empty()
}

/// Where a program is.
pub fn which(name: &str) -> Option<PathBuf> {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .map(|folder| PathBuf::from(folder).join(name))
        .find(|path| path.exists())
}

#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn loudly(why: &str) {
    eprintln!("\n*** SKIPPED: {why} ***\n");
}

/// A Python that has a module: of `TAPLINE_PYTHON`, of `make setup-test`, or the system's.
#[expect(clippy::disallowed_methods, reason = "tests are told where Python is")]
pub fn python_with(module: &str) -> Option<PathBuf> {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python");
    let told = std::env::var("TAPLINE_PYTHON").ok().map(PathBuf::from);
    let candidates = told.into_iter().chain([ours, PathBuf::from("python3")]);
    let found = candidates.into_iter().find(|python| {
        let run =
            std::process::Command::new(python).args(["-c", &format!("import {module}")]).output();
        run.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        loudly(&format!("no Python with {module} (make setup-test installs it)"));
    }
    found
}
