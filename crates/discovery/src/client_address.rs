//! Where a request came from, when proxies stand between.

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;
use tapline_model::{HeaderKind, Headers, Network};

/// How many proxies are walked through at most.
const HOPS_MAX: usize = 32;

/// The nearest address that is no trusted proxy: the flow's client, or whom trusted proxies name in
/// `X-Forwarded-For`, else in `Forwarded` (RFC 7239 section 4).
pub(crate) fn client_address(trusted: &[Network], peer: IpAddr, headers: Headers<'_>) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return peer;
    }
    let fields = |kind| headers.of(kind).collect::<SmallVec<[&[u8]; 4]>>();
    let forwarded_for_fields = fields(HeaderKind::ForwardedFor);
    if forwarded_for_fields.is_empty() {
        nearest_client(
            peer,
            elements(&fields(HeaderKind::Forwarded)).map(forwarded_for),
            is_trusted,
        )
    } else {
        nearest_client(peer, elements(&forwarded_for_fields).map(parse_address), is_trusted)
    }
}

/// The elements of a list that may be spread over fields, last one first: the nearest proxy wrote
/// last.
fn elements<'a>(fields: &[&'a [u8]]) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().rev().flat_map(|field| field.rsplit(|&byte| byte == b',')).take(HOPS_MAX)
}

fn nearest_client(
    peer: IpAddr,
    hops: impl Iterator<Item = Option<IpAddr>>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut nearest = peer;
    // Behind what is no address (`unknown`, a typing error) nothing can be believed.
    for address in hops.map_while(|hop| hop) {
        nearest = address.to_canonical();
        if !is_trusted(nearest) {
            break;
        }
    }
    nearest
}

/// The `for` parameter of one element of `Forwarded`.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let value = element.split(|&byte| byte == b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })?;
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    parse_address(quoted.unwrap_or(value))
}

/// An address, perhaps in brackets and with a port.
fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;

    fn client(peer: &str, fields: &[(&str, &str)]) -> String {
        let trusted = [
            Network { address: "10.0.0.0".parse().unwrap(), prefix_bits: 8 },
            Network { address: "fd00::".parse().unwrap(), prefix_bits: 8 },
        ];
        let fields = OwnedHeaders::new(fields.iter().copied());
        client_address(&trusted, peer.parse().unwrap(), fields.headers()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let claimed = [("X-Forwarded-For", "1.1.1.1")];
        assert_eq!(client("203.0.113.9", &claimed), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &claimed), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_nearest_untrusted_address_is_the_client() {
        assert_eq!(
            client("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 2.2.2.2, 10.9.9.9")]),
            "2.2.2.2"
        );
        assert_eq!(
            client(
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "2.2.2.2:99")]
            ),
            "2.2.2.2"
        );
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        assert_eq!(
            client("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")]),
            "10.0.0.2"
        );
    }

    #[test]
    fn forwarded_is_read_when_nothing_else_is_there() {
        for (field, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("by=x; For=\"[2001:db8::17]:4711\"", "2001:db8::17"),
            ("for=192.0.2.60, for=10.0.0.7", "192.0.2.60"),
            ("for=unknown", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("Forwarded", field)]), expected, "{field}");
        }
    }
}
