//! `/data`: which endpoints carry sensitive data, which way, and where it should not be.

use askama::Template;
use tapline_model::{DataClass, DataFieldView, DataGroup, DataPlace, View};

use super::inventory::Pager;
use super::menu::{Choice, menu};
use super::shell::Shell;
use crate::api::data::servers_of;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Meter, Name, Tag};
use crate::query::encode;
use crate::selection::PAGE_ROWS;
use crate::selection::data::{Carrier, ClassRow, PARAMETERS, Selection, classes};
use crate::text::{LISTED_MAX, shown};

/// Endpoints with card data that are listed; the API has them all.
const CARDS: u32 = 50;
/// Fields named in one cell.
const FIELDS: usize = 6;
/// Servers named in one cell.
const SERVERS: usize = 3;

#[derive(Template)]
#[template(path = "page/data.html")]
struct Page {
    shell: Shell,
    tiles: Vec<Tile>,
    cards: Vec<Row>,
    cards_more: usize,
    map: Vec<MapRow>,
    rows: Vec<Row>,
    total: String,
    narrowed: bool,
    groups: Vec<Choice>,
    class_choices: Vec<Choice>,
    places: Vec<Choice>,
    host: String,
    pager: Pager,
    json: String,
}

struct Tile {
    title: &'static str,
    value: String,
    text: &'static str,
    is_bad: bool,
}

/// A class, and how many endpoints carry it which way.
struct MapRow {
    title: &'static str,
    group: &'static str,
    rank: Tag,
    link: String,
    fields: String,
    endpoints: String,
    meter: Meter,
    sent: u64,
    in_url: u64,
    answered: u64,
}

/// An endpoint, and what goes in and out.
struct Row {
    id: String,
    name: Name,
    host: String,
    consumers: String,
    servers: String,
    records: String,
    /// What consumers send, what stands in the URL, what is answered.
    ways: [Vec<Chip>; 3],
    answers_only: String,
}

/// A class, and the fields that hold it.
struct Chip {
    tag: Tag,
    fields: String,
}

/// Where sensitive data goes.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&PARAMETERS)?;
    let selection = Selection::of(&asked.query, PAGE_ROWS)?;
    let view = &asked.view;
    let found = selection.apply(view);
    let total = found.len();
    let cards = Selection::of_group(DataGroup::Payment, CARDS).apply(view);
    let pager =
        Pager::new(selection.paging, total, |page| encode(&selection.at_page(page).pairs()));
    let classes = classes(view);
    let listed = usize::try_from(CARDS).unwrap_or(usize::MAX);
    html(&Page {
        shell: Shell::new(asked, "data", "Data"),
        tiles: tiles(view, &classes),
        cards_more: cards.len().saturating_sub(listed),
        cards: cards.into_iter().take(listed).map(|carrier| row(view, &carrier)).collect(),
        map: map(&classes),
        rows: selection.paging.cut(found).into_iter().map(|carrier| row(view, &carrier)).collect(),
        total: number::exact(u64::try_from(total).unwrap_or(u64::MAX)),
        narrowed: selection.is_narrowed(),
        groups: menu(
            DataGroup::ALL.iter().map(|group| group.label()),
            selection.group.map_or("", DataGroup::label),
        ),
        class_choices: menu(
            classes.iter().map(|row| row.class.label()),
            selection.class.map_or("", DataClass::label),
        ),
        places: menu(
            DataPlace::ALL.iter().map(|place| place.label()),
            selection.place.map_or("", DataPlace::label),
        ),
        host: selection.host.clone(),
        pager,
        json: format!("/api/v1/data{}", encode(&selection.at_page(1).pairs())),
    })
}

fn tiles(view: &View, classes: &[ClassRow]) -> Vec<Tile> {
    let endpoints = |takes: &dyn Fn(&DataFieldView) -> bool| {
        view.endpoints.iter().filter(|endpoint| endpoint.data.iter().any(takes)).count() as u64
    };
    let cards = endpoints(&|field| field.class.is_pci());
    let personal = endpoints(&|field| field.class.is_personal() && !field.class.is_pci());
    let in_url = endpoints(&|field| field.place.is_url());
    let misplaced = endpoints(&|field| is_misplaced(field));
    let fields: u64 = classes.iter().map(|row| row.fields).sum();
    let tile =
        |title, value, text, is_bad| Tile { title, value: number::count(value), text, is_bad };
    vec![
        tile("Sensitive fields", fields, "of all endpoints", false),
        tile("Card data", cards, "endpoints in scope of PCI DSS", false),
        tile("Personal data", personal, "endpoints", false),
        tile("In URLs", in_url, "endpoints whose URLs hold some", in_url > 0),
        tile("Misplaced", misplaced, "endpoints with what must not be there", misplaced > 0),
    ]
}

