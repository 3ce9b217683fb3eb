//! The one table of keys: what is not here cannot be set.

use std::path::PathBuf;

use tapline_reassembly::OverlapPolicy;

use crate::key::{At, Key, Kind, Set, Whole};
use crate::problem::quoted;
use crate::settings::{LogFormat, Settings};
use crate::{network, port, url};

const NAME_SHAPE: &str = "1 to 64 characters";
const PATH_SHAPE: &str = "an absolute path";
const LEVEL_SHAPE: &str = "error, warn, info, debug or trace";
const FORMAT_SHAPE: &str = "text or json";
const POLICY_SHAPE: &str = "first, last, bsd, bsd_right, linux, old_linux, solaris, hpux10, hpux11, irix, macos, windows or vista";
const FILTER_SHAPE: &str = "a filter of at most 4096 bytes";
const PORTS_SHAPE: &str = "a list of ports";
const LISTEN_SHAPE: &str = "an address and port such as 127.0.0.1:9488 or [::1]:9488";

/// The last core that Linux can name in a set of the usual size.
const CPU_MAX: u16 = 1_023;

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

const fn ports(
    path: &'static str,
    help: &'static str,
    get: fn(&Settings) -> Vec<String>,
    add: Set,
    clear: fn(&mut Settings),
) -> Key {
    Key { path, help, kind: Kind::List { get, add, clear, count_max: 16, shape: PORTS_SHAPE } }
}

/// What is wrong with a text, and what would be right.
pub(crate) fn refusal(text: &str, shape: &str) -> String {
    format!("{} is not {shape}", quoted(text))
}

fn store(good: bool, text: &str, shape: &str, store: impl FnOnce()) -> Result<(), String> {
    if !good {
        return Err(refusal(text, shape));
    }
    store();
    Ok(())
}

