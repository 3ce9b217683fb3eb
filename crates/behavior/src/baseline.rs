//! What is normal, learned from sealed epochs.
//!
//! Learning forgets by capture time, clips what is far from normal, and leaves out what belongs to
//! an open incident: an attacker who is patient moves a baseline slowly, and one who is not,
//! hardly.

mod calendar;
pub(crate) mod calibration;
pub(crate) mod error_share;
pub(crate) mod judgement;
pub(crate) mod learning;
mod level;
mod partial;
pub(crate) mod population;
pub(crate) mod rate;
mod ratio;
mod recurring;
mod scale;
pub(crate) mod season;
pub(crate) mod subject;
pub(crate) mod table;
mod typical;
