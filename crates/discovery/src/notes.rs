//! Notes of what documents are made of: places, types, formats, and of values no more than may be
//! known.

use compact_str::{CompactString, ToCompactString, format_compact};
use tapline_model::{
    ClassSet, Document, FieldNote, FieldNotes, FieldPart, JsonKind, ObjectPlace, ObjectRef,
    Objects, Span, TextFormat, ValueKind, ValueNote, integer_hash,
};

use crate::class::{self, Hints};
use crate::names::{Names, NodeId, Purpose};
use crate::objects::Id;
use crate::sensitive::names::Openness;
use crate::{lexical, sensitive};

/// Characters of a text that may be one of few.
const SHORT_CHARS_MAX: usize = 40;
/// Bytes of a text by which it is told from others.
const HASHED_BYTES_MAX: usize = 256;
/// Greatest integer that may be one of few and be shown.
const SMALL_MAX: u128 = 9_999;
/// Greatest integer that is too short for an identifier.
const SHORT_NUMBER_MAX: u128 = 9_999_999;
/// Whole numbers up to here have two digits.
const EXACT_MAX: f64 = 99.0;

/// Names below the whole document where records are looked for: `data.items`.
const RECORDS_DEPTH_MAX: u64 = 2;

/// The object or array that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    /// Its place among the notes of its document.
    note: u32,
    /// Its members leave this on their names.
    stamp: u64,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The name that leads to it.
    pub(crate) node: NodeId,
    /// What holds it; none of the whole document.
    pub(crate) holder: Option<Holder>,
}

/// Takes the notes of one transaction after another.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    taken: FieldNotes,
    /// What was found of objects.
    pub(crate) objects: Objects,
    /// References in the document, by the sort of thing; and whether there were more.
    references: Vec<(u64, Id)>,
    is_reference_missed: bool,
    /// Where the document begins.
    start: usize,
    fields_max: usize,
    /// A value of the document found no room: what is still open may lack more than it seems.
    is_full: bool,
    /// Elements of the longest array of the document, as far as they are records.
    records: Option<u64>,
    /// Values that found no room.
    pub(crate) over_max: u64,
}

impl Notes {
    /// Begins a transaction: at most `fields_max` notes of each document.
    pub(crate) fn start(&mut self, fields_max: usize) {
        self.taken.clear();
        self.objects.clear();
        self.fields_max = fields_max;
        self.over_max = 0;
    }

    /// How many notes there are.
    pub(crate) const fn len(&self) -> usize {
        self.taken.notes.len()
    }

    /// Hands over what was taken, in exchange for a buffer.
    pub(crate) fn swap(&mut self, buffer: &mut FieldNotes, objects: &mut Objects) {
        if !self.taken.is_empty() || !buffer.is_empty() {
            std::mem::swap(&mut self.taken, buffer);
        }
        std::mem::swap(&mut self.objects, objects);
    }

    /// Begins a document.
    pub(crate) fn begin(&mut self) {
        self.start = self.taken.notes.len();
        self.is_full = false;
        self.records = None;
        self.references.clear();
        self.is_reference_missed = false;
    }

    /// Ends a document.
    pub(crate) fn finish(&mut self, part: FieldPart) {
        if matches!(part, FieldPart::Response(200..300, _)) {
            self.taken.records = self.records;
        }
        self.settle_references(&part);
        let notes = self.start..self.taken.notes.len();
        self.taken.documents.push(Document { part, notes });
    }

    /// What a request refers to it asks for; what a success refers to is known from then on.
    fn settle_references(&mut self, part: &FieldPart) {
        let Self { objects, references, .. } = self;
        match part {
            FieldPart::Request(_) => {
                for &(noun, id) in references.iter() {
                    let place = ObjectPlace::Named(noun);
                    objects.ask(ObjectRef { place, object: id.object, near: id.near });
                }
            }
            FieldPart::Response(200..300, _) => {
                for (_, id) in references.iter() {
                    objects.serve(id.object);
                }
                objects.is_blind |= self.is_reference_missed;
            }
            _ => {}
        }
    }

    /// Notes the id under a name, if that is one of an object.
    pub(crate) fn refer(&mut self, node: NodeId, names: &Names, id: impl FnOnce() -> Option<Id>) {
        let Purpose::Reference(noun) = names.purpose(node) else { return };
        if self.references.len() > Objects::SERVED_MAX {
            self.is_reference_missed = true;
        } else if let Some(id) = id() {
            self.references.push((noun, id));
        }
    }

