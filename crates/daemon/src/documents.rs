//! The documents that the configuration names.

use std::sync::Arc;

use tapline_config::Settings;
use tapline_discovery::{Documented, HostPattern, PathPattern};
use tapline_openapi::{HostDocument, Limits};

use crate::command::convert::read;
use crate::exit::{CONFIG, Failure};

/// Documents, shared by all that need them.
pub(crate) type Documents = Arc<[HostDocument]>;

/// Reads every document that the settings name.
///
/// # Errors
/// When one cannot be read, with every problem in all of them.
pub(crate) fn load(settings: &Settings) -> Result<Documents, Failure> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for api in &settings.documents.apis {
        match read(&api.file) {
            Ok(found) => {
                for note in &found.notes {
                    tracing::debug!("{}: {note}", api.file.display());
                }
                let mut document = found.document;
                if let Some(base) = &api.base_path {
                    document.servers = vec![format!("{base}/")];
                }
                documents.push(HostDocument { host: api.host.clone(), document });
            }
            Err(failure) => problems.push(failure.text),
        }
    }
    if problems.is_empty() {
        return Ok(documents.into());
    }
    Err(Failure::new(CONFIG, problems.join("\n")))
}

/// The path templates of documents by host, as far as they can be known in traffic.
pub(crate) fn templates(documents: &[HostDocument]) -> Documented {
    let of_one = |one: &HostDocument| {
        let host = HostPattern::parse(&one.host);
        let paths = one.templates();
        let paths = paths.into_iter().filter_map(|path| PathPattern::parse(&path).ok());
        paths.filter_map(move |path| Some((host.clone()?, path))).collect::<Vec<_>>()
    };
    documents.iter().flat_map(of_one).collect()
}

/// When what is seen is enough for a finding.
pub(crate) fn limits(settings: &Settings) -> Limits {
    Limits { observations_min: u64::from(settings.documents.observations_min) }
}
