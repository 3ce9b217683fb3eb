//! What a rate learns, and what it tells.

use super::*;
use crate::config::Config;

fn learning() -> Learning {
    Learning::new(&Config { learning_hours: 0, ..Config::default() })
}

/// One endpoint that gets these requests in minutes 0, 1, 2, ...
fn rate_of(minutes: impl IntoIterator<Item = u64>) -> Rate {
    rate_with(minutes, &mut learning())
}

fn rate_with(minutes: impl IntoIterator<Item = u64>, learning: &mut Learning) -> Rate {
    let mut rate = Rate::new(Epoch(0), learning);
    for (minute, count) in (0..).zip(minutes) {
        rate.observe(Epoch(minute * 60 + 7), count, false, learning);
    }
    rate
}

fn view_at(rate: &Rate, minute: u64) -> BaselineView {
    rate.view(Epoch(minute * 60), &learning())
}

/// 12 on average, scattered as a Poisson count is.
const STEADY: [u64; 20] =
    [12, 9, 15, 11, 13, 17, 8, 12, 10, 14, 16, 7, 12, 13, 11, 9, 15, 12, 14, 10];

#[test]
fn a_steady_rate_is_learned() {
    let view = view_at(&rate_of(STEADY), 20);
    assert_eq!(view.state, BaselineState::Flat);
    assert_eq!((view.minutes, view.seen), (19, 10));
    assert!((view.normal - 12.1).abs() < 0.2, "{view:?}");
    assert!((3..=6).contains(&view.normal_low), "{view:?}");
    assert!((18..=24).contains(&view.normal_high), "{view:?}");
    assert!(view.probability > 0.3);
    assert_eq!(view.recent, STEADY);
}

#[test]
fn a_spike_is_judged_by_what_was_before_it() {
    let view = view_at(&rate_of(STEADY.into_iter().chain([412])), 21);
    assert_eq!(view.seen, 412);
    assert!((view.normal - 12.0).abs() < 0.2, "{view:?}");
    assert!(view.probability < 1e-12, "{view:?}");
}

#[test]
fn a_fall_is_as_improbable_as_a_rise() {
    let busy = STEADY.map(|count| count * 10);
    assert!(view_at(&rate_of(busy), 21).probability < 1e-3);
}

#[test]
fn it_says_that_it_is_learning_until_it_has() {
    let rate = rate_of(STEADY);
    assert_eq!(view_at(&rate_of([]), 0).minutes, 0);
    assert_eq!(view_at(&rate_of(STEADY.into_iter().take(10)), 10).state, BaselineState::Learning);
    assert_eq!(view_at(&rate, 20).state, BaselineState::Flat);
    let blank = view_at(&rate_of([5]), 1);
    assert!((blank.probability - 1.0).abs() < 1e-12 && blank.normal.abs() < 1e-12);
}

#[test]
fn a_minute_that_began_before_the_endpoint_is_left_out() {
    let mut rate = Rate::new(Epoch(30), &mut learning());
    rate.observe(Epoch(30), 1_000, false, &mut learning());
    rate.observe(Epoch(61), 7, false, &mut learning());
    assert_eq!(view_at(&rate, 2).recent, [7]);
}

#[test]
fn an_incident_does_not_teach() {
    let mut rate = rate_of(STEADY);
    let before = view_at(&rate, 21).normal;
    for minute in 20..40 {
        rate.observe(Epoch(minute * 60), 5_000, true, &mut learning());
    }
    let view = view_at(&rate, 41);
    assert!((view.normal - before).abs() < 0.7, "{view:?}");
}

#[test]
fn a_ready_baseline_follows_a_jump_slowly() {
    let rate = rate_of(STEADY.into_iter().chain([5_000; 5]));
    assert!(view_at(&rate, 25).normal < 60.0, "{:?}", view_at(&rate, 25));
}

