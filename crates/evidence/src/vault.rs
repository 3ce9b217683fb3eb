//! Excerpts on disk: encrypted, in a folder of bounded size.

mod error;
mod file;
mod kept;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::{fs, io};

pub use self::error::VaultError;
pub use self::kept::Kept;
use self::kept::Name;
use crate::{Config, Excerpt, RECIPIENTS_MAX, Recipient};

/// Excerpts in the folder, however small.
const FILES_MAX: usize = 16_384;

/// What became of excerpts, since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Written.
    pub kept: u64,
    /// Old ones removed to make room, those of earlier starts among them.
    pub removed: u64,
    /// Not written: larger than the whole folder may be.
    pub refused: u64,
    /// Not written: encryption or the disk failed.
    pub failed: u64,
    /// Bytes of all excerpts in the folder now.
    pub bytes: u64,
}

/// Encrypts excerpts and keeps the last ones. It has public keys alone and can read none.
///
/// Every call works on the disk and may take long: none belongs on a thread that captures. A folder
/// belongs to one vault.
#[derive(Debug)]
pub struct Vault {
    folder: PathBuf,
    recipients: Vec<Recipient>,
    folder_bytes_max: u64,
    /// What is in the folder, oldest first, as far as this vault knows.
    kept: VecDeque<Kept>,
    counts: Counts,
}

impl Vault {
    /// Makes the folder if it is missing, with its parents, for its owner alone (0700), and finds the
    /// excerpts that earlier starts left there. Removes the oldest while they are above
    /// [`Config::folder_bytes_max`], and what a crash left half written. Other files are let be.
    ///
    /// # Errors
    /// When no folder or recipient is set, a recipient is none, or the folder cannot be made, read
    /// or written to.
    pub fn open(config: &Config) -> Result<Self, VaultError> {
        let folder = config.folder.clone().ok_or(VaultError::NoFolder)?;
        let recipients = recipients_of(config)?;
        file::make_folder(&folder)
            .and_then(|()| file::try_folder(&folder))
            .map_err(|cause| VaultError::Folder { folder: folder.clone(), cause })?;
        let kept = file::list(&folder)
            .map_err(|cause| VaultError::Folder { folder: folder.clone(), cause })?;
        let folder_bytes_max = config.folder_bytes_max;
        let counts = Counts { bytes: kept.iter().map(|one| one.bytes).sum(), ..Counts::default() };
        let mut vault = Self { folder, recipients, folder_bytes_max, kept, counts };
        vault.make_room(0)?;
        Ok(vault)
    }

    /// Encrypts an excerpt to every recipient and writes it as `<finding>-<n>.pcap.age`, for its owner
    /// alone (0600), with the next free `n`; returns its path. The oldest excerpts are removed first,
    /// so that the folder is never above [`Config::folder_bytes_max`]. No plain byte is written.
    ///
    /// # Errors
    /// When it is larger than the folder may be, encryption fails, or the disk does. The file is then
    /// not there.
    pub fn keep(&mut self, excerpt: &Excerpt) -> Result<PathBuf, VaultError> {
        let result = self.write(excerpt);
        match &result {
            Ok(_) => self.counts.kept += 1,
            Err(VaultError::TooLarge { .. }) => self.counts.refused += 1,
            Err(_) => self.counts.failed += 1,
        }
        result
    }

    /// The excerpts in the folder, oldest first. Ones that others took away are not among them.
    pub fn list(&self) -> Vec<Kept> {
        self.kept.iter().filter(|one| self.is_there(one)).cloned().collect()
    }

    /// What became of excerpts.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn write(&mut self, excerpt: &Excerpt) -> Result<PathBuf, VaultError> {
        let sealed = seal::seal(excerpt.bytes(), &self.recipients)?;
        let bytes = sealed.len() as u64;
        if bytes > self.folder_bytes_max {
            return Err(VaultError::TooLarge { bytes, bytes_max: self.folder_bytes_max });
        }
        self.make_room(bytes)?;
        let name = self.free_name(excerpt);
        let path = self.folder.join(name.to_string());
        let modified = file::write(&self.folder, &name, &sealed)
            .map_err(|cause| VaultError::Write { path: path.clone(), cause })?;
        self.kept.push_back(Kept::new(&name, bytes, modified));
        self.counts.bytes += bytes;
        Ok(path)
    }

    /// Removes the oldest until there is room for a file of `bytes`, or none when it has 0.
    fn make_room(&mut self, bytes: u64) -> Result<(), VaultError> {
        let files = usize::from(bytes > 0);
        let is_full = |vault: &Self| {
            vault.counts.bytes.saturating_add(bytes) > vault.folder_bytes_max
                || vault.kept.len() + files > FILES_MAX
        };
        // What others took away makes room as well.
        if is_full(self) {
            self.forget_gone();
        }
        while is_full(self) {
            let Some(oldest) = self.kept.front() else { break };
            let path = self.folder.join(&oldest.name);
            match fs::remove_file(&path) {
                Ok(()) => self.counts.removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(VaultError::Remove { path, cause }),
            }
            self.counts.bytes = self.counts.bytes.saturating_sub(oldest.bytes);
            self.kept.pop_front();
        }
        Ok(())
    }

    fn forget_gone(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain(|one| self.is_there(one));
        self.kept = kept;
        self.counts.bytes = self.kept.iter().map(|one| one.bytes).sum();
    }

    fn is_there(&self, kept: &Kept) -> bool {
        let looked = fs::symlink_metadata(self.folder.join(&kept.name));
        !looked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// The number after the last one of this finding; the first free one when there is none after.
    fn free_name(&self, excerpt: &Excerpt) -> Name {
        let same = self.kept.iter().filter(|one| one.finding == excerpt.finding());
        let taken: BTreeSet<u32> = same.map(|one| one.number).collect();
        let after = taken.last().map_or(0, |last| last.saturating_add(1));
        let name = |number| Name { finding: excerpt.finding.clone(), number };
        (after..=u32::MAX)
            .chain(0..after)
            .filter(|number| !taken.contains(number))
            .map(name)
            .find(|name| fs::symlink_metadata(self.folder.join(name.to_string())).is_err())
            .unwrap_or_else(|| name(after))
    }
}

fn recipients_of(config: &Config) -> Result<Vec<Recipient>, VaultError> {
    match config.recipients.len() {
        0 => return Err(VaultError::NoRecipient),
        count if count > RECIPIENTS_MAX => return Err(VaultError::TooManyRecipients { count }),
        _ => {}
    }
    let parsed = |(text, number): (&String, usize)| {
        Recipient::parse(text).map_err(|cause| VaultError::Recipient { number, cause })
    };
    config.recipients.iter().zip(1..).map(parsed).collect()
}
