//! Settings of evidence.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use tapline_model::Severity;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// What [`Config::ring_bytes`] may be.
pub const RING_BYTES: RangeInclusive<u64> = MIB..=GIB;
/// What [`Config::excerpt_bytes_max`] may be.
pub const EXCERPT_BYTES: RangeInclusive<u64> = 4 * KIB..=64 * MIB;
/// What [`Config::folder_bytes_max`] may be.
pub const FOLDER_BYTES: RangeInclusive<u64> = MIB..=TIB;
/// How many [`Config::recipients`] there may be.
pub const RECIPIENTS_MAX: usize = 16;

/// Whether packets are kept, how many, and who can read them. It holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether anything is kept at all.
    pub enabled: bool,
    /// Public keys of age, `age1…`: each of their owners can read every excerpt. At most
    /// [`RECIPIENTS_MAX`].
    pub recipients: Vec<String>,
    /// Where excerpts are written; none is not set. It belongs to one sensor alone.
    pub folder: Option<PathBuf>,
    /// Bytes of recent frames in memory, within [`RING_BYTES`]; sources share them. Their index takes
    /// up to a quarter more.
    pub ring_bytes: u64,
    /// Bytes of one excerpt before it is encrypted, within [`EXCERPT_BYTES`].
    pub excerpt_bytes_max: u64,
    /// Bytes of all excerpts in the folder, within [`FOLDER_BYTES`]; the oldest go first.
    pub folder_bytes_max: u64,
    /// The mildest finding that has packets kept.
    pub severity_min: Severity,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: false,
            recipients: Vec::new(),
            folder: None,
            ring_bytes: 32 * MIB,
            excerpt_bytes_max: MIB,
            folder_bytes_max: 256 * MIB,
            severity_min: Severity::Medium,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("enabled", &self.enabled)
            // Somebody may have written a private key there.
            .field("recipients", &self.recipients.len())
            .field("folder", &self.folder)
            .field("ring_bytes", &self.ring_bytes)
            .field("excerpt_bytes_max", &self.excerpt_bytes_max)
            .field("folder_bytes_max", &self.folder_bytes_max)
            .field("severity_min", &self.severity_min)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_unless_it_is_asked_for() {
        let config = Config::default();
        assert!(!config.enabled && config.recipients.is_empty() && config.folder.is_none());
    }

    #[test]
    fn a_key_in_the_wrong_place_does_not_print() {
        let recipients = vec!["AGE-SECRET-KEY-1QQ".to_owned()];
        let config = Config { recipients, ..Config::default() };
        assert!(!format!("{config:?}").contains("SECRET"));
    }

    #[test]
    fn what_is_set_by_default_may_be_set() {
        let config = Config::default();
        assert!(RING_BYTES.contains(&config.ring_bytes));
        assert!(EXCERPT_BYTES.contains(&config.excerpt_bytes_max));
        assert!(FOLDER_BYTES.contains(&config.folder_bytes_max));
    }
}
