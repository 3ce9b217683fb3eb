//! Handshakes of TLS: however they are cut, the same is read; whatever comes, the books balance.

use proptest::prelude::*;
use tapline_model::{Alpn, DropReason, Handshake, IgnoreReason, TlsVersion};

use super::*;

/// Bytes behind their length, which takes so many bytes.
fn sized(length_bytes: usize, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&length[4 - length_bytes..], content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(2, content)].concat()
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &sized(3, content)].concat()
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &sized(2, content)].concat()
}

/// Messages over records of at most so many bytes.
fn records(messages: &[Vec<u8>], bytes_max: usize) -> Vec<u8> {
    messages.concat().chunks(bytes_max).flat_map(|part| record(22, part)).collect()
}

/// With GREASE, a key share as large as those of ML-KEM, and an extension nobody knows.
fn client_hello(name: &str) -> Vec<u8> {
    let host = [&[0][..], &sized(2, name.as_bytes())].concat();
    let alpn = [sized(1, b"h2"), sized(1, b"http/1.1"), sized(1, b"\x2a\x2a")].concat();
    let extensions = [
        extension(0x3a3a, &[]),
        extension(0, &sized(2, &host)),
        extension(0xfe0d, &[1; 40]),
        extension(16, &sized(2, &alpn)),
        extension(43, &sized(1, &[0x4a, 0x4a, 3, 4, 3, 3])),
        extension(51, &sized(2, &[0; 1_200])),
    ]
    .concat();
    let ciphers = [0x0a, 0x0a, 0x13, 1, 0xc0, 0x2f];
    let hello = [&[3, 3][..], &[7; 32], &[0], &sized(2, &ciphers), &[1, 0], &sized(2, &extensions)];
    message(1, &hello.concat())
}

fn server_hello(version: u8, cipher: u16, extensions: &[u8]) -> Vec<u8> {
    let hello =
        [&[3, version][..], &[9; 32], &[0], &cipher.to_be_bytes(), &[0], &sized(2, extensions)];
    message(2, &hello.concat())
}

fn certificates(leaf: &[u8]) -> Vec<u8> {
    message(11, &sized(3, &[sized(3, leaf), sized(3, &[5; 900])].concat()))
}

/// A whole flight of TLS 1.2, with a demand for the client's certificate.
fn flight() -> Vec<Vec<u8>> {
    vec![
        server_hello(3, 0xc02f, &extension(16, &sized(2, &sized(1, b"h2")))),
        certificates(b"leaf"),
        message(22, &[1; 300]),
        message(12, &[2; 200]),
        message(13, &[0, 0, 0]),
        message(14, &[]),
    ]
}

pub(super) fn show(handshake: &Handshake<'_>) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let mut line = format!(
        "{} -> {} {} {:04x}",
        handshake.client,
        handshake.server,
        handshake.version.label(),
        handshake.cipher
    );
    if handshake.offer_seen {
        let versions: Vec<_> =
            handshake.versions_offered.versions().map(TlsVersion::label).collect();
        let alpn: Vec<_> = handshake.alpn_offered.alpns().map(Alpn::label).collect();
        let name = handshake.server_name.map_or("-".to_owned(), text);
        write!(line, " for {name} offered {}; {}", versions.join(", "), alpn.join(", ")).unwrap();
    }
    if let Some(alpn) = handshake.alpn {
        write!(line, " speaks {}", alpn.label()).unwrap();
    }
    if let Some(certificate) = handshake.certificate {
        write!(line, " shows {}", text(certificate)).unwrap();
    }
    if handshake.client_certificate_asked {
        line += " asks for one";
    }
    line
}

/// Lines of the handshakes, and the counters.
fn read(steps: &[Step]) -> (Vec<String>, tapline_model::ProtocolStats) {
    let mut run = Run::new(Config::default());
    for step in steps {
        run.step(step);
    }
    let (_, recorder, protocols) = run.finish();
    assert_eq!(protocols.spent_bytes(), 0);
    (recorder.handshakes, protocols.stats())
}

fn check(steps: &[Step], expected: &[&str]) {
    assert_eq!(read(steps).0, expected);
}

