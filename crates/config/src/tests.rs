//! Whole files: every mistake is reported, and what is printed reads back.

use std::path::Path;

use super::*;

fn refused(text: &str) -> String {
    parse(text, "t.yaml").unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_defaults() {
    for text in ["", "# nothing\n", "sensor:\n", "---\n"] {
        assert_eq!(parse(text, "t.yaml").unwrap(), Settings::default(), "{text:?}");
    }
}

#[test]
fn the_default_file_is_the_defaults_and_names_every_key() {
    let text = default_file();
    assert_eq!(parse(&text, "t.yaml").unwrap(), Settings::default());
    for key in keys::all() {
        assert!(text.contains(&format!("{}:", key.name())), "{}", key.path);
    }
    assert!(text.lines().all(|line| line.len() <= 100));
}

#[test]
fn every_mistake_is_reported_at_once_in_file_order() {
    let text = "\
reassembly:
  flows_max: many
  idle_timeout_secs: 5
protocol:
  head_bytes_max: 1GiB
capture:
  promiscuous: 1
  interfaces: eth0
unheard: of
web:
  listen: nowhere
behavior:
  error_burst:
    lift_min: 0.5
  error_burst:
    enabled: true
";
    assert_eq!(
        refused(text),
        "\
t.yaml:2:14: reassembly.flows_max: \"many\" is not a whole number of flows from 64 to 16777216
t.yaml:3:3: reassembly.idle_timeout_secs: unknown key; did you mean idle_timeout_seconds?
t.yaml:5:19: protocol.head_bytes_max: \"1GiB\" is not a size from 256 to 1MiB
t.yaml:7:16: capture.promiscuous: \"1\" is neither true nor false
t.yaml:8:15: capture.interfaces: is not a list; give a list of interface names
t.yaml:9:1: unheard: unknown key; here are: alert, behavior, capture, decap, discovery, documents, evidence, log, \
overload, prevention, protocol, reassembly, sensor, web
t.yaml:11:11: web.listen: \"nowhere\" is not an address and port such as 127.0.0.1:9488 or [::1]:9488
t.yaml:14:15: behavior.error_burst.lift_min: \"0.5\" is not a number (times) from 1 to 1000
t.yaml:15:3: behavior.error_burst: is set twice, first in line 13; keep one"
    );
}

#[test]
fn values_that_do_not_go_together_are_named_with_their_line() {
    let text = refused("reassembly:\n  held_bytes_max: 1MiB\n  flow_held_bytes_max: 2MiB\n");
    assert!(text.starts_with("t.yaml:3:24: reassembly.flow_held_bytes_max: one flow"), "{text}");
    let text = refused("web:\n  listen: 0.0.0.0:9488\n");
    assert!(text.contains("t.yaml:2:11: web.listen: 0.0.0.0:9488 is reached"), "{text}");
    let text = refused("protocol:\n  message_bytes_max: 2GiB\n");
    assert!(text.contains("sensor.memory_bytes"), "{text}");
    let text = refused("reassembly:\n  flows_max: 16777216\n");
    assert!(text.contains("sensor.memory_bytes"), "{text}");
    for table in ["delta_consumers_max", "consumers_max"] {
        let text = refused(&format!("behavior:\n  {table}: 1000000\n"));
        assert!(text.contains("sensor.memory_bytes"), "{text}");
        assert!(text.contains("behavior.delta_attempts_max take"), "{text}");
    }
    let text = refused("reassembly:\n  overlap_policy: plan9\n");
    assert!(text.contains("\"plan9\" is not first, last, bsd"), "{text}");
}

#[test]
fn ports_are_ports() {
    let settings = parse("decap:\n  vxlan_ports: [4789, 65535]\n  geneve_ports: []\n", "t.yaml");
    let settings = settings.unwrap();
    assert_eq!(settings.decap.vxlan_ports, [4789, 65_535]);
    assert!(settings.decap.geneve_ports.is_empty());
    assert!(print(&settings).contains("vxlan_ports: [4789, 65535]\n"));
    for port in ["0", "65536", "http", "4789, 4789"] {
        let text = refused(&format!("decap:\n  vxlan_ports: [{port}]\n"));
        assert!(text.starts_with("t.yaml:2:"), "{text}");
    }
}

#[test]
fn passwords_come_from_files_and_are_never_printed() {
    let read = |path: &Path| {
        assert_eq!(path, Path::new("/etc/tapline/secret"));
        Ok("pass-w0rd\n".to_owned())
    };
    let text = "\
alert:
  alertmanagers:
    - url: https://am.example:9093/
      basic_auth:
        username: sensor
        password_file: secret
web:
  listen: \"[::]:9488\"
  basic_auth: {username: op, password_file: /etc/tapline/secret}
";
    let settings = parse_with(text, "/etc/tapline/t.yaml", &read).unwrap();
    let auth = Some(("op".to_owned(), "pass-w0rd".to_owned()));
    assert_eq!(settings.web.basic_auth, auth);
    assert_eq!(settings.alert.alertmanagers[0].url, "https://am.example:9093");
    let printed = print(&settings);
    assert!(!printed.contains("pass-w0rd") && printed.contains("/etc/tapline/secret"), "{printed}");
    assert!(!format!("{settings:?}").contains("pass-w0rd"));
    assert_eq!(parse_with(&printed, "/etc/tapline/t.yaml", &read).unwrap(), settings);
}

#[test]
fn a_file_that_is_no_file_is_named() {
    let problems = load(Path::new("/nowhere/t.yaml")).unwrap_err().to_string();
    assert!(problems.starts_with("/nowhere/t.yaml: cannot be read"), "{problems}");
    assert!(refused(&"a".repeat(2 << 20)).contains("larger than"));
    assert!(refused("a: [").contains("not YAML"));
}

#[test]
fn a_reload_says_what_waits_for_a_restart() {
    let running = Settings::default();
    let new = parse(
        "reassembly:\n  flows_max: 64\nlog:\n  level: debug\nalert:\n  queue_max: 5\n",
        "t.yaml",
    )
    .unwrap();
    assert_eq!(needs_restart(&running, &new), ["reassembly", "alert (delivery)"]);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z_: \\-\\[\\]{}#&*!|>'\"\n0-9.]{0,200}") {
            drop(parse(&text, "t.yaml"));
        }

        #[test]
        fn what_is_printed_reads_back(
            flows in 64u32..16_777_216,
            held in 1u64 << 20..1 << 29,
            share in 0.01f64..1.0,
            probability in 0.0f64..0.1,
            name in "\\PC{1,64}",
            filter in proptest::option::of("[ -~]{1,50}"),
        ) {
            let mut settings = Settings::default();
            settings.sensor.memory_bytes = 1 << 40;
            settings.reassembly.flows_max = flows;
            settings.reassembly.held_bytes_max = held;
            settings.behavior.path_scanner.unmatched_share_min = share;
            settings.behavior.error_burst.probability_max = probability;
            settings.sensor.name = name;
            settings.capture.filter = filter;
            prop_assert_eq!(parse(&print(&settings), "t.yaml").unwrap(), settings);
        }
    }
}

