//! What an endpoint takes from its host while it does not know better.

use std::sync::Arc;

use crate::baseline::season::Week;

/// What is known of the host that an endpoint is of: what its hours are, and how calm it is today.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    pub(crate) week: Option<Arc<Week>>,
    pub(crate) calm: f64,
}

impl Default for Lead {
    fn default() -> Self {
        Self { week: None, calm: 1.0 }
    }
}
