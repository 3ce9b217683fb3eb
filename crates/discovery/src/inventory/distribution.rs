//! A joined distribution and its quantiles.

use hdrhistogram::Histogram;
use tapline_model::Quantiles;
use tapline_sketch::Buckets;

/// Significant digits kept.
const DIGITS: u8 = 2;
/// Largest value told apart: 12 days in microseconds, a terabyte in bytes. Bounds the memory of one
/// distribution to 18 KiB.
const VALUE_MAX: u64 = 1 << 40;

/// Counts of values to two digits. Takes no memory before the first value, and grows with the
/// largest one. Counts stop at `u32::MAX` in one bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distribution(Option<Box<Histogram<u32>>>);

impl Distribution {
    /// Adds all counts of `buckets`.
    pub(crate) fn add(&mut self, buckets: &Buckets) {
        for (value, count) in buckets.iter() {
            if self.0.is_none() {
                self.0 = Histogram::new(DIGITS).ok().map(Box::new);
            }
            let Some(histogram) = &mut self.0 else { return };
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let recorded = histogram.record_n(value.min(VALUE_MAX), count);
            debug_assert!(recorded.is_ok(), "a histogram that grows refuses nothing");
        }
    }

    /// The counts, as a delta gives them.
    pub(crate) fn buckets(&self) -> Buckets {
        let mut buckets = Buckets::new();
        for step in self.0.iter().flat_map(|histogram| histogram.iter_recorded()) {
            buckets.record_many(step.value_iterated_to(), u64::from(step.count_at_value()));
        }
        buckets
    }

    /// As people read it.
    pub(crate) fn quantiles(&self) -> Quantiles {
        let Some(histogram) = &self.0 else { return Quantiles::default() };
        // The middle of a bucket, as the deltas give it.
        let at = |quantile| histogram.median_equivalent(histogram.value_at_quantile(quantile));
        Quantiles {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut buckets = Buckets::new();
        (1..=1_000).for_each(|value| buckets.record(value * 10));
        let mut distribution = Distribution::default();
        distribution.add(&buckets);
        let quantiles = distribution.quantiles();
        assert_eq!(quantiles.count, 1_000);
        for (seen, exact) in [
            (quantiles.p50, 5_000),
            (quantiles.p90, 9_000),
            (quantiles.p99, 9_900),
            (quantiles.max, 10_000),
        ] {
            assert!(seen.abs_diff(exact) * 20 <= exact, "{seen} for {exact}");
        }
    }

    #[test]
    fn the_largest_value_is_taken() {
        let mut buckets = Buckets::new();
        buckets.record(u64::MAX);
        buckets.record(0);
        let mut distribution = Distribution::default();
        distribution.add(&buckets);
        assert_eq!(distribution.quantiles().count, 2);
        assert!(distribution.quantiles().max >= VALUE_MAX);
    }
}
