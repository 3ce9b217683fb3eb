//! The detections that need a document.

use tapline_model::Mappings;

use crate::compare::{Class, Kind};

/// What is wrong with an endpoint by its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detection {
    /// Seen, not documented.
    ShadowEndpoint,
    /// Documented, never seen.
    OrphanEndpoint,
    /// Deprecated, or of an older version, and still answering.
    ZombieEndpoint,
    /// Takes parameters that are not documented.
    UndocumentedParameter,
    /// Lets in who has not what the document asks for.
    AuthDrift,
    /// Takes or answers something else than is documented.
    SchemaDrift,
}

impl Detection {
    /// Every detection, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::ShadowEndpoint,
        Self::OrphanEndpoint,
        Self::ZombieEndpoint,
        Self::UndocumentedParameter,
        Self::AuthDrift,
        Self::SchemaDrift,
    ];

    /// The stable name, as in [`tapline_model::Finding::detection`].
    pub const fn id(self) -> &'static str {
        match self {
            Self::ShadowEndpoint => "shadow_endpoint",
            Self::OrphanEndpoint => "orphan_endpoint",
            Self::ZombieEndpoint => "zombie_endpoint",
            Self::UndocumentedParameter => "undocumented_parameter",
            Self::AuthDrift => "auth_drift",
            Self::SchemaDrift => "schema_drift",
        }
    }

    /// One line for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ShadowEndpoint => "An endpoint that no document describes",
            Self::OrphanEndpoint => "Documented operations that were never seen",
            Self::ZombieEndpoint => "A deprecated or old endpoint still answers",
            Self::UndocumentedParameter => "An endpoint takes parameters that are not documented",
            Self::AuthDrift => "An endpoint answers without the documented credentials",
            Self::SchemaDrift => "An endpoint is not as documented",
        }
    }

    /// Where its findings stand in the lists that people use.
    pub fn mappings(self) -> Mappings {
        let lists: &[&str] = match self {
            Self::ShadowEndpoint | Self::OrphanEndpoint | Self::ZombieEndpoint => &["API9:2023"],
            Self::UndocumentedParameter | Self::SchemaDrift => &["API3:2023", "API9:2023"],
            Self::AuthDrift => &["API2:2023", "API8:2023"],
        };
        let owasp_api = lists.iter().map(|&id| id.to_owned()).collect();
        Mappings { owasp_api, ..Mappings::default() }
    }

    /// The detection that a difference belongs to; none of what is only worth a notice.
    pub(super) fn of(kind: Kind, class: Class) -> Option<Self> {
        match kind {
            Kind::ShadowOperation => Some(Self::ShadowEndpoint),
            Kind::OrphanOperation => Some(Self::OrphanEndpoint),
            Kind::ZombieOperation | Kind::OldVersion => Some(Self::ZombieEndpoint),
            Kind::AuthDrift => Some(Self::AuthDrift),
            _ if class == Class::Notice => None,
            Kind::UndocumentedParameter => Some(Self::UndocumentedParameter),
            _ => Some(Self::SchemaDrift),
        }
    }
}
