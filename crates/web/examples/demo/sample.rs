//! An invented shop, its traffic, and what is wrong with it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tapline_model::{
    AuthUse, BaselineState, BaselineView, BodyDirection, BodyView, CallerPlaces, Certificate,
    CertificateView, ChangeKind, ChangeView, ConsumerKey, ConsumerKind, ConsumerView, DataClass,
    DataFieldView, DataPlace, DropReason, EncryptedView, EndpointId, EndpointRef, EndpointState,
    EndpointView, EnumView, Evidence, Fact, Finding, FindingKind, FindingState, FindingTally,
    HostView, IgnoreReason, JsonKind, KeyAlgorithm, LabelsView, Ledger, Mappings, Measure,
    ParameterView, Presence, PropertyView, Quantiles, Sampling, SchemaView, SegmentReason,
    SegmentView, ServerView, Severity, SignatureDigest, SourceView, Stats, TemplateView,
    TextFormat, Timestamp, View,
};

/// 2026-05-04 12:00:00 UTC.
const NOON: u64 = 1_777_896_000;

/// Host, method, template, requests a minute, share of errors in percent, median in µs, auth.
type Sketch = (&'static str, &'static str, &'static str, u64, u64, u64, &'static str);

const SKETCHES: [Sketch; 27] = [
    ("api.shop.example", "GET", "/v1/products", 412, 1, 3_100, "none"),
    ("api.shop.example", "GET", "/v1/products/{product_id}", 988, 2, 2_400, "none"),
    ("api.shop.example", "GET", "/v1/products/{product_id}/reviews", 141, 1, 8_700, "none"),
    ("api.shop.example", "POST", "/v1/products/{product_id}/reviews", 6, 9, 24_000, "jwt"),
    ("api.shop.example", "GET", "/v1/search", 530, 1, 41_000, "none"),
    ("api.shop.example", "POST", "/v1/login", 64, 38, 182_000, "none"),
    ("api.shop.example", "POST", "/v1/logout", 22, 0, 1_900, "jwt"),
    ("api.shop.example", "GET", "/v1/me", 301, 3, 1_700, "jwt"),
    ("api.shop.example", "PATCH", "/v1/me", 4, 6, 14_000, "jwt"),
    ("api.shop.example", "GET", "/v1/cart", 276, 0, 5_200, "jwt"),
    ("api.shop.example", "PUT", "/v1/cart/items/{sku}", 93, 2, 9_400, "jwt"),
    ("api.shop.example", "DELETE", "/v1/cart/items/{sku}", 31, 1, 7_700, "jwt"),
    ("api.shop.example", "POST", "/v1/orders", 27, 4, 231_000, "jwt"),
    ("api.shop.example", "GET", "/v1/orders/{order_id}", 58, 12, 6_800, "jwt"),
    ("api.shop.example", "GET", "/v1/orders/{order_id}/invoice.{ext}", 9, 0, 88_000, "jwt"),
    ("api.shop.example", "GET", "/v1/users/{user_id}/addresses/{address_id}", 17, 8, 4_100, "jwt"),
    ("payments.shop.example", "POST", "/v2/charges", 26, 3, 640_000, "api_key_header"),
    ("payments.shop.example", "GET", "/v2/charges/{charge_id}", 44, 0, 12_000, "api_key_header"),
    ("payments.shop.example", "POST", "/v2/refunds", 2, 0, 512_000, "api_key_header"),
    ("payments.shop.example", "POST", "/webhooks/bank", 12, 0, 18_000, "none"),
    ("admin.shop.example", "GET", "/internal/users", 3, 0, 71_000, "session_cookie"),
    ("admin.shop.example", "GET", "/internal/users/{user_id}", 7, 0, 9_100, "session_cookie"),
    ("admin.shop.example", "POST", "/internal/export", 1, 0, 4_400_000, "basic"),
    ("admin.shop.example", "GET", "/debug/vars", 1, 0, 900, "none"),
    ("10.20.0.41:8080", "POST", "/graphql", 187, 5, 33_000, "bearer"),
    ("10.20.0.41:8080", "GET", "/healthz", 12, 0, 300, "none"),
    ("legacy.shop.example", "GET", "/api/customer.{ext}", 19, 61, 151_000, "api_key_query"),
];

