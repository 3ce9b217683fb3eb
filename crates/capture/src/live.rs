//! Frames from an interface.

#[cfg(test)]
mod tests;

use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use pcap::{Active, Capture, PacketHeader, Precision};
use tapline_model::{CaptureStats, Frame, LinkType, SourceId, Timestamp};

use crate::fanout::Membership;
use crate::interface::{interfaces, message};
use crate::interrupt::{Interrupt, Wakeup};
use crate::kernel_counters::KernelCounters;
use crate::{CaptureError, Config, Fanout, socket};

/// Frames of one [`Live::poll`] at most, so that a caller whose link never rests is not kept from
/// its other duties.
const FRAMES_PER_POLL_MAX: usize = 8_192;
/// A shorter wait would be none.
const WAIT_MIN: Duration = Duration::from_millis(1);
/// The ring that libpcap makes when it is not told.
const RING_BYTES_OF_LIBPCAP: u64 = 2 << 20;
/// libpcap's device that captures from all interfaces at once. It cannot be promiscuous.
const ANY_INTERFACE: &str = "any";

/// Whether frames can come over an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is up and has a carrier.
    Up,
    /// It was taken down, or the other end is gone. The handle stays good.
    Down,
}

/// One handle on one interface.
pub struct Live {
    capture: Capture<Active>,
    /// Given back after the socket is closed.
    membership: Option<Membership>,
    interface: String,
    /// The kernel's number of the interface; none for [`ANY_INTERFACE`].
    index: Option<i32>,
    link_type: LinkType,
    source: SourceId,
    stamps_in_nanos: bool,
    promiscuous: bool,
    block_timeout: Duration,
    ring_bytes: u64,
    wakeup: Wakeup,
    stale: Option<Stale>,
    kernel: KernelCounters,
    reports_interface_drops: bool,
    stats: CaptureStats,
    fault: Option<CaptureError>,
}

/// Frames that were queued before the fanout group was complete, of which other handles have copies.
struct Stale {
    before: Timestamp,
    /// What the ring can still hold of them, should the clock have been set back.
    bytes_left: u64,
}

