//! Finding to alert: lifecycle and delivery.
//!
//! [`Lifecycle`] lives in the merge, in capture time: it coalesces what detections say of one
//! subject into one open case and resolves it when it no longer holds. [`Notifier`] lives in the
//! control plane, in wall-clock time: it keeps every Alertmanager told.

mod board;
mod config;
mod event;
mod lifecycle;
mod notice;
mod notifier;
mod outbox;
mod tally;
mod triage;
mod webhook;

pub use config::{Alertmanager, Config};
pub use event::Event;
pub use lifecycle::{Lifecycle, LifecycleCounts};
pub use notifier::{Clock, Notifier, Quiet, StartError};
pub use tally::Tally;
pub use triage::{DecodeError, Triage, signature};
pub use webhook::{Webhook, WebhookConfig};
