//! Mergeable bounded statistics; knows no network word.

mod buckets;
mod kmv;

pub use buckets::Buckets;
pub use kmv::Kmv;
