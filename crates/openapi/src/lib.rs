//! OpenAPI documents: read, written, compared with what was seen.
//!
//! A document of any version becomes a [`Document`], the one form that all else works on. What the
//! sensor observed is a [`Document`], too, with [`Evidence`] at its parts, so that comparing takes
//! two of a kind. Nothing here acts, reads a file or a clock.

mod bounds;
mod compare;
mod document;
mod drift;
mod evidence;
mod observed;
mod path;
mod problem;
mod read;
mod schema;
mod text;
mod write;

pub use bounds::DOCUMENT_BYTES_MAX;
pub use compare::{Class, Comparison, Difference, Kind, Limits, Side, compare};
pub use document::{
    Body, Document, Location, Media, OAuthFlow, Operation, OperationKey, Parameter, ParameterKey,
    Requirement, Response, SecurityScheme, StatusKey,
};
pub use drift::{Detection, Drift, HostDocument};
pub use evidence::{EXTENSION, Evidence, FindingNote};
pub use observed::observed;
pub use problem::{Problem, Problems};
pub use read::{Read, Version, read};
pub use schema::{Additional, Discriminator, Schema, Type, Types};
pub use write::{Dialect, to_json, to_yaml};
