//! Values and names together.

use super::*;

fn class(name: &str, values: &[&str]) -> Option<&'static str> {
    let hints = hints(name);
    let mut counts = std::collections::BTreeMap::new();
    let mut distinct = std::collections::BTreeSet::new();
    for value in values {
        for class in classes_of(value.as_bytes(), hints).iter() {
            *counts.entry(class).or_insert(0) += 1;
            distinct.insert(*value);
        }
    }
    let counted = Counted {
        values: values.len() as u64,
        valid: counts.into_iter(),
        distinct: distinct.len().min(8),
        hints: &hints,
    };
    judge(counted).map(|verdict| verdict.class.label())
}

#[test]
fn a_field_has_the_class_that_a_reader_would_give_it() {
    for (name, value, expected) in [
        ("card.number", "4111 1111 1111 1111", Some("card_number")),
        ("cvv", "123", Some("card_verification")),
        ("user.email", "ada@mail.example", Some("email")),
        ("anything", "ada@mail.example", Some("email")),
        ("iban", "DE89 3704 0044 0532 0130 00", Some("iban")),
        ("ssn", "219099999", Some("us_ssn")),
        ("password", "hunter2", Some("password")),
        ("idToken", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Some("jwt")),
        ("anything", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", Some("api_key")),
        ("dob", "1984-02-29", Some("date_of_birth")),
        ("phone", "0151 1234567", Some("phone")),
        ("id", "4111111111111111", None),
        ("password_reset_required", "true", None),
        ("email_verified", "true", None),
        ("created_at", "1792930211123", None),
        ("id", "550e8400-e29b-41d4-a716-446655440000", None),
        ("imei", "490154203237518", None),
    ] {
        assert_eq!(class(name, &[value]), expected, "{name}: {value}");
    }
}

proptest::proptest! {
    #[test]
    fn any_value_is_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
        let everything = Hints {
            strong: ClassSet::of(DataClass::ALL),
            ..Hints::default()
        };
        let _ = (classes_of(&text, everything), classes_of(&text, Hints::default()));
    }

    #[test]
    fn any_identifier_is_read(text in "[A-Z0-9]{1,9}[-. /+]?[A-Z0-9]{1,20}") {
        let _ = classes_of(text.as_bytes(), Hints::default());
    }
}

/// By path: the scalars of all documents, as text.
fn flatten(
    value: &serde_json::Value,
    path: &str,
    fields: &mut std::collections::BTreeMap<String, Vec<String>>,
) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, &path, fields);
            }
        }
        serde_json::Value::Array(elements) => {
            for element in elements {
                flatten(element, &format!("{path}[]"), fields);
            }
        }
        serde_json::Value::String(text) => {
            fields.entry(path.to_owned()).or_default().push(text.clone());
        }
        serde_json::Value::Number(number) => {
            fields.entry(path.to_owned()).or_default().push(number.to_string());
        }
        _ => {}
    }
}

/// A generator that shares nothing with the validators, several seeds, 50 documents each.
#[test]
#[expect(clippy::print_stdout, reason = "the table is for whoever tunes")]
#[expect(clippy::disallowed_methods, reason = "another generator can be tried by hand")]
fn generated_fields_are_known_and_decoys_are_not() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data-classes/generate.py");
    let script = std::env::var("TAPLINE_GENERATOR").unwrap_or(default.to_owned());
    let python = std::env::var("TAPLINE_PYTHON").unwrap_or("python3".to_owned());
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for seed in 1..=8 {
        let made =
            std::process::Command::new(&python).args([&script, &seed.to_string(), "50"]).output();
        let Ok(made) = made.map(|made| {
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            made.stdout
        }) else {
            println!("SKIPPED: there is no python3");
            return;
        };
        let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
        let mut fields = std::collections::BTreeMap::new();
        for document in made["documents"].as_array().unwrap() {
            flatten(document, "", &mut fields);
        }
        for (path, truth) in made["truth"].as_object().unwrap() {
            let values = fields.remove(path).unwrap_or_default();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let found = class(path, &values);
            let truth = truth.as_str();
            let example = values.first().copied().unwrap_or_default();
            match (truth, found) {
                (None, None) => {}
                (Some(truth), Some(found)) if truth == found => right += 1,
                (truth, found) => {
                    wrong += u32::from(found.is_some());
                    missed += u32::from(truth.is_some());
                    println!("{path}: {truth:?} taken for {found:?} ({example})");
                }
            }
        }
    }
    let share = |part: u32, rest: u32| f64::from(part) / f64::from(part + rest);
    let (precision, recall) = (share(right, wrong), share(right, missed));
    println!(
        "{right} right, {wrong} wrong, {missed} missed: precision {precision:.4}, recall {recall:.4}"
    );
    assert!(precision >= 0.99 && recall >= 0.97);
}
