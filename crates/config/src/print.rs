//! Settings as YAML.

use std::fmt::Write;

use tapline_discovery::{Environment, HostPattern, Partner, TemplateRule};
use tapline_model::Network;

use crate::key::{Key, Kind};
use crate::keys;
use crate::network;
use crate::settings::{ApiDocument, Settings};
use crate::size;

const WIDTH: usize = 98;

const HEADER: &str = "\
# Tapline: every key with its default, unit and range. What is left out keeps its default.
# Check a file with `tapline check-config FILE`. SIGHUP reads it again: `behavior`,
# `discovery.templates`, `discovery.environments`, `documents`, `log` and
# `alert.resolve_after_seconds` take effect at once, the rest at the next start.
# Sizes may be written with KiB, MiB and GiB.
";

/// The settings in force, as a file that gives the same settings. Passwords are named by file.
pub fn print(settings: &Settings) -> String {
    draw(settings, false)
}

/// The file with every key, its default, unit and range: `config/tapline.yaml`.
pub fn default_file() -> String {
    format!("{HEADER}{}", draw(&Settings::default(), true))
}

fn draw(settings: &Settings, explained: bool) -> String {
    let mut settings = settings.clone();
    let mut text = String::new();
    let mut section = "";
    for key in keys::all() {
        if key.section() != section {
            open_sections(&mut text, section, key.section());
            section = key.section();
        }
        let indent = "  ".repeat(key.path.matches('.').count());
        if explained {
            explain(&mut text, &indent, key);
        }
        let value = value(&mut settings, key, &indent);
        line(&mut text, format_args!("{indent}{}:{value}", key.name()));
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let written = writeln!(text, "{arguments}");
    debug_assert!(written.is_ok());
}

fn open_sections(text: &mut String, from: &str, to: &str) {
    let shared = from.split('.').zip(to.split('.')).take_while(|(old, new)| old == new).count();
    for (depth, name) in to.split('.').enumerate().skip(shared) {
        if depth == 0 {
            line(text, format_args!(""));
        }
        line(text, format_args!("{}{name}:", "  ".repeat(depth)));
    }
}

/// The help, and what may be given, as comments.
fn explain(text: &mut String, indent: &str, key: &Key) {
    let said = format!("{} Takes {}.", key.help, key.kind.shape());
    let mut row = format!("{indent}#");
    for word in said.split(' ') {
        if row.len() + 1 + word.len() > WIDTH {
            line(text, format_args!("{row}"));
            row = format!("{indent}#");
        }
        row.push(' ');
        row.push_str(word);
    }
    line(text, format_args!("{row}"));
}

/// What stands behind the colon.
fn value(settings: &mut Settings, key: &Key, indent: &str) -> String {
    match key.kind {
        Kind::Flag(at) => format!(" {}", at(settings)),
        Kind::Whole { at, unit: "bytes", .. } => format!(" {}", size::print(at.get(settings))),
        Kind::Whole { at, .. } => format!(" {}", at.get(settings)),
        Kind::Real { at, .. } => format!(" {}", real(*at(settings))),
        Kind::Text { get, .. } => {
            get(settings).map_or(String::new(), |text| format!(" {}", quoted(&text)))
        }
        Kind::List { get, .. } => {
            let items: Vec<String> = get(settings).iter().map(|item| quoted(item)).collect();
            list(&items, indent, indent.len() + key.name().len())
        }
        Kind::Secret { file, .. } => match file(settings) {
            Some(file) => format!(" {}", quoted(&file.display().to_string())),
            None => String::new(),
        },
        Kind::Documents => documents(settings, indent),
        Kind::Environments => environments(settings, indent),
        Kind::Partners => partners(settings, indent),
        Kind::Templates => templates(&settings.discovery.templates, indent),
        Kind::Alertmanagers => alertmanagers(settings, indent),
        Kind::WebLogin => match (&settings.web.basic_auth, &settings.secret_files.web) {
            (Some((username, _)), Some(file)) => {
                login(username, &file.display().to_string(), indent)
            }
            _ => String::new(),
        },
    }
}

/// A list behind a key that takes `before` bytes: in its line, if there is room.
fn list(items: &[String], indent: &str, before: usize) -> String {
    let line = format!(" [{}]", items.join(", "));
    if before + 1 + line.len() <= WIDTH {
        return line;
    }
    items.iter().flat_map(|item| ["\n", indent, "  - ", item]).collect()
}

/// A number that reads back as itself.
fn real(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() }
}

