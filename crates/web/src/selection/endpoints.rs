//! Which endpoints, in which order.

use std::cmp::Ordering;
use std::sync::Arc;

use tapline_model::{CallerPlace, EndpointState, EndpointView};

use super::{Paging, Words};
use crate::problem::Problem;
use crate::query::Query;

/// What the query may name.
pub(crate) const PARAMETERS: [&str; 13] = [
    "q",
    "host",
    "method",
    "auth",
    "state",
    "from",
    "environment",
    "owner",
    "tag",
    "sort",
    "order",
    "page",
    "per_page",
];

/// What endpoints are put in order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Template, then host.
    Path,
    /// Host, then template.
    Host,
    /// Method.
    Method,
    /// Commonest credentials.
    Auth,
    /// State.
    State,
    /// Requests.
    Requests,
    /// Share of 4xx and 5xx.
    Errors,
    /// Median latency.
    P50,
    /// The slowest hundredth.
    P99,
    /// Distinct consumers.
    Consumers,
    /// Earliest request.
    FirstSeen,
    /// Latest request.
    LastSeen,
}

impl Column {
    /// Every column.
    pub(crate) const ALL: [Self; 12] = [
        Self::Path,
        Self::Host,
        Self::Method,
        Self::Auth,
        Self::State,
        Self::Requests,
        Self::Errors,
        Self::P50,
        Self::P99,
        Self::Consumers,
        Self::FirstSeen,
        Self::LastSeen,
    ];

    /// Its name in queries.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Host => "host",
            Self::Method => "method",
            Self::Auth => "auth",
            Self::State => "state",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Consumers => "consumers",
            Self::FirstSeen => "first_seen",
            Self::LastSeen => "last_seen",
        }
    }

    /// Words read from A on, numbers from the largest.
    const fn order(self) -> Order {
        match self {
            Self::Path | Self::Host | Self::Method | Self::Auth | Self::State => Order::Ascending,
            _ => Order::Descending,
        }
    }

    fn compare(self, a: &EndpointView, b: &EndpointView) -> Ordering {
        match self {
            Self::Path => (&a.template, &a.host).cmp(&(&b.template, &b.host)),
            Self::Host => (&a.host, &a.template).cmp(&(&b.host, &b.template)),
            Self::Method => a.method.cmp(&b.method),
            Self::Auth => first(&a.auth).cmp(first(&b.auth)),
            Self::State => a.state.cmp(&b.state),
            Self::Requests => a.requests.cmp(&b.requests),
            Self::Errors => compare_errors(a, b),
            Self::P50 => a.latency_us.p50.cmp(&b.latency_us.p50),
            Self::P99 => a.latency_us.p99.cmp(&b.latency_us.p99),
            Self::Consumers => a.consumers.cmp(&b.consumers),
            Self::FirstSeen => a.first_seen.cmp(&b.first_seen),
            Self::LastSeen => a.last_seen.cmp(&b.last_seen),
        }
    }
}

/// Which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the smallest.
    Ascending,
    /// From the largest.
    Descending,
}

impl Order {
    /// Its name in queries.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// Which endpoints, in which order.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The search, as typed.
    pub(crate) q: String,
    /// This host alone.
    pub(crate) host: String,
    /// This method alone.
    pub(crate) method: String,
    /// With these credentials.
    pub(crate) auth: String,
    /// In this state.
    pub(crate) state: Option<EndpointState>,
    /// Called from there.
    pub(crate) from: Option<CallerPlace>,
    /// In this environment.
    pub(crate) environment: String,
    /// For which this one answers.
    pub(crate) owner: String,
    /// With this tag.
    pub(crate) tag: String,
    /// By what.
    pub(crate) sort: Column,
    /// Which way round.
    pub(crate) order: Order,
    /// Which part.
    pub(crate) paging: Paging,
    words: Words,
}

impl Selection {
    /// What the query asks for.
    ///
    /// # Errors
    /// When a value is not one that can be chosen.
    pub(crate) fn of(query: &Query, rows: u32) -> Result<Self, Problem> {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let sort = query.choice("sort", &Column::ALL, Column::label)?.unwrap_or(Column::Requests);
        let order = query.choice("order", &[Order::Ascending, Order::Descending], Order::label)?;
        Ok(Self {
            words: Words::of(query.get("q").unwrap_or_default())?,
            q: text("q"),
            host: text("host"),
            method: text("method"),
            auth: text("auth"),
            state: query.choice("state", EndpointState::ALL, EndpointState::label)?,
            from: query.choice("from", CallerPlace::ALL, CallerPlace::label)?,
            environment: text("environment"),
            owner: text("owner"),
            tag: text("tag"),
            sort,
            order: order.unwrap_or(sort.order()),
            paging: Paging::of(query, rows)?,
        })
    }

