//! What the counts say: what is required, an enumeration, a format, a map, a tagged union.

use std::collections::{BTreeMap, BTreeSet};

use tapline_model::{
    EnumView, FieldDelta, FieldKey, FieldName, JsonKind, Presence, TagCounts, TagValue, TextFormat,
};

use super::Field;

/// Cases without a miss after which something is said to be required.
const REQUIRED_MIN: u64 = 30;
/// Cases without a miss after which that is certain.
const CERTAIN_MIN: u64 = 300;
/// Texts after which they have a format.
const FORMAT_MIN: u64 = 20;
/// Values after which they may be an enumeration, and how many of each distinct one.
const ENUM_MIN: u64 = 50;
const ENUM_EACH_MIN: u64 = 20;
/// Numbers repeat by chance more than words do.
const ENUM_EACH_INTEGER_MIN: u64 = 100;
/// An enumeration misses at most one value of so many.
const ENUM_UNSEEN_ONE_IN: u64 = 200;
/// Members that only a map has, when all hold the same.
const MAP_MEMBERS: usize = 100;
/// Members that are missing at times, likewise.
const MAP_OPTIONAL: usize = 50;
/// Members whose names begin with a digit, likewise.
const MAP_DIGITS: usize = 9;
/// Members that only a map has, whatever they hold.
const MAP_MEMBERS_MAX: usize = 500;
/// Kinds of objects in a tagged union.
const VARIANTS_MAX: usize = 4;
/// Objects of each of them.
const VARIANT_MIN: u64 = 20;

/// How sure it is that what was there `present` times of `of` is always there.
pub(in crate::inventory) const fn presence(present: u64, of: u64) -> Presence {
    if present < of {
        Presence::Optional
    } else if of < REQUIRED_MIN {
        Presence::Unsure
    } else if of < CERTAIN_MIN {
        Presence::Required
    } else {
        Presence::Certain
    }
}

/// The least share that is likely, at 95 % confidence: by the rule of three, or Wilson's lower bound.
///
/// Source: Wilson, "Probable inference", JASA 1927; Hanley and Lippman-Hand, "If nothing goes
/// wrong, is everything all right?", JAMA 1983.
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(in crate::inventory) fn share_min(present: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    let n = of as f64;
    if present >= of {
        return four_decimals((1.0 - 3.0 / n).max(0.0));
    }
    // One-sided: five of a hundred lie below.
    let z2 = 1.644_853_6_f64.powi(2);
    let p = present as f64 / n;
    let spread = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt();
    four_decimals(((p + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)).max(0.0))
}

fn four_decimals(share: f64) -> f64 {
    (share * 10_000.0).floor() / 10_000.0
}

/// The format of nearly all texts.
pub(super) fn format(seen: &FieldDelta) -> Option<TextFormat> {
    let texts = seen.count(JsonKind::String).saturating_sub(seen.empty);
    let (&format, &count) = seen.formats.iter().max_by_key(|&(_, count)| count)?;
    (texts >= FORMAT_MIN && count.saturating_mul(100) >= texts.saturating_mul(95)).then_some(format)
}

/// The enumeration that the values are, if they are one.
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(super) fn enumeration(seen: &FieldDelta) -> Option<EnumView> {
    let few = seen.values.few().filter(|few| !few.is_empty())?;
    let texts = seen.count(JsonKind::String).saturating_sub(seen.empty);
    let integers = seen.count(JsonKind::Integer);
    let n: u64 = few.values().map(|value| value.count).sum();
    // Where some values were not told apart, the others say nothing about all.
    if n < texts + integers || seen.count(JsonKind::Number) > 0 {
        return None;
    }
    let each = if integers > 0 { ENUM_EACH_INTEGER_MIN } else { ENUM_EACH_MIN };
    let once = few.values().filter(|value| value.count == 1).count() as u64;
    let is_enough = n >= ENUM_MIN.max(each.saturating_mul(few.len() as u64));
    if !is_enough || once.saturating_mul(ENUM_UNSEEN_ONE_IN) > n {
        return None;
    }
    let shown = few.values().filter(|value| value.witnesses.are_several());
    let mut values: Vec<(String, u64)> =
        shown.filter_map(|value| Some((value.text.as_ref()?.to_string(), value.count))).collect();
    if values.is_empty() {
        return None;
    }
    values.sort_by(|(left, more), (right, most)| most.cmp(more).then_with(|| left.cmp(right)));
    let hidden = (few.len() - values.len()) as u64;
    Some(EnumView { values, hidden, unseen: four_decimals(once as f64 / n as f64) })
}

