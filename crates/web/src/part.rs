//! Pieces that several pages are made of. Each is a template of its own: its values are escaped
//! when it is drawn, so a page may insert it as it is.

mod bar;
mod instant;
mod name;
mod rate;
mod tag;

use askama::filters::HtmlSafe;

pub(crate) use bar::{Bar, Meter};
pub(crate) use instant::Instant;
pub(crate) use name::Name;
pub(crate) use rate::{Rate, Spark};
pub(crate) use tag::Tag;

impl HtmlSafe for Bar {}
impl HtmlSafe for Meter {}
impl HtmlSafe for Instant {}
impl HtmlSafe for Name {}
impl HtmlSafe for Rate {}
impl HtmlSafe for Spark {}
impl HtmlSafe for Tag {}
