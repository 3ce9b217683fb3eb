//! How much harm an endpoint can do: a sum of named parts, each with its reason.

use tapline_model::{
    CallerPlaces, EndpointState, EndpointView, Fact, RiskPart, RiskView, Severity,
};

use crate::data;
use crate::issues::{Grants, Issue, issues_of, of_part};
use crate::number::{counted, exact};
use crate::role::{Role, is_written, role_of};
use crate::rule::Part;

/// How much harm an endpoint can do, and why.
///
/// The score is the sum of seven parts: authentication (at most 30), data (20), misconfiguration
/// (18), function (12), exposure (8), document (7) and activity (5).
pub fn risk_of(endpoint: &EndpointView) -> RiskView {
    let issues = issues_of(endpoint);
    let role = role_of(endpoint);
    let mut parts: Vec<RiskPart> = [
        by_issues(Part::Authentication, &issues),
        data_part(endpoint, &issues),
        by_issues(Part::Misconfiguration, &issues),
        function(endpoint, role),
        exposure(endpoint),
        document(endpoint),
        activity(endpoint),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.sort_by(|left, right| {
        right.points.cmp(&left.points).then_with(|| left.part.cmp(&right.part))
    });
    let score = parts.iter().map(|part| part.points).sum();
    let severity = severity_of(score, &issues);
    RiskView { score, severity, parts, issues: issues.into_iter().map(Issue::view).collect() }
}

/// How bad a risk is: what its score means, and never two steps milder than its worst issue.
fn severity_of(score: u32, issues: &[Issue]) -> Severity {
    let by_score = match score {
        50.. => Severity::Critical,
        36.. => Severity::High,
        20.. => Severity::Medium,
        10.. => Severity::Low,
        _ => Severity::Info,
    };
    let by_issue = issues.iter().map(|issue| match issue.severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    });
    by_issue.fold(by_score, Severity::max)
}

fn part(part: Part, points: u32, why: String) -> Option<RiskPart> {
    let of = part.points_max();
    let points = points.min(of);
    (points > 0).then(|| RiskPart { part: part.label().to_owned(), points, of, why })
}

/// The worst issue of a part sets most of it; each further one adds a little.
fn by_issues(of: Part, issues: &[Issue]) -> Option<RiskPart> {
    let mut points = 0;
    let mut why = Vec::new();
    for issue in of_part(issues, of) {
        let percent = match issue.severity {
            Severity::Critical => 100,
            Severity::High => 75,
            Severity::Medium => 45,
            Severity::Low => 20,
            Severity::Info => 5,
        };
        points += if why.is_empty() { percent } else { percent / 8 };
        if why.len() < 3 && (why.is_empty() || issue.severity > Severity::Info) {
            why.push(issue.rule.title);
        }
    }
    part(of, (points * of.points_max()).div_ceil(100), why.join("; "))
}

/// What it carries; without credentials that counts in full.
fn data_part(endpoint: &EndpointView, issues: &[Issue]) -> Option<RiskPart> {
    let carried = data::carried(endpoint);
    let (mut points, mut why) = (0, Vec::new());
    for (place, one) in carried.iter().enumerate() {
        points += if place == 0 { one.kind.points * 2 / 3 } else { 2 };
        let direction = match (one.in_requests, one.in_responses) {
            (true, true) => "both ways",
            (true, false) => "in requests",
            (false, _) => "in answers",
        };
        if place < 3 {
            why.push(format!("{} {direction} (`{}`)", one.kind.label, one.fields.join("`, `")));
        }
    }
    if let Some(worst) = of_part(issues, Part::Data).next() {
        points += 8;
        why.insert(0, worst.rule.title.to_owned());
    }
    part(Part::Data, points, why.join("; "))
}

fn function(endpoint: &EndpointView, role: Role) -> Option<RiskPart> {
    let (by_method, what) = match endpoint.method.as_str() {
        "DELETE" => (8, "deletes"),
        "PUT" | "PATCH" => (7, "changes"),
        "POST" => (5, "creates or acts"),
        _ => (1, "reads"),
    };
    let (by_role, who) = match role {
        Role::Admin => (6, ", for administrators"),
        Role::Debug => (5, ", for operators"),
        Role::Login | Role::SecondFactor => (4, ", a way to log in"),
        _ => (0, ""),
    };
    let takes_files =
        endpoint.request_media.iter().any(|(media, _)| media == "multipart/form-data");
    let (by_files, files) = if takes_files { (2, ", takes files") } else { (0, "") };
    part(Part::Function, by_method + by_role + by_files, format!("{what}{who}{files}"))
}

