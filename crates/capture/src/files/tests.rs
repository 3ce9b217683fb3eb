//! What is read from files of every shape.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::write::GzEncoder;
use proptest::prelude::*;
use tapline_model::LinkType;

use super::byte_order::ByteOrder::{self, Big, Little};
use super::written::Written;
use super::*;
use crate::{ErrorKind, Offset, Problem};

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;

/// One frame, as it was read.
#[derive(Debug, Clone, PartialEq)]
struct Read {
    nanos: u64,
    link_type: LinkType,
    wire_bytes: u32,
    bytes: Vec<u8>,
    source: u16,
}

/// Everything a set of files gives, faults in their place.
fn read_all(files: &mut Files) -> Vec<Result<Read, CaptureError>> {
    let mut all = Vec::new();
    loop {
        match files.next_frame() {
            Ok(Some(frame)) => all.push(Ok(Read {
                nanos: frame.captured_at.nanos(),
                link_type: frame.link_type,
                wire_bytes: frame.wire_bytes,
                bytes: frame.bytes.to_vec(),
                source: frame.source.0,
            })),
            Ok(None) => return all,
            Err(error) => all.push(Err(error)),
        }
    }
}

/// The files of a test, in a folder of their own.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// What one file gives.
fn read(bytes: &[u8]) -> Vec<Result<Read, CaptureError>> {
    let folder = Folder::new();
    match Files::open(&[folder.write("a.pcap", bytes)], SourceId(0)) {
        Ok(mut files) => read_all(&mut files),
        Err(error) => vec![Err(error)],
    }
}

/// What one file without faults gives.
fn frames(bytes: &[u8]) -> Vec<Read> {
    read(bytes).into_iter().map(Result::unwrap).collect()
}

/// The fault that ends a file, and how many frames came before.
fn fault(bytes: &[u8]) -> (usize, CaptureError) {
    let mut all = read(bytes);
    let last = all.pop().unwrap().unwrap_err();
    assert!(all.iter().all(Result::is_ok), "one fault, at the end: {all:?}");
    (all.len(), last)
}

fn times(all: &[Result<Read, CaptureError>]) -> Vec<Option<(u64, u16)>> {
    all.iter().map(|one| one.as_ref().ok().map(|read| (read.nanos, read.source))).collect()
}

