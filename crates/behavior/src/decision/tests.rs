//! When a case is opened, and when it is not.

use super::*;
use crate::baseline::calibration::Rarity;

fn settings() -> Settings {
    Settings { alerts_per_day: 0, ..crate::Config::default().decision }
}

fn candidate(endpoint: u64, host: &str, ln_probability: f64) -> Candidate {
    Candidate {
        place: Place::Endpoint(EndpointId(endpoint)),
        host: host.into(),
        judged: Judgement {
            signal: Signal::Surge,
            rarity: Rarity::by(ln_probability),
            seen: 90.0,
            normal: 10.0,
            weight: 90,
            from: 100,
            minutes: 1,
            is_large: true,
        },
        is_lasting: true,
    }
}

fn minute_of(minute: u64, candidates: Vec<Candidate>) -> Minute {
    Minute { at: minute, tests: 100_000, hosts: 10, candidates, crowds: BTreeMap::new() }
}

/// The places of the cases that are open after this minute.
fn open(decision: &mut Decision, minute: &Minute) -> Vec<Place> {
    let mut places = Vec::new();
    decision.decide(minute, &mut |key, _, change| {
        if change == Change::Held {
            places.push(key.place.clone());
        }
    });
    places
}

#[test]
fn what_is_improbable_among_thousands_is_a_case_and_what_is_not_is_none() {
    let mut decision = Decision::new(settings());
    // 0.02 / 100 000 is ln -15.4.
    assert!(open(&mut decision, &minute_of(1, vec![candidate(1, "a", -15.3)])).is_empty());
    let open = open(&mut decision, &minute_of(2, vec![candidate(1, "a", -15.5)]));
    assert_eq!(open, [Place::Endpoint(EndpointId(1))]);
}

#[test]
fn many_together_help_one_another() {
    let all: Vec<_> = (0..5).map(|endpoint| candidate(endpoint, "abcde", -12.5)).collect();
    let all: Vec<_> = all.iter().collect();
    assert_eq!(discoveries(&all, 10_000, 0.01).len(), 5);
    assert_eq!(discoveries(&all[..3], 10_000, 0.01).len(), 0);
}

#[test]
fn a_single_minute_must_be_all_but_impossible() {
    let mut once = candidate(1, "a", -20.0);
    once.is_lasting = false;
    let mut decision = Decision::new(settings());
    assert!(open(&mut decision, &minute_of(1, vec![once.clone()])).is_empty());
    once.judged.rarity = Rarity::by(-30.0);
    assert_eq!(open(&mut decision, &minute_of(2, vec![once])).len(), 1);
}

#[test]
fn what_is_small_is_no_case() {
    let mut small = candidate(1, "a", -100.0);
    small.judged.is_large = false;
    assert!(open(&mut Decision::new(settings()), &minute_of(1, vec![small])).is_empty());
}

#[test]
fn what_a_host_does_is_one_case() {
    let mut minute = minute_of(1, (0..4).map(|n| candidate(n, "a", -30.0)).collect());
    minute.crowds.insert((Signal::Surge, "a".into()), Crowd { able: 10, odd: 4 });
    let mut decision = Decision::new(settings());
    assert_eq!(open(&mut decision, &minute), [Place::Host("a".into())]);
    minute.crowds.insert((Signal::Surge, "a".into()), Crowd { able: 20, odd: 4 });
    assert_eq!(open(&mut Decision::new(settings()), &minute).len(), 4);
}

#[test]
fn what_many_hosts_do_is_one_more() {
    let hosts = ["a", "b", "c", "d", "e", "f"];
    let mut minute = minute_of(1, hosts.iter().map(|host| candidate(0, host, -30.0)).collect());
    for (candidate, host) in minute.candidates.iter_mut().zip(hosts) {
        candidate.place = Place::Host(host.into());
    }
    let open = open(&mut Decision::new(settings()), &minute);
    assert_eq!(open.len(), 3, "{open:?}");
    assert!(open.contains(&Place::Everywhere));
}

#[test]
fn a_case_stays_one_until_it_was_quiet_for_long() {
    let mut decision = Decision::new(settings());
    let mut opened = 0;
    for minute in 0..200 {
        let odd = minute < 60 && minute % 20 == 0 || minute == 150;
        let candidates = if odd { vec![candidate(1, "a", -30.0)] } else { Vec::new() };
        decision.decide(&minute_of(minute, candidates), &mut |_, case, _| {
            opened += u64::from(case.opened == minute);
        });
    }
    assert_eq!(opened, 2);
}

#[test]
fn what_lasts_for_a_day_is_normal() {
    let mut decision = Decision::new(settings());
    let mut accepted = Vec::new();
    for minute in 0..1_500 {
        let now = minute_of(minute, vec![candidate(1, "a", -30.0)]);
        decision.decide(&now, &mut |_, _, change| {
            if change == Change::Accepted {
                accepted.push(minute);
            }
        });
    }
    assert_eq!(accepted, [1_440]);
}

#[test]
fn a_budget_withholds_the_more_probable_ones() {
    let mut decision = Decision::new(Settings { alerts_per_day: 2, ..settings() });
    for minute in 0..600 {
        // An hour apart none is the same case.
        let now = minute_of(minute * 60, vec![candidate(minute, "a", -17.0)]);
        decision.decide(&now, &mut |_, _, _| {});
    }
    assert!(decision.withheld() > 400, "{}", decision.withheld());
    let sure = minute_of(40_000, vec![candidate(7, "a", -60.0)]);
    assert!(open(&mut decision, &sure).contains(&Place::Endpoint(EndpointId(7))));
}

#[test]
fn what_stands_out_from_its_host_is_a_case_of_its_own() {
    let mut minute = minute_of(1, (0..4).map(|n| candidate(n, "a", -30.0)).collect());
    minute.crowds.insert((Signal::Surge, "a".into()), Crowd { able: 10, odd: 4 });
    let mut decision = Decision::new(settings());
    assert_eq!(open(&mut decision, &minute), [Place::Host("a".into())]);
    // Nine times as much is what all do; thirty times as much is not.
    let mut far = candidate(9, "a", -30.0);
    far.judged.seen = 300.0;
    let places = open(&mut decision, &minute_of(2, vec![candidate(8, "a", -30.0), far]));
    assert_eq!(places, [Place::Endpoint(EndpointId(9)), Place::Host("a".into())]);
}

#[test]
fn what_took_hours_to_see_is_not_over_in_half_of_one() {
    for (window, opened) in [(1, 2), (120, 1)] {
        let mut decision = Decision::new(settings());
        let mut cases = 0;
        for minute in [1_000, 1_060] {
            let mut slow = candidate(1, "a", -30.0);
            slow.judged.minutes = window;
            for at in minute..minute + 60 {
                let now = if at == minute { vec![slow.clone()] } else { Vec::new() };
                decision.decide(&minute_of(at, now), &mut |_, case, _| {
                    cases += u64::from(case.opened == at);
                });
            }
        }
        assert_eq!(cases, opened, "{window}");
    }
}
