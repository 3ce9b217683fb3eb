//! Settings of protocol.

/// Bounds on what is read and kept of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes of a message head, 1 KiB to 1 MiB.
    pub head_bytes_max: u32,
    /// Header fields of a message, 16 to 1 024.
    pub headers_max: u16,
    /// Requests of a flow waiting for their response, 1 to 4 096.
    pub pipeline_max: u16,
    /// Bytes of a body kept for analysis, after decoding, 0 to 16 MiB.
    pub body_sample_bytes_max: u32,
    /// Bytes of a coded body kept for decoding, 0 to 16 MiB.
    pub coded_body_bytes_max: u32,
    /// Bytes of a message of a TLS handshake, 128 to 256 KiB. One of each direction is held at most.
    pub handshake_bytes_max: u32,
    /// Bytes of heads and bodies kept over all flows, 1 MiB to 16 GiB; a process total, divided
    /// among the 64 shards.
    pub message_bytes_max: u64,
    /// Largest factor by which decoding may blow up a body, 2 to 10 000.
    pub decode_ratio_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_bytes_max: 64 << 10,
            headers_max: 128,
            pipeline_max: 1_024,
            body_sample_bytes_max: 64 << 10,
            coded_body_bytes_max: 64 << 10,
            handshake_bytes_max: 16 << 10,
            message_bytes_max: 256 << 20,
            decode_ratio_max: 1_000,
        }
    }
}
