//! What single values do not show: how they go together, and what a reload can do.

use tapline_discovery::TemplateRule;
use tapline_web::Config as Web;

use crate::filter;
use crate::settings::Settings;
use crate::size;
use crate::walk::Walk;

/// The smallest kernel ring.
const RING_BYTES_MIN: u32 = 1 << 20;

/// Notes values that are right alone and wrong together.
pub(crate) fn together(walk: &mut Walk<'_>) {
    let settings = walk.settings.clone();
    let reassembly = &settings.reassembly;
    if u64::from(reassembly.flow_held_bytes_max) > reassembly.held_bytes_max {
        let text = "one flow may hold more than all flows together; lower it, or raise \
                    reassembly.held_bytes_max";
        walk.clash("reassembly.flow_held_bytes_max", text);
    }
    if let Some(text) = too_large(&settings) {
        walk.clash("sensor.memory_bytes", text);
    }
    if (1..RING_BYTES_MIN).contains(&settings.capture.buffer_bytes) {
        let text = "a ring has at least 1MiB; give more, or 0 for what suits the machine";
        walk.clash("capture.buffer_bytes", text);
    }
    if settings.prevention.webhook_url.is_some() && settings.prevention.webhook_secret.is_none() {
        let text = "posts would not be signed, so anybody could make them up; set \
                    prevention.webhook_secret_file";
        walk.clash("prevention.webhook_url", text);
    }
    if settings.evidence.enabled && settings.evidence.recipients.is_empty() {
        let text = "nobody could read what is kept; name a public key made by age-keygen";
        walk.clash("evidence.enabled", text);
    }
    if settings.evidence.excerpt_bytes_max > settings.evidence.folder_bytes_max {
        let text = "one excerpt may be larger than the folder; lower it, or raise \
                    evidence.folder_bytes_max";
        walk.clash("evidence.excerpt_bytes_max", text);
    }
    if let Some(text) = exposed(&settings.web) {
        walk.clash("web.listen", text);
    }
}

/// What takes more memory together than there may be, each with its part.
fn too_large(settings: &Settings) -> Option<String> {
    let Settings { reassembly, protocol, decap, behavior, .. } = settings;
    let parts = [
        ("reassembly.flows_max and reassembly.held_bytes_max", reassembly.memory_bytes_max()),
        ("protocol.message_bytes_max", protocol.message_bytes_max),
        ("decap.fragment_bytes_max", decap.fragment_bytes_max),
        (
            "behavior.delta_consumers_max, behavior.consumers_max and behavior.delta_attempts_max",
            behavior.consumer_bytes_max(),
        ),
        ("behavior.address_database", behavior.address_database.bytes()),
        ("evidence.ring_bytes", evidence_bytes(settings)),
    ];
    let sum = parts.iter().map(|(_, bytes)| bytes).sum::<u64>();
    if sum <= settings.sensor.memory_bytes {
        return None;
    }
    let taken = parts.iter().filter(|(_, bytes)| *bytes > 0);
    let taken: Vec<_> =
        taken.map(|(names, bytes)| format!("{names} take {}", size::print(*bytes))).collect();
    Some(format!(
        "{}; that is {}, more than {}: lower them, or raise this",
        taken.join(", "),
        size::print(sum),
        size::print(settings.sensor.memory_bytes)
    ))
}

/// The rings of all sources, and their index.
fn evidence_bytes(settings: &Settings) -> u64 {
    if !settings.evidence.enabled {
        return 0;
    }
    settings.evidence.ring_bytes / 4 * 5
}

fn exposed(web: &Web) -> Option<String> {
    let open = !web.listen.ip().is_loopback() && web.basic_auth.is_none();
    open.then(|| {
        format!(
            "{} is reached from elsewhere without a password; listen on 127.0.0.1, or set \
             web.basic_auth",
            web.listen
        )
    })
}

/// Whether an address given on the command line may be served.
///
/// # Errors
/// When it is reached from elsewhere and no password is set.
pub fn check_listen(web: &Web) -> Result<(), String> {
    exposed(web).map_or(Ok(()), Err)
}

/// What is allowed and probably not meant.
pub fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(filter) = &settings.capture.filter {
        warnings.extend(filter::warnings(filter));
    }
    if settings.capture.snap_bytes < 65_535 {
        warnings.push(format!(
            "capture.snap_bytes: what lies beyond {} bytes of a frame is counted as missing",
            settings.capture.snap_bytes
        ));
    }
    let prevention = &settings.prevention;
    if prevention.enabled && !prevention.dry_run && prevention.never.is_empty() {
        warnings.push(
            "prevention.never is empty: name your own networks and what checks your health"
                .to_owned(),
        );
    }
    warnings
}

/// The sections in which `new` differs from `running` and that a reload cannot change.
pub fn needs_restart(running: &Settings, new: &Settings) -> Vec<&'static str> {
    let mut delivery = new.alert.clone();
    delivery.resolve_after_seconds = running.alert.resolve_after_seconds;
    delivery.findings_open_max = running.alert.findings_open_max;
    delivery.findings_resolved_max = running.alert.findings_resolved_max;
    let mut log = new.log.clone();
    log.level.clone_from(&running.log.level);
    let mut decap = new.decap.clone();
    decap.own_sockets.clone_from(&running.decap.own_sockets);
    let mut discovery = new.discovery.clone();
    discovery.templates.clone_from(&running.discovery.templates);
    discovery.environments.clone_from(&running.discovery.environments);
    let held = |settings: &Settings| -> Vec<TemplateRule> {
        let rules = settings.discovery.templates.iter();
        rules.filter(|rule| rule.holds_words()).cloned().collect()
    };
    let sections = [
        ("sensor", running.sensor != new.sensor),
        ("log.format", running.log != log),
        ("capture", running.capture != new.capture),
        ("overload", running.overload != new.overload),
        ("decap", running.decap != decap),
        ("reassembly", running.reassembly != new.reassembly),
        ("protocol", running.protocol != new.protocol),
        ("discovery", running.discovery != discovery),
        ("discovery.templates with words that look like values", held(running) != held(new)),
        ("alert (delivery)", running.alert != delivery),
        ("prevention", running.prevention != new.prevention),
        ("evidence", running.evidence != new.evidence),
        ("web", running.web != new.web),
    ];
    sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
