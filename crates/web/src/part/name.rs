//! What an endpoint is called.

use askama::Template;

use crate::text::shown;

/// Method and path template, its parameters set off from its words.
#[derive(Debug, Template)]
#[template(
    source = r#"<span class="method {{ tone }}">{{ method }}</span> <bdi class="path">{% for piece in pieces %}{% if piece.is_parameter %}<span class="slot">{{ piece.text }}</span>{% else %}{{ piece.text }}{% endif %}{% endfor %}</bdi>"#,
    ext = "html"
)]
pub(crate) struct Name {
    tone: &'static str,
    method: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    is_parameter: bool,
}

impl Name {
    /// Method and template, cut to `chars_max` characters.
    pub(crate) fn new(method: &str, template: &str, chars_max: usize) -> Self {
        let tone = match method {
            "GET" | "HEAD" | "OPTIONS" => "reads",
            "POST" => "creates",
            "PUT" | "PATCH" => "changes",
            "DELETE" => "deletes",
            _ => "other",
        };
        Self {
            tone,
            method: shown(method, 24).into_owned(),
            pieces: pieces(&shown(template, chars_max)),
        }
    }
}

/// Cuts a template at its parameters, braces included.
fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((words, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { break };
        if !words.is_empty() {
            pieces.push(Piece { text: words.to_owned(), is_parameter: false });
        }
        pieces.push(Piece { text: format!("{{{name}}}"), is_parameter: true });
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece { text: rest.to_owned(), is_parameter: false });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_are_set_off() {
        let drawn = Name::new("GET", "/a/{id}/b.{ext}", 99).to_string();
        assert!(drawn.contains(r#"/a/<span class="slot">{id}</span>/b.<span class="slot">{ext}"#));
    }

    #[test]
    fn markup_in_a_template_stays_text() {
        let drawn = Name::new("<b>", "/{<script>alert(1)</script>}/\"x", 99).to_string();
        assert!(!drawn.contains("<script") && !drawn.contains("<b>"));
    }

    proptest! {
        #[test]
        fn no_text_is_lost(template in "[a/{}]{0,30}") {
            let joined: String = pieces(&template).into_iter().map(|piece| piece.text).collect();
            prop_assert_eq!(joined, template);
        }
    }
}
