//! Metric families with their labels checked against the table of names.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric as Sample, MetricFamily, MetricType,
};

use crate::names::{Kind, Metric};

/// Bytes of a label value at most; a longer one is cut.
const LABEL_BYTES_MAX: usize = 200;

/// A family that is being filled.
pub(crate) struct Family {
    metric: Metric,
    samples: Vec<Sample>,
}

impl Family {
    /// An empty family.
    pub(crate) fn new(metric: Metric) -> Self {
        Self { metric, samples: Vec::new() }
    }

    /// A family with one sample that has no label.
    pub(crate) fn single(metric: Metric, value: f64) -> Self {
        let mut family = Self::new(metric);
        family.add(&[], value);
        family
    }

    /// Adds a sample; `labels` are the values in the order of the table.
    pub(crate) fn add(&mut self, labels: &[&str], value: f64) {
        let mut sample = self.sample(labels);
        match self.metric.kind {
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                sample.set_counter(counter);
            }
            Kind::Gauge | Kind::Histogram => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                sample.set_gauge(gauge);
            }
        }
        self.samples.push(sample);
    }

    /// Adds a histogram: cumulative counts by upper bound, the sum and the count of all values.
    pub(crate) fn add_histogram(
        &mut self,
        labels: &[&str],
        buckets: &[(f64, u64)],
        sum: f64,
        count: u64,
    ) {
        let mut sample = self.sample(labels);
        let mut histogram = Histogram::default();
        let buckets = buckets.iter().map(|&(bound, cumulative)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(cumulative);
            bucket
        });
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_sum(sum);
        histogram.set_sample_count(count);
        sample.set_histogram(histogram);
        self.samples.push(sample);
    }

    /// The family as the encoder wants it; none without a sample.
    pub(crate) fn finish(self) -> Option<MetricFamily> {
        if self.samples.is_empty() {
            return None;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.metric.name.to_owned());
        family.set_help(self.metric.help.to_owned());
        family.set_field_type(match self.metric.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(self.samples);
        Some(family)
    }

    fn sample(&self, labels: &[&str]) -> Sample {
        debug_assert_eq!(labels.len(), self.metric.labels.len(), "{}", self.metric.name);
        let pairs = self.metric.labels.iter().zip(labels).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(cut(value));
            pair
        });
        let mut sample = Sample::default();
        sample.set_label(pairs.collect());
        sample
    }
}

/// The value, or its start and a hash of all of it: labels stay short, and different ones different.
fn cut(value: &str) -> String {
    if value.len() <= LABEL_BYTES_MAX {
        return value.to_owned();
    }
    let hash = blake3::hash(value.as_bytes()).to_hex();
    let start = value.floor_char_boundary(LABEL_BYTES_MAX - 9);
    let (start, hash) = (value.get(..start), hash.get(..8));
    format!("{}~{}", start.unwrap_or_default(), hash.unwrap_or_default())
}
