//! Which fields hold sensitive data: what the counts and the names of one endpoint come to.

use std::collections::BTreeMap;

use tapline_model::{
    ClassCounts, DataClass, DataFieldView, DataPlace, FieldDelta, FieldKey, FieldName, FieldPart,
};

use super::{Field, Schemas};
use crate::class::{self, Counted, Hints, Verdict};

/// Levels that a field's name is followed up: no body is deeper.
const LEVELS_MAX: usize = 255;
/// Bytes of a field's name that are shown.
const SHOWN_BYTES_MAX: usize = 256;

/// What is known of the class of one field.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    hints: Hints,
    /// The whole path, as it is shown.
    path: String,
    verdict: Option<Verdict>,
}

/// A field of a class, seen just now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) place: DataPlace,
    pub(crate) field: &'a str,
    pub(crate) class: DataClass,
    pub(crate) values: u64,
    /// Transactions that were looked into before the field came, if it came late.
    pub(crate) came_after: Option<u64>,
}

impl Seen<'_> {
    /// Whether somebody should know: it is where it need not be, or it was not there before.
    pub(crate) const fn is_telling(&self) -> bool {
        let in_answer = matches!(self.place, DataPlace::Response)
            && (self.class.is_credential() || self.class.is_authentication_data());
        in_answer || self.place.is_url() || self.came_after.is_some()
    }

    /// Whether an answer tells something of a person.
    pub(crate) const fn is_personal(&self) -> bool {
        matches!(self.place, DataPlace::Response) && self.class.is_personal()
    }
}

/// Where the fields of a part stand, and of answers with which status.
pub(super) const fn place_of(part: &FieldPart) -> (DataPlace, Option<u16>) {
    match part {
        FieldPart::Query => (DataPlace::Query, None),
        FieldPart::Header => (DataPlace::Header, None),
        FieldPart::Cookie => (DataPlace::Cookie, None),
        FieldPart::Request(_) => (DataPlace::Request, None),
        FieldPart::Response(status, _) => (DataPlace::Response, Some(*status)),
    }
}

/// Judges a field anew. Its verdict is that of all values so far.
pub(super) fn judge(fields: &mut BTreeMap<FieldKey, Field>, place: FieldKey) {
    let Some(field) = fields.get(&place) else { return };
    let mut judged = if let Some(judged) = &field.judged {
        judged.as_ref().clone()
    } else {
        let (names, path) = path(fields, place);
        Judged { hints: class::hints(&names), path, verdict: None }
    };
    judged.verdict = verdict(&field.seen, &judged.hints);
    if let Some(field) = fields.get_mut(&place) {
        field.judged = Some(Box::new(judged));
    }
}

fn verdict(seen: &FieldDelta, hints: &Hints) -> Option<Verdict> {
    class::judge(Counted {
        values: seen.classifiable(),
        valid: seen.classes.valid.iter().map(|(&class, &count)| (class, count)),
        distinct: seen.classes.samples.len(),
        hints,
    })
}

/// The members that lead to a place, as the worker spelled them, and the path as it is shown.
fn path(fields: &BTreeMap<FieldKey, Field>, place: FieldKey) -> (String, String) {
    let mut steps = Vec::new();
    let mut at = place;
    while let Some(field) = fields.get(&at)
        && field.seen.name != FieldName::Root
        && steps.len() < LEVELS_MAX
    {
        steps.push(&field.seen.name);
        at = field.seen.parent;
    }
    let (mut names, mut shown) = (Vec::new(), String::new());
    for step in steps.into_iter().rev() {
        let text = match step {
            FieldName::Root => continue,
            FieldName::Element => {
                shown.push_str("[]");
                continue;
            }
            FieldName::AnyMember => "*",
            FieldName::Member(name) => {
                names.push(name.as_str());
                name
            }
        };
        if !shown.is_empty() {
            shown.push('.');
        }
        shown.push_str(text);
    }
    let from = names.len().saturating_sub(class::MEMBERS_MAX);
    let names = names.get(from..).unwrap_or_default().join(".");
    if shown.len() > SHOWN_BYTES_MAX {
        // The last names say more than the first.
        shown = shown.split_off(shown.ceil_char_boundary(shown.len() - SHOWN_BYTES_MAX));
    }
    (names, shown)
}

impl Field {
    /// Its class, once it is certain.
    fn class(&self) -> Option<(&Judged, Verdict)> {
        let judged = self.judged.as_deref()?;
        Some((judged, judged.verdict?))
    }

    /// What it is a sighting of, when `counts` came just now.
    fn seen_now(&self, part: &FieldPart, counts: &ClassCounts) -> Option<Seen<'_>> {
        let (judged, verdict) = self.class()?;
        let &values = counts.valid.get(&verdict.class)?;
        let (place, field, class) = (place_of(part).0, judged.path.as_str(), verdict.class);
        Some(Seen { place, field, class, values, came_after: self.came_after })
    }
}

impl Schemas {
    /// The fields of a class among those that got something just now.
    pub(crate) fn seen_now(&self) -> impl Iterator<Item = Seen<'_>> {
        self.evident.iter().filter_map(|(part, place, counts)| {
            let (name, known) = self.parts.get_key_value(part)?;
            known.fields.get(place)?.seen_now(name, counts)
        })
    }

    /// Every field that holds sensitive data, by place, status and name.
    pub(crate) fn data(&self) -> Vec<DataFieldView> {
        let mut all = Vec::new();
        for (name, part) in &self.parts {
            let (place, status) = place_of(name);
            all.extend(part.fields.values().filter_map(|field| {
                let (judged, verdict) = field.class()?;
                #[expect(clippy::cast_precision_loss, reason = "a share of a thousand")]
                let share = verdict.share as f64 / 1_000.0;
                Some(DataFieldView {
                    place,
                    status,
                    field: judged.path.clone(),
                    class: verdict.class,
                    share,
                    values: field.seen.classifiable(),
                    named: verdict.named,
                    is_new: field.came_after.is_some(),
                })
            }));
        }
        all.sort_by(|left, right| {
            let key = |it: &DataFieldView| (it.place, it.status, it.class);
            key(left).cmp(&key(right)).then_with(|| left.field.cmp(&right.field))
        });
        all
    }
}
