//! The per-install key on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use tapline_model::Key;

use crate::exit::{Failure, IO, NO_PERMISSION};

/// The name of the key inside the state directory.
const NAME: &str = "key";
const KEY_BYTES: usize = 32;

/// The key of this install: read from the state directory, made there on the first start.
///
/// # Errors
/// When the directory or the key cannot be made or read, or the key is not 32 bytes.
pub(crate) fn of_install(state_dir: &Path) -> Result<Key, Failure> {
    let path = state_dir.join(NAME);
    match read(&path) {
        Err(failure) if failure.not_found => make(state_dir, &path),
        Err(failure) => Err(failure.failure),
        Ok(key) => Ok(key),
    }
}

/// The key in a file that the operator names.
///
/// # Errors
/// When the file cannot be read or is not 32 bytes.
pub(crate) fn from_file(path: &Path) -> Result<Key, Failure> {
    read(path).map_err(|failure| failure.failure)
}

struct ReadFailure {
    not_found: bool,
    failure: Failure,
}

fn read(path: &Path) -> Result<Key, ReadFailure> {
    let failed = |error: &io::Error| ReadFailure {
        not_found: error.kind() == io::ErrorKind::NotFound,
        failure: describe(path, "cannot read the key", error),
    };
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| ReadFailure {
        not_found: false,
        failure: Failure::new(
            IO,
            format!(
                "{}: a key is exactly {KEY_BYTES} bytes; make one with \
                 `head -c {KEY_BYTES} /dev/urandom > FILE`",
                path.display()
            ),
        ),
    })?;
    Ok(Key::new(bytes))
}

fn make(state_dir: &Path, path: &Path) -> Result<Key, Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state_dir)
        .map_err(|error| describe(state_dir, "cannot make the state directory", &error))?;
    let bytes = random()?;
    // Written beside and linked into place, so that a crash never leaves half a key and two
    // sensors that start at once agree on one.
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    let removed = fs::remove_file(&beside);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(describe(path, "cannot write the key", &error)),
        Ok(()) => {}
    }
    removed.map_err(|error| describe(&beside, "cannot remove", &error))?;
    from_file(path)
}

/// Bytes that nobody can guess.
///
/// # Errors
/// When the system has none.
pub(crate) fn random() -> Result<[u8; KEY_BYTES], Failure> {
    let mut bytes = [0u8; KEY_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|error| Failure::io("/dev/urandom", &error))?;
    Ok(bytes)
}

fn describe(path: &Path, what: &str, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::PermissionDenied { NO_PERMISSION } else { IO };
    Failure::new(
        code,
        format!(
            "{}: {what}: {error}; sensor.state_dir names a directory the sensor may write to",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let first = of_install(&state).unwrap();
        let second = of_install(&state).unwrap();
        assert_eq!(first.text_hash(b"x"), second.text_hash(b"x"));
        let mode = fs::metadata(state.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(state.read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_short_key_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, b"short").unwrap();
        let failure = from_file(&path).unwrap_err();
        assert_eq!(failure.code, IO);
        assert!(failure.text.contains("exactly 32 bytes"), "{}", failure.text);
    }
}