const TLS12: &str = "10.0.0.1:40000 -> 10.0.0.2:8080 TLS 1.2 c02f for shop.test offered TLS 1.2, TLS 1.3; \
                     http/1.1, h2, other speaks h2 shows leaf asks for one";

#[test]
fn a_handshake_of_tls_1_2_is_read_whole() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    check(&[c(&hello), s(records(&flight(), 16_384)), c("whatever")], &[TLS12]);
}

#[test]
fn a_handshake_of_tls_1_3_is_read_up_to_where_it_is_encrypted() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let answer = server_hello(3, 0x1301, &extension(43, &[3, 4]));
    let answer = [record(22, &answer), record(20, &[1]), record(23, &[0; 900])].concat();
    check(
        &[c(hello), s(answer)],
        &["10.0.0.1:40000 -> 10.0.0.2:8080 TLS 1.3 1301 for shop.test offered TLS 1.2, TLS 1.3; \
           http/1.1, h2, other"],
    );
}

#[test]
fn who_asks_is_told_by_the_hellos_and_not_by_who_opened_the_flow() {
    let mut run = Run::new(Config::default());
    run.step(&s(records(&[client_hello("shop.test")], 16_384)));
    run.step(&c(records(&flight(), 16_384)));
    let (_, recorder, _) = run.finish();
    assert!(recorder.handshakes[0].starts_with("10.0.0.2:8080 -> 10.0.0.1:40000 TLS 1.2"));
    assert_eq!(recorder.records[0].client, Some(tuple().responder));
}

#[test]
fn a_session_that_is_resumed_shows_no_certificate() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let answer = [record(22, &server_hello(2, 0x000a, &[])), record(20, &[1])].concat();
    check(
        &[c(hello), s(answer)],
        &["10.0.0.1:40000 -> 10.0.0.2:8080 TLS 1.1 000a for shop.test offered TLS 1.2, TLS 1.3; \
           http/1.1, h2, other"],
    );
}

#[test]
fn a_hello_that_comes_late_is_waited_for() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let answer = records(&flight(), 16_384);
    check(&[s(&answer), c(&hello)], &[TLS12]);
    let alone = "10.0.0.1:40000 -> 10.0.0.2:8080 TLS 1.2 c02f speaks h2 shows leaf asks for one";
    check(&[s(&answer), Wait(2), c(&hello)], &[alone]);
    check(&[s(&answer)], &[alone]);
}

#[test]
fn what_is_missing_costs_what_it_hits() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let flight = flight();
    let start = records(&flight[..1], 16_384);
    check(
        &[c(&hello), s(&start), SGap(100), s(records(&flight[2..], 16_384))],
        &["10.0.0.1:40000 -> 10.0.0.2:8080 TLS 1.2 c02f for shop.test offered TLS 1.2, TLS 1.3; \
           http/1.1, h2, other speaks h2"],
    );
}

#[test]
fn a_warning_before_the_answer_is_passed_over() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let warned = [record(21, &[1, 112]), records(&flight(), 900)].concat();
    check(&[c(&hello), s(&warned[..3]), s(&warned[3..])], &[TLS12]);
}

#[test]
fn what_is_not_answered_is_counted_and_not_told() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let alert = record(21, &[2, 112]);
    let zeros = record(22, &[2, 0xff, 0xff, 0xff, 0]);
    let ignored = |reason: IgnoreReason| {
        move |stats: &tapline_model::ProtocolStats| stats.handshakes.ignored[reason as usize]
    };
    for (steps, reason) in [
        (vec![c(&hello)], IgnoreReason::Unanswered),
        (vec![c(&hello), s(alert)], IgnoreReason::Unanswered),
        (vec![c(&hello), SGap(9), s("x")], IgnoreReason::Unanswered),
        (vec![c(&hello), s(record(22, &server_hello(9, 0, &[])))], IgnoreReason::Malformed),
        (vec![c(&hello), s([22, 3, 3, 0, 0])], IgnoreReason::Malformed),
    ] {
        let (lines, stats) = read(&steps);
        assert_eq!((lines, ignored(reason)(&stats)), (vec![], 1), "{steps:?}");
    }
    let (lines, stats) = read(&[c(&hello), s(zeros)]);
    assert_eq!((lines, stats.handshakes.dropped[DropReason::BufferFull as usize]), (vec![], 1));
}

