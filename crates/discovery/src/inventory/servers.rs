//! The visibility ledger: what each server address carried, by what could be seen of it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;

use tapline_model::{ServerDelta, ServerView};

/// Servers that are shown.
const SHOWN_MAX: usize = 1_000;

/// A bounded table of servers; when it is full, new ones are refused.
#[derive(Debug)]
pub(crate) struct Servers {
    by_address: HashMap<SocketAddr, ServerDelta>,
    max: usize,
}

impl Servers {
    /// A table of at most `max` servers.
    pub(crate) fn new(max: usize) -> Self {
        Self { by_address: HashMap::new(), max }
    }

    /// Adds what a server carried; false when there is no room for it.
    pub(crate) fn absorb(&mut self, server: SocketAddr, seen: &ServerDelta) -> bool {
        if self.by_address.len() >= self.max && !self.by_address.contains_key(&server) {
            return false;
        }
        self.by_address.entry(server).or_default().join(seen);
        true
    }

    /// The largest ones, by bytes.
    pub(crate) fn view(&self) -> Vec<ServerView> {
        let mut all: Vec<(Reverse<u64>, SocketAddr, &ServerDelta)> = self
            .by_address
            .iter()
            .map(|(&server, seen)| {
                let bytes = seen.http_bytes + seen.tls_bytes + seen.other_bytes + seen.gap_bytes;
                (Reverse(bytes), server, seen)
            })
            .collect();
        all.sort_unstable_by_key(|&(bytes, server, _)| (bytes, server));
        all.into_iter()
            .take(SHOWN_MAX)
            .map(|(_, server, seen)| ServerView {
                server: server.to_string(),
                flows: seen.flows,
                http_bytes: seen.http_bytes,
                tls_bytes: seen.tls_bytes,
                other_bytes: seen.other_bytes,
                gap_bytes: seen.gap_bytes,
                one_sided_bytes: seen.one_sided_bytes,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_table_is_bounded() {
        let mut servers = Servers::new(2);
        let seen = |bytes| ServerDelta { http_bytes: bytes, ..ServerDelta::default() };
        assert!(servers.absorb("10.0.0.1:80".parse().unwrap(), &seen(1)));
        assert!(servers.absorb("10.0.0.2:80".parse().unwrap(), &seen(5)));
        assert!(!servers.absorb("10.0.0.3:80".parse().unwrap(), &seen(9)));
        assert!(servers.absorb("10.0.0.1:80".parse().unwrap(), &seen(2)));
        let view = servers.view();
        assert_eq!(
            view.iter().map(|view| (view.server.as_str(), view.http_bytes)).collect::<Vec<_>>(),
            [("10.0.0.2:80", 5), ("10.0.0.1:80", 3)]
        );
    }
}
