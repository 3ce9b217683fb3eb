//! What is written is what was read.

use expect_test::expect;

use super::*;
use crate::read;

const SWAGGER: &str = "
swagger: '2.0'
info: {title: Pets, version: 1}
host: pets.test
basePath: /v1
schemes: [https]
consumes: [application/json]
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, type: integer, format: int64, required: true}
    put:
      operationId: putPet
      parameters:
        - {name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
        - {name: tag, in: query, type: array, items: {type: string}, collectionFormat: multi}
      responses:
        200: {description: done, schema: {$ref: '#/definitions/Pet'}}
definitions:
  Pet:
    type: object
    required: [name]
    properties:
      name: {type: string, x-nullable: true}
      age: {type: integer, minimum: 0, exclusiveMinimum: true}
";

fn converted(dialect: Dialect) -> String {
    to_yaml(&read(SWAGGER.as_bytes()).unwrap().document, dialect)
}

#[test]
fn swagger_becomes_3_1() {
    expect![[r##"
        openapi: "3.1.0"
        info:
          title: Pets
          version: "1"
        servers:
          - url: "https://pets.test/v1"
        paths:
          "/pets/{id}":
            put:
              operationId: putPet
              parameters:
                - name: id
                  in: path
                  required: true
                  schema:
                    type: integer
                    format: int64
                - name: tag
                  in: query
                  style: form
                  explode: true
                  schema:
                    type: array
                    items:
                      type: string
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      "$ref": "#/components/schemas/Pet"
              responses:
                "200":
                  description: done
                  content:
                    application/json:
                      schema:
                        "$ref": "#/components/schemas/Pet"
        components:
          schemas:
            Pet:
              type: object
              properties:
                age:
                  type: integer
                  exclusiveMinimum: 0
                name:
                  type:
                    - string
                    - "null"
              required:
                - name
    "##]]
    .assert_eq(&converted(Dialect::V31));
}

#[test]
fn swagger_becomes_3_0() {
    let text = converted(Dialect::V30);
    let tail = format!("components:{}", text.split("components:").nth(1).unwrap());
    expect![[r"
        components:
          schemas:
            Pet:
              type: object
              properties:
                age:
                  type: integer
                  minimum: 0
                  exclusiveMinimum: true
                name:
                  type: string
                  nullable: true
              required:
                - name
    "]]
    .assert_eq(&tail);
}

#[test]
fn json_and_yaml_say_the_same() {
    let document = read(SWAGGER.as_bytes()).unwrap().document;
    for dialect in [Dialect::V30, Dialect::V31] {
        let (json, yaml) = (to_json(&document, dialect), to_yaml(&document, dialect));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(crate::text::parse(yaml.as_bytes()).unwrap(), value);
        assert_eq!(read(yaml.as_bytes()).unwrap().document, document, "{yaml}");
    }
}

#[test]
fn awkward_text_survives_yaml() {
    let awkward = [
        "",
        " ",
        "~",
        "- a",
        "yes",
        "1.0",
        "a: b",
        "#",
        "\u{7f}\u{2028}",
        "line\nline",
        "\\",
        "'\"",
        "\t",
        "é",
        "&x",
        "*x",
        "{",
        "2020-01-01",
        "0x1f",
        "null",
        "\u{1f600}",
        "a #b",
        "x ",
        "\u{feff}",
    ];
    let mut document = Document::default();
    for text in awkward {
        document.schemas.entry("s".to_owned()).or_default().values.push(text.into());
        let property = crate::Schema { title: Some("x".into()), ..Default::default() };
        document
            .schemas
            .entry("s".to_owned())
            .or_default()
            .properties
            .insert(text.into(), property);
    }
    let long = "k".repeat(2_000);
    let property = crate::Schema { title: Some("y".into()), ..Default::default() };
    document.schemas.entry("s".to_owned()).or_default().properties.insert(long, property);
    let yaml = to_yaml(&document, Dialect::V31);
    assert_eq!(read(yaml.as_bytes()).unwrap().document, document, "{yaml}");
}

#[test]
fn what_stands_in_braces_in_a_server_is_a_variable() {
    let document = Document {
        servers: vec!["http://{tenant}.api.shop.test".to_owned()],
        ..Document::default()
    };
    let text = to_json(&document, Dialect::V31);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["servers"][0]["variables"]["tenant"]["default"], "tenant");
}
