//! Rules of paths read, refused and printed.

use proptest::prelude::*;

use crate::{needs_restart, parse, parse_rule, parse_rules, print, print_rules};

#[test]
fn rules_print_as_they_read() {
    let text = "\
discovery:
  templates:
    - path: /users/me
    - {path: '/files/{path}.json', host: '*.Shop.test', methods: [get, PUT], name: 'Read it'}
    - {path: /v1/**, deprecated: true, owner: 'team: accounts', tags: [old, b]}
";
    let settings = parse(text, "t.yaml").unwrap();
    let rules = &settings.discovery.templates;
    assert_eq!(rules.len(), 3);
    assert_eq!(rules[1].methods, ["GET", "PUT"]);
    assert_eq!(rules[1].host.as_str(), "*.shop.test");
    assert_eq!(parse(&print(&settings), "t.yaml").unwrap(), settings);
}

#[test]
fn every_mistake_is_told_with_its_place_and_remedy() {
    let text = "\
discovery:
  templates:
    - {path: users, host: 'a b', methods: [GET, GET], tag: x}
    - {host: shop.test}
    - {path: '/a/{x}'}
    - {path: '/a/{y}', deprecated: maybe}
    - {path: /b/**, name: all, owner: ''}
    - /c
";
    let problems = parse(text, "t.yaml").unwrap_err().to_string();
    assert_eq!(
        problems,
        "\
t.yaml:3:14: discovery.templates[0].path: \"users\" is no path; begin it with /
t.yaml:3:27: discovery.templates[0].host: \"a b\" is no host; write a name, *.example.test, or \"*\"
t.yaml:3:49: discovery.templates[0].methods[1]: is in the list twice; keep one
t.yaml:3:55: discovery.templates[0].tag: unknown key; did you mean tags?
t.yaml:4:7: discovery.templates[1]: has no path; add it, /** for every path
t.yaml:6:7: discovery.templates[3]: is of the same paths as /a/{x} before it; keep one
t.yaml:6:36: discovery.templates[3].deprecated: \"maybe\" is neither true nor false
t.yaml:7:7: discovery.templates[4]: names many operations alike; end its path without /**
t.yaml:7:39: discovery.templates[4].owner: \"\" is not 1 to 128 characters in one line
t.yaml:8:7: discovery.templates[5]: is not a mapping; write - path: ..."
    );
}

#[test]
fn a_reload_takes_rules_at_once_unless_workers_must_know_them() {
    let of = |path: &str| {
        parse(&format!("discovery:\n  templates:\n    - path: {path}\n"), "t.yaml").unwrap()
    };
    assert!(needs_restart(&of("/a/b"), &of("/a/{b}")).is_empty());
    let waits = "discovery.templates with words that look like values";
    assert_eq!(needs_restart(&of("/a/b"), &of("/a/42")), [waits]);
}

fn refused(text: &str) -> String {
    parse_rule(text, &["by"]).unwrap_err().to_string()
}

#[test]
fn one_rule_reads_as_an_item_does() {
    let json = r#"{"by":"ada","path":"/a/{x}","methods":["get"],"host":"Shop.test",
        "name":"Read \u00e9\"","deprecated":true,"tags":["a b"]}"#;
    let rule = parse_rule(json, &["by"]).unwrap();
    assert_eq!((rule.path.to_string().as_str(), rule.host.as_str()), ("/a/{x}", "shop.test"));
    assert_eq!((rule.methods, rule.deprecated), (vec!["GET".to_owned()], Some(true)));
    assert_eq!((rule.name.as_deref(), rule.tags), (Some("Read é\""), vec!["a b".to_owned()]));
    let odd = parse_rule("{\t\"path\"\t:\n\t\"\\/a\"}", &[]).unwrap();
    assert_eq!(odd.path.to_string(), "/a");
    let yaml = parse_rule("path: /a/b\ntags: [x]\n", &[]).unwrap();
    assert_eq!((yaml.host.as_str(), yaml.tags), ("*", vec!["x".to_owned()]));
}

#[test]
fn every_mistake_of_one_rule_is_told_with_its_place() {
    let text = r#"{"path":"users","by":"ada",
 "methods":["GET","get"],"deprecated":1,"nam":"x"}"#;
    assert_eq!(
        refused(text),
        "\
rule:1:9: path: \"users\" is no path; begin it with /
rule:2:19: methods[1]: is in the list twice; keep one
rule:2:39: deprecated: \"1\" is neither true nor false
rule:2:41: nam: unknown key; did you mean name?"
    );
    assert_eq!(refused("{}"), "rule:1:1: has no path; add it, /** for every path");
    assert_eq!(refused(""), "rule: is empty; give a path at least");
    assert!(refused("[1]").starts_with("rule:1:1: is not a mapping; write - path"));
    assert!(refused(r#"{"path":null}"#).contains("path: is not a text; give one"));
    assert!(refused("{\"path\"").contains("not YAML"));
}

#[test]
fn a_file_of_rules_holds_nothing_else() {
    assert_eq!(parse_rules("", "t").unwrap(), []);
    assert_eq!(parse_rules(&print_rules(&[]), "t").unwrap(), []);
    let said = parse_rules("log: {level: debug}\n", "t").unwrap_err().to_string();
    assert!(said.starts_with("t: sets more than discovery.templates; "), "{said}");
    let said = parse_rules("discovery: {templates: [{path: a}]}", "t").unwrap_err().to_string();
    assert!(said.starts_with("t:1:32: discovery.templates[0].path: "), "{said}");
}

proptest! {
    #[test]
    fn a_file_of_rules_reads_as_it_prints(
        name in "[^\\pC ]([^\\pC]{0,30}[^\\pC ])?",
        owner in "[ -~]{1,20}",
        tags in proptest::collection::btree_set("[!-~]{1,8}", 0..4),
        path in "(/[a-z0-9.~%-]{1,9}){0,5}",
    ) {
        let quoted = |text: &str| json_quoted(text);
        let text = format!("path: {}\nname: {}\n", quoted(&format!("{path}/x")), quoted(&name));
        let Ok(mut rule) = parse_rule(&text, &[]) else { return Ok(()) };
        rule.owner = (owner.trim() == owner).then_some(owner);
        rule.tags = tags.into_iter().collect();
        let rules = [rule];
        prop_assert_eq!(parse_rules(&print_rules(&rules), "t").unwrap(), rules);
    }
}

/// A text in double quotes, as JSON has it.
fn json_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
