//! Host names in one spelling (RFC 9110 section 7.2, RFC 3986 section 3.2.2).

use std::fmt::Write as _;
use std::net::{Ipv6Addr, SocketAddr};

use compact_str::CompactString;

use crate::memo::Memo;
use crate::rules::{HostTemplate, join_host};
use crate::sensitive;

/// Longest host name (RFC 1035 section 3.1).
const HOST_BYTES_MAX: usize = 253;

/// Spells hosts, and remembers those it spelled: most requests name one of a few.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// As sent, what was written last; empty when the next one is to be looked up all the same.
    last: Vec<u8>,
    /// As spelled, by what was sent.
    remembered: Memo<CompactString>,
    templates: Vec<HostTemplate>,
}

impl Hosts {
    /// Names that fit one of `templates` are spelled as it is.
    pub(crate) fn new(templates: Vec<HostTemplate>) -> Self {
        Self { templates, last: Vec::new(), remembered: Memo::default() }
    }

    /// Writes what [`write_host`] writes to `out`, which holds what was written last.
    pub(crate) fn write(
        &mut self,
        authority: Option<&[u8]>,
        server: SocketAddr,
        out: &mut CompactString,
    ) {
        if !self.last.is_empty() && authority == Some(self.last.as_slice()) {
            return;
        }
        self.last.clear();
        let sent = authority.unwrap_or_default();
        if let Some(spelled) = self.remembered.find(sent) {
            out.clone_from(spelled);
            self.last.extend_from_slice(sent);
            return;
        }
        let is_named = write_host(authority, server, out);
        if is_named {
            join_host(&self.templates, out);
        }
        // What is no name becomes the server, which is another one next time.
        if is_named && sent.len() <= HOST_BYTES_MAX {
            self.remembered.remember(sent, out.clone());
            self.last.extend_from_slice(sent);
        }
    }
}

/// Writes the host that `authority` names: lower case, without user information, default port and
/// final dot. What is missing or no authority becomes the address of the server, and false.
pub(crate) fn write_host(
    authority: Option<&[u8]>,
    server: SocketAddr,
    out: &mut CompactString,
) -> bool {
    out.clear();
    let is_named = authority.is_some_and(|authority| write_authority(authority, out));
    if !is_named {
        out.clear();
        // Writing to a string cannot fail.
        write!(out, "{server}").unwrap_or_default();
    }
    is_named
}

fn write_authority(authority: &[u8], out: &mut CompactString) -> bool {
    let authority = authority.trim_ascii();
    // User information is a credential: it goes no further.
    let start = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
    let authority = authority.get(start..).unwrap_or_default();
    let (name, port) = if authority.starts_with(b"[") {
        let Some(end) = memchr::memchr(b']', authority) else { return false };
        let (name, rest) = authority.split_at(end + 1);
        (name, rest)
    } else {
        let end = memchr::memchr(b':', authority).unwrap_or(authority.len());
        authority.split_at(end)
    };
    let port = match port {
        b"" | b":" => None,
        digits => match port_of(digits) {
            None => return false,
            port => port,
        },
    };
    let named = if name.starts_with(b"[") { write_ipv6(name, out) } else { write_name(name, out) };
    if named && let Some(port) = port.filter(|port| !matches!(port, 80 | 443)) {
        write!(out, ":{port}").unwrap_or_default();
    }
    named
}

/// The number behind a colon.
fn port_of(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b":").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn write_ipv6(name: &[u8], out: &mut CompactString) -> bool {
    let inner = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]"));
    let address = inner
        .and_then(|inner| std::str::from_utf8(inner).ok())
        .and_then(|inner| inner.parse::<Ipv6Addr>().ok());
    address.is_some_and(|address| write!(out, "[{address}]").is_ok())
}

fn write_name(name: &[u8], out: &mut CompactString) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let valid = !name.is_empty()
        && name.len() <= HOST_BYTES_MAX
        && name.split(|&byte| byte == b'.').all(|label| {
            (1..=63).contains(&label.len())
                && label.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
    if !valid {
        return false;
    }
    for (place, label) in name.split(|&byte| byte == b'.').enumerate() {
        if place > 0 {
            out.push('.');
        }
        match sensitive::find_in_name(label) {
            Some(found) => {
                out.push('~');
                out.push_str(found.mask().trim_matches(['[', ']']));
            }
            None => out.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase()))),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        let mut hosts = Hosts::new(Vec::new());
        let server = "10.0.0.1:8080".parse().unwrap();
        for (sent, expected) in [
            ("Shop.Example.TEST", "shop.example.test"),
            ("shop.example.test:80", "shop.example.test"),
            ("shop.example.test:443", "shop.example.test"),
            ("shop.example.test:8080", "shop.example.test:8080"),
            ("shop.example.test.:8080", "shop.example.test:8080"),
            ("shop.example.test:", "shop.example.test"),
            ("bob:secret@shop.example.test", "shop.example.test"),
            ("[2001:DB8::1]:80", "[2001:db8::1]"),
            ("[2001:DB8::1]:8080", "[2001:db8::1]:8080"),
            ("a_b.local", "a_b.local"),
            ("", "10.0.0.1:8080"),
            ("a b", "10.0.0.1:8080"),
            ("a..b", "10.0.0.1:8080"),
            ("x:99999", "10.0.0.1:8080"),
            ("x:8a", "10.0.0.1:8080"),
            ("[::1", "10.0.0.1:8080"),
            ("<script>", "10.0.0.1:8080"),
            ("caf\u{e9}.example", "10.0.0.1:8080"),
            ("4111111111111111.shop.test", "~card_number.shop.test"),
            ("AKIAIOSFODNN7EXAMPLE.shop.test", "~key.shop.test"),
            ("d111111abcdef8.cdn.test", "d111111abcdef8.cdn.test"),
            ("orders-7d9f8b6c5d-x2x9z12ab.svc", "orders-7d9f8b6c5d-x2x9z12ab.svc"),
        ] {
            let mut host = CompactString::default();
            for _ in 0..2 {
                hosts.write(Some(sent.as_bytes()), server, &mut host);
                assert_eq!(host, expected, "{sent}");
            }
        }
    }

    #[test]
    fn without_a_name_the_server_is_the_host() {
        let mut hosts = Hosts::new(Vec::new());
        let mut host = CompactString::from("before");
        for server in ["[::1]:80", "[::2]:80"] {
            for authority in [None, Some(b"a b".as_slice())] {
                hosts.write(authority, server.parse().unwrap(), &mut host);
                assert_eq!(host, server);
            }
        }
    }
}