/// Detection, kind, severity, title, host, template.
type Case = (&'static str, FindingKind, Severity, &'static str, &'static str, &'static str);

const CASES: [Case; 7] = [
    (
        "rate_surge",
        FindingKind::Behaviour,
        Severity::Critical,
        "Logins at six times the normal rate",
        "api.shop.example",
        "/v1/login",
    ),
    (
        "object_enumeration",
        FindingKind::Behaviour,
        Severity::High,
        "One consumer reads orders one after the other",
        "api.shop.example",
        "/v1/orders/{order_id}",
    ),
    (
        "missing_authentication",
        FindingKind::Posture,
        Severity::High,
        "Debug variables are open to anyone",
        "admin.shop.example",
        "/debug/vars",
    ),
    (
        "path_scanner",
        FindingKind::Behaviour,
        Severity::Medium,
        "A scanner tries 412 paths that no endpoint has",
        "api.shop.example",
        "",
    ),
    (
        "new_endpoint",
        FindingKind::Drift,
        Severity::Info,
        "A new endpoint: POST /internal/export",
        "admin.shop.example",
        "/internal/export",
    ),
    (
        "path_scanner",
        FindingKind::Behaviour,
        Severity::Low,
        "<script>alert(1)</script> \u{202e}gnihtemos",
        "<i>host</i>",
        "",
    ),
    (
        "error_surge",
        FindingKind::Behaviour,
        Severity::Medium,
        "Errors of the legacy API rose to 61 %",
        "legacy.shop.example",
        "/api/customer.{ext}",
    ),
];

/// The shop, `elapsed` seconds after noon.
pub(crate) fn view(elapsed: u64) -> View {
    let now = Timestamp::from_seconds(NOON + elapsed);
    let mut endpoints: Vec<EndpointView> =
        (0..).zip(SKETCHES).map(|(place, sketch)| endpoint(place, sketch, now)).collect();
    endpoints.extend(hostile(now));
    endpoints
        .sort_by(|a, b| (&a.host, &a.template, &a.method).cmp(&(&b.host, &b.template, &b.method)));
    let hosts = hosts(&endpoints);
    let findings = findings(&endpoints, now);
    View {
        consumers: consumers(now),
        changes: changes(&endpoints, now),
        now,
        stats: stats(elapsed),
        sampling: Sampling::WHOLE,
        sources: vec![
            source("eth1", 184_201_377 + elapsed * 61_000, 1_204),
            source("eth2", 91_400_212, 0),
        ],
        hosts: hosts.into(),
        tallies: findings.iter().map(tally).collect(),
        findings: findings.into_iter().map(Arc::new).collect(),
        endpoints: endpoints.into_iter().map(Arc::new).collect(),
        servers: servers().into(),
        encrypted: encrypted(now).into(),
        verdicts: Arc::default(),
        ended: false,
    }
}

/// Spreads numbers without a random source.
fn spread(seed: u64, below: u64) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 32)) % below.max(1)
}

fn data(template: &str, written: bool) -> Vec<DataFieldView> {
    let field = |place, field: &str, class| DataFieldView {
        place,
        status: (place == DataPlace::Response).then_some(200),
        field: field.to_owned(),
        class,
        share: 0.998,
        values: 4_711,
        named: true,
        is_new: class == DataClass::DateOfBirth,
    };
    let (request, response) = (DataPlace::Request, DataPlace::Response);
    match (template, written) {
        (path, true) if path.contains("pay") || path.contains("order") => vec![
            field(request, "card.number", DataClass::CardNumber),
            field(request, "card.cvv", DataClass::CardVerification),
            field(response, "card.cvv", DataClass::CardVerification),
        ],
        (path, _) if path.contains("user") || path.contains("customer") => vec![
            field(DataPlace::Query, "email", DataClass::Email),
            field(response, "items[].email", DataClass::Email),
            field(response, "items[].birthDate", DataClass::DateOfBirth),
        ],
        _ => Vec::new(),
    }
}

fn labels(host: &str, template: &str) -> LabelsView {
    let environment = if host.contains("staging") { "staging" } else { "prod" };
    let is_of_cart = template.starts_with("/v1/cart");
    LabelsView {
        name: (template == "/v1/search").then(|| "searchProducts".to_owned()),
        deprecated: template == "/v1/login",
        owner: is_of_cart.then(|| "checkout".to_owned()),
        tags: is_of_cart.then(|| "pci".to_owned()).into_iter().collect(),
        environment: Some(environment.to_owned()),
    }
}

