//! Who calls: what each consumer adds up to, in a bounded table.

use std::collections::{BTreeSet, HashMap};

use compact_str::CompactString;
use tapline_model::{
    ConsumerDelta, ConsumerKey, ConsumerKind, ConsumerView, Timestamp, network_of,
};

/// Consumers that are kept: those without a credential make room first, then those quiet longest.
const CONSUMERS_MAX: usize = 10_000;
/// Consumers that are shown: those with most requests.
const SHOWN_MAX: usize = 1_000;
/// Networks kept of one consumer: the smallest ones.
const NETWORKS_MAX: usize = 16;

#[derive(Debug)]
struct Consumer {
    kind: ConsumerKind,
    first_seen: Timestamp,
    last_seen: Timestamp,
    requests: u64,
    client_errors: u64,
    networks: BTreeSet<CompactString>,
    agents: BTreeSet<u64>,
}

/// In which order consumers make room.
type Rank = (bool, Timestamp, ConsumerKey);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    by_key: HashMap<ConsumerKey, Consumer>,
    by_rank: BTreeSet<Rank>,
}

impl Consumers {
    /// Adds what a consumer did. Gives how many were given up for it.
    pub(crate) fn absorb(&mut self, key: ConsumerKey, seen: &ConsumerDelta) -> u64 {
        let mut evicted = 0;
        if let Some(known) = self.by_key.get(&key) {
            self.by_rank.remove(&rank_of(key, known));
        } else if self.by_key.len() >= CONSUMERS_MAX
            && let Some((_, _, oldest)) = self.by_rank.pop_first()
        {
            self.by_key.remove(&oldest);
            evicted = 1;
        }
        let consumer = self.by_key.entry(key).or_insert_with(|| Consumer {
            kind: seen.kind,
            first_seen: seen.last_seen,
            last_seen: seen.last_seen,
            requests: 0,
            client_errors: 0,
            networks: BTreeSet::new(),
            agents: BTreeSet::new(),
        });
        consumer.kind = consumer.kind.min(seen.kind);
        consumer.first_seen = consumer.first_seen.min(seen.last_seen);
        consumer.last_seen = consumer.last_seen.max(seen.last_seen);
        consumer.requests += seen.requests;
        consumer.client_errors += seen.client_errors;
        consumer.networks.extend(seen.clients.iter().map(|&client| network_of(client)));
        while consumer.networks.len() > NETWORKS_MAX {
            consumer.networks.pop_last();
        }
        consumer.agents.extend(&seen.agents);
        while consumer.agents.len() > ConsumerDelta::AGENTS_MAX {
            consumer.agents.pop_last();
        }
        self.by_rank.insert(rank_of(key, consumer));
        evicted
    }

    /// Those with most requests.
    pub(crate) fn view(&self) -> Vec<ConsumerView> {
        let mut most: Vec<_> = self.by_key.iter().collect();
        most.sort_unstable_by_key(|(key, consumer)| (u64::MAX - consumer.requests, **key));
        most.truncate(SHOWN_MAX);
        let view = |(&key, consumer): (&ConsumerKey, &Consumer)| ConsumerView {
            key,
            kind: consumer.kind,
            first_seen: consumer.first_seen,
            last_seen: consumer.last_seen,
            requests: consumer.requests,
            client_errors: consumer.client_errors,
            networks: consumer.networks.iter().map(ToString::to_string).collect(),
            agents: consumer.agents.len() as u64,
        };
        most.into_iter().map(view).collect()
    }
}

fn rank_of(key: ConsumerKey, consumer: &Consumer) -> Rank {
    (consumer.kind != ConsumerKind::Address, consumer.last_seen, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kind: ConsumerKind, at: u64, client: &str) -> ConsumerDelta {
        let mut seen = ConsumerDelta::new(kind);
        seen.last_seen = Timestamp::from_seconds(at);
        seen.requests = 1;
        seen.add_client(client.parse().unwrap());
        seen.agents.insert(at);
        seen
    }

    #[test]
    fn a_credential_from_many_places_shows() {
        let mut consumers = Consumers::default();
        for (at, client) in [(1, "192.0.2.1"), (2, "192.0.2.9"), (3, "198.51.100.1")] {
            consumers.absorb(ConsumerKey(7), &seen(ConsumerKind::Credential, at, client));
        }
        let view = &consumers.view()[0];
        assert_eq!(view.networks, ["192.0.2.0/24", "198.51.100.0/24"]);
        assert_eq!((view.requests, view.agents), (3, 3));
    }

    #[test]
    fn bare_addresses_make_room_first_then_the_quietest() {
        let mut consumers = Consumers::default();
        consumers.absorb(ConsumerKey(1), &seen(ConsumerKind::Credential, 1, "::1"));
        for key in 2..20_000 {
            consumers.absorb(ConsumerKey(key), &seen(ConsumerKind::Address, key, "::1"));
        }
        assert_eq!(consumers.by_key.len(), CONSUMERS_MAX);
        assert_eq!(consumers.by_rank.len(), CONSUMERS_MAX);
        assert!(consumers.by_key.contains_key(&ConsumerKey(1)));
        assert!(!consumers.by_key.contains_key(&ConsumerKey(2)));
        assert_eq!(consumers.view().len(), SHOWN_MAX);
    }
}
