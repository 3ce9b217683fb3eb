//! Lists for packet filters.

use std::fmt::{self, Write};
use std::net::IpAddr;

use crate::Snapshot;

/// Elements of one line: a line is one netlink message or a few.
const LINE_ELEMENTS: usize = 64;

/// One address a line, nothing else.
pub fn plain(list: &Snapshot) -> String {
    written(|out| {
        list.blocked_addresses().try_for_each(|(address, _, _)| writeln!(out, "{address}"))
    })
}

/// For `nft -f`: the sets `blocked4` and `blocked6` of the table `inet tapline`, whole. One
/// transaction: packets see the old list or the new one. Rules that use the sets are the operator's;
/// elements end by themselves should nobody load the next list.
pub fn nftables(list: &Snapshot) -> String {
    written(|out| {
        writeln!(out, "# Tapline, {}", list.now)?;
        writeln!(out, "add table inet tapline")?;
        for (set, kind) in [("blocked4", "ipv4_addr"), ("blocked6", "ipv6_addr")] {
            writeln!(out, "add set inet tapline {set} {{ type {kind}; flags timeout; }}")?;
            writeln!(out, "flush set inet tapline {set}")?;
        }
        for (set, is_v4) in [("blocked4", true), ("blocked6", false)] {
            let elements: Vec<String> = list
                .blocked_addresses()
                .filter(|(address, _, _)| address.is_ipv4() == is_v4)
                .map(|(address, seconds, _)| format!("{address} timeout {seconds}s"))
                .collect();
            for some in elements.chunks(LINE_ELEMENTS) {
                writeln!(out, "add element inet tapline {set} {{ {} }}", some.join(", "))?;
            }
        }
        Ok(())
    })
}

/// For `ipset restore`: the sets `tapline4` and `tapline6`, whole. They are filled beside and swapped
/// in, so packets see the old list or the new one.
pub fn ipset(list: &Snapshot) -> String {
    const SETS: [(&str, &str, bool); 2] =
        [("tapline4", "inet", true), ("tapline6", "inet6", false)];
    written(|out| {
        for (set, family, is_v4) in SETS {
            for name in [set, &format!("{set}-new")] {
                writeln!(
                    out,
                    "create {name} hash:ip family {family} timeout 3600 maxelem 65536 -exist"
                )?;
            }
            writeln!(out, "flush {set}-new")?;
            let mut addresses = list
                .blocked_addresses()
                .filter(|(address, _, _): &(IpAddr, _, _)| address.is_ipv4() == is_v4);
            addresses.try_for_each(|(address, seconds, _)| {
                writeln!(out, "add {set}-new {address} timeout {seconds} -exist")
            })?;
            writeln!(out, "swap {set} {set}-new")?;
            writeln!(out, "destroy {set}-new")?;
        }
        Ok(())
    })
}

fn written(fill: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let result = fill(&mut text);
    debug_assert!(result.is_ok());
    text
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use tapline_model::Timestamp;

    use super::*;
    use crate::list::tests::{finding, list};

    fn snapshot(dry_run: bool) -> Snapshot {
        let mut list = list(|config| config.new_per_minute_max = 1_000);
        list.note(&finding(1, 1_000, &["203.0.113.9", "2001:db8::9"]), true);
        list.note(&finding(2, 1_050, &["203.0.113.10"]), true);
        list.note(&finding(3, 1_050, &[]), false);
        Snapshot {
            now: Timestamp::from_seconds(1_060),
            dry_run,
            entries: list.entries().cloned().collect(),
            ended: Vec::new(),
            counts: list.counts(),
        }
    }

    fn check(form: fn(&Snapshot) -> String, expected: &Expect) {
        expected.assert_eq(&form(&snapshot(false)));
        assert!(!form(&snapshot(true)).contains("203."), "a dry run names nobody");
    }

    #[test]
    fn plain_is_an_address_a_line() {
        check(
            plain,
            &expect![[r"
            203.0.113.9
            203.0.113.10
            2001:db8::9
        "]],
        );
    }

    #[test]
    fn nftables_get_whole_sets_with_timeouts() {
        check(
            nftables,
            &expect![[r"
            # Tapline, 1970-01-01T00:17:40.000000000Z
            add table inet tapline
            add set inet tapline blocked4 { type ipv4_addr; flags timeout; }
            flush set inet tapline blocked4
            add set inet tapline blocked6 { type ipv6_addr; flags timeout; }
            flush set inet tapline blocked6
            add element inet tapline blocked4 { 203.0.113.9 timeout 40s, 203.0.113.10 timeout 90s }
            add element inet tapline blocked6 { 2001:db8::9 timeout 40s }
        "]],
        );
    }

    #[test]
    fn ipset_gets_sets_that_are_swapped_in() {
        check(
            ipset,
            &expect![[r"
            create tapline4 hash:ip family inet timeout 3600 maxelem 65536 -exist
            create tapline4-new hash:ip family inet timeout 3600 maxelem 65536 -exist
            flush tapline4-new
            add tapline4-new 203.0.113.9 timeout 40 -exist
            add tapline4-new 203.0.113.10 timeout 90 -exist
            swap tapline4 tapline4-new
            destroy tapline4-new
            create tapline6 hash:ip family inet6 timeout 3600 maxelem 65536 -exist
            create tapline6-new hash:ip family inet6 timeout 3600 maxelem 65536 -exist
            flush tapline6-new
            add tapline6-new 2001:db8::9 timeout 40 -exist
            swap tapline6 tapline6-new
            destroy tapline6-new
        "]],
        );
    }
}
