//! From the tree to the settings: every value checked, every mistake noted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::key::{Key, Kind};
use crate::keys;
use crate::problem::{Place, Problems, quoted, shortened};
use crate::secret::{self, ReadSecret};
use crate::settings::Settings;
use crate::tree::{Entry, Node, Value};
use crate::{alertmanager, documents, login, places, size, suggest, templates};

/// Settings that are being read.
pub(crate) struct Walk<'r> {
    pub(crate) settings: Settings,
    problems: Problems,
    places: BTreeMap<&'static str, Place>,
    file: &'r str,
    read_secret: ReadSecret<'r>,
}

impl<'r> Walk<'r> {
    /// Starts at the defaults.
    pub(crate) fn new(file: &'r str, read_secret: ReadSecret<'r>) -> Self {
        Self {
            settings: Settings::default(),
            problems: Problems::none(file),
            places: BTreeMap::new(),
            file,
            read_secret,
        }
    }

    /// Reads a section: the mapping of the keys whose path begins with `path`.
    pub(crate) fn section(&mut self, path: &str, node: &Node<'_>) {
        let entries = match &node.value {
            Value::Null => return,
            Value::Mapping(entries) => entries,
            _ => {
                let what = if path.is_empty() { "the file" } else { "this section" };
                return self.problem(node.place, path, format!("{what} is not a mapping of keys"));
            }
        };
        for entry in self.distinct(path, entries) {
            let name = entry.name.as_ref();
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if let Some(key) = keys::all().find(|key| key.path == below) {
                self.places.insert(key.path, entry.node.place);
                self.key(key, &entry.node);
            } else if keys::all().any(|key| key.path.starts_with(&format!("{below}."))) {
                self.section(&below, &entry.node);
            } else {
                let shown = if path.is_empty() {
                    shortened(name)
                } else {
                    format!("{path}.{}", shortened(name))
                };
                self.unknown(entry.place, &shown, name, names_below(path).into_iter());
            }
        }
    }

    /// Notes a mistake.
    pub(crate) fn problem(&mut self, place: Place, path: &str, text: impl Into<String>) {
        self.problems.add(Some(place), path, text);
    }

    /// Notes a mistake in how keys go together, at the place of one of them if it was set.
    pub(crate) fn clash(&mut self, path: &'static str, text: impl Into<String>) {
        self.problems.add(self.places.get(path).copied(), path, text);
    }

