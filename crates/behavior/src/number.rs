//! Between counts and real numbers.

/// A count as a real number; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count of a window comes near 2^53")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}
