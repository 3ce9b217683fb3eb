//! Why nothing could be captured: each text names the thing, the cause and the remedy.

use std::fmt;
use std::io;

use thiserror::Error;

/// How the caller should answer a [`CaptureError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A file is missing, unreadable, no capture, truncated or corrupt.
    Input,
    /// An interface does not exist, is down, failed or vanished.
    Interface,
    /// The process may not capture.
    Privilege,
    /// The BPF filter is no filter.
    Filter,
}

/// What failed in capture.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// No interface has this name.
    #[error("{interface}: no such interface; there are: {existing}")]
    NoSuchInterface {
        /// As asked for.
        interface: String,
        /// Names of those that exist.
        existing: String,
    },
    /// The interface is down.
    #[error("{interface}: the interface is down; bring it up with: ip link set {interface} up")]
    InterfaceDown {
        /// Which.
        interface: String,
    },
    /// The process may not open packet sockets.
    #[error(
        "{interface}: not permitted to capture ({message}); run as root, or grant CAP_NET_RAW: \
         setcap cap_net_raw=ep on the program, or AmbientCapabilities=CAP_NET_RAW in its systemd \
         unit"
    )]
    MissingPrivilege {
        /// Which.
        interface: String,
        /// The words of libpcap.
        message: String,
    },
    /// The BPF filter does not compile.
    #[error("{interface}: the filter {filter:?} is wrong: {message}; see pcap-filter(7)")]
    InvalidFilter {
        /// For which.
        interface: String,
        /// As configured.
        filter: String,
        /// The words of libpcap.
        message: String,
    },
    /// A handle could not join the group that shares an interface among workers.
    #[error("{interface}: cannot share it among workers ({error}); use one worker")]
    Fanout {
        /// Which.
        interface: String,
        /// Of the kernel.
        error: io::Error,
    },
    /// The interface could not be opened for another reason.
    #[error("{interface}: cannot capture: {message}")]
    Interface {
        /// Which.
        interface: String,
        /// The words of libpcap or the kernel.
        message: String,
    },
    /// The interface failed or vanished while it was read.
    #[error("{interface}: capture ended: {message}; check that the interface still exists")]
    InterfaceLost {
        /// Which.
        interface: String,
        /// The words of libpcap or the kernel.
        message: String,
    },
    /// The interfaces could not be listed.
    #[error("cannot list the interfaces: {message}")]
    InterfaceList {
        /// The words of libpcap.
        message: String,
    },
    /// A file could not be opened.
    #[error("{file}: cannot be opened: {error}")]
    Unopenable {
        /// Which.
        file: String,
        /// Of the system.
        error: io::Error,
    },
    /// A directory was given in place of a file.
    #[error("{file}: is a directory; name the capture files in it")]
    Directory {
        /// Which.
        file: String,
    },
    /// Standard input is a person, not a capture.
    #[error("standard input is a terminal; pipe a capture into it, or name a file")]
    Terminal,
    /// More files than there are source ids.
    #[error("{count} capture files are too many at once; give at most {count_max}")]
    TooManyFiles {
        /// How many were given.
        count: usize,
        /// How many are left to give.
        count_max: usize,
    },
    /// There is nothing in the file.
    #[error("{file}: is empty; check how it was captured or copied")]
    Empty {
        /// Which.
        file: String,
    },
    /// The file starts like no capture.
    #[error(
        "{file}: is not a capture: it starts with {magic}; pcap and pcapng are read, also \
         compressed by gzip or zstd"
    )]
    NotACapture {
        /// Which.
        file: String,
        /// Its first bytes in hexadecimal, and what they usually stand for.
        magic: String,
    },
    /// The file ends inside a header or a frame.
    #[error(
        "{file}: truncated at {offset} after {frames} frames, which were read; copy it again if \
         it should be longer"
    )]
    Truncated {
        /// Which.
        file: String,
        /// Where it ends.
        offset: Offset,
        /// Frames before it.
        frames: u64,
    },
    /// The file contradicts itself; what follows cannot be found.
    #[error("{file}: corrupt at {offset} after {frames} frames, which were read: {problem}")]
    Corrupt {
        /// Which.
        file: String,
        /// Where the unreadable header or block starts.
        offset: Offset,
        /// Frames before it.
        frames: u64,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Reading the file failed.
    #[error("{file}: cannot be read at {offset} after {frames} frames: {error}")]
    Unreadable {
        /// Which.
        file: String,
        /// How far it could be read.
        offset: Offset,
        /// Frames before it.
        frames: u64,
        /// Of the system.
        error: io::Error,
    },
    /// The file lost the frames that it had when it was opened.
    #[error("{file}: was changed while it was being read; run again when it is complete")]
    Changed {
        /// Which.
        file: String,
    },
}

