//! Hosts behind TLS as series: those whose certificates end first, whatever the traffic.

use std::collections::BTreeMap;

use tapline_model::{CertificateView, EncryptedView, View};

use super::{Limits, number};
use crate::family::Family;
use crate::names;

/// When the certificates of hosts end, the first ones; beyond the limit they are counted in
/// `overflow`. Hosts that are stale have none: whether theirs was renewed is not known.
pub(super) fn families(view: &View, limits: Limits, overflow: &mut Family) -> Vec<Family> {
    let mut ends: BTreeMap<&str, i64> = BTreeMap::new();
    for host in view.encrypted.iter().filter(|host| !host.stale) {
        for one in host.in_use().filter(|one| is_told(one)) {
            let end = ends.entry(&host.host).or_insert(one.not_after_seconds);
            *end = one.not_after_seconds.min(*end);
        }
    }
    let mut by_end: Vec<(i64, &str)> = ends.into_iter().map(|(host, end)| (end, host)).collect();
    by_end.sort_unstable();
    let shown = usize::try_from(limits.hosts_max).unwrap_or(usize::MAX).min(by_end.len());
    let mut family = Family::new(names::CERTIFICATE_NOT_AFTER);
    for (end, host) in by_end.iter().take(shown) {
        family.add(&[host], number(u64::try_from(*end).unwrap_or(0)));
    }
    let left_out = u64::try_from(by_end.len() - shown).unwrap_or(u64::MAX);
    overflow.add(&["certificates"], number(left_out));
    vec![Family::single(names::ENCRYPTED_HOSTS, number(count(&view.encrypted))), family]
}

/// Programs renew those that live for a few days: their end is always near.
fn is_told(one: &CertificateView) -> bool {
    !one.is_short_lived() || one.is_expired()
}

fn count(hosts: &[EncryptedView]) -> u64 {
    u64::try_from(hosts.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tapline_model::{Certificate, Timestamp};

    use super::*;

    fn host(name: &str, stale: bool, lives_days: i64, ends_day: i64) -> EncryptedView {
        let certificate = Certificate {
            not_before_seconds: (ends_day - lives_days) * 86_400,
            not_after_seconds: ends_day * 86_400,
            ..Certificate::default()
        };
        let last_seen = Timestamp::from_seconds(100 * 86_400);
        let one = CertificateView { in_use: true, last_seen, ..CertificateView::of(&certificate) };
        let (host, certificates) = (name.to_owned(), vec![one]);
        EncryptedView { host, stale, certificates, ..EncryptedView::default() }
    }

    #[test]
    fn the_first_to_end_are_shown_and_the_others_counted() {
        let view = View {
            encrypted: [
                host("late.test", false, 365, 300),
                host("soon.test", false, 365, 101),
                host("soon.test", false, 365, 200),
                host("gone.test", true, 365, 90),
                host("renewed.test", false, 1, 101),
                host("forgotten.test", false, 1, 99),
            ]
            .into(),
            ..View::default()
        };
        let limits = Limits { endpoints_max: 1, hosts_max: 2 };
        let mut overflow = Family::new(names::INVENTORY_OVERFLOW);
        let shown: Vec<String> = families(&view, limits, &mut overflow)
            .into_iter()
            .filter_map(Family::finish)
            .flat_map(|family| {
                let series = family.get_metric().to_vec();
                series.into_iter().map(|one| {
                    let label = one.get_label().first().map(|label| label.value().to_owned());
                    format!("{} {}", label.unwrap_or_default(), one.get_gauge().get_value())
                })
            })
            .collect();
        assert_eq!(shown, [" 6", "forgotten.test 8553600", "soon.test 8726400"]);
    }
}
