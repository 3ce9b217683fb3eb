//! The map of data: which callers reach which hosts, and what kinds of data those carry.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tapline_model::{ConsumerKey, ConsumerKind, ConsumerView, EndpointView};

use crate::data;
use crate::text::shown;

/// Hosts drawn, the busiest ones; the rest is one node.
const HOSTS_MAX: usize = 12;

/// One node of the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowNode {
    /// Its name.
    pub name: String,
    /// Callers in it (of a group), else endpoints.
    pub size: u64,
}

/// One edge of the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEdge {
    /// Index of a group, or of a host.
    pub from: usize,
    /// Index of a host, or of a kind of data.
    pub to: usize,
    /// Pairs of caller and endpoint, as far as they are kept; or endpoints.
    pub weight: u64,
    /// The data goes out in answers.
    pub answers: bool,
}

/// Callers, hosts and kinds of data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowMap {
    /// Groups of callers, by what is known of them and where they are.
    pub groups: Vec<FlowNode>,
    /// Hosts.
    pub hosts: Vec<FlowNode>,
    /// Kinds of data.
    pub data: Vec<FlowNode>,
    /// Who reaches which host.
    pub calls: Vec<FlowEdge>,
    /// Which host carries what.
    pub carries: Vec<FlowEdge>,
}

/// What is drawn of these endpoints and consumers.
pub(crate) fn of(endpoints: &[&EndpointView], consumers: &[ConsumerView]) -> FlowMap {
    let mut map = FlowMap::default();
    let hosts = busiest_hosts(endpoints);
    let place = |host: &str| hosts.iter().position(|known| *known == host).unwrap_or(HOSTS_MAX);
    let by_key: HashMap<ConsumerKey, String> =
        consumers.iter().map(|consumer| (consumer.key, group_of(consumer))).collect();
    let mut members: BTreeMap<String, std::collections::BTreeSet<ConsumerKey>> = BTreeMap::new();
    let mut calls: BTreeMap<(String, usize), u64> = BTreeMap::new();
    let mut carries: BTreeMap<(usize, &'static str), (u64, bool)> = BTreeMap::new();
    let mut sizes = vec![0_u64; HOSTS_MAX + 1];
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    for endpoint in endpoints {
        let host = place(&endpoint.host);
        if let Some(size) = sizes.get_mut(host) {
            *size += 1;
        }
        for caller in endpoint.callers.iter() {
            let group = by_key.get(caller).map_or("others", String::as_str);
            *calls.entry((group.to_owned(), host)).or_default() += 1;
            members.entry(group.to_owned()).or_default().insert(*caller);
        }
        for one in data::carried(endpoint) {
            let (count, answers) = carries.entry((host, one.kind.label)).or_default();
            *count += 1;
            *answers |= one.in_responses;
            *kinds.entry(one.kind.label).or_default() += 1;
        }
    }
    map.groups = members
        .iter()
        .map(|(name, members)| FlowNode { name: name.clone(), size: members.len() as u64 })
        .collect();
    map.hosts = hosts
        .iter()
        .zip(&sizes)
        .map(|(host, &size)| FlowNode { name: shown(host), size })
        .collect();
    if let Some(&size) = sizes.get(HOSTS_MAX).filter(|&&size| size > 0) {
        map.hosts.push(FlowNode { name: "other hosts".to_owned(), size });
    }
    map.data =
        kinds.iter().map(|(label, &size)| FlowNode { name: (*label).to_owned(), size }).collect();
    let at = |nodes: &[FlowNode], name: &str| nodes.iter().position(|node| node.name == name);
    // The last place is that of all other hosts together.
    let last = map.hosts.len().saturating_sub(1);
    map.calls = calls
        .into_iter()
        .filter_map(|((group, host), weight)| {
            let from = at(&map.groups, &group)?;
            Some(FlowEdge { from, to: host.min(last), weight, answers: false })
        })
        .collect();
    map.carries = carries
        .into_iter()
        .filter_map(|((host, label), (weight, answers))| {
            let to = at(&map.data, label)?;
            Some(FlowEdge { from: host.min(last), to, weight, answers })
        })
        .collect();
    map
}

fn busiest_hosts<'a>(endpoints: &[&'a EndpointView]) -> Vec<&'a str> {
    let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
    for endpoint in endpoints {
        *requests.entry(&endpoint.host).or_default() += endpoint.requests;
    }
    let mut hosts: Vec<(&str, u64)> = requests.into_iter().collect();
    hosts.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
    hosts.into_iter().take(HOSTS_MAX).map(|(host, _)| host).collect()
}

/// What is known of a caller, and whether it is inside.
fn group_of(consumer: &ConsumerView) -> String {
    let who = match consumer.kind {
        ConsumerKind::Subject => "token subjects",
        ConsumerKind::Credential => "keys",
        ConsumerKind::Session => "sessions",
        ConsumerKind::Address => "unknown callers",
    };
    let is_private = |network: &String| {
        let bare = network.split('/').next().unwrap_or_default();
        bare.parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }) || bare.starts_with("fc")
            || bare.starts_with("fd")
            || bare.starts_with("fe80")
            || bare == "0:0:0::"
    };
    let inside = consumer.networks.iter().filter(|network| is_private(network)).count();
    let place = match (inside, consumer.networks.len()) {
        (0, _) => "public",
        (inside, all) if inside == all => "private",
        _ => "both sides",
    };
    format!("{who} · {place}")
}