impl CaptureError {
    /// How the caller should answer.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingPrivilege { .. } => ErrorKind::Privilege,
            Self::InvalidFilter { .. } => ErrorKind::Filter,
            Self::NoSuchInterface { .. }
            | Self::InterfaceDown { .. }
            | Self::Fanout { .. }
            | Self::Interface { .. }
            | Self::InterfaceLost { .. }
            | Self::InterfaceList { .. } => ErrorKind::Interface,
            Self::Unopenable { .. }
            | Self::Directory { .. }
            | Self::Terminal
            | Self::TooManyFiles { .. }
            | Self::Empty { .. }
            | Self::NotACapture { .. }
            | Self::Truncated { .. }
            | Self::Corrupt { .. }
            | Self::Unreadable { .. }
            | Self::Changed { .. } => ErrorKind::Input,
        }
    }

    /// Whether more privileges would help.
    pub const fn is_missing_privilege(&self) -> bool {
        matches!(self.kind(), ErrorKind::Privilege)
    }
}

/// A place in a capture file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset {
    /// Bytes from its start.
    pub bytes: u64,
    /// Whether they are counted after decompression.
    pub decompressed: bool,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.decompressed { " of the decompressed capture" } else { "" };
        write!(f, "byte {}{of}", self.bytes)
    }
}

/// What a corrupt capture file gets wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A version of the format that is not known.
    #[error("version {major}.{minor} of the format is not known")]
    Version {
        /// Incompatible changes.
        major: u16,
        /// Compatible ones.
        minor: u16,
    },
    /// The byte-order magic of a section is none.
    #[error("the section says no byte order")]
    ByteOrder,
    /// A frame longer than any.
    #[error("a frame of {captured_bytes} bytes is longer than the {bytes_max} a frame can have")]
    FrameTooLong {
        /// As its header says.
        captured_bytes: u32,
        /// The longest there is.
        bytes_max: u32,
    },
    /// A block shorter than its own header.
    #[error("a block of {block_bytes} bytes is too short for its type")]
    BlockTooShort {
        /// As its header says.
        block_bytes: u32,
    },
    /// A block that would have to be held whole and is too long for that.
    #[error("a block of {block_bytes} bytes is longer than the {bytes_max} that are held")]
    BlockTooLong {
        /// As its header says.
        block_bytes: u32,
        /// The longest that is held.
        bytes_max: u32,
    },
    /// The two lengths of a block differ.
    #[error("a block says at its start that it has {first} bytes, and {last} at its end")]
    LengthsDiffer {
        /// At its start.
        first: u32,
        /// At its end.
        last: u32,
    },
    /// The captured bytes do not fit into their block.
    #[error("{captured_bytes} captured bytes do not fit into a block of {block_bytes}")]
    FrameBeyondBlock {
        /// As the frame says.
        captured_bytes: u32,
        /// As the block says.
        block_bytes: u32,
    },
    /// A frame of an interface that was not described.
    #[error("a frame comes from interface {id}, but {described} are described")]
    UnknownInterface {
        /// As the frame says.
        id: u32,
        /// In this section so far.
        described: usize,
    },
    /// More interfaces than any section has.
    #[error("a section describes more than {count_max} interfaces")]
    TooManyInterfaces {
        /// The most that are kept.
        count_max: usize,
    },
    /// A header block that cannot be read.
    #[error("a {block} block is malformed")]
    MalformedBlock {
        /// Its type.
        block: &'static str,
    },
    /// The compressed bytes cannot be decompressed.
    #[error("it cannot be decompressed: {message}")]
    Compression {
        /// The words of the decoder.
        message: String,
    },
}
