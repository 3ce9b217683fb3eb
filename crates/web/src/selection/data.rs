//! Which endpoints carry sensitive data, of what class, which way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use tapline_model::{ClassSet, DataClass, DataFieldView, DataGroup, DataPlace, EndpointView, View};

use super::Paging;
use crate::problem::Problem;
use crate::query::Query;

/// The parameters of a selection.
pub(crate) const PARAMETERS: [&str; 6] = ["group", "class", "in", "host", "page", "per_page"];
/// Least sensitivity of what is said to be in answers only.
const ANSWERS_ONLY_MIN: u8 = 2;

/// Which fields of which endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Of classes of this group.
    pub(crate) group: Option<DataGroup>,
    /// Of this class.
    pub(crate) class: Option<DataClass>,
    /// In this part of a transaction.
    pub(crate) place: Option<DataPlace>,
    /// On this host.
    pub(crate) host: String,
    /// Which part of the list.
    pub(crate) paging: Paging,
}

/// An endpoint with the fields that were selected.
#[derive(Clone, Debug)]
pub(crate) struct Carrier<'a> {
    pub(crate) endpoint: &'a Arc<EndpointView>,
    pub(crate) fields: Vec<&'a DataFieldView>,
    /// Classes that its answers have and no request to its host sends: whoever made it decided that
    /// the consumers need them.
    pub(crate) answers_only: Vec<DataClass>,
}

/// One class over all endpoints.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ClassRow {
    pub(crate) class: DataClass,
    pub(crate) title: &'static str,
    pub(crate) group: DataGroup,
    /// 1 (some harm if it is lost) to 4 (most).
    pub(crate) sensitivity: u8,
    pub(crate) fields: u64,
    pub(crate) endpoints: u64,
    /// Endpoints that are sent some, other than in a URL.
    pub(crate) sent: u64,
    /// Endpoints that have some in a URL.
    pub(crate) in_url: u64,
    /// Endpoints that answer with some.
    pub(crate) answered: u64,
}

impl Selection {
    /// What the query asks for.
    ///
    /// # Errors
    /// When a value is not one that can be chosen.
    pub(crate) fn of(query: &Query, rows: u32) -> Result<Self, Problem> {
        Ok(Self {
            group: query.choice("group", DataGroup::ALL, DataGroup::label)?,
            class: query.choice("class", DataClass::ALL, DataClass::label)?,
            place: query.choice("in", DataPlace::ALL, DataPlace::label)?,
            host: query.get("host").unwrap_or_default().to_owned(),
            paging: Paging::of(query, rows)?,
        })
    }

    /// Everything.
    pub(crate) const fn of_group(group: DataGroup, rows: u32) -> Self {
        let paging = Paging { page: 1, per_page: rows };
        Self { group: Some(group), class: None, place: None, host: String::new(), paging }
    }

    /// Names and values that ask for the same.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let page = if self.paging.page == 1 { String::new() } else { self.paging.page.to_string() };
        vec![
            ("group", self.group.map_or("", DataGroup::label).to_owned()),
            ("class", self.class.map_or("", DataClass::label).to_owned()),
            ("in", self.place.map_or("", DataPlace::label).to_owned()),
            ("host", self.host.clone()),
            ("page", page),
        ]
    }

    /// The same, from another page.
    pub(crate) fn at_page(&self, page: u32) -> Self {
        Self { paging: Paging { page, ..self.paging }, ..self.clone() }
    }

    /// Whether anything is left out.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.group.is_some()
            || self.class.is_some()
            || self.place.is_some()
            || !self.host.is_empty()
    }

    /// The endpoints with such fields, what harms most first.
    pub(crate) fn apply<'a>(&self, view: &'a View) -> Vec<Carrier<'a>> {
        let sent = sent_by_host(view);
        let mut carriers: Vec<Carrier<'a>> = view
            .endpoints
            .iter()
            .filter(|endpoint| self.host.is_empty() || self.host == endpoint.host)
            .filter_map(|endpoint| {
                let fields: Vec<_> =
                    endpoint.data.iter().filter(|field| self.takes(field)).collect();
                let host = sent.get(endpoint.host.as_str()).copied().unwrap_or_default();
                let answers_only = answers_only(&fields, host);
                (!fields.is_empty()).then_some(Carrier { endpoint, fields, answers_only })
            })
            .collect();
        carriers.sort_by_cached_key(|carrier| {
            let worst = carrier.fields.iter().map(|it| it.class.sensitivity()).max();
            std::cmp::Reverse((worst, carrier.fields.len(), carrier.endpoint.requests))
        });
        carriers
    }

    fn takes(&self, field: &DataFieldView) -> bool {
        self.group.is_none_or(|group| group == field.class.group())
            && self.class.is_none_or(|class| class == field.class)
            && self.place.is_none_or(|place| place == field.place)
    }
}

/// Every class that was found, in declaration order.
pub(crate) fn classes(view: &View) -> Vec<ClassRow> {
    let mut rows: BTreeMap<DataClass, ClassRow> = BTreeMap::new();
    for endpoint in view.endpoints.iter() {
        let mut met: BTreeSet<(DataClass, u8)> = BTreeSet::new();
        for field in &endpoint.data {
            let class = field.class;
            let row = rows.entry(class).or_insert_with(|| ClassRow {
                class,
                title: class.title(),
                group: class.group(),
                sensitivity: class.sensitivity(),
                fields: 0,
                endpoints: 0,
                sent: 0,
                in_url: 0,
                answered: 0,
            });
            row.fields += 1;
            row.endpoints += u64::from(met.insert((class, 0)));
            let (way, count) = match field.place {
                place if place.is_url() => (1, &mut row.in_url),
                DataPlace::Response => (2, &mut row.answered),
                _ => (3, &mut row.sent),
            };
            *count += u64::from(met.insert((class, way)));
        }
    }
    rows.into_values().collect()
}

fn sent_by_host(view: &View) -> BTreeMap<&str, ClassSet> {
    let mut sent: BTreeMap<&str, ClassSet> = BTreeMap::new();
    for endpoint in view.endpoints.iter().filter(|endpoint| !endpoint.data.is_empty()) {
        let host = sent.entry(&endpoint.host).or_default();
        let asked = endpoint.data.iter().filter(|field| field.place != DataPlace::Response);
        asked.for_each(|field| host.insert(field.class));
    }
    sent
}

fn answers_only(fields: &[&DataFieldView], sent: ClassSet) -> Vec<DataClass> {
    let mut only: Vec<DataClass> = fields
        .iter()
        .filter(|field| field.place == DataPlace::Response && !sent.contains(field.class))
        .map(|field| field.class)
        .filter(|class| class.sensitivity() >= ANSWERS_ONLY_MIN)
        .collect();
    only.sort_unstable();
    only.dedup();
    only
}