    /// A part of the document was not looked into: it may hold references.
    pub(crate) const fn miss_references(&mut self) {
        self.is_reference_missed = true;
    }

    /// Forgets what was noted of a document: it is not what it claims to be.
    pub(crate) fn discard(&mut self) {
        self.taken.notes.truncate(self.start);
        self.begin();
    }

    /// Notes an object or array that is going to be read.
    pub(crate) fn open(&mut self, spot: Spot, kind: JsonKind, names: &mut Names) -> Option<Holder> {
        let note = self.place();
        self.push(spot, kind, names)?;
        Some(Holder { note, stamp: names.new_stamp() })
    }

    /// An array had so many elements, or more: it may have been cut short.
    pub(crate) fn count_elements(&mut self, holder: Option<Holder>, elements: usize) {
        let at = holder.map(|holder| self.start + holder.note as usize);
        let note = at.and_then(|at| self.taken.notes.get(at));
        if note.is_some_and(|note| note.field.depth() <= RECORDS_DEPTH_MAX) {
            self.records = self.records.max(Some(elements as u64));
        }
    }

    /// It was read to its end: what it does not have is missing.
    pub(crate) fn close(&mut self, holder: Option<Holder>, elements: Option<usize>) {
        let Some(holder) = holder else { return };
        let (is_full, end) = (self.is_full, self.place());
        let at = self.start + holder.note as usize;
        if let Some(note) = self.taken.notes.get_mut(at) {
            note.end = end;
            note.is_whole = note.kind == JsonKind::Object && !is_full;
            note.size = elements.map_or(Span::NONE, Span::of_size);
        }
    }

    /// Notes a value of which no more than the type is known.
    pub(crate) fn kind(&mut self, spot: Spot, kind: JsonKind, names: &mut Names) {
        self.push(spot, kind, names);
    }

    /// Notes a file, or another text of which the format alone is to be known.
    pub(crate) fn format(
        &mut self,
        spot: Spot,
        (kind, format): (JsonKind, Option<TextFormat>),
        names: &mut Names,
    ) {
        if let Some(note) = self.push(spot, kind, names) {
            note.format = format;
        }
    }

    /// Notes a whole number.
    pub(crate) fn integer(&mut self, spot: Spot, integer: i128, names: &mut Names) {
        self.refer(spot.node, names, || Some(Id::of_integer(names.key(), integer)));
        let openness = openness(spot, names);
        let value = (openness != Openness::Secret).then(|| integer_note(integer, openness, names));
        let hints = hints(spot, names);
        // Fewer digits are no number of anybody's, unless the name says so.
        let classed = (integer.unsigned_abs() > SHORT_NUMBER_MAX || !hints.any().is_empty())
            .then(|| Classed::of(format_compact!("{integer}").as_bytes(), hints, names));
        let Some(note) = self.push(spot, JsonKind::Integer, names) else { return };
        if let Some(value) = value {
            note.value = value;
            #[expect(clippy::cast_precision_loss, reason = "two digits are kept")]
            let number = rounded(integer as f64);
            note.number = number;
        }
        classed.unwrap_or_default().write(note);
    }

    /// Notes a number with a fraction or an exponent.
    pub(crate) fn number(&mut self, spot: Spot, number: f64, names: &mut Names) {
        let is_secret = openness(spot, names) == Openness::Secret;
        let hints = hints(spot, names);
        let classed = (!hints.any().is_empty())
            .then(|| Classed::of(format_compact!("{number}").as_bytes(), hints, names));
        if let Some(note) = self.push(spot, JsonKind::Number, names) {
            classed.unwrap_or_default().write(note);
            if !is_secret {
                note.number = rounded(number);
            }
        }
    }

