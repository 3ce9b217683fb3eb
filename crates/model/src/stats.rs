//! Every stage's counters: plain integers since start. One worker owns each; others read copies.

use crate::{Anomaly, Completeness, Encapsulation, Ledger, Protocol};

/// Why a flow left its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EvictReason {
    /// Finished by FIN in both directions.
    Finished,
    /// Reset.
    Reset,
    /// Idle for longer than the idle timeout.
    Idle,
    /// The table was full and this one was the longest idle.
    TableFull,
    /// A new flow with the same 5-tuple began.
    Replaced,
    /// The capture ended.
    CaptureEnd,
}

impl EvictReason {
    /// Every reason, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Finished,
        Self::Reset,
        Self::Idle,
        Self::TableFull,
        Self::Replaced,
        Self::CaptureEnd,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Reset => "reset",
            Self::Idle => "idle",
            Self::TableFull => "table_full",
            Self::Replaced => "replaced",
            Self::CaptureEnd => "capture_end",
        }
    }
}

macro_rules! sums {
    ($(#[$outer:meta])* $name:ident {
        ledgers { $($(#[$ledger_doc:meta])* $ledger:ident,)* }
        counts { $($(#[$count_doc:meta])* $count:ident,)* }
        tables { $($(#[$table_doc:meta])* $table:ident: $size:expr,)* }
    }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$ledger_doc])* pub $ledger: Ledger,)*
            $($(#[$count_doc])* pub $count: u64,)*
            $($(#[$table_doc])* pub $table: [u64; $size],)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($ledger: Ledger::default(),)*
                    $($count: 0,)*
                    $($table: [0; $size],)*
                }
            }
        }

        impl $name {
            /// Adds the counters of another shard, worker or source.
            pub fn add(&mut self, other: &Self) {
                $(self.$ledger.add(&other.$ledger);)*
                $(self.$count += other.$count;)*
                $(for (sum, count) in self.$table.iter_mut().zip(other.$table) {
                    *sum += count;
                })*
            }

            /// Its plain counters, by name.
            pub fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($count), self.$count),)*]
            }

            /// Its ledgers, by name.
            pub fn ledgers(&self) -> Vec<(&'static str, &Ledger)> {
                vec![$((stringify!($ledger), &self.$ledger),)*]
            }
        }
    };
}

sums! {
    /// Counters of capture, per source.
    CaptureStats {
        ledgers {}
        counts {
            /// Frames handed to decap.
            frames,
            /// Their bytes on the wire.
            frame_bytes,
            /// Frames that were cut short by the snap length.
            snapped_frames,
            /// Frames that the kernel says it dropped.
            kernel_dropped_frames,
            /// Frames that the interface dropped before the kernel saw them.
            interface_dropped_frames,
            /// How often the interface went down or vanished.
            outages,
        }
        tables {}
    }
}

sums! {
    /// Counters of decap.
    DecapStats {
        ledgers {
            /// Frames; processed are those that became a segment.
            packets,
            /// The same in bytes on the wire.
            bytes,
        }
        counts {
            /// Segments over IPv4.
            ipv4_segments,
            /// Segments over IPv6.
            ipv6_segments,
            /// IP fragments, each one that a frame carried.
            fragments,
            /// Datagrams put together from fragments.
            reassembled_datagrams,
            /// Fragments that overlap others of their datagram, or contradict its length.
            overlapping_fragments,
            /// Fragments, not the last of their datagram, that are smaller than any network makes
            /// them.
            tiny_fragments,
        }
        tables {
            /// Frames by what their packet was wrapped in; one with several counts for each.
            encapsulations: Encapsulation::COUNT,
        }
    }
}

sums! {
    /// Counters of reassembly.
    ReassemblyStats {
        ledgers {
            /// Segments; processed are those of a flow that is followed.
            segments,
            /// Payload bytes on the wire; processed are those delivered in chunks. Bytes reported as
            /// gaps were never received, so they are not in these books.
            payload_bytes,
        }
        counts {
            /// Flows begun.
            flows_opened,
            /// Flows begun without a handshake.
            flows_midstream,
            /// Flows in the table now.
            flows_active,
            /// Flows that ended with only one direction seen, which acknowledged the other: routing
            /// is asymmetric, or the mirror shows half.
            flows_one_sided,
            /// Chunks delivered, of all kinds.
            chunks,
            /// Gaps delivered.
            gaps,
            /// Bytes reported missing.
            gap_bytes,
            /// Segments that came out of order and were held.
            out_of_order_segments,
            /// Overlaps whose bytes differ from those held, or from the last that were delivered.
            conflicting_overlaps,
            /// Handshakes (a SYN seen).
            handshakes,
        }
        tables {
            /// Flows that left the table, by [`EvictReason`].
            flows_closed: EvictReason::COUNT,
        }
    }
}

sums! {
    /// Counters of protocol.
    ProtocolStats {
        ledgers {
            /// Data and gap chunks.
            chunks,
            /// Their bytes, missing ones included.
            chunk_bytes,
            /// Transactions begun; processed are those handed to discovery.
            transactions,
            /// TLS handshakes begun; processed are those handed to discovery.
            handshakes,
        }
        counts {
            /// Flows recognised as HTTP/1.
            http1_flows,
            /// Flows recognised as TLS.
            tls_flows,
            /// Flows of no protocol that is analysed.
            other_flows,
            /// Interim (1xx) responses.
            interim_responses,
            /// Bodies decoded, at least in part.
            decoded_bodies,
            /// Flows dropped because of a fault of the sensor itself.
            internal_faults,
        }
        tables {
            /// Transactions handed on, by [`Protocol`].
            by_protocol: Protocol::COUNT,
            /// Transactions handed on, by [`Completeness`].
            by_completeness: Completeness::COUNT,
            /// Anomalies, by [`Anomaly`].
            anomalies: Anomaly::COUNT,
        }
    }
}

sums! {
    /// Counters of discovery.
    DiscoveryStats {
        ledgers {
            /// Transactions; processed became an observation.
            transactions,
        }
        counts {
            /// Bodies parsed.
            bodies_parsed,
            /// Bodies of which anything was kept.
            bodies_seen,
            /// Of those, the ones that were looked into: all of new routes, a sample of known ones.
            bodies_sampled,
            /// Bodies that were not of the media type they claim.
            bodies_malformed,
            /// Parameters beyond the cap of one transaction.
            parameters_over_max,
            /// Values masked because they are classified.
            values_masked,
            /// Things tried against accounts and secrets.
            attempts,
            /// Transactions that were not looked into for such, because their shard had looked into
            /// so many in that second.
            attempts_over_max,
        }
        tables {}
    }
}

sums! {
    /// Counters of behavior.
    BehaviorStats {
        ledgers {
            /// Observations; processed were folded whole.
            observations,
            /// Deltas; processed were merged.
            deltas,
        }
        counts {
            /// Findings opened.
            findings_opened,
            /// Changes that were not told, for the budget of alerts was spent.
            findings_withheld,
            /// Epochs sealed.
            epochs_sealed,
            /// Requests that matched no endpoint.
            unmatched_requests,
            /// Fields of bodies, queries and header fields that are known of all endpoints.
            fields_known,
            /// Fields that made room for others.
            fields_evicted,
            /// Values that stood in places which found no room.
            field_values_left_out,
            /// Times that what a route saw taught no path template, for want of room.
            paths_left_out,
            /// Hosts that the inventory had no room for, each time one was seen.
            hosts_left_out,
            /// Routes that would have made an endpoint.
            endpoints_left_out,
            /// Routes without an endpoint that were given up for newer ones.
            routes_left_out,
            /// Parameters that their endpoint had no room for, each time one was seen.
            parameters_left_out,
            /// Servers that found no room, each time one was seen.
            servers_left_out,
            /// Encrypted hosts that found no room or made some, and handshakes beyond those of one
            /// second that are told apart.
            encrypted_left_out,
            /// Consumers of the inventory that were given up for newer ones.
            callers_left_out,
            /// Consumers evicted from their table.
            consumers_evicted,
            /// Consumers tracked now.
            consumers_active,
            /// Consumers followed now by what they do with objects, functions and flows.
            actors_active,
            /// Of those, given up for others.
            actors_evicted,
            /// Objects whose callers were forgotten for want of room.
            objects_evicted,
            /// References to objects of one second that found no room.
            references_left_out,
        }
        tables {}
    }
}

sums! {
    /// Counters of alert.
    AlertStats {
        ledgers {
            /// Notifications queued for an Alertmanager; processed were accepted by it.
            notifications,
        }
        counts {
            /// Push requests that failed and will be tried again.
            push_failures,
            /// Push requests that were answered with success.
            pushes,
            /// Lines written to the findings file.
            findings_written,
        }
        tables {}
    }
}

/// One consistent copy of every stage's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// All sources together.
    pub capture: CaptureStats,
    /// All decapsulators together.
    pub decap: DecapStats,
    /// All shards together.
    pub reassembly: ReassemblyStats,
    /// All shards together.
    pub protocol: ProtocolStats,
    /// All shards together.
    pub discovery: DiscoveryStats,
    /// All shards and the merge together.
    pub behavior: BehaviorStats,
    /// Delivery.
    pub alert: AlertStats,
}

impl Stats {
    /// Every ledger of every stage, named `stage.noun`.
    pub fn ledgers(&self) -> Vec<(String, Ledger)> {
        let stages = [
            ("decap", self.decap.ledgers()),
            ("reassembly", self.reassembly.ledgers()),
            ("protocol", self.protocol.ledgers()),
            ("discovery", self.discovery.ledgers()),
            ("behavior", self.behavior.ledgers()),
            ("alert", self.alert.ledgers()),
        ];
        stages
            .into_iter()
            .flat_map(|(stage, ledgers)| {
                ledgers.into_iter().map(move |(noun, ledger)| (format!("{stage}.{noun}"), *ledger))
            })
            .collect()
    }

    /// The ledgers that do not balance, and the arrows on which what one stage sent is not what the
    /// next received. Empty when conservation holds.
    pub fn imbalances(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self
            .ledgers()
            .into_iter()
            .filter(|(_, ledger)| !ledger.is_balanced())
            .map(|(name, ledger)| format!("{name}: {ledger:?}"))
            .collect();
        let arrows = [
            (
                "decap -> reassembly",
                self.decap.packets.processed,
                self.reassembly.segments.received,
            ),
            (
                "protocol -> discovery",
                self.protocol.transactions.processed,
                self.discovery.transactions.received,
            ),
            (
                "discovery -> behavior",
                self.discovery.transactions.processed,
                self.behavior.observations.received,
            ),
        ];
        for (arrow, sent, received) in arrows {
            if sent != received {
                wrong.push(format!("{arrow}: sent {sent}, received {received}"));
            }
        }
        wrong
    }
}
