//! The keys of what hears: the sensor itself, its log, capture, decap and reassembly.

use std::path::PathBuf;

use tapline_reassembly::OverlapPolicy;

use super::{flag, real, refusal, whole};
use crate::key::{Key, Kind, Set, Whole};
use crate::port;
use crate::settings::{LogFormat, Settings};

const NAME_SHAPE: &str = "1 to 64 characters";
const PATH_SHAPE: &str = "an absolute path";
const LEVEL_SHAPE: &str = "error, warn, info, debug or trace";
const FORMAT_SHAPE: &str = "text or json";
const POLICY_SHAPE: &str = "first, last, bsd, bsd_right, linux, old_linux, solaris, hpux10, hpux11, irix, macos, windows or vista";
const FILTER_SHAPE: &str = "a filter of at most 4096 bytes";
const PORTS_SHAPE: &str = "a list of ports";

/// The last core that Linux can name in a set of the usual size.
const CPU_MAX: u16 = 1_023;

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "sensor.name",
        help: "What this sensor is called where there are several.",
        kind: Kind::Text {
            get: |s| Some(s.sensor.name.clone()),
            set: |s, text| {
                let good = !text.is_empty()
                    && text.chars().count() <= 64
                    && !text.contains(char::is_control);
                store(good, text, NAME_SHAPE, || text.clone_into(&mut s.sensor.name))
            },
            clear: None,
            shape: NAME_SHAPE,
        },
    },
    whole(
        "sensor.workers",
        "Workers; 0 takes one for every core but one, at most 8.",
        Whole::U16(|s| &mut s.sensor.workers),
        0,
        64,
        "workers",
    ),
    Key {
        path: "sensor.cpus",
        help: "Cores that workers, and after them readers, are kept on, one each and in turn; none for any core.",
        kind: Kind::List {
            get: |s| s.sensor.cpus.iter().map(u16::to_string).collect(),
            add: |s, text| {
                let cpu = text.parse::<u16>().ok().filter(|&cpu| cpu <= CPU_MAX);
                s.sensor.cpus.push(cpu.ok_or_else(|| refusal(text, "the number of a core"))?);
                Ok(())
            },
            clear: |s| s.sensor.cpus.clear(),
            count_max: 1_024,
            shape: "a list of core numbers such as [2, 3]",
        },
    },
    whole(
        "sensor.queue_batches_max",
        "Batches (up to 512 segments or 256KiB each) waiting in one queue between a reader and a worker; 0 shares a sixteenth of memory_bytes among the queues, 8 to 64 batches each.",
        Whole::U16(|s| &mut s.sensor.queue_batches_max),
        0,
        4096,
        "batches",
    ),
    whole(
        "sensor.memory_bytes",
        "Memory of the process; every other ceiling is a part of it.",
        Whole::U64(|s| &mut s.sensor.memory_bytes),
        256 << 20,
        1 << 40,
        "bytes",
    ),
    Key {
        path: "sensor.state_dir",
        help: "Directory of the per-install key, which is made on the first start.",
        kind: Kind::Text {
            get: |s| Some(s.sensor.state_dir.display().to_string()),
            set: |s, text| {
                let good = text.starts_with('/') && !text.contains(char::is_control);
                store(good, text, PATH_SHAPE, || s.sensor.state_dir = PathBuf::from(text))
            },
            clear: None,
            shape: PATH_SHAPE,
        },
    },
    Key {
        path: "log.level",
        help: "The least severe level that is written. Logs go to stderr.",
        kind: Kind::Text {
            get: |s| Some(s.log.level.clone()),
            set: |s, text| {
                let good = ["error", "warn", "info", "debug", "trace"].contains(&text);
                store(good, text, LEVEL_SHAPE, || text.clone_into(&mut s.log.level))
            },
            clear: None,
            shape: LEVEL_SHAPE,
        },
    },
    Key {
        path: "log.format",
        help: "Lines for people, or one JSON object a line.",
        kind: Kind::Text {
            get: |s| {
                Some(match s.log.format {
                    LogFormat::Text => "text".to_owned(),
                    LogFormat::Json => "json".to_owned(),
                })
            },
            set: |s, text| {
                let format = match text {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => return Err(refusal(text, FORMAT_SHAPE)),
                };
                s.log.format = format;
                Ok(())
            },
            clear: None,
            shape: FORMAT_SHAPE,
        },
    },
    Key {
        path: "capture.interfaces",
        help: "Interfaces to listen on; `tapline interfaces` lists them.",
        kind: Kind::List {
            get: |s| s.capture.interfaces.clone(),
            add: |s, text| {
                // The kernel's own bound is 15 bytes; names of libpcap may be longer.
                let good = !text.is_empty() && text.len() <= 64 && !text.contains(char::is_control);
                store(good, text, "a name", || s.capture.interfaces.push(text.to_owned()))
            },
            clear: |s| s.capture.interfaces.clear(),
            count_max: 64,
            shape: "a list of interface names",
        },
    },
    Key {
        path: "capture.filter",
        help: "A BPF filter in the language of pcap-filter(7); empty for none. What it hides is not seen at all.",
        kind: Kind::Text {
            get: |s| s.capture.filter.clone(),
            set: |s, text| {
                let good = text.len() <= 4_096 && !text.contains(char::is_control);
                store(good, text, FILTER_SHAPE, || s.capture.filter = Some(text.to_owned()))
            },
            clear: Some(|s| s.capture.filter = None),
            shape: FILTER_SHAPE,
        },
    },
    whole(
        "capture.snap_bytes",
        "Bytes kept of each frame.",
        Whole::U32(|s| &mut s.capture.snap_bytes),
        64,
        262_144,
        "bytes",
    ),
    whole(
        "capture.buffer_bytes",
        "The kernel ring of each handle, at least 1MiB; there is one for every interface and worker. 0 shares an eighth of sensor.memory_bytes among them, 4MiB to 64MiB each.",
        Whole::U32(|s| &mut s.capture.buffer_bytes),
        0,
        1 << 30,
        "bytes",
    ),
    whole(
        "capture.block_timeout_ms",
        "How long the kernel may hold frames back to hand over many at once.",
        Whole::U32(|s| &mut s.capture.block_timeout_ms),
        1,
        1000,
        "milliseconds",
    ),
    flag(
        "capture.promiscuous",
        "Whether to take frames that are addressed to others, as a mirror port needs.",
        |s| &mut s.capture.promiscuous,
    ),
    flag(
        "overload.enabled",
        "Whether an overloaded sensor sheds whole flows, chosen by a keyed hash, in place of packets as they come; never in replay.",
        |s| &mut s.overload.enabled,
    ),
    real(
        "overload.queue_fill_max",
        "How full the fullest queue between a reader and a worker may be before flows are shed.",
        |s| &mut s.overload.queue_fill_max,
        0.001,
        1.0,
        "ratio",
    ),
    real(
        "overload.lag_seconds_max",
        "How far the clock may be ahead of the packets that are read before flows are shed.",
        |s| &mut s.overload.lag_seconds_max,
        0.5,
        60.0,
        "seconds",
    ),
    real(
        "overload.drop_share_max",
        "The share of frames that the kernel may drop before flows are shed.",
        |s| &mut s.overload.drop_share_max,
        0.0,
        1.0,
        "ratio",
    ),
    whole(
        "overload.recovery_seconds",
        "How long nothing may press before twice as many flows are followed again.",
        Whole::U32(|s| &mut s.overload.recovery_seconds),
        1,
        3600,
        "seconds",
    ),
    whole(
        "overload.halvings_max",
        "How often the traffic is halved at most; 6 leaves one flow in 64.",
        Whole::U8(|s| &mut s.overload.halvings_max),
        1,
        6,
        "halvings",
    ),
    flag(
        "decap.overlapping_networks",
        "Whether the innermost VLAN, VNI or tunnel key is part of a flow, for networks whose addresses overlap.",
        |s| &mut s.decap.overlapping_networks,
    ),
    whole(
        "decap.nesting_max",
        "Tunnels, labels and tags inside one another that are looked through.",
        Whole::U8(|s| &mut s.decap.nesting_max),
        1,
        32,
        "levels",
    ),
    ports(
        "decap.vxlan_ports",
        "UDP destination ports of VXLAN and VXLAN-GPE.",
        |s| s.decap.vxlan_ports.iter().map(u16::to_string).collect(),
        |s, text| port::add(&mut s.decap.vxlan_ports, text),
        |s| s.decap.vxlan_ports.clear(),
    ),
    ports(
        "decap.geneve_ports",
        "UDP destination ports of GENEVE.",
        |s| s.decap.geneve_ports.iter().map(u16::to_string).collect(),
        |s, text| port::add(&mut s.decap.geneve_ports, text),
        |s| s.decap.geneve_ports.clear(),
    ),
    whole(
        "decap.fragments_max",
        "IP fragments held until their datagram is whole; the oldest datagram makes room.",
        Whole::U32(|s| &mut s.decap.fragments_max),
        64,
        1 << 20,
        "fragments",
    ),
    whole(
        "decap.fragment_bytes_max",
        "Bytes of IP fragments held.",
        Whole::U64(|s| &mut s.decap.fragment_bytes_max),
        64 << 10,
        1 << 30,
        "bytes",
    ),
    whole(
        "decap.fragment_timeout_seconds",
        "Capture time for which the other fragments of a datagram are waited for.",
        Whole::U32(|s| &mut s.decap.fragment_timeout_seconds),
        1,
        300,
        "seconds",
    ),
    whole(
        "decap.duplicate_window_ms",
        "Capture time within which an identical packet is taken for the copy of another mirror port; 0 keeps all.",
        Whole::U32(|s| &mut s.decap.duplicate_window_ms),
        0,
        1000,
        "milliseconds",
    ),
    whole(
        "reassembly.flows_max",
        "Flows followed at once; the longest idle makes room.",
        Whole::U32(|s| &mut s.reassembly.flows_max),
        64,
        16_777_216,
        "flows",
    ),
    whole(
        "reassembly.flow_held_bytes_max",
        "Bytes held out of order for one direction of one flow.",
        Whole::U32(|s| &mut s.reassembly.flow_held_bytes_max),
        4096,
        64 << 20,
        "bytes",
    ),
    whole(
        "reassembly.held_bytes_max",
        "Bytes held out of order in total.",
        Whole::U64(|s| &mut s.reassembly.held_bytes_max),
        1 << 20,
        16 << 30,
        "bytes",
    ),
    whole(
        "reassembly.idle_timeout_seconds",
        "Capture time after which a silent flow ends.",
        Whole::U32(|s| &mut s.reassembly.idle_timeout_seconds),
        1,
        86_400,
        "seconds",
    ),
    whole(
        "reassembly.reorder_window_ms",
        "Capture time for which a hole is waited for: mirrors deliver out of order.",
        Whole::U32(|s| &mut s.reassembly.reorder_window_ms),
        1,
        10_000,
        "milliseconds",
    ),
    Key {
        path: "reassembly.overlap_policy",
        help: "Whose bytes count where segments that wait behind a hole overlap: the first, the last, or what the servers' system takes.",
        kind: Kind::Text {
            get: |s| Some(s.reassembly.overlap_policy.name().to_owned()),
            set: |s, text| {
                let named = OverlapPolicy::named(text);
                s.reassembly.overlap_policy = named.ok_or_else(|| refusal(text, POLICY_SHAPE))?;
                Ok(())
            },
            clear: None,
            shape: POLICY_SHAPE,
        },
    },
];

const fn ports(
    path: &'static str,
    help: &'static str,
    get: fn(&Settings) -> Vec<String>,
    add: Set,
    clear: fn(&mut Settings),
) -> Key {
    Key { path, help, kind: Kind::List { get, add, clear, count_max: 16, shape: PORTS_SHAPE } }
}

fn store(good: bool, text: &str, shape: &str, store: impl FnOnce()) -> Result<(), String> {
    if !good {
        return Err(refusal(text, shape));
    }
    store();
    Ok(())
}
