//! What one oracle thinks of a capture.

/// Whether an oracle and the sensor agree on a capture.
#[derive(Debug)]
pub(super) struct Opinion {
    /// Which oracle.
    pub(super) oracle: &'static str,
    /// It saw an HTTP/1 message.
    pub(super) has_http: bool,
    /// It saw exactly what the sensor saw.
    pub(super) agrees: bool,
    /// What it saw, for people.
    pub(super) text: String,
}
