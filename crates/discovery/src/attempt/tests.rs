//! What counts as an attempt, against which account, with which secret.

use tapline_model::{AttemptAnswer, AttemptKind, Claim, Observation};

use crate::testing::Exchange;

fn post(target: &str, media: &'static str, text: &str) -> Exchange {
    Exchange::new("POST", target, 401).sent(media, text)
}

fn json(target: &str, text: &str) -> Observation {
    post(target, "application/json", text).observed()
}

fn form(target: &str, text: &str) -> Observation {
    post(target, "application/x-www-form-urlencoded", text).observed()
}

fn kinds(seen: &Observation) -> Vec<AttemptKind> {
    seen.attempts.tried.iter().map(|attempt| attempt.kind).collect()
}

#[test]
fn every_way_to_log_in_is_seen() {
    use AttemptKind::{Basic, Card, Code, Login, Lookup, Signup, Voucher};
    for (seen, kind) in [
        (json("/login", r#"{"username":"bob","password":"x"}"#), Login),
        (json("/x", r#"{"user":{"email":"b@x.example","passwd":"x"}}"#), Login),
        (form("/oauth/token", "grant_type=password&username=bob&password=x"), Login),
        (form("/session", "user%5Bpassword%5D=x&user%5Blogin%5D=bob"), Login),
        (json("/rpc", r#"{"method":"user.login","params":{"user":"bob","pass":"x"}}"#), Login),
        (
            json(
                "/graphql",
                r#"{"query":"mutation($e:String!){login(e:$e)}","variables":{"email":"b","password":"x"}}"#,
            ),
            Login,
        ),
        (json("/mfa/verify", r#"{"code":123456,"challenge_id":"c1"}"#), Code),
        (json("/password/reset", r#"{"token":"abc","password":"new"}"#), Code),
        (json("/password/forgot", r#"{"email":"b@x.example"}"#), Lookup),
        (json("/register", r#"{"email":"b@x.example","password":"x"}"#), Signup),
        (json("/users", r#"{"email":"b@x.example","password":"x"}"#), Signup),
        (json("/cart", r#"{"coupon_code":"SPRING"}"#), Voucher),
        (json("/vouchers/redeem", r#"{"code":"SPRING"}"#), Voucher),
        (json("/payments", r#"{"card_number":"4111 1111 1111 1111","cvc":"1"}"#), Card),
        (Exchange::new("GET", "/users/exists?email=bob%40x.example", 404).observed(), Lookup),
        (
            Exchange::new("GET", "/a", 401).field("Authorization", "Basic Ym9iOmE=").observed(),
            Basic,
        ),
    ] {
        assert_eq!(kinds(&seen), [kind], "{:?}", seen.name);
        assert_ne!(seen.attempts.tried[0].account, 0);
        assert_ne!(seen.attempts.tool, 0);
    }
}

#[test]
fn what_tries_nothing_is_no_attempt() {
    for seen in [
        json("/orders", r#"{"code":"USD","token":"abcdef","number":7}"#),
        json("/oauth/token", r#"{"grant_type":"authorization_code","code":"x"}"#),
        json("/password", r#"{"new_password":"x","confirm_password":"x"}"#),
        json("/payments", r#"{"card_number":"1234"}"#),
        json("/auth/introspect", r#"{"token":"eyJhbGciOiJub25lIn0.e30."}"#),
        Exchange::new("GET", "/users/exists", 404).observed(),
        json("/search", r#"{"query":"password"}"#),
    ] {
        assert!(kinds(&seen).is_empty(), "{:?} {:?}", seen.name, kinds(&seen));
    }
}

#[test]
fn a_batch_is_as_many_attempts_as_it_holds() {
    let aliases: Vec<String> =
        (0..30).map(|n| format!("a{n}: login(email: \"b\", password: \"p{n}\") {{ok}} ")).collect();
    let aliases = aliases.concat();
    let text = serde_json::json!({ "query": format!("mutation {{ {aliases} }}") }).to_string();
    let seen = json("/graphql", &text);
    assert_eq!(kinds(&seen), [AttemptKind::Login; 30]);
    let secrets: std::collections::BTreeSet<_> =
        seen.attempts.tried.iter().map(|attempt| attempt.secret).collect();
    assert_eq!(secrets.len(), 30);
    let seen = json("/login", r#"[{"user":"a","pass":"x"},{"user":"b","pass":"x"}]"#);
    assert_eq!(kinds(&seen), [AttemptKind::Login; 2]);
    assert_eq!(seen.attempts.tried[0].secret, seen.attempts.tried[1].secret);
    assert_ne!(seen.attempts.tried[0].account, seen.attempts.tried[1].account);
    let endless = format!("[{}1]", r#"{"user":"a","pass":"x"},"#.repeat(10_000));
    assert_eq!(kinds(&json("/login", &endless)).len(), 64);
}

#[test]
fn an_account_is_the_same_however_it_is_spelled() {
    let one = json("/login", r#"{"email":"Bob@X.example","password":"x"}"#).attempts.tried[0];
    let other = form("/login", "password=y&email=+bob%40x.example").attempts.tried[0];
    assert_eq!(one.account, other.account);
    assert_ne!(one.secret, other.secret);
}

#[test]
fn another_run_hashes_secrets_otherwise_and_accounts_alike() {
    let exchange = post("/login", "application/json", r#"{"user":"bob","password":"x"}"#);
    let in_run = |run| {
        let mut seen = None;
        crate::Discovery::new(crate::Config::default(), tapline_model::Key::fixed())
            .in_run(run)
            .push_exchange(&exchange, &mut seen);
        seen.unwrap().attempts.tried[0]
    };
    assert_eq!(in_run(1), in_run(1));
    assert_eq!(in_run(1).account, in_run(2).account);
    assert_ne!(in_run(1).secret, in_run(2).secret);
}

#[test]
fn the_answer_is_told_by_what_it_gives() {
    let answer = |status, media, text: &str, extra: &[(&str, &str)]| {
        let mut exchange = Exchange::new("POST", "/login", status)
            .sent("application/json", r#"{"user":"bob","password":"x"}"#);
        exchange.answer = (media, text.to_owned());
        for (name, value) in extra {
            exchange.answered.push(((*name).to_owned(), (*value).to_owned()));
        }
        exchange.observed().attempts.answer
    };
    let good = answer(200, "application/json", r#"{"token":"abcdefghijk"}"#, &[]);
    assert!(good.has_token() && good.status() == 200);
    let bad = answer(200, "application/json", r#"{"ok":false}"#, &[]);
    assert_eq!((bad.claim(), bad.has_token()), (Claim::Failure, false));
    let cookie = [("Set-Cookie", "sessionid=Zx81kd92LqPo38dK2mQ0; HttpOnly")];
    assert!(answer(302, "text/html", "", &cookie).has_cookie());
    assert!(answer(200, "text/html", "<form>", &[]).is_page());
    assert_eq!(answer(401, "", "", &[]), AttemptAnswer::new(401));
}

#[test]
fn a_shard_looks_into_so_many_in_a_second() {
    let mut discovery =
        crate::Discovery::new(crate::Config::default(), tapline_model::Key::fixed());
    let exchange = post("/login", "application/json", r#"{"user":"bob","password":"x"}"#);
    let mut seen = None;
    for _ in 0..600 {
        discovery.push_exchange(&exchange, &mut seen);
    }
    assert_eq!((discovery.stats().attempts, discovery.stats().attempts_over_max), (512, 88));
    discovery.begin_second(tapline_model::Epoch(1));
    discovery.push_exchange(&exchange, &mut seen);
    assert_eq!(kinds(&seen.unwrap()), [AttemptKind::Login]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        for (target, media) in [("/login", "application/json"), ("/otp", "multipart/form-data")] {
            let text = String::from_utf8_lossy(&text).into_owned();
            post(target, media, &text).observed();
        }
    }

    #[test]
    fn a_document_cut_anywhere_is_read(cut in 0usize..70) {
        let document = r#"mutation { a: login(email: "b\" x", password: "p") { ok } }"#;
        let text = document.get(..cut.min(document.len())).unwrap_or(document);
        json("/graphql", &serde_json::json!({ "query": text }).to_string());
    }
}
