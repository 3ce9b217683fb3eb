//! The learning gate: what an answer may teach.

use tapline_model::{Gate, HeaderKind, Key, ResponseHead};

use crate::path::NormalPath;

/// What an answer may teach, and the keyed hash of where it leads if it is a redirect.
///
/// `target` is a buffer.
pub(crate) fn judge(
    key: &Key,
    method: &str,
    path: &NormalPath,
    response: Option<&ResponseHead<'_>>,
    target: &mut NormalPath,
) -> (Gate, Option<u64>) {
    let Some(response) = response else { return (Gate::MatchOnly, None) };
    let redirect = redirect_of(path, response, target);
    let redirect_hash = match redirect {
        Redirect::Elsewhere => Some(key.text_hash(target.text())),
        _ => None,
    };
    if matches!(method, "HEAD" | "OPTIONS" | "TRACE" | "CONNECT") {
        return (Gate::MatchOnly, redirect_hash);
    }
    let gate = match (response.status, redirect) {
        (200..=299 | 304, _) | (300..=399, Redirect::Elsewhere) => Gate::Learn,
        (401 | 403, _) => Gate::Candidate,
        _ => Gate::MatchOnly,
    };
    (gate, redirect_hash)
}

enum Redirect {
    /// No redirect, or one that does not say where to.
    Nowhere,
    /// To the same path: another host or scheme, a slash, another case.
    SamePath,
    /// To another path, which is in the buffer; empty when it is no path at all.
    Elsewhere,
}

fn redirect_of(
    path: &NormalPath,
    response: &ResponseHead<'_>,
    target: &mut NormalPath,
) -> Redirect {
    if !matches!(response.status, 300..=303 | 305..=399) {
        return Redirect::Nowhere;
    }
    let Some(location) = response.headers.first(HeaderKind::Location) else {
        return Redirect::Nowhere;
    };
    if !target.set_target(location, path) {
        return Redirect::Elsewhere;
    }
    if target.leads_to(path) { Redirect::SamePath } else { Redirect::Elsewhere }
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;

    fn gate(method: &str, status: u16, location: Option<&str>) -> (Gate, bool) {
        let mut path = NormalPath::default();
        path.set(b"/shop/items");
        let fields = OwnedHeaders::new(location.iter().map(|text| ("Location", text)));
        let response = ResponseHead { status, headers: fields.headers() };
        let mut target = NormalPath::default();
        let (gate, hash) = judge(&Key::fixed(), method, &path, Some(&response), &mut target);
        (gate, hash.is_some())
    }

    #[test]
    fn only_success_teaches() {
        for (status, expected) in [
            (200, Gate::Learn),
            (204, Gate::Learn),
            (304, Gate::Learn),
            (401, Gate::Candidate),
            (403, Gate::Candidate),
            (400, Gate::MatchOnly),
            (404, Gate::MatchOnly),
            (405, Gate::MatchOnly),
            (500, Gate::MatchOnly),
            (101, Gate::MatchOnly),
            (999, Gate::MatchOnly),
        ] {
            assert_eq!(gate("GET", status, None).0, expected, "{status}");
        }
    }

    #[test]
    fn a_redirect_teaches_unless_it_leads_to_the_same_path() {
        for (location, expected) in [
            (Some("/login"), (Gate::Learn, true)),
            (Some("https://shop.example/shop/items"), (Gate::MatchOnly, false)),
            (Some("/shop/items/"), (Gate::MatchOnly, false)),
            (Some("/Shop/Items?x=1"), (Gate::MatchOnly, false)),
            (None, (Gate::MatchOnly, false)),
        ] {
            assert_eq!(gate("GET", 302, location), expected, "{location:?}");
        }
    }

    #[test]
    fn attributes_never_teach() {
        for method in ["HEAD", "OPTIONS", "TRACE", "CONNECT"] {
            assert_eq!(gate(method, 200, None).0, Gate::MatchOnly);
        }
    }

    #[test]
    fn redirects_to_one_path_have_one_hash() {
        let mut path = NormalPath::default();
        let mut target = NormalPath::default();
        let mut hash = |sent: &[u8], location: &[u8]| {
            path.set(sent);
            let fields = OwnedHeaders::new([("location", location)]);
            let response = ResponseHead { status: 302, headers: fields.headers() };
            judge(&Key::fixed(), "GET", &path, Some(&response), &mut target).1
        };
        assert_eq!(hash(b"/a", b"/login?next=/a"), hash(b"/b", b"https://x/login?next=/b"));
        assert_ne!(hash(b"/a", b"/login"), hash(b"/a", b"/home"));
    }
}
