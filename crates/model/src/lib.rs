//! The nouns of the pipeline, one file per arrow, and nothing that acts.
//!
//! ```text
//! frames -> segments -> chunks -> transactions -> observations -> deltas => merge => inventory, baselines -> findings -> alerts
//! ```
//!
//! Stages depend on this crate and never on one another. Types that hold captured bytes implement
//! `Debug` by length and kind, never by content.

mod alert;
mod anomaly;
mod attack;
mod attempt;
mod caller_place;
mod certificate;
mod chunk;
mod class;
mod delta;
mod encapsulation;
mod fact;
mod feedback;
mod field;
mod finding;
mod flow;
mod flow_record;
mod frame;
mod handshake;
mod headers;
mod id;
mod key;
mod ledger;
mod multilinear;
mod network;
mod object;
mod observation;
mod review;
mod rule;
mod sampling;
mod schema;
mod segment;
mod shard;
mod sighting;
mod span;
mod stats;
mod time;
mod tls_note;
mod transaction;
mod verdict;
mod view;

pub use alert::Alert;
pub use anomaly::{Anomaly, AnomalySet};
pub use attack::{Attack, AttackNote, AttackNotes, AttackPlace, Proof, ProofSet};
pub use attempt::{Attempt, AttemptAnswer, AttemptKey, AttemptKind, Attempts, Claim, Holder};
pub use caller_place::{CallerPlace, CallerPlaces};
pub use certificate::{Certificate, Fingerprint, KeyAlgorithm, SignatureDigest};
pub use chunk::{Chunk, ChunkKind, EndReason};
pub use class::{ClassSet, DataClass, DataGroup, DataPlace};
pub use delta::{
    Access, AccessDelta, AccessKey, AccessTable, AttackCounts, AttackDelta, AttackKey,
    CertificateDelta, ClassCounts, ConsumerDelta, DELTA_VERSION, Delta, DeltaId, EncryptedCounts,
    EncryptedDelta, EncryptedKey, FieldDelta, HostDelta, ObjectUse, Outcomes, ParameterDelta,
    RouteDelta, SchemaDelta, ServerDelta, TagCounts, TagValue, ValueCount, Values, Witnesses,
};
pub use encapsulation::Encapsulation;
pub use fact::{Fact, FactSet, Outcome};
pub use feedback::{Feedback, RouteFeedback, RouteHasher, RouteMap};
pub use field::{Document, FieldKey, FieldName, FieldNote, FieldNotes, FieldPart, ValueNote};
pub use finding::{
    EndpointRef, Evidence, Finding, FindingKind, FindingState, Mappings, Measure, Severity,
};
pub use flow::{Direction, FlowId, FlowKey, FlowTuple};
pub use flow_record::FlowRecord;
pub use frame::{Frame, LinkType, SourceId};
pub use handshake::{Alpn, Handshake, Offer, TlsVersion};
pub use headers::{
    Header, HeaderFields, HeaderKind, HeaderKinds, HeaderLine, Headers, OwnedHeaders,
};
pub use key::Key;
pub use ledger::{DropReason, IgnoreReason, Ledger};
pub use multilinear::Multilinear;
pub use network::Network;
pub use object::{
    GraphQuery, Near, ObjectPlace, ObjectRef, Objects, integer_hash, noun_hash, noun_of, singular,
};
pub use observation::{
    AuthKind, AuthSet, Consumer, ConsumerKey, ConsumerKind, Gate, Observation, ParameterLocation,
    ParameterSet, ParameterShape, RouteKey, RouteName, SegmentClass, Template, TemplateSegment,
    ValueKind,
};
pub use review::{
    AuthUse, ChangeKind, ChangeView, ConsumerView, IssueView, RiskPart, RiskView, network_of,
};
pub use rule::{RuleChange, RuleId, RuleList, RuleOrder, RuleOrigin, RuleState, RuleView};
pub use sampling::Sampling;
pub use schema::{JsonKind, Presence, TextFormat};
pub use segment::{Segment, TcpFlags};
pub use shard::{SHARDS, ShardId};
pub use sighting::Sighting;
pub use span::Span;
pub use stats::{
    AlertStats, BehaviorStats, CaptureStats, DecapStats, DiscoveryStats, EvictReason,
    ProtocolStats, ReassemblyStats, Stats,
};
pub use time::{Epoch, Timestamp};
pub use tls_note::TlsNote;
pub use transaction::{
    Body, BodySample, Completeness, Protocol, RequestHead, ResponseHead, Transaction,
};
pub use verdict::{
    About, CaseKey, Order, OrderError, OrderKind, Scope, Verdict, VerdictKind, VerdictTally,
    Verdicts,
};
pub use view::{
    BaselineState, BaselineView, BodyDirection, BodyView, CertificateView, DataFieldView,
    EncryptedView, EndpointId, EndpointState, EndpointView, EnumView, FindingTally, HostView,
    LabelsView, MapView, ParameterView, PropertyView, Quantiles, SchemaView, SegmentReason,
    SegmentView, ServerView, SourceView, TemplateView, VariantMemberView, VariantView,
    VariantsView, View,
};
