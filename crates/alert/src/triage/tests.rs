//! Orders, and what is kept of them.

use tapline_model::Severity;

use super::*;
use crate::lifecycle::tests::finding;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn later(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn case(host: &str) -> Arc<Finding> {
    Arc::new(Finding { host: host.into(), id: "00000000000000aa".into(), ..finding("scan", 1) })
}

fn order(what: OrderKind) -> Order {
    Order { what, by: " ada\u{7} ".into(), comment: "known\nsince May".into() }
}

fn mute(detection: &str, seconds: u64) -> Order {
    let scope = Scope { detection: Some(detection.into()), ..Scope::default() };
    order(OrderKind::Mute { finding: case("a"), scope, seconds })
}

#[test]
fn a_verdict_says_who_when_why_and_of_what() {
    let mut triage = Triage::default();
    triage.apply(&order(OrderKind::FalsePositive(case("a"))), NOW).unwrap();
    let verdicts = triage.verdicts();
    let verdict = &verdicts.all()[0];
    assert_eq!((verdict.by.as_str(), verdict.comment.as_str()), ("ada", "known\nsince May"));
    assert_eq!((verdict.at, verdict.kind), (NOW, VerdictKind::FalsePositive));
    assert_eq!(verdict.severity, Severity::Medium);
    assert!(verdicts.is_quiet(&case("a"), NOW) && !verdicts.is_quiet(&case("b"), NOW));
    assert!(!verdicts.is_quiet(&case("a"), later(FALSE_POSITIVE_SECONDS)));
}

#[test]
fn a_case_is_reopened_and_a_mute_is_lifted_by_itself() {
    let mut triage = Triage::default();
    triage.apply(&order(OrderKind::Acknowledge(case("a"))), NOW).unwrap();
    triage.apply(&order(OrderKind::FalsePositive(case("a"))), NOW).unwrap();
    triage.apply(&mute("scan", 60), NOW).unwrap();
    triage.apply(&order(OrderKind::Reopen(case("a"))), NOW).unwrap();
    let left = triage.verdicts();
    assert_eq!(left.all().len(), 1);
    assert!(left.is_quiet(&case("a"), NOW), "it is muted still");
    assert!(triage.apply(&order(OrderKind::Reopen(case("a"))), NOW).is_err());
    triage.apply(&order(OrderKind::Lift(left.all()[0].id)), NOW).unwrap();
    assert_eq!(triage.verdicts().all().len(), 0);
    assert!(triage.apply(&order(OrderKind::Lift(3)), NOW).is_err());
}

#[test]
fn the_same_said_again_replaces_what_was_said() {
    let mut triage = Triage::default();
    triage.apply(&mute("scan", 60), NOW).unwrap();
    triage.apply(&mute("scan", 600), later(30)).unwrap();
    let verdicts = triage.verdicts();
    assert_eq!(verdicts.all().len(), 1);
    assert!(verdicts.is_quiet(&case("a"), later(600)));
    assert_eq!(verdicts.all()[0].id, 2, "no id is used twice");
}

#[test]
fn orders_that_make_no_sense_change_nothing() {
    let mut triage = Triage::default();
    let everything = OrderKind::Mute { finding: case("a"), scope: Scope::default(), seconds: 60 };
    for bad in [
        order(everything),
        mute("scan", 59),
        mute("scan", u64::MAX),
        Order { by: " \n\u{0}".trim_end_matches('\n').into(), ..mute("scan", 60) },
        Order { by: "a".repeat(65), ..mute("scan", 60) },
        Order { comment: "a".repeat(1_001), ..mute("scan", 60) },
    ] {
        assert!(matches!(triage.apply(&bad, NOW), Err(OrderError::Refused(_))), "{bad:?}");
        assert_eq!(triage.verdicts().all().len(), 0);
    }
}

#[test]
fn what_has_ended_makes_room_and_a_full_table_takes_none() {
    let mut triage = Triage::default();
    for number in 0..SCOPES_MAX {
        triage.apply(&mute(&format!("d{number}"), 60), NOW).unwrap();
    }
    assert!(triage.apply(&mute("one more", 60), NOW).is_err());
    triage.apply(&order(OrderKind::Acknowledge(case("a"))), NOW).unwrap();
    triage.apply(&mute("one more", 60), later(60)).unwrap();
    assert_eq!(triage.verdicts().all().len(), 2);
}

#[test]
fn what_is_kept_reads_back() {
    let mut triage = Triage::default();
    triage.apply(&order(OrderKind::Acknowledge(case("a"))), NOW).unwrap();
    triage.apply(&mute("scan", 60), NOW).unwrap();
    let bytes = triage.encode().unwrap();
    let mut read = Triage::decode(&bytes).unwrap();
    assert_eq!(read.verdicts().all(), triage.verdicts().all());
    read.apply(&mute("other", 60), NOW).unwrap();
    assert_eq!(read.verdicts().all()[2].id, 3, "ids go on");
    assert_eq!(read.verdicts().all()[0].at, NOW);
}

#[test]
fn anything_else_is_refused_with_a_reason() {
    let reason = |bytes: &[u8]| Triage::decode(bytes).unwrap_err().to_string();
    assert!(reason(b"").contains("not a file of verdicts"));
    assert!(reason(b"\0\0\0").contains("not a file of verdicts"));
    assert!(reason(b"{\"version\":2,\"unheard\":[]}").contains("version 2"));
    let mut triage = Triage::default();
    triage.apply(&mute("scan", 60), NOW).unwrap();
    let text = String::from_utf8(triage.encode().unwrap()).unwrap();
    let long = text.replace("\"by\":\"ada\"", &format!("\"by\":\"{}\"", "a".repeat(99)));
    assert!(reason(long.as_bytes()).contains("more than there can be"));
    for cut in 0..text.len() {
        assert!(Triage::decode(&text.as_bytes()[..cut]).is_err());
    }
}
