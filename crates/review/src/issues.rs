//! What is wrong with one endpoint.

use tapline_model::{EndpointView, Fact, IssueView, Severity};

use crate::data;
use crate::number::{counted, exact, share};
use crate::role::{Role, bare_name, is_written, role_of};
use crate::rule::{self, Part, Rule};

/// Successes without credentials after which an endpoint is taken to need none.
const OPEN_MIN: u64 = 3;
/// Distinct foreign origins after which it is no list that allows them.
const ORIGINS_MIN: u64 = 3;
/// Successes with credentials after which one without is odd.
const GUARDED_MIN: u64 = 5;

/// What answers give away, worst first.
pub(crate) const DISCLOSURES: [(Fact, &Rule, Severity); 5] = [
    (Fact::SecretFile, rule::SECRET_FILE, Severity::Critical),
    (Fact::DebugPage, rule::DEBUG_PAGE, Severity::High),
    (Fact::DatabaseError, rule::DATABASE_ERROR, Severity::Medium),
    (Fact::StackTrace, rule::STACK_TRACE, Severity::Medium),
    (Fact::DirectoryListing, rule::DIRECTORY_LISTING, Severity::Medium),
];

/// An issue with the part of the risk it adds to.
#[derive(Debug)]
pub(crate) struct Issue {
    pub(crate) rule: &'static Rule,
    pub(crate) severity: Severity,
    pub(crate) seen: String,
    pub(crate) count: u64,
    pub(crate) of: u64,
}

impl Issue {
    pub(crate) fn view(self) -> IssueView {
        IssueView {
            rule: self.rule.id.to_ascii_lowercase(),
            title: self.rule.title.to_owned(),
            severity: self.severity,
            seen: self.seen,
            remedy: self.rule.remedy.to_owned(),
            owasp: self.rule.owasp.to_owned(),
            count: self.count,
            of: self.of,
        }
    }
}

/// Requests by credentials and what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Grants {
    /// Successes without credentials.
    pub(crate) open: u64,
    /// Successes with some.
    pub(crate) guarded: u64,
    /// Refused without credentials.
    pub(crate) refused: u64,
}

impl Grants {
    pub(crate) fn of(endpoint: &EndpointView) -> Self {
        let mut grants = Self::default();
        for used in &endpoint.auth_use {
            if used.auth == "none" {
                grants.open += used.granted;
                grants.refused += used.refused;
            } else {
                grants.guarded += used.granted;
            }
        }
        grants
    }

    pub(crate) const fn successes(self) -> u64 {
        self.open + self.guarded
    }
}

/// What is wrong with an endpoint, worst first.
pub(crate) fn issues_of(endpoint: &EndpointView) -> Vec<Issue> {
    let mut judge = Judge {
        endpoint,
        role: role_of(endpoint),
        grants: Grants::of(endpoint),
        issues: Vec::new(),
    };
    judge.credentials();
    judge.schemes();
    judge.tokens();
    judge.places();
    judge.cookies();
    judge.headers();
    judge.origins();
    judge.disclosures();
    judge.purpose();
    judge.data();
    judge.issues.sort_by(|left, right| {
        right.severity.cmp(&left.severity).then_with(|| left.rule.id.cmp(right.rule.id))
    });
    judge.issues
}

struct Judge<'a> {
    endpoint: &'a EndpointView,
    role: Role,
    grants: Grants,
    issues: Vec<Issue>,
}

