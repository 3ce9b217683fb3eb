//! The pages.

mod bodies;
pub(crate) mod consumers;
pub(crate) mod data;
pub(crate) mod endpoint;
pub(crate) mod fault;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod guide;
pub(crate) mod inventory;
mod menu;
pub(crate) mod overview;
pub(crate) mod prevention;
pub(crate) mod review;
mod row;
mod shell;
pub(crate) mod templates;
pub(crate) mod verdicts;
pub(crate) mod visibility;
