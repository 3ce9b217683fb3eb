//! The API, version 1. Its contract is `assets/openapi.json`; a test holds both together.

pub(crate) mod csv;
pub(crate) mod data;
pub(crate) mod documents;
pub(crate) mod encrypted;
pub(crate) mod endpoints;
pub(crate) mod findings;
pub(crate) mod hosts;
pub(crate) mod machine;
pub(crate) mod openapi;
pub(crate) mod prevention;
pub(crate) mod review;
pub(crate) mod status;
pub(crate) mod templates;
pub(crate) mod verdicts;
pub(crate) mod visibility;