/// Whether the members of an object are those of a map rather than of a record: many, under names
/// that nobody would give to fields, and all alike.
///
/// Source: akita-libs `infer_maps.go`, whose thresholds these are; that all are alike keeps large
/// records apart.
pub(super) fn looks_like_map(fields: &BTreeMap<FieldKey, Field>, object: FieldKey) -> bool {
    let Some(holder) = fields.get(&object) else { return false };
    let members = || {
        fields.values().filter(|field| field.seen.parent == object).filter_map(|field| match &field
            .seen
            .name
        {
            FieldName::Member(name) => Some((name, field)),
            _ => None,
        })
    };
    let all = members().count();
    if all > MAP_MEMBERS_MAX {
        return true;
    }
    let is_optional =
        |field: &Field| field.seen.present < holder.seen.objects.saturating_sub(field.missed);
    let optional = members().filter(|(_, field)| is_optional(field)).count();
    let digits = members()
        .filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit()))
        .count();
    (all > MAP_MEMBERS || optional > MAP_OPTIONAL || digits > MAP_DIGITS)
        && are_alike(members().map(|(_, field)| &field.seen))
}

/// Whether all hold one type, nulls apart.
fn are_alike<'a>(members: impl Iterator<Item = &'a FieldDelta>) -> bool {
    let types =
        members.flat_map(|seen| JsonKind::ALL.iter().copied().filter(|&kind| seen.count(kind) > 0));
    let types: BTreeSet<JsonKind> = types
        .filter(|&kind| kind != JsonKind::Null)
        .map(|kind| if kind == JsonKind::Integer { JsonKind::Number } else { kind })
        .collect();
    types.len() <= 1
}

/// The tag that tells kinds of objects apart best: that whose value decides which of the members are
/// there that are missing at times. The fewer members are left undecided, the better.
///
/// Source: Klessinger et al., "Extracting JSON Schemas with tagged unions", CEUR
/// Workshop Proceedings 3306, 2022.
pub(super) fn best_tag(seen: &FieldDelta) -> Option<(FieldKey, Vec<&TagValue>)> {
    let judged = seen.tags.iter().filter_map(|(&tag, counts)| {
        let kinds = kinds_of(counts, seen.objects)?;
        Some((decided_by(&kinds)?, std::cmp::Reverse(tag), kinds))
    });
    let best = judged.max_by_key(|(decided, tag, _)| (*decided, *tag))?;
    Some((best.1.0, best.2))
}

/// The values of a tag that every object has.
fn kinds_of(counts: &TagCounts, objects: u64) -> Option<Vec<&TagValue>> {
    let values = counts.values()?;
    let is_certain = |kind: &TagValue| {
        kind.objects >= VARIANT_MIN
            && kind.text.is_some()
            && kind.witnesses.are_several()
            && kind.members.len() < TagCounts::MEMBERS_MAX
    };
    let is_union = (2..=VARIANTS_MAX).contains(&values.len())
        && values.values().map(|kind| kind.objects).sum::<u64>() == objects
        && values.values().all(is_certain);
    is_union.then(|| values.values().collect())
}

/// How many members are always there with some values and never with the others, if nearly all are
/// that are missing at times.
fn decided_by(kinds: &[&TagValue]) -> Option<usize> {
    let members: BTreeSet<FieldKey> =
        kinds.iter().flat_map(|kind| kind.members.keys().copied()).collect();
    let (mut decided, mut undecided) = (0, 0);
    for member in members {
        let shares = kinds
            .iter()
            .map(|kind| (kind.members.get(&member).copied().unwrap_or(0), kind.objects));
        let is_always = shares.clone().all(|(present, of)| present == of);
        let is_decided = shares.clone().all(|(present, of)| present == 0 || present == of);
        match (is_always, is_decided) {
            (true, _) => {}
            (false, true) => decided += 1,
            (false, false) => undecided += 1,
        }
    }
    (decided > 0 && decided >= 4 * undecided).then_some(decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_required_that_was_missing_once_or_hardly_seen() {
        assert_eq!(presence(299, 300), Presence::Optional);
        assert_eq!(presence(29, 29), Presence::Unsure);
        assert_eq!(presence(30, 30), Presence::Required);
        assert_eq!(presence(300, 300), Presence::Certain);
        assert_eq!(presence(0, 0), Presence::Unsure);
    }

    #[test]
    fn shares_are_bounded_from_below() {
        // By hand: 1 - 3/300; Wilson of 90 in 100 and 5 in 10 with z = 1.6449.
        for (present, of, expected) in [
            (300, 300, 0.99),
            (2, 2, 0.0),
            (0, 0, 0.0),
            (90, 100, 0.8396),
            (5, 10, 0.2692),
            (0, 50, 0.0),
        ] {
            let share = share_min(present, of);
            assert!((share - expected).abs() < 0.000_2, "{present} of {of}: {share}");
        }
    }
}