impl Judge<'_> {
    fn add(&mut self, rule: &'static Rule, severity: Severity, seen: String, count: u64, of: u64) {
        self.issues.push(Issue { rule, severity, seen, count, of });
    }

    /// Notes a fact if any transaction showed it; `of` those that could have.
    fn fact(&mut self, fact: Fact, rule: &'static Rule, severity: Severity, of: u64) {
        let count = self.endpoint.count_of(fact);
        if count > 0 {
            let of = of.max(count);
            let seen = format!("{} of {} ({})", exact(count), exact(of), share(count, of));
            self.add(rule, severity, seen, count, of);
        }
    }

    /// Whether those who should be known are.
    fn credentials(&mut self) {
        let Grants { open, guarded, refused } = self.grants;
        let successes = self.grants.successes();
        let is_written = is_written(&self.endpoint.method);
        if open == 0 || (self.role.is_public() && guarded == 0) {
            return;
        }
        let of_all = format!(
            "{} of {} successes without credentials ({})",
            exact(open),
            exact(successes),
            share(open, successes)
        );
        if matches!(self.role, Role::Admin | Role::Debug) {
            let severity = if open >= OPEN_MIN { Severity::Critical } else { Severity::High };
            self.add(rule::AUTH_ADMIN_OPEN, severity, of_all, open, successes);
        } else if guarded >= GUARDED_MIN {
            // What many call without may be meant to be public; a few in many are a hole.
            let is_rare = open.saturating_mul(5) <= successes;
            let severity = match (is_rare || refused > 0, is_written) {
                (true, _) | (_, true) => Severity::High,
                (false, false) => Severity::Medium,
            };
            self.add(rule::AUTH_INCONSISTENT, severity, of_all, open, successes);
        } else if open >= OPEN_MIN {
            let severity = match self.endpoint.method.as_str() {
                "DELETE" | "PUT" | "PATCH" => Severity::High,
                "POST" => Severity::Medium,
                _ => Severity::Low,
            };
            self.add(rule::AUTH_NONE, severity, of_all, open, successes);
        }
    }

    /// What they prove it with.
    fn schemes(&mut self) {
        let endpoint = self.endpoint;
        let used: Vec<_> = endpoint
            .auth_use
            .iter()
            .filter(|used| used.auth != "none" && used.granted > 0)
            .collect();
        let granted: u64 = used.iter().map(|used| used.granted).sum();
        let common: Vec<&str> = used
            .iter()
            .filter(|used| used.granted.saturating_mul(10) >= granted)
            .map(|used| used.auth.as_str())
            .collect();
        if common.len() > 1 {
            let seen = common.join(", ");
            self.add(rule::AUTH_MIXED, Severity::Low, seen, granted, self.grants.successes());
        }
        if granted >= OPEN_MIN
            && used.iter().all(|used| used.auth.starts_with("api_key") && !used.auth.contains('+'))
        {
            let severity =
                if is_written(&endpoint.method) { Severity::Medium } else { Severity::Low };
            let seen = format!(
                "{} with a key alone",
                counted(granted, "success").replace("successs", "successes")
            );
            self.add(rule::API_KEY_ONLY, severity, seen, granted, self.grants.successes());
        }
    }

    fn tokens(&mut self) {
        let with_token = self
            .endpoint
            .auth_use
            .iter()
            .filter(|used| used.auth.split('+').any(|kind| kind == "jwt"))
            .map(|used| used.granted)
            .sum();
        for (fact, rule, severity) in [
            (Fact::JwtUnsigned, rule::JWT_UNSIGNED, Severity::Critical),
            (Fact::JwtExpired, rule::JWT_EXPIRED, Severity::High),
            (Fact::JwtWeakAlgorithm, rule::JWT_WEAK_ALGORITHM, Severity::High),
            (Fact::JwtNamesItsKey, rule::JWT_NAMES_ITS_KEY, Severity::Medium),
            (Fact::JwtEndless, rule::JWT_ENDLESS, Severity::Medium),
            (Fact::JwtLongLived, rule::JWT_LONG_LIVED, Severity::Low),
        ] {
            self.fact(fact, rule, severity, with_token);
        }
    }

    /// Where credentials stand, and who can read them on the way.
    fn places(&mut self) {
        let endpoint = self.endpoint;
        self.fact(
            Fact::CredentialInUrl,
            rule::CREDENTIAL_IN_URL,
            Severity::Medium,
            endpoint.requests,
        );
        let is_secret = |name: &str| {
            ["password", "passwd", "pwd", "secret", "clientsecret", "pin", "cvv", "ssn"]
                .contains(&bare_name(name).as_str())
        };
        let secret =
            endpoint.parameters.iter().find(|one| one.location == "query" && is_secret(&one.name));
        if let Some(one) = secret {
            let seen = format!(
                "`{}` in {}",
                crate::text::shown(&one.name),
                counted(one.present, "request")
            );
            self.add(rule::SECRET_IN_QUERY, Severity::High, seen, one.present, one.of);
        }
        let basic = endpoint
            .auth_use
            .iter()
            .filter(|used| used.auth.split('+').any(|kind| kind == "basic"));
        let basic = basic.map(tapline_model::AuthUse::requests).sum();
        self.fact(Fact::BasicPlaintext, rule::BASIC_PLAINTEXT, Severity::High, basic);
        if self.role == Role::Login && endpoint.count_of(Fact::TlsInFront) == 0 {
            let seen = format!(
                "{}, none of which a proxy says came over TLS",
                counted(endpoint.requests, "login")
            );
            self.add(
                rule::LOGIN_PLAINTEXT,
                Severity::Medium,
                seen,
                endpoint.requests,
                endpoint.requests,
            );
        }
    }

    fn cookies(&mut self) {
        let set = self.endpoint.count_of(Fact::SessionSet);
        self.fact(Fact::CookieNotHttpOnly, rule::COOKIE_NOT_HTTP_ONLY, Severity::Medium, set);
        self.fact(Fact::CookieNotSecure, rule::COOKIE_NOT_SECURE, Severity::Medium, set);
        self.fact(Fact::CookieNotSameSite, rule::COOKIE_NOT_SAME_SITE, Severity::Low, set);
    }

    fn headers(&mut self) {
        let of = |fact| self.endpoint.count_of(fact);
        let (content, html, tls, private) =
            (of(Fact::Content), of(Fact::Html), of(Fact::TlsInFront), of(Fact::Private));
        self.fact(Fact::NoSniffMissing, rule::NO_SNIFF_MISSING, Severity::Info, content);
        self.fact(Fact::CspMissing, rule::CSP_MISSING, Severity::Low, html);
        self.fact(Fact::FrameMissing, rule::FRAMING_ALLOWED, Severity::Low, html);
        self.fact(Fact::HstsMissing, rule::HSTS_MISSING, Severity::Low, tls);
        self.fact(Fact::Cacheable, rule::PRIVATE_CACHEABLE, Severity::Low, private);
    }

    fn origins(&mut self) {
        let endpoint = self.endpoint;
        if endpoint.reflected_origins >= ORIGINS_MIN {
            let with = endpoint.count_of(Fact::CorsCredentials);
            let severity = if with > 0 { Severity::High } else { Severity::Medium };
            let more = if endpoint.reflected_origins >= 8 { "at least " } else { "" };
            let seen = format!(
                "{more}{} foreign origins were allowed because they asked{}",
                endpoint.reflected_origins,
                if with > 0 { ", with credentials" } else { "" }
            );
            self.add(rule::CORS_REFLECTS, severity, seen, with.max(1), endpoint.requests);
        }
        self.fact(Fact::CorsNull, rule::CORS_NULL, Severity::Medium, endpoint.requests);
        if self.grants.guarded > 0 {
            self.fact(Fact::CorsAny, rule::CORS_ANY, Severity::Low, endpoint.requests);
        }
    }

    fn disclosures(&mut self) {
        let of = self.endpoint.requests;
        let of_endpoints = [
            (Fact::GraphqlIntrospection, rule::GRAPHQL_INTROSPECTION, Severity::Low),
            (Fact::ApiDescription, rule::API_DESCRIPTION, Severity::Info),
            (Fact::VersionShown, rule::VERSION_SHOWN, Severity::Info),
        ];
        for (fact, rule, severity) in DISCLOSURES.into_iter().chain(of_endpoints) {
            self.fact(fact, rule, severity, of);
        }
    }

    /// What it is there for.
    fn purpose(&mut self) {
        let endpoint = self.endpoint;
        let (requests, successes) = (endpoint.requests, self.grants.successes());
        let seen = || format!("{} answered", counted(successes, "call"));
        match self.role {
            Role::Debug => {
                self.add(rule::DEBUG_REACHABLE, Severity::Medium, seen(), successes, requests);
            }
            Role::Admin => {
                self.add(rule::ADMIN_REACHABLE, Severity::Low, seen(), successes, requests);
            }
            _ => {}
        }
        let is_usual =
            matches!(endpoint.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE");
        if !is_usual && successes > 0 {
            self.add(rule::METHOD_ODD, Severity::Low, seen(), successes, requests);
        }
    }

    fn data(&mut self) {
        let endpoint = self.endpoint;
        let returned = data::returned_secrets(endpoint);
        if !returned.is_empty() {
            let seen = format!("`{}` in answers", returned.join("`, `"));
            self.add(
                rule::SECRET_RETURNED,
                Severity::High,
                seen,
                endpoint.requests,
                endpoint.requests,
            );
        }
        if self.grants.open >= OPEN_MIN && !self.role.is_public() {
            let open = self.grants.open;
            let carried = data::carried(endpoint);
            let worst = carried.iter().find(|one| one.in_responses);
            if let Some(one) = worst {
                let severity =
                    if one.kind.points >= 16 { Severity::Critical } else { Severity::High };
                let seen = format!(
                    "{} data (`{}`) in answers, {} without credentials",
                    one.kind.label,
                    one.fields.join("`, `"),
                    exact(open)
                );
                self.add(rule::DATA_OPEN, severity, seen, open, self.grants.successes());
            }
        }
    }
}