/// Every key, in the order of the file; the keys of a section stand together.
pub(crate) const KEYS: &[Key] = &[
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
    whole(
        "protocol.head_bytes_max",
        "Bytes of a message head.",
        Whole::U32(|s| &mut s.protocol.head_bytes_max),
        256,
        1 << 20,
        "bytes",
    ),
    whole(
        "protocol.headers_max",
        "Header fields of a message.",
        Whole::U16(|s| &mut s.protocol.headers_max),
        1,
        1024,
        "fields",
    ),
    whole(
        "protocol.pipeline_max",
        "Requests of a flow waiting for their response.",
        Whole::U16(|s| &mut s.protocol.pipeline_max),
        1,
        4096,
        "requests",
    ),
    whole(
        "protocol.body_sample_bytes_max",
        "Bytes of a body kept for analysis, after decoding.",
        Whole::U32(|s| &mut s.protocol.body_sample_bytes_max),
        0,
        16 << 20,
        "bytes",
    ),
    whole(
        "protocol.coded_body_bytes_max",
        "Bytes of a compressed body kept for decoding.",
        Whole::U32(|s| &mut s.protocol.coded_body_bytes_max),
        0,
        16 << 20,
        "bytes",
    ),
    whole(
        "protocol.message_bytes_max",
        "Bytes of heads and bodies kept over all flows.",
        Whole::U64(|s| &mut s.protocol.message_bytes_max),
        1 << 20,
        16 << 30,
        "bytes",
    ),
    whole(
        "protocol.decode_ratio_max",
        "Largest factor by which decoding may blow up a body.",
        Whole::U32(|s| &mut s.protocol.decode_ratio_max),
        2,
        10_000,
        "times",
    ),
    Key {
        path: "discovery.trusted_proxies",
        help: "Proxies whose X-Forwarded-For and Forwarded are believed, as addresses or networks (10.0.0.0/8).",
        kind: Kind::List {
            get: |s| s.discovery.trusted_proxies.iter().map(network::print).collect(),
            add: |s, text| {
                let network = network::parse(text)?;
                s.discovery.trusted_proxies.push(network);
                Ok(())
            },
            clear: |s| s.discovery.trusted_proxies.clear(),
            count_max: 1_024,
            shape: "a list of addresses and networks",
        },
    },
    whole(
        "discovery.transaction_parameters_max",
        "Parameters noted of one transaction.",
        Whole::U16(|s| &mut s.discovery.transaction_parameters_max),
        1,
        1024,
        "parameters",
    ),
    whole(
        "discovery.body_depth_max",
        "Depth to which bodies are looked into.",
        Whole::U8(|s| &mut s.discovery.body_depth_max),
        1,
        32,
        "levels",
    ),
    whole(
        "discovery.bodies_read_min",
        "Transactions of an endpoint whose bodies are all looked into.",
        Whole::U32(|s| &mut s.discovery.bodies_read_min),
        1,
        1_000_000,
        "transactions",
    ),
    whole(
        "discovery.bodies_one_in",
        "After those, one transaction in so many is looked into; 1 for all.",
        Whole::U32(|s| &mut s.discovery.bodies_one_in),
        1,
        1_000,
        "transactions",
    ),
    whole(
        "discovery.hosts_max",
        "Hosts in the inventory.",
        Whole::U32(|s| &mut s.discovery.hosts_max),
        1,
        1_000_000,
        "hosts",
    ),
    whole(
        "discovery.endpoints_max",
        "Endpoints in the inventory.",
        Whole::U32(|s| &mut s.discovery.endpoints_max),
        16,
        1_000_000,
        "endpoints",
    ),
    whole(
        "discovery.endpoint_parameters_max",
        "Parameters of one endpoint.",
        Whole::U16(|s| &mut s.discovery.endpoint_parameters_max),
        1,
        4096,
        "parameters",
    ),
    whole(
        "discovery.servers_max",
        "Servers in the visibility ledger.",
        Whole::U32(|s| &mut s.discovery.servers_max),
        1,
        1_000_000,
        "servers",
    ),
    whole(
        "behavior.delta_routes_max",
        "Routes of which one second is remembered until it is merged.",
        Whole::U32(|s| &mut s.behavior.delta_routes_max),
        64,
        10_000_000,
        "routes",
    ),
    whole(
        "behavior.delta_hosts_max",
        "Hosts of which one second is remembered until it is merged.",
        Whole::U32(|s| &mut s.behavior.delta_hosts_max),
        64,
        10_000_000,
        "hosts",
    ),
    whole(
        "behavior.delta_consumers_max",
        "Consumers of which one second is remembered until it is merged.",
        Whole::U32(|s| &mut s.behavior.delta_consumers_max),
        64,
        10_000_000,
        "consumers",
    ),
    whole(
        "behavior.delta_servers_max",
        "Servers of which one second is remembered until it is merged.",
        Whole::U32(|s| &mut s.behavior.delta_servers_max),
        64,
        10_000_000,
        "servers",
    ),
    whole(
        "behavior.lateness_seconds_max",
        "How long the merge waits for a worker on live traffic; what comes later is dropped and counted.",
        Whole::U32(|s| &mut s.behavior.lateness_seconds_max),
        1,
        600,
        "seconds",
    ),
    whole(
        "behavior.consumers_max",
        "Consumers followed at once; the longest quiet makes room.",
        Whole::U32(|s| &mut s.behavior.consumers_max),
        64,
        10_000_000,
        "consumers",
    ),
    whole(
        "behavior.baselines_max",
        "Endpoints with a baseline.",
        Whole::U32(|s| &mut s.behavior.baselines_max),
        16,
        1_000_000,
        "endpoints",
    ),
    whole(
        "behavior.baseline_minutes_min",
        "Whole minutes after which a baseline judges.",
        Whole::U32(|s| &mut s.behavior.baseline_minutes_min),
        5,
        10_080,
        "minutes",
    ),
    real(
        "behavior.baseline_memory_days",
        "How fast a baseline forgets (its time constant).",
        |s| &mut s.behavior.baseline_memory_days,
        0.1,
        90.0,
        "days",
    ),
    flag(
        "behavior.path_scanner.enabled",
        "Looks for consumers that try paths which do not exist.",
        |s| &mut s.behavior.path_scanner.enabled,
    ),
    whole(
        "behavior.path_scanner.window_seconds",
        "The window it counts over.",
        Whole::U32(|s| &mut s.behavior.path_scanner.window_seconds),
        60,
        3600,
        "seconds",
    ),
    whole(
        "behavior.path_scanner.requests_min",
        "Fewest requests in the window.",
        Whole::U32(|s| &mut s.behavior.path_scanner.requests_min),
        1,
        1_000_000,
        "requests",
    ),
    whole(
        "behavior.path_scanner.unmatched_routes_min",
        "Fewest distinct routes that no endpoint has.",
        Whole::U32(|s| &mut s.behavior.path_scanner.unmatched_routes_min),
        2,
        1_000_000,
        "routes",
    ),
    real(
        "behavior.path_scanner.unmatched_share_min",
        "Smallest share of requests to such routes.",
        |s| &mut s.behavior.path_scanner.unmatched_share_min,
        0.01,
        1.0,
        "ratio",
    ),
    real(
        "behavior.path_scanner.probability_max",
        "Largest probability, were all normal, that still fires.",
        |s| &mut s.behavior.path_scanner.probability_max,
        0.0,
        0.1,
        "probability",
    ),
    flag(
        "behavior.error_burst.enabled",
        "Looks for endpoints that answer 5xx more often than they do.",
        |s| &mut s.behavior.error_burst.enabled,
    ),
    whole(
        "behavior.error_burst.window_seconds",
        "The window it counts over.",
        Whole::U32(|s| &mut s.behavior.error_burst.window_seconds),
        10,
        3600,
        "seconds",
    ),
    whole(
        "behavior.error_burst.requests_min",
        "Fewest requests in the window.",
        Whole::U32(|s| &mut s.behavior.error_burst.requests_min),
        1,
        1_000_000,
        "requests",
    ),
    whole(
        "behavior.error_burst.errors_min",
        "Fewest 5xx answers in the window.",
        Whole::U32(|s| &mut s.behavior.error_burst.errors_min),
        1,
        1_000_000,
        "answers",
    ),
    real(
        "behavior.error_burst.lift_min",
        "Smallest factor over the normal share.",
        |s| &mut s.behavior.error_burst.lift_min,
        1.0,
        1000.0,
        "times",
    ),
    real(
        "behavior.error_burst.probability_max",
        "Largest probability, were all normal, that still fires.",
        |s| &mut s.behavior.error_burst.probability_max,
        0.0,
        0.1,
        "probability",
    ),
    whole(
        "alert.resolve_after_seconds",
        "Capture time after which a finding that no longer holds is resolved.",
        Whole::U32(|s| &mut s.alert.resolve_after_seconds),
        1,
        86_400,
        "seconds",
    ),
    whole(
        "alert.findings_open_max",
        "Findings open at once.",
        Whole::U32(|s| &mut s.alert.findings_open_max),
        1,
        1_000_000,
        "findings",
    ),
    whole(
        "alert.findings_resolved_max",
        "Resolved findings kept for the pages.",
        Whole::U32(|s| &mut s.alert.findings_resolved_max),
        0,
        1_000_000,
        "findings",
    ),
    Key {
        path: "alert.alertmanagers",
        help: "Alertmanagers to push to, all of them: each with url, and basic_auth (username, password_file) if it wants one.",
        kind: Kind::Alertmanagers,
    },
    whole(
        "alert.resend_seconds",
        "How often a firing alert is sent again; it ends four times later unless it is.",
        Whole::U32(|s| &mut s.alert.resend_seconds),
        1,
        3600,
        "seconds",
    ),
    whole(
        "alert.resolved_repeats",
        "How often a resolved alert is sent: an Alertmanager that restarts forgets.",
        Whole::U32(|s| &mut s.alert.resolved_repeats),
        1,
        100,
        "times",
    ),
    whole(
        "alert.queue_max",
        "Notifications waiting for one Alertmanager; the oldest is dropped first.",
        Whole::U32(|s| &mut s.alert.queue_max),
        1,
        1_000_000,
        "notifications",
    ),
    whole(
        "alert.push_timeout_seconds",
        "Wait for one push.",
        Whole::U32(|s| &mut s.alert.push_timeout_seconds),
        1,
        300,
        "seconds",
    ),
    Key {
        path: "alert.external_url",
        help: "Base URL under which operators reach the sensor's pages, for links in alerts.",
        kind: Kind::Text {
            get: |s| Some(s.alert.external_url.clone()),
            set: |s, text| {
                url::check(text)?;
                text.trim_end_matches('/').clone_into(&mut s.alert.external_url);
                Ok(())
            },
            clear: None,
            shape: "an http or https URL",
        },
    },
    Key {
        path: "web.listen",
        help: "Where pages, API and metrics are served. Beyond loopback basic_auth is needed.",
        kind: Kind::Text {
            get: |s| Some(s.web.listen.to_string()),
            set: |s, text| {
                s.web.listen = text.parse().map_err(|_| refusal(text, LISTEN_SHAPE))?;
                Ok(())
            },
            clear: None,
            shape: LISTEN_SHAPE,
        },
    },
    Key {
        path: "web.basic_auth",
        help: "User and password that pages, API and metrics ask for: username and password_file.",
        kind: Kind::WebLogin,
    },
    whole(
        "web.metrics_endpoints_max",
        "Endpoints with metric series of their own; the rest is summed per host.",
        Whole::U32(|s| &mut s.web.metrics_endpoints_max),
        0,
        50_000,
        "endpoints",
    ),
    whole(
        "web.metrics_hosts_max",
        "Hosts with metric series of their own; the rest is summed.",
        Whole::U32(|s| &mut s.web.metrics_hosts_max),
        1,
        10_000,
        "hosts",
    ),
    whole(
        "web.request_bytes_max",
        "Bytes of a request to the sensor itself.",
        Whole::U32(|s| &mut s.web.request_bytes_max),
        256,
        1 << 20,
        "bytes",
    ),
    whole(
        "web.request_timeout_seconds",
        "How long one request to the sensor may take.",
        Whole::U32(|s| &mut s.web.request_timeout_seconds),
        1,
        300,
        "seconds",
    ),
];