/// Whether a field must not be where it is.
fn is_misplaced(field: &DataFieldView) -> bool {
    let in_answer = field.place == DataPlace::Response
        && (field.class.is_authentication_data()
            || matches!(
                field.class,
                DataClass::Password | DataClass::Secret | DataClass::PrivateKey
            ));
    let in_url = field.place.is_url() && (field.class.is_pci() || field.class.is_credential());
    in_answer || in_url
}

fn map(classes: &[ClassRow]) -> Vec<MapRow> {
    let most = classes.iter().map(|row| row.endpoints).max().unwrap_or(0);
    classes
        .iter()
        .map(|row| MapRow {
            title: row.title,
            group: row.group.title(),
            rank: rank(row.sensitivity),
            link: format!("/data{}", encode(&[("class", row.class.label().to_owned())])),
            fields: number::count(row.fields),
            endpoints: number::count(row.endpoints),
            meter: Meter::new("usual", row.endpoints, most),
            sent: row.sent,
            in_url: row.in_url,
            answered: row.answered,
        })
        .collect()
}

/// How much harm the loss of a class does.
pub(super) fn rank(sensitivity: u8) -> Tag {
    match sensitivity {
        4.. => Tag::new("high", "4"),
        3 => Tag::new("medium", "3"),
        2 => Tag::new("low", "2"),
        _ => Tag::new("plain", "1"),
    }
}

fn row(view: &View, carrier: &Carrier<'_>) -> Row {
    let endpoint = carrier.endpoint;
    let servers = servers_of(view, &endpoint.host);
    let named: Vec<&str> = servers.iter().take(SERVERS).map(String::as_str).collect();
    let more = if servers.len() > SERVERS { ", …" } else { "" };
    let only: Vec<&str> = carrier.answers_only.iter().map(|class| class.title()).collect();
    let of = |takes: fn(DataPlace) -> bool| chips(&carrier.fields, takes);
    Row {
        id: endpoint.id.to_string(),
        name: Name::new(&endpoint.method, &endpoint.template, LISTED_MAX),
        host: shown(&endpoint.host, LISTED_MAX).into_owned(),
        consumers: number::count(endpoint.consumers),
        servers: format!("{}{more}", named.join(", ")),
        records: if endpoint.records.count == 0 {
            "–".to_owned()
        } else {
            number::count(endpoint.records.p99)
        },
        ways: [
            of(|place| !place.is_url() && place != DataPlace::Response),
            of(DataPlace::is_url),
            of(|place| place == DataPlace::Response),
        ],
        answers_only: only.join(", "),
    }
}

/// By class: the fields in some places.
fn chips(fields: &[&DataFieldView], takes: fn(DataPlace) -> bool) -> Vec<Chip> {
    let mut classes: Vec<DataClass> =
        fields.iter().filter(|field| takes(field.place)).map(|field| field.class).collect();
    classes.sort_by_key(|class| (std::cmp::Reverse(class.sensitivity()), *class));
    classes.dedup();
    let chip = |class: DataClass| {
        let of: Vec<&&DataFieldView> =
            fields.iter().filter(|field| takes(field.place) && field.class == class).collect();
        let mut names: Vec<String> =
            of.iter().map(|field| shown(&field.field, 64).into_owned()).collect();
        names.sort();
        names.dedup();
        let more = if names.len() > FIELDS { ", …" } else { "" };
        names.truncate(FIELDS);
        let tone = if of.iter().any(|field| is_misplaced(field)) { "critical" } else { "plain" };
        Chip { tag: Tag::new(tone, class.title()), fields: format!("{}{more}", names.join(", ")) }
    };
    classes.into_iter().map(chip).collect()
}
