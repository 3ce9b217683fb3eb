//! An address that the server itself is to ask: links to hosts that only it can reach, and schemes
//! that no browser follows.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::bytes::{at, from, part};

/// Links of one text that are looked at.
const LINKS_MAX: usize = 64;
/// Longest name of a host.
const HOST_BYTES_MAX: usize = 255;

/// Schemes that read files or speak to other services; how plain they are.
const SCHEMES: &[(&[u8], u8)] = &[
    (b"gopher", 8),
    (b"dict", 7),
    (b"file", 6),
    (b"tftp", 7),
    (b"sftp", 4),
    (b"ftp", 3),
    (b"ldap", 6),
    (b"ldaps", 6),
    (b"jar", 7),
    (b"netdoc", 8),
    (b"phar", 8),
    (b"expect", 8),
    (b"php", 8),
    (b"zip", 6),
    (b"glob", 6),
    (b"ogg", 6),
    (b"rar", 6),
    (b"compress.zlib", 7),
    (b"local_file", 8),
    (b"imap", 5),
    (b"mailto", 0),
];

/// Hosts that give credentials to whoever asks from inside.
const METADATA: &[&str] = &[
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data",
    "metadata.azure.internal",
    "metadata.packet.net",
    "metadata.oraclecloud.com",
    "kubernetes.default.svc",
    "rancher-metadata",
];

/// Names that lead to whatever address they hold, and those that tell their owner who asked.
const REBINDERS: &[&str] = &[
    "nip.io",
    "xip.io",
    "sslip.io",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "1u.ms",
    "rbndr.us",
    "lacolhost.com",
    "burpcollaborator.net",
    "oastify.com",
    "oast.pro",
    "oast.live",
    "oast.site",
    "oast.online",
    "oast.fun",
    "oast.me",
    "interact.sh",
    "interactsh.com",
    "dnslog.cn",
    "ceye.io",
    "requestbin.net",
    "canarytokens.com",
    "bxss.me",
    "eyes.sh",
    "localdomain.pw",
];

/// How plainly a text leads inside, 0 to 10.
pub(crate) fn score(text: &[u8]) -> u8 {
    let mut most = 0;
    for colon in memchr::memchr_iter(b':', text).take(LINKS_MAX) {
        most = most.max(link(text, colon));
    }
    if text.starts_with(b"//") || text.starts_with(b"\\\\") {
        most = most.max(authority(from(text, 2)));
    }
    most
}

/// A link whose scheme ends at `colon`.
fn link(text: &[u8], colon: usize) -> u8 {
    let before = part(text, 0, colon);
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"._+-".contains(byte);
    let letters = before.iter().rev().take_while(|byte| is_scheme(byte)).count();
    let scheme = from(before, colon - letters);
    let behind = from(text, colon + 1);
    let is_link = behind.starts_with(b"//") || behind.starts_with(b"\\\\");
    let is_path = at(behind, 0) == b'/' || scheme.eq_ignore_ascii_case(b"jar");
    if let Some((_, score)) = SCHEMES.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known)) {
        let known = if is_link || (is_path && scheme.len() > 2) { *score } else { 0 };
        let inner = if is_link { authority(from(behind, 2)) } else { 0 };
        return known.max(inner);
    }
    let is_web = [b"http".as_slice(), b"https", b"ws", b"wss", b"url", b"view-source"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if !is_web {
        return 0;
    }
    let slashes = behind.iter().take_while(|byte| matches!(**byte, b'/' | b'\\')).count();
    if slashes == 0 { 0 } else { authority(from(behind, slashes)) }
}

/// What the part between `//` and the path leads to.
fn authority(text: &[u8]) -> u8 {
    let end = text
        .iter()
        .position(|&byte| {
            byte <= b' '
                || matches!(
                    byte,
                    b'/' | b'\\' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b',' | b')'
                )
        })
        .unwrap_or(text.len());
    let all = part(text, 0, end.min(HOST_BYTES_MAX));
    let (user, host) = match memchr::memrchr(b'@', all) {
        Some(at) => (part(all, 0, at), from(all, at + 1)),
        None => (b"".as_slice(), all),
    };
    // `http://trusted.example@inside/`
    let is_disguised = user.contains(&b'.') && !user.contains(&b'@');
    let found = host_score(host);
    if found == 0 && is_disguised {
        4
    } else if found > 0 && !user.is_empty() {
        found.max(7)
    } else {
        found
    }
}

