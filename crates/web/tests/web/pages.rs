//! The pages.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use axum::http::StatusCode;
use tapline_model::{EndpointState, EndpointView, Sampling, View};
use tapline_web::{Config, Health, router};

use crate::sample;
use crate::support::{get, shop, state};

const PAGES: [&str; 6] = ["/", "/inventory", "/findings", "/data", "/visibility", "/api"];

/// The addresses on this site that a page links to.
fn links(html: &str) -> Vec<String> {
    html.split("href=\"")
        .chain(html.split("src=\""))
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(link, _)| link.replace("&#38;", "&").replace("&amp;", "&"))
        .filter(|link| link.starts_with('/'))
        .map(|link| link.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn every_link_on_every_page_leads_somewhere() {
    let app = shop();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut ahead: VecDeque<String> = VecDeque::from(["/".to_owned()]);
    while let Some(path) = ahead.pop_front() {
        let got = get(&app, &path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        if got.header("content-type").starts_with("text/html") {
            for link in links(&got.text) {
                if known.insert(link.clone()) {
                    ahead.push_back(link);
                }
            }
        }
    }
    assert!(known.len() > 80, "{} links", known.len());
    assert!(PAGES.iter().all(|page| known.contains(*page)));
}

#[tokio::test]
async fn pages_hold_no_inline_code_and_are_marked_up_for_readers() {
    let app = shop();
    let id = sample::view(0).endpoints[0].id;
    let others = [format!("/endpoints/{id}"), "/findings/5eed000000000000".to_owned()];
    let all = PAGES.iter().map(ToString::to_string).chain(others).chain(["/nowhere".to_owned()]);
    for path in all {
        let html = get(&app, &path).await.text;
        assert_eq!(html.matches("<script").count(), 1, "{path}");
        assert!(!html.contains(" style="), "{path}");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{path}");
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert_eq!(html.matches("<main").count(), 1, "{path}");
        assert_eq!(
            html.matches("<th ").count() + html.matches("<th>").count(),
            html.matches(" scope=\"").count(),
            "{path}: a heading without a scope"
        );
        let pictures = html.split("<svg").skip(1).filter_map(|rest| rest.split_once('>'));
        for (attributes, _) in pictures {
            let is_said = attributes.contains("role=\"img\" aria-label=\"");
            // Keys are inside a list that is hidden itself.
            let is_hidden = attributes.contains("aria-hidden") || attributes.contains("\"key\"");
            assert!(is_said || is_hidden, "{path}: a picture without words");
        }
    }
}

#[tokio::test]
async fn names_from_traffic_stay_text() {
    let app = shop();
    let view = sample::view(0);
    let mut paths: Vec<String> = PAGES.iter().map(ToString::to_string).collect();
    paths.extend(view.endpoints.iter().map(|endpoint| format!("/endpoints/{}", endpoint.id)));
    paths.extend(view.findings.iter().map(|finding| format!("/findings/{}", finding.id)));
    for path in paths {
        let html = get(&app, &path).await.text;
        for raw in ["<script>alert", "<img src=x", "<b onclick", "<i>host", "<b>name", "{\">"] {
            assert!(!html.contains(raw), "{path} holds {raw}");
        }
        assert!(!html.contains(['\u{202e}', '\u{200b}']), "{path} reorders or hides text");
        // Links name a host in full; what is shown of it is cut.
        let shown: String = html
            .split("href=\"")
            .map(|rest| rest.split_once('"').map_or(rest, |(_, tail)| tail))
            .collect();
        assert!(!shown.contains(&"x".repeat(2_500)), "{path} shows a name without end");
    }
    assert!(get(&app, "/findings").await.text.contains("&#60;script&#62;alert(1)"));
    assert!(get(&app, "/findings").await.text.contains("⟨U+202E⟩"));
}

#[tokio::test]
async fn a_sensor_that_has_seen_nothing_shows_every_page() {
    let app = router(&Config::default(), state(View::default()));
    for path in PAGES {
        let got = get(&app, path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
    }
    assert!(get(&app, "/").await.text.contains("No flow yet."));
    assert!(get(&app, "/inventory").await.text.contains("No endpoint yet."));
}

#[tokio::test]
async fn ages_are_relative_to_capture_time() {
    let html = get(&shop(), "/findings/5eed000000000000").await.text;
    assert!(html.contains("5eed000000000000-0.pcap.age"), "the packets are named");
    assert!(html.contains("2026-05-04 12:00:00 UTC"));
    assert!(html.contains(">10\u{a0}min ago</time>"), "the case began 620 seconds before");
}

#[tokio::test]
async fn the_inventory_is_searched_filtered_and_put_in_order() {
    let app = shop();
    let count = |html: &str| html.matches("class=\"go wrap\"").count();
    let all = get(&app, "/inventory").await.text;
    assert_eq!(count(&all), 30);
    assert_eq!(count(&get(&app, "/inventory?q=ORDERS+post").await.text), 1);
    assert_eq!(count(&get(&app, "/inventory?method=DELETE").await.text), 1);
    assert_eq!(count(&get(&app, "/inventory?auth=basic").await.text), 1);
    assert_eq!(count(&get(&app, "/inventory?host=payments.shop.example").await.text), 4);
    assert!(get(&app, "/inventory?q=unheard").await.text.contains("No endpoint matches."));
    let sorted = get(&app, "/inventory?sort=p99&order=asc").await.text;
    assert!(sorted.contains("aria-sort=\"ascending\""));
    assert!(sorted.find("/healthz") < sorted.find("/internal/export"));
}

#[tokio::test]
async fn a_normal_minute_and_a_strange_one_are_told_apart() {
    let app = shop();
    let view = sample::view(0);
    let page_of = |template: &str| {
        let found = view.endpoints.iter().find(|endpoint| endpoint.template == template);
        format!("/endpoints/{}", found.unwrap().id)
    };
    let login = get(&app, &page_of("/v1/login")).await.text;
    assert!(login.contains("That is more than normal."));
    assert!(login.contains("Logins at six times the normal rate"), "its finding");
    assert!(get(&app, &page_of("/v1/cart")).await.text.contains("That is normal."));
    assert!(get(&app, &page_of("/debug/vars")).await.text.contains("Too little was seen"));
}

#[tokio::test]
async fn broken_books_and_reasons_are_seen_first() {
    let mut view = sample::view(0);
    view.stats.decap.packets.received += 1;
    let mut state = state(view);
    state.health = Arc::new(|| Health { ready: false, reasons: vec!["eth1 is <down>".to_owned()] });
    let html = get(&router(&Config::default(), state), "/").await.text;
    assert!(html.contains("Not ready") && html.contains("eth1 is &#60;down&#62;"));
    assert!(html.contains("Broken"));
}

#[tokio::test]
async fn files_are_kept_for_good_under_their_hash_alone() {
    let app = shop();
    let html = get(&app, "/").await.text;
    let style = links(&html).into_iter().find(|link| link.contains("style.css")).unwrap();
    let kept = get(&app, &style).await;
    assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(kept.header("content-type"), "text/css; charset=utf-8");
    for other in ["/static/style.css", "/static/style.css?v=0"] {
        assert_eq!(get(&app, other).await.header("cache-control"), "no-cache");
    }
    assert_eq!(get(&app, "/static/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/static/..%2fCargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_overload_and_an_interface_that_is_down_are_shown() {
    let calm = get(&shop(), "/").await.text;
    assert!(!calm.contains("Overloaded") && !calm.contains("is down"));
    let mut view = sample::view(0);
    view.sampling = Sampling::halved(2);
    view.sources[1].down = true;
    view.sources[1].outages = 3;
    let reasons = vec!["eth2: the interface is down".to_owned()];
    let mut state = state(view);
    state.health = Arc::new(move || Health { ready: true, reasons: reasons.clone() });
    let app = router(&Config::default(), state);
    let overview = get(&app, "/").await.text;
    assert!(overview.contains("1 in 4") && overview.contains("eth2: the interface is down"));
    let visibility = get(&app, "/visibility").await.text;
    assert!(visibility.contains("down") && visibility.contains("3 outages"));
    let status = get(&app, "/api/v1/status").await.json();
    assert_eq!(status["capture"]["sampling_ratio"], 0.25);
    assert_eq!(status["capture"]["sources"][1]["down"], true);
}

#[tokio::test]
async fn hosts_that_look_like_one_are_named_with_what_joins_them() {
    let mut view = sample::view(0);
    let known = Arc::clone(&view.endpoints);
    let of_tenant = |tenant: &'static str| {
        let confirmed = known.iter().filter(|it| it.state == EndpointState::Confirmed).take(3);
        let host = format!("{tenant}.tenants.shop.example");
        confirmed.map(move |it| EndpointView { host: host.clone(), ..it.as_ref().clone() })
    };
    let tenants = ["acme", "beta", "core"].into_iter().flat_map(of_tenant).map(Arc::new);
    view.endpoints = known.iter().cloned().chain(tenants).collect();
    let app = router(&Config::default(), state(view));
    let page = get(&app, "/inventory").await.text;
    assert!(page.contains("acme.tenants.shop.example, beta.tenants.shop.example"), "{page}");
    let line = "discovery.hosts: [&#34;{tenant}.tenants.shop.example&#34;]";
    assert!(page.contains(line), "{page}");
    let other = get(&shop(), "/inventory").await.text;
    assert!(!other.contains("discovery.hosts"), "{other}");
}

#[tokio::test]
async fn an_endpoint_says_what_its_template_is_known_from() {
    let view = sample::view(0);
    let is_told = |it: &&Arc<EndpointView>| {
        it.places.external > 0 && it.template_evidence.segments.iter().any(|one| one.slot)
    };
    let one = view.endpoints.iter().find(is_told).unwrap();
    let page = get(&shop(), &format!("/endpoints/{}", one.id)).await.text;
    assert!(page.contains("new texts kept coming") && page.contains("Path template"), "{page}");
    assert!(page.contains("external"), "{page}");
}
