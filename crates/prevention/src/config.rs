//! Settings of prevention.

use ipnet::IpNet;
use tapline_model::Severity;

/// Who is put on the list, and for how long.
#[derive(Clone, PartialEq)]
pub struct Config {
    /// Whether a list is made at all.
    pub enabled: bool,
    /// The list is made and shown, and every reader that could act on it is told that it is empty.
    pub dry_run: bool,
    /// The mildest finding that puts somebody on the list.
    pub severity_min: Severity,
    /// The least confidence of such a finding, 0 to 1.
    pub confidence_min: f64,
    /// The detections that may; all that blame somebody when empty.
    pub detections: Vec<String>,
    /// Lists the addresses of callers that are known by credentials as well: others may share them.
    pub addresses_of_credentials: bool,
    /// How long an entry stays after its finding last held, 60 to 604 800 seconds.
    pub entry_seconds: u32,
    /// Entries at once, 1 to 65 536.
    pub entries_max: u32,
    /// New entries a minute, 1 to 65 536.
    pub new_per_minute_max: u32,
    /// Networks whose addresses are never listed. Loopback, link-local and multicast ones never are,
    /// whatever stands here.
    pub never: Vec<IpNet>,
    /// What readers show as `X-Api-Key`; never printed.
    pub api_key: Option<String>,
    /// Where each finding that lists somebody is posted; none is nowhere.
    pub webhook_url: Option<String>,
    /// What posts are signed with; never printed.
    pub webhook_secret: Option<String>,
}

/// Private networks (RFC 1918, RFC 6598, RFC 4193): what a sensor hears of its own site. Blocking
/// one of those is a decision.
const PRIVATE: [&str; 5] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: false,
            dry_run: true,
            severity_min: Severity::High,
            confidence_min: 0.9,
            detections: Vec::new(),
            addresses_of_credentials: false,
            entry_seconds: 3_600,
            entries_max: 10_000,
            new_per_minute_max: 20,
            never: PRIVATE.iter().filter_map(|network| network.parse().ok()).collect(),
            api_key: None,
            webhook_url: None,
            webhook_secret: None,
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("enabled", &self.enabled)
            .field("dry_run", &self.dry_run)
            .field("severity_min", &self.severity_min)
            .field("never", &self.never)
            .field("webhook_url", &self.webhook_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_listed_unless_it_is_asked_for_and_nothing_acts_on_a_first_list() {
        let config = Config::default();
        assert!(!config.enabled && config.dry_run);
        assert_eq!(config.never.len(), PRIVATE.len());
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = || Some("hunter2".to_owned());
        let config = Config { api_key: secret(), webhook_secret: secret(), ..Config::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
