//! The budget of a shard, and recycled buffers that are charged to it.

use std::fmt;

use tapline_model::HeaderFields;

use crate::http1::Message;

/// Spare buffers kept for reuse.
const SPARE_MAX: usize = 16;
/// Larger buffers are kept apart, for what needs them.
const SPARE_BYTES_MAX: usize = 2 << 10;
/// And still larger ones given back to the allocator.
const LARGE_BYTES_MAX: usize = 64 << 10;
/// As are those that would make the large spares more than this together.
const LARGE_SUM_MAX: usize = 64 << 10;
/// What is announced is made room for up to here, before any of it has come.
const TRUST_BYTES: usize = 16 << 10;
/// And up to so many times what has come.
const TRUST_FACTOR: usize = 4;
/// And messages with longer lists of fields.
const SPARE_FIELDS_MAX: usize = 128;
/// What a new buffer starts with.
const FIRST_BYTES: usize = 512;

/// Captured bytes that outlive their chunk. Charged to the [`Pool`] by capacity; give it back
/// there.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the budget is charged for it.
    #[inline]
    pub(crate) fn charge(&self) -> u64 {
        bytes(self.0.capacity())
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.0.len())
    }
}

/// What the budget is charged for the fields of a head.
#[inline]
pub(crate) fn charge_of(fields: &HeaderFields) -> u64 {
    bytes(fields.capacity() * HeaderFields::FIELD_BYTES)
}

/// What a buffer is for: content gives way to heads when the budget runs low.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Head,
    Body,
}

/// Owns the budget and the spare buffers of one shard.
#[derive(Debug)]
pub(crate) struct Pool {
    spare: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
    /// The large spares together.
    large_bytes: usize,
    #[expect(
        clippy::vec_box,
        reason = "an exchange has them boxed: they are large, and often none"
    )]
    spare_messages: Vec<Box<Message>>,
    spent: u64,
    max: u64,
}

