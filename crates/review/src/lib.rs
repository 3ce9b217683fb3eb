//! What is wrong with an API as it is built, how risky each endpoint is, and what to test first.
//!
//! Everything here is a pure function of what the inventory shows: the same view gives the same
//! report. [`risk_of`] judges one endpoint, [`Report`] a whole view; [`Seed`]s are example requests
//! made of types alone. Nothing in any of them was captured: names, counts and keyed hashes only.

mod data;
mod encrypted;
mod fields;
mod flow;
mod html;
mod issues;
mod markdown;
mod number;
mod report;
mod risk;
mod role;
mod rule;
mod seed;
mod site;
mod svg;
mod tenants;
mod text;
mod weak;

pub use encrypted::encrypted_issues;
pub use flow::{FlowEdge, FlowMap, FlowNode};
pub use html::{document, fragment};
pub use markdown::markdown;
pub use report::{
    AuthRow, CertificateRow, ConsumerRow, EncryptedHost, EndpointRisk, HostReport, Login,
    Misconfiguration, Place, Report, TestFirst,
};
pub use risk::risk_of;
pub use role::{Role, role_of};
pub use seed::{Seed, curl_script, har, json_lines, openapi, read_json_lines, seeds_of};
pub use tenants::{Tenants, tenants};

/// The map of callers, hosts and kinds of data as SVG, for a page that has the style sheet's classes.
/// Empty when there is nothing to draw.
pub fn map(view: &tapline_model::View) -> String {
    let endpoints: Vec<&tapline_model::EndpointView> =
        view.endpoints.iter().map(AsRef::as_ref).collect();
    svg::map(&flow::of(&endpoints, &view.consumers))
}
