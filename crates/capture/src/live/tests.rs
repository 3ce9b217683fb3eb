//! What is seen of interfaces. Most of it needs the right to capture.

use std::net::UdpSocket;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::*;
use crate::ErrorKind;

/// Polls without a frame after which nothing is expected any more.
const QUIET_POLLS: usize = 5;

fn config(filter: &str) -> Config {
    Config {
        filter: Some(filter.to_owned()),
        buffer_bytes: 2 << 20,
        block_timeout_ms: 20,
        ..Config::default()
    }
}

/// A handle on the loopback for datagrams to a port; none, loudly, without the right.
fn loopback(port: u16, fanout: Option<&Fanout>) -> Option<Live> {
    match Live::open("lo", &config(&format!("udp dst port {port}")), SourceId(3), fanout) {
        Ok(live) => Some(live),
        Err(error) if error.kind() != ErrorKind::Filter => {
            loudly(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A port that swallows datagrams.
fn swallow() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// Sends one datagram of each flow, with the number of the flow in it.
fn send(port: u16, flows: std::ops::Range<u32>) {
    for flow in flows {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(&flow.to_be_bytes(), ("127.0.0.1", port)).unwrap();
    }
}

/// The flow numbers that a handle has, after it was quiet for a while.
fn collect(live: &mut Live) -> Vec<u32> {
    let mut seen = Vec::new();
    let mut quiet = 0;
    while quiet < QUIET_POLLS {
        let mut sink = |frame: &Frame<'_>| {
            assert_eq!(frame.source, SourceId(3));
            seen.push(u32::from_be_bytes(*frame.bytes.last_chunk().unwrap()));
        };
        quiet = if live.poll(&mut sink).unwrap() == 0 { quiet + 1 } else { 0 };
    }
    seen
}

#[test]
fn datagrams_on_the_loopback_are_seen_whole_and_in_time() {
    let (_socket, port) = swallow();
    let Some(mut live) = loopback(port, None) else { return };
    let before = now();
    send(port, 0..300);
    let mut seen = Vec::new();
    while seen.len() < 300 {
        live.poll(&mut |frame| {
            assert_eq!(frame.link_type, LinkType::Ethernet);
            assert_eq!(frame.bytes.len(), 14 + 20 + 8 + 4);
            assert_eq!(frame.wire_bytes, 46);
            assert!((before..=now()).contains(&frame.captured_at), "{}", frame.captured_at);
            seen.push(u32::from_be_bytes(*frame.bytes.last_chunk().unwrap()));
        })
        .unwrap();
    }
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
    let stats = live.stats();
    assert_eq!((stats.frames, stats.frame_bytes, stats.snapped_frames), (300, 300 * 46, 0));
    assert_eq!(stats.kernel_dropped_frames, 0);
    assert_eq!(live.link_type(), LinkType::Ethernet);
    assert!(live.stamps_in_nanos);
}

#[test]
fn a_cut_frame_says_how_long_it_was() {
    let (_socket, port) = swallow();
    if loopback(port, None).is_none() {
        return;
    }
    let config = Config { snap_bytes: 64, ..config(&format!("udp dst port {port}")) };
    let mut live = Live::open("lo", &config, SourceId(0), None).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&[0; 500], ("127.0.0.1", port)).unwrap();
    let mut told = None;
    while told.is_none() {
        live.poll(&mut |frame| told = Some((frame.bytes.len(), frame.wire_bytes))).unwrap();
    }
    assert_eq!(told, Some((64, 542)));
    assert_eq!(live.stats().snapped_frames, 1);
}

#[test]
fn what_the_ring_could_not_hold_is_counted() {
    let (_socket, port) = swallow();
    let Some(mut live) = loopback(port, None) else { return };
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..8_000 {
        sender.send_to(&[0; 1_000], ("127.0.0.1", port)).unwrap();
    }
    let received = collect(&mut live).len() as u64;
    let dropped = live.stats().kernel_dropped_frames;
    assert!(received < 8_000 && dropped > 0);
    // The kernel counts the copies that leave by the loopback too; libpcap leaves those out.
    assert!(received + dropped >= 8_000, "{received} + {dropped}");
    live.discard_queued().unwrap();
    assert_eq!(live.stats().kernel_dropped_frames, 0);
}

#[test]
fn a_quiet_link_gives_nothing_after_the_timeout() {
    let (_socket, port) = swallow();
    let Some(mut live) = loopback(port, None) else { return };
    let begun = instant();
    assert_eq!(live.poll(&mut |_| {}).unwrap(), 0);
    let waited = begun.elapsed();
    assert!((10..2_000).contains(&waited.as_millis()), "{waited:?}");
}

#[test]
fn an_interrupt_ends_the_wait_and_is_no_error() {
    let (_socket, port) = swallow();
    if loopback(port, None).is_none() {
        return;
    }
    let config = Config { block_timeout_ms: 60_000, ..config(&format!("udp dst port {port}")) };
    let mut live = Live::open("lo", &config, SourceId(0), None).unwrap();
    let interrupt = live.interrupt();
    let begun = instant();
    let waker = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        interrupt.interrupt();
    });
    assert_eq!(live.poll(&mut |_| {}).unwrap(), 0);
    assert!(begun.elapsed() < Duration::from_secs(10));
    waker.join().unwrap();
}

