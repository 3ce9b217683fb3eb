//! Content and transfer codings (RFC 9110 section 8.4.1, RFC 9112 section 7.2): bounded decoding of
//! the kept start of a body.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use tapline_model::{Anomaly, AnomalySet};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use self::inflate::Inflater;
use crate::bounds::Bounds;

mod inflate;

/// Codings applied one after the other that are still decoded.
const LAYERS_MAX: usize = 4;
/// Output is made in steps of this many bytes.
const STEP_BYTES: usize = 16 << 10;
/// The largest window of a zstd body is 8 MiB (RFC 9659 section 3).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// A zstd context that grew past this is not kept.
const ZSTD_CONTEXT_BYTES_MAX: usize = 512 << 10;

/// How a body is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coding {
    #[default]
    Identity,
    Gzip,
    /// In the field: the zlib format, or a bare deflate stream.
    Deflate,
    Brotli,
    Zstd,
    Unknown,
}

impl Coding {
    /// By its registered name, compared without case.
    pub(crate) fn named(token: &[u8]) -> Self {
        let known: [(&str, Self); 7] = [
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("br", Self::Brotli),
            ("zstd", Self::Zstd),
            ("identity", Self::Identity),
            ("", Self::Identity),
        ];
        let is = |name: &str| token.eq_ignore_ascii_case(name.as_bytes());
        known.iter().find(|(name, _)| is(name)).map_or(Self::Unknown, |&(_, coding)| coding)
    }
}

/// The codings of a body, in the order they were applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Codings {
    layers: [Coding; LAYERS_MAX],
    count: u8,
}

impl Codings {
    /// Adds one; `identity` is none. One too many makes the body undecodable.
    pub(crate) fn push(&mut self, coding: Coding) {
        if coding == Coding::Identity {
            return;
        }
        if let Some(layer) = self.layers.get_mut(usize::from(self.count)) {
            *layer = coding;
            self.count += 1;
        } else if let Some(last) = self.layers.last_mut() {
            *last = Coding::Unknown;
        }
    }

    /// Adds those of `other`.
    pub(crate) fn extend(&mut self, other: Self) {
        other.iter().for_each(|coding| self.push(coding));
    }

    /// The body is not coded.
    pub(crate) fn is_identity(self) -> bool {
        self.count == 0
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = Coding> + '_ {
        self.layers.iter().take(usize::from(self.count)).copied()
    }
}

/// What decoding came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// There is more than was decoded.
    pub(crate) truncated: bool,
    /// What was wrong.
    pub(crate) anomalies: AnomalySet,
}

/// How one layer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// At the end of the coded data.
    Complete,
    /// The input ended first.
    Starved,
    /// At the cap on the output.
    Capped,
    /// At something that is not of the coding.
    Broken,
}

/// The decoders of a shard: made when first needed, then reused.
#[derive(Default)]
pub(crate) struct Decoders {
    inflater: Option<Inflater>,
    zstd: Option<DCtx<'static>>,
    between: Vec<u8>,
}

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoders").finish_non_exhaustive()
    }
}

impl Decoders {
    /// Decodes the kept start of a body into `output`, as far as it goes. `whole` says that `input`
    /// is all of the body.
    pub(crate) fn decode(
        &mut self,
        codings: Codings,
        input: &[u8],
        whole: bool,
        bounds: &Bounds,
        output: &mut Vec<u8>,
    ) -> Decoded {
        output.clear();
        let mut decoded = Decoded { truncated: !whole, ..Decoded::default() };
        let ratio_cap = input.len().saturating_mul(bounds.decode_ratio_max);
        let mut between = std::mem::take(&mut self.between);
        for (outer_layers, coding) in codings.iter().rev().enumerate() {
            let is_last = outer_layers + 1 == usize::from(codings.count);
            let size_cap = if is_last {
                bounds.sample_bytes_max
            } else {
                bounds.coded_bytes_max.max(bounds.sample_bytes_max)
            };
            let cap = size_cap.min(ratio_cap);
            std::mem::swap(&mut between, output);
            output.clear();
            let source = if outer_layers == 0 { input } else { between.as_slice() };
            let ending = self.layer(coding, source, output, cap);
            output.truncate(cap);
            match ending {
                Ending::Complete => {}
                Ending::Capped => decoded.anomalies.insert(Anomaly::BodyTooLarge),
                // Starving is no fault of the coding when the input was cut.
                Ending::Starved if decoded.truncated => {}
                Ending::Starved | Ending::Broken => {
                    decoded.anomalies.insert(Anomaly::InvalidContentCoding);
                }
            }
            decoded.truncated |= ending != Ending::Complete;
        }
        between.clear();
        self.between = between;
        decoded
    }

