//! `discovery.environments` and `discovery.partner_networks`: what is where.

use tapline_discovery::{Environment, HostPattern, Partner};
use tapline_model::Network;

use crate::network;
use crate::templates::{host_of, label_of};
use crate::tree::{Node, Value};
use crate::walk::Walk;

/// Environments at most.
const ENVIRONMENTS_MAX: usize = 100;
/// Partners at most.
const PARTNERS_MAX: usize = 256;
/// Hosts, and networks, of one.
const ITEMS_MAX: usize = 256;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;

/// What is called by a name: hosts and networks.
struct Place {
    name: String,
    hosts: Vec<HostPattern>,
    networks: Vec<Network>,
}

/// Reads where hosts run into the settings.
pub(crate) fn read_environments(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) {
    let places = read(walk, path, node, ENVIRONMENTS_MAX, &["name", "hosts", "networks"]);
    let environment =
        |Place { name, hosts, networks }: Place| Environment { name, hosts, networks };
    walk.settings.discovery.environments = places.into_iter().map(environment).collect();
}

/// Reads who calls from where into the settings.
pub(crate) fn read_partners(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) {
    let places = read(walk, path, node, PARTNERS_MAX, &["name", "networks"]);
    let partner = |Place { name, networks, .. }: Place| Partner { name, networks };
    walk.settings.discovery.partner_networks = places.into_iter().map(partner).collect();
}

fn read(
    walk: &mut Walk<'_>,
    path: &str,
    node: &Node<'_>,
    count_max: usize,
    names: &[&'static str],
) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (index, item) in walk.items(path, node, count_max, "- name: ...").iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(place) = read_item(walk, &path, item, names) else { continue };
        if places.iter().any(|known| known.name == place.name) {
            walk.problem(item.place, &path, "has the name of one before it; join them");
        } else {
            places.push(place);
        }
    }
    places
}

fn read_item(
    walk: &mut Walk<'_>,
    path: &str,
    node: &Node<'_>,
    names: &[&'static str],
) -> Option<Place> {
    let Value::Mapping(entries) = &node.value else {
        walk.problem(node.place, path, "is not a mapping; write - name: ...");
        return None;
    };
    let (mut name, mut hosts, mut networks) = (None, Vec::new(), Vec::new());
    for entry in walk.distinct(path, entries) {
        let path = format!("{path}.{}", crate::problem::shortened(&entry.name));
        let node = &entry.node;
        match entry.name.as_ref() {
            "name" => name = walk.text(&path, node, |text| label_of(text, NAME_CHARS_MAX)),
            "hosts" if names.contains(&"hosts") => {
                hosts = walk.texts(&path, node, ITEMS_MAX, host_of);
            }
            "networks" => networks = walk.texts(&path, node, ITEMS_MAX, network::parse),
            unknown => walk.unknown(entry.place, &path, unknown, names.iter().copied()),
        }
    }
    let is_given = |name: &str| entries.iter().any(|entry| entry.name == name);
    if !is_given("name") {
        walk.problem(node.place, path, "has no name; add it");
    }
    let (_, holders) = names.split_first()?;
    if !holders.iter().any(|holder| is_given(holder)) {
        let text = format!("holds nothing; add {}", holders.join(" or "));
        walk.problem(node.place, path, text);
    }
    Some(Place { name: name?, hosts, networks })
}

#[cfg(test)]
mod tests {
    use crate::{needs_restart, parse, print};

    #[test]
    fn places_print_as_they_read() {
        let text = "\
discovery:
  hosts: ['{tenant}.api.shop.test', admin.api.shop.test]
  internal_networks: [10.0.0.0/8]
  partner_networks:
    - {name: 'The bank', networks: [198.51.100.0/24, '2001:db8::/32']}
  environments:
    - {name: staging, hosts: ['*.staging.Shop.test']}
    - {name: prod, hosts: [shop.test], networks: [10.1.0.0/16]}
";
        let settings = parse(text, "t.yaml").unwrap();
        let discovery = &settings.discovery;
        assert_eq!(discovery.hosts.len(), 2);
        assert_eq!(discovery.internal_networks.len(), 1);
        assert_eq!(discovery.partner_networks[0].networks.len(), 2);
        assert_eq!(discovery.environments[0].hosts[0].as_str(), "*.staging.shop.test");
        assert_eq!(discovery.environments[1].networks.len(), 1);
        assert_eq!(parse(&print(&settings), "t.yaml").unwrap(), settings);
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_remedy() {
        let text = "\
discovery:
  hosts: ['{tenant}.test']
  partner_networks:
    - {name: bank, hosts: [a.test]}
    - bank
  environments:
    - {name: '', hosts: ['a b'], networks: [10.0.0.0/33]}
    - {hosts: [a.test]}
    - {name: prod, host: a.test}
    - {name: prod, hosts: [a.test]}
";
        let problems = parse(text, "t.yaml").unwrap_err().to_string();
        assert_eq!(
            problems,
            "\
t.yaml:2:11: discovery.hosts[0]: \"{tenant}.test\" joins hosts of different owners; end it with a registered name
t.yaml:4:7: discovery.partner_networks[0]: holds nothing; add networks
t.yaml:4:20: discovery.partner_networks[0].hosts: unknown key; here are: name, networks
t.yaml:5:7: discovery.partner_networks[1]: is not a mapping; write - name: ...
t.yaml:7:14: discovery.environments[0].name: \"\" is not 1 to 64 characters in one line
t.yaml:7:26: discovery.environments[0].hosts[0]: \"a b\" is no host; write a name, *.example.test, or \"*\"
t.yaml:7:45: discovery.environments[0].networks[0]: \"10.0.0.0/33\" is neither an address nor a network such as 10.0.0.0/8
t.yaml:8:7: discovery.environments[1]: has no name; add it
t.yaml:9:7: discovery.environments[2]: holds nothing; add hosts or networks
t.yaml:9:20: discovery.environments[2].host: unknown key; did you mean hosts?
t.yaml:10:7: discovery.environments[3]: has the name of one before it; join them"
        );
    }

    #[test]
    fn a_reload_takes_environments_at_once_and_networks_of_callers_never() {
        let of = |text: &str| parse(&format!("discovery:\n  {text}\n"), "t.yaml").unwrap();
        let none = of("internal_networks: []");
        assert_eq!(needs_restart(&of(""), &none), ["discovery"]);
        let labelled = of("environments: [{name: prod, hosts: [a.test]}]");
        assert!(needs_restart(&of(""), &labelled).is_empty());
    }
}