impl Pool {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            spare: Vec::new(),
            large: Vec::new(),
            large_bytes: 0,
            spare_messages: Vec::new(),
            spent: 0,
            max: bytes_max,
        }
    }

    /// Appends as much of `more` as `bytes_max` for this buffer and the budget allow; says how
    /// much.
    #[inline]
    pub(crate) fn append(
        &mut self,
        buffer: &mut Buffer,
        more: &[u8],
        bytes_max: usize,
        purpose: Use,
    ) -> usize {
        self.append_some(buffer, more, 0, bytes_max, purpose)
    }

    /// The same of content that is `announced` to be so long.
    #[inline]
    pub(crate) fn append_some(
        &mut self,
        buffer: &mut Buffer,
        more: &[u8],
        announced: usize,
        bytes_max: usize,
        purpose: Use,
    ) -> usize {
        let wanted = more.len().min(bytes_max.saturating_sub(buffer.len()));
        if wanted == 0 {
            return 0;
        }
        if buffer.0.capacity() < buffer.len() + wanted {
            let needed = buffer.len() + wanted;
            let trusted = needed.saturating_mul(TRUST_FACTOR).max(TRUST_BYTES);
            self.make_room(buffer, needed, announced.min(bytes_max).min(trusted), purpose);
        }
        let taken = wanted.min(buffer.0.capacity() - buffer.len());
        buffer.0.extend_from_slice(more.get(..taken).unwrap_or_default());
        taken
    }

    /// Takes a buffer back.
    #[inline]
    pub(crate) fn give(&mut self, buffer: Buffer) {
        self.spent = self.spent.saturating_sub(buffer.charge());
        let mut spare = buffer.0;
        match spare.capacity() {
            1..=SPARE_BYTES_MAX if self.spare.len() < SPARE_MAX => {
                spare.clear();
                self.spare.push(spare);
            }
            large
                if (SPARE_BYTES_MAX + 1..=LARGE_BYTES_MAX).contains(&large)
                    && self.large_bytes + large <= LARGE_SUM_MAX =>
            {
                spare.clear();
                self.large_bytes += large;
                self.large.push(spare);
            }
            _ => {}
        }
    }

    /// A message to fill, charged for the room that it comes with.
    #[inline]
    pub(crate) fn take_message(&mut self) -> Box<Message> {
        let Some(message) = self.spare_messages.pop() else { return Box::default() };
        let charge = message.charge();
        if self.spent + charge > self.max {
            return Box::default();
        }
        self.spent += charge;
        message
    }

    /// Takes a message back.
    #[inline]
    pub(crate) fn give_message(&mut self, mut message: Box<Message>) {
        if message.sample.charge() > 0 {
            self.give(std::mem::take(&mut message.sample));
        }
        if message.head.0.capacity() > SPARE_BYTES_MAX {
            self.give(std::mem::take(&mut message.head));
        }
        self.spent = self.spent.saturating_sub(message.charge());
        let is_small = message.fields_capacity() <= SPARE_FIELDS_MAX;
        if is_small && self.spare_messages.len() < SPARE_MAX {
            message.head.0.clear();
            self.spare_messages.push(message);
        }
    }

    /// Charges a filled list of fields. It may pass the budget by this one list; later appends then
    /// fail.
    #[inline]
    pub(crate) fn keep_fields(&mut self, fields: &HeaderFields) {
        self.keep_more_fields(0, fields);
    }

    /// The same for one that was charged before.
    #[inline]
    pub(crate) fn keep_more_fields(&mut self, charged: u64, fields: &HeaderFields) {
        self.spent += charge_of(fields).saturating_sub(charged);
    }

    /// Charges what is not a buffer; false when the budget is spent.
    #[inline]
    pub(crate) fn charge(&mut self, count: usize) -> bool {
        let fits = self.spent + bytes(count) <= self.max;
        if fits {
            self.spent += bytes(count);
        }
        fits
    }

    /// Undoes [`Self::charge`].
    #[inline]
    pub(crate) fn refund(&mut self, count: usize) {
        self.spent = self.spent.saturating_sub(bytes(count));
    }

    /// Sets what is spent, as counted anew.
    pub(crate) fn recount(&mut self, spent: u64) {
        self.spent = spent;
    }

    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Grows `buffer` towards `needed` bytes of capacity, as far as the budget goes, and on to
    /// `expected` if it goes so far.
    fn make_room(&mut self, buffer: &mut Buffer, needed: usize, expected: usize, purpose: Use) {
        let limit = match purpose {
            Use::Head => self.max,
            Use::Body => self.max - self.max / 4,
        };
        let mut room = limit.saturating_sub(self.spent);
        let wanted = needed.max(expected);
        let fits = |spare: &mut Vec<u8>| bytes(spare.capacity()) <= room;
        if wanted > SPARE_BYTES_MAX {
            // It may be much larger than needed: not when that could cost others their room.
            let is_better = |spare: &mut Vec<u8>| spare.capacity() > buffer.0.capacity();
            if self.spent < self.max / 4
                && let Some(mut spare) = self.large.pop_if(|spare| fits(spare) && is_better(spare))
            {
                self.large_bytes -= spare.capacity();
                self.spent += bytes(spare.capacity());
                spare.extend_from_slice(buffer.bytes());
                self.give(std::mem::replace(buffer, Buffer(spare)));
                room = limit.saturating_sub(self.spent);
            }
        } else if buffer.0.capacity() == 0
            && let Some(spare) = self.spare.pop_if(fits)
        {
            let charge = bytes(spare.capacity());
            self.spent += charge;
            room -= charge;
            buffer.0 = spare;
        }
        let have = buffer.0.capacity();
        if have >= needed {
            return;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let grown = wanted.max(have.saturating_mul(2)).max(FIRST_BYTES);
        let target = grown.min(have.saturating_add(room));
        if target > have {
            self.spent = self.spent.saturating_sub(buffer.charge());
            buffer.0.reserve_exact(target - buffer.0.len());
            self.spent += buffer.charge();
        }
    }
}

