//! What an answer looks like, as one hash: equal answers have equal ones.

use tapline_model::{Key, Transaction};

/// Set in the hash of every answer that is not a 2xx to a GET. Such answers say little about who
/// gave them (one 404 looks like another), and where a path has had both, the smaller hash stays:
/// that of the success.
pub(crate) const NOT_A_SUCCESS: u64 = 1 << 63;
/// Bytes of content that are hashed where its shape says nothing.
const CONTENT_BYTES_MAX: usize = 4_096;

/// Hashes status, media type and `top_keys`; the start of the content where there are none.
/// Sorts the keys; `scratch` is a buffer.
pub(crate) fn answer_hash(
    key: &Key,
    method: &str,
    transaction: &Transaction<'_>,
    top_keys: &mut [u64],
    scratch: &mut Vec<u8>,
) -> u64 {
    let status = transaction.response.map_or(0, |response| response.status);
    let body = &transaction.response_body;
    scratch.clear();
    scratch.extend_from_slice(&status.to_be_bytes());
    scratch.extend_from_slice(body.media_type.as_bytes());
    scratch.push(0);
    if top_keys.is_empty() {
        let content = body.sample.bytes;
        scratch.extend_from_slice(content.get(..CONTENT_BYTES_MAX).unwrap_or(content));
    } else {
        top_keys.sort_unstable();
        let mut before = None;
        for &mut hash in top_keys {
            if before.replace(hash) != Some(hash) {
                scratch.extend_from_slice(&hash.to_be_bytes());
            }
        }
    }
    let hash = key.text_hash(scratch) >> 1;
    if method == "GET" && (200..=299).contains(&status) { hash } else { hash | NOT_A_SUCCESS }
}

#[cfg(test)]
mod tests {
    use tapline_model::{
        AnomalySet, Body, BodySample, Completeness, FlowId, Headers, Protocol, ResponseHead,
        Timestamp,
    };

    use super::*;

    fn hash(method: &str, status: u16, content: &'static [u8], keys: &[u64]) -> u64 {
        let transaction = Transaction {
            flow: FlowId { slot: 0, generation: 0 },
            client: "192.0.2.1:1".parse().unwrap(),
            server: "192.0.2.2:80".parse().unwrap(),
            protocol: Protocol::Http11,
            request: None,
            response: Some(ResponseHead { status, headers: Headers::default() }),
            request_body: Body::default(),
            response_body: Body {
                wire_bytes: 1,
                media_type: "application/json",
                sample: BodySample { bytes: content, truncated: false },
            },
            request_bytes: 0,
            response_bytes: 0,
            started_at: Timestamp::ZERO,
            ended_at: Timestamp::ZERO,
            latency_ns: None,
            completeness: Completeness::Whole,
            anomalies: AnomalySet::EMPTY,
        };
        let mut keys = keys.to_vec();
        answer_hash(&Key::fixed(), method, &transaction, &mut keys, &mut Vec::new())
    }

    #[test]
    fn answers_of_one_shape_are_equal() {
        assert_eq!(hash("GET", 200, b"{1}", &[1, 2]), hash("GET", 200, b"{2}", &[2, 1, 2]));
        assert_ne!(hash("GET", 200, b"", &[1]), hash("GET", 200, b"", &[2]));
        assert_ne!(hash("GET", 200, b"a", &[]), hash("GET", 200, b"b", &[]));
        assert_ne!(hash("GET", 200, b"a", &[]), hash("GET", 201, b"a", &[]));
    }

    #[test]
    fn a_success_is_smaller_than_any_other_answer() {
        assert!(hash("GET", 200, b"a", &[]) < hash("GET", 404, b"a", &[]));
        assert!(hash("GET", 200, b"a", &[]) < hash("POST", 200, b"a", &[]));
    }
}