    /// Notes a text.
    pub(crate) fn text(&mut self, spot: Spot, text: &[u8], names: &mut Names) {
        self.refer(spot.node, names, || Id::of_text(names.key(), text));
        let format = lexical::text_format(text);
        let openness = openness(spot, names);
        let chars = text.iter().filter(|&byte| byte & 0xC0 != 0x80).count();
        let value = match (openness, format) {
            // Of persons and secrets not even their number is known.
            (Openness::Secret, _)
            | (_, Some(TextFormat::Jwt | TextFormat::Email | TextFormat::Phone)) => None,
            _ => text_note(text, chars, openness, names),
        };
        let classed = Classed::of(text, hints(spot, names), names);
        let Some(note) = self.push(spot, JsonKind::String, names) else { return };
        note.format = format;
        note.value = value;
        classed.write(note);
        if openness != Openness::Secret {
            note.size = Span::of_size(chars);
        }
    }

    /// Notes a value that was sent as text, but not as JSON: what it reads as.
    pub(crate) fn sent(&mut self, spot: Spot, text: &[u8], names: &mut Names) {
        let parsed = || std::str::from_utf8(text).ok();
        match lexical::value_kind(text) {
            ValueKind::Null => self.kind(spot, JsonKind::Null, names),
            ValueKind::Boolean => self.kind(spot, JsonKind::Boolean, names),
            ValueKind::Integer => match parsed().and_then(|text| text.parse().ok()) {
                Some(integer) => self.integer(spot, integer, names),
                None => self.kind(spot, JsonKind::Integer, names),
            },
            ValueKind::Number => match parsed().and_then(|text| text.parse().ok()) {
                Some(number) => self.number(spot, number, names),
                None => self.kind(spot, JsonKind::Number, names),
            },
            _ => self.text(spot, text, names),
        }
    }

    /// The place of the next note in its document.
    fn place(&self) -> u32 {
        u32::try_from(self.taken.notes.len() - self.start).unwrap_or(u32::MAX)
    }

    fn push(&mut self, spot: Spot, kind: JsonKind, names: &mut Names) -> Option<&mut FieldNote> {
        let place = self.place();
        if place as usize >= self.fields_max {
            self.over_max += 1;
            self.is_full = true;
            return None;
        }
        let is_repeat =
            spot.holder.is_some_and(|holder| names.is_in_object(spot.node, holder.stamp));
        let node = names.get(spot.node)?;
        self.taken.notes.push(FieldNote {
            field: node.field,
            name: node.name.clone(),
            parent: spot.holder.map_or(place, |holder| holder.note),
            end: place + 1,
            kind,
            is_whole: false,
            is_repeat,
            is_tag: node.is_tag && kind == JsonKind::String,
            format: None,
            key_class: node.key_class,
            number: Span::NONE,
            size: Span::NONE,
            value: None,
            classes: ClassSet::NONE,
            sample: None,
        });
        self.taken.notes.last_mut()
    }
}

/// The classes that a value is valid for.
#[derive(Debug, Default)]
struct Classed {
    classes: ClassSet,
    sample: Option<u16>,
}

impl Classed {
    fn of(text: &[u8], hints: Hints, names: &Names) -> Self {
        let classes = class::classes_of(text, hints);
        // Where the name says the class, that values differ proves nothing.
        let sample = (!classes.without(hints.strong).is_empty()).then(|| {
            let hashed = names.text_hash(text.get(..HASHED_BYTES_MAX).unwrap_or(text));
            let [.., high, low] = hashed.to_be_bytes();
            u16::from_be_bytes([high, low])
        });
        Self { classes, sample }
    }

    fn write(self, note: &mut FieldNote) {
        note.classes = self.classes;
        note.sample = self.sample;
        if !self.classes.is_empty()
            && let Some(value) = &mut note.value
        {
            // It may be somebody's.
            value.text = None;
        }
    }
}

fn hints(spot: Spot, names: &Names) -> Hints {
    names.get(spot.node).map_or(Hints::default(), |node| node.hints)
}

fn openness(spot: Spot, names: &Names) -> Openness {
    names.get(spot.node).map_or(Openness::Secret, |node| node.openness)
}

fn integer_note(integer: i128, openness: Openness, names: &Names) -> Option<ValueNote> {
    let is_small = integer.unsigned_abs() <= SMALL_MAX;
    if !is_small && sensitive::is_card_number(format_compact!("{integer}").as_bytes()) {
        return None;
    }
    Some(ValueNote {
        hash: integer_hash(names.key(), integer),
        text: (is_small && openness == Openness::Open).then(|| integer.to_compact_string()),
        is_long: false,
    })
}