    /// Decodes one layer, one byte past `cap` at most (so that the cap is known to be passed).
    fn layer(&mut self, coding: Coding, input: &[u8], output: &mut Vec<u8>, cap: usize) -> Ending {
        match coding {
            Coding::Identity => {
                output.extend_from_slice(input.get(..cap).unwrap_or(input));
                if input.len() > cap { Ending::Capped } else { Ending::Complete }
            }
            Coding::Unknown => Ending::Broken,
            Coding::Gzip | Coding::Deflate => {
                self.inflater.get_or_insert_default().decode(input, output, cap)
            }
            Coding::Brotli => brotli(input, output, cap),
            Coding::Zstd => self.zstd(input, output, cap),
        }
    }

    fn zstd(&mut self, input: &[u8], output: &mut Vec<u8>, cap: usize) -> Ending {
        let kept = self.zstd.take().or_else(DCtx::try_create);
        let Some(mut context) = kept else { return Ending::Broken };
        let ending = zstd_frames(&mut context, input, output, cap);
        if context.sizeof() <= ZSTD_CONTEXT_BYTES_MAX {
            self.zstd = Some(context);
        }
        ending
    }
}

/// Room for the next step of output, at most one byte past the cap; None when that is reached.
fn next_step(output: &[u8], cap: usize) -> Option<usize> {
    let room = cap.saturating_add(1).saturating_sub(output.len());
    (room > 0).then(|| room.min(STEP_BYTES))
}

fn zstd_frames(
    context: &mut DCtx<'static>,
    input: &[u8],
    output: &mut Vec<u8>,
    cap: usize,
) -> Ending {
    let ready = context
        .reset(ResetDirective::SessionAndParameters)
        .and_then(|_| context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)));
    if ready.is_err() {
        return Ending::Broken;
    }
    let mut source = InBuffer::around(input);
    let mut frame_ended = false;
    while let Some(step) = next_step(output, cap) {
        output.reserve(step);
        let (made, read) = (output.len(), source.pos());
        let mut target = OutBuffer::around_pos(output, made);
        let Ok(hint) = context.decompress_stream(&mut target, &mut source) else {
            return Ending::Broken;
        };
        let made_more = target.pos() > made;
        frame_ended = hint == 0;
        let all_read = source.pos() == input.len();
        if all_read && (frame_ended || !made_more) {
            break;
        }
        if !made_more && source.pos() == read {
            return Ending::Broken;
        }
    }
    match () {
        () if output.len() > cap => Ending::Capped,
        () if frame_ended => Ending::Complete,
        () => Ending::Starved,
    }
}

