//! Laws: however the input is cut, the outcome is the same; whatever the input, the books balance.

use proptest::prelude::*;

use super::*;

const DIALOGUES: &[(&str, &str)] = &[
    ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    (
        "\r\nPOST /b HTTP/1.1\r\nHost : x\r\nA: b\r\n c\r\nTransfer-Encoding: chunked\r\n\r\n4;x\r\nWiki\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n",
    ),
    ("HEAD /c HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n"),
    (
        "PUT http://x/d?e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
    ),
    ("DELETE /f HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"),
];

pub(super) fn pieces(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.",
        "\r\n",
        "\r\n\r\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "Host: x\r\n",
        " folded\r\n",
        "Content-Encoding: gzip\r\n",
        "G",
        "GET /\r\n",
        "\x16\x03\x01",
        "\x16\x03\x01\x00\x05hello",
    ]);
    let text = prop::collection::vec(text, 1..4).prop_map(|texts| texts.concat().into_bytes());
    let bytes = prop_oneof![6 => text, 1 => prop::collection::vec(any::<u8>(), 1..40)];
    prop_oneof![
        8 => bytes.clone().prop_map(C),
        8 => bytes.prop_map(S),
        1 => (1u64..60).prop_map(CGap),
        1 => (1u64..60).prop_map(SGap),
        1 => Just(Wait(2)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parsing_is_the_same_for_every_cut(
        chosen in prop::collection::vec(prop::sample::select(DIALOGUES), 1..5),
        request_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        response_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let requests: String = chosen.iter().map(|(request, _)| *request).collect();
        let responses: String = chosen.iter().map(|(_, response)| *response).collect();
        let whole = run(&[c(&requests), s(&responses)]);
        prop_assert_eq!(whole.lines().count(), chosen.len());
        let mut steps: Vec<Step> =
            pieces(requests.as_bytes(), &request_cuts).into_iter().map(C).collect();
        steps.extend(pieces(responses.as_bytes(), &response_cuts).into_iter().map(S));
        prop_assert_eq!(run(&steps), whole);
    }

    #[test]
    fn any_input_leaves_the_books_balanced(
        steps in prop::collection::vec(step(), 1..40),
        pipeline_max in 1u16..4,
        head_bytes_max in prop::sample::select(vec![64u32, 1 << 16]),
    ) {
        let config = Config { head_bytes_max, pipeline_max, ..Config::default() };
        let mut run = Run::new(config);
        for step in &steps {
            run.step(step);
        }
        let (_, recorder, protocols) = run.finish();
        let ledger = protocols.stats().transactions;
        prop_assert_eq!(ledger.processed, recorder.lines.len() as u64);
        let classed: u64 = recorder
            .records
            .iter()
            .map(|r| r.http_bytes + r.tls_bytes + r.other_bytes + r.gap_bytes)
            .sum();
        prop_assert_eq!(classed, protocols.stats().chunk_bytes.received);
        prop_assert_eq!(protocols.spent_bytes(), 0);
    }
}

#[test]
fn a_head_fed_byte_by_byte_costs_no_more_than_its_length() {
    let mut run = Run::new(Config { head_bytes_max: 1 << 20, ..Config::default() });
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(30_000));
    for byte in head.as_bytes() {
        run.step(&C(vec![*byte]));
    }
    assert!(run.finish().0.contains("too_many_headers"));
}

#[test]
fn hostile_searches_are_linear() {
    let mut run = Run::new(Config::default());
    run.step(&c("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    run.step(&CGap(1));
    run.step(&SGap(1));
    for text in [" HTTP/1.", "HTTP/1.", "GET ", "A HTTP/1.1\n", "\n", " "] {
        run.step(&c(text.repeat((1 << 20) / text.len())));
        run.step(&s(text.repeat((1 << 20) / text.len())));
    }
    assert!(!run.finish().0.is_empty());
}
