//! Records of one direction, and the handshake messages that lie over them (RFC 8446 section 5.1).

use tls_parser::{TlsHandshakeType, TlsRecordType};

use crate::pool::{Buffer, Pool, Use};

/// Bytes of a record's header.
const HEADER_BYTES: usize = 5;
/// Bytes of an alert that is not encrypted.
const ALERT_BYTES: usize = 2;
/// Bytes of a message's header.
const MESSAGE_HEADER_BYTES: usize = 4;
/// Longest record: 2^14 and what encryption may add (RFC 5246 section 6.2.3).
const RECORD_BYTES_MAX: usize = (1 << 14) + 2_048;
/// Bytes of handshake that are read of a direction: more than any handshake has, so that nobody keeps
/// a flow in its handshake for ever.
const DIRECTION_BYTES_MAX: usize = 256 << 10;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// All bytes were read and no message is whole.
    More,
    /// A message: see [`Records::message`].
    Message,
    /// A record of another kind: the handshake is over, or encrypted from here.
    Other,
    /// No record.
    Malformed,
    /// More than may be held.
    NoRoom,
}

/// Puts messages together. It holds at most one, and of those that nobody reads only the header.
#[derive(Debug, Default)]
pub(super) struct Records {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// Bytes that the record still has.
    record_left: usize,
    message: Buffer,
    /// Bytes of a message that is not read.
    unread: usize,
    read_bytes: usize,
}

impl Records {
    /// Reads on in `bytes`, which become those that are left. `bytes_max` bounds a message.
    pub(super) fn next(&mut self, bytes: &mut &[u8], bytes_max: usize, pool: &mut Pool) -> Next {
        while !bytes.is_empty() {
            if self.record_left == 0 {
                match self.begin_record(bytes) {
                    Ok(()) => continue,
                    Err(end) => return end,
                }
            }
            if self.unread > 0 {
                let passed = self.unread.min(self.record_left).min(bytes.len());
                self.unread -= passed;
                self.take(bytes, passed);
                continue;
            }
            let wanted = self.wanted().min(self.record_left).min(bytes.len());
            let taken = self.take(bytes, wanted);
            if pool.append(&mut self.message, taken, bytes_max, Use::Head) < taken.len() {
                return Next::NoRoom;
            }
            if let Some(end) = self.end_of_message(bytes_max) {
                return end;
            }
        }
        Next::More
    }

    /// Kind and content of the message; the content only of hellos and certificates.
    pub(super) fn message(&self) -> (u8, &[u8]) {
        match self.message.bytes() {
            [kind, _, _, _, body @ ..] => (*kind, body),
            _ => (u8::MAX, &[]),
        }
    }

    /// The message was read.
    pub(super) fn next_message(&mut self) {
        self.message.truncate(0);
    }

    /// What the budget is charged for it.
    pub(super) fn charge(&self) -> u64 {
        self.message.charge()
    }

    /// Gives back what it holds.
    pub(super) fn release(self, pool: &mut Pool) {
        pool.give(self.message);
    }

    /// Reads the header of a record as far as it is there.
    fn begin_record(&mut self, bytes: &mut &[u8]) -> Result<(), Next> {
        let missing = HEADER_BYTES - self.header_bytes;
        let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
        let place = self.header.get_mut(self.header_bytes..self.header_bytes + taken.len());
        if let Some(place) = place {
            place.copy_from_slice(taken);
        }
        self.header_bytes += taken.len();
        *bytes = rest;
        let [kind, major, _, high, low] = self.header;
        let is_alert = TlsRecordType(kind) == TlsRecordType::Alert && self.is_between_messages();
        if TlsRecordType(kind) != TlsRecordType::Handshake && !is_alert {
            return Err(Next::Other);
        }
        if self.header_bytes < HEADER_BYTES {
            return Err(Next::More);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if is_alert {
            // A server may warn that it does not know the name, and go on (RFC 6066 section 3).
            if length != ALERT_BYTES {
                return Err(Next::Other);
            }
            self.unread = ALERT_BYTES;
        }
        if major != 3 || length == 0 || length > RECORD_BYTES_MAX {
            return Err(Next::Malformed);
        }
        self.read_bytes += length;
        if self.read_bytes > DIRECTION_BYTES_MAX {
            return Err(Next::NoRoom);
        }
        (self.header_bytes, self.record_left) = (0, length);
        Ok(())
    }

    /// Whether no message is begun.
    fn is_between_messages(&self) -> bool {
        self.message.is_empty() && self.unread == 0
    }

    /// Bytes that the message lacks, as far as is known.
    fn wanted(&self) -> usize {
        let held = self.message.len();
        match self.length() {
            Some(length) => (MESSAGE_HEADER_BYTES + length).saturating_sub(held),
            None => MESSAGE_HEADER_BYTES - held,
        }
    }

    /// What a message says of its length.
    fn length(&self) -> Option<usize> {
        match *self.message.bytes() {
            [_, high, middle, low, ..] => {
                usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
            }
            _ => None,
        }
    }

    /// Whether the message is whole, or will never be.
    fn end_of_message(&mut self, bytes_max: usize) -> Option<Next> {
        let length = self.length()?;
        let (kind, body) = self.message();
        let is_read = matches!(
            TlsHandshakeType(kind),
            TlsHandshakeType::ClientHello
                | TlsHandshakeType::ServerHello
                | TlsHandshakeType::Certificate
        );
        if !is_read {
            self.unread = length;
            return Some(Next::Message);
        }
        if MESSAGE_HEADER_BYTES + length > bytes_max {
            return Some(Next::NoRoom);
        }
        (body.len() == length).then_some(Next::Message)
    }

    fn take<'a>(&mut self, bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(count.min(bytes.len()));
        self.record_left -= taken.len();
        *bytes = rest;
        taken
    }
}
