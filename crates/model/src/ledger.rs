//! Conservation: what came in is what went on, was dropped, was ignored, or is held.

macro_rules! reasons {
    ($(#[$outer:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident = $label:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $kind { $($(#[$doc])* $name,)* }

        impl $kind {
            /// Every reason, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The label in metrics and files.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }
        }
    };
}

reasons! {
    /// Why something was lost unwillingly.
    DropReason {
        /// The kernel's ring was full.
        Kernel = "kernel",
        /// The interface dropped it before the kernel saw it.
        Interface = "interface",
        /// A queue between two threads was full.
        QueueFull = "queue_full",
        /// Its flow is outside the share that an overloaded sensor still follows.
        Shed = "shed",
        /// The flow table was full.
        FlowTableFull = "flow_table_full",
        /// A budget for bytes that are held was spent.
        BufferFull = "buffer_full",
        /// The table of IP fragments was full.
        FragmentsFull = "fragments_full",
        /// The other fragments of its datagram did not come in time.
        FragmentTimeout = "fragment_timeout",
        /// More requests waiting for their response than the cap.
        PipelineFull = "pipeline_full",
        /// A table of the epoch's delta was full.
        DeltaFull = "delta_full",
        /// The inventory or a baseline table was full.
        TableFull = "table_full",
        /// It came after its epoch was sealed.
        Late = "late",
        /// A fault of the sensor itself.
        Fault = "fault",
    }
}

reasons! {
    /// Why something was left out by design or setting.
    IgnoreReason {
        /// A link type that is not analysed.
        LinkType = "link_type",
        /// Neither IPv4 nor IPv6.
        NotIp = "not_ip",
        /// No TCP inside.
        NotTcp = "not_tcp",
        /// An IP fragment whose bytes went on with the frame that completed its datagram, or that
        /// was cut short by the snap length.
        Fragment = "fragment",
        /// Encapsulated more deeply than is looked into.
        TooDeep = "too_deep",
        /// A frame that another port of the mirror had delivered already.
        Duplicate = "duplicate",
        /// A header that is cut short or contradicts itself.
        Malformed = "malformed",
        /// The sensor's own traffic.
        OwnTraffic = "self",
        /// A flow that belongs to no state: a lone RST or FIN, an acknowledgement after the end.
        NoFlow = "no_flow",
        /// Bytes that were already delivered.
        Retransmission = "retransmission",
        /// Bytes outside any window the flow could have.
        OutOfWindow = "out_of_window",
        /// No protocol that is analysed.
        UnknownProtocol = "unknown_protocol",
        /// After the flow switched protocols (CONNECT, Upgrade).
        Switched = "switched",
        /// A handshake whose answer did not come, or was missed.
        Unanswered = "unanswered",
    }
}

/// The books of one noun. The law, exact in every snapshot:
///
/// `received = processed + Σ dropped + Σ ignored + held`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All that came in.
    pub received: u64,
    /// What went on to the next stage.
    pub processed: u64,
    /// Lost, by reason.
    pub dropped: [u64; DropReason::COUNT],
    /// Left out, by reason.
    pub ignored: [u64; IgnoreReason::COUNT],
    /// Waiting inside the stage.
    pub held: u64,
}

impl Ledger {
    /// Counts a loss.
    pub fn drop(&mut self, reason: DropReason, count: u64) {
        if let Some(sum) = self.dropped.get_mut(reason as usize) {
            *sum += count;
        }
    }

    /// Counts what is left out.
    pub fn ignore(&mut self, reason: IgnoreReason, count: u64) {
        if let Some(sum) = self.ignored.get_mut(reason as usize) {
            *sum += count;
        }
    }

    /// Lost, over all reasons.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Left out, over all reasons.
    pub fn ignored_total(&self) -> u64 {
        self.ignored.iter().sum()
    }

    /// Whether the law holds.
    pub fn is_balanced(&self) -> bool {
        self.received == self.processed + self.dropped_total() + self.ignored_total() + self.held
    }

    /// Adds the books of another shard.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.processed += other.processed;
        self.held += other.held;
        for (sum, count) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += count;
        }
        for (sum, count) in self.ignored.iter_mut().zip(other.ignored) {
            *sum += count;
        }
    }
}
