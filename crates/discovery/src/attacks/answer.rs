//! What an answer says of the success of an attack.

use memchr::memmem;
use tapline_model::{Body, Fact, Proof, ProofSet, Transaction};

use crate::evidence;

/// Bytes of an answer that are looked through.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What files of a system hold and its commands print.
const FILES: &[&[u8]] = &[
    b"root:x:0:0:",
    b"root:*:0:0:",
    b"daemon:x:1:1:",
    b"[boot loader]",
    b"; for 16-bit app support",
    b"uid=0(root) gid=",
    b"(www-data) gid=",
    b"Volume Serial Number is",
    b"BEGIN OPENSSH PRIVATE KEY",
    b"BEGIN RSA PRIVATE KEY",
    b"<title>phpinfo()</title>",
];

/// What only the cloud tells its own machines.
const METADATA: &[&[u8]] = &[
    b"ami-launch-index",
    b"\"AccessKeyId\"",
    b"iam/security-credentials",
    b"instance-identity/document",
    b"computeMetadata/v1",
    b"\"accountId\" : \"",
    b"\"azEnvironment\"",
];

/// What the answer to an attack proves; `script` is what was sent to be run in a page.
pub(super) fn proofs(transaction: &Transaction<'_>, script: &[u8]) -> ProofSet {
    let mut proofs = ProofSet::default();
    let Some(response) = &transaction.response else { return proofs };
    let body = &transaction.response_body;
    // Others of the fifth class are what proxies say of servers that are away.
    proofs.insert_if(Proof::ServerError, response.status == 500);
    proofs.insert_if(Proof::Granted, (200..300).contains(&response.status));
    let facts = evidence::read_markers(body, response.status);
    proofs.insert_if(Proof::DatabaseError, facts.contains(Fact::DatabaseError));
    proofs.insert_if(Proof::StackTrace, facts.contains(Fact::StackTrace));
    let text = body.sample.bytes.get(..ANSWER_BYTES_MAX).unwrap_or(body.sample.bytes);
    let shows = |marks: &[&[u8]]| marks.iter().any(|mark| memmem::find(text, mark).is_some());
    proofs.insert_if(Proof::FileShown, shows(FILES));
    proofs.insert_if(Proof::Metadata, shows(METADATA));
    let is_back = !script.is_empty() && is_page(body) && memmem::find(text, script).is_some();
    proofs.insert_if(Proof::Reflected, is_back);
    proofs
}

/// Whether a browser would show it as a page.
fn is_page(body: &Body<'_>) -> bool {
    matches!(body.media_type, "" | "text/html" | "application/xhtml+xml" | "image/svg+xml")
}
