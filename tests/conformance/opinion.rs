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

impl Opinion {
    /// Whether it is of a program that saw nothing, and saw HTTP in another pass: it did not look
    /// in the right place.
    pub(super) fn is_blind(&self, opinions: &[Self]) -> bool {
        let program = |opinion: &Self| opinion.oracle.split(' ').next();
        let saw = |other: &Self| other.has_http && program(other) == program(self);
        !self.has_http && opinions.iter().any(saw)
    }
}
