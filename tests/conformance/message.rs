//! Requests and final responses, and when two accounts of them are the same.

use std::fmt;

use percent_encoding::percent_decode;

/// A request as an oracle tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Not told by some.
    pub(super) method: Option<String>,
    /// Empty when the request named none; not told by some.
    pub(super) host: Option<String>,
    /// The target as sent; not told by some.
    pub(super) target: Option<String>,
}

/// A request as the sensor tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeardRequest {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// Stands in for the host of a request that names none.
    pub(super) server: String,
}

/// Everything that was said in a capture; the order does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    pub(super) requests: Vec<Request>,
    /// Of final responses.
    pub(super) statuses: Vec<u16>,
}

/// Whether a status is that of a final response: 101 is, the others that begin with 1 are not.
pub(super) fn is_final(status: u16) -> bool {
    status == 101 || status >= 200
}

impl Request {
    /// Whether this is the request that was heard, as far as it is told.
    pub(super) fn is(&self, heard: &HeardRequest) -> bool {
        let target = self.target.as_deref().map(split_target);
        let authority = target.and_then(|(authority, _)| authority);
        self.method.as_ref().is_none_or(|method| *method == heard.method)
            && self.is_host(heard, authority)
            && target.is_none_or(|(_, target)| heard.is_target(target))
    }

    fn is_host(&self, heard: &HeardRequest, authority: Option<&str>) -> bool {
        let Some(host) = &self.host else { return true };
        let is_named = |name: &str| {
            let name = plain_host(name);
            name == heard.host || Some(name.as_str()) == heard.host.rsplit_once(':').map(|p| p.0)
        };
        is_named(host)
            || authority.is_some_and(is_named)
            || is_masked_as(&heard.host, host)
            // No valid name was sent: then the sensor names the host by its address.
            || heard.host == heard.server
            || heard.method == "CONNECT"
                && self.target.as_deref().and_then(|t| t.split(' ').next()).is_some_and(is_named)
    }
}

impl HeardRequest {
    fn is_target(&self, target: &str) -> bool {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        let query_is = match (&self.query, query) {
            (None, None) => true,
            (Some(heard), Some(query)) => is_masked_as(heard, query),
            _ => false,
        };
        is_masked_as(&self.path, path) && query_is
    }
}

impl Messages {
    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.statuses.is_empty()
    }

    /// Whether exactly these requests were heard.
    pub(super) fn has_requests(&self, heard: &[&HeardRequest]) -> bool {
        let mut left: Vec<&Request> = self.requests.iter().collect();
        heard.len() == left.len()
            && heard.iter().all(|heard| {
                let place = left.iter().position(|request| request.is(heard));
                place.map(|at| left.swap_remove(at)).is_some()
            })
    }

    /// Whether exactly these responses were heard.
    pub(super) fn has_statuses(&self, heard: &[u16]) -> bool {
        let sorted = |statuses: &[u16]| {
            let mut statuses = statuses.to_vec();
            statuses.sort_unstable();
            statuses
        };
        sorted(&self.statuses) == sorted(heard)
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Request { method, host, target } in &self.requests {
            let [method, host, target] =
                [method, host, target].map(|part| part.as_deref().unwrap_or("?"));
            write!(f, "{method} {host} {target}, ")?;
        }
        write!(f, "{:?}", self.statuses)
    }
}

/// The authority of a target in absolute form, and the rest.
fn split_target(target: &str) -> (Option<&str>, &str) {
    let Some((scheme, rest)) = target.split_once("://") else { return (None, target) };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return (None, target);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    (Some(authority), rest)
}

/// A host in the sensor's spelling.
fn plain_host(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let host = host.rsplit_once('@').map_or(host.as_str(), |(_, host)| host);
    let plain = [":80", ":443", ":", "."].iter().fold(host, |host, end| {
        host.strip_suffix(end).filter(|rest| !rest.ends_with(':')).unwrap_or(host)
    });
    plain.to_owned()
}

/// Whether `heard` is `sent`, where a mask like `[email]` stands for anything. Both may be
/// percent-encoded differently.
pub(super) fn is_masked_as(heard: &str, sent: &str) -> bool {
    let decode = |text: &str| percent_decode(text.as_bytes()).collect::<Vec<u8>>();
    matches(&decode(heard), &decode(sent))
}

fn matches(heard: &[u8], sent: &[u8]) -> bool {
    let common = heard.iter().zip(sent).take_while(|(a, b)| a == b).count();
    let (left, right) = (&heard[common..], &sent[common..]);
    if left.is_empty() && right.is_empty() {
        return true;
    }
    // The mask may begin with a bracket that was sent, too.
    let at = heard[..(common + 1).min(heard.len())].iter().rposition(|&b| b == b'[');
    let Some((at, end)) = at.and_then(|at| Some((at, mask_end(&heard[at..])?))) else {
        return false;
    };
    let (rest, sent) = (&heard[at + end..], &sent[at..]);
    (0..=sent.len()).any(|skip| matches(rest, &sent[skip..]))
}

/// How long the mask is that `text` begins with.
fn mask_end(text: &[u8]) -> Option<usize> {
    let word = text.get(1..)?.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
    (word > 0 && text.get(word + 1) == Some(&b']')).then_some(word + 2)
}

#[test]
fn a_mask_stands_for_anything() {
    for (heard, sent, same) in [
        ("/a/b", "/a/b", true),
        ("/a/[email]/b", "/a/x@y.example/b", true),
        ("/a/[email]/b", "/a/x@y.example/c", false),
        ("/[key]", "/[0123", true),
        ("/[key]/[key].png", "/0a/0b.png", true),
        ("/a%ff", "/a%FF", true),
        ("/a", "/ab", false),
        ("/[0]", "/[0]", true),
    ] {
        assert_eq!(is_masked_as(heard, sent), same, "{heard} {sent}");
    }
}
