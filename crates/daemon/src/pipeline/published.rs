//! What readers see: replaced by the merge, never waited for.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use tapline_model::{EndpointId, EndpointView, View};

/// The newest view, and every endpoint by id for point look-ups.
#[derive(Clone, Default)]
pub(crate) struct Published {
    /// All of one instant.
    pub(crate) view: Arc<ArcSwap<View>>,
    /// No guard is held across anything: values are cloned out.
    pub(crate) endpoints: Arc<DashMap<EndpointId, Arc<EndpointView>>>,
}