/// A pcap with a frame of one byte at each time, in microseconds.
fn pcap_at(micros: &[u32]) -> Vec<u8> {
    let file = Written::new(Little).pcap(MICROS, 1);
    micros.iter().fold(file, |file, &micros| file.record(0, micros, 1, b"x")).bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn a_pcap_is_read_in_both_byte_orders_and_both_units() {
    for order in [Little, Big] {
        for (magic, nanos) in [(MICROS, 3_000_000_005_000), (NANOS, 3_000_000_000_005)] {
            // The upper half of the link type tells of checksums.
            let file = Written::new(order).pcap(magic, 0x2400_0071).record(3_000, 5, 9, b"abc");
            let expected = Read {
                nanos,
                link_type: LinkType::LinuxCooked,
                wire_bytes: 9,
                bytes: b"abc".to_vec(),
                source: 0,
            };
            assert_eq!(frames(&file.bytes), [expected], "{order:?} {magic:#x}");
        }
    }
}

#[test]
fn variants_of_the_nineties_are_read() {
    for order in [Little, Big] {
        let long_header = Written::new(order)
            .pcap(0xa1b2_cd34, 1)
            .u32(1)
            .u32(0)
            .u32(2)
            .u32(2)
            .u32(7)
            .u32(7)
            .raw(b"ab");
        assert_eq!(frames(&long_header.bytes)[0].bytes, b"ab");
        let swapped = Written::new(order)
            .u32(MICROS)
            .u16(2)
            .u16(2)
            .u32(0)
            .u32(0)
            .u32(68)
            .u32(1)
            .u32(1)
            .u32(0)
            .u32(100)
            .u32(2)
            .raw(b"ab");
        let read = &frames(&swapped.bytes)[0];
        assert_eq!((read.wire_bytes, read.bytes.as_slice()), (100, b"ab".as_slice()));
    }
}

#[test]
fn a_wire_length_below_the_captured_one_is_raised_to_it() {
    let file = Written::new(Little).pcap(MICROS, 1).record(1, 0, 0, b"abc");
    assert_eq!(frames(&file.bytes)[0].wire_bytes, 3);
}

#[test]
fn a_pcapng_is_read_in_both_byte_orders() {
    for order in [Little, Big] {
        let offset = Written::new(order).i64(-2).bytes;
        let file = Written::new(order)
            .section()
            .interface(1, 0, &[])
            .interface(113, 2, &[(9, &[9]), (14, &offset)])
            .interface(101, 0, &[(9, &[0x8a])])
            .block(5, &[0; 12])
            .enhanced(0, 5_000_001, 3, b"abc")
            .enhanced(1, 5_000_000_001, 9, b"abcde")
            .block(0x0bad_cafe, b"who knows")
            .obsolete(2, 5 << 10, 2, b"ab")
            .simple(8, b"abcdefgh")
            .bytes;
        let read = frames(&file);
        let told: Vec<_> =
            read.iter().map(|read| (read.nanos, read.link_type, read.wire_bytes)).collect();
        let expected = [
            (5_000_001_000, LinkType::Ethernet, 3),
            (3_000_000_001, LinkType::LinuxCooked, 9),
            (5_000_000_000, LinkType::RawIp, 2),
            // Without a time of its own.
            (5_000_000_000, LinkType::Ethernet, 8),
        ];
        assert_eq!(told, expected, "{order:?}");
        assert_eq!(read[1].bytes, b"abcde");
        assert_eq!(read[3].bytes, b"abcdefgh");
    }
}

#[test]
fn a_simple_packet_is_cut_at_the_snap_length() {
    let file = Written::new(Big).section().interface(1, 5, &[]).simple(100, b"abcde").bytes;
    let read = &frames(&file)[0];
    assert_eq!((read.wire_bytes, read.bytes.as_slice()), (100, b"abcde".as_slice()));
}

#[test]
fn a_section_forgets_the_interfaces_of_the_one_before() {
    let mut file = Written::new(Little).section().interface(1, 0, &[]).interface(101, 0, &[]);
    file = file.enhanced(1, 1, 1, b"a");
    file.order = Big;
    file = file.section().interface(113, 0, &[]).enhanced(0, 2, 1, b"b");
    let links: Vec<_> = frames(&file.bytes).iter().map(|read| read.link_type).collect();
    assert_eq!(links, [LinkType::RawIp, LinkType::LinuxCooked]);

    let (count, error) = fault(&file.enhanced(1, 3, 1, b"c").bytes);
    assert_eq!(count, 2);
    let CaptureError::Corrupt { problem, frames: 2, .. } = error else { panic!("{error}") };
    assert_eq!(problem, Problem::UnknownInterface { id: 1, described: 1 });
}

#[test]
fn compressed_files_are_told_by_their_content() {
    let plain = pcap_at(&[1, 2, 3]);
    let (first, second) = plain.split_at(50);
    let skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    for compressed in [
        gzip(&plain),
        [gzip(first), gzip(second)].concat(),
        zstd(&plain),
        [&skippable, zstd(first).as_slice(), &zstd(second)].concat(),
    ] {
        assert_eq!(frames(&compressed), frames(&plain));
    }
}

#[test]
fn a_compressed_file_that_ends_early_gives_what_came_before() {
    // What cannot be compressed, so that the cut is behind some frames.
    let mut noise = 1_u32;
    let mut file = Written::new(Little).pcap(MICROS, 1);
    for second in 0..200 {
        let frame: Vec<u8> = (0..1_000)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise.to_be_bytes()[0]
            })
            .collect();
        file = file.record(second, 0, 1_000, &frame);
    }
    for compressed in [gzip(&file.bytes), zstd(&file.bytes)] {
        let (count, error) = fault(&compressed[..compressed.len() * 9 / 10]);
        assert!(count > 50, "{count} {error}");
        assert!(matches!(error, CaptureError::Truncated { .. }), "{error}");
        assert!(error.to_string().contains("of the decompressed capture"), "{error}");
    }
    let mut flipped = gzip(&file.bytes);
    let last = flipped.len() - 6;
    flipped[last] ^= 0xff;
    let (count, error) = fault(&flipped);
    assert_eq!(count, 200);
    assert!(error.to_string().contains("cannot be decompressed"), "{error}");
}