impl Live {
    /// Opens an interface (`any` for all of them) and, with `fanout`, shares it with the other
    /// handles of that group. The interfaces named in `config` are not looked at.
    ///
    /// Nanosecond stamps and promiscuous mode are done without where the interface does not have
    /// them; see [`Live::is_promiscuous`].
    ///
    /// # Errors
    /// Every [`CaptureError`] about an interface, a privilege or a filter.
    pub fn open(
        interface: &str,
        config: &Config,
        source: SourceId,
        fanout: Option<&Fanout>,
    ) -> Result<Self, CaptureError> {
        let (mut capture, promiscuous) = activate(interface, config)?;
        let failed =
            |message: String| CaptureError::Interface { interface: interface.to_owned(), message };
        if let Some(filter) = &config.filter {
            capture.filter(filter, true).map_err(|error| CaptureError::InvalidFilter {
                interface: interface.to_owned(),
                filter: filter.clone(),
                message: message(&error),
            })?;
        }
        // The wait is ours: that of libpcap has no end on a quiet link (TPACKET_V3).
        let mut capture = capture.setnonblock().map_err(|error| failed(message(&error)))?;
        let membership = fanout.map(|fanout| fanout.join(capture.as_fd())).transpose();
        let membership = membership
            .map_err(|error| CaptureError::Fanout { interface: interface.to_owned(), error })?;
        let index = match interface {
            ANY_INTERFACE => None,
            _ => socket::interface_index(capture.as_fd(), interface).ok(),
        };
        let kernel = capture.stats().map_err(|error| failed(message(&error)))?;
        let link_type = u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX);
        Ok(Self {
            interface: interface.to_owned(),
            index,
            link_type: LinkType::from_dlt(link_type),
            source,
            stamps_in_nanos: socket::stamps_in_nanos(&capture),
            promiscuous,
            block_timeout: Duration::from_millis(u64::from(config.block_timeout_ms)),
            ring_bytes: match config.buffer_bytes {
                0 => RING_BYTES_OF_LIBPCAP,
                bytes => u64::from(bytes),
            },
            wakeup: Wakeup::new().map_err(|error| failed(error.to_string()))?,
            stale: None,
            kernel: KernelCounters::restart(kernel),
            reports_interface_drops: membership.as_ref().is_none_or(|member| member.founder),
            stats: CaptureStats::default(),
            fault: None,
            membership,
            capture,
        })
    }

    /// Forgets what was queued until now, and starts the kernel's counters. To be called on every
    /// handle of a fanout group after the last one has joined and before any is read: a handle
    /// that joined early has seen what others saw too.
    ///
    /// # Errors
    /// [`CaptureError::InterfaceLost`] when the kernel does not tell its counters.
    pub fn discard_queued(&mut self) -> Result<(), CaptureError> {
        // The ring gives its blocks back late, so the frames are told by their stamps, not by what
        // can be read now.
        #[expect(clippy::disallowed_methods, reason = "the kernel stamps frames by this clock")]
        let now = Timestamp::from(SystemTime::now());
        self.stale = Some(Stale { before: now, bytes_left: self.ring_bytes });
        let counters = self.capture.stats().map_err(|error| self.lost(message(&error)))?;
        self.kernel = KernelCounters::restart(counters);
        Ok(())
    }

    /// Hands out what the ring holds, at most 8 192 frames; when it holds none, waits for some,
    /// but no longer than the block timeout or until interrupted. Says how many there were.
    ///
    /// # Errors
    /// [`CaptureError::InterfaceLost`] when the interface failed or vanished.
    pub fn poll(&mut self, sink: &mut impl FnMut(&Frame<'_>)) -> Result<usize, CaptureError> {
        self.poll_within(self.block_timeout, sink)
    }

    /// [`Live::poll`] for a caller who has something else to do in a while: it waits no longer than
    /// that either, to the millisecond.
    ///
    /// # Errors
    /// As there.
    pub fn poll_within(
        &mut self,
        wait_max: Duration,
        sink: &mut impl FnMut(&Frame<'_>),
    ) -> Result<usize, CaptureError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let (read, delivered) = self.dispatch(sink)?;
        if read > 0 {
            return Ok(delivered);
        }
        let wait = self.block_timeout.min(wait_max).max(WAIT_MIN);
        let [readable, interrupted] =
            socket::wait(self.capture.as_fd(), self.wakeup.watched(), wait)
                .map_err(|error| self.lost(error.to_string()))?;
        if interrupted {
            self.wakeup.clear().map_err(|error| self.lost(error.to_string()))?;
        }
        if !readable {
            if !interrupted && wait >= self.block_timeout {
                // A whole block timeout without a block: nothing old is left in the ring.
                self.stale = None;
            }
            return Ok(0);
        }
        self.dispatch(sink).map(|(_, delivered)| delivered)
    }

    /// Whether frames can come. To be asked now and then: an interface that was deleted and made
    /// again under its old name leaves the handle deaf without an error.
    ///
    /// # Errors
    /// [`CaptureError::InterfaceLost`] when the interface that was opened is gone.
    pub fn link(&self) -> Result<Link, CaptureError> {
        let Some(index) = self.index else { return Ok(Link::Up) };
        let socket = self.capture.as_fd();
        let gone = |message: String| self.lost(message);
        let now = socket::interface_index(socket, &self.interface)
            .map_err(|error| gone(error.to_string()))?;
        if now != index {
            return Err(gone("another interface has its name now".to_owned()));
        }
        let running = socket::interface_runs(socket, &self.interface)
            .map_err(|error| gone(error.to_string()))?;
        Ok(if running { Link::Up } else { Link::Down })
    }

    /// Ends a wait in [`Live::poll`] from another thread.
    pub fn interrupt(&self) -> Interrupt {
        self.wakeup.interrupt()
    }

    /// The name of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// What the frames start with.
    pub const fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Whether frames to other hosts are seen.
    pub const fn is_promiscuous(&self) -> bool {
        self.promiscuous
    }

    /// Totals since the handle was opened, or since [`Live::discard_queued`] for what the kernel
    /// dropped. Interface drops are those of the whole interface, so only the first handle of a
    /// fanout group reports them. To be called more often than 2^31 frames can be lost.
    ///
    /// When the kernel does not tell its counters they stay as they were, and the next
    /// [`Live::poll`] fails.
    pub fn stats(&mut self) -> CaptureStats {
        self.advance_kernel_counters();
        CaptureStats {
            kernel_dropped_frames: self.kernel.dropped,
            interface_dropped_frames: if self.reports_interface_drops {
                self.kernel.interface_dropped
            } else {
                0
            },
            ..self.stats
        }
    }

    /// Hands out what is there, without waiting: how many frames were read, and delivered.
    fn dispatch(
        &mut self,
        sink: &mut impl FnMut(&Frame<'_>),
    ) -> Result<(usize, usize), CaptureError> {
        let mut delivered = 0;
        let Self { capture, stats, stale, link_type, source, stamps_in_nanos, .. } = self;
        let read = capture.dispatch(Some(FRAMES_PER_POLL_MAX), |packet| {
            let frame = Frame {
                captured_at: timestamp(packet.header, *stamps_in_nanos),
                link_type: *link_type,
                wire_bytes: packet.header.len.max(packet.header.caplen),
                bytes: packet.data,
                source: *source,
            };
            if is_stale(stale, &frame) {
                return;
            }
            stats.frames += 1;
            stats.frame_bytes += u64::from(frame.wire_bytes);
            stats.snapped_frames += u64::from(frame.wire_bytes > packet.header.caplen);
            delivered += 1;
            sink(&frame);
        });
        match read {
            Ok(read) => Ok((read, delivered)),
            Err(error) => Err(self.lost(message(&error))),
        }
    }

    fn advance_kernel_counters(&mut self) {
        match self.capture.stats() {
            Ok(now) => self.kernel.advance(now),
            Err(error) => self.fault = Some(self.lost(message(&error))),
        }
    }

    fn lost(&self, message: String) -> CaptureError {
        CaptureError::InterfaceLost { interface: self.interface.clone(), message }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("interface", &self.interface)
            .field("link_type", &self.link_type)
            .field("source", &self.source)
            .field("membership", &self.membership)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Whether the frame was queued too early. The first that was not ends the search.
fn is_stale(stale: &mut Option<Stale>, frame: &Frame<'_>) -> bool {
    let Some(limit) = stale else { return false };
    limit.bytes_left = limit.bytes_left.saturating_sub(frame.bytes.len() as u64);
    if frame.captured_at >= limit.before || limit.bytes_left == 0 {
        *stale = None;
        return false;
    }
    true
}

fn timestamp(header: &PacketHeader, stamps_in_nanos: bool) -> Timestamp {
    let seconds = u64::try_from(header.ts.tv_sec).unwrap_or(0);
    // With nanosecond precision libpcap keeps nanoseconds in the field for microseconds.
    let fraction = u64::try_from(header.ts.tv_usec).unwrap_or(0);
    let nanos = if stamps_in_nanos { fraction } else { fraction.saturating_mul(1_000) };
    Timestamp::from_seconds(seconds).plus_nanos(nanos)
}

/// Opens the handle with as much of what was asked for as the interface has; says whether it is
/// promiscuous. libpcap answers what is not there with a warning, which the binding makes an error.
fn activate(interface: &str, config: &Config) -> Result<(Capture<Active>, bool), CaptureError> {
    let wanted = config.promiscuous && interface != ANY_INTERFACE;
    let mut first_error = None;
    for (promiscuous, precision) in [
        (wanted, Precision::Nano),
        (wanted, Precision::Micro),
        (false, Precision::Nano),
        (false, Precision::Micro),
    ] {
        let inactive = Capture::from_device(interface).map_err(|e| refused(interface, &e))?;
        let inactive = match i32::try_from(config.buffer_bytes).unwrap_or(i32::MAX) {
            0 => inactive,
            bytes => inactive.buffer_size(bytes),
        };
        // No immediate mode: it would make libpcap fall back to TPACKET_V2, which costs many times
        // the CPU time.
        let opened = inactive
            .promisc(promiscuous)
            .precision(precision)
            .snaplen(i32::try_from(config.snap_bytes).unwrap_or(i32::MAX))
            .timeout(i32::try_from(config.block_timeout_ms).unwrap_or(i32::MAX))
            .open();
        match opened {
            Ok(capture) => return Ok((capture, promiscuous)),
            Err(error) => {
                let error = refused(interface, &error);
                if !matches!(error, CaptureError::Interface { .. }) {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| CaptureError::Interface {
        interface: interface.to_owned(),
        message: "no way to open it".to_owned(),
    }))
}

/// Tells the usual causes apart. The binding keeps the text of libpcap and not its code, and the
/// text differs by version, so the system is asked too.
pub(crate) fn refused(interface: &str, error: &pcap::Error) -> CaptureError {
    let message = message(error);
    let interface = interface.to_owned();
    let known = match interfaces() {
        Ok(known) => known,
        Err(error) => return error,
    };
    let own = known.iter().find(|known| known.name == interface);
    if own.is_none() && interface != ANY_INTERFACE {
        let existing: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        return CaptureError::NoSuchInterface { interface, existing: existing.join(", ") };
    }
    let said = message.to_lowercase();
    if ["permi", "cap_net_raw"].iter().any(|word| said.contains(word)) {
        return CaptureError::MissingPrivilege { interface, message };
    }
    if own.is_some_and(|own| !own.up) {
        return CaptureError::InterfaceDown { interface };
    }
    CaptureError::Interface { interface, message }
}
