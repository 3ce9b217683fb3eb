//! Real programs, ended with the test that started them.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

/// A running program.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[expect(clippy::panic, reason = "a test that cannot start its programs has failed")]
    pub fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal by name (`TERM`, `INT`, `HUP`).
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        drop(sent);
    }

    /// Waits for its end, at most `seconds`; its exit code.
    pub fn wait(&mut self, seconds: u64) -> Option<i32> {
        for _ in 0..seconds * 20 {
            if let Ok(Some(status)) = self.0.try_wait() {
                return status.code();
            }
            pause(50);
        }
        None
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it stays.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A free port on loopback.
///
/// # Panics
/// When there is none.
#[expect(clippy::expect_used, reason = "a test without a port has failed")]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Sleeps.
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits until `holds`, at most `seconds`; whether it did.
pub fn until(seconds: u64, mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..seconds * 10 {
        if holds() {
            return true;
        }
        pause(100);
    }
    holds()
}
