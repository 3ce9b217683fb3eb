//! The keys of what understands: protocol and discovery.

use tapline_discovery::HostTemplate;

use super::whole;
use crate::key::{Key, Kind, Whole};
use crate::network;
use crate::problem::quoted;

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
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
        "protocol.handshake_bytes_max",
        "Bytes of a message of a TLS handshake that are held until it is whole: of a hello or of certificates.",
        Whole::U32(|s| &mut s.protocol.handshake_bytes_max),
        128,
        256 << 10,
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
    Key {
        path: "discovery.internal_networks",
        help: "Networks whose callers are inside, as addresses or networks: requests from elsewhere are from outside. Callers are counted by the address that trusted_proxies tell of.",
        kind: Kind::List {
            get: |s| s.discovery.internal_networks.iter().map(network::print).collect(),
            add: |s, text| {
                let network = network::parse(text)?;
                s.discovery.internal_networks.push(network);
                Ok(())
            },
            clear: |s| s.discovery.internal_networks.clear(),
            count_max: 1_024,
            shape: "a list of addresses and networks",
        },
    },
    Key {
        path: "discovery.partner_networks",
        help: "Others who call from networks that are known, each with name and networks; they count as partners although the networks lie in internal_networks.",
        kind: Kind::Partners,
    },
    Key {
        path: "discovery.environments",
        help: "Where hosts run, each with name (prod, staging) and hosts (names, *.example.test or \"*\"), networks of servers, or both. A host is in the first one that names it or holds one of its servers; a reload applies it at once.",
        kind: Kind::Environments,
    },
    Key {
        path: "discovery.hosts",
        help: "Hosts that are one service, such as {tenant}.api.example.test: they stand in the inventory under that name. A name without braces stays apart although it would fit. What is joined is not told apart any more; the change takes effect at the next start.",
        kind: Kind::List {
            get: |s| s.discovery.hosts.iter().map(ToString::to_string).collect(),
            add: |s, text| {
                let template = HostTemplate::parse(text);
                s.discovery
                    .hosts
                    .push(template.map_err(|said| format!("{} {said}", quoted(text)))?);
                Ok(())
            },
            clear: |s| s.discovery.hosts.clear(),
            count_max: 100,
            shape: "a list of names in which {name} stands for any label",
        },
    },
    Key {
        path: "discovery.templates",
        help: "What is known of paths, whatever their traffic looks like; a reload applies it to what is known already, too. Each with path (/users/me, /files/{path}, /reports/{day}.json; /v1/** for all paths that begin so) and, as needed, host (a name, *.example.test or \"*\"), methods, and the labels name, deprecated, owner and tags. A path that fits belongs to the template, the most specific first: so words stay words, and what was told apart is joined. At the end, /** fixes the beginning and leaves the rest to learning.",
        kind: Kind::Templates,
    },
    whole(
        "discovery.transaction_parameters_max",
        "Parameters in path and query noted of one transaction.",
        Whole::U16(|s| &mut s.discovery.transaction_parameters_max),
        1,
        1024,
        "parameters",
    ),
    whole(
        "discovery.body_fields_max",
        "Values noted of one body, of one query and of one set of header fields. What comes behind is \
         counted as left out.",
        Whole::U16(|s| &mut s.discovery.body_fields_max),
        1,
        4096,
        "values",
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
        "Transactions whose bodies were looked into after which an endpoint is known well.",
        Whole::U32(|s| &mut s.discovery.bodies_read_min),
        1,
        1_000_000,
        "transactions",
    ),
    whole(
        "discovery.bodies_one_in",
        "Of the bodies that body_bytes_per_second leaves out, those of one transaction in so many are looked into; 1 for all.",
        Whole::U32(|s| &mut s.discovery.bodies_one_in),
        1,
        1_000,
        "transactions",
    ),
    whole(
        "discovery.body_bytes_per_second",
        "Bytes of bodies a second of capture time that are all looked into. Endpoints that are known well get half of them; of the others the first body of each minute is always looked into.",
        Whole::U64(|s| &mut s.discovery.body_bytes_per_second),
        64 << 10,
        16 << 30,
        "bytes",
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
        "discovery.path_places_max",
        "Places in the trees that path templates are learned from; each takes some 200 bytes.",
        Whole::U32(|s| &mut s.discovery.path_places_max),
        1_024,
        10_000_000,
        "places",
    ),
    whole(
        "discovery.endpoint_parameters_max",
        "Parameters in path and query of one endpoint.",
        Whole::U16(|s| &mut s.discovery.endpoint_parameters_max),
        1,
        4096,
        "parameters",
    ),
    whole(
        "discovery.endpoint_fields_max",
        "Fields of all bodies, queries and header fields of one endpoint.",
        Whole::U16(|s| &mut s.discovery.endpoint_fields_max),
        1,
        16384,
        "fields",
    ),
    whole(
        "discovery.fields_max",
        "Fields of all endpoints together: about half a kilobyte each. When there are so many, those \
         of endpoints that sent and got nothing for an hour make room; else new ones are left out.",
        Whole::U32(|s| &mut s.discovery.fields_max),
        1,
        100_000_000,
        "fields",
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
        "discovery.encrypted_hosts_max",
        "Servers behind TLS and the names they are asked for, about two kilobytes each; the one not seen for longest makes room.",
        Whole::U32(|s| &mut s.discovery.encrypted_hosts_max),
        1,
        1_000_000,
        "hosts",
    ),
    whole(
        "discovery.certificate_days_min",
        "How long a certificate must be valid still; of one that ends earlier the review says so. A certificate that lives for at most 10 days must have a third of its life left.",
        Whole::U16(|s| &mut s.discovery.certificate_days_min),
        0,
        3_650,
        "days",
    ),
    whole(
        "discovery.stale_after_hours",
        "Silence after which an endpoint is stale, and a parameter or a way to authenticate that is missed has vanished.",
        Whole::U32(|s| &mut s.discovery.stale_after_hours),
        1,
        87_600,
        "hours",
    ),
    whole(
        "discovery.gone_after_hours",
        "Silence after which an endpoint is taken for gone.",
        Whole::U32(|s| &mut s.discovery.gone_after_hours),
        1,
        87_600,
        "hours",
    ),
];
