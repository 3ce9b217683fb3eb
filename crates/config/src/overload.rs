//! What happens when there is more traffic than the sensor can follow.

/// When an overloaded sensor sheds whole flows, and when it takes them up again. Never in replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Overload {
    /// Whether flows are shed at all; else packets are lost as they come.
    pub enabled: bool,
    /// How full the fullest queue between readers and workers may be, 0.001 to 1.
    pub queue_fill_max: f64,
    /// How far the clock may be ahead of the packets that are read, 0.5 to 60 seconds.
    pub lag_seconds_max: f64,
    /// The share of frames that the kernel may drop, 0 to 1.
    pub drop_share_max: f64,
    /// How long nothing may press before twice as many flows are followed again, 1 to 3 600.
    pub recovery_seconds: u32,
    /// How often the traffic is halved at most, 1 to 6.
    pub halvings_max: u8,
}

impl Default for Overload {
    fn default() -> Self {
        Self {
            enabled: true,
            queue_fill_max: 0.8,
            lag_seconds_max: 2.0,
            drop_share_max: 0.001,
            recovery_seconds: 10,
            halvings_max: 6,
        }
    }
}
