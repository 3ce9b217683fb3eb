//! The one table of metric names: nothing else in the project spells one.

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, until the sensor starts again.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Cumulative buckets.
    Histogram,
}

/// A metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Prefix, thing, base unit; counters end in `_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
    /// Its labels, in the order of the values given.
    pub labels: &'static [&'static str],
}

macro_rules! metrics {
    ($($id:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                help: $help,
                labels: &[$($label),*],
            };
        )*

        /// Every metric of the sensor itself, in the order of the page. `process_*` come beside them.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    BUILD_INFO: Gauge "tapline_build_info" ["version"]
        "What is running; always 1.";
    CONFIG_INFO: Gauge "tapline_config_info" ["hash"]
        "A hash of the configuration in force; always 1.";
    CONFIG_RELOAD_OK: Gauge "tapline_config_last_reload_successful" []
        "Whether the last reload of the configuration was accepted.";
    CONFIG_RELOAD_AT: Gauge "tapline_config_last_reload_success_timestamp_seconds" []
        "When the configuration in force was read.";
    MEMORY_LIMIT: Gauge "tapline_memory_limit_bytes" []
        "The memory budget that the sensor is set to stay within.";
    VIEW_AT: Gauge "tapline_view_timestamp_seconds" []
        "Capture time up to which everything on this page is in.";
    CAPTURE_ENDED: Gauge "tapline_capture_ended" []
        "Whether the capture has ended, so that nothing changes any more.";
    CAPTURED_FRAMES: Counter "tapline_capture_frames_total" ["source"]
        "Frames handed over by a capture source.";
    CAPTURED_BYTES: Counter "tapline_capture_bytes_total" ["source"]
        "Bytes on the wire of those frames.";
    CAPTURE_DROPPED: Counter "tapline_capture_dropped_frames_total" ["source"]
        "Frames that the kernel or the interface lost before the sensor got them.";
    CAPTURE_UP: Gauge "tapline_capture_source_up" ["source"]
        "Whether a capture source can be heard; 0 while its interface is down or gone.";
    CAPTURE_OUTAGES: Counter "tapline_capture_outages_total" ["source"]
        "How often an interface went down or vanished.";
    SAMPLING_RATIO: Gauge "tapline_sampling_ratio" []
        "The share of flows that is followed; below 1 the sensor is overloaded and sheds whole flows.";
    PIPELINE_RECEIVED: Counter "tapline_pipeline_received_total" ["stage", "unit"]
        "What a stage was given. Equals processed + dropped + ignored + held in every scrape.";
    PIPELINE_PROCESSED: Counter "tapline_pipeline_processed_total" ["stage", "unit"]
        "What a stage handed on.";
    PIPELINE_DROPPED: Counter "tapline_pipeline_dropped_total" ["stage", "unit", "reason"]
        "What a stage lost unwillingly.";
    PIPELINE_IGNORED: Counter "tapline_pipeline_ignored_total" ["stage", "unit", "reason"]
        "What a stage left out by design or setting.";
    PIPELINE_HELD: Gauge "tapline_pipeline_held" ["stage", "unit"]
        "What waits inside a stage.";
    IMBALANCES: Gauge "tapline_pipeline_imbalances" []
        "Ledgers and arrows that do not balance; anything but 0 is a fault of the sensor.";
    ENCAPSULATED_FRAMES: Counter "tapline_decap_encapsulated_frames_total" ["encapsulation"]
        "Frames by what their packet was wrapped in; a frame with several counts for each.";
    FRAGMENTS: Counter "tapline_decap_fragments_total" []
        "IP fragments.";
    REASSEMBLED_DATAGRAMS: Counter "tapline_decap_reassembled_datagrams_total" []
        "Datagrams put together from fragments.";
    FRAGMENT_ANOMALIES: Counter "tapline_decap_fragment_anomalies_total" ["anomaly"]
        "Fragments that overlap others of their datagram, or are smaller than any network makes them.";
    FLOWS_ACTIVE: Gauge "tapline_flows_active" []
        "Flows followed now.";
    FLOWS_OPENED: Counter "tapline_flows_opened_total" []
        "Flows begun.";
    FLOWS_CLOSED: Counter "tapline_flows_closed_total" ["reason"]
        "Flows that left the table.";
    FLOWS_ONE_SIDED: Counter "tapline_flows_one_sided_total" []
        "Flows that ended with one direction seen, which acknowledged the other.";
    GAPS: Counter "tapline_reassembly_gaps_total" []
        "Holes in the traffic that were given up.";
    GAP_BYTES: Counter "tapline_reassembly_gap_bytes_total" []
        "Bytes missing in those holes.";
    OVERLAP_CONFLICTS: Counter "tapline_reassembly_overlap_conflicts_total" []
        "Overlaps of segments that disagree about a byte.";
    TRANSACTIONS: Counter "tapline_transactions_total" ["protocol"]
        "Transactions understood.";
    TRANSACTIONS_COMPLETENESS: Counter "tapline_transactions_by_completeness_total" ["completeness"]
        "Transactions by how much of them was seen.";
    ANOMALIES: Counter "tapline_protocol_anomalies_total" ["anomaly"]
        "Protocol rules broken on the wire.";
    BODIES: Counter "tapline_discovery_bodies_total" ["reading"]
        "Bodies of requests and responses: looked into, or only counted.";
    ATTEMPTS: Counter "tapline_discovery_attempts_total" []
        "Things tried against accounts and secrets: logins, codes, vouchers, cards, new accounts.";
    ATTEMPTS_LEFT_OUT: Counter "tapline_discovery_attempts_left_out_total" []
        "Transactions not looked into for such, because there were too many in that second.";
    INTERNAL_FAULTS: Counter "tapline_internal_faults_total" []
        "Flows dropped because of a fault of the sensor itself.";
    VISIBILITY_BYTES: Counter "tapline_visibility_bytes_total" ["class"]
        "Payload bytes by what could be seen of them; the classes are disjoint.";
    ONE_SIDED_BYTES: Counter "tapline_visibility_one_sided_bytes_total" []
        "Of those, bytes in flows with one direction.";
    HTTP_REQUESTS: Counter "tapline_http_requests_total" ["host", "status_class"]
        "Transactions by host and class of the answer.";
    HTTP_BYTES: Counter "tapline_http_bytes_total" ["host"]
        "Request and response bytes on the wire by host.";
    HTTP_DURATION: Histogram "tapline_http_response_delay_seconds" ["host"]
        "From the end of a request to the first byte of its answer, by host.";
    UNMATCHED_REQUESTS: Gauge "tapline_http_unmatched_requests" []
        "Requests to no endpoint of the inventory.";
    INVENTORY_HOSTS: Gauge "tapline_inventory_hosts" []
        "Hosts in the inventory.";
    INVENTORY_RISKS: Gauge "tapline_inventory_risk_endpoints" ["severity"]
        "Endpoints by how bad their risk is.";
    INVENTORY_ENDPOINTS: Gauge "tapline_inventory_endpoints" ["state"]
        "Endpoints in the inventory.";
    INVENTORY_OVERFLOW: Gauge "tapline_inventory_export_overflow" ["kind"]
        "Hosts and endpoints that are summed under ~other, and certificates that are left out, because of the export limit.";
    ENDPOINT_INFO: Gauge "tapline_endpoint_info" ["endpoint_id", "host", "method", "path_template", "auth", "state"]
        "An endpoint of the inventory; always 1.";
    ENDPOINT_REQUESTS: Counter "tapline_endpoint_requests_total" ["endpoint_id", "host", "status_class"]
        "Requests to an endpoint; those over the export limit are summed per host under ~other.";
    ENDPOINT_LAST_SEEN: Gauge "tapline_endpoint_last_seen_timestamp_seconds" ["endpoint_id"]
        "Capture time of the latest request to an endpoint.";
    INVENTORY_FIELDS: Gauge "tapline_inventory_fields" []
        "Fields of bodies, queries and header fields that are known of all endpoints.";
    INVENTORY_FIELDS_EVICTED: Counter "tapline_inventory_fields_evicted_total" []
        "Fields that made room for others.";
    INVENTORY_LEFT_OUT: Counter "tapline_inventory_left_out_total" ["kind"]
        "What the inventory had no room for: hosts, endpoints, routes, parameters, field values, paths to learn templates from, servers, encrypted hosts and consumers.";
    ENCRYPTED_HOSTS: Gauge "tapline_inventory_encrypted_hosts" []
        "Servers behind TLS and the names they are asked for.";
    CERTIFICATE_NOT_AFTER: Gauge "tapline_certificate_not_after_timestamp_seconds" ["host"]
        "When the first certificate that a host still shows ends; certificates that live for ten days or less only once they have ended.";
    DATA_FIELDS: Gauge "tapline_data_fields" ["class", "place"]
        "Fields of endpoints that hold sensitive data, by class and part of a transaction.";
    CONSUMERS_ACTIVE: Gauge "tapline_consumers_active" []
        "Consumers followed now.";
    CONSUMERS_EVICTED: Counter "tapline_consumers_evicted_total" []
        "Consumers that made room for others.";
    ACTORS_ACTIVE: Gauge "tapline_actors_active" []
        "Consumers followed by what they do with objects, functions and flows.";
    ACTORS_EVICTED: Counter "tapline_actors_evicted_total" []
        "Consumers given up whose objects, functions and flows were followed.";
    OBJECTS_EVICTED: Counter "tapline_objects_evicted_total" []
        "Objects whose callers were forgotten for want of room.";
    REFERENCES_LEFT_OUT: Counter "tapline_object_references_left_out_total" []
        "References to objects of one consumer and route in one second that found no room.";
    FINDINGS_OPEN: Gauge "tapline_findings_open" ["severity"]
        "Open findings.";
    FINDINGS_OPENED: Counter "tapline_findings_opened_total" ["detection", "severity"]
        "Findings opened.";
    FINDINGS_VERDICTS: Gauge "tapline_findings_verdicts" ["detection", "verdict"]
        "What operators say of findings and still holds; the detection is empty where several are meant.";
    PREVENTION_DRY_RUN: Gauge "tapline_prevention_dry_run" []
        "Whether the block list is only shown.";
    PREVENTION_ENTRIES: Gauge "tapline_prevention_entries" ["kind"]
        "Entries of the block list.";
    PREVENTION_LISTED: Counter "tapline_prevention_listed_total" []
        "Entries put on the block list. Equals those on it and those that ended.";
    PREVENTION_ENDED: Counter "tapline_prevention_ended_total" ["reason"]
        "Entries taken off the block list: their time was over, or an operator judged otherwise.";
    PREVENTION_REFUSED: Counter "tapline_prevention_refused_total" ["reason"]
        "Times that somebody was not put on the block list.";
    EVIDENCE_EXCERPTS: Counter "tapline_evidence_excerpts_total" ["result"]
        "Findings and sources whose packets were asked for, by what came of it.";
    EVIDENCE_REMOVED: Counter "tapline_evidence_removed_total" []
        "Excerpts removed to make room for later ones.";
    EVIDENCE_BYTES: Gauge "tapline_evidence_folder_bytes" []
        "Bytes of the excerpts that are kept.";
    EVIDENCE_TOO_LARGE: Counter "tapline_evidence_frames_too_large_total" []
        "Frames that were too large to be held for evidence.";
    WEBHOOK_POSTS: Counter "tapline_webhook_posts_total" []
        "Posts that the webhook accepted.";
    WEBHOOK_FAILURES: Counter "tapline_webhook_post_failures_total" []
        "Posts to the webhook that failed.";
    WEBHOOK_DROPPED: Counter "tapline_webhook_dropped_total" ["reason"]
        "Documents for the webhook that were given up.";
    WEBHOOK_HELD: Gauge "tapline_webhook_held" []
        "Documents that wait for the webhook.";
    FINDINGS_WITHHELD: Counter "tapline_findings_withheld_total" []
        "Changes that were not told, for the budget of findings a day was spent.";
    NOTIFICATION_PUSHES: Counter "tapline_alertmanager_pushes_total" []
        "Pushes that an Alertmanager accepted.";
    NOTIFICATION_FAILURES: Counter "tapline_alertmanager_push_failures_total" []
        "Pushes that failed and are tried again.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut seen = std::collections::HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            assert!(metric.name.starts_with("tapline_"), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            for label in metric.labels {
                assert!(!["type", "service", "instance", "job"].contains(label), "{label}");
            }
        }
    }

    #[test]
    fn every_shipped_rule_is_tested_both_ways_and_has_its_heading() {
        let rules = include_str!("../../../deploy/prometheus/rules/tapline.yml");
        let tests = include_str!("../../../deploy/prometheus/tests/tapline_test.yml");
        let runbook = include_str!("../../../deploy/runbook.md");
        let names: Vec<&str> =
            rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
        assert!(names.len() > 10, "{names:?}");
        let has = |text: &str, line: &str| text.lines().any(|other| other.trim() == line);
        for name in names {
            assert!(has(tests, &format!("- name: {name} fires")), "{name} fires");
            let quiet = has(tests, &format!("- name: {name} stays quiet"));
            assert!(quiet || name == "TaplineWatchdog", "{name} stays quiet");
            assert!(has(runbook, &format!("## {name}")), "{name} in the runbook");
            let link = format!("/runbook#{}", name.to_ascii_lowercase());
            assert!(rules.lines().any(|line| line.ends_with(&link)), "{name} links to it");
        }
    }
}
