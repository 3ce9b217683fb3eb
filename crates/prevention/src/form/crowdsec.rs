//! Decisions as the local API of `CrowdSec` gives them (its OpenAPI document, `/decisions` and
//! `/decisions/stream`), so that its bouncers can read the list.

use serde::Serialize;
use tapline_model::Timestamp;

use crate::{Entry, Snapshot, Subject};

/// What decisions say of where they come from.
const ORIGIN: &str = "tapline";

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Of the entry.
    pub id: u64,
    /// `tapline`.
    pub origin: &'static str,
    /// `ban`.
    #[serde(rename = "type")]
    pub remedy: &'static str,
    /// `Ip`.
    pub scope: &'static str,
    /// The address.
    pub value: String,
    /// How long still, as Go writes durations; negative for one that has ended.
    pub duration: String,
    /// Until when.
    pub until: String,
    /// `tapline/` and the detection.
    pub scenario: String,
    /// Never: a dry run has no decisions.
    pub simulated: bool,
}

/// What a bouncer asks for; what is empty selects everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecisionFilter<'a> {
    /// Scopes, separated by commas, in any case.
    pub scopes: &'a str,
    /// An address.
    pub value: &'a str,
    /// Origins, separated by commas.
    pub origins: &'a str,
    /// Words, separated by commas, of which the scenario has at least one.
    pub containing: &'a str,
    /// Words, separated by commas, of which the scenario has none.
    pub not_containing: &'a str,
    /// The remedy.
    pub remedy: &'a str,
}

/// What a bouncer that follows along gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Every decision in force. Bouncers keep what they have, so telling one twice changes nothing;
    /// one whose end has moved comes back when the bouncer has let it go.
    pub new: Vec<Decision>,
    /// Those that ended within the last hour; all of them to one that was just started.
    pub deleted: Vec<Decision>,
}

/// The decisions in force that a filter selects.
pub fn decisions(list: &Snapshot, filter: DecisionFilter<'_>) -> Vec<Decision> {
    let blocked = list.blocked_addresses().map(|(_, seconds, entry)| {
        decision(entry, format!("{}h{}m{}s", seconds / 3_600, seconds / 60 % 60, seconds % 60))
    });
    blocked.flatten().filter(|decision| filter.selects(decision)).collect()
}

/// What a bouncer that follows along has to know. In a dry run whatever it may still have has ended.
pub fn stream(list: &Snapshot, filter: DecisionFilter<'_>) -> Stream {
    let over = |entry: &Entry, ended: Timestamp| {
        let seconds = list.now.nanos_since(ended) / 1_000_000_000;
        decision(entry, format!("-{}s", seconds.max(1)))
    };
    let ended = list.ended.iter().map(|one| over(&one.entry, one.ended));
    let withheld = list.entries.iter().filter(|_| list.dry_run).map(|one| over(one, list.now));
    let deleted = ended.chain(withheld).flatten();
    Stream {
        new: decisions(list, filter),
        deleted: deleted.filter(|decision| filter.selects(decision)).collect(),
    }
}

fn decision(entry: &Entry, duration: String) -> Option<Decision> {
    let Subject::Address(address) = entry.subject else { return None };
    Some(Decision {
        id: entry.id,
        origin: ORIGIN,
        remedy: "ban",
        scope: "Ip",
        value: address.to_string(),
        duration,
        until: entry.until.to_string(),
        scenario: format!("tapline/{}", entry.detection()),
        simulated: false,
    })
}

impl DecisionFilter<'_> {
    fn selects(&self, decision: &Decision) -> bool {
        let any = |list: &str, is: &dyn Fn(&str) -> bool| {
            list.split(',').map(str::trim).filter(|word| !word.is_empty()).any(is)
        };
        let unless_empty = |list: &str, is: &dyn Fn(&str) -> bool| list.is_empty() || any(list, is);
        unless_empty(self.scopes, &|scope| scope.eq_ignore_ascii_case(decision.scope))
            && (self.value.is_empty() || self.value == decision.value)
            && unless_empty(self.origins, &|origin| origin == decision.origin)
            && unless_empty(self.containing, &|word| decision.scenario.contains(word))
            && !any(self.not_containing, &|word| decision.scenario.contains(word))
            && (self.remedy.is_empty() || self.remedy == decision.remedy)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::list::tests::{finding, list};

    fn snapshot(dry_run: bool) -> Snapshot {
        let mut list = list(|config| config.entry_seconds = 5_000);
        list.note(&finding(1, 1_000, &["203.0.113.9"]), true);
        list.note(&finding(2, 3_000, &["2001:db8::9"]), true);
        list.note(&finding(3, 3_000, &[]), false);
        list.tick(Timestamp::from_seconds(6_010));
        Snapshot {
            now: list.now(),
            dry_run,
            entries: list.entries().cloned().collect(),
            ended: list.ended().cloned().collect(),
            counts: list.counts(),
        }
    }

    #[test]
    fn a_stream_is_what_a_bouncer_reads() {
        let stream = stream(&snapshot(false), DecisionFilter::default());
        expect![[r#"
            {
              "new": [
                {
                  "id": 2,
                  "origin": "tapline",
                  "type": "ban",
                  "scope": "Ip",
                  "value": "2001:db8::9",
                  "duration": "0h33m10s",
                  "until": "1970-01-01T02:13:20.000000000Z",
                  "scenario": "tapline/path_scanner",
                  "simulated": false
                }
              ],
              "deleted": [
                {
                  "id": 1,
                  "origin": "tapline",
                  "type": "ban",
                  "scope": "Ip",
                  "value": "203.0.113.9",
                  "duration": "-10s",
                  "until": "1970-01-01T01:40:00.000000000Z",
                  "scenario": "tapline/path_scanner",
                  "simulated": false
                }
              ]
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&stream).unwrap());
    }

    #[test]
    fn a_dry_run_bans_nobody_and_takes_back_what_was_told() {
        let stream = stream(&snapshot(true), DecisionFilter::default());
        assert_eq!((stream.new.len(), stream.deleted.len()), (0, 2));
    }

    #[test]
    fn filters_select() {
        let count = |filter| decisions(&snapshot(false), filter).len();
        let all = DecisionFilter::default();
        assert_eq!(count(all), 1);
        assert_eq!(count(DecisionFilter { scopes: "ip,range", ..all }), 1);
        assert_eq!(count(DecisionFilter { scopes: "country", ..all }), 0);
        assert_eq!(count(DecisionFilter { value: "2001:db8::9", ..all }), 1);
        assert_eq!(count(DecisionFilter { value: "203.0.113.9", ..all }), 0, "it has ended");
        assert_eq!(count(DecisionFilter { origins: "cscli,tapline", ..all }), 1);
        assert_eq!(count(DecisionFilter { origins: "cscli", ..all }), 0);
        assert_eq!(count(DecisionFilter { containing: "scanner", ..all }), 1);
        assert_eq!(count(DecisionFilter { not_containing: "scanner", ..all }), 0);
        assert_eq!(count(DecisionFilter { remedy: "captcha", ..all }), 0);
    }
}