#[test]
fn documents_lie_beside_the_file_and_print_as_they_read() {
    let text = "documents:\n  apis:\n    - {host: 'API.shop.test', file: shop.yaml, base_path: /v2/}\n    \
                - {host: '*', file: /srv/rest.json}\n";
    let settings = parse(text, "/etc/tapline/t.yaml").unwrap();
    let [shop, rest] = settings.documents.apis.as_slice() else { panic!() };
    assert_eq!((shop.host.as_str(), shop.base_path.as_deref()), ("api.shop.test", Some("/v2")));
    assert_eq!(shop.file, std::path::Path::new("/etc/tapline/shop.yaml"));
    assert_eq!((rest.host.as_str(), &rest.base_path), ("*", &None));
    assert_eq!(parse(&print(&settings), "/t.yaml").unwrap(), settings);
}

#[test]
fn what_is_no_document_is_refused_where_it_stands() {
    let text =
        "documents:\n  apis:\n    - {host: 'a b', file: x, base_path: v2, port: 1}\n    - {}\n";
    let problems = parse(text, "t.yaml").unwrap_err().to_string();
    for part in [
        "apis[0].host: \"a b\" is no host",
        "is no path",
        "apis[0].port: unknown",
        "apis[1]: has no host",
        "has no file",
    ] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
}

#[test]
fn prevention_reads_back_and_keeps_its_secrets_in_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["key", "hook", "token"] {
        std::fs::write(folder.path().join(name), format!("s3cret-{name}\n")).unwrap();
    }
    let file = folder.path().join("t.yaml");
    let text = "\
prevention:
  enabled: true
  severity_min: critical
  never: [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]
  detections: [path_scanner]
  api_key_file: key
  webhook_url: https://hooks.example/tapline
  webhook_secret_file: hook
web:
  token_file: token
";
    std::fs::write(&file, text).unwrap();
    let settings = load(&file).unwrap();
    let prevention = &settings.prevention;
    assert_eq!(prevention.api_key.as_deref(), Some("s3cret-key"));
    assert_eq!(prevention.webhook_secret.as_deref(), Some("s3cret-hook"));
    assert_eq!(settings.web.token.as_deref(), Some("s3cret-token"));
    assert_eq!(prevention.never.len(), 3, "what is named takes the place of the default");
    assert!(prevention.dry_run);
    let printed = print(&settings);
    assert!(!printed.contains("s3cret"), "{printed}");
    assert_eq!(parse(&printed, "t.yaml").unwrap(), settings);
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn prevention_refuses_what_makes_no_sense() {
    let said = refused(
        "\
prevention:
  severity_min: worst
  never: [10.0.0.0/33, everybody]
  detections: [\"Path Scanner\"]
  webhook_url: https://hooks.example/tapline
",
    );
    for part in ["severity_min", "never[0]", "never[1]", "detections[0]", "webhook_secret_file"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// A public key that belongs to nobody here: from the documentation of age.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn evidence_reads_back() {
    let text = format!(
        "evidence:\n  enabled: true\n  recipients: [{RECIPIENT}]\n  folder: /var/lib/packets\n  \
         ring_bytes: 8MiB\n  severity_min: high\n"
    );
    let settings = parse(&text, "t.yaml").unwrap();
    assert_eq!(settings.evidence.recipients, [RECIPIENT]);
    assert_eq!(settings.evidence.ring_bytes, 8 << 20);
    assert_eq!(parse(&print(&settings), "t.yaml").unwrap(), settings);
}

#[test]
fn evidence_refuses_what_makes_no_sense_and_shows_no_private_key() {
    let said = refused(
        "evidence:\n  recipients: [AGE-SECRET-KEY-1QQQQ, nobody]\n  folder: here\n  ring_bytes: 1\n",
    );
    for part in ["recipients[0]", "recipients[1]", "age-keygen", "folder", "ring_bytes"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("QQQQ"), "{said}");
    let unread = refused("evidence:\n  enabled: true\n");
    assert!(unread.contains("evidence.enabled: nobody could read"), "{unread}");
}

#[test]
fn a_database_of_addresses_that_cannot_be_read_is_refused_where_it_is_named() {
    let said = refused("behavior:\n  address_database: /nowhere/city.mmdb\n");
    assert!(said.starts_with("t.yaml:2:21: behavior.address_database: "), "{said}");
    assert!(said.contains("/nowhere/city.mmdb"), "{said}");
}
