//! What operators' orders make of the verdicts that are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tapline_model::{
    About, CaseKey, Finding, Order, OrderError, OrderKind, Scope, Timestamp, Verdict, VerdictKind,
    Verdicts,
};

/// The version of what [`Triage::encode`] writes.
const VERSION: u32 = 1;
/// Verdicts that are kept at once; a full table takes none.
const VERDICTS_MAX: usize = 10_000;
/// Of those, how many are about more than one case: every finding is held against each.
const SCOPES_MAX: usize = 256;
/// Characters of who says something.
const BY_CHARS_MAX: usize = 64;
/// Characters of why.
const COMMENT_CHARS_MAX: usize = 1_000;
/// No file says that more were given: counting on shall not overflow.
const IDS_MAX: u64 = u64::MAX / 2;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const DAY_SECONDS: u64 = 86_400;
/// How long somebody sees to a case.
const ACKNOWLEDGED_SECONDS: u64 = 7 * DAY_SECONDS;
/// How long a case that was none is none when it opens again: not for ever, for things change.
const FALSE_POSITIVE_SECONDS: u64 = 30 * DAY_SECONDS;
/// The shortest and the longest time that findings are muted for.
const MUTED_SECONDS: std::ops::RangeInclusive<u64> = 60..=366 * DAY_SECONDS;

/// Why kept verdicts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// They are not what [`Triage::encode`] writes.
    #[error("it is not a file of verdicts: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("it is of version {0}, this sensor reads version {VERSION}")]
    Version(u32),
    /// They pass a bound that this sensor keeps.
    #[error("it holds more than there can be")]
    TooMuch,
}

/// The verdicts that are kept. Times are wall-clock and arrive as arguments.
#[derive(Clone, Debug)]
pub struct Triage {
    next_id: u64,
    verdicts: BTreeMap<u64, Arc<Verdict>>,
}

#[derive(Deserialize)]
struct FileRead {
    next_id: u64,
    verdicts: Vec<Verdict>,
}

#[derive(Serialize)]
struct FileWritten<'a> {
    version: u32,
    next_id: u64,
    verdicts: Vec<&'a Verdict>,
}

impl Default for Triage {
    fn default() -> Self {
        Self { next_id: 1, verdicts: BTreeMap::new() }
    }
}

impl Triage {
    /// Carries out an order.
    ///
    /// # Errors
    /// When it contradicts itself or what is there; then nothing has changed.
    pub fn apply(&mut self, order: &Order, now: Timestamp) -> Result<(), OrderError> {
        self.verdicts.retain(|_, verdict| now < verdict.until);
        let (by, comment) = signature(&order.by, &order.comment)?;
        let case = |finding: &Finding| About::Case(CaseKey::of(finding));
        let (kind, finding, about, seconds) = match &order.what {
            OrderKind::Acknowledge(finding) => {
                (VerdictKind::Acknowledged, finding, case(finding), ACKNOWLEDGED_SECONDS)
            }
            OrderKind::FalsePositive(finding) => {
                (VerdictKind::FalsePositive, finding, case(finding), FALSE_POSITIVE_SECONDS)
            }
            OrderKind::Mute { finding, scope, seconds } => {
                check_mute(scope, *seconds)?;
                (VerdictKind::Muted, finding, About::Scope(scope.clone()), *seconds)
            }
            OrderKind::Reopen(finding) => return self.reopen(finding),
            OrderKind::Lift(id) => return self.lift(*id),
        };
        // The same said again replaces what was said.
        self.verdicts.retain(|_, known| known.kind != kind || known.about != about);
        let is_scope = |about: &About| matches!(about, About::Scope(_));
        let scopes = self.verdicts.values().filter(|known| is_scope(&known.about)).count();
        if self.verdicts.len() >= VERDICTS_MAX || (is_scope(&about) && scopes >= SCOPES_MAX) {
            let text = "as many verdicts hold as can be kept; lift some first";
            return Err(OrderError::Refused(text.to_owned()));
        }
        let id = self.next_id;
        self.next_id += 1;
        let verdict = Verdict {
            id,
            kind,
            about,
            finding: finding.id.clone(),
            detection: finding.detection.clone(),
            severity: finding.severity,
            at: now,
            until: now.plus_nanos(seconds.saturating_mul(NANOS_PER_SECOND)),
            by,
            comment,
        };
        self.verdicts.insert(id, Arc::new(verdict));
        Ok(())
    }

