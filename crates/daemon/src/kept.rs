//! A file that keeps what operators said.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a file holds; none when there is no file.
///
/// # Errors
/// When it cannot be read, or is longer than `bytes_max`.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(_) if bytes.len() as u64 > bytes_max => Err(io::Error::other("it is too long")),
        Ok(_) => Ok(Some(bytes)),
    }
}

/// Writes beside and renames, so that a crash leaves the old file or the new one. Only the owner reads
/// it.
///
/// # Errors
/// When it cannot be written; then the old file is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all()));
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.yaml");
        assert_eq!(read(&path, 3).unwrap(), None);
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"new");
        assert!(read(&path, 2).unwrap_err().to_string().contains("too long"));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left beside it");
        assert!(write(&folder.path().join("gone/kept.yaml"), b"x").is_err());
    }
}