fn places(host: &str, requests: u64) -> CallerPlaces {
    let external = if host.starts_with("api") { requests - requests / 20 } else { 0 };
    CallerPlaces { external, internal: requests - external, partner: 0 }
}

fn evidence(template: &str, requests: u64) -> TemplateView {
    let segment = |segment: &str| {
        let slot = segment.starts_with('{');
        SegmentView {
            segment: segment.to_owned(),
            slot,
            why: vec![if slot { SegmentReason::Novelty } else { SegmentReason::Text }],
            texts: if slot { 412 } else { 9 },
            once: if slot { 180 } else { 0 },
            requests,
            by_form: 0,
            confidence: if slot { 413.0 / 414.0 } else { 0.9998 },
        }
    };
    let segments: Vec<SegmentView> = template.split('/').skip(1).map(segment).collect();
    TemplateView {
        confidence: segments.iter().map(|it| it.confidence).fold(1.0, f64::min),
        segments,
    }
}

fn endpoint(
    place: u64,
    (host, method, template, rate, error_percent, p50, auth): Sketch,
    now: Timestamp,
) -> EndpointView {
    let requests = rate * 60 * 37 + spread(place, 997);
    let errors = requests * error_percent / 100;
    let minutes_known = if rate <= 1 { 40 } else { 37 * 60 + place * 13 };
    let written = matches!(method, "POST" | "PUT" | "PATCH");
    let mut auths = vec![(auth.to_owned(), requests - requests / 50)];
    if auth == "jwt" && place.is_multiple_of(3) {
        auths.push(("none".to_owned(), requests / 50));
    }
    let use_of = |(auth, count): &(String, u64)| {
        let (auth, refused) = (auth.clone(), count / 9);
        AuthUse { auth, granted: count - refused, refused, other: 0 }
    };
    let mut view = EndpointView {
        auth_use: auths.iter().map(use_of).collect(),
        facts: vec![(Fact::Content, requests - errors), (Fact::NoSniffMissing, requests / 2)],
        reflected_origins: u64::from(template == "/graphql") * 8,
        callers: (0..=place % 7).map(|caller| ConsumerKey(caller * 0x1234_5678_9ABC)).collect(),
        risk: None,
        labels: labels(host, template),
        template_evidence: evidence(template, requests),
        data: data(template, written),
        records: Quantiles::default(),
        id: EndpointId::of(host, method, template),
        host: host.to_owned(),
        method: method.to_owned(),
        template: template.to_owned(),
        formats: vec![if template == "/graphql" { "graphql" } else { "rest" }.to_owned()],
        state: if rate <= 1 { EndpointState::Candidate } else { EndpointState::Confirmed },
        auth: auths.clone(),
        parameters: parameters(template, written, requests),
        bodies: bodies(written, requests),
        bodies_read: requests / 30,
        request_media: if written {
            vec![("application/json".to_owned(), requests)]
        } else {
            Vec::new()
        },
        response_media: vec![
            ("application/json".to_owned(), requests - errors / 3),
            ("text/html".to_owned(), errors / 3),
        ],
        statuses: vec![
            (0, requests / 900),
            (if method == "POST" { 201 } else { 200 }, requests - errors - requests / 900),
            (401, errors / 2),
            (404, errors / 3),
            (500, errors - errors / 2 - errors / 3),
        ],
        requests,
        places: places(host, requests),
        consumers: if host.starts_with("api") {
            120 + spread(place, 9_000)
        } else {
            1 + spread(place, 60)
        },
        head: method == "GET" && place.is_multiple_of(4),
        options: place.is_multiple_of(5),
        first_seen: Timestamp::from_seconds(now.epoch().0 - minutes_known * 60),
        last_seen: Timestamp::from_seconds(now.epoch().0 - spread(place, 90)),
        latency_us: quantiles(requests, p50),
        request_bytes: quantiles(requests, if written { 1_240 } else { 480 }),
        response_bytes: quantiles(requests, 300 + spread(place, 24_000)),
        baseline: Some(baseline(place, rate)),
    };
    view.risk = Some(tapline_review::risk_of(&view));
    view
}

