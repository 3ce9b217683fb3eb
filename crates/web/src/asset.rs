//! Files that the pages load. Their address carries a hash of their content, so a browser keeps
//! each for good and still sees a new version at once.

use std::sync::OnceLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::IntoResponse;

use crate::asked::{Answer, Asked};
use crate::problem::Problem;

/// The style sheet of the pages, for files that look like them.
pub const STYLE: &str = include_str!("../assets/style.css");

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

static ASSETS: [Asset; 3] = [
    Asset { name: "style.css", media_type: "text/css; charset=utf-8", content: STYLE },
    Asset {
        name: "script.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/script.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        content: include_str!("../assets/icon.svg"),
    },
];

/// The addresses of the files that every page loads.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The style sheet.
    pub(crate) style: String,
    /// The script.
    pub(crate) script: String,
    /// The icon.
    pub(crate) icon: String,
}

/// The addresses of the files that every page loads.
pub(crate) fn addresses() -> &'static Addresses {
    static ADDRESSES: OnceLock<Addresses> = OnceLock::new();
    ADDRESSES.get_or_init(|| {
        let [style, script, icon] =
            ASSETS.each_ref().map(|asset| format!("/static/{}?v={}", asset.name, hash_of(asset)));
        Addresses { style, script, icon }
    })
}

/// Serves one of them.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn answer(asked: &Asked) -> Answer {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == asked.id)
        .ok_or_else(|| Problem::not_found("there is no such file"))?;
    let hash = hash_of(asset);
    let keeps = asked.query.get("v") == Some(hash.as_str());
    let keep = if keeps { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (CONTENT_TYPE, asset.media_type.to_owned()),
        (CACHE_CONTROL, keep.to_owned()),
        (ETAG, format!("\"{hash}\"")),
    ];
    Ok((headers, asset.content).into_response())
}

fn hash_of(asset: &Asset) -> String {
    blake3::hash(asset.content.as_bytes()).to_hex().chars().take(16).collect()
}
