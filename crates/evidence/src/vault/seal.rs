//! Encryption to public keys.

use std::io::Write;

use super::VaultError;
use crate::Recipient;

/// Bytes that encryption adds at most to the first 64 KiB, for each recipient and besides.
const HEADER_BYTES: usize = 256;
/// Each has 16 bytes of its own.
const CHUNK_BYTES: usize = 64 << 10;

/// A file that any of `recipients` can decrypt.
pub(super) fn seal(plain: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, VaultError> {
    let keys = recipients.iter().map(|one| one.key() as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys)
        .map_err(|error| VaultError::Encrypt(error.to_string()))?;
    let added = HEADER_BYTES * (recipients.len() + 1) + 16 * plain.len().div_ceil(CHUNK_BYTES);
    let mut sealed = Vec::with_capacity(plain.len() + added);
    encryptor
        .wrap_output(&mut sealed)
        .and_then(|mut writer| writer.write_all(plain).and_then(|()| writer.finish()))
        .map_err(|error| VaultError::Encrypt(error.to_string()))?;
    Ok(sealed)
}
