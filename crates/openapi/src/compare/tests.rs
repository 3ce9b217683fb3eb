//! What is told, and what is not.

use super::*;
use crate::read;
use crate::read::escaped;

fn document(text: &str) -> Document {
    read(text.as_bytes()).unwrap().document
}

fn check(documented: &str, observed: &str, expected: &[&str]) {
    let comparison = compare(&document(documented), &document(observed), Limits::default());
    let told: Vec<_> = comparison.differences.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
}

const PETS: &str = "
openapi: 3.1.0
info: {title: Pets, version: '1'}
servers: [{url: 'https://pets.test/v2'}]
paths:
  /pets/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
        - {name: fields, in: query, schema: {type: string}}
      responses:
        '200':
          description: ''
          content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
        default:
          description: ''
          content: {application/json: {schema: {type: object, properties: {code: {type: integer}}}}}
  /pets/all:
    get: {responses: {'200': {description: ''}}}
  /old: {get: {deprecated: true, responses: {'200': {description: ''}}}}
components:
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        name: {type: string}
        age: {type: integer}
        tags: {type: object}
        owner: {oneOf: [{type: string, format: uuid}, {type: object, properties: {id: {type: string}}}]}
";

fn seen(paths: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{title: seen, version: ''}}\npaths:\n{paths}\n\
         x-tapline: {{n: 1000, of: 1000, first: A, last: B}}\n"
    )
}

const ALLOWED: &str = "
  /v2/pets/{petId}:
    get:
      x-tapline: {n: 100, of: 100}
      parameters:
        - {name: petId, in: path, required: true, schema: {type: integer}}
      responses:
        '200':
          description: ''
          x-tapline: {n: 90, of: 100}
          content:
            application/json:
              x-tapline: {n: 90, of: 90}
              schema:
                type: object
                x-tapline: {n: 90, of: 90, types: {object: 90}}
                properties:
                  name: {type: string, x-tapline: {n: 90, of: 90, types: {string: 90}}}
                  tags: {type: object, properties: {any: {type: string}}}
                  owner:
                    type: [string, object]
                    properties: {id: {type: string, x-tapline: {n: 40, of: 40}}}
        '404':
          description: ''
          content: {text/html: {}}
  /v2/pets/all: {get: {x-tapline: {n: 50, of: 50}, responses: {'503': {description: ''}}}}
";

#[test]
fn what_the_document_allows_is_no_difference() {
    let old = "notice orphan_operation GET /old: /paths/~1old/get: documented GET /old, \
               seen no success in 1000 requests from A to B";
    check(PETS, &seen(ALLOWED), &[old]);
}

#[test]
fn a_document_does_not_differ_from_itself() {
    check(PETS, PETS, &[]);
}

#[test]
fn what_contradicts_the_document_is_told_with_its_counts() {
    let observed = "
  /v2/pets/{petId}:
    get:
      x-tapline: {n: 100, of: 100}
      parameters:
        - {name: petId, in: path, required: true, schema: {type: string, x-tapline: {n: 100, of: 100, types: {integer: 60, string: 40}}}}
        - {name: debug, in: query, schema: {type: boolean}, x-tapline: {n: 30, of: 100}}
        - {name: rare, in: query, schema: {type: boolean}, x-tapline: {n: 1, of: 100}}
      responses:
        '200':
          description: ''
          x-tapline: {n: 100, of: 100}
          content:
            application/json:
              x-tapline: {n: 90, of: 90}
              schema:
                type: object
                x-tapline: {n: 90, of: 90, types: {object: 90}}
                properties:
                  name: {type: string, x-tapline: {n: 60, of: 90, types: {string: 60}}}
                  age: {type: [string, 'null'], x-tapline: {n: 90, of: 90, types: {string: 50, 'null': 40}}}
                  password: {type: string, x-tapline: {n: 90, of: 90, types: {string: 90}}}
        '202':
          description: ''
          x-tapline: {n: 40, of: 100}
          content: {application/json: {schema: {type: object, properties: {job: {type: string}}}}}
  /v2/pets/all: {get: {x-tapline: {n: 50, of: 50}, responses: {'200': {description: ''}}}}
  /v2/pets/{petId}/secrets: {get: {x-tapline: {n: 33, of: 33}}}
  /v1/pets/{petId}: {get: {x-tapline: {n: 77, of: 77}}}
  /v2/old: {get: {x-tapline: {n: 50, of: 50}, responses: {'200': {description: ''}}}}
";
    let pet = "GET /v2/pets/{petId}";
    let place = "/paths/~1pets~1{id}/get";
    check(
        PETS,
        &seen(observed),
        &[
            &format!(
                "breaking type_drift {pet}: /components/schemas/Pet/properties/age: documented integer, seen string or null (90 of 90)"
            ),
            &format!(
                "breaking missing_field {pet}: /components/schemas/Pet/properties/name: documented required, seen left out (30 of 90)"
            ),
            &format!(
                "additive undocumented_field {pet}: /components/schemas/Pet/properties/password: documented nothing, seen string (90 of 90)"
            ),
            "notice zombie_operation GET /v2/old: /paths/~1old/get: documented deprecated, seen still answering (50 of 50)",
            &format!(
                "additive type_drift {pet}: {place}/parameters/path/id/schema: documented integer, seen string (40 of 100)"
            ),
            &format!(
                "additive undocumented_parameter {pet}: {place}/parameters/query/debug: documented nothing, seen sent (30 of 100)"
            ),
            &format!(
                "notice undocumented_status {pet}: {place}/responses/202: documented nothing, seen 202 (40 of 100)"
            ),
            "notice old_version GET /v1/pets/{petId}: /paths/~1v1~1pets~1{petId}/get: documented newer /pets/{id}, seen GET /v1/pets/{petId} (77 of 77)",
            "additive shadow_operation GET /v2/pets/{petId}/secrets: /paths/~1v2~1pets~1{petId}~1secrets/get: documented nothing, seen GET /v2/pets/{petId}/secrets (33 of 33)",
        ],
    );
}