fn consumers(now: Timestamp) -> Arc<[ConsumerView]> {
    let consumer = |number: u64| ConsumerView {
        key: ConsumerKey(number * 0x1234_5678_9ABC),
        kind: match number % 3 {
            0 => ConsumerKind::Subject,
            1 => ConsumerKind::Credential,
            _ => ConsumerKind::Address,
        },
        first_seen: Timestamp::from_seconds(now.epoch().0 - 86_400),
        last_seen: Timestamp::from_seconds(now.epoch().0 - number * 7),
        requests: 90_000 / (number + 1),
        client_errors: number * 31,
        networks: (0..=number % 4).map(|net| format!("198.51.{net}.0/24")).collect(),
        agents: 1 + number % 5,
    };
    (0..12).map(consumer).collect()
}

fn changes(endpoints: &[EndpointView], now: Timestamp) -> Arc<[ChangeView]> {
    let kinds = ChangeKind::ALL.iter().cycle();
    let change = |((place, endpoint), &kind): ((u64, &EndpointView), &ChangeKind)| ChangeView {
        at: Timestamp::from_seconds(now.epoch().0 - place * 600),
        kind,
        endpoint: endpoint.id,
        host: endpoint.host.clone(),
        method: endpoint.method.clone(),
        template: endpoint.template.clone(),
        what: if place % 2 == 1 { "query deep".to_owned() } else { String::new() },
    };
    (0..).zip(endpoints.iter().take(14)).zip(kinds).map(change).collect()
}

fn quantiles(count: u64, p50: u64) -> Quantiles {
    Quantiles { count, p50, p90: p50 * 5 / 2, p99: p50 * 7, max: p50 * 31 }
}

fn baseline(place: u64, rate: u64) -> BaselineView {
    // The login sees a storm for the last ten minutes.
    let storm = |minute: u64| if place == 5 && minute >= 50 { rate * 6 } else { 0 };
    let recent: Vec<u64> = (0..60)
        .map(|minute| {
            let swing = spread(place * 60 + minute, rate / 3 + 2);
            rate - rate / 6 + swing + storm(minute)
        })
        .collect();
    let seen = recent.last().copied().unwrap_or(0);
    // What is still learning has no range.
    let high = if rate <= 1 { 0 } else { rate + rate / 3 + 3 };
    let thousand = u32::try_from(rate * 1_000 + 180).unwrap_or(u32::MAX);
    BaselineView {
        state: if rate <= 1 { BaselineState::Learning } else { BaselineState::Flat },
        minutes: if rate <= 1 { 40 } else { 2_220 },
        normal: f64::from(thousand) / 1_000.0,
        normal_low: rate - rate / 3,
        normal_high: high,
        seen,
        probability: if seen > high { 3.2e-9 } else { 0.41 },
        recent,
    }
}

fn parameters(template: &str, written: bool, requests: u64) -> Vec<ParameterView> {
    let parameter =
        |location: &str, name: &str, types: &[(&str, u64)], present: u64| ParameterView {
            location: location.to_owned(),
            name: name.to_owned(),
            types: types.iter().map(|&(kind, count)| (kind.to_owned(), count)).collect(),
            present,
            of: requests,
            ..ParameterView::default()
        };
    let mut all: Vec<ParameterView> = template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| parameter("path", name, &[("integer", requests)], requests))
        .collect();
    if written {
        all.push(parameter("header", "idempotency-key", &[("string", requests)], requests));
    } else {
        all.push(parameter("query", "page", &[("integer", requests / 3)], requests / 3));
        all.push(parameter("query", "sort", &[("string", requests / 8)], requests / 8));
    }
    all
}