fn documents(settings: &Settings, indent: &str) -> String {
    let item = |document: &ApiDocument| {
        let file = quoted(&document.file.display().to_string());
        let mut text = format!("\n{indent}  - host: {}", quoted(&document.host));
        text.push_str(&["\n", indent, "    file: ", &file].concat());
        if let Some(base) = &document.base_path {
            text.push_str(&["\n", indent, "    base_path: ", &quoted(base)].concat());
        }
        text
    };
    let items: Vec<String> = settings.documents.apis.iter().map(item).collect();
    if items.is_empty() { " []".to_owned() } else { items.concat() }
}

fn environments(settings: &Settings, indent: &str) -> String {
    let item = |one: &Environment| place(&one.name, &one.hosts, &one.networks, indent);
    let items: Vec<String> = settings.discovery.environments.iter().map(item).collect();
    if items.is_empty() { " []".to_owned() } else { items.concat() }
}

fn partners(settings: &Settings, indent: &str) -> String {
    let item = |one: &Partner| place(&one.name, &[], &one.networks, indent);
    let items: Vec<String> = settings.discovery.partner_networks.iter().map(item).collect();
    if items.is_empty() { " []".to_owned() } else { items.concat() }
}

fn place(name: &str, hosts: &[HostPattern], networks: &[Network], indent: &str) -> String {
    let mut text = format!("\n{indent}  - name: {}", quoted(name));
    let hosts: Vec<String> = hosts.iter().map(|host| quoted(host.as_str())).collect();
    let networks: Vec<String> =
        networks.iter().map(|network| quoted(&network::print(network))).collect();
    for (key, items) in [("hosts", hosts), ("networks", networks)] {
        if !items.is_empty() {
            text.push_str(&["\n", indent, "    ", key, ": [", &items.join(", "), "]"].concat());
        }
    }
    text
}

/// What stands behind the colon of rules of path templates.
pub(crate) fn templates(rules: &[TemplateRule], indent: &str) -> String {
    let texts = |texts: &mut dyn Iterator<Item = &str>| {
        let texts: Vec<String> = texts.map(quoted).collect();
        (!texts.is_empty()).then(|| format!("[{}]", texts.join(", ")))
    };
    let item = |rule: &TemplateRule| {
        let mut text = format!("\n{indent}  - path: {}", quoted(&rule.path.to_string()));
        let pairs = [
            ("host", Some(quoted(rule.host.as_str()))),
            ("methods", texts(&mut rule.methods.iter().map(String::as_str))),
            ("name", rule.name.as_deref().map(quoted)),
            ("deprecated", rule.deprecated.map(|flag| flag.to_string())),
            ("owner", rule.owner.as_deref().map(quoted)),
            ("tags", texts(&mut rule.tags.iter().map(String::as_str))),
        ];
        for (name, value) in pairs.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
        {
            text.push_str(&["\n", indent, "    ", name, ": ", value].concat());
        }
        text
    };
    let items: Vec<String> = rules.iter().map(item).collect();
    if items.is_empty() { " []".to_owned() } else { items.concat() }
}

fn alertmanagers(settings: &Settings, indent: &str) -> String {
    let files = settings.secret_files.alertmanagers.iter().chain(std::iter::repeat(&None));
    let items: Vec<String> = settings
        .alert
        .alertmanagers
        .iter()
        .zip(files)
        .map(|(alertmanager, file)| {
            let url = quoted(&alertmanager.url);
            let inner = format!("{indent}    ");
            match (&alertmanager.basic_auth, file) {
                (Some((username, _)), Some(file)) => {
                    let login = login(username, &file.display().to_string(), &inner);
                    format!("\n{indent}  - url: {url}\n{inner}basic_auth:{login}")
                }
                _ => format!("\n{indent}  - url: {url}"),
            }
        })
        .collect();
    if items.is_empty() { " []".to_owned() } else { items.concat() }
}

fn login(username: &str, file: &str, indent: &str) -> String {
    format!("\n{indent}  username: {}\n{indent}  password_file: {}", quoted(username), quoted(file))
}

/// A text as a YAML scalar: plain where that cannot be misread, else in double quotes.
fn quoted(text: &str) -> String {
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off"]
            .contains(&text.to_lowercase().as_str());
    if plain || number {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || !c.is_ascii() => {
                quoted.push_str("\\U");
                quoted.extend(hexadecimal(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The eight digits of a character's number.
fn hexadecimal(c: char) -> impl Iterator<Item = char> {
    let number = u32::from(c);
    (0..8u32).rev().filter_map(move |digit| char::from_digit(number >> (4 * digit) & 15, 16))
}
