//! Which bodies are looked into: all while a route is new and traffic is slow, else a sample.

use tapline_model::{Epoch, RouteKey, RouteMap, SHARDS, ShardId};

/// Routes that one shard remembers having looked into.
const SHARD_ROUTES_MAX: u32 = 1_024;
/// Seconds of capture time after which every route is looked into again.
const MEMORY_SECONDS: u64 = 60;

/// Chooses by what a sender cannot know and by what one shard has seen: so the choice is the same
/// however shards are split over workers.
#[derive(Debug)]
pub(crate) struct Sampler {
    one_in: u32,
    shard_bodies_max: u32,
    /// By shard: transactions chosen in this second.
    chosen: [u32; SHARDS],
    /// By which shards a route was met: bit `n` stands for shard `n`.
    met: RouteMap<u64>,
    /// By shard: its bits in `met`.
    met_by: [u32; SHARDS],
    /// In units of [`MEMORY_SECONDS`].
    remembered_since: u64,
}

impl Sampler {
    /// Looks into at most `bodies_per_second` of all shards, and into one of `one_in` beyond.
    pub(crate) fn new(bodies_per_second: u32, one_in: u32) -> Self {
        let shards = u32::try_from(SHARDS).unwrap_or(u32::MAX);
        Self {
            one_in,
            shard_bodies_max: bodies_per_second.div_ceil(shards),
            chosen: [0; SHARDS],
            met: RouteMap::default(),
            met_by: [0; SHARDS],
            remembered_since: 0,
        }
    }

    /// Whether the bodies of a transaction are looked into. `known_one_in` is the share of a route
    /// that is known well, else 1; `luck` is evenly spread.
    ///
    /// Of a route that is not known well a shard looks into the first of every minute, however busy
    /// it is.
    pub(crate) fn choose(
        &mut self,
        shard: ShardId,
        route: RouteKey,
        known_one_in: u32,
        luck: u64,
    ) -> bool {
        let is_lucky = |one_in: u32| one_in <= 1 || luck.is_multiple_of(one_in.into());
        if known_one_in > 1 {
            return is_lucky(known_one_in);
        }
        let is_first = self.is_first(shard, route);
        let Some(chosen) = self.chosen.get_mut(shard.index()) else { return true };
        let is_chosen = is_first || *chosen < self.shard_bodies_max || is_lucky(self.one_in);
        *chosen += u32::from(is_chosen);
        is_chosen
    }

    /// A second of capture time begins, for every shard.
    pub(crate) fn begin_second(&mut self, second: Epoch) {
        self.chosen = [0; SHARDS];
        let remembered_since = second.0 / MEMORY_SECONDS;
        if std::mem::replace(&mut self.remembered_since, remembered_since) != remembered_since {
            self.met.clear();
            self.met_by = [0; SHARDS];
        }
    }

    fn is_first(&mut self, shard: ShardId, route: RouteKey) -> bool {
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

    /// How many of `count` transactions are chosen, the luckless ones.
    fn chosen(sampler: &mut Sampler, at: u64, routes: u64, count: u64) -> u64 {
        let choose = |index| {
            u64::from(sampler.choose(shard(at), RouteKey(index % routes), 1, index * 16 + 1))
        };
        (0..count).map(choose).sum()
    }

    #[test]
    fn slow_traffic_is_read_whole_and_fast_traffic_to_the_cap() {
        let mut sampler = Sampler::new(640, 16);
        assert_eq!(chosen(&mut sampler, 3, 1, 10), 10);
        assert_eq!(chosen(&mut sampler, 3, 1, 1_000), 0);
        assert_eq!(chosen(&mut sampler, 4, 1, 1_000), 10, "each shard has its part");
        sampler.begin_second(Epoch(61));
        assert_eq!(chosen(&mut sampler, 3, 1, 1_000), 10);
    }

    #[test]
    fn the_first_of_every_route_is_read() {
        let mut sampler = Sampler::new(64, 16);
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 50);
        sampler.begin_second(Epoch(59));
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 1);
        sampler.begin_second(Epoch(61));
        assert_eq!(chosen(&mut sampler, 3, 50, 1_000), 50);
    }

    #[test]
    fn beyond_the_cap_luck_decides() {
        let mut sampler = Sampler::new(64, 16);
        let lucky = (0..1_600).filter(|&luck| sampler.choose(shard(0), RouteKey(1), 1, luck));
        assert!((100..=101).contains(&lucky.count()));
        let lucky = (0..1_600).filter(|&luck| sampler.choose(shard(0), RouteKey(1), 8, luck));
        assert_eq!(lucky.count(), 200);
    }

    #[test]
    fn routes_without_end_take_no_room_without_end() {
        let mut sampler = Sampler::new(64, 16);
        for shard in 0..3 {
            chosen(&mut sampler, shard, u64::MAX, 100_000);
        }
        assert!(sampler.met.len() <= 3 * 1_024);
    }
}
