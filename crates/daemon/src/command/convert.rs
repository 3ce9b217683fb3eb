//! `tapline convert`; and how commands read API documents.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use tapline_openapi::{DOCUMENT_BYTES_MAX, Dialect, Problem, Read};

use crate::cli::{self, Convert};
use crate::exit::{DATA, Failure};

/// Writes a document anew; what has no place in it is told on stderr.
pub(crate) fn run(arguments: &Convert) -> Result<(), Failure> {
    let Read { document, notes, .. } = read(&arguments.document)?;
    tell(&arguments.document, &notes)?;
    let dialect = Dialect::parse(&arguments.to).unwrap_or_default();
    let text = if arguments.yaml {
        tapline_openapi::to_yaml(&document, dialect)
    } else {
        tapline_openapi::to_json(&document, dialect)
    };
    cli::print(|out| out.write_all(text.as_bytes()))
}

/// Reads a document.
///
/// # Errors
/// When the file cannot be read, and with every problem in it.
pub(crate) fn read(path: &Path) -> Result<Read, Failure> {
    let mut bytes = Vec::new();
    let bytes_max = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    File::open(path)
        .and_then(|file| file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| Failure::io(path.display(), &error))?;
    tapline_openapi::read(&bytes).map_err(|problems| {
        let lines: Vec<_> =
            problems.0.iter().map(|problem| format!("{}: {problem}", path.display())).collect();
        Failure::new(DATA, lines.join("\n"))
    })
}

/// Tells on stderr what was left out of a document, or put right.
pub(crate) fn tell(path: &Path, notes: &[Problem]) -> Result<(), Failure> {
    let mut text = String::new();
    for note in notes {
        let line = format!("tapline: {}: {note}\n", path.display());
        text.push_str(&line);
    }
    std::io::stderr()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::io("standard error", &error))
}
