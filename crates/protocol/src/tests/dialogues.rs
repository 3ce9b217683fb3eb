//! Dialogues without loss.

use expect_test::expect;

use super::*;

const GET_A: &str = "GET /a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_B: &str = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
const HEAD_A: &str = "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: Text/Plain; q=1\r\n\r\nok";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

#[test]
fn keep_alive_gives_one_transaction_after_the_other() {
    check(
        &[c(GET_A), s(OK), c(GET_B), s(NOT_FOUND)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        GET x /b -> 404 28+45B
    "]],
    );
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    check(
        &[
            c([GET_A, HEAD_A, GET_B].concat()),
            s([OK, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", NOT_FOUND].concat()),
        ],
        &expect![[r"
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
            HEAD x /a -> 200 29+38B
            GET x /b -> 404 28+45B
        "]],
    );
}

#[test]
fn the_server_may_have_opened_the_flow() {
    check(
        &[s(GET_A), c(OK)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
    "]],
    );
}

#[test]
fn a_request_without_answer_is_reported_at_the_end() {
    check(
        &[c(GET_A), s(OK), c(GET_B)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        GET x /b -> ? 28+0B response_missing
    "]],
    );
}

#[test]
fn bodies_without_content_have_none() {
    check(
        &[
            c(HEAD_A),
            s("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
            c(GET_A),
            s("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
            c("DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n"),
            s("HTTP/1.1 204 No Content\r\n\r\n"),
        ],
        &expect![[r"
            HEAD x /a -> 200 29+40B
            GET x /a?q=1 -> 304 32+50B
            DELETE x /a -> 204 31+27B
        "]],
    );
}

#[test]
fn interim_responses_are_not_the_response() {
    check(
        &[
            c("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
            s("HTTP/1.1 100 Continue\r\n\r\n"),
            c("body"),
            s("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            s(OK),
        ],
        &expect![[r"
            POST x /a -> 200 74+136B asked 4:'body' answered 2:text/plain'ok'
        "]],
    );
}

#[test]
fn a_body_that_the_answer_made_needless_is_not_waited_for() {
    check(
        &[
            c("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
            s("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
            c(GET_B),
            s(OK),
        ],
        &expect![[r"
            PUT x /a -> 401 69+48B
            GET x /b -> 200 28+71B answered 2:text/plain'ok'
        "]],
    );
}

#[test]
fn an_early_answer_waits_for_its_request() {
    check(
        &[
            c("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf"),
            s("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
            c("more"),
            c(GET_B),
            s(OK),
        ],
        &expect![[r"
            POST x /a -> 413 56+45B asked 8:'halfmore'
            GET x /b -> 200 28+71B answered 2:text/plain'ok'
        "]],
    );
}

#[test]
fn an_upload_given_up_is_not_whole() {
    check(
        &[
            c("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf"),
            s("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
            Reset,
        ],
        &expect![[r"
            POST x /a -> 413 52+45B asked 4:'half'... gapped
        "]],
    );
}

#[test]
fn chunked_bodies_are_joined() {
    check(
        &[
            c("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n"),
            c("2\r\nde\r\n0\r\nSum: 1\r\n\r\n"),
            s("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            c(GET_B),
        ],
        &expect![[r"
            POST x /a -> 200 89+59B asked 5:'abcde' answered 2:'ok'
            GET x /b -> ? 28+0B response_missing
        "]],
    );
}

#[test]
fn a_close_ends_a_body_without_length() {
    let head = "HTTP/1.0 200 OK\r\n\r\n";
    check(
        &[c("GET /a HTTP/1.0\r\n\r\n"), s(head), s("until "), s("close"), SFin],
        &expect![[r"
        GET - /a -> 200 19+30B answered 11:'until close'
    "]],
    );
    check(
        &[c("GET /a HTTP/1.0\r\n\r\n"), s(head), s("reset"), Reset],
        &expect![[r"
        GET - /a -> 200 19+24B answered 5:'reset'
    "]],
    );
    check(
        &[c("GET /a HTTP/1.0\r\n\r\n"), s(head), s("open"), Step::Idle],
        &expect![[r"
        GET - /a -> 200 19+23B answered 4:'open'... response_missing
    "]],
    );
    check(
        &[c("GET /a HTTP/1.0\r\n\r\n"), CFin, s(head), s("half-closed"), SFin],
        &expect![[r"
        GET - /a -> 200 19+30B answered 11:'half-closed'
    "]],
    );
}

#[test]
fn a_body_cut_short_is_no_response_to_its_end() {
    check(
        &[c(GET_A), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SFin],
        &expect![[r"
        GET x /a?q=1 -> 200 32+41B answered 3:'abc'... response_missing
    "]],
    );
}

#[test]
fn framing_follows_the_rfc_and_names_what_breaks_it() {
    let post =
        |fields: &str, body: &str| c(format!("POST /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}"));
    check(
        &[
            post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
            s(NOT_FOUND),
            post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"),
            s(NOT_FOUND),
            post("Content-Length: 2, 3\r\n", "hi"),
            s(NOT_FOUND),
            post("Content-Length: +2\r\n", ""),
            s(NOT_FOUND),
            post("Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n", "hi"),
            s(NOT_FOUND),
            post("Transfer-Encoding: chunked, identity\r\n", ""),
            s(NOT_FOUND),
            post("Transfer-Encoding: chunked\r\n", "zz\r\n"),
            s("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        ],
        &expect![[r"
            POST x /a -> 404 88+45B asked 2:'hi' !conflicting_body_length
            POST x /a -> 404 69+45B asked 2:'hi'
            POST x /a -> 404 53+45B asked 2:'hi' !duplicate_content_length
            POST x /a -> 404 49+45B !invalid_content_length
            POST x /a -> 404 79+45B asked 2:'hi' !conflicting_body_length !invalid_transfer_encoding
            POST x /a -> 404 67+45B !invalid_transfer_encoding
            POST x /a -> 400 58+47B !invalid_chunk
        "]],
    );
}

#[test]
fn what_goes_through_a_tunnel_is_told_by_its_content() {
    check(
        &[
            c("CONNECT db:443 HTTP/1.1\r\nHost: db:443\r\n\r\n"),
            s("HTTP/1.1 200 Established\r\n\r\n"),
            c("\x16\x03\x01 not http"),
            s("HTTP/1.1 200 OK\r\n\r\n"),
        ],
        &expect![[r"
            CONNECT db:443 db:443 -> 200 41+28B
        "]],
    );
    check(
        &[
            c("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n\n"),
            s("HTTP/1.1 200 Established\r\n\r\n\n"),
            c(GET_A),
            s(OK),
            c(GET_B),
            s(NOT_FOUND),
        ],
        &expect![[r"
            CONNECT a:80 a:80 -> 200 37+28B
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
            GET x /b -> 404 28+45B
        "]],
    );
    check(
        &[
            c("CONNECT db:443 HTTP/1.1\r\nHost: db:443\r\n\r\n"),
            s("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
            c(GET_A),
            s(OK),
        ],
        &expect![[r"
            CONNECT db:443 db:443 -> 407 41+65B
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        "]],
    );
}

#[test]
fn whoever_speaks_tls_may_be_answered_in_plain_text() {
    check(
        &[
            c(b"\x16\x03\x01\x00\x05hello"),
            s("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
            c(b"\x15\x03\x01\x00\x02\x02\x28"),
        ],
        &expect![[r"
            ? -> 400 0+47B request_missing
        "]],
    );
}

#[test]
fn a_request_line_without_version_is_all_of_a_request() {
    check(
        &[c("GET /a?b\r\n"), s("<html>"), SFin, CFin],
        &expect![[r"
        GET - /a?b -> ? 10+0B response_missing
    "]],
    );
    check(
        &[c("GET /a\r\nHost: x\r\n\r\n"), s(OK)],
        &expect![[r"
        GET x /a -> 200 19+71B answered 2:text/plain'ok' !lenient_head
    "]],
    );
    check(&[c("FETCH /a\r\n\r\n"), CFin], &expect![[r""]]);
    check(&[c("GET a\r\n\r\n"), CFin], &expect![[r""]]);
}

#[test]
fn a_request_that_is_never_finished_is_none() {
    check(
        &[c(GET_A), s(OK), c("GET /b HTTP/1.1\r\nHost: x\r\n"), CFin],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
    "]],
    );
    check(
        &[
            c("GET /b HTTP/1.1\r\nHost: x\r\n"),
            s("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
            SFin,
            CFin,
        ],
        &expect![[r"
            GET x /b -> 408 26+51B gapped
        "]],
    );
}

#[test]
fn a_response_may_be_due_with_a_spoilt_version() {
    for version in ["HTTP/1\0.1", "HTTP/1.1\0", "http/1.1", "HTTP/2.0", "HTTP/"] {
        let answer = format!("{version} 200 ok\r\nContent-Length: 2\r\n\r\nok");
        let lines = run(&[c(GET_A), s(answer)]);
        assert!(lines.contains("-> 200") && lines.contains("'ok'"), "{version}: {lines}");
    }
    // But not just anywhere.
    check(&[s("HTTP/2.0 200 ok\r\nContent-Length: 2\r\n\r\nok")], &expect![[r""]]);
}

#[test]
fn an_upgrade_ends_http() {
    check(
        &[
            c("GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            s("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x01\x02\x03"),
            c(GET_A),
        ],
        &expect![[r"
            GET x /chat -> 101 72+56B
        "]],
    );
}

#[test]
fn every_form_of_target_is_taken_apart() {
    check(
        &[
            c("GET http://u@h:81?a=b HTTP/1.1\r\nHost: other\r\n\r\n"),
            c("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
            c("GET https://h/p/q?r HTTP/1.1\r\nHost: h\r\n\r\n"),
            c("CONNECT h:1 HTTP/1.0\r\n\r\n"),
        ],
        &expect![[r"
            GET u@h:81 /?a=b -> ? 47+0B response_missing
            OPTIONS x * -> ? 31+0B response_missing
            GET h /p/q?r -> ? 41+0B response_missing
            CONNECT h:1 h:1 -> ? 24+0B response_missing
        "]],
    );
}

#[test]
fn blank_lines_between_messages_are_skipped() {
    check(
        &[c("\r\n\r\n"), c(GET_A), c("\r\n\n"), s(["\r\n", OK, "\r\n"].concat()), c(GET_B), s(OK)],
        &expect![[r"
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
            GET x /b -> 200 28+71B answered 2:text/plain'ok'
        "]],
    );
}

#[test]
fn a_desynchronised_direction_finds_the_next_message() {
    check(
        &[
            c("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi there"),
            s(OK),
            c(GET_B),
            s(OK),
        ],
        &expect![[r"
            POST x /a -> 200 50+71B asked 2:'hi' answered 2:text/plain'ok'
            GET x /b -> 200 28+71B answered 2:text/plain'ok' !desynchronised
        "]],
    );
}

#[test]
fn a_response_may_be_captured_before_its_request() {
    check(
        &[s(OK), c(GET_A), c(GET_B), s(NOT_FOUND)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        GET x /b -> 404 28+45B
    "]],
    );
    check(
        &[c(GET_A), s(OK), s(NOT_FOUND), c(GET_B), c(HEAD_A), s(OK)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        GET x /b -> 404 28+45B
        HEAD x /a -> 200 29+69B
    "]],
    );
    let no_content = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    check(
        &[s(no_content), c(HEAD_A), c(GET_B), s(NOT_FOUND)],
        &expect![[r"
        HEAD x /a -> 200 29+38B
        GET x /b -> 404 28+45B
    "]],
    );
}

#[test]
fn a_response_that_nobody_asked_for_is_named() {
    check(
        &[c(GET_A), s(OK), s("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"), SFin],
        &expect![[r"
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
            ? -> 408 0+51B request_missing !unrequested_response
        "]],
    );
    check(
        &[c(GET_A), s(OK), s(NOT_FOUND), Wait(3), c(GET_B), s(OK)],
        &expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        ? -> 404 0+45B request_missing !unrequested_response
        GET x /b -> 200 28+71B answered 2:text/plain'ok'
    "]],
    );
}

#[test]
fn one_sided_flows_give_what_they_have() {
    check(
        &[c(GET_A), c(GET_B)],
        &expect![[r"
        GET x /a?q=1 -> ? 32+0B response_missing
        GET x /b -> ? 28+0B response_missing
    "]],
    );
    check(
        &[s(OK), s(NOT_FOUND)],
        &expect![[r"
            ? -> 200 0+71B answered 2:text/plain'ok' request_missing
            ? -> 404 0+45B request_missing
        "]],
    );
    // The first chunk of a flow without handshake counts as the opener's.
    check(
        &[c(OK), Wait(3), c(NOT_FOUND)],
        &expect![[r"
        ? -> 200 0+71B answered 2:text/plain'ok' request_missing
        ? -> 404 0+45B request_missing
    "]],
    );
}

#[test]
fn a_flow_met_while_a_response_is_due_is_not_off_by_one() {
    check(
        &[c(OK), s(GET_A), c(NOT_FOUND), s(GET_B), c(OK)],
        &expect![[r"
        ? -> 200 0+71B answered 2:text/plain'ok' request_missing
        GET x /a?q=1 -> 404 32+45B
        GET x /b -> 200 28+71B answered 2:text/plain'ok'
    "]],
    );
}

#[test]
fn a_flow_met_in_a_body_begins_at_the_next_start_line() {
    check(
        &[s("tail of an answer"), c(GET_A), s(OK), c("tail of an upload"), c(GET_B), s(OK)],
        &expect![[r"
            GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
            GET x /b -> 200 28+71B answered 2:text/plain'ok' !desynchronised
        "]],
    );
    check(
        &[c("tail of an upload"), s(OK), c(GET_B), s(NOT_FOUND)],
        &expect![[r"
        ? -> 200 0+71B answered 2:text/plain'ok' request_missing
        GET x /b -> 404 28+45B
    "]],
    );
}

#[test]
fn coded_bodies_are_decoded() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"[1, 2]").unwrap();
    let coded = encoder.finish().unwrap();
    let fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", coded.len());
    let mut response = head.into_bytes();
    response.extend_from_slice(&coded);
    let (start, end) = response.split_at(response.len() - 7);
    check(
        &[c(GET_A), s(start), s(end)],
        &expect![[r"
            GET x /a?q=1 -> 200 32+121B answered 26:application/json'[1, 2]'
        "]],
    );
    check(
        &[c(GET_A), s(start)],
        &expect![[r"
            GET x /a?q=1 -> 200 32+114B answered 19:application/json'[1, 2]'... response_missing
        "]],
    );
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    let body = [format!("{:x}\r\n", coded.len()).as_bytes(), &coded, b"\r\n0\r\n\r\n"].concat();
    check(
        &[c(GET_A), s(chunked), s(body)],
        &expect![[r"
            GET x /a?q=1 -> 200 32+90B answered 26:'[1, 2]'
        "]],
    );
}

#[test]
fn coded_bodies_that_nobody_wants_stay_coded() {
    let request = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    let response = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    let lines = |bodies_unwanted| {
        let mut run = Run::new(Config::default());
        run.sink.bodies_unwanted = bodies_unwanted;
        run.step(&c(request));
        run.step(&s(response));
        assert_eq!(run.sink.questions, ["PUT x /a -> 200 49+65B asked 2:'hi' answered 3:''..."]);
        run.finish().0
    };
    assert_eq!(
        lines(false),
        "PUT x /a -> 200 49+65B asked 2:'hi' answered 3:''... !invalid_content_coding\n"
    );
    assert_eq!(lines(true), "PUT x /a -> 200 49+65B asked 2:'hi' answered 3:''...\n");
}

#[test]
fn pipelines_deeper_than_the_cap_are_cut_off_in_step() {
    let config = Config { pipeline_max: 2, ..Config::default() };
    let steps = [
        c([GET_A, GET_B, HEAD_A, GET_A].concat()),
        s([OK, NOT_FOUND].concat()),
        s([NOT_FOUND, OK].concat()),
        c(GET_B),
        s(OK),
    ];
    let mut run = Run::new(config);
    for step in steps {
        run.step(&step);
    }
    let (lines, _, protocols) = run.finish();
    expect![[r"
        GET x /a?q=1 -> 200 32+71B answered 2:text/plain'ok'
        GET x /b -> 404 28+45B !pipeline_too_deep
        GET x /b -> 200 28+71B answered 2:text/plain'ok'
    "]]
    .assert_eq(&lines);
    let ledger = protocols.stats().transactions;
    assert_eq!((ledger.received, ledger.processed, ledger.dropped_total()), (5, 3, 2));
}

#[test]
fn heads_past_the_cap_are_kept_in_part() {
    let config = Config { head_bytes_max: 1_024, headers_max: 16, ..Config::default() };
    let long = format!("GET /a HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "c".repeat(5_000));
    let target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "t".repeat(1_100));
    let (start, rest) = target.split_at(600);
    let many = format!("GET /b HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(40));
    let lines =
        run_with(config, &[c(&long), s(OK), c(&many), s(NOT_FOUND), c(start), c(rest), s(OK)]);
    let shown: String =
        lines.lines().map(|line| line.replace(&"t".repeat(1_019), "ttt") + "\n").collect();
    expect![[r"
        GET x /a -> 200 5038+71B answered 2:text/plain'ok' !head_too_long
        GET x /b -> 404 268+45B !too_many_headers
        GET - /ttt -> 200 1127+71B answered 2:text/plain'ok' !head_too_long
    "]]
    .assert_eq(&shown);
}

#[test]
fn latency_runs_from_the_last_byte_of_the_request() {
    #[derive(Default)]
    struct Times(Vec<(u64, u64, Option<u64>)>);
    impl Sink for Times {
        fn transaction(&mut self, t: &Transaction<'_>) {
            let since = |at: Timestamp| at.nanos_since(Timestamp::from_seconds(1_000)) / 1_000_000;
            let latency_ms = t.latency_ns.map(|ns| ns / 1_000_000);
            self.0.push((since(t.started_at), since(t.ended_at), latency_ms));
        }
        fn handshake(&mut self, _: &Handshake<'_>) {}

        fn flow_record(&mut self, _: &FlowRecord) {}
    }
    let mut protocols = Protocols::new(Config::default());
    let mut times = Times::default();
    let steps = [
        (10, Direction::Forward, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"),
        (20, Direction::Forward, "body"),
        (50, Direction::Backward, "HTTP/1.1 100 Continue\r\n\r\n"),
        (60, Direction::Backward, "HTTP/1.1 200 OK\r\n"),
        (70, Direction::Backward, "Content-Length: 1\r\n\r\n"),
        (90, Direction::Backward, "x"),
    ];
    for (millis, direction, text) in steps {
        let captured_at = Timestamp::from_seconds(1_000).plus_nanos(millis * 1_000_000);
        let kind = ChunkKind::Data(text.as_bytes());
        let chunk = Chunk { flow: FLOW, tuple: tuple(), direction, captured_at, kind };
        protocols.push(&chunk, &mut times);
    }
    assert_eq!(times.0, [(10, 90, Some(40))]);
    assert_eq!(protocols.stats().interim_responses, 1);
}
