//! How an attempt was answered: what may tell success from failure, and one failure from another.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tapline_model::{AttemptAnswer, Body, Claim, Key};

use crate::format::{self, Format};

/// Depth to which JSON is looked into: `data.token`.
const DEPTH_MAX: u8 = 2;
/// Shortest text that is a token.
const TOKEN_BYTES_MIN: usize = 8;
/// Words of a message by which it is told from others.
const WORDS_MAX: usize = 16;
/// Bytes of a text that has no names.
const TEXT_BYTES_MAX: usize = 1_024;

/// Adds to `answer` what its content says. `is_account` tells words that stand for the account.
pub(super) fn read(
    answer: AttemptAnswer,
    body: &Body<'_>,
    key: &Key,
    is_account: &dyn Fn(&[u8]) -> bool,
) -> AttemptAnswer {
    let answer = answer.with_page(body.media_type == "text/html");
    if format::format_of(body) != Some(Format::Json) {
        return answer.with_shape(body.wire_bytes, 0);
    }
    let mut seen = Seen { key, is_account, token: false, claim: Claim::None, shape: 0, depth: 0 };
    let mut reader = serde_json::Deserializer::from_slice(body.sample.bytes);
    drop(Value { seen: &mut seen, role: Role::Holder }.deserialize(&mut reader));
    let Seen { token, claim, shape, .. } = seen;
    let answer = answer.with_token(token).with_claim(claim);
    // Tokens have lengths of their own.
    answer.with_shape(if token { 0 } else { body.wire_bytes.min(TEXT_BYTES_MAX as u64) }, shape)
}

/// What a member of an answer may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Nothing,
    /// Members below count too.
    Holder,
    Token,
    /// True is success.
    Good,
    /// Anything is failure.
    Error,
    /// In words.
    Status,
    Message,
    /// Whether something is there.
    Presence,
}

const ROLES: &[(Role, &[&str])] = &[
    (
        Role::Token,
        &[
            "token",
            "accesstoken",
            "idtoken",
            "authtoken",
            "refreshtoken",
            "sessiontoken",
            "jwt",
            "bearer",
            "sessionid",
            "session",
            "apikey",
            "mfatoken",
        ],
    ),
    (
        Role::Good,
        &["ok", "success", "succeeded", "successful", "authenticated", "valid", "isvalid"],
    ),
    (Role::Error, &["error", "errors", "errorcode", "errormessage", "fault"]),
    (Role::Status, &["status", "result", "state", "outcome"]),
    (Role::Message, &["message", "msg", "detail", "description", "reason", "code"]),
    (Role::Presence, &["exists", "available", "registered", "found", "taken"]),
    (Role::Holder, &["data", "response", "payload", "user"]),
];
const FAILURES: &[&str] = &[
    "fail",
    "failed",
    "failure",
    "error",
    "invalid",
    "denied",
    "unauthorized",
    "declined",
    "rejected",
];
const SUCCESSES: &[&str] = &["ok", "success", "succeeded", "approved"];

fn role_of(name: &[u8]) -> Role {
    let plain: smallvec::SmallVec<[u8; 32]> = name
        .iter()
        .take(32)
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let is_it = |names: &[&str]| names.iter().any(|known| known.as_bytes() == plain.as_slice());
    ROLES.iter().find(|(_, names)| is_it(names)).map_or(Role::Nothing, |(role, _)| *role)
}

/// What was seen so far.
struct Seen<'a> {
    key: &'a Key,
    is_account: &'a dyn Fn(&[u8]) -> bool,
    token: bool,
    claim: Claim,
    shape: u64,
    depth: u8,
}

