//! The rules of path templates that operators give while the sensor runs: kept in a file, joined with
//! those of the configuration, and taken by the merge as a reload is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use tapline_config::{RULES_MAX, Settings};
use tapline_discovery::TemplateRule;
use tapline_model::{
    OrderError, RuleChange, RuleId, RuleList, RuleOrder, RuleOrigin, RuleState, RuleView,
};

use crate::documents::Documents;
use crate::kept;
use crate::pipeline::merge::Message;

/// The name of the file inside the state directory.
const NAME: &str = "templates.yaml";
/// Bytes of the file: no more than a configuration may have.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How long an order waits until what was known has followed it, so that who gave it sees what it did.
/// It holds all the same when that takes longer.
const FOLLOWED_MAX: Duration = Duration::from_secs(5);
/// What stands in the body of an order beside the rule.
const BESIDE: [&str; 2] = ["by", "comment"];
/// Why nothing can be changed in a replay.
const REPLAY: &str = "a replay keeps the rules it began with; put the rule into discovery.templates \
                      of a configuration and replay with that";

/// The rules in force. Cloning it shares everything.
#[derive(Clone)]
pub(crate) struct Rules(Arc<Inside>);

struct Inside {
    /// Where those of operators are kept; none where nobody can give any.
    path: Option<PathBuf>,
    state: Mutex<State>,
    board: ArcSwap<Board>,
}

/// What changes, one change after the other.
struct State {
    /// Those of operators.
    kept: Vec<TemplateRule>,
    /// The settings without them.
    configured: Settings,
    documents: Documents,
    /// Those that workers know of from their start.
    started: Vec<TemplateRule>,
    /// Why those of operators are not known.
    fault: Option<String>,
    merge: Option<Sender<Message>>,
}

/// An order that was carried out.
pub(crate) struct Carried {
    rule: Arc<RuleView>,
    followed: Receiver<()>,
}

impl Carried {
    /// The rule that was put or removed, once readers see what came of it.
    pub(crate) fn wait(self) -> Arc<RuleView> {
        // Whether that took longer makes no difference to the rule.
        self.followed.recv_timeout(FOLLOWED_MAX).unwrap_or_default();
        self.rule
    }
}

/// What readers see; immutable.
#[derive(Default)]
struct Board {
    list: Arc<RuleList>,
    /// The same rules, in the same order.
    rules: Vec<TemplateRule>,
    fault: Option<String>,
}

impl Rules {
    /// Reads those that are kept in `folder`, and joins them with those of the settings.
    ///
    /// A file that cannot be read stays as it is and is reported; until it is mended no order is
    /// taken, for that would write it over.
    pub(crate) fn open(folder: &Path, configured: Settings, documents: Documents) -> Self {
        let rules = Self::new(Some(folder.join(NAME)), configured, documents);
        let mut state = rules.lock();
        rules.read(&mut state);
        state.started = state.joined().discovery.templates;
        rules.show(&state);
        drop(state);
        rules
    }

    /// Those of the settings, which nobody changes.
    pub(crate) fn fixed(configured: Settings, documents: Documents) -> Self {
        Self::new(None, configured, documents)
    }

    fn new(path: Option<PathBuf>, configured: Settings, documents: Documents) -> Self {
        let state = State {
            kept: Vec::new(),
            started: configured.discovery.templates.clone(),
            configured,
            documents,
            fault: None,
            merge: None,
        };
        let rules =
            Self(Arc::new(Inside { path, state: Mutex::new(state), board: ArcSwap::default() }));
        rules.show(&rules.lock());
        rules
    }

    /// From now on what changes is told to the merge.
    pub(crate) fn connect(&self, merge: Sender<Message>) {
        self.lock().merge = Some(merge);
    }

