//! Where callers are, as seen from whoever runs the API.

use serde::{Deserialize, Serialize};

/// Where a caller is, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerPlace {
    /// In a network of the operator.
    Internal,
    /// In a network of somebody whom the operator knows.
    Partner,
    /// Anywhere else.
    External,
}

impl CallerPlace {
    /// Every place, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Internal, Self::Partner, Self::External];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Partner => "partner",
            Self::External => "external",
        }
    }
}

/// Requests by where their callers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerPlaces {
    /// From the outside.
    pub external: u64,
    /// From networks of the operator.
    pub internal: u64,
    /// From networks of partners.
    pub partner: u64,
}

impl CallerPlaces {
    /// Counts a request.
    pub const fn count(&mut self, place: CallerPlace) {
        match place {
            CallerPlace::Internal => self.internal += 1,
            CallerPlace::Partner => self.partner += 1,
            CallerPlace::External => self.external += 1,
        }
    }

    /// Requests from a place.
    pub const fn of(&self, place: CallerPlace) -> u64 {
        match place {
            CallerPlace::Internal => self.internal,
            CallerPlace::Partner => self.partner,
            CallerPlace::External => self.external,
        }
    }

    /// Adds what another worker counted.
    pub const fn join(&mut self, other: &Self) {
        self.external += other.external;
        self.internal += other.internal;
        self.partner += other.partner;
    }

    /// The places that there were requests from, the nearest first.
    pub fn seen(&self) -> impl Iterator<Item = (CallerPlace, u64)> {
        CallerPlace::ALL
            .iter()
            .map(|&place| (place, self.of(place)))
            .filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_is_serialised_and_counts_add_up() {
        let mut all = CallerPlaces::default();
        for (count, &place) in CallerPlace::ALL.iter().enumerate() {
            let mut one = CallerPlaces::default();
            (0..count).for_each(|_| one.count(place));
            all.join(&one);
            all.join(&one);
            assert_eq!(serde_json::to_value(place).unwrap(), place.label());
            let json = serde_json::to_value(all).unwrap();
            assert_eq!(json[place.label()], 2 * count, "{json}");
        }
        let seen: Vec<_> = all.seen().collect();
        assert_eq!(seen, [(CallerPlace::Partner, 2), (CallerPlace::External, 4)]);
    }
}
