//! What bodies look like, as a tree of fields that opens.

use tapline_model::{
    BodyDirection, BodyView, JsonKind, Presence, PropertyView, SchemaView, TextFormat, VariantsView,
};

use crate::number;
use crate::part::Meter;
use crate::text::{LISTED_MAX, shown};

/// Rows of all trees of a page; the API has them all.
const ROWS_MAX: usize = 600;
/// Trees of a page.
const BODIES_MAX: usize = 40;
/// Values of an enumeration that are listed.
const VALUES_MAX: usize = 20;
/// Levels that are open at first.
const OPEN_LEVELS: usize = 2;

/// The bodies of one direction, status and media type.
pub(crate) struct Body {
    pub(crate) title: String,
    pub(crate) media: String,
    pub(crate) tone: &'static str,
    pub(crate) count: String,
    pub(crate) presence: Meter,
    pub(crate) is_open: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) is_cut: bool,
}

/// One field, in the order in which a tree is written.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) types: Vec<(String, String)>,
    pub(crate) facts: String,
    pub(crate) presence: Option<(&'static str, Meter)>,
    /// Fields follow that it holds.
    pub(crate) holds: bool,
    pub(crate) is_open: bool,
    /// So many levels end behind it.
    pub(crate) closes: usize,
}

/// All trees of an endpoint, and how many there are besides.
pub(crate) fn bodies(bodies: &[BodyView]) -> (Vec<Body>, usize) {
    let mut left = ROWS_MAX;
    let trees = bodies.iter().take(BODIES_MAX).map(|body| tree(body, &mut left)).collect();
    (trees, bodies.len().saturating_sub(BODIES_MAX))
}

fn tree(body: &BodyView, left: &mut usize) -> Body {
    let (title, tone) = match (body.direction, body.status) {
        (BodyDirection::Request, _) => ("Request".to_owned(), "low"),
        (BodyDirection::Response, Some(status)) if status < 400 => {
            (format!("Response {status}"), "good")
        }
        (BodyDirection::Response, status) => {
            (format!("Response {}", status.unwrap_or_default()), "high")
        }
    };
    let mut writer = Writer { rows: Vec::new(), left: *left, is_cut: false };
    if body.schema.n > 0 {
        writer.write("body", &body.schema, None, 0);
    }
    *left = writer.left;
    Body {
        title,
        media: shown(&body.media, LISTED_MAX).into_owned(),
        tone,
        count: number::count(body.n),
        presence: Meter::new("usual", body.n, body.of),
        is_open: body.direction == BodyDirection::Request
            || body.status.is_some_and(|status| status < 300),
        rows: writer.rows,
        is_cut: writer.is_cut,
    }
}

/// Writes a tree as rows.
struct Writer {
    rows: Vec<Row>,
    left: usize,
    is_cut: bool,
}

