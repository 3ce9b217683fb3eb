//! Rules of paths read, refused and printed.

use crate::{needs_restart, parse, print};

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