/// A window of up to 16 MiB (RFC 7932 section 9.1); the large-window extension is refused.
fn brotli(input: &[u8], output: &mut Vec<u8>, cap: usize) -> Ending {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let (mut input_left, mut input_offset, mut total) = (input.len(), 0, 0);
    while let Some(step) = next_step(output, cap) {
        let mut output_offset = output.len();
        let mut output_left = step;
        output.resize(output_offset + step, 0);
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut input_offset,
            input,
            &mut output_left,
            &mut output_offset,
            output,
            &mut total,
            &mut state,
        );
        output.truncate(output_offset);
        match result {
            BrotliResult::NeedsMoreOutput => {}
            _ if output.len() > cap => return Ending::Capped,
            BrotliResult::ResultSuccess => return Ending::Complete,
            BrotliResult::NeedsMoreInput => return Ending::Starved,
            BrotliResult::ResultFailure => return Ending::Broken,
        }
    }
    Ending::Capped
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::Config;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// `{"id":1,"name":"ada"}` repeated four times.
    const BROTLI: &[u8] =
        b"\x1b\x53\x00\xf8\x2d\x0e\x78\xf3\x13\xe4\x08\x15\x35\xed\x1a\xc6\xd7\x22\x7b\x6d\x31\x33\x2c\xcd\xad\x74\xfa\x8a\x85\x2c\x45\xc2\xca\xe2\xaa\x20\x81\x98\x32\xf6\x61\x06";

    fn codings(names: &[&str]) -> Codings {
        let mut codings = Codings::default();
        for name in names {
            codings.push(Coding::named(name.as_bytes()));
        }
        codings
    }

    fn decode(names: &[&str], input: &[u8], whole: bool) -> (Vec<u8>, Decoded) {
        let mut output = Vec::new();
        let bounds = Bounds::new(&Config::default());
        let decoded =
            Decoders::default().decode(codings(names), input, whole, &bounds, &mut output);
        (output, decoded)
    }

    fn plain() -> Vec<u8> {
        br#"{"id":1,"name":"ada"}"#.repeat(4)
    }

    #[test]
    fn every_coding_gives_the_plain_text_back() {
        let zstd = zstd::bulk::compress(&plain(), 3).unwrap();
        for (name, coded) in [
            ("gzip", gzip(&plain())),
            ("X-GZIP", gzip(&plain())),
            ("deflate", zlib(&plain())),
            ("deflate", deflate(&plain())),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd),
        ] {
            let (output, decoded) = decode(&[name], &coded, true);
            assert_eq!(output, plain(), "{name}");
            assert_eq!(decoded, Decoded::default(), "{name}");
        }
    }

    #[test]
    fn stacked_codings_come_off_in_reverse() {
        let coded = gzip(&zlib(&plain()));
        assert_eq!(decode(&["deflate", "gzip"], &coded, true), (plain(), Decoded::default()));
        let five = ["gzip"; 5];
        let (_, decoded) = decode(&five, &coded, true);
        assert!(decoded.anomalies.contains(Anomaly::InvalidContentCoding));
    }

    #[test]
    fn members_and_frames_are_joined() {
        let twice = [gzip(b"one,"), gzip(b"two")].concat();
        assert_eq!(decode(&["gzip"], &twice, true).0, b"one,two");
        let frames = [zstd::bulk::compress(b"one,", 1), zstd::bulk::compress(b"two", 1)];
        let twice: Vec<u8> = frames.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(decode(&["zstd"], &twice, true), (b"one,two".to_vec(), Decoded::default()));
    }

    #[test]
    fn a_cut_body_gives_what_decoded_and_no_blame() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for (name, coded) in [
            ("gzip", gzip(&text)),
            ("deflate", zlib(&text)),
            ("zstd", zstd::bulk::compress(&text, 3).unwrap()),
        ] {
            let (output, decoded) = decode(&[name], &coded[..coded.len() / 2], false);
            assert!(text.starts_with(&output), "{name}");
            if name != "zstd" {
                assert!(output.len() > 10_000, "{name}: {}", output.len());
            }
            assert!(decoded.truncated);
            assert!(!decoded.anomalies.contains(Anomaly::InvalidContentCoding), "{name}");
        }
        let (output, decoded) = decode(&["br"], &BROTLI[..BROTLI.len() - 2], false);
        assert!(plain().starts_with(&output));
        assert_eq!(decoded, Decoded { truncated: true, anomalies: AnomalySet::EMPTY });
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_named() {
        for name in ["gzip", "deflate", "br", "zstd", "compress"] {
            let (output, decoded) = decode(&[name], b"\xff\xff plain text", true);
            assert!(output.len() < 4, "{name}");
            assert!(decoded.truncated, "{name}");
            assert!(decoded.anomalies.contains(Anomaly::InvalidContentCoding), "{name}");
        }
        let mut wrong_sum = gzip(&plain());
        let sum = wrong_sum.len() - 8;
        wrong_sum[sum] ^= 1;
        let (output, decoded) = decode(&["gzip"], &wrong_sum, true);
        assert_eq!(output, plain());
        assert!(decoded.anomalies.contains(Anomaly::InvalidContentCoding));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let zeros = vec![0; 32 << 20];
        for (name, coded) in
            [("gzip", gzip(&zeros)), ("zstd", zstd::bulk::compress(&zeros, 1).unwrap())]
        {
            let (output, decoded) = decode(&[name], &coded, true);
            assert_eq!(output.len(), 64 << 10, "{name}");
            assert!(decoded.anomalies.contains(Anomaly::BodyTooLarge), "{name}");
        }
    }

    #[test]
    fn the_ratio_is_a_cap_too() {
        let bounds = Bounds::new(&Config { decode_ratio_max: 2, ..Config::default() });
        let coded = gzip(&[0; 10_000]);
        let mut output = Vec::new();
        let decoded =
            Decoders::default().decode(codings(&["gzip"]), &coded, true, &bounds, &mut output);
        assert_eq!(output.len(), 2 * coded.len());
        assert!(decoded.anomalies.contains(Anomaly::BodyTooLarge));
    }

    #[test]
    fn a_body_of_exactly_the_cap_is_whole() {
        let exact = vec![b'x'; 64 << 10];
        let (output, decoded) = decode(&["gzip"], &gzip(&exact), true);
        assert_eq!((output, decoded), (exact, Decoded::default()));
    }

    #[test]
    fn a_large_zstd_window_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&vec![0; 100_000]).unwrap();
        let coded = encoder.finish().unwrap();
        let (output, decoded) = decode(&["zstd"], &coded, true);
        assert!(output.is_empty());
        assert!(decoded.anomalies.contains(Anomaly::InvalidContentCoding));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_decode_within_the_cap(
            input in prop::collection::vec(any::<u8>(), 0..400),
            name in prop::sample::select(vec!["gzip", "deflate", "br", "zstd"]),
            prefix in prop::sample::select(vec![
                b"".as_slice(), b"\x1f\x8b\x08\x1f", b"\x78\x9c", b"\x28\xb5\x2f\xfd",
            ]),
        ) {
            let input = [prefix, &input].concat();
            let (output, _) = decode(&[name], &input, true);
            prop_assert!(output.len() <= 64 << 10);
        }
    }
}
