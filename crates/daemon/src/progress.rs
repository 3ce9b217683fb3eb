//! A progress bar on a terminal; nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tapline_capture::Progress;

/// Shows how much of the captures has been read.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar on stderr, hidden when that is no terminal.
    pub(crate) fn new() -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self(ProgressBar::with_draw_target(None, target))
    }

    /// Moves it.
    pub(crate) fn show(&self, progress: &Progress) {
        if self.0.length() != progress.total_bytes || self.0.position() == 0 {
            let template = match progress.total_bytes {
                Some(total) => {
                    self.0.set_length(total);
                    "{bar:40} {percent:>3} % {bytes}/{total_bytes} {bytes_per_sec} eta {eta}"
                }
                None => "{spinner} {bytes} {bytes_per_sec}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.0.set_style(style);
            }
        }
        self.0.set_position(progress.read_bytes);
    }

    /// Removes it.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
