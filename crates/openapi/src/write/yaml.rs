//! YAML in block style. Text is in double quotes unless it can be nothing else.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::node::Node;

/// Longer keys need the explicit form.
const KEY_BYTES_MAX: usize = 1_000;

/// Writes a tree.
pub(super) fn text(node: &Node<'_>) -> String {
    let mut out = String::new();
    block(node, 0, &mut out);
    out
}

/// Writes a node on lines of its own. As deep as the document is, which is bounded.
fn block(node: &Node<'_>, depth: usize, out: &mut String) {
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            for (index, (name, node)) in entries.iter().enumerate() {
                // The first stands behind the dash of a list.
                if index > 0 || !out.ends_with("- ") {
                    indent(depth, out);
                }
                key(name, depth, out);
                value(node, depth + 1, out);
            }
        }
        Node::List(nodes) if !nodes.is_empty() => {
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 || !out.ends_with("- ") {
                    indent(depth, out);
                }
                out.push_str("- ");
                block(node, depth + 1, out);
            }
        }
        leaf => {
            scalar(leaf, out);
            out.push('\n');
        }
    }
}

/// Writes what follows a key.
fn value(node: &Node<'_>, depth: usize, out: &mut String) {
    let is_block = match node {
        Node::Map(entries) => !entries.is_empty(),
        Node::List(nodes) => !nodes.is_empty(),
        Node::Text(_) | Node::Leaf(_) => false,
    };
    out.push_str(if is_block { "\n" } else { " " });
    block(node, depth, out);
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn key(name: &str, depth: usize, out: &mut String) {
    let is_long = name.len() > KEY_BYTES_MAX;
    if is_long {
        out.push_str("? ");
    }
    string(name, out);
    if is_long {
        out.push('\n');
        indent(depth, out);
    }
    out.push(':');
}

fn scalar(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Map(_) => out.push_str("{}"),
        Node::List(_) => out.push_str("[]"),
        Node::Text(text) => string(text, out),
        Node::Leaf(Value::Number(number)) => out.push_str(&self::number(number)),
        Node::Leaf(value) => out.push_str(&value.to_string()),
    }
}

/// YAML 1.1 readers know a power of ten only behind a fraction.
fn number(number: &Number) -> String {
    let text = number.to_string();
    match text.split_once('e') {
        Some((digits, power)) => {
            let fraction = if digits.contains('.') { "" } else { ".0" };
            let sign = if power.starts_with(['-', '+']) { "" } else { "+" };
            format!("{digits}{fraction}e{sign}{power}")
        }
        None => text,
    }
}

fn string(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // What YAML does not print, and what ends a line for some.
            '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'..='\u{ffff}' => {
                // Writing to a string cannot fail.
                write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default();
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether text without quotes is text to every reader.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_simple =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./ ".contains(&byte));
    begins
        && is_simple
        && !text.ends_with(' ')
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}
