//! Why an excerpt is not kept.

use std::io;
use std::path::PathBuf;

use crate::{RECIPIENTS_MAX, RecipientError};

/// What a vault could not do. No error holds a key or a packet.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No folder is set.
    #[error("no folder is set for evidence")]
    NoFolder,
    /// No recipient is set.
    #[error("nobody could read the evidence: set a public key, `age1…`, made by `age-keygen`")]
    NoRecipient,
    /// There are more recipients than may be.
    #[error("there are {count} recipients, and at most {RECIPIENTS_MAX} may be")]
    TooManyRecipients {
        /// How many.
        count: usize,
    },
    /// A recipient is none.
    #[error("recipient number {number}: {cause}")]
    Recipient {
        /// Which one of the settings, from 1.
        number: usize,
        /// What is wrong with it.
        cause: RecipientError,
    },
    /// The folder cannot be made, read or written to.
    #[error("{}: cannot use the folder: {cause}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// An excerpt is larger, encrypted, than all of them may be.
    #[error("an excerpt of {bytes} bytes does not fit a folder of at most {bytes_max}")]
    TooLarge {
        /// Of the encrypted file.
        bytes: u64,
        /// Of the folder.
        bytes_max: u64,
    },
    /// Encryption failed.
    #[error("cannot encrypt: {0}")]
    Encrypt(String),
    /// A file cannot be written.
    #[error("{}: cannot write: {cause}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// An old file cannot be removed, and there is no room without.
    #[error("{}: cannot remove: {cause}", path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}