fn exposure(endpoint: &EndpointView) -> Option<RiskPart> {
    let by_callers = match endpoint.consumers {
        0..=1 => 0,
        2..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => 4,
    };
    let is_open = Grants::of(endpoint).open > 0;
    let is_shared = endpoint.count_of(Fact::CorsAny) > 0 || endpoint.reflected_origins >= 3;
    let mut why = vec![counted(endpoint.consumers, "caller")];
    if is_open {
        why.push("anyone who reaches it".to_owned());
    }
    if is_shared {
        why.push("pages of other origins".to_owned());
    }
    let by_place = match endpoint.places {
        CallerPlaces { external: 1.., .. } => {
            why.push("reached from outside".to_owned());
            2
        }
        CallerPlaces { partner: 1.., .. } => {
            why.push("reached by partners".to_owned());
            1
        }
        _ => 0,
    };
    let by_openness = if is_open { 3 } else { 0 } + if is_shared { 2 } else { 0 };
    let points = by_callers + by_place + by_openness;
    part(Part::Exposure, points, why.join(", "))
}

/// Whether anyone seems to look after it.
fn document(endpoint: &EndpointView) -> Option<RiskPart> {
    let is_stale = endpoint.state == EndpointState::Stale;
    let why = "not called for long, and perhaps still there".to_owned();
    part(Part::Document, if is_stale { 4 } else { 0 }, why)
}

fn activity(endpoint: &EndpointView) -> Option<RiskPart> {
    if matches!(endpoint.state, EndpointState::Stale | EndpointState::Gone) {
        return None;
    }
    let by_requests = match endpoint.requests {
        0..=99 => 1,
        100..=9_999 => 2,
        _ => 3,
    };
    let by_writes = if is_written(&endpoint.method) { 2 } else { 0 };
    let why = format!("{} requests", exact(endpoint.requests));
    part(Part::Activity, by_requests + by_writes, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tapline_model::{AuthUse, ParameterView};

    use super::*;
    use crate::report::tests::endpoint;

    #[test]
    fn a_field_that_goes_both_ways_is_told_of_once() {
        let mut endpoint = endpoint("POST", "/x");
        let parameter = |location: &str| ParameterView {
            location: location.to_owned(),
            name: "ssn".to_owned(),
            present: 1,
            of: 1,
            ..Default::default()
        };
        endpoint.parameters = vec![parameter("request_body"), parameter("response_body")];
        let risk = risk_of(&endpoint);
        let told: usize = risk.parts.iter().map(|part| part.why.matches("`ssn`").count()).sum();
        assert_eq!(told, 1, "{risk:?}");
    }

    proptest! {
        #[test]
        fn a_score_is_the_sum_of_its_parts_and_at_most_a_hundred(
            counts in proptest::collection::vec((0..Fact::ALL.len(), 1u64..1_000), 0..40),
            granted in proptest::collection::vec(("none|jwt|basic|api_key_query", 0u64..99), 0..4),
            names in proptest::collection::vec("password|ssn|email|card|x", 0..6),
            method in "GET|POST|PUT|DELETE|PROPFIND",
            template in "/admin/a|/debug|/health|/x|/login",
        ) {
            let mut endpoint = endpoint(&method, &template);
            endpoint.facts = counts.iter().map(|&(at, count)| (Fact::ALL[at], count)).collect();
            endpoint.auth_use = granted
                .iter()
                .map(|(auth, granted)| AuthUse { auth: auth.clone(), granted: *granted, refused: 1, other: 0 })
                .collect();
            endpoint.parameters = names
                .iter()
                .map(|name| ParameterView {
                    location: "response_body".to_owned(),
                    name: name.clone(),
                    types: Vec::new(),
                    present: 1,
                    of: 1,
                    ..Default::default()
                })
                .collect();
            let risk = risk_of(&endpoint);
            prop_assert!(risk.score <= 100);
            prop_assert_eq!(risk.score, risk.parts.iter().map(|part| part.points).sum::<u32>());
            prop_assert!(risk.parts.iter().all(|part| part.points <= part.of && !part.why.is_empty()));
            prop_assert_eq!(risk_of(&endpoint), risk);
        }
    }

    #[test]
    fn what_is_reached_from_outside_is_exposed_more() {
        let points = |places: CallerPlaces| {
            let mut endpoint = endpoint("GET", "/items");
            endpoint.places = places;
            let exposed = exposure(&endpoint);
            exposed.map_or((0, String::new()), |part| (part.points, part.why))
        };
        let inside = points(CallerPlaces { internal: 9, ..CallerPlaces::default() });
        let partner = points(CallerPlaces { internal: 9, partner: 1, ..CallerPlaces::default() });
        let outside = points(CallerPlaces { external: 1, internal: 9, partner: 1 });
        assert!(
            inside.0 < partner.0 && partner.0 < outside.0,
            "{inside:?} {partner:?} {outside:?}"
        );
        assert!(outside.1.ends_with("reached from outside"), "{}", outside.1);
    }

    #[test]
    fn an_open_administration_is_riskier_than_an_open_shop() {
        let open = |method: &str, template: &str| {
            let mut endpoint = endpoint(method, template);
            endpoint.auth_use =
                vec![AuthUse { auth: "none".to_owned(), granted: 100, refused: 0, other: 0 }];
            risk_of(&endpoint).score
        };
        let scores = [
            open("DELETE", "/admin/users/{userId}"),
            open("DELETE", "/items/{itemId}"),
            open("GET", "/items"),
            open("GET", "/health"),
        ];
        assert!(scores.is_sorted_by(|left, right| left > right), "{scores:?}");
    }
}
