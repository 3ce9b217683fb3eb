//! `/endpoints/{id}`: everything that is known of one endpoint.

use askama::Template;
use tapline_model::{
    BaselineState, BaselineView, CallerPlace, DataPlace, EndpointState, EndpointView, IssueView,
    Presence, Quantiles, SegmentReason, SegmentView,
};

use super::bodies::{self, Body};
use super::data::rank;
use super::row::{FindingRow, label_tags, percent};
use super::shell::Shell;
use super::templates::{self, RuleForm, RuleRow};
use super::verdicts::Desk;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Bar, Instant, Meter, Name, Rate, Tag};
use crate::query::{encode, segment};
use crate::selection::endpoints::errors_of;
use crate::text::{ALONE_MAX, LISTED_MAX, shown};

/// Rows of each table; the API has them all.
const ROWS: usize = 500;

#[derive(Template)]
#[template(path = "page/endpoint.html")]
struct Page {
    shell: Shell,
    id: String,
    name: Name,
    host: String,
    host_link: String,
    document: String,
    tags: Vec<Tag>,
    requests: String,
    errors: String,
    failing: bool,
    consumers: String,
    /// Where they are.
    from: String,
    latency: Option<(String, String)>,
    first_seen: Instant,
    last_seen: Instant,
    risk: Option<Risk>,
    rate: Option<RateView>,
    statuses: Bar,
    codes: Vec<Share>,
    quantiles: Vec<QuantileRow>,
    bodies: Vec<Body>,
    bodies_more: usize,
    bodies_read: String,
    bodies_share: String,
    segments: Vec<SegmentRow>,
    sure: String,
    rules: Vec<RuleRow>,
    /// How to say more of the path, where that can be said.
    form: RuleForm,
    desk: Option<Desk>,
    back: String,
    parameters: Vec<Group>,
    parameters_more: usize,
    data: Vec<DataGroup>,
    lists: [(&'static str, Vec<Share>); 3],
    rows: Vec<FindingRow>,
}

/// How much harm it can do, and why.
struct Risk {
    score: u32,
    tag: Tag,
    parts: Vec<(String, String, Meter)>,
    issues: Vec<(Tag, IssueView)>,
    uses: Vec<(String, [String; 3])>,
    changes: Vec<(Instant, String, String)>,
}

struct RateView {
    state: Tag,
    chart: Rate,
    has_range: bool,
    sentence: String,
    facts: Vec<(&'static str, String)>,
}

struct Share {
    name: String,
    count: String,
    meter: Meter,
}

struct QuantileRow {
    name: &'static str,
    cells: [String; 4],
}

struct Group {
    title: &'static str,
    rows: Vec<ParameterRow>,
}

struct DataGroup {
    title: String,
    rows: Vec<DataRow>,
}

struct DataRow {
    field: String,
    title: &'static str,
    link: String,
    rank: Tag,
    told_by: &'static str,
    values: String,
    share: Meter,
    is_new: bool,
}

struct SegmentRow {
    segment: String,
    why: String,
    /// Texts, those that came once, requests for them, requests for values by their form.
    counts: [String; 4],
    confidence: String,
}

struct ParameterRow {
    name: String,
    types: Vec<(String, String)>,
    facts: String,
    presence_word: &'static str,
    presence: Meter,
}

/// One endpoint.
///
/// # Errors
/// When there is no such endpoint.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let endpoint = asked.endpoint()?;
    let now = asked.view.now;
    let (errors, answered) = errors_of(&endpoint);
    let latency = endpoint.latency_us;
    let (bodies, bodies_more) = bodies::bodies(&endpoint.bodies);
    let title = format!("{} {}", endpoint.method, endpoint.template);
    html(&Page {
        shell: Shell::new(asked, "inventory", &title),
        id: endpoint.id.to_string(),
        name: Name::new(&endpoint.method, &endpoint.template, ALONE_MAX),
        host: shown(&endpoint.host, LISTED_MAX).into_owned(),
        host_link: encode(&[("host", endpoint.host.clone())]),
        document: format!("/api/v1/hosts/{}/openapi.json", segment(&endpoint.host)),
        tags: tags(&endpoint),
        requests: number::count(endpoint.requests),
        errors: number::share(errors, answered),
        failing: errors > 0 && errors >= answered / 10,
        consumers: number::count(endpoint.consumers),
        from: from(&endpoint),
        latency: (latency.count > 0)
            .then(|| (number::micros(latency.p50), number::micros(latency.p99))),
        first_seen: Instant::new(now, endpoint.first_seen),
        last_seen: Instant::new(now, endpoint.last_seen),
        risk: risk(asked, &endpoint),
        rate: endpoint.baseline.as_ref().map(rate),
        statuses: Bar::of_statuses(endpoint.status_classes()).with_legend(),
        codes: codes(&endpoint),
        quantiles: vec![
            quantile_row("Latency", endpoint.latency_us, number::micros),
            quantile_row("Request size", endpoint.request_bytes, number::bytes),
            quantile_row("Response size", endpoint.response_bytes, number::bytes),
            quantile_row("Records in an answer", endpoint.records, number::count),
        ],
        bodies,
        bodies_more,
        bodies_read: number::count(endpoint.bodies_read),
        bodies_share: number::share(endpoint.bodies_read, endpoint.requests),
        segments: segments(&endpoint),
        sure: percent(endpoint.template_evidence.confidence),
        rules: templates::rows_of(&asked.app, &endpoint),
        form: RuleForm::of(&asked.app, &endpoint),
        desk: templates::desk_of(&asked.app),
        back: endpoint.id.to_string(),
        parameters: groups(&endpoint),
        parameters_more: endpoint.parameters.len().saturating_sub(ROWS),
        data: data(&endpoint),
        lists: [
            ("Credentials", shares(&endpoint.auth)),
            ("Request content", shares(&endpoint.request_media)),
            ("Response content", shares(&endpoint.response_media)),
        ],
        rows: findings(asked, &endpoint),
    })
}

/// Where its callers are: shares of its requests.
fn from(endpoint: &EndpointView) -> String {
    let share = |(place, count): (CallerPlace, u64)| {
        format!("{} {}", number::share(count, endpoint.requests), place.label())
    };
    endpoint.places.seen().map(share).collect::<Vec<_>>().join(", ")
}

fn tags(endpoint: &EndpointView) -> Vec<Tag> {
    let mut tags = vec![match endpoint.state {
        EndpointState::Confirmed => Tag::new("good", "confirmed"),
        EndpointState::Candidate => Tag::new("medium", "candidate"),
        EndpointState::Stale => Tag::new("medium", "stale"),
        EndpointState::Gone => Tag::new("plain", "gone"),
    }];
    let formats = endpoint.formats.iter().take(8);
    tags.extend(formats.map(|format| Tag::new("plain", shown(format, 32))));
    let name = endpoint.labels.name.iter();
    tags.extend(name.map(|name| Tag::new("plain", shown(name, 128))));
    tags.extend(label_tags(&endpoint.labels));
    let also = [(endpoint.head, "also HEAD"), (endpoint.options, "also OPTIONS")];
    tags.extend(also.iter().filter(|(does, _)| *does).map(|(_, word)| Tag::new("plain", *word)));
    tags
}

/// What each segment of the path is known from.
fn segments(endpoint: &EndpointView) -> Vec<SegmentRow> {
    let word = |reason: &SegmentReason| match reason {
        SegmentReason::Rule => "told by a rule",
        SegmentReason::Hint => "hinted by a document or a rule",
        SegmentReason::Form => "values by their form",
        SegmentReason::Novelty => "new texts kept coming",
        SegmentReason::Text => "a word",
    };
    let row = |one: &SegmentView| SegmentRow {
        segment: shown(&one.segment, LISTED_MAX).into_owned(),
        why: one.why.iter().map(word).collect::<Vec<_>>().join(", "),
        counts: [one.texts, one.once, one.requests, one.by_form].map(number::count),
        confidence: percent(one.confidence),
    };
    endpoint.template_evidence.segments.iter().map(row).collect()
}

fn risk(asked: &Asked, endpoint: &EndpointView) -> Option<Risk> {
    let risk = endpoint.risk.as_ref()?;
    let changes = asked.view.changes.iter().filter(|change| change.endpoint == endpoint.id);
    Some(Risk {
        score: risk.score,
        tag: Tag::severity(risk.severity),
        parts: risk
            .parts
            .iter()
            .map(|part| {
                let meter = Meter::new("strange", part.points.into(), part.of.into());
                let why = shown(&part.why, ALONE_MAX).replace('`', "");
                (format!("{} {} of {}", part.part, part.points, part.of), why, meter)
            })
            .collect(),
        issues: risk
            .issues
            .iter()
            .map(|one| {
                let plain = |text: &str| shown(text, ALONE_MAX).replace('`', "");
                let (seen, remedy) = (plain(&one.seen), plain(&one.remedy));
                (Tag::severity(one.severity), IssueView { seen, remedy, ..one.clone() })
            })
            .collect(),
        uses: endpoint
            .auth_use
            .iter()
            .take(ROWS)
            .map(|used| {
                let counts = [used.granted, used.refused, used.other].map(number::count);
                (shown(&used.auth, LISTED_MAX).into_owned(), counts)
            })
            .collect(),
        changes: changes
            .take(20)
            .map(|change| {
                let what = shown(&change.what, LISTED_MAX).into_owned();
                (
                    Instant::new(asked.view.now, change.at),
                    change.kind.label().replace('_', " "),
                    what,
                )
            })
            .collect(),
    })
}

fn rate(baseline: &BaselineView) -> RateView {
    let last = ("Last whole minute", requests(baseline.seen));
    let learned = ("Learned from", format!("{} whole minutes", number::exact(baseline.minutes)));
    match baseline.state {
        // What it has learned so far is no range to measure by.
        BaselineState::Learning if baseline.normal_high == 0 => RateView {
            state: Tag::new("plain", "learning"),
            chart: Rate::new(&baseline.recent, None),
            has_range: false,
            sentence: "Too little was seen to say what is normal.".to_owned(),
            facts: vec![last, learned],
        },
        state => {
            let (low, high) = (baseline.normal_low, baseline.normal_high);
            let range = format!("{} to {}", number::count(low), number::count(high));
            let normal = format!("{} requests/min", number::real(baseline.normal));
            RateView {
                state: Tag::new(
                    if state == BaselineState::Learning { "plain" } else { "good" },
                    state.label(),
                ),
                chart: Rate::new(&baseline.recent, Some((low, high))),
                has_range: true,
                sentence: judgement(baseline),
                facts: vec![
                    ("Normal", normal),
                    ("98 % of normal minutes", range),
                    last,
                    ("Probability", number::probability(baseline.probability)),
                    learned,
                ],
            }
        }
    }
}

fn requests(count: u64) -> String {
    format!("{} request{}", number::count(count), if count == 1 { "" } else { "s" })
}

fn judgement(baseline: &BaselineView) -> String {
    let inside = (baseline.normal_low..=baseline.normal_high).contains(&baseline.seen);
    let verdict = if inside {
        "That is normal."
    } else if baseline.seen > baseline.normal_high {
        "That is more than normal."
    } else {
        "That is less than normal."
    };
    format!(
        "The last whole minute had {}, where {} are normal and 98 % of normal minutes \
         have {} to {}. {verdict} The probability of a minute at least as far from normal is {}.",
        requests(baseline.seen),
        number::real(baseline.normal),
        number::count(baseline.normal_low),
        number::count(baseline.normal_high),
        number::probability(baseline.probability),
    )
}

fn codes(endpoint: &EndpointView) -> Vec<Share> {
    let total = endpoint.statuses.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
    endpoint
        .statuses
        .iter()
        .take(ROWS)
        .map(|&(status, count)| Share {
            name: if status == 0 { "no answer".to_owned() } else { status.to_string() },
            count: number::count(count),
            meter: Meter::new(
                match status / 100 {
                    1 => "s1",
                    2 => "s2",
                    3 => "s3",
                    4 => "s4",
                    5 => "s5",
                    _ => "s0",
                },
                count,
                total,
            ),
        })
        .collect()
}

fn shares(counts: &[(String, u64)]) -> Vec<Share> {
    let total = counts.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
    counts
        .iter()
        .take(ROWS)
        .map(|(name, count)| Share {
            name: shown(name, LISTED_MAX).into_owned(),
            count: number::count(*count),
            meter: Meter::new("usual", *count, total),
        })
        .collect()
}

fn quantile_row(name: &'static str, quantiles: Quantiles, show: fn(u64) -> String) -> QuantileRow {
    let Quantiles { count, p50, p90, p99, max } = quantiles;
    let cells =
        [p50, p90, p99, max].map(|value| if count == 0 { "–".to_owned() } else { show(value) });
    QuantileRow { name, cells }
}

fn groups(endpoint: &EndpointView) -> Vec<Group> {
    [("path", "Path"), ("query", "Query"), ("header", "Header fields"), ("cookie", "Cookies")]
        .into_iter()
        .map(|(location, title)| Group {
            title,
            rows: endpoint
                .parameters
                .iter()
                .filter(|parameter| parameter.location == location)
                .take(ROWS)
                .map(|parameter| ParameterRow {
                    name: shown(&parameter.name, LISTED_MAX).into_owned(),
                    types: parameter
                        .types
                        .iter()
                        .map(|(kind, count)| {
                            (kind.clone(), number::share(*count, parameter.present))
                        })
                        .collect(),
                    facts: bodies::facts(&parameter.schema),
                    presence_word: match parameter.presence {
                        Presence::Optional => "sometimes",
                        Presence::Unsure => "always so far",
                        Presence::Required | Presence::Certain => "always",
                    },
                    presence: Meter::new("usual", parameter.present, parameter.of),
                })
                .collect(),
        })
        .filter(|group| !group.rows.is_empty())
        .collect()
}

fn data(endpoint: &EndpointView) -> Vec<DataGroup> {
    let mut groups: Vec<DataGroup> = Vec::new();
    for field in endpoint.data.iter().take(ROWS) {
        let title = match (field.place, field.status) {
            (DataPlace::Path, _) => "Path".to_owned(),
            (DataPlace::Query, _) => "Query".to_owned(),
            (DataPlace::Header, _) => "Header fields".to_owned(),
            (DataPlace::Cookie, _) => "Cookies".to_owned(),
            (DataPlace::Request, _) => "Request body".to_owned(),
            (DataPlace::Response, Some(status)) => format!("Response body, {status}"),
            (DataPlace::Response, None) => "Response body".to_owned(),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let share = (field.share.clamp(0.0, 1.0) * 1_000.0) as u64;
        let row = DataRow {
            field: shown(&field.field, LISTED_MAX).into_owned(),
            title: field.class.title(),
            link: format!("/data{}", encode(&[("class", field.class.label().to_owned())])),
            rank: rank(field.class.sensitivity()),
            told_by: if field.named { "name and values" } else { "values" },
            values: number::count(field.values),
            share: Meter::new("usual", share, 1_000),
            is_new: field.is_new,
        };
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.rows.push(row),
            None => groups.push(DataGroup { title, rows: vec![row] }),
        }
    }
    groups
}

fn findings(asked: &Asked, endpoint: &EndpointView) -> Vec<FindingRow> {
    asked
        .view
        .findings
        .iter()
        .filter(|finding| finding.endpoint.as_ref().is_some_and(|named| named.id == endpoint.id))
        .take(ROWS)
        .map(|finding| FindingRow::new(finding, asked.view.now))
        .collect()
}
