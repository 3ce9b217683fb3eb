//! Which bodies are looked into: all while traffic is slow, else a sample.

use tapline_model::{Epoch, Key, RouteKey, RouteMap, SHARDS, ShardId, Timestamp};

/// Routes that one shard remembers having looked into.
const SHARD_ROUTES_MAX: u32 = 1_024;
/// What looking into the smallest body costs, in bytes of a large one.
const BODY_BYTES_MIN: u64 = 256;
/// Notes that one shard takes in one second of capture time: what they cost to keep.
const SHARD_NOTES_MAX: usize = 4_096;
/// One in so many shards looks into the first transaction of a route, a power of two: in all of them
/// the first ones of many routes would be more than what is looked into afterwards.
const FIRST_SHARDS: u64 = 8;
/// Seconds of capture time after which every route is looked into again.
const MEMORY_SECONDS: u64 = 60;

/// What chooses one transaction among those of its route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    /// Evenly spread, and not known to the sender.
    pub(crate) luck: u64,
    /// Of both bodies, as sent.
    pub(crate) body_bytes: u64,
}

/// Chooses by what a sender cannot know and by what one shard has seen: so the choice is the same
/// however shards are split over workers.
#[derive(Debug)]
pub(crate) struct Sampler {
    secret: u64,
    one_in: u32,
    shard_bytes_max: u64,
    /// By shard: bytes of bodies looked into in this second.
    spent: [u64; SHARDS],
    /// By shard: notes taken in this second.
    noted: [usize; SHARDS],
    /// By which shards a route was met: bit `n` stands for shard `n`.
    met: RouteMap<u64>,
    /// By shard: its bits in `met`.
    met_by: [u32; SHARDS],
    /// In units of [`MEMORY_SECONDS`].
    remembered_since: u64,
}

impl Sampler {
    /// Looks into at most `bytes_per_second` of all shards, and into one transaction of `one_in`
    /// beyond.
    pub(crate) fn new(key: &Key, bytes_per_second: u64, one_in: u32) -> Self {
        Self {
            secret: key.text_hash(b"which bodies are looked into"),
            one_in,
            shard_bytes_max: bytes_per_second.div_ceil(SHARDS as u64),
            spent: [0; SHARDS],
            noted: [0; SHARDS],
            met: RouteMap::default(),
            met_by: [0; SHARDS],
            remembered_since: 0,
        }
    }

    /// What no sender knows: it takes a secret, and when the capture saw the request. The port tells
    /// requests of one instant apart.
    pub(crate) fn luck(&self, started_at: Timestamp, port: u16, route: RouteKey) -> u64 {
        let when = started_at.nanos() ^ u64::from(port) << 32;
        let product = u128::from(when ^ self.secret) * u128::from(route.0 | 1);
        #[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
        let folded = product as u64 ^ (product >> 64) as u64;
        folded
    }

    /// Whether the bodies of a transaction are looked into. `known_one_in` is more than 1 for a route
    /// that is known well: of those one in so many is, besides what half of the bytes allow.
    ///
    /// Of a route that is not known well one shard in [`FIRST_SHARDS`] looks into the first of every
    /// minute, however busy it is.
    pub(crate) fn choose(
        &mut self,
        shard: ShardId,
        route: RouteKey,
        known_one_in: u32,
        draw: Draw,
    ) -> bool {
        if self.noted.get(shard.index()).is_none_or(|&noted| noted >= SHARD_NOTES_MAX) {
            return false;
        }
        let is_known = known_one_in > 1;
        let is_first = !is_known && self.is_first(shard, route);
        let Some(spent) = self.spent.get_mut(shard.index()) else { return true };
        let (one_in, bytes_max) = match known_one_in {
            0 | 1 => (self.one_in, self.shard_bytes_max),
            one_in => (one_in, self.shard_bytes_max / 2),
        };
        let is_lucky = one_in <= 1 || draw.luck.is_multiple_of(one_in.into());
        let is_chosen = is_first || is_lucky || *spent < bytes_max;
        if is_chosen && draw.body_bytes > 0 {
            *spent = spent.saturating_add(draw.body_bytes.max(BODY_BYTES_MIN));
        }
        is_chosen
    }

    /// So many notes were taken of a transaction.
    pub(crate) fn spend_notes(&mut self, shard: ShardId, notes: usize) {
        if let Some(noted) = self.noted.get_mut(shard.index()) {
            *noted = noted.saturating_add(notes);
        }
    }

