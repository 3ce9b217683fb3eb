//! `/inventory`: every endpoint, searched, filtered and in order.

use std::borrow::Cow;
use std::collections::BTreeSet;

use askama::Template;
use tapline_model::{CallerPlace, EndpointState, EndpointView, View};
use tapline_review::{Tenants, tenants};

use super::menu::{Choice, menu};
use super::row::EndpointRow;
use super::shell::Shell;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::query::{encode, segment};
use crate::selection::endpoints::{Column, Order, PARAMETERS, Selection};
use crate::selection::{PAGE_ROWS, Paging};
use crate::text::{ALONE_MAX, LISTED_MAX, shown};

/// Choices of a menu at most; more are still found by typing.
const CHOICES_MAX: usize = 200;

/// Groups of hosts that look like one, and hosts of each, that are named.
const GROUPS_SHOWN: usize = 5;
const TENANTS_SHOWN: usize = 5;

/// The columns, their heading, and whether they hold numbers.
const COLUMNS: [(Column, &str, bool); 9] = [
    (Column::Path, "Endpoint", false),
    (Column::Auth, "Credentials", false),
    (Column::Requests, "Requests", true),
    (Column::Errors, "Errors", true),
    (Column::P50, "p50", true),
    (Column::P99, "p99", true),
    (Column::Consumers, "Consumers", true),
    (Column::FirstSeen, "First seen", true),
    (Column::LastSeen, "Last seen", true),
];

#[derive(Template)]
#[template(path = "page/inventory.html")]
struct Page {
    shell: Shell,
    selection: Selection,
    heads: Vec<Head>,
    rows: Vec<EndpointRow>,
    total: String,
    all: String,
    hosts: Vec<String>,
    methods: Vec<Choice>,
    auths: Vec<Choice>,
    states: Vec<Choice>,
    froms: Vec<Choice>,
    environments: Vec<Choice>,
    owners: Vec<Choice>,
    tags: Vec<Choice>,
    tenants: Vec<TenantRow>,
    pager: Pager,
    csv: String,
    json: String,
    /// The document of the one host that is shown.
    document: Option<String>,
}

/// Hosts that look like one service for several tenants.
struct TenantRow {
    hosts: String,
    more: usize,
    line: String,
}

struct Head {
    title: &'static str,
    numeric: bool,
    link: String,
    sorted: &'static str,
}

/// Where the pages before and after are.
pub(crate) struct Pager {
    /// This page.
    pub(crate) page: u32,
    /// All pages.
    pub(crate) pages: usize,
    /// The one before.
    pub(crate) before: Option<String>,
    /// The one after.
    pub(crate) after: Option<String>,
}

impl Pager {
    /// Of a list of `total` rows; `link` writes the query of a page.
    pub(crate) fn new(paging: Paging, total: usize, link: impl Fn(u32) -> String) -> Self {
        let pages = paging.pages(total);
        let page = paging.page;
        let has_after = usize::try_from(page).is_ok_and(|page| page < pages);
        Self {
            page,
            pages,
            before: (page > 1).then(|| link(page - 1)),
            after: has_after.then(|| link(page + 1)),
        }
    }
}

/// The inventory.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&PARAMETERS)?;
    let selection = Selection::of(&asked.query, PAGE_ROWS)?;
    let view = &asked.view;
    let found = selection.apply(&view.endpoints);
    let total = found.len();
    let rows = selection.paging.cut(found);
    let pager =
        Pager::new(selection.paging, total, |page| encode(&selection.at_page(page).pairs()));
    let mut exported = selection.at_page(1).pairs();
    let json = format!("/api/v1/endpoints{}", encode(&exported));
    exported.push(("format", "csv".to_owned()));
    html(&Page {
        shell: Shell::new(asked, "inventory", "Inventory"),
        heads: COLUMNS.iter().map(|column| head(&selection, column)).collect(),
        rows: rows.into_iter().map(|endpoint| EndpointRow::new(endpoint, view.now)).collect(),
        total: number::exact(u64::try_from(total).unwrap_or(u64::MAX)),
        all: number::exact(u64::try_from(view.endpoints.len()).unwrap_or(u64::MAX)),
        hosts: busiest_hosts(view),
        methods: menu(choices(view, |endpoint, add| add(&endpoint.method)), &selection.method),
        auths: menu(
            choices(view, |endpoint, add| {
                endpoint.auth.iter().for_each(|(label, _)| add(label));
            }),
            &selection.auth,
        ),
        states: menu(
            EndpointState::ALL.iter().map(|state| state.label()),
            selection.state.map_or("", EndpointState::label),
        ),
        froms: menu(
            CallerPlace::ALL.iter().map(|place| place.label()),
            selection.from.map_or("", CallerPlace::label),
        ),
        environments: menu(
            choices(view, |endpoint, add| {
                endpoint.labels.environment.iter().for_each(|environment| add(environment));
            }),
            &selection.environment,
        ),
        owners: menu(
            choices(view, |endpoint, add| {
                endpoint.labels.owner.iter().for_each(|owner| add(owner));
            }),
            &selection.owner,
        ),
        tags: menu(
            choices(view, |endpoint, add| {
                endpoint.labels.tags.iter().for_each(|tag| add(tag));
            }),
            &selection.tag,
        ),
        tenants: if selection.is_narrowed() { Vec::new() } else { tenant_rows(view) },
        pager,
        csv: format!("/api/v1/endpoints{}", encode(&exported)),
        json,
        document: view
            .hosts
            .iter()
            .find(|known| known.host == selection.host)
            .map(|known| format!("/api/v1/hosts/{}/openapi.json", segment(&known.host))),
        selection,
    })
}

fn head(selection: &Selection, &(column, title, numeric): &(Column, &'static str, bool)) -> Head {
    let sorted = match (selection.sort == column, selection.order) {
        (false, _) => "none",
        (true, Order::Ascending) => "ascending",
        (true, Order::Descending) => "descending",
    };
    Head { title, numeric, link: encode(&selection.sorted_by(column).pairs()), sorted }
}

fn tenant_rows(view: &View) -> Vec<TenantRow> {
    let row = |group: Tenants| {
        let hosts = group.hosts.iter().take(TENANTS_SHOWN).map(|host| shown(host, LISTED_MAX));
        TenantRow {
            hosts: hosts.collect::<Vec<_>>().join(", "),
            more: group.hosts.len().saturating_sub(TENANTS_SHOWN),
            line: shown(&group.line, ALONE_MAX).into_owned(),
        }
    };
    tenants(view).into_iter().take(GROUPS_SHOWN).map(row).collect()
}

fn busiest_hosts(view: &View) -> Vec<String> {
    let mut hosts: Vec<_> = view.hosts.iter().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.requests));
    let names = hosts.into_iter().map(|host| &host.host).filter(|host| is_plain(host));
    names.take(CHOICES_MAX).cloned().collect()
}

/// Every label that `collect` finds, in order, as far as a menu can be read.
fn choices(view: &View, collect: impl Fn(&EndpointView, &mut dyn FnMut(&str))) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for endpoint in view.endpoints.iter() {
        collect(endpoint, &mut |label| {
            if labels.len() < CHOICES_MAX && is_plain(label) && !labels.contains(label) {
                labels.insert(label.to_owned());
            }
        });
    }
    labels
}

/// Whether `label` can be shown as it is. A choice is sent as it is shown, so others cannot be one;
/// the search finds them.
fn is_plain(label: &str) -> bool {
    matches!(shown(label, LISTED_MAX), Cow::Borrowed(_))
}