#[test]
fn a_rare_endpoint_s_rate_is_what_it_is() {
    // One request in fifty minutes, each as far from the mean of a minute as an attack.
    let rate = rate_of((0..5 * 1_440).map(|minute| u64::from(minute % 50 == 0)));
    let (fast, slow) = rate.levels();
    assert!((fast / 0.02 - 1.0).abs() < 0.1 && (slow / 0.02 - 1.0).abs() < 0.1, "{fast} {slow}");
}

#[test]
fn requests_that_come_in_bunches_are_known_to() {
    // Four at once, in one minute of twenty: a variance of four times the mean.
    let rate = rate_of((0..3 * 1_440u64).map(|minute| 4 * u64::from(minute % 20 == 7)));
    assert!((3.0..4.5).contains(&rate.known.scatter(1.0)), "{:?}", rate.known.scatter);
}

#[test]
fn the_lulls_of_an_incident_do_not_teach() {
    let mut learning = learning();
    let mut rate = rate_of((0..2_000).map(|minute| minute % 2));
    let before = rate.levels();
    // Bursts of thirty, ten minutes apart, each left out.
    for minute in (2_000..5_000).step_by(10) {
        rate.observe(Epoch(minute * 60), 30, false, &mut learning);
        rate.advance(minute + 1, &mut learning);
        rate.settle(true);
    }
    let after = rate.levels();
    assert!((after.0 / before.0 - 1.0).abs() < 0.01, "{before:?} {after:?}");
    assert!((rate.calm() - 1.0).abs() < 0.1, "{}", rate.calm());
}

#[test]
fn the_end_of_a_surge_is_seen_soon() {
    let mut learning = learning();
    let mut rate = rate_of((0..2_000).map(|minute| minute % 2));
    for minute in 2_000..2_030 {
        rate.observe(Epoch(minute * 60), 10, false, &mut learning);
        rate.advance(minute + 1, &mut learning);
        rate.settle(true);
    }
    assert!(rate.evidence.surge().evidence > 30.0);
    // A request in two minutes takes a quarter of a unit a minute away from it.
    let over = (2_030..2_400u64).find(|&minute| {
        rate.observe(Epoch(minute * 60), minute % 2, false, &mut learning);
        rate.advance(minute + 1, &mut learning);
        rate.settle(true);
        rate.evidence.surge().evidence <= 0.0
    });
    assert!(over.is_some_and(|minute| (2_032..2_080).contains(&minute)), "{over:?}");
}

#[test]
fn an_endpoint_of_a_calm_host_is_thought_calm() {
    let mut learning = learning();
    let mut rate = rate_of(STEADY.into_iter().cycle().take(2_000));
    let low = |rate: &Rate| rate.low(2_000).mean();
    let (high, before) = (rate.high(2_000).0.mean(), low(&rate));
    rate.follow(&Lead { week: None, calm: 0.5 });
    rate.advance(2_001, &mut learning);
    assert!((low(&rate) / before - 0.5).abs() < 0.05, "{} {before}", low(&rate));
    // What it did itself says that its day is an ordinary one.
    assert!(rate.high(2_000).0.mean() > 0.9 * high);
}

#[test]
fn silence_is_learned_in_one_step_as_in_many() {
    for silent in [1, 2, 61, 1_000] {
        let zeros = (0..silent).map(|_| 0);
        let at_once = view_at(&rate_of(STEADY), 20 + silent);
        let one_by_one = view_at(&rate_of(STEADY.into_iter().chain(zeros)), 20 + silent);
        assert_eq!(at_once.minutes, one_by_one.minutes);
        assert_eq!(at_once.recent, one_by_one.recent);
        assert!((at_once.normal / one_by_one.normal - 1.0).abs() < 1e-9);
        let off = (at_once.probability - one_by_one.probability).abs();
        assert!(off < 0.2, "{at_once:?} {one_by_one:?}");
    }
}

