//! The one table of keys: what is not here cannot be set.

mod access;
mod attempts;
mod behavior;
mod discovery;
mod documents;
mod evidence;
mod prevention;
mod sensing;
mod service;

use tapline_model::Severity;

use crate::key::{At, Key, Kind, Whole};
use crate::problem::quoted;

const fn whole(
    path: &'static str,
    help: &'static str,
    at: Whole,
    min: u64,
    max: u64,
    unit: &'static str,
) -> Key {
    Key { path, help, kind: Kind::Whole { at, min, max, unit } }
}

const fn real(
    path: &'static str,
    help: &'static str,
    at: At<f64>,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Key {
    Key { path, help, kind: Kind::Real { at, min, max, unit } }
}

const fn flag(path: &'static str, help: &'static str, at: At<bool>) -> Key {
    Key { path, help, kind: Kind::Flag(at) }
}

/// What is wrong with a text, and what would be right.
pub(crate) fn refusal(text: &str, shape: &str) -> String {
    format!("{} is not {shape}", quoted(text))
}

/// What a severity may be.
pub(crate) const SEVERITIES: &str = "info, low, medium, high or critical";

/// The severity of this name.
pub(crate) fn severity(text: &str) -> Result<Severity, String> {
    let mut known = Severity::ALL.iter().copied();
    known.find(|severity| severity.label() == text).ok_or_else(|| refusal(text, SEVERITIES))
}

/// Every key, in the order of the file; the keys of a section stand together.
pub(crate) fn all() -> impl Iterator<Item = &'static Key> {
    [
        sensing::KEYS,
        discovery::KEYS,
        behavior::KEYS,
        access::KEYS,
        attempts::KEYS,
        documents::KEYS,
        prevention::KEYS,
        evidence::KEYS,
        service::KEYS,
    ]
    .into_iter()
    .flatten()
}
