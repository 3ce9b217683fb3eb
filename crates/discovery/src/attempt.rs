//! What a transaction tries against accounts and secrets: logins, codes, new accounts, vouchers.
//!
//! Values end here. What leaves is a keyed hash of the account, 32 bits of one of the secret, and
//! what the answer looks like; whether that was a success is concluded where all answers of an
//! endpoint come together.

mod answer;
mod request;
mod words;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use tapline_model::{
    Attempt, AttemptAnswer, AttemptKind, AuthKind, AuthSet, Body, ConsumerKind, Fact, HeaderKind,
    Headers, Key, Observation, RequestHead, SHARDS, ShardId, Transaction,
};

use self::request::{Findings, Hashes};
pub(crate) use self::words::Context;
use crate::base64;
use crate::format::{self, Format, multipart};

/// Transactions of one shard that are looked into for attempts in one second of capture time.
const SHARD_ATTEMPTS_MAX: u32 = 512;
/// Bytes of a request in which words are looked for that make it worth reading.
const LOOKED_BYTES_MAX: usize = 2_048;
/// Header fields whose names tell one program from another.
const FIELDS_MAX: usize = 32;
/// Bytes of a user agent that tell it from others.
const AGENT_BYTES_MAX: usize = 512;

/// In requests that may try something, whatever the route is called. In lower case.
const TELLING: &[&str] = &[
    "passw",
    "passphrase",
    "motdepasse",
    "contrasena",
    "pwd",
    "\"pass\"",
    "&pass=",
    "\"otp",
    "otp\"",
    "otp=",
    "mfa",
    "totp",
    "one_time",
    "coupon",
    "voucher",
    "promo",
    "gift",
    "card_number",
    "cardnumber",
    "cc_number",
    "\"pan\"",
    "secret",
];

/// Built once. What is leftmost is found many bytes at a time, where the processor can.
static TELLING_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(TELLING);
    debug_assert!(built.is_ok(), "the words are constants: {built:?}");
    built.ok()
});

/// How far a transaction is to be looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// Nothing is tried.
    #[default]
    None,
    /// Its credentials say it all.
    Head,
    /// Its content says more.
    Content,
}

/// Reads attempts. What it keeps from one transaction to the next are buffers and a budget.
pub(crate) struct AttemptReader {
    key: Key,
    hashes: Hashes,
    findings: Findings,
    scratch: Vec<u8>,
    /// By shard: transactions looked into in this second.
    spent: [u32; SHARDS],
}

impl std::fmt::Debug for AttemptReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttemptReader")
    }
}

impl AttemptReader {
    /// Hashes accounts with `key`, secrets with that and the number of the run.
    pub(crate) fn new(key: Key, run: u64) -> Self {
        Self {
            hashes: Hashes::new(key.clone(), run),
            key,
            findings: Findings::default(),
            scratch: Vec::new(),
            spent: [0; SHARDS],
        }
    }

    /// A second of capture time begins, for every shard.
    pub(crate) const fn begin_second(&mut self) {
        self.spent = [0; SHARDS];
    }

    /// How far to look into a transaction, by what is cheap to know. False at the end when a shard
    /// has spent what it may in this second.
    pub(crate) fn suspect(
        &mut self,
        transaction: &Transaction<'_>,
        shard: ShardId,
        context: Context,
        (method, auth): (&str, AuthSet),
    ) -> (Suspicion, bool) {
        let head = if auth.contains(AuthKind::Basic) { Suspicion::Head } else { Suspicion::None };
        if !may_try(transaction, context, method, &mut self.scratch) {
            return (head, true);
        }
        match self.spent.get_mut(shard.index()) {
            Some(spent) if *spent < SHARD_ATTEMPTS_MAX => {
                *spent += 1;
                (Suspicion::Content, true)
            }
            _ => (head, false),
        }
    }

    /// Fills in the attempts of `seen`, whose consumer, status and facts are known.
    pub(crate) fn read(
        &mut self,
        suspicion: Suspicion,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
        (context, leads_back): (Context, bool),
        seen: &mut Observation,
    ) {
        seen.attempts.tried.clear();
        if suspicion == Suspicion::None {
            return;
        }
        if suspicion == Suspicion::Content {
            self.read_content(transaction, request, context, seen);
        }
        if seen.attempts.tried.is_empty() && seen.auth.contains(AuthKind::Basic) {
            seen.attempts.tried.extend(self.basic(request.headers));
        }
        if seen.attempts.tried.is_empty() {
            return;
        }
        seen.attempts.tool = self.tool(request.headers);
        let status = transaction.response.map_or(0, |response| response.status);
        let answer = AttemptAnswer::new(status)
            .with_cookie(seen.facts.contains(Fact::SessionSet))
            .with_way_back((300..400).contains(&status) && leads_back);
        let account = seen.attempts.tried.first().map_or(0, |attempt| attempt.account);
        // An answer to basic credentials is any content there is: its status says it all.
        let is_basic = seen.attempts.tried.iter().all(|tried| tried.kind == AttemptKind::Basic);
        seen.attempts.answer = if is_basic || status == 0 {
            answer
        } else {
            let is_account = |word: &[u8]| self.hashes.account(word) == account;
            answer::read(answer, &transaction.response_body, &self.key, &is_account)
        };
    }

