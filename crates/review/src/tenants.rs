//! Hosts that look like one service for several tenants.

use std::collections::{BTreeMap, BTreeSet};

use tapline_model::{EndpointState, View};

/// Hosts that must agree.
const HOSTS_MIN: usize = 3;
/// Confirmed endpoints a host must have: one that many services have says nothing.
const ENDPOINTS_MIN: usize = 2;
/// Share, in percent, of either host's endpoints that the other one has, too.
const AGREEMENT_MIN: usize = 70;
/// Groups told apart below one name; what agrees with none of them is left out.
const GROUPS_MAX: usize = 16;
/// Labels of what they have in common.
const PARENT_LABELS_MIN: usize = 2;
/// Names that the line of configuration keeps apart, at most; with more there is no line.
const APART_MAX: usize = 20;

/// Hosts under one name whose endpoints agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    /// The hosts, by name.
    pub hosts: Vec<String>,
    /// The line of configuration that would join them.
    pub line: String,
}

/// Method and template.
type Shape<'v> = (&'v str, &'v str);
/// A host's name and its confirmed endpoints.
type Member<'v> = (&'v str, BTreeSet<Shape<'v>>);

/// Groups of at least three hosts under one name, of which each agrees with the group's first by 70 %
/// of the confirmed endpoints of either. The cost is that of sorting the endpoints, and 16 comparisons
/// of each host.
pub fn tenants(view: &View) -> Vec<Tenants> {
    let mut shapes: BTreeMap<&str, BTreeSet<Shape<'_>>> = BTreeMap::new();
    for endpoint in view.endpoints.iter() {
        if endpoint.state == EndpointState::Confirmed && parent(&endpoint.host).is_some() {
            let of_host = shapes.entry(&endpoint.host).or_default();
            of_host.insert((&endpoint.method, &endpoint.template));
        }
    }
    let mut by_parent: BTreeMap<&str, Vec<Member<'_>>> = BTreeMap::new();
    for (host, shapes) in shapes {
        if let Some(parent) = parent(host) {
            by_parent.entry(parent).or_default().push((host, shapes));
        }
    }
    by_parent.into_iter().flat_map(|(parent, members)| groups(view, parent, members)).collect()
}

fn groups(view: &View, parent: &str, members: Vec<Member<'_>>) -> Vec<Tenants> {
    if members.len() < HOSTS_MIN {
        return Vec::new();
    }
    let mut groups: Vec<Vec<Member<'_>>> = Vec::new();
    for member in members.into_iter().filter(|(_, shapes)| shapes.len() >= ENDPOINTS_MIN) {
        let found = groups
            .iter()
            .position(|group| group.first().is_some_and(|(_, shapes)| agree(shapes, &member.1)));
        if let Some(group) = found.and_then(|at| groups.get_mut(at)) {
            group.push(member);
        } else if groups.len() < GROUPS_MAX {
            groups.push(vec![member]);
        }
    }
    let groups = groups.into_iter().filter(|group| group.len() >= HOSTS_MIN);
    groups.filter_map(|group| named(view, parent, &group)).collect()
}

fn named(view: &View, parent: &str, group: &[Member<'_>]) -> Option<Tenants> {
    let hosts: Vec<String> = group.iter().map(|(host, _)| (*host).to_owned()).collect();
    // All that the pattern would take, with any port, and that is no part of the group.
    let bare = |host: &str| host.split(':').next().unwrap_or_default().to_owned();
    let own: BTreeSet<String> = hosts.iter().map(|host| bare(host)).collect();
    let fits = |host: &&str| self::parent(host).is_some_and(|other| bare(other) == bare(parent));
    let others: BTreeSet<String> =
        view.hosts.iter().map(|host| host.host.as_str()).filter(fits).map(bare).collect();
    let apart: Vec<&String> = others.difference(&own).collect();
    if apart.len() > APART_MAX {
        return None;
    }
    let pattern = format!("\"{{tenant}}.{}\"", bare(parent));
    let names: Vec<&str> =
        std::iter::once(pattern.as_str()).chain(apart.into_iter().map(String::as_str)).collect();
    Some(Tenants { line: format!("discovery.hosts: [{}]", names.join(", ")), hosts })
}

fn agree(ours: &BTreeSet<Shape<'_>>, theirs: &BTreeSet<Shape<'_>>) -> bool {
    let shared = ours.intersection(theirs).count() * 100;
    shared >= AGREEMENT_MIN * ours.len() && shared >= AGREEMENT_MIN * theirs.len()
}

/// A host's name without its first label, with its port; none of addresses, of names that are too
/// short, and of what is joined already.
fn parent(host: &str) -> Option<&str> {
    let (_, parent) = host.split_once('.')?;
    let name = parent.split(':').next()?;
    let is_address = name.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = !host.starts_with(['[', '{']) && !is_address;
    (is_plain && name.split('.').count() >= PARENT_LABELS_MIN).then_some(parent)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tapline_model::HostView;

    use super::*;
    use crate::report::tests::endpoint;

    fn view(hosts: &[(&str, &[&str])]) -> View {
        let endpoints = hosts.iter().flat_map(|(host, paths)| {
            paths.iter().map(|path| {
                let mut endpoint = endpoint("GET", path);
                (*host).clone_into(&mut endpoint.host);
                Arc::new(endpoint)
            })
        });
        let host = |(host, _): &(&str, &[&str])| HostView {
            host: (*host).to_owned(),
            ..HostView::default()
        };
        View {
            endpoints: endpoints.collect(),
            hosts: hosts.iter().map(host).collect(),
            ..View::default()
        }
    }

    const SHOP: &[&str] = &["/a", "/b", "/c", "/d"];

    #[test]
    fn three_hosts_that_agree_are_named_with_the_line_that_joins_them() {
        let found = tenants(&view(&[
            ("acme.api.shop.test", SHOP),
            ("admin.api.shop.test", &["/users", "/a"]),
            ("beta.api.shop.test", SHOP),
            ("core.api.shop.test", &["/a", "/b", "/c"]),
            ("acme.other.test", SHOP),
        ]));
        let [group] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(group.hosts, ["acme.api.shop.test", "beta.api.shop.test", "core.api.shop.test"]);
        assert_eq!(
            group.line,
            "discovery.hosts: [\"{tenant}.api.shop.test\", admin.api.shop.test]"
        );
    }

    #[test]
    fn what_does_not_agree_both_ways_is_no_group() {
        for hosts in [
            [("a.shop.test", SHOP), ("b.shop.test", SHOP), ("c.shop.test", &["/a", "/b"])],
            [("a.shop.test", SHOP), ("b.shop.test", SHOP), ("c.else.test", SHOP)],
            [("a.test", SHOP), ("b.test", SHOP), ("c.test", SHOP)],
            [("10.0.0.1", SHOP), ("11.0.0.1", SHOP), ("12.0.0.1", SHOP)],
            [("a.shop.test", &["/"]), ("b.shop.test", &["/"]), ("c.shop.test", &["/"])],
        ] {
            assert_eq!(tenants(&view(&hosts)), [], "{hosts:?}");
        }
    }
}
