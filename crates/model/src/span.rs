//! The least and the greatest of many numbers.

use serde::{Deserialize, Serialize};

/// The least and the greatest of what was added; joins in any order.
///
/// Holds whole numbers, or numbers with a fraction by [`Span::of_numbers`]: the user knows which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(Option<(i64, i64)>);

impl Span {
    /// Nothing was added.
    pub const NONE: Self = Self(None);

    /// Of one whole number; more than an `i64` holds is the greatest one.
    pub fn of_size(size: usize) -> Self {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        Self(Some((size, size)))
    }

    /// From `low` to `high`; what is no number is nothing.
    pub fn of_numbers(low: f64, high: f64) -> Self {
        if low.is_nan() || high.is_nan() {
            return Self::NONE;
        }
        Self(Some((ordered(low), ordered(high))))
    }

    /// Adds what another has.
    pub fn join(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(ours), Some(theirs)) => Some((ours.0.min(theirs.0), ours.1.max(theirs.1))),
            (ours, theirs) => ours.or(theirs),
        };
    }

    /// Both ends, as [`Span::of_size`] took them.
    pub fn sizes(self) -> Option<(u64, u64)> {
        let size = |value: i64| u64::try_from(value).unwrap_or(0);
        self.0.map(|(low, high)| (size(low), size(high)))
    }

    /// Both ends, as [`Span::of_numbers`] took them.
    pub fn numbers(self) -> Option<(f64, f64)> {
        self.0.map(|(low, high)| (number(low), number(high)))
    }
}

/// A whole number that is ordered as the number is.
fn ordered(number: f64) -> i64 {
    // Zero has two forms.
    let bits = (number + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn number(ordered: i64) -> f64 {
    let bits = if ordered < 0 { ordered ^ i64::MAX } else { ordered };
    f64::from_bits(bits.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_and_value_survive(left in -1e300..1e300_f64, right in -1e300..1e300_f64) {
            prop_assert_eq!(left < right, ordered(left) < ordered(right));
            prop_assert!((number(ordered(left)) - left).abs() < f64::EPSILON);
            let mut span = Span::of_numbers(left, left);
            span.join(Span::of_numbers(right, right));
            prop_assert_eq!(span.numbers(), Some((left.min(right), left.max(right))));
        }
    }

    #[test]
    fn zero_is_one_number_and_nothing_joins_to_anything() {
        assert_eq!(Span::of_numbers(-0.0, 0.0), Span::of_numbers(0.0, 0.0));
        assert_eq!(Span::of_numbers(f64::NAN, 1.0), Span::NONE);
        let mut span = Span::NONE;
        span.join(Span::of_size(3));
        span.join(Span::NONE);
        span.join(Span::of_size(1));
        assert_eq!(span.sizes(), Some((1, 3)));
    }
}