/// A request if one is written, an answer, and a problem.
fn bodies(written: bool, requests: u64) -> Arc<[BodyView]> {
    let n = requests / 30;
    let leaf = |kind: JsonKind| SchemaView { n, kinds: vec![(kind, n)], ..SchemaView::default() };
    let text = |format| SchemaView { format, length_max: Some(40), ..leaf(JsonKind::String) };
    let word = |values: &[&str]| SchemaView {
        values: Some(EnumView {
            values: values.iter().map(|value| ((*value).to_owned(), n / 3)).collect(),
            ..EnumView::default()
        }),
        ..leaf(JsonKind::String)
    };
    let total = SchemaView { minimum: Some(0.5), maximum: Some(980.0), ..leaf(JsonKind::Number) };
    let item = object(n, vec![("sku", n, text(None)), ("quantity", n, leaf(JsonKind::Integer))]);
    let items = SchemaView {
        items: Some(Box::new(item)),
        items_min: Some(1),
        items_max: Some(12),
        ..leaf(JsonKind::Array)
    };
    let customer = object(n, vec![("email", n, text(Some(TextFormat::Email)))]);
    let sent = object(
        n,
        vec![
            ("customer", n, customer),
            ("items", n, items.clone()),
            ("voucher", n / 7, SchemaView { nullable: true, ..text(None) }),
        ],
    );
    let answer = object(
        n,
        vec![
            ("created_at", n, text(Some(TextFormat::DateTime))),
            ("id", n, text(Some(TextFormat::Uuid))),
            ("items", n * 4 / 5, items),
            ("status", n, word(&["open", "paid", "shipped"])),
            ("total", n, total),
        ],
    );
    let problem = object(n / 40, vec![("error", n / 40, text(None))]);
    let body = |direction, status, n, schema| BodyView {
        direction,
        status,
        media: "application/json".to_owned(),
        n,
        of: n,
        schema,
    };
    let request = written.then(|| body(BodyDirection::Request, None, n, sent));
    let answer = body(BodyDirection::Response, Some(if written { 201 } else { 200 }), n, answer);
    let problem = body(BodyDirection::Response, Some(404), n / 40, problem);
    request.into_iter().chain([answer, problem]).collect()
}

fn object(n: u64, members: Vec<(&str, u64, SchemaView)>) -> SchemaView {
    let property = |(name, present, schema): (&str, u64, SchemaView)| PropertyView {
        name: name.to_owned(),
        present,
        of: n,
        presence: if present < n { Presence::Optional } else { Presence::Certain },
        p_required: if present < n { 0.5 } else { 0.99 },
        schema,
    };
    SchemaView {
        n,
        kinds: vec![(JsonKind::Object, n)],
        objects: n,
        properties: members.into_iter().map(property).collect(),
        ..SchemaView::default()
    }
}

/// What a scanner with a sense of humour leaves behind.
fn hostile(now: Timestamp) -> Vec<EndpointView> {
    let names = [
        ("<script>alert(1)</script>.example", "/<img src=x onerror=alert(1)>/{\"><script>}"),
        ("\u{202e}elpmaxe.pohs", "/invoice\u{202e}fdp.exe\u{200b}/{id}"),
        ("long.example", "/a-path-of-ten-thousand-characters/{id}/"),
    ];
    (100..)
        .zip(names)
        .map(|(place, (host, template))| {
            let sketch = ("", "GET", "/x", 1, 70, 900, "none");
            let mut one = endpoint(place, sketch, now);
            let long = if host.starts_with("long") { "x".repeat(10_000) } else { String::new() };
            one.host = format!("{host}{long}");
            one.template = format!("{template}{long}");
            one.id = EndpointId::of(&one.host, &one.method, &one.template);
            if let Some(parameter) = one.parameters.first_mut() {
                "<b onclick=alert(1)>\u{202e}".clone_into(&mut parameter.name);
            }
            one
        })
        .collect()
}

fn hosts(endpoints: &[EndpointView]) -> Vec<HostView> {
    let mut hosts: Vec<HostView> = Vec::new();
    for endpoint in endpoints {
        if hosts.last().is_none_or(|host| host.host != endpoint.host) {
            hosts.push(HostView { host: endpoint.host.clone(), ..HostView::default() });
        }
        let Some(host) = hosts.last_mut() else { continue };
        host.endpoints += 1;
        host.requests += endpoint.requests + endpoint.requests / 40;
        host.unmatched += endpoint.requests / 40;
        for (sum, count) in host.status_classes.iter_mut().zip(endpoint.status_classes()) {
            *sum += count;
        }
        host.bytes += endpoint.requests * (endpoint.response_bytes.p50 + 600);
        let latency = endpoint.latency_us;
        host.latency_us.push((latency.p50, endpoint.requests * 9 / 10));
        host.latency_us.push((latency.p99, endpoint.requests / 10));
        host.latency_us.sort_unstable();
        if host.host.starts_with("api.") {
            host.aliases = vec!["www.shop.example".to_owned(), "10.20.0.40".to_owned()];
        }
        host.servers = vec!["10.20.0.40:80".to_owned()];
    }
    hosts
}