#[test]
fn a_group_of_handles_sees_every_frame_once() {
    let (_socket, port) = swallow();
    let fanout = Fanout::new_group();
    let mut group: Vec<Live> = Vec::new();
    for member in 0..3 {
        let Some(live) = loopback(port, Some(&fanout)) else { return };
        group.push(live);
        // Those who have joined see these, as many as they are: they are not to be told.
        send(port, 1_000 * (member + 1)..1_000 * (member + 1) + 20);
    }
    for live in &mut group {
        live.discard_queued().unwrap();
    }
    send(port, 0..200);
    let shares: Vec<Vec<u32>> = group.iter_mut().map(collect).collect();
    let mut seen = shares.concat();
    seen.sort_unstable();
    assert_eq!(seen, (0..200).collect::<Vec<_>>());
    assert!(shares.iter().all(|share| !share.is_empty()), "the kernel shares by flow");
    let reporting = group.iter().filter(|live| live.reports_interface_drops).count();
    assert_eq!(reporting, 1);
}

#[test]
fn groups_do_not_meet() {
    let (_socket, port) = swallow();
    let Some(mut first) = loopback(port, Some(&Fanout::new_group())) else { return };
    let Some(mut second) = loopback(port, Some(&Fanout::new_group())) else { return };
    send(port, 0..50);
    assert_eq!(collect(&mut first).len(), 50);
    assert_eq!(collect(&mut second).len(), 50);
}

#[test]
fn an_interface_that_does_not_exist_is_named_with_those_that_do() {
    let error = Live::open("nosuch0", &Config::default(), SourceId(0), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interface);
    let text = error.to_string();
    assert!(text.contains("nosuch0") && text.contains("lo"), "{text}");
    assert!(Live::open("a\0b", &Config::default(), SourceId(0), None).is_err());
}

#[test]
fn a_wrong_filter_is_told_in_the_words_of_libpcap() {
    let (_socket, port) = swallow();
    if loopback(port, None).is_none() {
        return;
    }
    let error = Live::open("lo", &config("tcp prot 80"), SourceId(0), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Filter);
    let text = error.to_string();
    assert!(text.contains("tcp prot 80") && text.contains("syntax"), "{text}");
}

#[test]
fn all_interfaces_at_once_are_captured_without_promiscuous_mode() {
    let (_socket, port) = swallow();
    if loopback(port, None).is_none() {
        return;
    }
    let config = config(&format!("udp dst port {port}"));
    let mut live = Live::open("any", &config, SourceId(3), None).unwrap();
    assert!(!live.is_promiscuous());
    send(port, 0..10);
    assert!(collect(&mut live).len() >= 10);
    assert!(matches!(live.link_type(), LinkType::LinuxCooked | LinkType::LinuxCooked2));
}

#[test]
fn an_interface_that_is_down_or_vanishes_is_named() {
    let _veth = match Veth::new("tltest0", "tltest1") {
        Ok(veth) => veth,
        Err(why) => return loudly(&why),
    };
    let config = config("ip");
    match Live::open("tltest0", &config, SourceId(0), None) {
        Err(CaptureError::InterfaceDown { interface }) => assert_eq!(interface, "tltest0"),
        // Newer versions of libpcap wait for it to come up.
        Ok(_) => {}
        Err(error) => return loudly(&error.to_string()),
    }
    for name in ["tltest0", "tltest1"] {
        ip(&["link", "set", name, "up"]).unwrap();
    }
    let mut live = Live::open("tltest0", &config, SourceId(0), None).unwrap();
    live.poll(&mut |_| {}).unwrap();
    ip(&["link", "delete", "tltest0"]).unwrap();
    let error = (0..200).find_map(|_| live.poll(&mut |_| {}).err()).unwrap();
    assert!(matches!(&error, CaptureError::InterfaceLost { .. }), "{error}");
    assert!(error.to_string().contains("tltest0"), "{error}");
    assert!(live.stats().kernel_dropped_frames == 0);
}

