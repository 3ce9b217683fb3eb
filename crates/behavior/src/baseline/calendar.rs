//! Which hour of the week it is, where the users are.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Hours of a week.
pub(crate) const WEEK_HOURS: u64 = 168;
/// Hours of a day.
pub(crate) const DAY_HOURS: u64 = 24;
/// Minutes of an hour.
pub(crate) const HOUR_MINUTES: u64 = 60;
/// 1 January 1970 was a Thursday: with so many hours added, weeks begin on Mondays.
const THURSDAY_HOURS: u64 = 72;

/// The clock on the wall: hours that go back in autumn and skip one in spring.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    /// Seconds ahead of UTC in the hour last asked for, which is mostly the one asked for next.
    known: (u64, i64),
}

impl Calendar {
    /// By the name of a time zone (`Europe/Berlin`); one that is not known is UTC.
    pub(crate) fn new(zone: &str) -> Self {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        Self { zone, known: (u64::MAX, 0) }
    }

    /// The local hour that a minute since the Unix epoch lies in, counted from a Monday.
    pub(crate) fn hour(&mut self, minute: u64) -> u64 {
        // Zones change on a quarter of an hour.
        let quarter = minute / 15;
        if self.known.0 != quarter {
            let seconds = i64::try_from(minute.saturating_mul(60)).unwrap_or(i64::MAX);
            let offset = Timestamp::from_second(seconds)
                .map_or(0, |time| i64::from(self.zone.to_offset(time).seconds()));
            self.known = (quarter, offset);
        }
        let local = minute.saturating_add_signed(self.known.1.div_euclid(60));
        (local / HOUR_MINUTES).saturating_add(THURSDAY_HOURS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes since the epoch of Monday 3 March 2025, 00:00 UTC.
    const MONDAY: u64 = 1_740_960_000 / 60;

    #[test]
    fn weeks_begin_on_monday() {
        let mut utc = Calendar::new("UTC");
        assert_eq!(utc.hour(MONDAY) % WEEK_HOURS, 0);
        assert_eq!(utc.hour(MONDAY - 1) % WEEK_HOURS, 167);
        assert_eq!(utc.hour(MONDAY + 25 * 60) % WEEK_HOURS, 25);
    }

    #[test]
    fn summer_time_moves_the_hour() {
        let mut berlin = Calendar::new("Europe/Berlin");
        // Winter: an hour ahead. From Sunday 30 March, 01:00 UTC, two.
        assert_eq!(berlin.hour(MONDAY + 12 * 60) % 24, 13);
        let change = MONDAY + (27 * 24 + 1) * 60;
        assert_eq!(berlin.hour(change - 1) % 24, 1);
        assert_eq!(berlin.hour(change) % 24, 3);
        assert_eq!(berlin.hour(MONDAY + 28 * 24 * 60 + 12 * 60) % 24, 14);
    }

    #[test]
    fn odd_zones_and_times_do_no_harm() {
        assert_eq!(Calendar::new("Asia/Kathmandu").hour(MONDAY + 15) % WEEK_HOURS, 6);
        assert_eq!(Calendar::new("Nowhere/Land").hour(MONDAY) % WEEK_HOURS, 0);
        Calendar::new("America/New_York").hour(u64::MAX);
        Calendar::new("America/New_York").hour(0);
    }
}
