//! What one shard may spend: the process totals of the settings, divided.

use tapline_model::SHARDS;

use crate::Config;

/// The least a shard may keep, however small the process total: the heads of a few dozen messages.
const SHARD_BYTES_MIN: u64 = 64 << 10;

/// The settings as one shard uses them.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "a cap is named so everywhere")]
pub(crate) struct Bounds {
    /// Bytes of a message head.
    pub(crate) head_bytes_max: usize,
    /// Header fields of a message.
    pub(crate) headers_max: usize,
    /// Requests of a flow waiting for their response.
    pub(crate) pipeline_max: usize,
    /// Bytes kept of a body that is not coded, and of what a coded one decodes to.
    pub(crate) sample_bytes_max: usize,
    /// Bytes kept of a coded body.
    pub(crate) coded_bytes_max: usize,
    /// Bytes of a message of a TLS handshake.
    pub(crate) handshake_bytes_max: usize,
    /// Bytes kept over all flows of the shard.
    pub(crate) shard_bytes_max: u64,
    /// Largest factor by which decoding may blow up a body.
    pub(crate) decode_ratio_max: usize,
}

impl Bounds {
    /// The share of one shard.
    pub(crate) fn new(config: &Config) -> Self {
        let share = config.message_bytes_max / u64::try_from(SHARDS).unwrap_or(1);
        Self {
            head_bytes_max: size(config.head_bytes_max),
            headers_max: usize::from(config.headers_max),
            pipeline_max: usize::from(config.pipeline_max).max(1),
            sample_bytes_max: size(config.body_sample_bytes_max),
            coded_bytes_max: size(config.coded_body_bytes_max),
            handshake_bytes_max: size(config.handshake_bytes_max),
            shard_bytes_max: share.max(SHARD_BYTES_MIN),
            decode_ratio_max: size(config.decode_ratio_max).max(1),
        }
    }
}

fn size(setting: u32) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_default_leaves_the_minimum() {
        let config = Config::default();
        let whole = Bounds::new(&config);
        assert_eq!(whole.shard_bytes_max, 4 << 20);
        let hundredth =
            Config { message_bytes_max: config.message_bytes_max / 100, ..Config::default() };
        assert_eq!(Bounds::new(&hundredth).shard_bytes_max, 64 << 10);
    }
}
