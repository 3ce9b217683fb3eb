//! Whether a capture filter hides what the sensor could see.

/// Encapsulations that are taken apart: their name, and the words of pcap-filter(7) by one of which
/// a filter shows that it lets them pass.
const ENCAPSULATIONS: [(&str, &[&str]); 5] = [
    ("VXLAN", &["4789", "8472", "vxlan", "udp"]),
    ("GENEVE", &["6081", "geneve", "udp"]),
    ("GRE and ERSPAN", &["gre", "47", "0x2f"]),
    ("IP in IP", &["ipip", "4", "41", "0x29"]),
    ("MPLS", &["mpls", "0x8847"]),
];
/// Words that look for something inside the outer packet, where a tunnelled one is not found.
const NARROWING: [&str; 11] =
    ["tcp", "udp", "port", "portrange", "host", "net", "src", "dst", "ip", "ip6", "proto"];

/// What a filter probably hides without being meant to: VLAN tags and tunnels.
pub(crate) fn warnings(filter: &str) -> Vec<String> {
    let filter = filter.to_lowercase();
    let words: Vec<&str> = filter
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut warnings = Vec::new();
    if !words.contains(&"vlan") {
        warnings.push(
            "capture.filter: frames with a VLAN tag pass it only if it says so \
             (`(FILTER) or (vlan and (FILTER))`)"
                .to_owned(),
        );
    }
    if !words.iter().any(|word| NARROWING.contains(word)) {
        return warnings;
    }
    // `not` turns a word into its opposite: such a filter is not read.
    let negated = filter.contains('!') || words.contains(&"not");
    let hidden: Vec<&str> = ENCAPSULATIONS
        .iter()
        .filter(|(_, signs)| !negated && !signs.iter().any(|sign| words.contains(sign)))
        .map(|(name, _)| *name)
        .collect();
    if !hidden.is_empty() {
        warnings.push(format!(
            "capture.filter: it looks at the outer packet, so what a mirror sends inside {} does \
             not pass it; add `or udp port 4789`, `or udp port 6081`, `or proto 47` for those in use",
            hidden.join(", ")
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnels(filter: &str) -> Option<String> {
        warnings(filter).into_iter().find(|warning| warning.contains("outer packet"))
    }

    #[test]
    fn a_filter_for_ports_or_tcp_hides_every_tunnel() {
        for filter in ["tcp", "tcp port 80", "port 80 or port 443", "host 10.0.0.1", "NET 10/8"] {
            let said = tunnels(filter).unwrap();
            for name in ["VXLAN", "GENEVE", "GRE and ERSPAN"] {
                assert!(said.contains(name), "{filter}: {said}");
            }
        }
    }

    #[test]
    fn tunnels_that_the_filter_names_are_not_warned_of() {
        let said = tunnels("tcp port 80 or udp port 4789").unwrap();
        assert!(!said.contains("VXLAN") && said.contains("GRE"), "{said}");
        let all = "tcp or udp port 4789 or udp port 6081 or proto 47 or proto 4 or mpls";
        assert_eq!(tunnels(all), None);
    }

    #[test]
    fn a_filter_that_narrows_nothing_inside_is_left_alone() {
        for filter in ["vlan and vlan 7", "less 128 or vlan", "vlan and not port 22"] {
            assert_eq!(warnings(filter), [""; 0], "{filter}");
        }
    }

    #[test]
    fn a_filter_without_vlan_hides_tagged_frames() {
        assert_eq!(warnings("less 128").len(), 1);
        assert!(warnings("less 128 or vlan").is_empty());
    }
}
