//! What a request tries, read from wherever it may stand: JSON, forms, the query, GraphQL.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use tapline_model::{AttemptKind, Key};

use super::words::{Context, Role};
use crate::format::form;
use crate::sensitive;

/// Attempts of one request that are told apart: a batch may hold many.
pub(super) const ATTEMPTS_MAX: usize = 64;
/// Depth to which JSON is looked into.
const DEPTH_MAX: u8 = 5;
/// Bytes of a value that count.
const VALUE_BYTES_MAX: usize = 512;
/// Pairs of a form that are looked at.
const PAIRS_MAX: usize = 256;
/// Keep the hashes apart from each other and from those of other things.
const ACCOUNT_PURPOSE: u8 = b'a';
const SECRET_PURPOSE: u8 = b's';

/// Hashes what must not be kept.
#[derive(Clone)]
pub(super) struct Hashes {
    key: Key,
    /// Which run of the sensor: another one hashes secrets otherwise.
    run: u64,
}

impl Hashes {
    pub(super) const fn new(key: Key, run: u64) -> Self {
        Self { key, run }
    }

    /// Of an account, as people spell it: without regard to case and white space around it.
    pub(super) fn account(&self, value: &[u8]) -> u64 {
        let plain: SmallVec<[u8; 64]> =
            cut(value.trim_ascii()).iter().map(u8::to_ascii_lowercase).collect();
        self.key.secret_hash(ACCOUNT_PURPOSE, &plain).max(1)
    }

    /// Of a secret: 32 bits, keyed for the run.
    pub(super) fn secret(&self, value: &[u8]) -> u32 {
        let mut text: SmallVec<[u8; 64]> = SmallVec::new();
        text.extend_from_slice(&self.run.to_be_bytes());
        text.extend_from_slice(cut(value));
        let hash = self.key.secret_hash(SECRET_PURPOSE, &text);
        u32::try_from(hash >> 32).unwrap_or(u32::MAX).max(1)
    }
}

fn cut(value: &[u8]) -> &[u8] {
    value.get(..VALUE_BYTES_MAX).unwrap_or(value)
}

/// What stands together in one object of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    account: Option<(u8, u64)>,
    flow: Option<u64>,
    password: Option<u32>,
    is_new: bool,
    code: Option<u32>,
    open: Option<u32>,
    voucher: Option<u32>,
    card: Option<u32>,
    /// Another grant than that of a password: what stands there is no guess.
    is_granted: bool,
    context: Context,
}

impl Found {
    pub(super) fn note(&mut self, role: Role, value: &[u8], hashes: &Hashes) {
        if value.is_empty() {
            return;
        }
        match role {
            Role::None | Role::Document => {}
            Role::Account(rank) => {
                if self.account.is_none_or(|(known, _)| rank < known) {
                    self.account = Some((rank, hashes.account(value)));
                }
            }
            Role::Flow => self.flow = self.flow.or_else(|| Some(hashes.account(value))),
            Role::Password => {
                self.password = self.password.or_else(|| Some(hashes.secret(value)));
            }
            Role::NewPassword => {
                self.is_new = true;
                self.password = self.password.or_else(|| Some(hashes.secret(value)));
            }
            Role::Code => self.code = Some(hashes.secret(value)),
            Role::Card => self.note_card(value, hashes),
            Role::Voucher => self.voucher = Some(hashes.secret(value)),
            Role::Open if sensitive::is_card_number(value) => self.note_card(value, hashes),
            // A signed token is no guess.
            Role::Open if value.starts_with(b"eyJ") => {}
            Role::Open => self.open = self.open.or_else(|| Some(hashes.secret(value))),
            Role::Grant => {
                self.is_granted = value != b"password" && value != b"client_credentials";
            }
            Role::Operation => self.context = self.context.with(Context::of_text(value)),
        }
    }

    fn note_card(&mut self, value: &[u8], hashes: &Hashes) {
        if sensitive::is_card_number(value) {
            self.card = Some(hashes.secret(value));
        }
    }

    /// Whether anything but an account stands there.
    fn has_secret(&self) -> bool {
        let secrets = [self.password, self.code, self.open, self.voucher, self.card];
        secrets.iter().any(Option::is_some)
    }

    fn is_blank(&self) -> bool {
        !self.has_secret() && self.account.is_none()
    }

    /// What that is where the route says `context`: its kind, the account and the secret.
    pub(super) fn attempt(
        &self,
        context: Context,
        makes: bool,
    ) -> Option<(AttemptKind, Option<u64>, u32)> {
        let context = context.with(self.context);
        let account = self.account.map(|(_, hash)| hash);
        let open = |wanted: Context| self.open.filter(|_| context.has(wanted));
        if self.is_granted {
            return None;
        }
        if let Some(card) = self.card {
            return Some((AttemptKind::Card, account, card));
        }
        if let Some(voucher) = self.voucher.or_else(|| open(Context::VOUCHER)) {
            return Some((AttemptKind::Voucher, account, voucher));
        }
        if let Some(code) = self.code.or_else(|| open(Context::CODE)) {
            return Some((AttemptKind::Code, self.flow.or(account), code));
        }
        if let Some(password) = self.password {
            let is_signup = context.has(Context::SIGNUP)
                || (makes && context.has(Context::ACCOUNTS) && !context.has(Context::LOGIN));
            if is_signup {
                return Some((AttemptKind::Signup, account, password));
            }
            // A password that is set is no guess.
            let is_login = account.is_some() || context.has(Context::LOGIN);
            return (is_login && !self.is_new).then_some((AttemptKind::Login, account, password));
        }
        let kind = if context.has(Context::LOOKUP) {
            AttemptKind::Lookup
        } else if context.has(Context::SIGNUP) && makes {
            AttemptKind::Signup
        } else {
            return None;
        };
        account.map(|account| (kind, Some(account), 0))
    }
}