#[inline]
fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_passed_and_comes_back() {
        let mut pool = Pool::new(4_000);
        let mut buffers: Vec<Buffer> = (0..20).map(|_| Buffer::default()).collect();
        for buffer in &mut buffers {
            pool.append(buffer, &[7; 333], usize::MAX, Use::Head);
            assert!(pool.spent() <= 4_000);
        }
        assert!(buffers.iter().any(Buffer::is_empty), "not all of them fit");
        for buffer in buffers {
            pool.give(buffer);
        }
        assert_eq!(pool.spent(), 0);
    }

    #[test]
    fn content_leaves_a_quarter_to_heads() {
        let mut pool = Pool::new(4_000);
        let (mut body, mut head) = (Buffer::default(), Buffer::default());
        assert_eq!(pool.append(&mut body, &[0; 5_000], usize::MAX, Use::Body), 3_000);
        assert_eq!(pool.append(&mut head, &[0; 5_000], usize::MAX, Use::Head), 1_000);
    }

    #[test]
    fn a_buffer_stops_at_its_own_cap() {
        let mut pool = Pool::new(1 << 20);
        let mut buffer = Buffer::default();
        assert_eq!(pool.append(&mut buffer, &[0; 60], 100, Use::Body), 60);
        assert_eq!(pool.append(&mut buffer, &[0; 60], 100, Use::Body), 40);
        assert_eq!(pool.append(&mut buffer, &[0; 60], 100, Use::Body), 0);
    }

    #[test]
    fn an_announcement_alone_costs_little() {
        let mut pool = Pool::new(1 << 20);
        let mut buffer = Buffer::default();
        let mut append = |count: usize| {
            let more = vec![0; count];
            assert_eq!(
                pool.append_some(&mut buffer, &more, usize::MAX, 64 << 10, Use::Body),
                count
            );
            (buffer.charge(), pool.spent())
        };
        assert_eq!(append(100), (16 << 10, 16 << 10));
        assert_eq!(append(20_000), (64 << 10, 64 << 10));
    }

    #[test]
    fn large_spares_are_bounded_and_used_again() {
        let mut pool = Pool::new(4 << 20);
        let large = |pool: &mut Pool| {
            let mut buffer = Buffer::default();
            pool.append(&mut buffer, &vec![1; 15_000], usize::MAX, Use::Body);
            buffer
        };
        let buffers: Vec<Buffer> = (0..20).map(|_| large(&mut pool)).collect();
        for buffer in buffers {
            pool.give(buffer);
        }
        assert_eq!((pool.spent(), pool.large_bytes, pool.large.len()), (0, 60_000, 4));
        let mut buffer = Buffer::default();
        pool.append(&mut buffer, &[2; 2_000], usize::MAX, Use::Body);
        pool.append(&mut buffer, &[3; 2_000], usize::MAX, Use::Body);
        assert_eq!((pool.spent(), pool.large.len()), (15_000, 3));
        assert_eq!(buffer.bytes(), [[2; 2_000], [3; 2_000]].concat());
    }

    #[test]
    fn a_message_that_the_budget_does_not_allow_comes_empty() {
        let mut pool = Pool::new(4_000);
        let mut message = pool.take_message();
        pool.append(&mut message.head, &[0; 1_500], usize::MAX, Use::Head);
        pool.give_message(message);
        assert_eq!(pool.spent(), 0);
        let message = pool.take_message();
        assert_eq!((message.head.len(), message.charge(), pool.spent()), (0, 1_500, 1_500));
        pool.give_message(message);
        assert!(pool.charge(3_000));
        assert_eq!((pool.take_message().charge(), pool.spent()), (0, 3_000));
    }
}
