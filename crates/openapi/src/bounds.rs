//! What a document may cost: the bounds on hostile ones.

/// The largest text that is read.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// Values in a document, after its aliases are written out.
pub(crate) const NODES_MAX: usize = 8_000_000;
/// Collections inside one another in the text.
pub(crate) const NESTING_MAX: usize = 120;
/// Schemas inside one another without a reference.
pub(crate) const SCHEMA_DEPTH_MAX: usize = 64;
/// References to references.
pub(crate) const HOPS_MAX: usize = 16;
/// Operations in a document.
pub(crate) const OPERATIONS_MAX: usize = 20_000;
/// Schemas in a document, counting each that stands inside another.
pub(crate) const SCHEMAS_MAX: usize = 2_000_000;
/// Problems that are told one by one.
pub(crate) const PROBLEMS_MAX: usize = 100;
/// Bytes of a description that are kept.
pub(crate) const PROSE_BYTES_MAX: usize = 64 << 10;
/// Alternatives of a schema that are told apart in a comparison; beyond, anything is allowed.
pub(crate) const ALTERNATIVES_MAX: usize = 256;
/// Schemas inside one another that a comparison follows.
pub(crate) const COMPARED_DEPTH_MAX: usize = 24;
/// Differences that are told one by one.
pub(crate) const DIFFERENCES_MAX: usize = 10_000;
/// Operations named in one difference.
pub(crate) const OPERATIONS_NAMED_MAX: usize = 16;
/// Pairs of schemas that one comparison looks at.
pub(crate) const PAIRS_MAX: usize = 4_000_000;
