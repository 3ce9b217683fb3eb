//! Hosts that are one: `{tenant}.api.example.com`.

use std::fmt;

use compact_str::CompactString;

/// Bytes of a name (RFC 1035 section 3.1).
const NAME_BYTES_MAX: usize = 253;
/// Labels at the end that are the same for all: a registered name has two at least.
const FIXED_LABELS_MIN: usize = 2;

/// A host's name with labels that stand for any text; without one, a name that stays what it is
/// although others like it are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostTemplate(Vec<CompactString>);

impl HostTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, and after a semicolon what to do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > NAME_BYTES_MAX {
            return Err("is longer than a host's name; write one");
        }
        let labels: Vec<CompactString> = text
            .split('.')
            .map(
                |label| {
                    if is_slot(label) { label.into() } else { label.to_ascii_lowercase().into() }
                },
            )
            .collect();
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let bare = labels.iter().map(|label| {
            label.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(label)
        });
        if !bare.clone().all(|label| !label.is_empty() && label.bytes().all(is_word)) {
            return Err("is no host; write {name} or a word between dots, without a port");
        }
        let fixed = labels.iter().rev().take_while(|label| !is_slot(label)).count();
        if fixed < FIXED_LABELS_MIN {
            return Err("joins hosts of different owners; end it with a registered name");
        }
        Ok(Self(labels))
    }

    /// Whether it is of a name, lower case and without a port.
    fn is_of(&self, name: &str) -> bool {
        let mut labels = name.split('.');
        let all = self
            .0
            .iter()
            .all(|own| labels.next().is_some_and(|label| is_slot(own) || own == label));
        all && labels.next().is_none()
    }

    fn slots(&self) -> usize {
        self.0.iter().filter(|label| is_slot(label)).count()
    }
}

impl fmt::Display for HostTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

fn is_slot(label: &str) -> bool {
    label.starts_with('{') && label.ends_with('}')
}

/// Replaces the name of a host by the template that it fits, the one with the fewest slots; the port
/// stays.
pub(crate) fn join_host(templates: &[HostTemplate], host: &mut CompactString) {
    let name_len = host.rfind(':').unwrap_or(host.len());
    let (name, port) = host.split_at(name_len);
    let fitting = templates.iter().filter(|template| template.is_of(name));
    if let Some(template) = fitting.min_by_key(|template| (template.slots(), *template)) {
        *host = compact_str::format_compact!("{template}{port}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_the_template_with_the_fewest_slots() {
        let templates =
            ["{tenant}.api.example.test", "admin.api.example.test", "{t}.{r}.example.test"]
                .map(|text| HostTemplate::parse(text).unwrap());
        for (host, expected) in [
            ("acme.api.example.test", "{tenant}.api.example.test"),
            ("acme.api.example.test:8080", "{tenant}.api.example.test:8080"),
            ("admin.api.example.test", "admin.api.example.test"),
            ("acme.eu.example.test", "{t}.{r}.example.test"),
            ("api.example.test", "api.example.test"),
            ("a.b.api.example.test", "a.b.api.example.test"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            let mut host = CompactString::from(host);
            join_host(&templates, &mut host);
            assert_eq!(host, expected);
        }
    }

    #[test]
    fn what_is_no_template_is_refused_with_a_remedy() {
        for text in [
            "",
            "{a}",
            "{a}.test",
            "a..b.test",
            "{a.b}.c.test",
            "{a}.b.test:80",
            "a b.c.test",
            "{}.b.test",
        ] {
            let said = HostTemplate::parse(text).unwrap_err();
            assert!(said.contains("; "), "{text}: {said}");
        }
    }
}