fn host_score(host: &[u8]) -> u8 {
    if let Some(inner) = host.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inner).unwrap_or(inner.len());
        return v6_score(part(inner, 0, end));
    }
    let end = memchr::memchr(b':', host).unwrap_or(host.len());
    let Ok(name) = std::str::from_utf8(part(host, 0, end)) else { return 0 };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if METADATA.contains(&name.as_str()) || name.ends_with(".internal") && name.contains("metadata")
    {
        return 9;
    }
    if name == "localhost" || name.ends_with(".localhost") || name == "localhost.localdomain" {
        return 5;
    }
    let ends = |known: &str| {
        name.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if REBINDERS.iter().any(|known| ends(known)) {
        return 6;
    }
    v4(&name).map_or(0, |(address, is_odd)| v4_score(address, is_odd))
}

/// An address as `inet_aton` reads it, and whether it is spelled in an odd way.
fn v4(name: &str) -> Option<(Ipv4Addr, bool)> {
    let mut value: u64 = 0;
    let mut count = 0;
    let mut is_odd = false;
    for piece in name.split('.') {
        count += 1;
        let number = if let Some(hex) = piece.strip_prefix("0x") {
            is_odd = true;
            u64::from_str_radix(hex, 16).ok()?
        } else if piece.len() > 1 && piece.starts_with('0') {
            is_odd = true;
            u64::from_str_radix(piece, 8).ok()?
        } else if piece.bytes().all(|byte| byte.is_ascii_digit()) {
            piece.parse().ok()?
        } else {
            return None;
        };
        if count > 4 || number > u64::from(u32::MAX) {
            return None;
        }
        value = value.checked_mul(256)?.checked_add(number)?;
        if count < 4 && number > 255 && name.contains('.') {
            return None;
        }
    }
    is_odd |= count != 4;
    let missing = 4_u32.saturating_sub(count);
    // The last number stands for all bytes that are left.
    let last = name.rsplit('.').next().and_then(|last| last.parse::<u64>().ok());
    let value = match (count, last) {
        (2 | 3, Some(last)) => {
            let head = value.checked_sub(last)? >> 8;
            (head << (8 * (missing + 1))) | last
        }
        _ => value,
    };
    u32::try_from(value).ok().map(|value| (Ipv4Addr::from(value), is_odd))
}

const fn v4_score(address: Ipv4Addr, is_odd: bool) -> u8 {
    let [a, b, c, d] = address.octets();
    let is_metadata =
        matches!((a, b, c, d), (169, 254, 169 | 170, _) | (100, 100, 100, 200) | (192, 0, 0, 192));
    let inside = address.is_loopback() || address.is_private() || address.is_link_local() || a == 0;
    match (is_metadata, inside, is_odd) {
        (true, _, _) => 9,
        (_, true, true) => 8,
        (_, true, false) => 5,
        (_, false, true) => 4,
        _ => 0,
    }
}

fn v6_score(text: &[u8]) -> u8 {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let text = text.split('%').next().unwrap_or_default();
    let Ok(address) = text.parse::<Ipv6Addr>() else { return 0 };
    if let Some(inner) = address.to_ipv4_mapped() {
        return v4_score(inner, true).max(6);
    }
    let first = address.segments().first().copied().unwrap_or(0);
    if first == 0xfd00 && address.segments().get(1) == Some(&0xec2) {
        return 9;
    }
    let inside = address.is_loopback()
        || address.is_unspecified()
        || first & 0xffc0 == 0xfe80
        || first & 0xfe00 == 0xfc00;
    if inside { 6 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_seen_however_spelled() {
        for (text, least) in [
            ("http://169.254.169.254/latest/meta-data/", 9),
            ("http://2852039166/", 9),
            ("http://0x7f000001/", 8),
            ("http://0177.0.0.1/", 8),
            ("http://127.1:80/", 8),
            ("http://[::1]/", 6),
            ("http://[::ffff:10.0.0.1]/", 6),
            ("https://metadata.google.internal/x", 9),
            ("http://10.0.0.7/", 5),
            ("http://a.test@127.0.0.1/", 7),
            ("url=gopher://127.0.0.1:6379/_x", 8),
            ("file:///etc/passwd", 6),
            ("//localhost/admin", 5),
            ("http://127.0.0.1.nip.io", 6),
        ] {
            assert!(score(text.as_bytes()) >= least, "{text} {}", score(text.as_bytes()));
        }
        for text in [
            "https://example.org/a:b",
            "http://8.8.8.8/",
            "12:30:45",
            "a: b",
            "mailto:bob@example.org",
            "https://user:pass@example.org/",
            "profile://x",
            "urn:isbn:12",
            "2026-11-26T12:00:00Z",
            "see file: notes",
        ] {
            assert!(score(text.as_bytes()) < 5, "{text}");
        }
    }
}