#[test]
fn a_link_that_goes_down_leaves_the_handle_good_and_one_made_anew_does_not() {
    let _veth = match Veth::new("tltest2", "tltest3") {
        Ok(veth) => veth,
        Err(why) => return loudly(&why),
    };
    for name in ["tltest2", "tltest3"] {
        ip(&["link", "set", name, "up"]).unwrap();
    }
    let mut live = Live::open("tltest2", &config("ip"), SourceId(0), None).unwrap();
    // The kernel notices a carrier that comes or goes a moment later.
    let becomes = |live: &Live, expected| {
        (0..100).any(|_| {
            thread::sleep(Duration::from_millis(20));
            live.link().unwrap() == expected
        })
    };
    assert!(becomes(&live, Link::Up));
    ip(&["link", "set", "tltest3", "down"]).unwrap();
    assert!(becomes(&live, Link::Down), "there is no carrier");
    live.poll(&mut |_| {}).unwrap();
    ip(&["link", "set", "tltest3", "up"]).unwrap();
    assert!(becomes(&live, Link::Up));
    ip(&["link", "delete", "tltest2"]).unwrap();
    ip(&["link", "add", "tltest2", "type", "veth", "peer", "name", "tltest3"]).unwrap();
    ip(&["link", "set", "tltest2", "up"]).unwrap();
    let error = live.link().unwrap_err();
    assert!(matches!(&error, CaptureError::InterfaceLost { .. }), "{error}");
}

#[test]
fn a_group_that_lost_its_interface_is_founded_anew() {
    let _veth = match Veth::new("tltest4", "tltest5") {
        Ok(veth) => veth,
        Err(why) => return loudly(&why),
    };
    let up = || {
        for name in ["tltest4", "tltest5"] {
            ip(&["link", "set", name, "up"]).unwrap();
        }
    };
    up();
    let fanout = Fanout::new_group();
    let open = || Live::open("tltest4", &config("ip"), SourceId(0), Some(&fanout));
    let (first, second) = (open().unwrap(), open().unwrap());
    ip(&["link", "delete", "tltest4"]).unwrap();
    ip(&["link", "add", "tltest4", "type", "veth", "peer", "name", "tltest5"]).unwrap();
    up();
    drop(first);
    // The second handle still holds the old group.
    let first = open().unwrap();
    assert!(first.reports_interface_drops);
    drop(second);
    let second = open().unwrap();
    assert!(!second.reports_interface_drops, "it joined the first");
}

/// Two interfaces that are connected; they go when it goes.
struct Veth(&'static str);

impl Veth {
    fn new(name: &'static str, peer: &str) -> Result<Self, String> {
        ip(&["link", "add", name, "type", "veth", "peer", "name", peer]).map(|()| Self(name))
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        // The test may have deleted it.
        let (Ok(()) | Err(_)) = ip(&["link", "delete", self.0]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}

#[expect(clippy::disallowed_methods, reason = "the kernel stamps frames by this clock")]
fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

#[expect(clippy::disallowed_methods, reason = "waits are measured")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn loudly(why: &str) {
    eprintln!("\n*** SKIPPED: {why} ***\n");
}

fn frame(nanos: u64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        captured_at: Timestamp::from_nanos(nanos),
        link_type: LinkType::Ethernet,
        wire_bytes: 0,
        bytes,
        source: SourceId(0),
    }
}

#[test]
fn the_first_new_frame_ends_the_search_for_old_ones() {
    let mut stale = Some(Stale { before: Timestamp::from_nanos(10), bytes_left: 1_000 });
    assert!(is_stale(&mut stale, &frame(9, &[0; 60])));
    assert!(!is_stale(&mut stale, &frame(10, &[0; 60])));
    assert!(!is_stale(&mut stale, &frame(9, &[0; 60])));
}

#[test]
fn no_more_is_discarded_than_the_ring_can_hold() {
    let mut stale = Some(Stale { before: Timestamp::from_nanos(10), bytes_left: 100 });
    assert!(is_stale(&mut stale, &frame(1, &[0; 60])));
    assert!(!is_stale(&mut stale, &frame(2, &[0; 60])));
}