impl Writer {
    fn write(
        &mut self,
        name: &str,
        schema: &SchemaView,
        presence: Option<(&'static str, Meter)>,
        depth: usize,
    ) {
        if self.left == 0 {
            self.is_cut = true;
            return;
        }
        self.left -= 1;
        let place = self.rows.len();
        self.rows.push(Row {
            name: shown(name, LISTED_MAX).into_owned(),
            types: types(schema),
            facts: facts(schema),
            presence,
            holds: false,
            is_open: depth < OPEN_LEVELS,
            closes: 0,
        });
        for property in &schema.properties {
            let presence = Some(presence_of(property));
            self.write(&property.name, &property.schema, presence, depth + 1);
        }
        if let Some(items) = &schema.items {
            self.write("each element", items, None, depth + 1);
        }
        if let Some(map) = &schema.additional {
            let keys: Vec<&str> = map.keys.iter().take(3).map(|(key, _)| key.as_str()).collect();
            let name = format!("each member, named by {}", keys.join(" or "));
            self.write(&name, &map.schema, None, depth + 1);
        }
        if self.rows.len() > place + 1 {
            if let Some(row) = self.rows.get_mut(place) {
                row.holds = true;
            }
            if let Some(last) = self.rows.last_mut() {
                last.closes += 1;
            }
        }
    }
}

fn presence_of(property: &PropertyView) -> (&'static str, Meter) {
    let word = match property.presence {
        Presence::Optional => "optional",
        Presence::Unsure => "always so far",
        Presence::Required | Presence::Certain => "required",
    };
    (word, Meter::new("usual", property.present, property.of))
}

/// Its types, with the share of each when there are several.
pub(crate) fn types(schema: &SchemaView) -> Vec<(String, String)> {
    let name = |kind: JsonKind| match schema.format {
        Some(format) if kind == JsonKind::String => format.label().to_owned(),
        _ => kind.label().to_owned(),
    };
    schema.kinds.iter().map(|&(kind, count)| (name(kind), number::share(count, schema.n))).collect()
}

/// What else is known, in words.
pub(crate) fn facts(schema: &SchemaView) -> String {
    let mut facts = Vec::new();
    if let Some(values) = &schema.values {
        let listed = values.values.iter().take(VALUES_MAX);
        let listed: Vec<String> =
            listed.map(|(value, _)| shown(value, LISTED_MAX).into_owned()).collect();
        let more = values.hidden + (values.values.len().saturating_sub(VALUES_MAX)) as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        facts.push(format!("one of {}{more}", listed.join(", ")));
    } else {
        if let (Some(low), Some(high)) = (schema.minimum, schema.maximum) {
            facts.push(range(&number::real(low), &number::real(high), ""));
        }
        if schema.format.is_none()
            && let Some((low, high)) = schema.length_min.zip(schema.length_max)
        {
            facts.push(range(&number::count(low), &number::count(high), " characters"));
        }
        let mixed: Vec<&str> =
            schema.formats.iter().take(3).map(|&(format, _)| TextFormat::label(format)).collect();
        if schema.format.is_none() && !mixed.is_empty() {
            facts.push(format!("some {}", mixed.join(", ")));
        }
    }
    if let Some((low, high)) = schema.items_min.zip(schema.items_max) {
        facts.push(range(&number::count(low), &number::count(high), " elements"));
    }
    if let Some(variants) = &schema.variants {
        facts.push(kinds(variants));
    }
    if schema.left_out > 0 {
        facts.push(format!("{} values left out", number::count(schema.left_out)));
    }
    facts.join("; ")
}

fn range(low: &str, high: &str, unit: &str) -> String {
    if low == high { format!("{low}{unit}") } else { format!("{low} to {high}{unit}") }
}

fn kinds(variants: &VariantsView) -> String {
    let values: Vec<String> = variants
        .variants
        .iter()
        .map(|variant| shown(&variant.value, LISTED_MAX).into_owned())
        .collect();
    format!("{} kinds by {}: {}", values.len(), shown(&variants.tag, LISTED_MAX), values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: Vec<(&str, SchemaView)>) -> SchemaView {
        let property = |(name, schema): (&str, SchemaView)| PropertyView {
            name: name.to_owned(),
            present: 1,
            of: 2,
            presence: Presence::Optional,
            p_required: 0.1,
            schema,
        };
        SchemaView {
            n: 2,
            kinds: vec![(JsonKind::Object, 2)],
            properties: members.into_iter().map(property).collect(),
            ..SchemaView::default()
        }
    }

    fn written(schema: &SchemaView, left: usize) -> (Vec<Row>, bool) {
        let mut writer = Writer { rows: Vec::new(), left, is_cut: false };
        writer.write("body", schema, None, 0);
        (writer.rows, writer.is_cut)
    }

    #[test]
    fn every_level_that_opens_is_closed_however_it_is_cut() {
        let leaf = SchemaView { n: 1, ..SchemaView::default() };
        let deep = object(vec![
            ("a", object(vec![("b", object(vec![("c", leaf.clone())])), ("d", leaf.clone())])),
            ("e", leaf.clone()),
        ]);
        for left in 1..=7 {
            let (rows, is_cut) = written(&deep, left);
            let opened = rows.iter().filter(|row| row.holds).count();
            let closed: usize = rows.iter().map(|row| row.closes).sum();
            assert_eq!(opened, closed, "{left} rows");
            assert_eq!((rows.len(), is_cut), (left.min(6), left < 6));
        }
    }
}
