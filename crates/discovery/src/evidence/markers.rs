//! What the content of an answer gives away: texts that only one kind of answer has.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use tapline_model::{Body, Fact, FactSet};

/// Bytes of a body that are looked through.
const BODY_BYTES_MAX: usize = 16 << 10;
/// The same of a success in JSON: most answers are one, and what is looked for stands in front.
const DATA_BYTES_MAX: usize = 2 << 10;

/// When a text counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Whatever the status.
    Always,
    /// In errors; in a success only beside a text of [`ERRORS`], because people write about errors
    /// too.
    Failed,
    /// In successes.
    Granted,
}

use When::{Always, Failed, Granted};

/// What a success holds that tells of an error.
const ERRORS: &[&str] = &["\"errors\"", "\"exception\"", "\"stacktrace\"", "\"stackTrace\""];

/// What the texts stand for. Compared as they are.
const MARKERS: &[(Fact, When, &[&str])] = &[
    (
        Fact::StackTrace,
        Failed,
        &[
            "Traceback (most recent call last)",
            "\tat java.",
            "\tat org.",
            "\tat com.",
            "at java.base/",
            "\"stackTrace\":[",
            "at Object.<anonymous> (",
            "at Module._compile",
            "at async Promise",
            "/node_modules/",
            "goroutine 1 [running]",
            "runtime.goexit",
            "--- End of stack trace",
            "   at System.",
            "   at Microsoft.",
            ".cs:line ",
            "Stack trace:\n#0",
            "PHP Fatal error:",
            "PHP Warning:",
            "<b>Fatal error</b>:",
            "<b>Warning</b>:  ",
            ".rb:in `",
            "thread 'main' panicked at",
            "org.springframework.",
            "System.NullReferenceException",
            "NullPointerException",
        ],
    ),
    (
        Fact::DatabaseError,
        Failed,
        &[
            "SQLSTATE[",
            "You have an error in your SQL syntax",
            "ORA-00",
            "ORA-01",
            "PG::",
            "psycopg2.",
            "pq: syntax error",
            "SQLITE_ERROR",
            "sqlite3.OperationalError",
            "System.Data.SqlClient",
            "Unclosed quotation mark after",
            "com.mysql.jdbc",
            "org.hibernate.",
            "MongoServerError",
            "syntax error at or near",
            "ER_PARSE_ERROR",
        ],
    ),
    (
        Fact::DebugPage,
        Always,
        &[
            "<title>phpinfo()</title>",
            "Werkzeug Debugger",
            "DEBUG = True</code>",
            "Whoops! There was an error",
            "Symfony Web Debug Toolbar",
            "<title>Action Controller: Exception caught</title>",
            "ignition-error-",
            "Yellow Screen of Death",
            "<b>Source Error:</b>",
        ],
    ),
    (
        Fact::DirectoryListing,
        Granted,
        &[
            "<title>Index of /",
            "<h1>Index of /",
            "<title>Directory listing for",
            "[To Parent Directory]",
            "<title>Listing directory",
        ],
    ),
    (
        Fact::SecretFile,
        Granted,
        &[
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "\nDB_PASSWORD=",
            "AWS_SECRET_ACCESS_KEY=",
            "[core]\n\trepositoryformatversion",
            "aws_secret_access_key =",
        ],
    ),
    (
        Fact::ApiDescription,
        Granted,
        &[
            "\"swagger\":\"2.",
            "\"swagger\": \"2.",
            "\"openapi\":\"3.",
            "\"openapi\": \"3.",
            "\nopenapi: 3.",
            "SwaggerUIBundle",
            "<wsdl:definitions",
        ],
    ),
    (Fact::GraphqlIntrospection, Granted, &["\"__schema\":{", "\"__schema\": {"]),
];

/// Built once: it is some hundred kilobytes.
static ALL: LazyLock<Markers> = LazyLock::new(Markers::new);

/// What the content of an answer with this status gives away.
pub(crate) fn read(body: &Body<'_>, status: u16) -> FactSet {
    ALL.read(body, status)
}

