//! What one key is: its path, kind, unit, range and meaning.

use std::path::PathBuf;

use crate::settings::Settings;
use crate::size;

/// The way to a field. Reading goes through it too, on a copy.
pub(crate) type At<T> = fn(&mut Settings) -> &mut T;

/// One key of the configuration file.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// Dotted path, sections first.
    pub(crate) path: &'static str,
    /// What it does, in a sentence or two.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
}

impl Key {
    /// The path's last word.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The path without its last word.
    pub(crate) fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// What values a key takes, and how they reach the settings.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag(At<bool>),
    /// A whole number within a range. Where the unit is `bytes`, KiB, MiB and GiB are understood.
    Whole { at: Whole, min: u64, max: u64, unit: &'static str },
    /// A number within a range.
    Real { at: At<f64>, min: f64, max: f64, unit: &'static str },
    /// A text.
    Text {
        get: fn(&Settings) -> Option<String>,
        set: Set,
        /// Sets that there is none; `None` where there must be one.
        clear: Option<fn(&mut Settings)>,
        shape: &'static str,
    },
    /// Texts, no two alike.
    List {
        get: fn(&Settings) -> Vec<String>,
        add: Set,
        clear: fn(&mut Settings),
        count_max: usize,
        shape: &'static str,
    },
    /// A secret in a file of its own.
    Secret { value: At<Option<String>>, file: At<Option<PathBuf>> },
    /// `documents.apis`.
    Documents,
    /// `discovery.environments`.
    Environments,
    /// `discovery.partner_networks`.
    Partners,
    /// `discovery.templates`.
    Templates,
    /// `alert.alertmanagers`.
    Alertmanagers,
    /// `web.basic_auth`.
    WebLogin,
}

impl Kind {
    /// What may be given, in words.
    pub(crate) fn shape(self) -> String {
        match self {
            Self::Flag(_) => "true or false".to_owned(),
            Self::Whole { min, max, unit: "bytes", .. } => {
                format!("a size from {} to {}", size::print(min), size::print(max))
            }
            Self::Whole { min, max, unit, .. } => {
                format!("a whole number of {unit} from {min} to {max}")
            }
            Self::Real { min, max, unit, .. } => format!("a number ({unit}) from {min} to {max}"),
            Self::Text { shape, .. } | Self::List { shape, .. } => shape.to_owned(),
            Self::Secret { .. } => "the name of a file".to_owned(),
            Self::Documents => "a list of documents".to_owned(),
            Self::Environments => "a list of environments".to_owned(),
            Self::Partners => "a list of partners".to_owned(),
            Self::Templates => "a list of path templates".to_owned(),
            Self::Alertmanagers => "a list of Alertmanagers".to_owned(),
            Self::WebLogin => "username and password_file".to_owned(),
        }
    }
}

/// Takes a text into the settings, or says what is wrong with it and what would be right.
pub(crate) type Set = fn(&mut Settings, &str) -> Result<(), String>;

/// The way to a whole number, by its width.
#[derive(Clone, Copy)]
pub(crate) enum Whole {
    U8(At<u8>),
    U16(At<u16>),
    U32(At<u32>),
    U64(At<u64>),
}

impl Whole {
    /// The number as it stands.
    pub(crate) fn get(self, settings: &mut Settings) -> u64 {
        match self {
            Self::U8(at) => u64::from(*at(settings)),
            Self::U16(at) => u64::from(*at(settings)),
            Self::U32(at) => u64::from(*at(settings)),
            Self::U64(at) => *at(settings),
        }
    }

    /// Sets the number; one that is too wide becomes the widest there is, which no range reaches.
    pub(crate) fn set(self, settings: &mut Settings, value: u64) {
        match self {
            Self::U8(at) => *at(settings) = u8::try_from(value).unwrap_or(u8::MAX),
            Self::U16(at) => *at(settings) = u16::try_from(value).unwrap_or(u16::MAX),
            Self::U32(at) => *at(settings) = u32::try_from(value).unwrap_or(u32::MAX),
            Self::U64(at) => *at(settings) = value,
        }
    }
}
