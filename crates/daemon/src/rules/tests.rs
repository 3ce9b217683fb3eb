//! Rules put, replaced, removed, kept, and outweighed.

use std::fs;

use crossbeam_channel::Receiver;

use super::*;

fn configured(templates: &str) -> Settings {
    tapline_config::parse(&format!("discovery:\n  templates:{templates}\n"), "t.yaml").unwrap()
}

/// Rules in a folder, and a merge that follows at once.
fn open(folder: &Path, templates: &str) -> (Rules, Receiver<Vec<String>>) {
    let rules = Rules::open(folder, configured(templates), Arc::default());
    let (merge, incoming) = bounded(16);
    let (told, heard) = bounded(16);
    rules.connect(merge);
    std::thread::spawn(move || {
        for message in incoming {
            let Message::Reload { settings, followed, .. } = message else { continue };
            let paths = settings.discovery.templates.iter().map(|rule| rule.path.to_string());
            // Some tests do not listen.
            told.try_send(paths.collect()).unwrap_or_default();
            if let Some(followed) = followed {
                followed.send(()).unwrap();
            }
        }
    });
    (rules, heard)
}

fn order(what: RuleChange) -> RuleOrder {
    RuleOrder { what, by: "ada".into(), comment: "known".into() }
}

fn put(rules: &Rules, text: &str) -> Result<Arc<RuleView>, OrderError> {
    rules.carry(&order(RuleChange::Put(text.to_owned()))).map(Carried::wait)
}

fn remove(rules: &Rules, id: RuleId) -> Result<Arc<RuleView>, OrderError> {
    rules.carry(&order(RuleChange::Remove(id))).map(Carried::wait)
}

fn paths(rules: &Rules) -> Vec<String> {
    rules.list().rules.iter().map(|rule| rule.path.clone()).collect()
}