#[test]
fn a_file_cut_anywhere_gives_the_frames_before_the_cut() {
    let pcap = Written::new(Little).pcap(NANOS, 1).record(1, 0, 3, b"abc").record(2, 0, 3, b"def");
    let pcapng = Written::new(Big)
        .section()
        .interface(1, 0, &[(9, &[9])])
        .enhanced(0, 1, 3, b"abc")
        .block(11, &[0; 40])
        .enhanced(0, 2, 3, b"def");
    for file in [pcap.bytes, pcapng.bytes] {
        let whole = frames(&file);
        let mut clean_ends = 0;
        for cut in 4..file.len() {
            let mut all = read(&file[..cut]);
            match all.pop() {
                Some(Err(CaptureError::Truncated { offset, frames, .. })) => {
                    assert_eq!(offset, Offset { bytes: cut as u64, decompressed: false });
                    assert_eq!(frames, all.len() as u64);
                }
                Some(Ok(last)) => {
                    all.push(Ok(last));
                    clean_ends += 1;
                }
                None => clean_ends += 1,
                Some(Err(other)) => panic!("{other}"),
            }
            let all: Vec<Read> = all.into_iter().map(Result::unwrap).collect();
            assert!(whole.starts_with(&all));
        }
        assert!((2..=5).contains(&clean_ends), "{clean_ends}");
    }
}

#[test]
fn files_are_merged_in_time_order() {
    let folder = Folder::new();
    let paths = [
        folder.write("late", &pcap_at(&[50, 60])),
        folder.write("early", &gzip(&pcap_at(&[1, 5, 20, 55]))),
        folder.write("none", &pcap_at(&[])),
        folder.write("backwards", &pcap_at(&[20, 5, 55])),
    ];
    let mut files = Files::open(&paths, SourceId(10)).unwrap();
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(files.names(), names);
    let order = times(&read_all(&mut files));
    let expected =
        [(1, 11), (5, 11), (20, 11), (20, 13), (5, 13), (50, 10), (55, 11), (55, 13), (60, 10)];
    assert_eq!(order, expected.map(|(micros, id)| Some((micros * 1_000, id))));
    let stats = files.stats();
    assert_eq!((stats.frames, stats.frame_bytes, stats.snapped_frames), (9, 9, 0));
}

#[test]
fn one_bad_file_does_not_cost_the_others() {
    let folder = Folder::new();
    let cut = pcap_at(&[10, 30]);
    let paths = [
        folder.write("text", b"no capture"),
        folder.write("cut", &cut[..cut.len() - 1]),
        folder.write("whole", &pcap_at(&[20, 40])),
        folder.write("empty", b""),
    ];
    let mut files = Files::open(&paths, SourceId(0)).unwrap();
    let all = read_all(&mut files);
    let shape = times(&all);
    assert_eq!(shape, [None, None, Some((10_000, 1)), None, Some((20_000, 2)), Some((40_000, 2))]);
    assert!(
        matches!(&all[0], Err(CaptureError::NotACapture { file, .. }) if file.ends_with("text"))
    );
    assert!(matches!(&all[1], Err(CaptureError::Empty { .. })));
    assert!(matches!(&all[3], Err(CaptureError::Truncated { frames: 1, .. })));
    assert!(matches!(files.next_frame(), Ok(None)));
}

