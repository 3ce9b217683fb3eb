//! What a look costs: nanoseconds a byte for values that people send, and for values that are made to
//! be expensive, at two lengths: what is linear costs the same a byte.

use std::hint::black_box;
use std::time::Duration;

use tapline_model::AttackPlace;
use tapline_payload::Inspector;

/// What is repeated to be expensive.
const HOSTILE: &[&str] = &[
    "{{", "${", "<a ", "'", "\"", "(", "%25", "%2525", "&#x26;", "../", "\\u005c", "` ", ";id ",
    "/*", "--", "select ", "' or ", "${lower:", "onx=", "<!--", "+ADw", "$(", "http://", "{{a.b(",
    "<% ", "a:1:{",
];

/// Rounds of which the fastest counts.
const ROUNDS: u32 = 50;
/// Looks of one round.
const LOOKS: u32 = 100;

/// What people send.
const USUAL: &[(&str, &str)] = &[
    ("word", "alphabetical"),
    ("number", "1442431887503330"),
    ("uuid", "550e8400-e29b-41d4-a716-446655440000"),
    ("token", "Zx81kd92LqAAbb77CCdd_0aZx81kd92LqAAbb77CCdd"),
    ("date", "2026-11-26T10:00:00Z"),
    ("link", "https://example.org/shop/items/42?sort=price&page=2"),
    ("mail", "bob.builder@mail.example.org"),
    ("name", "O'Brien & Sons, established 1984"),
    ("agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (
        "prose",
        "The Senora found herself a heroine; more than that, she became aware of it, and (as people \
         do) liked it. \"Is it so?\" she asked, and it was.",
    ),
    ("page", "<p>Hello <b>world</b>, <a href=\"https://example.org/\">here</a> it is.</p>"),
    ("attack", "1' union select null,version()--"),
];

#[expect(clippy::print_stdout, reason = "the figures are the point")]
fn main() {
    let mut inspector = Inspector::new();
    println!("{:12} {:>9} {:>9}", "value", "ns", "ns/byte");
    for (name, value) in USUAL {
        let spent = time(&mut inspector, value.as_bytes(), LOOKS);
        let each = spent.as_secs_f64() * 1e9 / f64::from(LOOKS);
        let bytes = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
        println!("{name:12} {each:9.1} {:9.2}", each / bytes);
    }
    println!("\n{:12} {:>9} {:>9}", "repeated", "4 KiB", "64 KiB");
    for text in HOSTILE {
        let cost = |bytes: usize, inspector: &mut Inspector| {
            let value = text.repeat(bytes / text.len());
            let spent = time(inspector, value.as_bytes(), 1).as_secs_f64() * 1e9;
            spent / f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
        };
        let (short, long) = (cost(4 << 10, &mut inspector), cost(64 << 10, &mut inspector));
        println!("{text:12} {short:9.1} {long:9.1}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock is the point")]
fn time(inspector: &mut Inspector, value: &[u8], times: u32) -> Duration {
    let mut found = 0_u32;
    inspector.look(value, AttackPlace::Query, &mut |_, _| found += 1);
    // The least of several rounds: whoever else runs on the machine only adds to it.
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = std::time::Instant::now();
        for _ in 0..times {
            inspector.look(black_box(value), AttackPlace::Query, &mut |_, _| found += 1);
        }
        least = least.min(start.elapsed());
    }
    black_box(found);
    least
}
