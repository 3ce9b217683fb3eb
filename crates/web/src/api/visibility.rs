//! `/api/v1/visibility`.

use serde::Serialize;
use tapline_model::{ServerView, SourceView};

use crate::asked::{Answer, Asked, json};

/// Bytes by what could be seen of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Sum {
    /// Plaintext HTTP.
    pub(crate) http_bytes: u64,
    /// TLS.
    pub(crate) tls_bytes: u64,
    /// Anything else.
    pub(crate) other_bytes: u64,
    /// Missing.
    pub(crate) gap_bytes: u64,
    /// Of all of those, in flows with one direction only.
    pub(crate) one_sided_bytes: u64,
}

impl Sum {
    /// Over all of `servers`.
    pub(crate) fn of(servers: &[ServerView]) -> Self {
        servers.iter().fold(Self::default(), |sum, server| Self {
            http_bytes: sum.http_bytes.saturating_add(server.http_bytes),
            tls_bytes: sum.tls_bytes.saturating_add(server.tls_bytes),
            other_bytes: sum.other_bytes.saturating_add(server.other_bytes),
            gap_bytes: sum.gap_bytes.saturating_add(server.gap_bytes),
            one_sided_bytes: sum.one_sided_bytes.saturating_add(server.one_sided_bytes),
        })
    }

    /// All bytes.
    pub(crate) fn total(self) -> u64 {
        [self.http_bytes, self.tls_bytes, self.other_bytes, self.gap_bytes]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    sum: Sum,
    servers: &'a [ServerView],
    sources: &'a [SourceView],
}

/// What the sensor could and could not see.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let view = &asked.view;
    json(&Document {
        now: view.now.to_string(),
        sum: Sum::of(&view.servers),
        servers: &view.servers,
        sources: &view.sources,
    })
}