    /// The settings without the rules of operators.
    pub(crate) fn configured(&self) -> Settings {
        self.lock().configured.clone()
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Settings {
        self.lock().joined()
    }

    /// Takes other settings, and reads again what is kept. Gives the settings in force; none when
    /// nobody takes them any more.
    pub(crate) fn reload(&self, configured: Settings, documents: Documents) -> Option<Settings> {
        let mut state = self.lock();
        state.configured = configured;
        state.documents = documents;
        self.read(&mut state);
        self.show(&state);
        state.tell(None).then(|| state.joined())
    }

    /// Every rule.
    pub(crate) fn list(&self) -> Arc<RuleList> {
        Arc::clone(&self.0.board.load().list)
    }

    /// Those in force that are of an endpoint, the most specific first.
    pub(crate) fn of(&self, host: &str, method: &str, template: &str) -> Vec<Arc<RuleView>> {
        let board = self.0.board.load();
        let of = board.list.rules.iter().zip(&board.rules).filter(|(view, rule)| {
            view.state != RuleState::Outweighed && rule.is_of(host, method, template)
        });
        let mut of: Vec<_> = of.collect();
        of.sort_by_key(|(_, rule)| rule.breadth());
        of.into_iter().map(|(view, _)| Arc::clone(view)).collect()
    }

    /// What is wrong with what was kept, for people.
    pub(crate) fn fault(&self) -> Option<String> {
        self.0.board.load().fault.clone()
    }

    /// Carries an order out, and does not wait until it has been followed.
    ///
    /// # Errors
    /// Why it was not; then nothing has changed.
    pub(crate) fn carry(&self, order: &RuleOrder) -> Result<Carried, OrderError> {
        let (by, comment) = tapline_alert::signature(&order.by, &order.comment)?;
        let Some(path) = &self.0.path else { return Err(OrderError::Conflict(REPLAY.to_owned())) };
        let (tells, followed) = bounded(1);
        let (rule, what) = {
            let mut state = self.lock();
            if let Some(fault) = &state.fault {
                return Err(OrderError::Unavailable(fault.clone()));
            }
            if state.merge.is_none() {
                let text = "the capture has not started; try again".to_owned();
                return Err(OrderError::Unavailable(text));
            }
            let (next, rule, what) = match &order.what {
                RuleChange::Put(text) => state.with(text)?,
                RuleChange::Remove(id) => state.without(*id)?,
            };
            write(path, &next)?;
            let view = Arc::new(state.view(&rule, RuleOrigin::Operators));
            state.kept = next;
            self.show(&state);
            if !state.tell(Some(tells)) {
                let text = "the capture has ended; it holds from the next start".to_owned();
                return Err(OrderError::Unavailable(text));
            }
            (view, what)
        };
        tracing::info!(
            by, comment, id = %rule.id, host = rule.host, path = rule.path,
            "an operator {what} a rule of path templates"
        );
        Ok(Carried { rule, followed })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file. Where that fails, what was known stays.
    fn read(&self, state: &mut State) {
        let Some(path) = &self.0.path else { return };
        match read(path) {
            Ok(kept) => (state.kept, state.fault) = (kept, None),
            Err(why) => {
                let fault = format!(
                    "what operators said of path templates cannot be read, and nothing is changed of \
                     it until that is mended (mend or remove the file, then send SIGHUP): {why}"
                );
                tracing::error!("{fault}");
                state.fault = Some(fault);
            }
        }
        for rule in state.kept.iter().filter(|rule| state.is_outweighed(rule)) {
            tracing::warn!(
                "discovery.templates speaks of the same paths as an operator's rule, which does not \
                 hold: {}",
                rule.path
            );
        }
    }

    fn show(&self, state: &State) {
        let fixed = match &self.0.path {
            None => Some(REPLAY.to_owned()),
            Some(_) => state.fault.clone(),
        };
        let configured = &state.configured.discovery.templates;
        let configured = configured.iter().map(|rule| (rule, RuleOrigin::Configuration));
        let kept = state.kept.iter().map(|rule| (rule, RuleOrigin::Operators));
        let (rules, views) = configured
            .chain(kept)
            .map(|(rule, origin)| (rule.clone(), Arc::new(state.view(rule, origin))))
            .unzip();
        let list = Arc::new(RuleList { rules: views, fixed });
        self.0.board.store(Arc::new(Board { list, rules, fault: state.fault.clone() }));
    }
}

impl State {
    /// The settings with the rules of operators, as far as the configuration leaves them.
    fn joined(&self) -> Settings {
        let mut settings = self.configured.clone();
        let kept = self.kept.iter().filter(|rule| !self.is_outweighed(rule)).cloned();
        settings.discovery.templates.extend(kept);
        settings
    }

    fn is_outweighed(&self, rule: &TemplateRule) -> bool {
        self.configured.discovery.templates.iter().any(|known| known.is_same(rule))
    }

    /// Tells the merge; whether it listens. What is kept and what is told are in the same order.
    fn tell(&self, followed: Option<Sender<()>>) -> bool {
        let Some(merge) = &self.merge else { return false };
        let documents = Arc::clone(&self.documents);
        merge.send(Message::Reload { settings: self.joined().into(), documents, followed }).is_ok()
    }

    /// Those of operators with one more, or with another in place of one.
    fn with(
        &self,
        text: &str,
    ) -> Result<(Vec<TemplateRule>, TemplateRule, &'static str), OrderError> {
        let rule = tapline_config::parse_rule(text, &BESIDE)
            .map_err(|problems| OrderError::Refused(problems.to_string()))?;
        let configured = &self.configured.discovery.templates;
        if let Some(known) = configured.iter().find(|known| known.is_same(&rule)) {
            return Err(OrderError::Conflict(format!(
                "the configuration has a rule of the same paths, {} of host {}, and outweighs this \
                 one; change it there, or take it out there and send SIGHUP first",
                known.path, known.host
            )));
        }
        let mut next = self.kept.clone();
        if let Some(known) = next.iter_mut().find(|known| known.id() == rule.id()) {
            known.clone_from(&rule);
            return Ok((next, rule, "replaced"));
        }
        if let Some(known) = next.iter().find(|known| known.is_same(&rule)) {
            return Err(OrderError::Conflict(format!(
                "rule {} is of the same paths for some of the same methods ({}); name the same \
                 methods to replace it, or remove it first",
                known.id(),
                known.methods.join(", ")
            )));
        }
        if next.len() >= RULES_MAX {
            return Err(OrderError::Refused(format!(
                "there are {RULES_MAX} rules of operators already; remove some first"
            )));
        }
        next.push(rule.clone());
        Ok((next, rule, "put"))
    }

    /// Those of operators without one.
    fn without(
        &self,
        id: RuleId,
    ) -> Result<(Vec<TemplateRule>, TemplateRule, &'static str), OrderError> {
        let mut next = self.kept.clone();
        if let Some(place) = next.iter().position(|known| known.id() == id) {
            let rule = next.remove(place);
            return Ok((next, rule, "removed"));
        }
        if self.configured.discovery.templates.iter().any(|known| known.id() == id) {
            return Err(OrderError::Conflict(format!(
                "rule {id} is of the configuration; take it out of discovery.templates and send \
                 SIGHUP"
            )));
        }
        Err(OrderError::Unknown(format!("there is no rule {id}, or it was removed")))
    }

    fn view(&self, rule: &TemplateRule, origin: RuleOrigin) -> RuleView {
        let is_known = || self.started.iter().any(|known| known.holds_the_words_of(rule));
        let state = if origin == RuleOrigin::Operators && self.is_outweighed(rule) {
            RuleState::Outweighed
        } else if rule.holds_words() && !is_known() {
            RuleState::AtNextStart
        } else {
            RuleState::InForce
        };
        RuleView {
            id: rule.id(),
            origin,
            state,
            host: rule.host.to_string(),
            methods: rule.methods.clone(),
            path: rule.path.to_string(),
            name: rule.name.clone(),
            deprecated: rule.deprecated,
            owner: rule.owner.clone(),
            tags: rule.tags.clone(),
        }
    }
}

/// What is kept; nothing when there is no file.
fn read(path: &Path) -> Result<Vec<TemplateRule>, String> {
    let name = path.display();
    let bytes = kept::read(path, FILE_BYTES_MAX).map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8(bytes.unwrap_or_default())
        .map_err(|error| format!("{name}: is no text: {error}"))?;
    tapline_config::parse_rules(&text, &name.to_string()).map_err(|problems| problems.to_string())
}

fn write(path: &Path, rules: &[TemplateRule]) -> Result<(), OrderError> {
    let text = tapline_config::print_rules(rules);
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(OrderError::Refused(format!(
            "the rules of operators would take {} bytes, more than {FILE_BYTES_MAX}; remove some \
             first, or say less",
            text.len()
        )));
    }
    kept::write(path, text.as_bytes()).map_err(|error| {
        let text = format!("{}: cannot be written: {error}", path.display());
        tracing::error!("{text}");
        OrderError::Unavailable(text)
    })
}

#[cfg(test)]
mod tests;