/// Of a part, the issues.
pub(crate) fn of_part(issues: &[Issue], part: Part) -> impl Iterator<Item = &Issue> {
    issues.iter().filter(move |issue| issue.rule.part == part)
}

#[cfg(test)]
mod tests {
    use tapline_model::AuthUse;

    use super::*;
    use crate::report::tests::endpoint;

    fn rules(endpoint: &EndpointView) -> Vec<(&'static str, Severity)> {
        issues_of(endpoint).iter().map(|issue| (issue.rule.id, issue.severity)).collect()
    }

    fn used(auth: &str, granted: u64, refused: u64) -> AuthUse {
        AuthUse { auth: auth.to_owned(), granted, refused, other: 0 }
    }

    #[test]
    fn credentials_are_judged_by_what_is_answered_without_them() {
        for (method, template, uses, expected) in [
            ("GET", "/a", vec![used("jwt", 100, 0)], vec![]),
            ("GET", "/a", vec![used("none", 100, 0)], vec![("AUTH_NONE", Severity::Low)]),
            ("DELETE", "/a", vec![used("none", 9, 0)], vec![("AUTH_NONE", Severity::High)]),
            ("GET", "/a", vec![used("none", 2, 0)], vec![]),
            (
                "GET",
                "/a",
                vec![used("jwt", 98, 0), used("none", 2, 0)],
                vec![("AUTH_INCONSISTENT", Severity::High)],
            ),
            (
                "GET",
                "/a",
                vec![used("jwt", 50, 0), used("none", 50, 0)],
                vec![("AUTH_INCONSISTENT", Severity::Medium)],
            ),
            ("GET", "/a", vec![used("jwt", 50, 0), used("none", 0, 50)], vec![]),
            (
                "GET",
                "/admin/users",
                vec![used("none", 3, 0)],
                vec![("AUTH_ADMIN_OPEN", Severity::Critical), ("ADMIN_REACHABLE", Severity::Low)],
            ),
            ("GET", "/health", vec![used("none", 100, 0)], vec![]),
            (
                "GET",
                "/a",
                vec![used("jwt", 50, 0), used("basic", 50, 0)],
                vec![("AUTH_MIXED", Severity::Low)],
            ),
            (
                "POST",
                "/a",
                vec![used("api_key_query", 5, 0)],
                vec![("API_KEY_ONLY", Severity::Medium)],
            ),
        ] {
            let mut endpoint = endpoint(method, template);
            endpoint.auth_use = uses;
            assert_eq!(rules(&endpoint), expected, "{method} {template} {:?}", endpoint.auth_use);
        }
    }

    #[test]
    fn a_few_origins_are_a_list_and_many_are_none() {
        let mut endpoint = endpoint("GET", "/a");
        endpoint.facts = vec![(Fact::CorsCredentials, 9)];
        for (origins, expected) in [(2, vec![]), (3, vec![("CORS_REFLECTS", Severity::High)])] {
            endpoint.reflected_origins = origins;
            assert_eq!(rules(&endpoint), expected);
        }
    }
}