fn text_note(text: &[u8], chars: usize, openness: Openness, names: &Names) -> Option<ValueNote> {
    if text.is_empty() || sensitive::is_card_number(text) {
        return None;
    }
    let is_long = chars > SHORT_CHARS_MAX;
    let is_plain = !is_long && openness == Openness::Open && lexical::is_plain(text);
    let shown = if is_plain { std::str::from_utf8(text).ok() } else { None };
    Some(ValueNote {
        hash: names.text_hash(text.get(..HASHED_BYTES_MAX).unwrap_or(text)),
        text: shown.map(CompactString::from),
        is_long,
    })
}

/// A number, rounded outward to two significant digits.
fn rounded(number: f64) -> Span {
    if !number.is_finite() {
        return Span::NONE;
    }
    if number.abs() <= EXACT_MAX && number.fract().abs() <= 0.0 {
        return Span::of_numbers(number, number);
    }
    if let Some((low, high)) = rounded_by_power(number.abs()) {
        return if number < 0.0 {
            Span::of_numbers(-high, -low)
        } else {
            Span::of_numbers(low, high)
        };
    }
    rounded_by_text(number)
}

fn rounded_by_text(number: f64) -> Span {
    let text = format_compact!("{:e}", number.abs());
    let Some((digits, exponent)) = text.split_once('e') else { return Span::NONE };
    let Ok(exponent) = exponent.parse::<i32>() else { return Span::NONE };
    let mut digits = digits.bytes().filter(u8::is_ascii_digit).map(|digit| u32::from(digit - b'0'));
    let two = digits.next().unwrap_or(0) * 10 + digits.next().unwrap_or(0);
    let more = u32::from(digits.any(|digit| digit > 0));
    let value = |two: u32| format_compact!("{two}e{}", exponent - 1).parse::<f64>().ok();
    match (value(two), value(two + more)) {
        (Some(low), Some(high)) if number < 0.0 => Span::of_numbers(-high, -low),
        (Some(low), Some(high)) => Span::of_numbers(low, high),
        _ => Span::NONE,
    }
}

/// The nearest numbers of two digits around one that is neither very great nor very small, as their
/// decimal form reads: the quotient of two numbers that are exact is the one nearest to it.
fn rounded_by_power(number: f64) -> Option<(f64, f64)> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (two, low, next) = if number >= 100.0 {
        let power = *POWERS.get(1..)?.iter().find(|&power| number < power * 100.0)?;
        let two = (number / power).floor();
        (two, two * power, (two + 1.0) * power)
    } else {
        let power = *POWERS.iter().find(|&power| number * power >= 10.0)?;
        let two = (number * power).floor();
        (two, two / power, (two + 1.0) / power)
    };
    // Where rounding went over a border the long way is taken.
    if !(10.0..=99.0).contains(&two) || !(low..next).contains(&number) {
        return None;
    }
    Some((low, if number > low { next } else { low }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_two_digits() {
        for (number, low, high) in [
            (0.0, 0.0, 0.0),
            (42.0, 42.0, 42.0),
            (-99.0, -99.0, -99.0),
            (100.0, 100.0, 100.0),
            (4_111_111_111_111_111.0, 4.1e15, 4.2e15),
            (-1234.0, -1300.0, -1200.0),
            (0.12345, 0.12, 0.13),
            (99.5, 99.0, 100.0),
            (5e-324, 4.9e-324, 5e-324),
        ] {
            assert_eq!(rounded(number).numbers(), Some((low, high)), "{number}");
        }
        assert_eq!(rounded(f64::MAX).numbers().map(|(low, _)| low), Some(1.7e308));
        assert_eq!(rounded(f64::INFINITY), Span::NONE);
    }

    proptest! {
        #[test]
        fn both_ways_of_rounding_agree(number in 1e-12..1e17f64, places in 0..6_i32) {
            let scale = 10f64.powi(places);
            for number in [number, (number * scale).round() / scale, 1.0 / number] {
                if let Some(both) = rounded_by_power(number) {
                    prop_assert_eq!(Some(both), rounded_by_text(number).numbers(), "{}", number);
                }
            }
        }

        #[test]
        fn rounding_goes_outward_and_not_far(number in prop::num::f64::NORMAL) {
            let (low, high) = rounded(number).numbers().unwrap();
            prop_assert!(low <= number && number <= high);
            prop_assert!(high.is_infinite() || high - low <= number.abs() / 9.9);
        }
    }
}
