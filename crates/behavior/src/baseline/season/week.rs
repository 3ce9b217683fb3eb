//! What the hours of a week are over their mean.

/// Hours of a week and of a day.
pub(super) const WEEK: usize = 168;
pub(super) const DAY: usize = 24;

/// The hours of a host's week over their mean, Monday's first: what its endpoints are believed to do
/// until they show something else. A rare endpoint is known from too few requests to tell its days
/// from its nights.
#[derive(Clone, Debug)]
pub(crate) struct Week {
    factors: [f32; WEEK],
    /// The mean of each hour of the day, on working days and at weekends.
    kinds: [[f32; DAY]; 2],
}

impl Week {
    /// All hours alike.
    pub(super) const FLAT: Self = Self { factors: [1.0; WEEK], kinds: [[1.0; DAY]; 2] };

    /// By what each hour is over the mean; made to have a mean of 1.
    pub(super) fn of(factor: impl Fn(usize) -> f64) -> Self {
        let sum: f64 = (0..WEEK).map(&factor).sum();
        let scale = 168.0 / sum.max(f64::MIN_POSITIVE);
        let mut week = Self { factors: [0.0; WEEK], kinds: [[0.0; DAY]; 2] };
        for (slot, place) in week.factors.iter_mut().enumerate() {
            let share = factor(slot) * scale;
            *place = narrow(share);
            if let Some(mean) =
                week.kinds.get_mut(kind_of(slot)).and_then(|kind| kind.get_mut(slot % DAY))
            {
                *mean += narrow(share / if kind_of(slot) == 0 { 5.0 } else { 2.0 });
            }
        }
        week
    }

    /// Of an hour of the week.
    pub(super) fn at(&self, slot: usize) -> f64 {
        self.factors.get(slot % WEEK).copied().map_or(1.0, f64::from)
    }

    /// Of that hour of the day in all days of its kind.
    pub(super) fn on_days_like(&self, slot: usize) -> f64 {
        let kind = self.kinds.get(kind_of(slot % WEEK));
        kind.and_then(|kind| kind.get(slot % DAY)).copied().map_or(1.0, f64::from)
    }
}

/// 0 on working days, 1 at weekends.
pub(super) fn kind_of(slot: usize) -> usize {
    usize::from(slot / DAY >= 5)
}

#[expect(clippy::cast_possible_truncation, reason = "a mean needs no more digits")]
pub(super) const fn narrow(value: f64) -> f32 {
    value as f32
}