#[test]
fn a_file_that_vanishes_before_its_turn_is_named_and_the_others_go_on() {
    let folder = Folder::new();
    let paths = [folder.write("a", &pcap_at(&[1, 3])), folder.write("b", &pcap_at(&[2]))];
    let mut files = Files::open(&paths, SourceId(0)).unwrap();
    fs::remove_file(&paths[1]).unwrap();
    let all = read_all(&mut files);
    assert!(matches!(&all[1], Err(CaptureError::Unopenable { file, .. }) if file.ends_with('b')));
    assert_eq!(times(&all), [Some((1_000, 0)), None, Some((3_000, 0))]);
}

#[test]
fn what_cannot_be_opened_is_told_at_once() {
    let folder = Folder::new();
    let good = folder.write("good", &pcap_at(&[1]));
    let check = |bad: &Path, said: &str| {
        let error = Files::open(&[good.clone(), bad.to_owned()], SourceId(0)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&bad.display().to_string()) && text.contains(said), "{text}");
        assert_eq!(error.kind(), ErrorKind::Input);
    };
    check(Path::new("/nowhere/a.pcap"), "No such file");
    check(folder.0.path(), "directory");
    let many = vec![good.clone(); 3];
    assert!(matches!(
        Files::open(&many, SourceId(u16::MAX - 1)),
        Err(CaptureError::TooManyFiles { count: 3, count_max: 2 })
    ));
    assert!(Files::open(&many[..2], SourceId(u16::MAX - 1)).is_ok());
    assert_eq!(Files::open(&[], SourceId(0)).unwrap().next_frame().unwrap().map(|_| ()), None);
}

#[test]
fn faults_name_what_is_wrong() {
    let ng = || Written::new(Little).section().interface(1, 0, &[]);
    let check = |file: &[u8], said: &str| {
        let (_, error) = fault(file);
        assert!(error.to_string().contains(said), "{error}");
    };
    check(b"", "empty");
    check(b"GET / HTTP/1.1\r\n", "0x47455420");
    check(b"BZh91AY&SY", "decompress");
    check(&gzip(b""), "empty");
    check(&gzip(b"some text"), "0x736f6d65");
    check(&Written::new(Little).u32(MICROS).u16(9).u16(1).raw(&[0; 16]).bytes, "version 9.1");
    check(&Written::new(Little).pcap(MICROS, 1).u32(0).u32(0).u32(262_145).u32(0).bytes, "262145");
    check(&Written::new(Little).u32(0x0a0d_0d0a).u32(28).raw(&[7; 20]).bytes, "byte order");
    check(&ng().u32(6).u32(11).raw(&[0; 40]).bytes, "too short");
    check(&ng().block(6, &[0; 8]).bytes, "too short");
    check(&ng().block(3, &[]).bytes, "too short");
    check(&ng().block(1, &[]).bytes, "interface description");
    check(&ng().u32(6).u32(1 << 30).raw(&[0; 4]).bytes, "longer than");
    check(&ng().u32(5).u32(16).u32(0).u32(20).bytes, "16 bytes, and 20");
    check(&ng().u32(6).u32(32).raw(&[0; 20]).u32(36).bytes, "32 bytes, and 36");
    let long = Written::new(Little).u32(0).u32(0).u32(0).u32(5).u32(5).raw(b"abcd").bytes;
    check(&ng().block(6, &long).bytes, "do not fit");
    let version = Written::new(Little).u32(0x1a2b_3c4d).u16(2).u16(0).i64(-1).bytes;
    check(&Written::new(Little).block(0x0a0d_0d0a, &version).bytes, "version 2.0");
}

#[test]
fn blocks_that_are_not_needed_may_be_longer_than_any_buffer() {
    let long = vec![0; 3 << 20];
    let file = Written::new(Little).section().interface(1, 0, &[]).block(10, &long);
    let file = file.enhanced(0, 1, 2, b"ab").block(10, &long).enhanced(0, 2, 2, b"cd").bytes;
    assert_eq!(frames(&file).len(), 2);
    assert_eq!(frames(&gzip(&file)).len(), 2);
}

