//! What a value in a request may be meant to do to whoever reads it: a closed list, and where it
//! stood.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The attacks, each with its label in files and pages and what people call it.
macro_rules! attacks {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal, $title:literal,)+) => {
        /// One way in which a value is meant to be read as something else than data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Attack {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Attack {
            /// Every attack, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The label in files and pages.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }

            /// What people call it.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }
        }
    };
}

attacks! {
    /// Text that changes a statement of SQL (CWE-89).
    Sql = "sql", "SQL injection",
    /// Script in a page (CWE-79).
    Script = "script", "cross-site scripting",
    /// The path of a file that was not meant (CWE-22, CWE-98).
    Path = "path", "path traversal",
    /// A command of the operating system (CWE-78); shellshock among them.
    Command = "command", "command injection",
    /// An expression of a template language (CWE-1336).
    Template = "template", "template injection",
    /// Operators and scripts of document databases (CWE-943).
    Nosql = "nosql", "NoSQL injection",
    /// A filter of a directory (CWE-90).
    Ldap = "ldap", "LDAP injection",
    /// Entities and inclusions of XML (CWE-611).
    Xxe = "xxe", "XML external entity",
    /// Look-ups that a logger follows (CVE-2021-44228).
    Lookup = "lookup", "log look-up injection",
    /// Server-side includes (CWE-97).
    Include = "include", "server-side include",
    /// Line ends that split a header (CWE-113).
    HeaderSplit = "header_split", "header splitting",
    /// An address the server itself is to ask (CWE-918).
    ServerRequest = "server_request", "server-side request forgery",
    /// Code of the language the server is written in (CWE-94).
    Code = "code", "code injection",
    /// An object that runs code when it is read (CWE-502).
    Object = "object", "unsafe deserialisation",
    /// A request whose end two readers see at different places (CWE-444).
    Smuggling = "smuggling", "request smuggling",
    /// A token that nobody signed, or that says by which key it is to be believed (CWE-347).
    Token = "token", "forged token",
    /// The mark of a vulnerability scanner.
    Scanner = "scanner", "vulnerability scanner",
}

/// Where a value stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum AttackPlace {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header field.
    Header,
    /// In a cookie.
    Cookie,
    /// In the body of the request.
    Body,
}

impl AttackPlace {
    /// Every place, in declaration order.
    pub const ALL: &'static [Self] =
        &[Self::Path, Self::Query, Self::Header, Self::Cookie, Self::Body];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }
}

/// One value of a request that looks like an attack; never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttackNote {
    /// What it is meant to do.
    pub attack: Attack,
    /// Where it stood.
    pub place: AttackPlace,
    /// The keyed hash of its parameter's name; 0 where there is none.
    pub name_hash: u64,
    /// How plain it is: 5 to 10.
    pub score: u8,
}

/// What in an answer tells that an attack went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Proof {
    /// The server failed (5xx).
    ServerError,
    /// What a database says of a bad statement.
    DatabaseError,
    /// The trace of a program's calls.
    StackTrace,
    /// The value came back as it was sent, in a page.
    Reflected,
    /// A file of the system, or what a command prints.
    FileShown,
    /// What only the cloud tells its own machines.
    Metadata,
    /// It was answered 2xx.
    Granted,
}

impl Proof {
    /// Every proof, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::ServerError,
        Self::DatabaseError,
        Self::StackTrace,
        Self::Reflected,
        Self::FileShown,
        Self::Metadata,
        Self::Granted,
    ];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ServerError => "server error",
            Self::DatabaseError => "database error",
            Self::StackTrace => "stack trace",
            Self::Reflected => "reflected unescaped",
            Self::FileShown => "file or command output shown",
            Self::Metadata => "cloud metadata shown",
            Self::Granted => "granted",
        }
    }

    /// Whether it tells anything of an attack.
    pub const fn is_of(self, attack: Attack) -> bool {
        match self {
            Self::ServerError | Self::StackTrace => {
                !matches!(attack, Attack::Scanner | Attack::Token | Attack::Smuggling)
            }
            Self::DatabaseError => matches!(attack, Attack::Sql | Attack::Nosql),
            Self::Reflected => matches!(attack, Attack::Script),
            Self::FileShown => !matches!(attack, Attack::Script | Attack::Scanner | Attack::Token),
            Self::Granted => matches!(attack, Attack::Token),
            Self::Metadata => matches!(attack, Attack::ServerRequest | Attack::Xxe),
        }
    }
}

/// The proofs in one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProofSet(u8);

impl ProofSet {
    /// Adds a proof if `holds`.
    pub const fn insert_if(&mut self, proof: Proof, holds: bool) {
        self.0 |= (holds as u8) << proof as u8;
    }

    /// Whether it holds `proof`.
    pub const fn contains(self, proof: Proof) -> bool {
        self.0 & (1 << proof as u8) != 0
    }
}

/// What was found in the values of one transaction, the plainest of each attack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttackNotes {
    /// At most one for each attack.
    pub notes: SmallVec<[AttackNote; 2]>,
    /// What in the answer tells of success.
    pub proofs: ProofSet,
}

impl AttackNotes {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.notes.clear();
        self.proofs = ProofSet::default();
    }

    /// Keeps the plainest of each attack; of equals the smaller note, so that order does not matter.
    pub fn add(&mut self, note: AttackNote) {
        match self.notes.iter_mut().find(|known| known.attack == note.attack) {
            Some(known) => {
                let is_plainer = note.score > known.score;
                if is_plainer || (note.score == known.score && note < *known) {
                    *known = note;
                }
            }
            None => self.notes.push(note),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plainest_of_each_attack_is_kept_in_any_order() {
        let note = |attack, score, name_hash| AttackNote {
            attack,
            place: AttackPlace::Query,
            name_hash,
            score,
        };
        let all = [
            note(Attack::Sql, 5, 1),
            note(Attack::Sql, 7, 3),
            note(Attack::Sql, 7, 2),
            note(Attack::Path, 6, 1),
        ];
        let kept = |order: &[usize]| {
            let mut notes = AttackNotes::default();
            for &at in order {
                notes.add(all[at]);
            }
            notes.notes.sort();
            notes.notes.to_vec()
        };
        assert_eq!(kept(&[0, 1, 2, 3]), [all[2], all[3]]);
        assert_eq!(kept(&[3, 2, 1, 0]), [all[2], all[3]]);
    }

    #[test]
    fn labels_differ() {
        let labels: std::collections::BTreeSet<_> =
            Attack::ALL.iter().map(|attack| attack.label()).collect();
        assert_eq!(labels.len(), Attack::COUNT);
    }
}
