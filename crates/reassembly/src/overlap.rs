//! Whose byte counts where two segments bring the same position: what receivers do.
//!
//! Only bytes that wait behind a hole are ever in doubt. What is in order has been read by every
//! receiver, so its first copy stands whatever the policy.

use std::fmt;

/// How receivers settle overlap, by the systems that do it so. The rules are those measured by
/// Shankar and Paxson, "Active Mapping" (2003), and Novak and Sturges, "Target-Based TCP Stream
/// Reassembly" (2007).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OverlapPolicy {
    /// The first copy stays.
    First,
    /// The last copy stays.
    Last,
    /// A segment gives way to one that starts before it.
    Bsd,
    /// A segment gives way to one that does not start before it.
    BsdRight,
    /// A segment gives way to one that starts before it, or starts with it and ends after it. So
    /// does Linux since 2.4, where most servers of APIs run.
    #[default]
    Linux,
    /// A segment gives way to one that starts before it, or starts with it and does not end before
    /// it.
    OldLinux,
    /// A segment gives way to one that ends after it, or ends with it and does not start after it.
    Solaris,
    /// As [`Self::Bsd`].
    Hpux10,
    /// As [`Self::Solaris`].
    Hpux11,
    /// As [`Self::Bsd`].
    Irix,
    /// As [`Self::Bsd`].
    Macos,
    /// As [`Self::Bsd`]: up to XP and Server 2003.
    Windows,
    /// As [`Self::First`]: since Vista and Server 2008.
    Vista,
}

impl OverlapPolicy {
    /// Every policy, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::First,
        Self::Last,
        Self::Bsd,
        Self::BsdRight,
        Self::Linux,
        Self::OldLinux,
        Self::Solaris,
        Self::Hpux10,
        Self::Hpux11,
        Self::Irix,
        Self::Macos,
        Self::Windows,
        Self::Vista,
    ];

    /// Its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Bsd => "bsd",
            Self::BsdRight => "bsd_right",
            Self::Linux => "linux",
            Self::OldLinux => "old_linux",
            Self::Solaris => "solaris",
            Self::Hpux10 => "hpux10",
            Self::Hpux11 => "hpux11",
            Self::Irix => "irix",
            Self::Macos => "macos",
            Self::Windows => "windows",
            Self::Vista => "vista",
        }
    }

    /// The policy of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|policy| policy.name() == name)
    }

    /// Whether a new segment takes the positions that it shares with an old one.
    pub(crate) fn prefers_new(self, new: Extent, old: Extent) -> bool {
        match self {
            Self::First | Self::Vista => false,
            Self::Last => true,
            Self::Bsd | Self::Hpux10 | Self::Irix | Self::Macos | Self::Windows => {
                new.start < old.start
            }
            Self::BsdRight => new.start >= old.start,
            Self::Linux => new.start < old.start || (new.start == old.start && new.end > old.end),
            Self::OldLinux => {
                new.start < old.start || (new.start == old.start && new.end >= old.end)
            }
            Self::Solaris | Self::Hpux11 => {
                new.end > old.end || (new.end == old.end && new.start <= old.start)
            }
        }
    }
}

impl fmt::Display for OverlapPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a segment began and ended on the wire, as stream offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nine ways in which an old segment from 10 to 20 and a new one can overlap, and whether
    /// the new one takes what they share.
    fn check(policy: OverlapPolicy, expected: [bool; 9]) {
        let old = Extent { start: 10, end: 20 };
        let mut got = Vec::new();
        for start in [5, 10, 15] {
            for end in [17, 20, 25] {
                got.push(policy.prefers_new(Extent { start, end }, old));
            }
        }
        assert_eq!(got, expected, "{policy}");
    }

    #[test]
    fn every_system_settles_overlap_its_way() {
        const YES: bool = true;
        const NO: bool = false;
        let starts_before = [YES, YES, YES, NO, NO, NO, NO, NO, NO];
        let ends_after = [NO, YES, YES, NO, YES, YES, NO, NO, YES];
        check(OverlapPolicy::First, [NO; 9]);
        check(OverlapPolicy::Vista, [NO; 9]);
        check(OverlapPolicy::Last, [YES; 9]);
        check(OverlapPolicy::Bsd, starts_before);
        check(OverlapPolicy::Hpux10, starts_before);
        check(OverlapPolicy::Irix, starts_before);
        check(OverlapPolicy::Macos, starts_before);
        check(OverlapPolicy::Windows, starts_before);
        check(OverlapPolicy::BsdRight, [NO, NO, NO, YES, YES, YES, YES, YES, YES]);
        check(OverlapPolicy::Linux, [YES, YES, YES, NO, NO, YES, NO, NO, NO]);
        check(OverlapPolicy::OldLinux, [YES, YES, YES, NO, YES, YES, NO, NO, NO]);
        check(OverlapPolicy::Solaris, ends_after);
        check(OverlapPolicy::Hpux11, ends_after);
    }

    #[test]
    fn every_name_is_understood() {
        for &policy in OverlapPolicy::ALL {
            assert_eq!(OverlapPolicy::named(policy.name()), Some(policy));
        }
        assert_eq!(OverlapPolicy::named("plan9"), None);
    }
}