/// All that was found in one request.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What stands alone, outside of batches.
    pub(super) root: Found,
    /// The members of batches.
    pub(super) batch: Vec<Found>,
}

impl Findings {
    pub(super) fn clear(&mut self) {
        self.root = Found::default();
        self.batch.clear();
    }

    /// Notes a member of a batch.
    fn push(&mut self, found: Found) {
        if found.has_secret() && self.batch.len() < ATTEMPTS_MAX {
            self.batch.push(found);
        }
    }

    /// Reads names and values joined by `=` and `&`. `scratch` is a buffer.
    pub(super) fn read_form(&mut self, text: &[u8], hashes: &Hashes, scratch: &mut Vec<u8>) {
        for (name, value) in form::pairs(text).take(PAIRS_MAX) {
            form::decode(name, scratch);
            let role = Role::of(scratch);
            if let Some(value) = value.filter(|_| role != Role::None) {
                form::decode(cut(value), scratch);
                self.root.note(role, scratch, hashes);
            }
        }
    }

    /// Reads JSON as far as it goes.
    pub(super) fn read_json(&mut self, text: &[u8], hashes: &Hashes) {
        let mut walk = Walk { findings: self, hashes, depth: 0 };
        let mut root = walk.findings.root;
        let mut reader = serde_json::Deserializer::from_slice(text);
        let seed = Value { walk: &mut walk, found: &mut root, role: Role::None };
        // What is cut short, or no JSON from some point on, counts up to there.
        drop(seed.deserialize(&mut reader));
        self.root = root;
    }

    /// Reads the arguments in a document of GraphQL (specification of October 2021, section 2.6):
    /// every field that is called may be an attempt of its own.
    fn read_document(&mut self, root: &mut Found, text: &[u8], hashes: &Hashes) {
        let mut called = Found::default();
        let (mut at, mut name) = (0, 0..0);
        while let Some(&byte) = text.get(at) {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            match byte {
                b'"' => {
                    let (end, value) = string_at(text, at);
                    let role = Role::of(text.get(name.clone()).unwrap_or_default());
                    called.note(role, value, hashes);
                    at = end;
                    continue;
                }
                b'(' => {
                    self.push(std::mem::take(&mut called));
                    let name = text.get(name.clone()).unwrap_or_default();
                    called.context = Context::of_text(name);
                    root.context = root.context.with(called.context);
                }
                _ if is_name(&byte) => {
                    let rest = text.get(at..).unwrap_or_default();
                    let end = at + rest.iter().take_while(|byte| is_name(byte)).count();
                    name = at..end;
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        self.push(called);
    }
}

/// The text of a string that opens at `at`, and where to go on.
fn string_at(text: &[u8], at: usize) -> (usize, &[u8]) {
    let start = at + 1;
    let mut end = start;
    while let Some(&byte) = text.get(end) {
        match byte {
            b'"' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    (end + 1, text.get(start..end.min(text.len())).unwrap_or_default())
}

/// Where the pass through JSON stands.
struct Walk<'a> {
    findings: &'a mut Findings,
    hashes: &'a Hashes,
    depth: u8,
}

/// One value.
struct Value<'w, 'a> {
    walk: &'w mut Walk<'a>,
    found: &'w mut Found,
    role: Role,
}

impl Value<'_, '_> {
    fn note(self, text: &[u8]) {
        if self.role == Role::Document {
            if self.walk.depth <= 2 && memchr::memchr(b'{', text).is_some() {
                let Walk { findings, hashes, .. } = self.walk;
                findings.read_document(self.found, text, hashes);
            }
            return;
        }
        self.found.note(self.role, text, self.walk.hashes);
    }

    fn note_integer(self, text: &str) {
        if self.role != Role::None {
            self.note(text.as_bytes());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        self.note_integer(itoa::Buffer::new().format(integer));
        Ok(())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<(), E> {
        self.note_integer(itoa::Buffer::new().format(integer));
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.note(text.as_bytes());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, found, .. } = self;
        if walk.depth >= DEPTH_MAX {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let mut result = Ok(());
        while result.is_ok() {
            result = match members.next_key_seed(Name) {
                Ok(Some(role)) => members.next_value_seed(Value { walk, found, role }),
                Ok(None) => break,
                Err(error) => Err(error),
            };
        }
        walk.depth -= 1;
        result
    }

    /// The members of an array are attempts of their own.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { walk, found: around, .. } = self;
        let is_ignored = walk.depth >= DEPTH_MAX;
        walk.depth += 1;
        let mut result = Ok(Some(()));
        while let Ok(Some(())) = result {
            if is_ignored || walk.findings.batch.len() >= ATTEMPTS_MAX {
                result = elements.next_element::<IgnoredAny>().map(|there| there.map(|_| ()));
                continue;
            }
            let mut found = Found { context: around.context, ..Found::default() };
            let seed = Value { walk, found: &mut found, role: Role::None };
            result = elements.next_element_seed(seed);
            if !found.is_blank() {
                walk.findings.push(found);
            }
        }
        walk.depth -= 1;
        result.map(|_| ())
    }
}

/// One key: what its value is.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Role;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Role, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Role;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Role, E> {
        Ok(Role::of(key.as_bytes()))
    }
}
