//! Transaction to observation; joined: the inventory.
//!
//! The worker half, [`Discovery`], says of each transaction what it shows about an API: which route,
//! by whom, with which parameters. Values end here: what leaves is a class, a count or a keyed hash.
//! The joined half, [`Inventory`], is the list of endpoints that the joined deltas add up to.

mod answer;
mod attacks;
mod attempt;
mod auth;
mod base64;
mod caller_place;
mod class;
mod client_address;
mod config;
mod consumer;
mod discovery;
mod evidence;
mod format;
mod gate;
mod handshakes;
mod headers;
mod host;
mod inventory;
mod lexical;
mod memo;
mod names;
mod notes;
mod objects;
mod parameter;
mod path;
mod paths;
mod prefixes;
mod record;
mod rules;
mod sampling;
mod sensitive;
mod shapes;
mod template;
#[cfg(test)]
mod testing;
mod token;

pub use caller_place::Partner;
pub use config::Config;
pub use consumer::address_key;
pub use discovery::Discovery;
pub use handshakes::Handshakes;
pub use inventory::{Inventory, Rejected, inventory_json};
pub use record::LineWriter;
pub use rules::{Documented, Environment, HostPattern, HostTemplate, PathPattern, TemplateRule};
