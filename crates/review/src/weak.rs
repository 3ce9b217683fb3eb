//! Software whose version, by its own account, has known weaknesses.

use tapline_model::Severity;

/// Product, version, severity, why, source.
const TABLE: &str = include_str!("../data/weak-software.tsv");

/// Why a version is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weakness {
    pub(crate) severity: Severity,
    pub(crate) why: &'static str,
    pub(crate) source: &'static str,
}

/// The worst that is known of `product/version`; none without a version.
pub(crate) fn weakness_of(software: &str) -> Option<Weakness> {
    let (product, version) = software.split_once('/')?;
    let version = numbers(version)?;
    rows()
        .filter(|(known, below, _)| *known == product && version < *below)
        .map(|(_, _, weakness)| weakness)
        .max_by_key(|weakness| weakness.severity)
}

fn rows() -> impl Iterator<Item = (&'static str, Vec<u32>, Weakness)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t');
        let (product, below) = (cells.next()?, numbers(cells.next()?)?);
        let label = cells.next()?;
        let severity = Severity::ALL.iter().copied().find(|known| known.label() == label)?;
        Some((product, below, Weakness { severity, why: cells.next()?, source: cells.next()? }))
    })
}

fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_says_where_it_is_from() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        assert!(rows().all(|(_, _, weakness)| weakness.source.starts_with("https://")));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let severity = |software| weakness_of(software).map(|weakness| weakness.severity);
        assert_eq!(severity("Apache/2.4.49"), Some(Severity::Critical));
        assert_eq!(severity("Apache/2.4.52"), Some(Severity::Medium));
        assert_eq!(severity("Apache/2.4.100"), None);
        assert_eq!(severity("nginx/1.9.0"), Some(Severity::High));
        assert_eq!(severity("nginx/1.27.3"), None);
        assert_eq!(severity("nginx"), None);
        assert_eq!(severity("unheard/1.0"), None);
    }
}
