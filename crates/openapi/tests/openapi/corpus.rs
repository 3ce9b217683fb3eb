//! Every document of the corpus reads, and what is written of it is valid and reads back equal.

use std::process::Command;

use tapline_openapi::{Dialect, read, to_json, to_yaml};

use crate::support::{corpus, python_with};

/// Validates every file that it is given, and has another program load every operation of it.
const VALIDATE: &str = r#"
import json, sys
from openapi_spec_validator import validate
bad = 0
for name in sys.argv[1:]:
    with open(name) as f:
        document = json.load(f)
    try:
        validate(document)
    except Exception as error:
        bad += 1
        where = "/".join(map(str, getattr(error, "absolute_path", [])))
        print(name, type(error).__name__, where, str(error)[:300].replace("\n", " "))
sys.exit(bad > 0)
"#;

/// Loads every file that it is given and asks for every operation.
const LOAD: &str = r#"
import json, sys
import schemathesis
for name in sys.argv[1:]:
    with open(name) as f:
        document = json.load(f)
    schema = schemathesis.openapi.from_dict(document)
    count = sum(1 for found in schema.get_all_operations() if found.ok())
    expected = sum(1 for item in document["paths"].values() for key in item
        if key in ("get", "put", "post", "delete", "options", "head", "patch", "trace"))
    assert count == expected, (name, count, expected)
"#;

#[test]
fn every_document_reads_and_reads_back_equal() {
    for (name, bytes) in corpus() {
        let first = read(&bytes).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        for text in [to_json(&first.document, Dialect::V31), to_yaml(&first.document, Dialect::V31)]
        {
            let again =
                read(text.as_bytes()).unwrap_or_else(|problems| panic!("{name}: {problems}"));
            for (key, operation) in &first.document.operations {
                assert_eq!(again.document.operations.get(key), Some(operation), "{name} {key:?}");
            }
            for (key, schema) in &first.document.schemas {
                assert_eq!(again.document.schemas.get(key), Some(schema), "{name} {key}");
            }
            assert!(again.document == first.document, "{name} changed on its way");
        }
        let old = read(to_json(&first.document, Dialect::V30).as_bytes()).unwrap();
        assert_eq!(old.document.operations.len(), first.document.operations.len(), "{name}");
    }
}

#[test]
fn another_program_finds_what_is_written_valid() {
    judged("openapi_spec_validator", VALIDATE);
}

#[test]
fn a_client_of_documents_loads_what_is_written() {
    judged("schemathesis", LOAD);
}

fn judged(module: &str, program: &str) {
    let documents = corpus();
    let Some(python) = python_with(module).filter(|_| !documents.is_empty()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for (index, (name, bytes)) in documents.into_iter().enumerate() {
        let document = read(&bytes).unwrap().document;
        // The programs are slow: of the older dialect a few documents are enough.
        let dialects = [Dialect::V31, Dialect::V30];
        for dialect in dialects.into_iter().take(if index % 6 == 0 { 2 } else { 1 }) {
            let path = folder.path().join(format!("{name}-{dialect:?}.json"));
            std::fs::write(&path, to_json(&document, dialect)).unwrap();
            names.push(path);
        }
    }
    let output = Command::new(python).args(["-c", program]).args(&names).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
