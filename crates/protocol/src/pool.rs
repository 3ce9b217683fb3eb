//! The budget of a shard, and recycled memory that is charged to it.
//!
//! Spares may come from any shard of a worker, so that the one used last, which is in the processor's
//! cache, is used next. What is charged never depends on them: a buffer of a size is charged the same,
//! new or not.

use std::fmt;

use tapline_model::HeaderFields;

use crate::http1::Message;

/// The least size of buffers that are kept ...
const FIRST_BYTES: usize = 512;
/// ... and how many sizes there are, each double the one before. Larger buffers are given back to the
/// allocator.
const SIZES: usize = 8;
/// Of each size as many are kept as are this large together.
const SPARE_BYTES_MAX: usize = 128 << 10;
/// Spare messages that are kept.
const SPARE_MESSAGES_MAX: usize = 256;
/// Messages with longer lists of fields are not.
const SPARE_FIELDS_MAX: usize = 128;
/// What is announced is made room for up to here, before any of it has come.
const TRUST_BYTES: usize = 16 << 10;
/// And up to so many times what has come.
const TRUST_FACTOR: usize = 4;

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

/// What the budget is charged for the fields of a head: the list that has grown to hold them.
#[inline]
pub(crate) fn charge_of(fields: &HeaderFields) -> u64 {
    let places = if fields.is_empty() { 0 } else { fields.len().next_power_of_two().max(4) };
    bytes(places * HeaderFields::FIELD_BYTES)
}

/// What a buffer is for: content gives way to heads when the budget runs low.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Head,
    Body,
}

/// The budget of one shard, and the spares of its worker.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    budget: Budget,
    /// Empty buffers of each size.
    spare: [Vec<Vec<u8>>; SIZES],
    #[expect(
        clippy::vec_box,
        reason = "an exchange has them boxed: they are large, and often none"
    )]
    spare_messages: Vec<Box<Message>>,
}

#[derive(Debug, Default)]
struct Budget {
    spent: u64,
    max: u64,
}

impl Pool {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { budget: Budget { spent: 0, max: bytes_max }, ..Self::default() }
    }

    /// Each goes on with the budget of the other, and with its own spares.
    #[inline]
    pub(crate) fn swap_budgets(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.budget, &mut other.budget);
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
        let mut spare = buffer.0;
        let bytes = spare.capacity();
        self.refund(bytes);
        let size = size_for(bytes);
        let Some(spares) = self.spare.get_mut(size) else { return };
        if FIRST_BYTES << size == bytes && spares.len() < (SPARE_BYTES_MAX / FIRST_BYTES) >> size {
            spare.clear();
            spares.push(spare);
        }
    }

    /// A message to fill. It may come with a buffer of the least size for its head, which is what a
    /// head takes at least.
    #[inline]
    pub(crate) fn take_message(&mut self) -> Box<Message> {
        let Some(mut message) = self.spare_messages.pop() else { return Box::default() };
        if message.head.charge() > 0 && !self.charge(FIRST_BYTES) {
            message.head = Buffer::default();
        }
        message
    }

    /// Takes a message back.
    #[inline]
    pub(crate) fn give_message(&mut self, mut message: Box<Message>) {
        if message.sample.0.capacity() > 0 {
            self.give(std::mem::take(&mut message.sample));
        }
        if message.head.0.capacity() == FIRST_BYTES {
            self.refund(FIRST_BYTES);
            message.head.0.clear();
        } else if message.head.0.capacity() > 0 {
            self.give(std::mem::take(&mut message.head));
        }
        let is_small = message.fields_capacity() <= SPARE_FIELDS_MAX;
        self.budget.spent = self.budget.spent.saturating_sub(message.empty_fields());
        if is_small && self.spare_messages.len() < SPARE_MESSAGES_MAX {
            self.spare_messages.push(message);
        }
    }

    /// Charges a filled list of fields. It may pass the budget by this one list; later appends then
    /// fail.
    #[inline]
    pub(crate) fn keep_fields(&mut self, fields: &HeaderFields) {
        self.budget.spent += charge_of(fields);
    }

    /// Charges what is not a buffer; false when the budget is spent.
    #[inline]
    pub(crate) fn charge(&mut self, count: usize) -> bool {
        let fits = self.budget.spent + bytes(count) <= self.budget.max;
        if fits {
            self.budget.spent += bytes(count);
        }
        fits
    }

    /// Undoes [`Self::charge`].
    #[inline]
    pub(crate) fn refund(&mut self, count: usize) {
        self.budget.spent = self.budget.spent.saturating_sub(bytes(count));
    }

    /// Sets what is spent, as counted anew.
    pub(crate) fn recount(&mut self, spent: u64) {
        self.budget.spent = spent;
    }

    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.budget.spent
    }

    /// Grows `buffer` to the size that holds `needed` bytes, or `expected` if that is more: as far as
    /// the budget goes.
    fn make_room(&mut self, buffer: &mut Buffer, needed: usize, expected: usize, purpose: Use) {
        let Budget { spent, max } = self.budget;
        let limit = match purpose {
            Use::Head => max,
            Use::Body => max - max / 4,
        };
        let room = usize::try_from(limit.saturating_sub(spent)).unwrap_or(usize::MAX);
        let have = buffer.0.capacity();
        let wanted = needed.max(expected).max(have.saturating_mul(2));
        let size = size_for(wanted);
        let wanted = if size < SIZES { FIRST_BYTES << size } else { wanted };
        let grown = if wanted - have <= room {
            let spare = self.spare.get_mut(size).and_then(Vec::pop);
            spare.unwrap_or_else(|| Vec::with_capacity(wanted))
        } else if room > 0 {
            Vec::with_capacity(have + room)
        } else {
            return;
        };
        self.budget.spent += bytes(grown.capacity());
        let before = std::mem::replace(buffer, Buffer(grown));
        if have > 0 {
            buffer.0.extend_from_slice(before.bytes());
            self.give(before);
        }
    }
}