#[test]
fn a_frame_longer_than_the_buffer_is_read_whole() {
    let long = vec![7; 2 << 20];
    let length = u32::try_from(long.len()).unwrap();
    let file = Written::new(Big).section().interface(1, 0, &[]);
    let file = file.enhanced(0, 1, length, &long).enhanced(0, 2, 1, b"x").bytes;
    let read = frames(&file);
    assert_eq!((read[0].bytes.len(), read[1].bytes.as_slice()), (long.len(), b"x".as_slice()));
}

#[test]
fn progress_reaches_the_size_of_the_files() {
    let folder = Folder::new();
    let compressed = zstd(&pcap_at(&vec![5; 10_000]));
    let plain = pcap_at(&[1; 10]);
    let paths = [folder.write("a", &compressed), folder.write("b", &plain)];
    let total = (compressed.len() + plain.len()) as u64;
    let mut files = Files::open(&paths, SourceId(0)).unwrap();
    assert_eq!(files.progress(), Progress { read_bytes: 0, total_bytes: Some(total) });
    read_all(&mut files);
    assert_eq!(files.progress(), Progress { read_bytes: total, total_bytes: Some(total) });
}

#[test]
fn many_files_are_not_open_at_once() {
    let folder = Folder::new();
    let paths: Vec<PathBuf> = (0..300)
        .map(|index| folder.write(&index.to_string(), &pcap_at(&[index * 2, index * 2 + 1])))
        .collect();
    let mut files = Files::open(&paths, SourceId(0)).unwrap();
    let mut count = 0;
    while let Some(frame) = files.next_frame().unwrap() {
        assert_eq!(frame.captured_at.nanos(), count * 1_000);
        count += 1;
        let open = files.readers.iter().filter(|reader| reader.is_open()).count();
        assert!(open <= 2, "{open}");
    }
    assert_eq!(count, 600);
}

#[test]
fn nothing_captured_is_printed() {
    let folder = Folder::new();
    let file = Written::new(Little).pcap(MICROS, 1).record(1, 0, 6, b"secret").bytes;
    let mut files = Files::open(&[folder.write("a", &file)], SourceId(0)).unwrap();
    let frame = files.next_frame().unwrap().unwrap();
    assert!(!format!("{frame:?}").contains("secret"));
    assert!(!format!("{files:?}").contains("secret"));
}

/// The number of frames that capinfos counts is the number read, for every capture of a corpus.
/// Run with `TAPLINE_CORPUS=<folder>`.
#[test]
fn a_corpus_gives_the_frames_that_capinfos_counts() {
    let Some(corpus) = std::env::var_os("TAPLINE_CORPUS") else {
        loudly("TAPLINE_CORPUS names no corpus of captures");
        return;
    };
    let mut compared = 0;
    for path in captures_below(Path::new(&corpus)) {
        let Some(counted) = capinfos(&path) else { continue };
        let mut files = Files::open(std::slice::from_ref(&path), SourceId(0)).unwrap();
        let read = read_all(&mut files).iter().filter(|one| one.is_ok()).count();
        assert_eq!(read, counted, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 0, "nothing could be compared: is capinfos installed?");
}

fn captures_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            if path.is_dir() {
                folders.push(path);
            } else if [".pcap", ".pcapng"].iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

fn capinfos(path: &Path) -> Option<usize> {
    let mut command = Command::new("capinfos");
    let output = command.args(["-T", "-r", "-c", "-M"]).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim_end().rsplit('\t').next()?.parse().ok()
}

#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn loudly(why: &str) {
    eprintln!("\n*** SKIPPED: {why} ***\n");
}

mod properties {
    use super::*;

    fn order() -> impl Strategy<Value = ByteOrder> {
        prop_oneof![Just(Little), Just(Big)]
    }

