//! Base URLs, checked more strictly than a client would.

use crate::problem::quoted;

/// Checks an absolute base URL of HTTP or HTTPS: a host, maybe a port, maybe a path.
///
/// # Errors
/// What is wrong and what to write. A URL that holds a password is not repeated.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return Err(not_a_url(text));
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("has a user or password in it; name them under basic_auth".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err(format!("{} is more than a base URL; end it before ? and #", quoted(text)));
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) || !is_authority(authority) {
        return Err(not_a_url(text));
    }
    Ok(())
}

/// The host of a URL that [`check`] lets pass, without brackets and port.
pub(crate) fn host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    split_port(authority).map_or(authority, |(host, _)| host)
}

/// The port of a URL that [`check`] lets pass.
pub(crate) fn port(text: &str) -> u16 {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    let default = if text.starts_with("https:") { 443 } else { 80 };
    split_port(authority).and_then(|(_, port)| port?.parse().ok()).unwrap_or(default)
}

fn not_a_url(text: &str) -> String {
    let shown = if text.contains('@') { "this".to_owned() } else { quoted(text) };
    format!("{shown} is not a URL; write one like http://127.0.0.1:9093")
}

fn is_authority(authority: &str) -> bool {
    let Some((host, port)) = split_port(authority) else { return false };
    let is_host = if authority.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    is_host && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// Host without brackets, and the port's digits if there is one.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return if rest.is_empty() {
            Some((host, None))
        } else {
            rest.strip_prefix(':').map(|port| (host, Some(port)))
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_pass() {
        for url in [
            "http://127.0.0.1:9093",
            "https://alerts.example.org",
            "http://[::1]:9093/",
            "http://am-0.am_headless.ns.svc:9093/alertmanager",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for url in [
            "",
            "127.0.0.1:9093",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:+80",
            "http://a b",
            "http://a/b c",
            "http://[::1",
            "http://[::1]9",
            "http://[nonsense]",
            "http://a?b",
            "http://a/#b",
            "http://ä.example",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        for url in ["http://user:hunter2@host", "user:hunter2@host"] {
            assert!(!check(url).unwrap_err().contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn hosts_and_ports_are_found() {
        assert_eq!((host("http://[::1]:9093/x"), port("http://[::1]:9093/x")), ("::1", 9093));
        assert_eq!((host("https://a.b"), port("https://a.b")), ("a.b", 443));
    }
}
