//! Requests by minute.

use askama::Template;

use crate::number;

/// Minutes drawn.
const MINUTES: u64 = 60;
/// Units of a minute across, and of its column.
const STEP: u64 = 12;
const COLUMN: u64 = 9;
/// Units high.
const HEIGHT: u64 = 120;
const SPARK_HEIGHT: u64 = 20;

/// Requests in each of the last 60 whole minutes, with the range that is normal.
#[derive(Debug, Template)]
#[template(path = "part/rate.html")]
pub(crate) struct Rate {
    label: String,
    columns: Vec<Column>,
    band: Option<Band>,
    width: u64,
    height: u64,
    top: String,
    span: u64,
}

#[derive(Debug)]
struct Column {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
    tone: &'static str,
    said: String,
}

#[derive(Debug)]
struct Band {
    y: u64,
    height: u64,
}

impl Rate {
    /// Requests a minute, oldest first, and the range that is normal.
    pub(crate) fn new(recent: &[u64], normal: Option<(u64, u64)>) -> Self {
        let largest = recent.iter().copied().max().unwrap_or(0);
        let top = largest.max(normal.map_or(0, |(_, high)| high)).max(1);
        let height_of = |value| number::scale(value, top, HEIGHT - 6);
        let minutes = last_minutes(recent);
        let first = MINUTES - length(minutes);
        let columns = (first..MINUTES)
            .zip(minutes)
            .map(|(place, &value)| {
                let strange = normal.is_some_and(|(low, high)| value < low || value > high);
                let ago = MINUTES - place;
                Column {
                    x: place * STEP,
                    y: HEIGHT - height_of(value).max(1),
                    width: COLUMN,
                    height: height_of(value).max(1),
                    tone: if strange { "strange" } else { "usual" },
                    said: format!("{ago} min ago: {}", number::exact(value)),
                }
            })
            .collect();
        let band = normal.map(|(low, high)| {
            let (low, high) = (height_of(low), height_of(high.min(top)));
            Band { y: HEIGHT - high, height: (high - low.min(high)).max(1) }
        });
        let label = format!(
            "Requests in each of the last {} minutes, at most {}",
            minutes.len(),
            number::count(largest)
        );
        let width = MINUTES * STEP;
        let top = number::count(top);
        Self { label, columns, band, width, height: HEIGHT, top, span: MINUTES }
    }
}

/// The same, as small as a word.
#[derive(Debug, Template)]
#[template(
    source = r#"{% if !points.is_empty() %}<svg class="spark" viewBox="0 0 {{ width }} {{ height }}" preserveAspectRatio="none" aria-hidden="true"><polyline points="{{ points }}"/></svg>{% endif %}"#,
    ext = "html"
)]
pub(crate) struct Spark {
    points: String,
    width: u64,
    height: u64,
}

impl Spark {
    /// Requests a minute, oldest first.
    pub(crate) fn new(recent: &[u64]) -> Self {
        let minutes = last_minutes(recent);
        let top = minutes.iter().copied().max().unwrap_or(0);
        let first = MINUTES - length(minutes);
        let points: Vec<String> = (first..MINUTES)
            .zip(minutes)
            .map(|(place, &value)| {
                let y = SPARK_HEIGHT - 1 - number::scale(value, top, SPARK_HEIGHT - 2);
                format!("{},{y}", place * 2)
            })
            .collect();
        Self { points: points.join(" "), width: MINUTES * 2, height: SPARK_HEIGHT }
    }
}

fn last_minutes(recent: &[u64]) -> &[u64] {
    let kept = usize::try_from(MINUTES).unwrap_or(usize::MAX);
    recent.get(recent.len().saturating_sub(kept)..).unwrap_or(recent)
}

fn length(minutes: &[u64]) -> u64 {
    u64::try_from(minutes.len()).unwrap_or(MINUTES).min(MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn minutes_outside_the_normal_range_stand_out() {
        let rate = Rate::new(&[5, 50, 5], Some((2, 9)));
        let tones: Vec<_> = rate.columns.iter().map(|column| column.tone).collect();
        assert_eq!(tones, ["usual", "strange", "usual"]);
        assert_eq!(rate.columns.last().map(|column| column.x), Some(59 * STEP));
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_chart(recent in prop::collection::vec(any::<u64>(), 0..90),
                                    low: u64, high: u64) {
            let rate = Rate::new(&recent, Some((low, high)));
            for column in &rate.columns {
                prop_assert!(column.x + column.width <= rate.width);
                prop_assert_eq!(column.y + column.height, HEIGHT);
            }
            let band = rate.band.unwrap();
            prop_assert!(band.y + band.height <= HEIGHT + 1);
            prop_assert!(!Spark::new(&recent).points.contains('-'));
        }
    }
}
