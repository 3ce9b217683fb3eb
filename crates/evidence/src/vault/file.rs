//! The folder and its files.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tapline_model::Timestamp;

use super::kept::{Kept, Name};

/// What follows the name of a file that is being written; the number of the process is after it.
const UNFINISHED: &str = ".new-";
/// The name of a file that shows whether files can be written.
const TRIAL: &str = "trial";

/// Makes the folder, if it is not there, for its owner alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Finds out now, not at the first finding, that nothing can be written.
pub(super) fn try_folder(folder: &Path) -> io::Result<()> {
    let trial = beside(&folder.join(TRIAL));
    create(&trial)?;
    fs::remove_file(trial)
}

/// The excerpts in the folder, oldest first. Removes unfinished ones.
pub(super) fn list(folder: &Path) -> io::Result<VecDeque<Kept>> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        match look(&entry?) {
            Ok(found) => kept.extend(found),
            // Somebody took it away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    kept.sort_by(|a, b| {
        (a.modified, &a.finding, a.number).cmp(&(b.modified, &b.finding, b.number))
    });
    Ok(kept.into())
}

/// The excerpt that this is, if it is one.
fn look(entry: &DirEntry) -> io::Result<Option<Kept>> {
    let name = entry.file_name();
    let Some(text) = name.to_str() else { return Ok(None) };
    // Not through a symbolic link: what it points at is not ours to remove.
    if !entry.file_type()?.is_file() {
        return Ok(None);
    }
    if is_unfinished(text) {
        fs::remove_file(entry.path())?;
        return Ok(None);
    }
    let Some(name) = Name::parse(text) else { return Ok(None) };
    let metadata = entry.metadata()?;
    Ok(Some(Kept::new(&name, metadata.len(), metadata.modified()?.into())))
}

/// Writes beside and renames, so that a crash leaves the whole file or none; only the owner can read
/// it. Returns when it was written.
pub(super) fn write(folder: &Path, name: &Name, bytes: &[u8]) -> io::Result<Timestamp> {
    let path = folder.join(name.to_string());
    let unfinished = beside(&path);
    let written = create(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        file.metadata()?.modified()
    });
    let renamed = written.and_then(|modified| fs::rename(&unfinished, &path).map(|()| modified));
    match renamed {
        Err(error) => {
            drop(fs::remove_file(&unfinished));
            Err(error)
        }
        Ok(modified) => match File::open(folder).and_then(|folder| folder.sync_all()) {
            Ok(()) => Ok(modified.into()),
            // What is told as failed must not be there.
            Err(error) => fs::remove_file(&path).and(Err(error)),
        },
    }
}

fn create(path: &Path) -> io::Result<File> {
    // A new file alone, so that no link is followed; an earlier process of this number may have left
    // one.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("{UNFINISHED}{}", std::process::id()));
    name.into()
}

fn is_unfinished(text: &str) -> bool {
    text.split_once(UNFINISHED).is_some_and(|(name, process)| {
        let ours = name == TRIAL || Name::parse(name).is_some();
        ours && !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_vault_was_writing_is_unfinished() {
        assert!(is_unfinished("00c0ffee00c0ffee-0.pcap.age.new-17"));
        assert!(is_unfinished("trial.new-17"));
        for text in [
            "00c0ffee00c0ffee-0.pcap.age",
            "00c0ffee00c0ffee-0.pcap.age.new-",
            "00c0ffee00c0ffee-0.pcap.age.new-x",
            "notes.new-17",
        ] {
            assert!(!is_unfinished(text), "{text}");
        }
    }
}