/// Looks for all of them at once.
struct Markers {
    /// None when it could not be built, which does not happen: the texts are constants.
    automaton: Option<AhoCorasick>,
    /// By pattern; none stands for [`ERRORS`].
    says: Vec<Option<(Fact, When)>>,
}

impl std::fmt::Debug for Markers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Markers({} texts)", self.says.len())
    }
}

impl Markers {
    fn new() -> Self {
        let texts = MARKERS.iter().flat_map(|(fact, when, texts)| {
            texts.iter().map(move |text| (*text, Some((*fact, *when))))
        });
        let errors = ERRORS.iter().map(|text| (*text, None));
        let (texts, says): (Vec<&str>, Vec<_>) = texts.chain(errors).unzip();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(texts);
        debug_assert!(automaton.is_ok(), "the texts are constants");
        Self { automaton: automaton.ok(), says }
    }

    fn read(&self, body: &Body<'_>, status: u16) -> FactSet {
        let mut found = FactSet::EMPTY;
        let bytes = body.sample.bytes;
        let Some(automaton) = &self.automaton else { return found };
        if bytes.is_empty() || !is_text(body.media_type) {
            return found;
        }
        let is_granted = (200..300).contains(&status);
        let is_failed = status >= 400;
        let (mut suspects, mut tells_of_errors) = (FactSet::EMPTY, false);
        let is_data = is_granted && body.media_type.ends_with("json");
        let looked_max = if is_data { DATA_BYTES_MAX } else { BODY_BYTES_MAX };
        let looked = bytes.get(..looked_max).unwrap_or(bytes);
        for text in automaton.find_overlapping_iter(looked) {
            match self.says.get(text.pattern().as_usize()) {
                Some(Some((fact, Failed))) if !is_failed => suspects.insert(*fact),
                Some(Some((_, Granted))) if !is_granted => {}
                Some(Some((fact, _))) => found.insert(*fact),
                Some(None) => tells_of_errors = true,
                None => {}
            }
        }
        if tells_of_errors {
            found.extend(suspects);
        }
        found
    }
}

/// Whether a media type is one that people can read.
fn is_text(media: &str) -> bool {
    media.is_empty()
        || media.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "octet-stream", "pem-file"]
            .iter()
            .any(|kind| media.ends_with(kind))
}

#[cfg(test)]
mod tests {
    use tapline_model::BodySample;

    use super::*;

    fn found(status: u16, media_type: &str, text: &str) -> Vec<Fact> {
        let sample = BodySample { bytes: text.as_bytes(), truncated: false };
        let body = Body { wire_bytes: 1, media_type, sample };
        read(&body, status).iter().collect()
    }

    #[test]
    fn every_kind_of_answer_is_known_by_its_text() {
        let trace = "{\"error\":\"Traceback (most recent call last):\\n File\"}";
        for (status, media, text, expected) in [
            (500, "application/json", trace, vec![Fact::StackTrace]),
            (200, "application/json", trace, vec![]),
            (
                200,
                "application/json",
                "{\"errors\":[{\"m\":\"x/node_modules/y\"}]}",
                vec![Fact::StackTrace],
            ),
            (500, "text/html", "SQLSTATE[42000]: Syntax", vec![Fact::DatabaseError]),
            (200, "text/html", "<title>Index of /backup</title>", vec![Fact::DirectoryListing]),
            (404, "text/html", "<title>Index of /backup</title>", vec![]),
            (200, "text/plain", "A=1\nDB_PASSWORD=x", vec![Fact::SecretFile]),
            (200, "application/json", "{\"openapi\":\"3.1.0\"}", vec![Fact::ApiDescription]),
            (
                200,
                "application/json",
                "{\"data\":{\"__schema\":{}}}",
                vec![Fact::GraphqlIntrospection],
            ),
            (200, "image/png", "<title>Index of /", vec![]),
            (500, "text/html", "Werkzeug Debugger", vec![Fact::DebugPage]),
            (200, "application/json", "{\"id\":1}", vec![]),
        ] {
            assert_eq!(found(status, media, text), expected, "{status} {text}");
        }
    }
}
