//! What somebody sends to have something changed.

use axum::body::Bytes;
use axum::http::HeaderMap;

/// Header fields and body of a POST.
#[derive(Debug)]
pub(crate) struct Submission {
    /// The header fields.
    pub(crate) headers: HeaderMap,
    /// The body, whatever it is.
    pub(crate) body: Bytes,
}

impl Submission {
    /// The first field of that name, were the body a form (WHATWG URL, section 5.1).
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.fields(name).next()
    }

    /// Every field of that name.
    pub(crate) fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        form_urlencoded::parse(&self.body)
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_a_form() {
        let body = Bytes::from_static(b"by=ada+b&scope=host&scope=%64etection&&x");
        let form = Submission { headers: HeaderMap::new(), body };
        assert_eq!(form.field("by").as_deref(), Some("ada b"));
        assert_eq!(form.fields("scope").collect::<Vec<_>>(), ["host", "detection"]);
        assert_eq!((form.field("x").as_deref(), form.field("y")), (Some(""), None));
    }
}
