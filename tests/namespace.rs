//! Network namespaces: hosts of a test's own, removed with it.
//!
//! They are entered with `nsenter`, which changes nothing but the network: `ip netns exec` mounts
//! over `/sys`, which a container or a changed root may forbid.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A namespace with a name that no other test has.
#[derive(Debug)]
pub struct Namespace(String);

impl Namespace {
    /// Makes one; `role` is part of its name.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new(role: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tapline-{role}-{}-{count}", std::process::id());
        ip(&["netns", "add", &name]);
        Self(name)
    }

    /// Its name, for `ip link add … netns`.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A command that will run inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.0)).arg(program);
        command
    }

    /// Runs `ip` inside.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, arguments: &[&str]) {
        succeed(self.command("ip").args(arguments));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(Command::new("ip").args(["netns", "del", &self.0]).output());
    }
}

/// Runs `ip` outside of all.
///
/// # Panics
/// When it fails.
pub fn ip(arguments: &[&str]) {
    succeed(Command::new("ip").args(arguments));
}

#[expect(clippy::panic, reason = "a test without its network has failed")]
fn succeed(command: &mut Command) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{command:?}: {error}"),
    }
}