    /// For readers.
    pub fn verdicts(&self) -> Verdicts {
        Verdicts::new(self.verdicts.values().cloned().collect())
    }

    /// As bytes that [`Triage::decode`] reads.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&FileWritten {
            version: VERSION,
            next_id: self.next_id,
            verdicts: self.verdicts.values().map(AsRef::as_ref).collect(),
        })
    }

    /// From bytes that [`Triage::encode`] wrote.
    ///
    /// # Errors
    /// When they are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        // A later version may hold what this one does not know.
        let Head { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let FileRead { next_id, verdicts } = serde_json::from_slice(bytes)?;
        let fits = |verdict: &Verdict| {
            verdict.by.chars().count() <= BY_CHARS_MAX
                && verdict.comment.chars().count() <= COMMENT_CHARS_MAX
        };
        let scopes = verdicts.iter().filter(|one| matches!(one.about, About::Scope(_))).count();
        if verdicts.len() > VERDICTS_MAX || scopes > SCOPES_MAX || !verdicts.iter().all(fits) {
            return Err(DecodeError::TooMuch);
        }
        if next_id > IDS_MAX || verdicts.iter().any(|verdict| verdict.id > IDS_MAX) {
            return Err(DecodeError::TooMuch);
        }
        let verdicts: BTreeMap<u64, Arc<Verdict>> =
            verdicts.into_iter().map(|verdict| (verdict.id, Arc::new(verdict))).collect();
        let after = verdicts.last_key_value().map_or(1, |(id, _)| id + 1);
        Ok(Self { next_id: next_id.max(after), verdicts })
    }

    fn reopen(&mut self, finding: &Finding) -> Result<(), OrderError> {
        let case = About::Case(CaseKey::of(finding));
        let before = self.verdicts.len();
        self.verdicts.retain(|_, verdict| verdict.about != case);
        if self.verdicts.len() == before {
            let text = "nothing was said of this case alone; what mutes it is lifted by itself";
            return Err(OrderError::Refused(text.to_owned()));
        }
        Ok(())
    }

    fn lift(&mut self, id: u64) -> Result<(), OrderError> {
        match self.verdicts.remove(&id) {
            Some(_) => Ok(()),
            None => Err(OrderError::Refused(format!("there is no verdict {id}, or it has ended"))),
        }
    }
}

fn check_mute(scope: &Scope, seconds: u64) -> Result<(), OrderError> {
    if scope.is_everything() {
        let text = "that would mute everything; name a detection, host, endpoint or consumer";
        return Err(OrderError::Refused(text.to_owned()));
    }
    if !MUTED_SECONDS.contains(&seconds) {
        let (shortest, longest) = MUTED_SECONDS.into_inner();
        let text = format!("findings are muted for {shortest} to {longest} seconds");
        return Err(OrderError::Refused(text));
    }
    Ok(())
}

/// Who says something, and why, as it is kept.
///
/// # Errors
/// When nobody says it, or one is too long.
pub fn signature(by: &str, comment: &str) -> Result<(String, String), OrderError> {
    let by = text("who says so", by, 1, BY_CHARS_MAX)?;
    let comment = text("the comment", comment, 0, COMMENT_CHARS_MAX)?;
    Ok((by, comment))
}

/// A text of people, without what is around it and without characters that do not show.
fn text(what: &str, given: &str, chars_min: usize, chars_max: usize) -> Result<String, OrderError> {
    let text: String = given.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let chars = text.chars().count();
    if !(chars_min..=chars_max).contains(&chars) {
        let text = format!("{what} has {chars_min} to {chars_max} characters, not {chars}");
        return Err(OrderError::Refused(text));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
