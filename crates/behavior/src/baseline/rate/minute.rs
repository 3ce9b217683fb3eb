//! A minute, what it was held against, and the worst of several in a row.

use tapline_sketch::NegativeBinomial;

/// What came in a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Minute {
    pub(super) count: u64,
    /// It was watched from its start, and no incident was open.
    pub(super) is_normal: bool,
    pub(super) is_whole: bool,
    /// What it was held against: none if it was not judged.
    pub(super) judged: Option<Judged>,
}

impl Minute {
    pub(super) const SILENT: Self =
        Self { count: 0, is_normal: true, is_whole: true, judged: None };
}

/// What a minute was held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// What was expected of it, and on an ordinary day.
    pub(super) high: NegativeBinomial,
    pub(super) full: f64,
    /// The rate expected over the mean rate, and the squared deviation over the variance that a
    /// Poisson count would have.
    pub(super) busy: f64,
    pub(super) ratio: f64,
    /// ln of the probability of as many by what was expected, by itself.
    pub(super) ln_alone: f64,
    /// ln of the probability by the model; none while it was not ready, or in a surge.
    pub(super) ln_model: Option<f64>,
    /// It is one of several that speak of more than normal.
    pub(super) is_run: bool,
    /// The day has ended since.
    pub(super) is_yesterday: bool,
}

/// The least probable of the minutes in a row that speak of more than normal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peak {
    ln_model: f64,
    /// One of them teaches nothing, so the run does not.
    is_odd: bool,
}

impl Peak {
    pub(super) fn note(&mut self, ln_model: Option<f64>) {
        self.ln_model = self.ln_model.min(ln_model.unwrap_or(0.0));
        self.is_odd |= ln_model.is_none();
    }

    /// The run is over.
    pub(super) fn end(&mut self) -> Option<f64> {
        let Self { ln_model, is_odd } = std::mem::take(self);
        (ln_model < 0.0 && !is_odd).then_some(ln_model)
    }
}
