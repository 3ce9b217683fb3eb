//! Seeds as curl commands.

use super::Seed;

/// The commands of all seeds, as a script for a POSIX shell.
pub fn curl_script(seeds: &[Seed]) -> String {
    let mut out = String::from(
        "#!/bin/sh\n\
         # Example requests, made of names and types that were seen; no value in them was captured.\n\
         # Credentials are yours: export TOKEN, API_KEY, BASIC or SESSION before.\n\
         : \"${TOKEN:=}\" \"${API_KEY:=}\" \"${BASIC:=}\" \"${SESSION:=}\"\n",
    );
    for seed in seeds {
        out.push_str("\n# ");
        // A comment ends with its line.
        out.push_str(&crate::text::shown(&format!(
            "{} {}{}",
            seed.method, seed.base_url, seed.template
        )));
        out.push('\n');
        out.push_str(&command(seed));
        out.push('\n');
    }
    out
}

/// One command.
pub(super) fn command(seed: &Seed) -> String {
    let mut out = String::from("curl -sS -g --path-as-is");
    if seed.method == "HEAD" {
        out.push_str(" -I");
    } else {
        out.push_str(" -X ");
        out.push_str(&seed.method);
    }
    for (name, value) in &seed.headers {
        out.push_str(" -H ");
        out.push_str(&header(name, value));
    }
    if seed.media == "multipart/form-data" {
        for field in seed.body.lines() {
            out.push_str(" --form-string ");
            out.push_str(&quoted(field));
        }
    } else if !seed.media.is_empty() {
        out.push_str(" --data-raw ");
        out.push_str(&quoted(&seed.body));
    }
    out.push(' ');
    out.push_str(&quoted(&seed.url()));
    out
}

/// A header field; what is between `${` and `}` in it is a variable.
fn header(name: &str, value: &str) -> String {
    if value.contains("${") {
        // Only our own places for credentials have this form.
        format!("\"{name}: {value}\"")
    } else {
        quoted(&format!("{name}: {value}"))
    }
}

/// Text that a shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::super::tests::order;
    use super::*;

    #[test]
    fn a_shell_takes_every_text_as_it_is() {
        assert_eq!(quoted("a'b$(c)`d`\"\n"), "'a'\\''b$(c)`d`\"\n'");
        let script = curl_script(&super::super::seeds_of([&order()]));
        assert!(script.starts_with("#!/bin/sh\n") && script.contains("-X POST"));
    }
}