/// Which size holds so many bytes; one that is not kept if they are too many.
#[inline]
fn size_for(count: usize) -> usize {
    let above = count.saturating_sub(1) / FIRST_BYTES;
    usize::try_from(usize::BITS - above.leading_zeros()).unwrap_or(SIZES)
}

#[inline]
fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tapline_model::HeaderKind;

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
    fn spares_are_bounded_and_used_again() {
        let mut pool = Pool::new(4 << 20);
        let large = |pool: &mut Pool| {
            let mut buffer = Buffer::default();
            pool.append(&mut buffer, &[1; 15_000], usize::MAX, Use::Body);
            assert_eq!(buffer.charge(), 16 << 10);
            buffer
        };
        let buffers: Vec<Buffer> = (0..20).map(|_| large(&mut pool)).collect();
        let places: Vec<_> = buffers.iter().map(|buffer| buffer.bytes().as_ptr()).collect();
        for buffer in buffers {
            pool.give(buffer);
        }
        let spares = |pool: &Pool| pool.spare.each_ref().map(Vec::len);
        assert_eq!((pool.spent(), spares(&pool)), (0, [0, 0, 0, 0, 0, 8, 0, 0]));
        let mut buffer = Buffer::default();
        pool.append(&mut buffer, &[2; 2_000], usize::MAX, Use::Body);
        pool.append(&mut buffer, &[3; 8_000], usize::MAX, Use::Body);
        assert_eq!((pool.spent(), spares(&pool)), (16 << 10, [0, 0, 1, 0, 0, 7, 0, 0]));
        assert_eq!(buffer.bytes(), [vec![2; 2_000], vec![3; 8_000]].concat());
        assert_eq!(buffer.bytes().as_ptr(), places[7], "of those kept the one given last");
        for size in [100_000, 700] {
            let mut odd = Buffer(Vec::with_capacity(size));
            odd.0.push(1);
            pool.give(odd);
        }
        assert_eq!(spares(&pool), [0, 0, 1, 0, 0, 7, 0, 0]);
    }

    #[test]
    fn what_is_charged_does_not_depend_on_spares() {
        let sizes = [1, 511, 512, 513, 1_500, 3_000, 40_000, 64 << 10, 70_000];
        let charges = |pool: &mut Pool| {
            sizes.map(|size| {
                let mut message = pool.take_message();
                let more = vec![0; size];
                let kept = [
                    pool.append(&mut message.head, &more, usize::MAX, Use::Head),
                    pool.append_some(&mut message.sample, &more, size * 2, usize::MAX, Use::Body),
                ];
                for at in 0..u32::try_from(size / 500).unwrap() {
                    message.parts_mut().fields.push(HeaderKind::Other, at..at, at..at);
                }
                pool.keep_fields(&message.parts_mut().fields);
                let told = (kept, message.charge(), pool.spent());
                assert_eq!(message.charge(), pool.spent());
                pool.give_message(message);
                assert_eq!(pool.spent(), 0);
                told
            })
        };
        for max in [1 << 20, 50_000, 1_000] {
            let mut pool = Pool::new(max);
            let first = charges(&mut pool);
            for _ in 0..3 {
                assert_eq!(charges(&mut pool), first);
            }
        }
    }

    #[test]
    fn a_message_that_the_budget_does_not_allow_comes_empty() {
        let mut pool = Pool::new(4_000);
        let mut message = pool.take_message();
        pool.append(&mut message.head, &[0; 300], usize::MAX, Use::Head);
        pool.give_message(message);
        assert_eq!(pool.spent(), 0);
        let message = pool.take_message();
        assert_eq!((message.head.len(), message.charge(), pool.spent()), (0, 512, 512));
        pool.give_message(message);
        assert!(pool.charge(3_800));
        assert_eq!((pool.take_message().charge(), pool.spent()), (0, 3_800));
    }

    #[test]
    fn another_budget_comes_without_its_spares() {
        let (mut pool, mut other) = (Pool::new(4_000), Pool::default());
        let mut buffer = Buffer::default();
        pool.append(&mut buffer, &[1; 600], usize::MAX, Use::Head);
        other.swap_budgets(&mut pool);
        assert_eq!((pool.spent(), other.spent()), (0, 1_024));
        assert_eq!(pool.append(&mut Buffer::default(), &[1], usize::MAX, Use::Head), 0);
        other.give(buffer);
        assert_eq!((other.spent(), other.spare[1].len(), pool.spare[1].len()), (0, 1, 0));
    }
}