impl Seen<'_> {
    fn claim(&mut self, is_good: bool) {
        // One failure outweighs whatever else it says.
        match (is_good, self.claim) {
            (false, _) => self.claim = Claim::Failure,
            (true, Claim::None) => self.claim = Claim::Success,
            (true, _) => {}
        }
    }

    fn truth(&mut self, role: Role, is_true: bool) {
        match role {
            Role::Good => self.claim(is_true),
            Role::Error if is_true => self.claim(false),
            Role::Presence => {
                self.shape = self.shape.wrapping_add(if is_true { 0x5bd } else { 0xa31 });
            }
            _ => {}
        }
    }

    fn text(&mut self, role: Role, text: &[u8]) {
        match role {
            Role::Token => self.token |= text.len() >= TOKEN_BYTES_MIN,
            Role::Error if !text.is_empty() => {
                self.claim(false);
                self.words(text);
            }
            Role::Status => {
                let is = |known: &[&str]| {
                    known.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
                };
                if is(FAILURES) {
                    self.claim(false);
                } else if is(SUCCESSES) {
                    self.claim(true);
                }
                self.words(text);
            }
            Role::Good => self.truth(role, text.eq_ignore_ascii_case(b"true")),
            Role::Message => self.words(text),
            _ => {}
        }
    }

    /// The words of a message, but for names and numbers, which may be anybody's.
    fn words(&mut self, text: &[u8]) {
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        let words = text
            .split(u8::is_ascii_whitespace)
            .map(<[u8]>::trim_ascii)
            .filter(|word| word.len() > 1 && word.iter().all(u8::is_ascii_alphabetic));
        let mut hash = 0_u64;
        for word in words.take(WORDS_MAX) {
            if !(self.is_account)(word) {
                hash = hash.wrapping_mul(31).wrapping_add(self.key.text_hash(word));
            }
        }
        self.shape = self.shape.wrapping_add(hash);
    }
}

/// One value.
struct Value<'w, 'a> {
    seen: &'w mut Seen<'a>,
    role: Role,
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

    fn visit_bool<E>(self, is_true: bool) -> Result<(), E> {
        self.seen.truth(self.role, is_true);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.seen.truth(self.role, true);
        Ok(())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<(), E> {
        self.seen.truth(self.role, integer != 0);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.seen.text(self.role, text.as_bytes());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { seen, role } = self;
        if role == Role::Error {
            seen.claim(false);
        }
        if seen.depth >= DEPTH_MAX {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        seen.depth += 1;
        let mut result = Ok(());
        while result.is_ok() {
            result = match members.next_key_seed(Name(seen.key)) {
                Ok(Some((role, hash))) => {
                    seen.shape = seen.shape.wrapping_add(hash);
                    members.next_value_seed(Value { seen, role })
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
        }
        seen.depth -= 1;
        result
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { seen, role } = self;
        let mut count = 0_u64;
        while elements.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        if role == Role::Error && count > 0 {
            seen.claim(false);
        }
        Ok(())
    }
}

/// One key: what its member may say, and its hash.
struct Name<'a>(&'a Key);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = (Role, u64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(Role, u64), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = (Role, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<(Role, u64), E> {
        Ok((role_of(key.as_bytes()), self.0.text_hash(key.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::BodySample;

    use super::*;

    fn answer(text: &str) -> AttemptAnswer {
        let sample = BodySample { bytes: text.as_bytes(), truncated: false };
        let bytes = text.len() as u64;
        let body = Body { wire_bytes: bytes, media_type: "application/json", sample };
        read(AttemptAnswer::new(200), &body, &Key::fixed(), &|word| word == b"bob")
    }

    #[test]
    fn an_answer_says_how_it_went() {
        for (text, claim, token) in [
            (r#"{"ok":true}"#, Claim::Success, false),
            (r#"{"ok":false,"token":null}"#, Claim::Failure, false),
            (r#"{"error":"wrong password"}"#, Claim::Failure, false),
            (r#"{"error":null,"data":{"access_token":"abcdefgh"}}"#, Claim::None, true),
            (r#"{"errors":[{"message":"no"}],"data":null}"#, Claim::Failure, false),
            (r#"{"errors":[],"data":{}}"#, Claim::None, false),
            (r#"{"status":"FAILED"}"#, Claim::Failure, false),
            (r#"{"success":1,"error":{"code":7}}"#, Claim::Failure, false),
            ("[1,2", Claim::None, false),
        ] {
            let answer = answer(text);
            assert_eq!((answer.claim(), answer.has_token()), (claim, token), "{text}");
        }
    }

    #[test]
    fn messages_are_told_apart_but_not_by_whom_they_name() {
        let of = |text: &str| answer(&format!(r#"{{"message":"{text}"}}"#));
        assert_ne!(of("unknown user bob"), of("wrong password..."));
        assert_eq!(of("unknown user bob"), of("unknown user 321"));
        assert_ne!(answer(r#"{"exists":true }"#), answer(r#"{"exists":false}"#));
    }
}
