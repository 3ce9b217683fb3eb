//! Mergeable bounded statistics, and the tails of the distributions they are judged by; knows no
//! network word.

mod beta_binomial;
mod buckets;
mod heavy_tail;
mod incomplete;
mod kmv;
mod negative_binomial;
mod series;
mod sliding_kmv;
mod tail;

pub use beta_binomial::BetaBinomial;
pub use buckets::Buckets;
pub use heavy_tail::HeavyTail;
pub use kmv::Kmv;
pub use negative_binomial::NegativeBinomial;
pub use series::{Deviation, Pace, Series};
pub use sliding_kmv::SlidingKmv;
pub use tail::{Cusum, Tail, normal_score};