#[test]
fn a_certificate_that_finds_no_room_is_told_of_as_an_empty_one() {
    let mut run = Run::new(Config { handshake_bytes_max: 2 << 10, ..Config::default() });
    run.step(&c(records(&[client_hello("shop.test")], 16_384)));
    let flight = [server_hello(3, 0xc02f, &[]), certificates(&[6; 2_000])];
    run.step(&s(records(&flight, 16_384)));
    let (_, recorder, protocols) = run.finish();
    assert_eq!(recorder.handshakes.len(), 1);
    assert!(recorder.handshakes[0].ends_with(" shows "), "{}", recorder.handshakes[0]);
    assert_eq!(protocols.stats().handshakes.processed, 1);
}

#[test]
fn a_flow_met_in_its_middle_has_no_handshake() {
    let (lines, stats) = read(&[c(record(23, &[7; 90])), s(record(22, &[7; 90]))]);
    assert_eq!((lines, stats.tls_flows, stats.handshakes.received), (vec![], 1, 0));
}

#[test]
fn a_tunnel_s_handshake_is_read_too() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let (lines, _) = read(&[
        c("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n"),
        s("HTTP/1.1 200 OK\r\n\r\n"),
        c(hello),
        s(records(&flight(), 100)),
    ]);
    assert_eq!(lines, [TLS12]);
}

#[test]
fn a_server_that_answers_in_plain_text_is_http() {
    let hello = records(&[client_hello("shop.test")], 16_384);
    let (lines, stats) = read(&[c(hello), s("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    assert_eq!((lines, stats.handshakes.ignored_total()), (vec![], 1));
    assert_eq!(stats.http1_flows, 1);
}

/// Bytes of one direction, mixed of what handshakes are made of.
fn debris() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(records(&[client_hello("shop.test")], 300)),
        Just(records(&flight(), 77)),
        Just(record(22, &server_hello(3, 0x1301, &extension(43, &[3, 4])))),
        Just(record(22, &certificates(&[0x30; 200]))),
        Just(record(21, &[1, 0])),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| record(22, &bytes)),
        prop::collection::vec(any::<u8>(), 1..30),
    ];
    (prop::collection::vec(part, 1..4), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(parts, place, byte)| {
            let mut bytes = parts.concat();
            let at = place.index(bytes.len());
            bytes[at] = byte;
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_handshake_is_the_same_for_every_cut(
        asked_record_bytes in 1usize..1_500,
        answer_record_bytes in 1usize..3_000,
        asked_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        answer_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let hello = records(&[client_hello("shop.test")], asked_record_bytes);
        let answer = records(&flight(), answer_record_bytes);
        let mut steps: Vec<Step> =
            properties::pieces(&hello, &asked_cuts).into_iter().map(C).collect();
        steps.extend(properties::pieces(&answer, &answer_cuts).into_iter().map(S));
        prop_assert_eq!(read(&steps).0, [TLS12]);
    }

    #[test]
    fn whatever_comes_the_books_balance(
        parts in prop::collection::vec((any::<bool>(), debris()), 1..6),
        handshake_bytes_max in prop::sample::select(vec![1u32 << 10, 16 << 10]),
        gap in any::<prop::sample::Index>(),
    ) {
        let mut run = Run::new(Config { handshake_bytes_max, ..Config::default() });
        let gap = gap.index(parts.len() * 2);
        for (at, (asks, bytes)) in parts.iter().enumerate() {
            run.step(&if *asks { c(bytes) } else { s(bytes) });
            if at == gap {
                run.step(&SGap(7));
            }
        }
        let (_, recorder, protocols) = run.finish();
        let ledger = protocols.stats().handshakes;
        prop_assert_eq!(ledger.held, 0);
        prop_assert_eq!(ledger.processed, recorder.handshakes.len() as u64);
        prop_assert_eq!(protocols.spent_bytes(), 0);
    }
}