#[test]
fn a_jump_of_centuries_costs_nothing() {
    let view = view_at(&rate_of(STEADY), u64::MAX / 60);
    assert_eq!(view.recent, [0; 60]);
    assert!(view.normal < 1e-3 && view.probability.is_finite());
}

#[test]
fn an_overscattered_rate_has_a_wide_range() {
    let bursty = (0..600).map(|minute: u64| if minute.is_multiple_of(5) { 50 } else { 2 });
    let view = view_at(&rate_of(bursty), 600);
    assert!(view.normal_high >= 50, "{view:?}");
}

/// Requests of a minute by the hour of the day: 10 at night, 200 by day.
fn daily(minute: u64) -> u64 {
    if (8..20).contains(&(minute / 60 % 24)) { 200 + minute * 7 % 11 } else { 10 + minute % 3 }
}

#[test]
fn nights_are_normal_once_they_are_known() {
    let days = 5;
    let rate = rate_of((0..days * 1_440).map(daily));
    let night = view_at(&rate, days * 1_440);
    assert_eq!(night.state, BaselineState::Daily);
    assert!(night.normal < 30.0 && night.normal_high < 60, "{night:?}");
    let noon = rate_of((0..days * 1_440 + 720).map(daily));
    let noon = view_at(&noon, days * 1_440 + 720);
    assert!((150.0..260.0).contains(&noon.normal), "{noon:?}");
}

#[test]
fn states_follow_the_time_it_was_watched() {
    let mut learning = Learning::new(&Config::default());
    let mut rate = Rate::new(Epoch(0), &mut learning);
    for (day, state) in [
        (0, BaselineState::Learning),
        (1, BaselineState::Flat),
        (3, BaselineState::Daily),
        (14, BaselineState::Weekly),
    ] {
        rate.advance(day * 1_440, &mut learning);
        assert_eq!(rate.view(Epoch(day * 86_400), &learning).state, state);
    }
}

/// The verdicts of minutes that follow a week of 40 a minute.
fn verdicts(then: &[u64]) -> Vec<Verdict> {
    let mut learning = learning();
    let mut rate = Rate::new(Epoch(0), &mut learning);
    let week = (0..7 * 1_440u64).map(|minute| 34 + minute * 7_919 % 13);
    let mut all = Vec::new();
    for (minute, count) in (0..).zip(week.chain(then.iter().copied())) {
        rate.observe(Epoch(minute * 60), count, false, &mut learning);
        all.extend(rate.advance(minute + 1, &mut learning));
    }
    all.split_off(all.len() - then.len())
}

#[test]
fn three_times_as_much_is_told_within_two_minutes() {
    let all = verdicts(&[120, 115, 125]);
    assert!(all[1].rarity.ln_probability < -27.0, "{all:?}");
    assert_eq!((all[2].run.minutes, all[2].run.seen), (3, 360));
    assert!((all[2].normal - 40.0).abs() < 4.0, "{all:?}");
}

#[test]
fn a_little_more_is_not_told_however_long() {
    let all = verdicts(&[50; 120]);
    assert!(all.iter().all(|verdict| verdict.rarity.ln_probability > -18.0), "{all:?}");
}

#[test]
fn silence_adds_up() {
    let rate = rate_of((0..3 * 1_440).map(|_| 4));
    let after = rate.silent_after(-20.7).unwrap();
    assert!((4..30).contains(&after), "{after}");
    let mut later = rate.clone();
    later.advance(3 * 1_440 + after + 1, &mut learning());
    assert!(later.lull().evidence > 19.0, "{:?}", later.lull());
    assert_eq!(later.silent_minutes(3 * 1_440 + after + 1), 1);
}

#[test]
fn what_is_accepted_is_normal() {
    let mut learning = learning();
    let mut rate = rate_of(STEADY.into_iter().chain([300; 40]));
    rate.advance(61, &mut learning);
    assert!(view_at(&rate, 61).normal < 150.0);
    rate.accept();
    assert!((view_at(&rate, 61).normal - 300.0).abs() < 15.0, "{:?}", view_at(&rate, 61));
}