#[test]
fn another_success_is_documented_by_a_default_that_it_looks_like() {
    let observed = |content: &str| {
        ALLOWED.replace(
            "        '404':",
            &format!("        '202': {{description: '', x-tapline: {{n: 40, of: 100}}, content: {{{content}}}}}\n        '404':"),
        )
    };
    let json = |name: &str| {
        let schema = format!("{{type: object, properties: {{{name}: {{type: integer}}}}}}");
        observed(&format!("application/json: {{schema: {schema}}}"))
    };
    let kinds = |paths: &str| -> Vec<Kind> {
        let comparison = compare(&document(PETS), &document(&seen(paths)), Limits::default());
        comparison.differences.iter().map(|one| one.kind).collect()
    };
    assert_eq!(kinds(&observed("")), [Kind::OrphanOperation]);
    assert_eq!(kinds(&json("code")), [Kind::OrphanOperation]);
    assert_eq!(kinds(&json("job")), [Kind::OrphanOperation, Kind::UndocumentedStatus]);
}

#[test]
fn what_may_be_of_several_operations_is_held_against_all_of_them() {
    let all = "  /v2/pets/all: {get: {x-tapline: {n: 50, of: 50}, responses: {'503': {description: ''}}}}\n";
    let unseen = ALLOWED.replace(all, "");
    let kinds = |paths: &str| -> (Vec<Kind>, u64) {
        let comparison = compare(&document(PETS), &document(&seen(paths)), Limits::default());
        let kinds = comparison.differences.iter().map(|one| one.kind).collect();
        (kinds, comparison.operations_unclear)
    };
    // No number is `all`; a text may have been.
    let orphan = Kind::OrphanOperation;
    assert_eq!(kinds(&unseen), (vec![orphan, orphan], 0));
    let texts = unseen.replace("schema: {type: integer}", "schema: {type: string}");
    assert_eq!(kinds(&texts), (vec![orphan], 1));
    let strange =
        texts.replace("tags: {type: object,", "password: {type: string}, tags: {type: object,");
    let strange = strange.replace(
        "password: {type: string}, tags",
        "password: {type: string}\n                  tags",
    );
    assert_eq!(kinds(&strange), (vec![Kind::UndocumentedField, orphan], 1));
}

#[test]
fn without_the_base_path_the_same_paths_are_the_same() {
    let observed = ALLOWED.replace("/v2/", "/");
    let comparison = compare(&document(PETS), &document(&seen(&observed)), Limits::default());
    let kinds: Vec<_> = comparison.differences.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::OrphanOperation, Kind::BasePath]);
}

#[test]
fn credentials_that_are_not_needed_are_told() {
    let documented = PETS.replace("paths:", "security: [{key: []}]\npaths:");
    let observed = "
  /v2/pets/all:
    get:
      x-tapline: {n: 50, of: 50, consumers: 3, credentials: {bearer: 30, none: 20}}
      responses: {'200': {description: '', x-tapline: {n: 40, of: 50}}, '401': {description: '', x-tapline: {n: 10, of: 50}}}
";
    let comparison = compare(&document(&documented), &document(&seen(observed)), Limits::default());
    let told = comparison.differences.iter().find(|one| one.kind == Kind::AuthDrift).unwrap();
    assert_eq!((told.class, told.seen, told.of), (Class::Breaking, 10, 50));
}