    fn frame() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..80);
        (any::<u32>(), 0..1_000_000_000_u32, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_written_is_read(
            order in order(),
            written in proptest::collection::vec(frame(), 0..20),
        ) {
            let mut pcap = Written::new(order).pcap(NANOS, 1);
            let mut pcapng = Written::new(order).section().interface(1, 0, &[(9, &[9])]);
            for (seconds, nanos, bytes) in &written {
                let length = u32::try_from(bytes.len()).unwrap();
                pcap = pcap.record(*seconds, *nanos, length, bytes);
                let ticks = u64::from(*seconds) * 1_000_000_000 + u64::from(*nanos);
                pcapng = pcapng.enhanced(0, ticks, length, bytes);
            }
            let read = frames(&pcap.bytes);
            prop_assert_eq!(&read, &frames(&pcapng.bytes));
            prop_assert_eq!(read.len(), written.len());
            for (read, (seconds, nanos, bytes)) in read.iter().zip(&written) {
                let at = u64::from(*seconds) * 1_000_000_000 + u64::from(*nanos);
                prop_assert_eq!((read.nanos, &read.bytes), (at, bytes));
            }
        }

        #[test]
        fn any_damage_costs_one_fault_at_most(
            order in order(),
            ng in any::<bool>(),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let file = if ng {
                Written::new(order).section().interface(1, 0, &[(9, &[9]), (14, &[0; 8])])
                    .enhanced(0, 1, 3, b"abc").simple(2, b"ab").block(4, b"names")
                    .obsolete(0, 2, 4, b"abcd").section().interface(113, 0, &[])
                    .enhanced(0, 3, 3, b"abc")
            } else {
                Written::new(order).pcap(NANOS, 1).record(1, 2, 3, b"abc").record(2, 3, 4, b"abcd")
            };
            let mut bytes = file.bytes;
            for (place, value) in damage {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            let all = read(&bytes);
            prop_assert!(all.iter().filter(|one| one.is_err()).count() <= 1);
            prop_assert!(all.iter().rev().skip(1).all(Result::is_ok));
            let captured: usize = all.iter().flatten().map(|read| read.bytes.len()).sum();
            prop_assert!(captured <= bytes.len());
        }

        #[test]
        fn any_bytes_after_a_magic_are_survived(
            magic in prop::sample::select(vec![
                vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0],
                vec![0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4],
                vec![0xa1, 0xb2, 0xcd, 0x34, 0, 2, 0, 4],
                Written::new(Little).section().bytes,
                Written::new(Big).section().interface(1, 0, &[]).bytes,
                vec![0x1f, 0x8b, 8, 0],
                vec![0x28, 0xb5, 0x2f, 0xfd],
            ]),
            rest in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let all = read(&[magic, rest].concat());
            prop_assert!(all.iter().filter(|one| one.is_err()).count() <= 1);
        }

        #[test]
        fn a_merge_holds_every_frame_and_keeps_each_file_in_order(
            files in proptest::collection::vec(
                proptest::collection::vec(0..50_u32, 0..12), 1..6),
        ) {
            let folder = Folder::new();
            let paths: Vec<PathBuf> = files.iter().enumerate()
                .map(|(index, micros)| folder.write(&index.to_string(), &pcap_at(micros)))
                .collect();
            let mut merged = Files::open(&paths, SourceId(0)).unwrap();
            let all: Vec<Read> = read_all(&mut merged).into_iter().map(Result::unwrap).collect();
            for (index, micros) in files.iter().enumerate() {
                let own: Vec<u64> = all.iter().filter(|read| usize::from(read.source) == index)
                    .map(|read| read.nanos / 1_000).collect();
                prop_assert_eq!(own, micros.iter().map(|&m| u64::from(m)).collect::<Vec<_>>());
            }
            if files.iter().all(|micros| micros.is_sorted()) {
                prop_assert!(all.is_sorted_by_key(|read| (read.nanos, read.source)));
            }
        }
    }
}