    fn read_content(
        &mut self,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
        context: Context,
        seen: &mut Observation,
    ) {
        let Self { findings, hashes, scratch, .. } = self;
        findings.clear();
        if let Some(query) = request.query {
            findings.read_form(query, hashes, scratch);
        }
        read_body(&transaction.request_body, findings, hashes, scratch);
        let makes = seen.name.method == "POST";
        for found in std::iter::once(&findings.root).chain(&findings.batch) {
            let Some((kind, account, secret)) = found.attempt(context, makes) else { continue };
            // Who is logged in tries on behalf of itself.
            let account = account.unwrap_or(seen.consumer.key.0);
            // A second password, asked of somebody who is known: no guess at a login.
            let is_known = seen.consumer.kind == ConsumerKind::Subject;
            if kind == AttemptKind::Signup && is_known {
                continue;
            }
            if seen.attempts.tried.len() < request::ATTEMPTS_MAX {
                seen.attempts.tried.push(Attempt { kind, account, secret });
            }
        }
    }

    /// The account and the password of basic authentication (RFC 7617 section 2).
    fn basic(&mut self, headers: Headers<'_>) -> Option<Attempt> {
        let value = headers.of(HeaderKind::Authorization).find_map(|value| {
            let (scheme, rest) = value.trim_ascii().split_at_checked(6)?;
            scheme.eq_ignore_ascii_case(b"basic ").then_some(rest.trim_ascii())
        })?;
        if !base64::decode(value, &mut self.scratch) {
            return None;
        }
        let at = memchr::memchr(b':', &self.scratch)?;
        let (user, password) = self.scratch.split_at_checked(at)?;
        let secret = self.hashes.secret(password.get(1..).unwrap_or_default());
        let account = self.hashes.account(user);
        Some(Attempt { kind: AttemptKind::Basic, account, secret })
    }

    /// The keyed hash of what sent a request: its user agent, and the names of its header fields in
    /// their order, which a program seldom changes; and a fingerprint of its TLS, where a proxy says
    /// one.
    fn tool(&mut self, headers: Headers<'_>) -> u64 {
        let text = &mut self.scratch;
        text.clear();
        for field in headers.fields().take(FIELDS_MAX) {
            match field.kind {
                HeaderKind::UserAgent => {
                    let agent = field.value;
                    text.extend_from_slice(agent.get(..AGENT_BYTES_MAX).unwrap_or(agent));
                }
                // There or not, and where, by chance or by the proxy in front.
                HeaderKind::Cookie
                | HeaderKind::Authorization
                | HeaderKind::ContentLength
                | HeaderKind::Forwarded
                | HeaderKind::ForwardedFor
                | HeaderKind::ForwardedProto => continue,
                _ => {}
            }
            let start = text.len();
            text.extend(field.name.iter().take(64).map(u8::to_ascii_lowercase));
            let name = text.get(start..).unwrap_or_default();
            let is_print = [b"ja3".as_slice(), b"ja4"]
                .iter()
                .any(|print| memchr::memmem::find(name, print).is_some());
            if is_print {
                text.extend(field.value.iter().take(64));
            }
            text.push(0);
        }
        self.key.text_hash(text).max(1)
    }
}

fn read_body(body: &Body<'_>, findings: &mut Findings, hashes: &Hashes, scratch: &mut Vec<u8>) {
    match format::format_of(body) {
        Some(Format::Json) => findings.read_json(body.sample.bytes, hashes),
        Some(Format::Form) => findings.read_form(body.sample.bytes, hashes, scratch),
        Some(Format::Multipart) => multipart::fields(body.sample.bytes, &mut |name, value| {
            findings.root.note(words::Role::of(name), value, hashes);
        }),
        None => {}
    }
}

/// Whether a transaction may try anything: by its method, its route, and words in its content.
/// `scratch` is a buffer.
fn may_try(
    transaction: &Transaction<'_>,
    context: Context,
    method: &str,
    scratch: &mut Vec<u8>,
) -> bool {
    let body = &transaction.request_body;
    match method {
        "POST" | "PUT" | "PATCH" if body.wire_bytes > 0 => {
            let said = Context::LOGIN
                .with(Context::SIGNUP)
                .with(Context::CODE)
                .with(Context::LOOKUP)
                .with(Context::VOUCHER);
            context.has(said) || has_telling_words(body.sample.bytes, scratch)
        }
        "GET" | "POST" => {
            let said =
                Context::LOGIN.with(Context::CODE).with(Context::LOOKUP).with(Context::VOUCHER);
            context.has(said) && transaction.request.is_some_and(|it| it.query.is_some())
        }
        _ => false,
    }
}

fn has_telling_words(text: &[u8], lower: &mut Vec<u8>) -> bool {
    let text = text.get(..LOOKED_BYTES_MAX).unwrap_or(text);
    lower.clear();
    lower.extend_from_slice(text);
    lower.make_ascii_lowercase();
    TELLING_WORDS.as_ref().is_some_and(|words| words.is_match(lower.as_slice()))
}

#[cfg(test)]
mod tests;
