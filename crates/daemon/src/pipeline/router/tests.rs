//! What is shed, and that the books say so.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crossbeam_channel::bounded;
use tapline_model::LinkType;

use super::*;

const FLOWS: u16 = 500;

/// One packet of a flow, from the client (port 10000 + `flow`) or to it.
fn packet(flow: u16, from_client: bool) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let ports = [10_000 + flow, 80];
    let (ends, ports) = if from_client {
        ([client, server], ports)
    } else {
        ([server, client], [ports[1], ports[0]])
    };
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    bytes.extend([0x45, 0, 0, 44, 0, 1, 0x40, 0, 64, 6, 0, 0]);
    bytes.extend(ends.concat());
    bytes.extend(ports.map(u16::to_be_bytes).concat());
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x18, 0xfa, 0xf0, 0, 0, 0, 0]);
    bytes.extend(b"data");
    bytes
}

/// Pushes one packet each way of every flow, starting with the server's if told so.
fn push_all(router: &mut Router) {
    // Later than the last time by more than the copies of a mirror are apart: none is a duplicate.
    let captured_at = Timestamp::from_seconds(9).max(router.newest.plus_nanos(10_000_000));
    for from_client in [true, false] {
        for flow in 0..FLOWS {
            let bytes = packet(flow, from_client);
            router.push(&Frame {
                captured_at,
                link_type: LinkType::Ethernet,
                wire_bytes: u32::try_from(bytes.len()).unwrap(),
                bytes: &bytes,
                source: SourceId(0),
            });
        }
    }
    router.flush();
}

/// A router of one source over two queues, and their other ends.
fn bench() -> (Router, Vec<Receiver<Batch>>) {
    let mut ends = Vec::new();
    let lanes = (0..2).map(|_| {
        let (queue, incoming) = bounded(64);
        let (_, back) = bounded(1);
        ends.push(incoming);
        Lane::new(queue, back)
    });
    let route = Route::Queues(lanes.collect());
    let names = [(SourceId(0), Arc::from("eth1"))];
    let decap = Decap::new(tapline_decap::Config::default(), &Key::fixed());
    (Router::new(0, names, decap, Key::fixed(), route, WhenFull::Drop), ends)
}

/// How many segments of each client port came out.
fn came_out(ends: &[Receiver<Batch>]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for batch in ends.iter().flat_map(Receiver::try_iter) {
        for (_, segment) in batch.segments() {
            let port = [segment.source, segment.destination].map(|end: SocketAddr| end.port());
            *counts.entry(port[0].max(port[1])).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_flow_is_followed_whole_or_not_at_all() {
    let mut kept_before = usize::from(FLOWS) * 2;
    for halvings in 0..=6 {
        let (mut router, ends) = bench();
        router.rate = Sampling::halved(halvings);
        push_all(&mut router);
        let kept = came_out(&ends);
        assert!(kept.values().all(|&segments| segments == 2), "both directions or none");
        assert!(kept.len() < kept_before, "one step keeps fewer");
        kept_before = kept.len();

        let decap = router.counters()[0].decap;
        let shed = 2 * (u64::from(FLOWS) - kept.len() as u64);
        assert_eq!(decap.packets.dropped[DropReason::Shed as usize], shed);
        assert_eq!(decap.packets.processed, 2 * kept.len() as u64);
        assert_eq!(decap.bytes.dropped[DropReason::Shed as usize], shed * 58);
        assert!(decap.packets.is_balanced() && decap.bytes.is_balanced());
    }
}

#[test]
fn two_sources_shed_the_same_flows() {
    let outcomes = [(); 2].map(|()| {
        let (mut router, ends) = bench();
        router.rate = Sampling::halved(2);
        push_all(&mut router);
        came_out(&ends)
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn the_least_rate_of_an_epoch_is_told_at_its_end() {
    let (mut router, _ends) = bench();
    let shedding = Arc::new(Shedding::new(tapline_config::Overload::default(), 1));
    router = router.with_shedding(Some(Arc::clone(&shedding)));
    let full = Signals { queue_fill: 1.0, ..Signals::default() };
    shedding.report(0, full);
    router.take_rate();
    assert_eq!(router.counters()[0].sampling, Sampling::WHOLE, "a new run settles first");
    router.rate = Sampling::halved(1);
    router.rate_least = Sampling::halved(3);
    let counters = router.counters();
    assert_eq!(counters[0].sampling, Sampling::halved(1));
    assert_eq!(counters[0].sampling_least, Sampling::halved(3));
    router.mark(false);
    assert_eq!(router.rate_least, Sampling::halved(1), "the next epoch begins as this one ends");
}

#[test]
fn without_shedding_no_load_changes_the_rate() {
    let (mut router, _ends) = bench();
    router.watch_load(Timestamp::from_seconds(100), true);
    router.take_rate();
    assert_eq!(router.rate, Sampling::WHOLE);
}

#[test]
fn the_fullest_queue_counts() {
    let (mut router, _ends) = bench();
    assert!(router.queue_fill() < 1e-9);
    for _ in 0..16 {
        push_all(&mut router);
    }
    let Route::Queues(lanes) = &router.route else { panic!("it has queues") };
    let most = lanes.iter().map(|lane| lane.queue.len()).max().unwrap();
    assert!(most >= 16);
    assert!((router.queue_fill() * 64.0 - f64::from(u32::try_from(most).unwrap())).abs() < 1e-9);
}