#[test]
fn a_parameter_that_may_be_empty_may_be_left_out_of_the_path() {
    let documented = "
openapi: 3.1.0
info: {title: T, version: '1'}
paths:
  /firms/{id}/{part}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
        - {name: part, in: path, required: true, schema: {type: string, enum: [full, '']}}
      responses: {'200': {description: ''}}
";
    let number = "{name: firmId, in: path, required: true, schema: {type: integer}}";
    let observed = |path: &str| {
        let parameters = if path.contains('{') { number } else { "" };
        seen(&format!(
            "  {path}: {{get: {{x-tapline: {{n: 50, of: 50}}, parameters: [{parameters}], responses: {{}}}}}}"
        ))
    };
    check(documented, &observed("/firms/{firmId}/"), &[]);
    check(documented, &observed("/firms/{firmId}/full"), &[]);
    let told = compare(&document(documented), &document(&observed("/firms")), Limits::default());
    assert_eq!(told.differences.len(), 2);
}

#[test]
fn circles_end() {
    let tree = "
openapi: 3.0.0
info: {title: T, version: '1'}
paths: {/t: {get: {responses: {200: {description: '', content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}}
components:
  schemas:
    A: {type: object, properties: {b: {$ref: '#/components/schemas/B'}, a: {$ref: '#/components/schemas/A'}}}
    B: {allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}]}
";
    check(tree, tree, &[]);
    let changed =
        tree.replace("type: object,", "type: [object, 'null'],").replace("3.0.0", "3.1.0");
    assert_eq!(
        compare(&document(tree), &document(&changed), Limits::default()).differences.len(),
        1
    );
}

const REALMS: &str = "
openapi: 3.1.0
info: {title: Realms, version: '1'}
paths:
  /{realm}/users/{id}: {get: {responses: {'200': {description: ''}}}}
  /{realm}/export: {post: {responses: {'200': {description: ''}}}}
";

#[test]
fn words_beside_parameters_take_only_what_would_go_there() {
    let of = |path: &str, n: u64| {
        seen(&format!(
            "  /{{realmId}}/export: {{post: {{x-tapline: {{n: 90, of: 90}}}}}}\n  \
             {path}: {{post: {{x-tapline: {{n: {n}, of: {n}}}}}}}\n  \
             /{{realmId}}/users/{{userId}}: {{get: {{x-tapline: {{n: 90, of: 90}}}}}}"
        ))
    };
    let told = |path: &str, n: u64| {
        let place = escaped(path);
        format!(
            "additive shadow_operation POST {path}: /paths/{place}/post: documented nothing, \
             seen POST {path} ({n} of {n})"
        )
    };
    // What was asked of one realm may be seen apart from that of the others.
    check(REALMS, &of("/main/{mainId}", 3), &[]);
    check(REALMS, &of("/main/{mainId}", 30), &[&told("/main/{mainId}", 30)]);
    // Where the other has no word either, its requests would be seen there.
    check(REALMS, &of("/{realmId}/{what}", 3), &[&told("/{realmId}/{what}", 3)]);
}

#[test]
fn a_parameter_without_a_value_makes_no_other_operation() {
    let of = |empty: u64| {
        let evidence = format!("{{n: 30, of: 30, empty_segments: {empty}}}");
        seen(&format!(
            "  /users/{{userId}}: {{get: {{x-tapline: {evidence}}}}}\n  \
             /{{realmId}}/users/{{userId}}: {{get: {{x-tapline: {{n: 90, of: 90}}}}}}\n  \
             /{{realmId}}/export: {{post: {{x-tapline: {{n: 90, of: 90}}}}}}"
        ))
    };
    check(REALMS, &of(30), &[]);
    let told = "additive shadow_operation GET /users/{userId}: /paths/~1users~1{userId}/get: \
                documented nothing, seen GET /users/{userId} (30 of 30)";
    check(REALMS, &of(29), &[told]);
}

#[test]
fn what_is_documented_itself_is_held_against_that_alone() {
    let documented = "
openapi: 3.1.0
info: {title: Notes, version: '1'}
paths:
  /notes/{id}: {get: {responses: {'200': {description: ''}}}}
  /{owner}/all:
    get:
      parameters: [{name: limit, in: query, schema: {type: integer}}]
      responses: {'200': {description: ''}}
";
    let observed = seen(
        "  /{ownerId}/all: {get: {x-tapline: {n: 90, of: 90}}}\n  \
         /notes/{noteId}:\n    get:\n      x-tapline: {n: 90, of: 90}\n      parameters:\n        \
         - {name: limit, in: query, schema: {type: integer}, x-tapline: {n: 40, of: 90}}",
    );
    check(
        documented,
        &observed,
        &["additive undocumented_parameter GET /notes/{noteId}: \
           /paths/~1notes~1{id}/get/parameters/query/limit: documented nothing, seen sent (40 of 90)"],
    );
}
