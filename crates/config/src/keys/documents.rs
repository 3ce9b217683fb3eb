//! The keys of what is held against documents.

use super::whole;
use crate::key::{Key, Kind, Whole};

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "documents.apis",
        help: "OpenAPI 3.1, 3.0 and Swagger 2.0 documents (JSON, YAML) that what is seen is held against: each with host (a name, *.example.test or \"*\"), file, and base_path if it is not that of the document's servers. Their paths name the templates of the inventory.",
        kind: Kind::Documents,
    },
    whole(
        "documents.compare_seconds",
        "Capture time between two comparisons.",
        Whole::U32(|s| &mut s.documents.compare_seconds),
        1,
        86_400,
        "seconds",
    ),
    whole(
        "documents.observations_min",
        "Observations that are enough for a finding, whatever their share; fewer than three never are.",
        Whole::U32(|s| &mut s.documents.observations_min),
        3,
        1_000_000,
        "observations",
    ),
];
