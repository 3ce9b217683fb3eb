//! What neither std nor the libpcap binding offers on a packet socket. All unsafe code is here.
#![expect(
    unsafe_code,
    reason = "poll, packet socket options, interface requests and one libpcap getter have no safe form"
)]

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use pcap::{Active, Capture};

/// Frames go to the handle that the hash of their flow names. Kernel defragmentation is not asked
/// for: it covers IPv4 alone and hides overlaps.
const HASH: u32 = libc::PACKET_FANOUT_HASH;
/// The kernel picks a number that no group has (Linux 4.12). Given by the founder alone.
const UNIQUE_NUMBER: u32 = libc::PACKET_FANOUT_FLAG_UNIQUEID;

unsafe extern "C" {
    /// See `pcap_get_tstamp_precision(3PCAP)`: 1 is nanoseconds.
    fn pcap_get_tstamp_precision(handle: *mut c_void) -> c_int;
}

/// Makes a fanout group of one socket and says its number.
pub(crate) fn found_fanout(socket: BorrowedFd<'_>) -> io::Result<u16> {
    set_fanout(socket, (HASH | UNIQUE_NUMBER) << 16)?;
    let mut option: u32 = 0;
    let mut option_bytes = option_bytes();
    // SAFETY: the descriptor is open, and the kernel writes at most `option_bytes` bytes, the size
    // of `option`, which lives until after the call.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            (&raw mut option).cast(),
            &raw mut option_bytes,
        )
    };
    check(status)?;
    // The number is in the lower half (packet(7)).
    let [low, high, ..] = option.to_le_bytes();
    Ok(u16::from_le_bytes([low, high]))
}

/// Lets a socket into the group that has this number. All members are bound to one interface.
pub(crate) fn join_fanout(socket: BorrowedFd<'_>, number: u16) -> io::Result<()> {
    set_fanout(socket, (HASH << 16) | u32::from(number))
}

/// Waits until one of the two can be read or has failed, but no longer than `timeout`; says which.
/// A signal ends the wait early.
pub(crate) fn wait(
    first: BorrowedFd<'_>,
    second: BorrowedFd<'_>,
    timeout: Duration,
) -> io::Result<[bool; 2]> {
    let mut polled = [first, second].map(|descriptor| libc::pollfd {
        fd: descriptor.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: both descriptors are open, and the array has the two elements that are announced and
    // lives until after the call.
    let status = unsafe { libc::poll(polled.as_mut_ptr(), 2, timeout_ms) };
    match check(status) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok([false, false]),
        Err(error) => Err(error),
        Ok(()) => Ok(polled.map(|descriptor| descriptor.revents != 0)),
    }
}

/// Whether the handle stamps its frames in nanoseconds; microseconds otherwise.
pub(crate) fn stamps_in_nanos(capture: &Capture<Active>) -> bool {
    // SAFETY: the pointer is that of an open handle, which `capture` keeps open, and the function
    // reads one field of it.
    let precision = unsafe { pcap_get_tstamp_precision(capture.as_ptr().cast()) };
    precision == 1
}

/// The kernel's number of an interface: one that is made again has another.
pub(crate) fn interface_index(socket: BorrowedFd<'_>, name: &str) -> io::Result<i32> {
    let answer = ask_interface(socket, name, libc::SIOCGIFINDEX as libc::Ioctl)?;
    // SAFETY: SIOCGIFINDEX has filled this member, and every bit pattern of it is a number.
    Ok(unsafe { answer.ifr_ifru.ifru_ifindex })
}

/// Whether an interface is up and has a carrier.
pub(crate) fn interface_runs(socket: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    let answer = ask_interface(socket, name, libc::SIOCGIFFLAGS as libc::Ioctl)?;
    // SAFETY: SIOCGIFFLAGS has filled this member, and every bit pattern of it is a number.
    let flags = c_int::from(unsafe { answer.ifr_ifru.ifru_flags });
    let needed = libc::IFF_UP | libc::IFF_RUNNING;
    Ok(flags & needed == needed)
}

/// One question of netdevice(7) about an interface.
fn ask_interface(
    socket: BorrowedFd<'_>,
    name: &str,
    question: libc::Ioctl,
) -> io::Result<libc::ifreq> {
    // SAFETY: the structure is plain numbers, of which zero is one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero and ends the name.
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    // SAFETY: the descriptor is open, and the kernel reads and writes the one structure, which lives
    // until after the call.
    let status = unsafe { libc::ioctl(socket.as_raw_fd(), question, &raw mut request) };
    check(status)?;
    Ok(request)
}

fn set_fanout(socket: BorrowedFd<'_>, option: u32) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the kernel reads the four bytes of `option`, which lives
    // until after the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            (&raw const option).cast(),
            option_bytes(),
        )
    };
    check(status)
}

fn option_bytes() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<u32>()).unwrap_or(4)
}

fn check(status: c_int) -> io::Result<()> {
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
