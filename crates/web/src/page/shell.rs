//! What surrounds every page.

use tapline_model::View;

use crate::asked::{App, Asked};
use crate::asset::{Addresses, addresses};
use crate::number;
use crate::state::Mode;
use crate::text::{LISTED_MAX, shown};

/// What surrounds every page.
#[derive(Debug)]
pub(crate) struct Shell {
    /// Of the page.
    pub(crate) title: String,
    /// The entry of the menu that the page belongs to.
    pub(crate) active: &'static str,
    /// Of the sensor.
    pub(crate) name: String,
    /// Of the sensor.
    pub(crate) version: String,
    /// What it reads.
    pub(crate) mode: &'static str,
    /// Capture time.
    pub(crate) now: String,
    /// Capture time, for machines: the script draws the page again when it changes.
    pub(crate) epoch: String,
    /// Nothing will change any more.
    pub(crate) ended: bool,
    /// How many findings are open.
    pub(crate) open: u64,
    /// The files to load.
    pub(crate) files: &'static Addresses,
}

impl Shell {
    /// Around a page called `title`, below the menu's entry `active`.
    pub(crate) fn new(asked: &Asked, active: &'static str, title: &str) -> Self {
        Self::around(&asked.app, &asked.view, active, title)
    }

    /// The same, without a request.
    pub(crate) fn around(app: &App, view: &View, active: &'static str, title: &str) -> Self {
        let sensor = &app.state.sensor;
        Self {
            title: shown(title, LISTED_MAX).into_owned(),
            active,
            name: shown(&sensor.name, 64).into_owned(),
            version: sensor.version.clone(),
            mode: match (sensor.mode, view.ended) {
                (Mode::Live, false) => "live",
                (Mode::Replay, false) => "replaying",
                (_, true) => "capture ended",
            },
            now: number::instant(view.now),
            epoch: view.now.to_string(),
            ended: view.ended,
            open: view.tallies.iter().map(|tally| tally.open).sum(),
            files: addresses(),
        }
    }
}
