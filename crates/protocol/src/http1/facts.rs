//! What the fields of a head say about its body and its host, gathered in one pass.

use tapline_model::{Anomaly, AnomalySet, HeaderKind, Protocol};

use super::head::Side;
use super::lenient::decimal;
use crate::coding::{Coding, Codings};

/// Facts that frame and decode a message.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    length: Option<u64>,
    length_seen: bool,
    /// Rules that single fields break.
    broken: AnomalySet,
    transfer: Transfer,
    content_codings: Codings,
    hosts: u32,
}

/// What `Transfer-Encoding` says.
#[derive(Debug, Default)]
struct Transfer {
    seen: bool,
    /// The last coding named so far is `chunked`.
    chunked: bool,
    /// A coding that is not known, or one that follows `chunked`.
    invalid: bool,
    /// Codings other than `chunked`.
    codings: Codings,
}

/// Whether [`Facts::read`] looks at fields of a kind.
pub(super) fn is_read(kind: HeaderKind) -> bool {
    matches!(
        kind,
        HeaderKind::Host
            | HeaderKind::ContentLength
            | HeaderKind::ContentEncoding
            | HeaderKind::TransferEncoding
    )
}

impl Facts {
    /// Takes one field.
    pub(super) fn read(&mut self, side: Side, kind: HeaderKind, value: &[u8]) {
        match kind {
            HeaderKind::Host if side == Side::Request => self.read_host(side, is_authority(value)),
            HeaderKind::ContentLength => self.read_length(value),
            HeaderKind::ContentEncoding => {
                tokens(value).for_each(|token| self.content_codings.push(Coding::named(token)));
            }
            HeaderKind::TransferEncoding => self.transfer.read(value),
            _ => {}
        }
    }

    /// Takes a `Host` of which is known whether it names a host as it should.
    pub(super) fn read_host(&mut self, side: Side, is_authority: bool) {
        if side == Side::Request {
            self.hosts += 1;
            if self.hosts > 1 || !is_authority {
                self.broken.insert(Anomaly::InvalidHost);
            }
        }
    }

    /// Judges the fields together. A head that was cut is not blamed for what it lacks.
    pub(super) fn finish(
        &mut self,
        side: Side,
        version: Protocol,
        whole: bool,
        anomalies: &mut AnomalySet,
    ) {
        anomalies.extend(self.broken);
        let needs_host = side == Side::Request && version == Protocol::Http11;
        if needs_host && whole && self.hosts == 0 {
            anomalies.insert(Anomaly::MissingHost);
        }
        if self.transfer.seen {
            if self.transfer.invalid || !self.transfer.chunked || version == Protocol::Http10 {
                anomalies.insert(Anomaly::InvalidTransferEncoding);
            }
            if self.length_seen {
                anomalies.insert(Anomaly::ConflictingBodyLength);
            }
        }
    }

    /// The body is chunked.
    pub(crate) fn is_chunked(&self) -> bool {
        self.transfer.chunked
    }

    /// The body has a transfer coding other than `chunked`, last.
    pub(crate) fn is_coded_without_chunks(&self) -> bool {
        self.transfer.seen && !self.transfer.chunked && !self.transfer.codings.is_identity()
    }

    /// The announced length: the first valid one.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.length
    }

    /// Every coding of the body, in the order they were applied.
    pub(crate) fn codings(&self) -> Codings {
        let mut codings = self.content_codings;
        codings.extend(self.transfer.codings);
        codings
    }

    /// Takes a `Content-Length`.
    #[inline]
    pub(super) fn read_length(&mut self, value: &[u8]) {
        let is_first = !std::mem::replace(&mut self.length_seen, true);
        match short_decimal(value) {
            // One length and nothing else, as it should be.
            Some(length) if is_first => self.length = Some(length),
            _ => self.read_lengths(value),
        }
    }

    /// A list of equal lengths is one length (RFC 9112 section 6.3).
    fn read_lengths(&mut self, value: &[u8]) {
        for item in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            match (decimal(item), self.length) {
                (None, _) => self.broken.insert(Anomaly::InvalidContentLength),
                (Some(length), None) => self.length = Some(length),
                (Some(length), Some(first)) if length != first => {
                    self.broken.insert(Anomaly::DuplicateContentLength);
                }
                (Some(_), Some(_)) => {}
            }
        }
    }
}

/// A number of so few decimal digits that it fits.
#[inline]
fn short_decimal(digits: &[u8]) -> Option<u64> {
    let digit =
        |value, &byte: &u8| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'));
    if matches!(digits.len(), 1..=16) { digits.iter().try_fold(0, digit) } else { None }
}

impl Transfer {
    fn read(&mut self, value: &[u8]) {
        self.seen = true;
        for token in tokens(value) {
            self.invalid |= self.chunked;
            self.chunked = token.eq_ignore_ascii_case(b"chunked");
            if !self.chunked {
                let coding = Coding::named(token);
                self.invalid |= coding == Coding::Unknown;
                if coding != Coding::Unknown {
                    self.codings.push(coding);
                }
            }
        }
    }
}

/// The members of a comma-separated list, without parameters.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(|item| item.split(|&byte| byte == b';').next().unwrap_or_default())
        .map(trim_blank)
        .filter(|item| !item.is_empty())
}

/// Only spaces and tabs are optional white space: `\x0bchunked` is not `chunked`.
fn trim_blank(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The bytes of a host name.
static NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0u8;
    while let Some((place, after)) = rest.split_first_mut() {
        *place = byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'%'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            );
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
};

/// `host [":" port]` of RFC 3986 section 3.2.2, tolerant of underscores and bytes above 127; empty
/// is allowed (RFC 9110 section 7.2).
pub(super) fn is_authority(value: &[u8]) -> bool {
    let (host, port) = match value.iter().rposition(|&byte| byte == b':') {
        Some(colon) if !value.ends_with(b"]") => value.split_at_checked(colon).unwrap_or_default(),
        _ => (value, [].as_slice()),
    };
    let port_is_valid = port.iter().skip(1).all(u8::is_ascii_digit);
    let name_byte =
        |byte: &u8| NAME_BYTES.get(usize::from(*byte)).is_some_and(|&is_name_byte| is_name_byte);
    let address_byte = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let host_is_valid = match host {
        [b'[', address @ .., b']'] => address.iter().all(address_byte),
        name => name.iter().all(name_byte),
    };
    host_is_valid && port_is_valid
}