#[test]
fn what_is_put_holds_at_once_and_after_a_restart_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, heard) = open(folder.path(), " [{path: /c}]");
    let rule = put(&rules, r#"{"by":"ada","path":"/a/{x}","name":"read","tags":["t"]}"#).unwrap();
    assert_eq!((rule.origin, rule.state), (RuleOrigin::Operators, RuleState::InForce));
    assert_eq!(heard.recv().unwrap(), ["/c", "/a/{x}"]);
    let renamed = put(&rules, r#"{"path":"/a/{y}","name":"get"}"#).unwrap();
    assert_eq!((renamed.id, renamed.tags.len()), (rule.id, 0), "it takes the place of the other");
    assert_eq!(heard.recv().unwrap(), ["/c", "/a/{y}"]);

    let (again, heard) = open(folder.path(), " []");
    assert_eq!(again.settings().discovery.templates[0].name.as_deref(), Some("get"));
    assert!(again.configured().discovery.templates.is_empty());
    assert_eq!(remove(&again, rule.id).unwrap().path, "/a/{y}");
    assert!(heard.recv().unwrap().is_empty());
    assert!(matches!(remove(&again, rule.id), Err(OrderError::Unknown(_))));
    let (empty, _) = open(folder.path(), " []");
    assert_eq!(paths(&empty), Vec::<String>::new());
}

#[test]
fn the_configuration_outweighs_what_is_of_the_same_paths() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, heard) = open(folder.path(), " []");
    let rule = put(&rules, r#"{"path":"/a/{x}"}"#).unwrap();
    assert_eq!(heard.recv().unwrap(), ["/a/{x}"]);
    let settings = rules.reload(configured(" [{path: '/a/{z}'}]"), Arc::default()).unwrap();
    assert_eq!(settings.discovery.templates.len(), 1);
    assert_eq!(heard.recv().unwrap(), ["/a/{z}"]);
    let states: Vec<RuleState> = rules.list().rules.iter().map(|rule| rule.state).collect();
    assert_eq!(states, [RuleState::InForce, RuleState::Outweighed]);

    let Err(OrderError::Conflict(said)) = put(&rules, r#"{"path":"/a/{x}"}"#) else { panic!() };
    assert!(said.contains("/a/{z} of host *") && said.contains("SIGHUP"), "{said}");
    let posts = put(&rules, r#"{"path":"/a/{x}","methods":["POST","PUT"]}"#).unwrap();
    let overlap = put(&rules, r#"{"path":"/a/{x}","methods":["POST"]}"#);
    assert!(matches!(overlap, Err(OrderError::Conflict(said)) if said.contains("POST, PUT")));
    let fixed = rules.list().rules[0].id;
    assert_eq!(fixed, rule.id, "the paths are the same");
    remove(&rules, rule.id).unwrap();
    assert!(matches!(remove(&rules, fixed), Err(OrderError::Conflict(_))));
    remove(&rules, posts.id).unwrap();
}

#[test]
fn every_mistake_of_a_rule_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, _heard) = open(folder.path(), " []");
    let Err(OrderError::Refused(said)) = put(&rules, r#"{"path":"a","name":"","x":1}"#) else {
        panic!()
    };
    assert_eq!(said.lines().count(), 3, "{said}");
    let unsigned = RuleOrder { by: " ".into(), ..order(RuleChange::Put("{}".into())) };
    assert!(matches!(rules.carry(&unsigned), Err(OrderError::Refused(_))));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is kept of it");
}

#[test]
fn a_file_that_cannot_be_read_stays_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let broken = "discovery:\n  templates:\n    - {path: a}\n    - {path: /b, x: 1}\n";
    fs::write(&path, broken).unwrap();
    let (rules, heard) = open(folder.path(), " [{path: /c}]");
    let fault = rules.fault().unwrap();
    assert!(
        fault.contains("templates.yaml:3:14") && fault.contains("templates.yaml:4:18"),
        "{fault}"
    );
    assert_eq!(rules.list().fixed.as_ref(), Some(&fault));
    assert!(matches!(put(&rules, r#"{"path":"/d"}"#), Err(OrderError::Unavailable(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), broken);

    fs::write(&path, broken.replace(" a}", " /a}").replace(", x: 1", "")).unwrap();
    rules.reload(rules.configured(), Arc::default()).unwrap();
    assert_eq!(heard.recv().unwrap(), ["/c", "/a", "/b"]);
    assert_eq!(rules.fault(), None);
    put(&rules, r#"{"path":"/d"}"#).unwrap();
    assert_eq!(paths(&rules), ["/c", "/a", "/b", "/d"]);

    fs::write(&path, "discovery: [").unwrap();
    rules.reload(rules.configured(), Arc::default()).unwrap();
    assert_eq!(paths(&rules), ["/c", "/a", "/b", "/d"], "what is known stays");
    assert!(rules.fault().is_some());
}

#[test]
fn there_is_an_end_to_rules() {
    let folder = tempfile::tempdir().unwrap();
    let full: Vec<String> = (0..RULES_MAX).map(|n| format!("{{path: /a{n}}}")).collect();
    let full = format!("discovery: {{templates: [{}]}}\n", full.join(", "));
    fs::write(folder.path().join(NAME), full).unwrap();
    let (rules, _heard) = open(folder.path(), " []");
    assert_eq!(rules.list().rules.len(), RULES_MAX);
    let Err(OrderError::Refused(said)) = put(&rules, r#"{"path":"/b"}"#) else { panic!() };
    assert!(said.contains("1000") && said.contains("remove"), "{said}");
    put(&rules, r#"{"path":"/a7","name":"replaced"}"#).unwrap();
    let long = "\u{e9}".repeat(120);
    let tags: Vec<String> = (10..26).map(|n| format!("{}{n}", "\u{e9}".repeat(60))).collect();
    let tags = tags.join("\",\"");
    let wordy = |n: usize| {
        put(
            &rules,
            &format!(r#"{{"path":"/a{n}","name":"{long}","owner":"{long}","tags":["{tags}"]}}"#),
        )
    };
    let refused = (0..200).find_map(|n| wordy(n).err()).expect("a bound in bytes");
    assert!(matches!(refused, OrderError::Refused(said) if said.contains("bytes")));
    assert!(fs::metadata(folder.path().join(NAME)).unwrap().len() <= FILE_BYTES_MAX);
}

#[test]
fn words_that_look_like_values_wait_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, _heard) = open(folder.path(), " []");
    assert_eq!(put(&rules, r#"{"path":"/rooms/42"}"#).unwrap().state, RuleState::AtNextStart);
    let (again, _heard) = open(folder.path(), " []");
    assert_eq!(again.list().rules[0].state, RuleState::InForce);
    let more = put(&again, r#"{"path":"/rooms/42","name":"thatRoom"}"#).unwrap();
    assert_eq!(more.state, RuleState::InForce, "its words are known");
}

#[test]
fn what_cannot_be_kept_or_told_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (gone, _heard) = open(&folder.path().join("gone"), " []");
    assert!(matches!(put(&gone, r#"{"path":"/a"}"#), Err(OrderError::Unavailable(_))));
    assert_eq!(paths(&gone), Vec::<String>::new());
    let early = Rules::open(folder.path(), Settings::default(), Arc::default());
    assert!(matches!(put(&early, r#"{"path":"/a"}"#), Err(OrderError::Unavailable(_))));
    let replay = Rules::fixed(configured(" [{path: /c}]"), Arc::default());
    let Err(OrderError::Conflict(said)) = put(&replay, r#"{"path":"/a"}"#) else { panic!() };
    assert_eq!(replay.list().fixed, Some(said));
    assert_eq!(paths(&replay), ["/c"]);
}

#[test]
fn an_endpoint_knows_the_rules_it_follows() {
    let folder = tempfile::tempdir().unwrap();
    let templates =
        " [{path: /**, owner: o}, {path: '/a/{x}', methods: [POST]}, {path: '/{t}/**'}]";
    let (rules, _heard) = open(folder.path(), templates);
    put(&rules, r#"{"path":"/a/{x}","host":"h"}"#).unwrap();
    let of = rules.of("h", "GET", "/a/{id}");
    let of: Vec<&str> = of.iter().map(|rule| rule.path.as_str()).collect();
    assert_eq!(of, ["/a/{x}", "/{t}/**", "/**"]);
}