    /// Those that were asked for, in order; of equals the order of the inventory stays.
    pub(crate) fn apply<'a>(
        &self,
        endpoints: &'a [Arc<EndpointView>],
    ) -> Vec<&'a Arc<EndpointView>> {
        let mut rows: Vec<_> = endpoints.iter().filter(|endpoint| self.takes(endpoint)).collect();
        rows.sort_by(|a, b| {
            let ordering = self.sort.compare(a, b);
            if self.order == Order::Descending { ordering.reverse() } else { ordering }
        });
        rows
    }

    /// Names and values that ask for the same.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let state = self.state.map(EndpointState::label).unwrap_or_default();
        let page = if self.paging.page == 1 { String::new() } else { self.paging.page.to_string() };
        vec![
            ("q", self.q.clone()),
            ("host", self.host.clone()),
            ("method", self.method.clone()),
            ("auth", self.auth.clone()),
            ("state", state.to_owned()),
            ("from", self.from.map(CallerPlace::label).unwrap_or_default().to_owned()),
            ("environment", self.environment.clone()),
            ("owner", self.owner.clone()),
            ("tag", self.tag.clone()),
            ("sort", self.sort.label().to_owned()),
            ("order", self.order.label().to_owned()),
            ("page", page),
        ]
    }

    /// The same, put in order by `column`; the other way round when it already is.
    pub(crate) fn sorted_by(&self, column: Column) -> Self {
        let order = match (self.sort == column, self.order) {
            (false, _) => column.order(),
            (true, Order::Ascending) => Order::Descending,
            (true, Order::Descending) => Order::Ascending,
        };
        Self { sort: column, order, ..self.at_page(1) }
    }

    /// The same, from another page.
    pub(crate) fn at_page(&self, page: u32) -> Self {
        Self { paging: Paging { page, ..self.paging }, ..self.clone() }
    }

    /// Whether anything is left out.
    pub(crate) fn is_narrowed(&self) -> bool {
        let texts = [&self.q, &self.host, &self.method, &self.auth];
        let labels = [&self.environment, &self.owner, &self.tag];
        let texts = texts.iter().chain(&labels);
        self.state.is_some()
            || self.from.is_some()
            || texts.into_iter().any(|text| !text.is_empty())
    }

    fn takes(&self, endpoint: &EndpointView) -> bool {
        (self.host.is_empty() || self.host == endpoint.host)
            && (self.method.is_empty() || self.method == endpoint.method)
            && self.state.is_none_or(|state| state == endpoint.state)
            && (self.auth.is_empty() || endpoint.auth.iter().any(|(label, _)| *label == self.auth))
            && self.from.is_none_or(|from| endpoint.places.of(from) > 0)
            && (self.environment.is_empty()
                || endpoint.labels.environment.as_ref() == Some(&self.environment))
            && (self.owner.is_empty() || endpoint.labels.owner.as_ref() == Some(&self.owner))
            && (self.tag.is_empty() || endpoint.labels.tags.contains(&self.tag))
            && self.words.are_in(&[&endpoint.method, &endpoint.host, &endpoint.template])
    }
}

/// Requests answered 4xx or 5xx, and those answered at all.
pub(crate) fn errors_of(endpoint: &EndpointView) -> (u64, u64) {
    let [_, one, two, three, four, five] = endpoint.status_classes();
    (four + five, one + two + three + four + five)
}

fn compare_errors(a: &EndpointView, b: &EndpointView) -> Ordering {
    let ((a_errors, a_of), (b_errors, b_of)) = (errors_of(a), errors_of(b));
    let wide = |errors: u64, of: u64| u128::from(errors) * u128::from(of.max(1));
    wide(a_errors, b_of).cmp(&wide(b_errors, a_of)).then(a_errors.cmp(&b_errors))
}

fn first(labels: &[(String, u64)]) -> &str {
    labels.first().map_or("", |(label, _)| label.as_str())
}