    /// A second of capture time begins, for every shard.
    pub(crate) fn begin_second(&mut self, second: Epoch) {
        self.spent = [0; SHARDS];
        self.noted = [0; SHARDS];
        let remembered_since = second.0 / MEMORY_SECONDS;
        if std::mem::replace(&mut self.remembered_since, remembered_since) != remembered_since {
            self.met.clear();
            self.met_by = [0; SHARDS];
        }
    }

    fn is_first(&mut self, shard: ShardId, route: RouteKey) -> bool {
        if (route.0 ^ shard.index() as u64) & (FIRST_SHARDS - 1) != 0 {
            return false;
        }
        let bit = 1 << shard.index();
        let shards = self.met.entry(route).or_default();
        if *shards & bit != 0 {
            return false;
        }
        *shards |= bit;
        if let Some(met) = self.met_by.get_mut(shard.index()) {
            *met += 1;
            if *met > SHARD_ROUTES_MAX {
                *met = 0;
                self.met.retain(|_, shards| {
                    *shards &= !bit;
                    *shards != 0
                });
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(index: u64) -> ShardId {
        ShardId::all().nth(usize::try_from(index).unwrap()).unwrap()
    }

    /// How many of `count` transactions of 1,000 bytes are chosen, the luckless ones.
    fn chosen(sampler: &mut Sampler, at: u64, routes: u64, count: u64) -> u64 {
        let choose = |index| {
            let draw = Draw { luck: index * 16 + 1, body_bytes: 1_000 };
            u64::from(sampler.choose(shard(at), RouteKey(index % routes), 1, draw))
        };
        (0..count).map(choose).sum()
    }

    #[test]
    fn slow_traffic_is_read_whole_and_fast_traffic_to_the_cap() {
        let mut sampler = Sampler::new(&Key::fixed(), 64 * 10_000, 16);
        assert_eq!(chosen(&mut sampler, 3, 1, 10), 10);
        assert_eq!(chosen(&mut sampler, 3, 1, 1_000), 0);
        assert_eq!(chosen(&mut sampler, 4, 1, 1_000), 10, "each shard has its part");
        sampler.begin_second(Epoch(1));
        assert_eq!(chosen(&mut sampler, 3, 1, 1_000), 10);
    }

    #[test]
    fn one_shard_in_eight_reads_the_first_of_every_route() {
        let mut sampler = Sampler::new(&Key::fixed(), 64, 16);
        // Routes 3, 11 to 43, and the one that the cap allows.
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 7);
        sampler.begin_second(Epoch(59));
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 1);
        sampler.begin_second(Epoch(61));
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 7);
    }

    #[test]
    fn beyond_the_cap_luck_decides() {
        let chosen = |known_one_in, body_bytes| {
            let mut sampler = Sampler::new(&Key::fixed(), 64 * 2, 16);
            let draw = |luck| Draw { luck, body_bytes };
            let choose =
                |&luck: &u64| sampler.choose(shard(0), RouteKey(1), known_one_in, draw(luck));
            (1..1_601).filter(choose).count()
        };
        assert_eq!(chosen(1, 0), 1_600, "what has no body costs nothing");
        assert_eq!(chosen(8, 0), 1_600);
        assert_eq!(chosen(1, 1), 101);
        assert_eq!(chosen(8, 1), 201);
    }

    #[test]
    fn luck_is_evenly_spread() {
        let sampler = Sampler::new(&Key::fixed(), 64, 16);
        let mut counts = [0_u32; 16];
        for nanos in 0..16_000_u64 {
            let at = Timestamp::from_nanos(1_740_830_400_000_000_000 + nanos * 1_000);
            let luck = sampler.luck(at, 1, RouteKey(0x0123_4567_89AB_CDEF));
            counts[usize::try_from(luck % 16).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn what_is_known_well_leaves_half_to_the_rest() {
        let mut sampler = Sampler::new(&Key::fixed(), 64 * 10_000, 16);
        let draw = Draw { luck: 1, body_bytes: 1_000 };
        let choose = |_: &u64| sampler.choose(shard(0), RouteKey(1), 8, draw);
        assert_eq!((0..1_000).filter(choose).count(), 5);
        assert_eq!(chosen(&mut sampler, 0, 1, 1_000), 5);
    }

    #[test]
    fn routes_without_end_take_no_room_without_end() {
        let mut sampler = Sampler::new(&Key::fixed(), 64, 16);
        for shard in 0..3 {
            chosen(&mut sampler, shard, u64::MAX, 100_000);
        }
        assert!(sampler.met.len() <= 3 * 1_024);
    }
}
