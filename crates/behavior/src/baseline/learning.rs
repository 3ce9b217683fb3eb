//! How baselines learn: what they share.

use libm::exp;

use super::calendar::Calendar;
use super::calibration::Calibration;
use super::partial::PartialMinutes;
use super::season::Reach;
use crate::config::Config;

pub(crate) const DAY_MINUTES: u64 = 1_440;
/// From so many days on the hour of the day is believed, and that of the week.
const DAILY_DAYS: u64 = 3;
const WEEKLY_DAYS: u64 = 14;
/// The slow anchor's time constant.
const ANCHOR_DAYS: f64 = 28.0;

/// The settings of learning, and what holds for all baselines at once.
#[derive(Debug)]
pub(crate) struct Learning {
    /// What one minute leaves of what was known: by the fast level and the slow one.
    pub(crate) keep: f64,
    pub(crate) keep_slowly: f64,
    pub(crate) memory_minutes: f64,
    /// Minutes after which a range is shown, and learning clips.
    pub(crate) minutes_min: u64,
    /// Minutes after which changes are told.
    pub(crate) silent_minutes: u64,
    /// Minutes that do not teach, because a part of the flows was shed in them.
    pub(crate) partial: PartialMinutes,
    pub(crate) calendar: Calendar,
    /// How often minutes come out as improbable as models say.
    pub(crate) calibration: Calibration,
}

impl Learning {
    /// By the settings.
    pub(crate) fn new(config: &Config) -> Self {
        let day_minutes = 1_440.0;
        let memory_minutes = (config.baseline_memory_days * day_minutes).max(1.0);
        let anchor_minutes = (ANCHOR_DAYS * day_minutes).max(memory_minutes);
        Self {
            keep: exp(-1.0 / memory_minutes),
            keep_slowly: exp(-1.0 / anchor_minutes),
            memory_minutes,
            minutes_min: u64::from(config.baseline_minutes_min),
            silent_minutes: u64::from(config.learning_hours) * 60,
            partial: PartialMinutes::default(),
            calendar: Calendar::new(&config.time_zone),
            calibration: Calibration::new(),
        }
    }

    /// For what is looked at and not kept: the same but for what all baselines together counted, which
    /// is large.
    pub(crate) fn for_view(&self) -> Self {
        Self {
            partial: self.partial.clone(),
            calendar: self.calendar.clone(),
            calibration: Calibration::blind(),
            ..*self
        }
    }

    /// Takes new settings; which minutes were whole stays known, and how often what
    /// came out.
    pub(crate) fn reconfigure(&mut self, config: &Config) {
        let partial = std::mem::take(&mut self.partial);
        let calibration = std::mem::replace(&mut self.calibration, Calibration::blind());
        *self = Self { partial, calibration, ..Self::new(config) };
    }

    /// How much of a week is known after so many minutes.
    pub(crate) const fn reach(minutes: u64) -> Reach {
        if minutes >= WEEKLY_DAYS * DAY_MINUTES {
            Reach::Weekly
        } else if minutes >= DAILY_DAYS * DAY_MINUTES {
            Reach::Daily
        } else {
            Reach::Flat
        }
    }
}