fn servers() -> Vec<ServerView> {
    let server =
        |server: &str, http: u64, tls: u64, other: u64, gap: u64, one_sided: u64| ServerView {
            server: server.to_owned(),
            flows: (http + tls + other) / 41_000 + 1,
            http_bytes: http,
            tls_bytes: tls,
            other_bytes: other,
            gap_bytes: gap,
            one_sided_bytes: one_sided,
        };
    vec![
        server("10.20.0.40:80", 61_400_000_000, 0, 12_000_000, 84_000_000, 0),
        server("10.20.0.40:443", 0, 38_100_000_000, 0, 1_200_000, 0),
        server("10.20.0.41:8080", 9_800_000_000, 0, 0, 0, 410_000_000),
        server("10.20.0.55:5432", 0, 310_000_000, 6_020_000_000, 0, 0),
        server("[2001:db8::17]:8443", 0, 2_240_000_000, 0, 0, 2_240_000_000),
        server("10.20.0.60:6379", 0, 0, 918_000_000, 0, 0),
    ]
}

/// Two hosts behind TLS: one in order, one whose certificate has ended.
fn encrypted(now: Timestamp) -> Vec<EncryptedView> {
    let seconds = i64::try_from(now.nanos() / 1_000_000_000).unwrap_or(0);
    let host = |name: &str, server: &str, ends_in_days: i64| {
        let certificate = Certificate {
            subject: name.into(),
            issuer: "Example Internal CA".into(),
            names: vec![name.into()],
            names_total: 1,
            not_before_seconds: seconds - 200 * 86_400,
            not_after_seconds: seconds + ends_in_days * 86_400,
            key: KeyAlgorithm::Rsa,
            key_bits: 2_048,
            digest: SignatureDigest::Sha256,
            ..Certificate::default()
        };
        let one = CertificateView {
            first_seen: now,
            last_seen: now,
            shown: 30,
            in_use: true,
            ..CertificateView::of(&certificate)
        };
        let mut host = EncryptedView {
            host: name.to_owned(),
            named: true,
            server: server.to_owned(),
            handshakes: 4_200,
            first_seen: now,
            last_seen: now,
            versions: vec![("TLS 1.2".to_owned(), 30), ("TLS 1.3".to_owned(), 4_170)],
            versions_offered: vec![("TLS 1.3".to_owned(), 4_170)],
            ciphers: vec![("TLS_AES_128_GCM_SHA256".to_owned(), 4_170)],
            alpn: vec![("h2".to_owned(), 30)],
            certificates: vec![one],
            ..EncryptedView::default()
        };
        host.issues = tapline_review::encrypted_issues(&host, now, 30);
        host
    };
    vec![
        host("admin.shop.example", "10.20.0.40:443", -2),
        host("shop.example", "[2001:db8::17]:8443", 120),
    ]
}

fn source(name: &str, frames: u64, dropped_frames: u64) -> SourceView {
    SourceView {
        name: name.to_owned(),
        frames,
        frame_bytes: frames * 712,
        dropped_frames,
        ..SourceView::default()
    }
}

