//! Passwords, each in a file of its own.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a password file.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Reads the text of a password file; tests have another one.
pub(crate) type ReadSecret<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Reads a password file from disk.
pub(crate) fn from_disk(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(PASSWORD_BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Where `named` in the configuration file `file` lies: beside that file unless it is absolute.
///
/// # Errors
/// When the place has no name in UTF-8, or the working directory is gone.
pub(crate) fn locate(named: &str, file: &str) -> Result<PathBuf, String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let path = std::path::absolute(folder.join(named))
        .map_err(|error| format!("cannot be found: {error}; give an absolute path"))?;
    if path.to_str().is_none() {
        return Err("lies in a directory whose name is not UTF-8; move it elsewhere".to_owned());
    }
    Ok(path)
}

/// The password in a file: its text without the line's end.
///
/// # Errors
/// What is wrong; never what the file says.
pub(crate) fn password(path: &Path, read: ReadSecret<'_>) -> Result<String, String> {
    let shown = path.display();
    let text = read(path).map_err(|error| {
        let cause = match error.kind() {
            io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        format!("{shown} cannot be read: {cause}; the file holds the password and nothing else")
    })?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > PASSWORD_BYTES_MAX) {
        return Err(format!("{shown} is longer than {PASSWORD_BYTES_MAX} bytes; is it that file?"));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("{shown} is empty; write the password into it"));
    }
    if text.contains(char::is_control) {
        return Err(format!("{shown} has more than one line or control characters; one line"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        password(Path::new("/p"), &|_| Ok(text.to_owned()))
    }

    #[test]
    fn the_end_of_the_line_is_no_part_of_a_password() {
        assert_eq!(read("hunter2\n").unwrap(), "hunter2");
        assert_eq!(read("hunter2\r\n").unwrap(), "hunter2");
        assert_eq!(read(" hunter2 ").unwrap(), " hunter2 ");
    }

    #[test]
    fn a_refused_password_is_not_repeated() {
        for text in ["hunter2\nhunter2\n", "hunter2\0", &"hunter2".repeat(1_000)] {
            assert!(!read(text).unwrap_err().contains("hunter2"));
        }
        assert!(read("\n").unwrap_err().contains("empty"));
    }

    #[test]
    fn a_relative_name_lies_beside_the_configuration() {
        assert_eq!(locate("p", "/etc/tapline/tapline.yaml").unwrap(), Path::new("/etc/tapline/p"));
        assert_eq!(locate("/run/p", "/etc/tapline/t.yaml").unwrap(), Path::new("/run/p"));
        assert!(locate("p", "t.yaml").unwrap().is_absolute());
    }

    #[test]
    fn a_file_on_disk_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        assert_eq!(password(&path, &from_disk).unwrap(), "hunter2");
        std::fs::write(&path, "x".repeat(10_000)).unwrap();
        assert!(password(&path, &from_disk).unwrap_err().contains("longer"));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(password(&path, &from_disk).unwrap_err().contains("UTF-8"));
        assert!(password(&folder.path().join("none"), &from_disk).unwrap_err().contains("read"));
    }
}
