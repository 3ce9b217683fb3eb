//! `/review`: the design review, the riskiest first.

use askama::Template;
use tapline_review::{Report, fragment};

use super::shell::Shell;
use crate::asked::{Answer, Asked, html};

#[derive(Template)]
#[template(path = "page/review.html")]
struct Page {
    shell: Shell,
    /// Escaped where it is made.
    fragment: String,
}

/// The design review.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    html(&Page {
        shell: Shell::new(asked, "review", "Design review"),
        fragment: fragment(&report_of(asked), Some("/endpoints/")),
    })
}

/// The report on the view that is asked for.
pub(crate) fn report_of(asked: &Asked) -> Report {
    let sensor = &asked.app.state.sensor;
    Report::of(&asked.view, &sensor.name, &sensor.sources)
}