fn stats(elapsed: u64) -> Stats {
    let mut stats = Stats::default();
    let frames = 275_601_589 + elapsed * 61_000;
    let segments = frames - 9_120_000;
    stats.capture.frames = frames;
    stats.decap.packets = ledger(frames + 1_204, segments, 0);
    stats.decap.packets.drop(DropReason::Kernel, 1_204);
    stats.decap.packets.ignore(IgnoreReason::NotTcp, 9_120_000);
    stats.decap.bytes = ledger(frames * 712, frames * 712, 0);
    stats.reassembly.segments = ledger(segments, segments - 41_822, 310);
    stats.reassembly.segments.ignore(IgnoreReason::NoFlow, 41_512);
    stats.reassembly.payload_bytes = ledger(98_200_000_000, 98_100_000_000, 0);
    stats.reassembly.payload_bytes.ignore(IgnoreReason::Retransmission, 100_000_000);
    stats.reassembly.gaps = 2_114;
    stats.reassembly.gap_bytes = 85_200_000;
    stats.protocol.chunks = ledger(190_000_000, 171_000_000, 0);
    stats.protocol.chunks.ignore(IgnoreReason::UnknownProtocol, 19_000_000);
    stats.protocol.chunk_bytes = ledger(98_100_000_000, 98_100_000_000, 0);
    stats.protocol.transactions = ledger(8_190_412, 8_190_300, 70);
    stats.protocol.transactions.drop(DropReason::PipelineFull, 42);
    stats.discovery.transactions = ledger(8_190_300, 8_190_300, 0);
    stats.behavior.observations = ledger(8_190_300, 8_190_300, 0);
    stats.behavior.deltas = ledger(142_000, 142_000, 0);
    stats.behavior.consumers_active = 18_204;
    stats
}

fn ledger(received: u64, processed: u64, held: u64) -> Ledger {
    Ledger { received, processed, held, ..Ledger::default() }
}

fn findings(endpoints: &[EndpointView], now: Timestamp) -> Vec<Finding> {
    (0..).zip(CASES).map(|(place, case)| finding(place, case, endpoints, now)).collect()
}

fn finding(
    place: u64,
    (detection, kind, severity, title, host, template): Case,
    endpoints: &[EndpointView],
    now: Timestamp,
) -> Finding {
    let endpoint = endpoints.iter().find(|endpoint| endpoint.template == template).map(|named| {
        let EndpointView { id, method, template, .. } = named.clone();
        EndpointRef { id, method, template }
    });
    let is_new = kind == FindingKind::Drift;
    let resolved = detection == "error_surge";
    let ago = |seconds: u64| Timestamp::from_seconds(now.epoch().0 - seconds);
    let mut evidence = vec![
        fact("statuses", "401 × 371, 200 × 41"),
        fact("distinct credentials", "358 of 371 failed attempts"),
        fact("why it is no false positive", "no deploy, no loss of frames, one address range"),
    ];
    if title.contains("<script>") {
        evidence.push(fact("<b>name</b>", "<img src=x onerror=alert(1)>"));
    }
    Finding {
        id: format!("{:016x}", 0x5eed_0000_0000_0000 + place),
        detection: detection.to_owned(),
        kind,
        severity,
        confidence: if is_new { 0.8 } else { 0.97 },
        state: if resolved { FindingState::Resolved } else { FindingState::Open },
        title: title.to_owned(),
        host: host.to_owned(),
        endpoint,
        consumer: (!is_new).then_some(ConsumerKey(0x9a31_77c0_12ab_44ee + place)),
        owner: None,
        client_addresses: (7..9).map(|end| IpAddr::V4(Ipv4Addr::new(203, 0, 113, end))).collect(),
        first_seen: ago(620 + place * 431),
        last_seen: ago(4 + place * 37),
        found_at: Timestamp::ZERO,
        normal: if is_new {
            measure(0.0, "endpoints", "No new endpoint in the last week")
        } else {
            measure(65.2, "requests/minute", "65 a minute, 46 to 86 in 98 % of minutes")
        },
        seen: if is_new {
            measure(1.0, "endpoints", "Appeared 40 minutes ago")
        } else {
            measure(412.0, "requests/minute", "412 requests in the last whole minute")
        },
        probability: if is_new { 0.004 } else { 3.2e-9 },
        lift: if is_new { f64::INFINITY } else { 6.3 },
        mappings: Mappings {
            owasp_api: vec!["API2:2023".to_owned(), "API4:2023".to_owned()],
            oat: vec!["OAT-008".to_owned()],
            attack: vec!["T1110.004".to_owned()],
        },
        evidence,
    }
}

fn tally(finding: &Finding) -> FindingTally {
    FindingTally {
        detection: finding.detection.clone(),
        severity: finding.severity,
        open: u64::from(finding.state == FindingState::Open),
        opened: 1,
    }
}

fn measure(value: f64, unit: &str, text: &str) -> Measure {
    Measure { value, unit: unit.to_owned(), text: text.to_owned() }
}

fn fact(name: &str, value: &str) -> Evidence {
    Evidence { name: name.to_owned(), value: value.to_owned() }
}
