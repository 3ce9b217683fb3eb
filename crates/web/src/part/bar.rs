//! Shares of a whole, side by side.

use askama::Template;

use crate::number;

/// Units across a bar.
const WIDTH: u64 = 1_000;

/// Shares of a whole, side by side, with a legend when it is wanted.
#[derive(Debug, Template)]
#[template(path = "part/bar.html")]
pub(crate) struct Bar {
    label: String,
    parts: Vec<Part>,
    legend: bool,
}

#[derive(Debug)]
struct Part {
    tone: &'static str,
    name: &'static str,
    size: String,
    share: String,
    x: u64,
    width: u64,
}

impl Bar {
    /// A bar of `(colour, name, size)`. `what` says what the whole is; `show` writes a size.
    pub(crate) fn new(
        what: &str,
        parts: &[(&'static str, &'static str, u64)],
        show: fn(u64) -> String,
    ) -> Self {
        let whole = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.2));
        let mut x = 0;
        let parts: Vec<Part> = parts
            .iter()
            .map(|&(tone, name, size)| {
                let width = number::scale(size, whole, WIDTH).min(WIDTH - x);
                x += width;
                Part {
                    tone,
                    name,
                    size: show(size),
                    share: number::share(size, whole),
                    x: x - width,
                    width,
                }
            })
            .collect();
        let said: Vec<String> =
            parts.iter().map(|part| format!("{} {}", part.name, part.share)).collect();
        Self { label: format!("{what}: {}", said.join(", ")), parts, legend: false }
    }

    /// Answers by status class: index 0 is without a response, 1 to 5 are 1xx to 5xx.
    pub(crate) fn of_statuses([none, one, two, three, four, five]: [u64; 6]) -> Self {
        let mut parts = vec![
            ("s2", "2xx", two),
            ("s3", "3xx", three),
            ("s1", "1xx", one),
            ("s4", "4xx", four),
            ("s5", "5xx", five),
            ("s0", "no answer", none),
        ];
        parts.retain(|&(_, _, count)| count > 0);
        Self::new("Answers", &parts, number::count)
    }

    /// Bytes by what could be seen of them.
    pub(crate) fn of_visibility([http, tls, other, gap]: [u64; 4]) -> Self {
        Self::new(
            "Bytes",
            &[
                ("v-http", "plaintext HTTP", http),
                ("v-tls", "TLS", tls),
                ("v-other", "other", other),
                ("v-gap", "missing", gap),
            ],
            number::bytes,
        )
    }

    /// The same, with a legend.
    pub(crate) fn with_legend(self) -> Self {
        Self { legend: true, ..self }
    }
}

/// One share of a whole.
#[derive(Debug, Template)]
#[template(
    source = r#"<span class="meter"><svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="4"/><rect class="{{ tone }}" width="{{ width }}" height="4"/></svg><span class="num">{{ share }}</span></span>"#,
    ext = "html"
)]
pub(crate) struct Meter {
    tone: &'static str,
    width: u64,
    share: String,
}

impl Meter {
    /// `part` of `whole`.
    pub(crate) fn new(tone: &'static str, part: u64, whole: u64) -> Self {
        Self { tone, width: number::scale(part, whole, 100), share: number::share(part, whole) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_never_leave_the_bar(sizes: [u64; 4]) {
            let bar = Bar::of_visibility(sizes);
            let mut x = 0;
            for part in &bar.parts {
                prop_assert_eq!(part.x, x);
                x += part.width;
            }
            prop_assert!(x <= WIDTH);
        }
    }
}