#[test]
fn growth_over_days_shows_in_the_levels() {
    let growing = |minute: u64| 100 + minute.saturating_sub(9 * 1_440) / 40;
    let mut learning = learning();
    let mut rate = Rate::new(Epoch(0), &mut learning);
    let mut told = None;
    for minute in 0..14 * 1_440 {
        rate.observe(Epoch(minute * 60), growing(minute) + minute % 5, false, &mut learning);
        if told.is_none() && rate.shift().evidence().is_some() {
            told = Some(minute);
        }
    }
    assert!(told.is_some_and(|minute| minute > 9 * 1_440), "{told:?}");
    let steady = rate_of((0..14 * 1_440).map(|minute| 100 + minute * 31 % 17));
    assert!(steady.shift().evidence().is_none());
}

#[test]
fn silent_minutes_teach_the_scatter_like_others() {
    // Three at once, every third minute: the variance is twice the mean.
    let rate = rate_of((0..3 * 1_440).map(|minute| 3 * u64::from(minute % 3 == 0)));
    let scatter = rate.known.scatter(1.0);
    assert!((1.9..2.1).contains(&scatter), "{scatter}");
}

#[test]
fn a_change_of_a_slow_rate_does_not_make_itself_normal() {
    let mut learning = learning();
    let before = (0..6 * 1_440).map(|minute| u64::from(minute % 4 == 0));
    let mut rate = rate_with(before, &mut learning);
    let (normal, known) = (rate.high(6 * 1_440).0.mean(), rate.known.fast.mean());
    for minute in 0..120 {
        let minute = 6 * 1_440 + minute;
        rate.observe(Epoch(minute * 60), u64::from(minute % 4 != 3), false, &mut learning);
        assert!(rate.high(minute).0.mean() < normal * 1.03, "minute {minute}");
    }
    assert!(rate.known.fast.mean() > rate.held.get().unwrap().fast.mean() * 1.02);
    // What turned out to be a surge leaves nothing.
    for minute in 6 * 1_440 + 120..6 * 1_440 + 400 {
        rate.observe(Epoch(minute * 60), u64::from(minute % 4 == 0), false, &mut learning);
    }
    assert!(rate.held.get().is_none());
    assert!((rate.known.fast.mean() / known - 1.0).abs() < 0.02, "{:?} {known}", rate.known);
}

#[test]
fn a_silence_is_no_calm_day() {
    let mut learning = learning();
    let mut rate = rate_with((0..4 * 1_440).map(|_| 20), &mut learning);
    rate.observe(Epoch((4 * 1_440 + 30) * 60), 20, false, &mut learning);
    rate.observe(Epoch((4 * 1_440 + 31) * 60), 20, false, &mut learning);
    assert!(rate.calm() > 0.9, "{}", rate.calm());
}

#[test]
fn a_rate_takes_a_few_kilobytes() {
    let boxed = 168 * 5 + 240 + RECENT_MAX * 4;
    assert!(size_of::<Rate>() + boxed < 2_304, "{}", size_of::<Rate>());
}

#[test]
fn after_a_holiday_the_next_day_is_as_it_was() {
    // Busy by day; the twelfth day, a Monday, is a holiday.
    let rate_at = |minute: u64| if (480..1_200).contains(&(minute % 1_440)) { 40 } else { 10 };
    let noon = |day: u64| day * 1_440 + 720;
    let mut learning = learning();
    let mut rate = rate_with((0..noon(10)).map(rate_at), &mut learning);
    let before = rate.high(noon(10)).0.mean();
    for minute in noon(10)..noon(12) {
        let requests = if minute / 1_440 == 11 { rate_at(minute) / 2 } else { rate_at(minute) };
        rate.observe(Epoch(minute * 60), requests, false, &mut learning);
    }
    let after = rate.high(noon(12)).0.mean();
    assert!((after / before - 1.0).abs() < 0.02, "{before} {after}");
}