    /// Notes a key that does not exist.
    pub(crate) fn unknown<'k>(
        &mut self,
        place: Place,
        path: &str,
        name: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        if self.problems.is_full() {
            return self.problem(place, path, "unknown key");
        }
        let known: Vec<&str> = known.collect();
        let text = match suggest::nearest(name, known.iter().copied()) {
            Some(nearest) => format!("unknown key; did you mean {nearest}?"),
            None => format!("unknown key; here are: {}", known.join(", ")),
        };
        self.problem(place, path, text);
    }

    /// The entries with names of their own; a repeated name is noted.
    pub(crate) fn distinct<'n, 'a>(
        &mut self,
        path: &str,
        entries: &'n [Entry<'a>],
    ) -> Vec<&'n Entry<'a>> {
        let mut seen = BTreeMap::new();
        let mut distinct = Vec::new();
        for entry in entries {
            if let Some(first) = seen.get(entry.name.as_ref()) {
                let first: &Place = first;
                let below = if path.is_empty() {
                    shortened(&entry.name)
                } else {
                    format!("{path}.{}", shortened(&entry.name))
                };
                let text = format!("is set twice, first in line {}; keep one", first.line);
                self.problem(entry.place, &below, text);
            } else {
                seen.insert(entry.name.as_ref(), entry.place);
                distinct.push(entry);
            }
        }
        distinct
    }

    /// The items of a list; `shape` says how one is written.
    pub(crate) fn items<'n, 'a>(
        &mut self,
        path: &str,
        node: &'n Node<'a>,
        count_max: usize,
        shape: &str,
    ) -> &'n [Node<'a>] {
        let items = match &node.value {
            Value::Null => &[],
            Value::Sequence(items) => items.as_slice(),
            _ => {
                let text = format!("is not a list; write each as {shape}");
                self.problem(node.place, path, text);
                &[]
            }
        };
        if items.len() > count_max {
            let text = format!("has {} items; at most {count_max}", items.len());
            self.problem(node.place, path, text);
            return &[];
        }
        items
    }

    /// A text that `read` takes; none with a problem noted if it does not.
    pub(crate) fn text<T>(
        &mut self,
        path: &str,
        node: &Node<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let said = match &node.value {
            Value::Scalar(text) => match read(text) {
                Ok(value) => return Some(value),
                Err(said) => said,
            },
            _ => "is not a text; give one".to_owned(),
        };
        self.problem(node.place, path, said);
        None
    }

    /// A list of texts, no two alike.
    pub(crate) fn texts<T: PartialEq>(
        &mut self,
        path: &str,
        node: &Node<'_>,
        count_max: usize,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (index, item) in self.items(path, node, count_max, "- text").iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(value) = self.text(&path, item, &read) else { continue };
            if values.contains(&value) {
                self.problem(item.place, &path, "is in the list twice; keep one");
            } else {
                values.push(value);
            }
        }
        values
    }

    /// The password in a file that is named in the configuration, and where that is.
    pub(crate) fn password(&self, named: &str) -> Result<(String, PathBuf), String> {
        let path = secret::locate(named, self.file)?;
        secret::password(Path::new(&path), self.read_secret).map(|password| (password, path))
    }

    /// Where a file is that the configuration names: beside it, unless it says otherwise.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub(crate) fn beside(&self, named: &str) -> Result<PathBuf, String> {
        secret::locate(named, self.file)
    }

    /// The settings, unless a mistake was noted.
    pub(crate) fn finish(self) -> Result<Settings, Problems> {
        self.problems.or(self.settings)
    }

    fn key(&mut self, key: &Key, node: &Node<'_>) {
        match (key.kind, &node.value) {
            (Kind::Documents, _) => documents::read(self, key.path, node),
            (Kind::Environments, _) => places::read_environments(self, key.path, node),
            (Kind::Partners, _) => places::read_partners(self, key.path, node),
            (Kind::Templates, _) => templates::read(self, key.path, node),
            (Kind::Alertmanagers, _) => alertmanager::read(self, key.path, node),
            (Kind::WebLogin, _) => {
                let login = login::read(self, key.path, node);
                self.settings.secret_files.web =
                    login.as_ref().map(|login| login.password_file.clone());
                self.settings.web.basic_auth = login.map(|login| (login.username, login.password));
            }
            (Kind::List { .. }, _) => self.list(key, node),
            (Kind::Secret { value, file }, Value::Null) => {
                *value(&mut self.settings) = None;
                *file(&mut self.settings) = None;
            }
            (Kind::Secret { value, file }, Value::Scalar(named)) => match self.password(named) {
                Ok((secret, path)) => {
                    *value(&mut self.settings) = Some(secret);
                    *file(&mut self.settings) = Some(path);
                }
                Err(text) => self.problem(node.place, key.path, text),
            },
            (Kind::Text { clear, .. }, Value::Null) => match clear {
                Some(clear) => clear(&mut self.settings),
                None => self.problem(node.place, key.path, "is empty; give a value"),
            },
            (_, Value::Null) => {
                let text = format!("is empty; give {}", key.kind.shape());
                self.problem(node.place, key.path, text);
            }
            (kind, Value::Scalar(text)) => {
                if let Err(text) = set(&mut self.settings, kind, text) {
                    self.problem(node.place, key.path, text);
                }
            }
            (kind, _) => {
                let text = format!("is a collection; give {}", kind.shape());
                self.problem(node.place, key.path, text);
            }
        }
    }

    fn list(&mut self, key: &Key, node: &Node<'_>) {
        let Kind::List { add, clear, count_max, shape, .. } = key.kind else { return };
        clear(&mut self.settings);
        let items = match &node.value {
            Value::Null => return,
            Value::Sequence(items) => items,
            _ => return self.problem(node.place, key.path, format!("is not a list; give {shape}")),
        };
        if items.len() > count_max {
            let text = format!("has {} items; at most {count_max}", items.len());
            return self.problem(node.place, key.path, text);
        }
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", key.path);
            let Value::Scalar(text) = &item.value else {
                self.problem(item.place, &path, "is not a text; give one");
                continue;
            };
            if !seen.insert(text.as_ref()) {
                self.problem(item.place, &path, format!("{} is in the list twice", quoted(text)));
            } else if let Err(text) = add(&mut self.settings, text) {
                self.problem(item.place, &path, text);
            }
        }
    }
}

/// The names that may stand in a section.
fn names_below(path: &str) -> BTreeSet<&'static str> {
    keys::all()
        .filter_map(|key| {
            let rest = if path.is_empty() {
                key.path
            } else {
                key.path.strip_prefix(path)?.strip_prefix('.')?
            };
            rest.split('.').next()
        })
        .collect()
}

fn set(settings: &mut Settings, kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Flag(at) => {
            *at(settings) = match text {
                "true" => true,
                "false" => false,
                _ => return Err(format!("{} is neither true nor false", quoted(text))),
            };
        }
        Kind::Whole { at, min, max, unit } => {
            let value = if unit == "bytes" { size::parse(text) } else { size::digits(text) };
            let value = value.filter(|value| (min..=max).contains(value));
            let value = value.ok_or_else(|| format!("{} is not {}", quoted(text), kind.shape()))?;
            at.set(settings, value);
        }
        Kind::Real { at, min, max, .. } => {
            let value = text.parse::<f64>().ok().filter(|value| (min..=max).contains(value));
            *at(settings) =
                value.ok_or_else(|| format!("{} is not {}", quoted(text), kind.shape()))?;
        }
        Kind::Text { set, .. } => set(settings, text)?,
        Kind::List { .. }
        | Kind::Secret { .. }
        | Kind::Documents
        | Kind::Environments
        | Kind::Partners
        | Kind::Templates
        | Kind::Alertmanagers
        | Kind::WebLogin => {}
    }
    Ok(())
}
