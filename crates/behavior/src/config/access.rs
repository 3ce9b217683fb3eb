//! Settings of the detections on objects, functions and flows.

/// Settings of the detection of consumers that go through objects of others.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectEnumeration {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Fewest objects of others that a consumer got within a day, 2 to 1 000 000.
    pub foreign_min: u32,
    /// Objects of a kind that are known before it is judged whose they are, 20 to 1 000 000.
    pub objects_min: u32,
    /// Smallest share of them that have at most two callers, 0.5 to 1.0.
    pub privacy_min: f64,
    /// Fewest ids of a consumer in an hour that it may be seen to count through or guess, 3 to 1 000 000.
    pub steps_min: u32,
    /// Smallest share of ids next to the one before, 0.1 to 1.0.
    pub steps_share_min: f64,
    /// Smallest share of ids that no answer has named, 0.1 to 1.0.
    pub unserved_share_min: f64,
    /// Fewest distinct objects of a consumer in an hour that are many, 5 to 1 000 000.
    pub breadth_min: u32,
    /// Smallest factor over what 999 of 1 000 consumers ask for, 1.0 to 1000.0.
    pub lift_min: f64,
    /// Largest probability, were all normal, that still fires, 0.0 to 0.1.
    pub probability_max: f64,
}

impl Default for ObjectEnumeration {
    fn default() -> Self {
        Self {
            enabled: true,
            foreign_min: 5,
            objects_min: 500,
            privacy_min: 0.9,
            steps_min: 10,
            steps_share_min: 0.6,
            unserved_share_min: 0.8,
            breadth_min: 30,
            lift_min: 2.0,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of consumers that get at functions of another role.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionLevelAuthorization {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Successful calls of an endpoint before it is judged who uses it, 20 to 1 000 000.
    pub calls_min: u32,
    /// Hours for which an endpoint is known before that, 0 to 10 000.
    pub endpoint_hours_min: u32,
    /// Requests of a consumer before it is judged what it does, 1 to 1 000 000.
    pub consumer_requests_min: u32,
}

impl Default for FunctionLevelAuthorization {
    fn default() -> Self {
        Self { enabled: true, calls_min: 200, endpoint_hours_min: 24, consumer_requests_min: 20 }
    }
}

/// Settings of the detection of fields that are not the sender's to set.
#[derive(Clone, Debug, PartialEq)]
pub struct MassAssignment {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Request bodies of an endpoint, looked into, before a field is new, 20 to 1 000 000.
    pub documents_min: u32,
}

impl Default for MassAssignment {
    fn default() -> Self {
        Self { enabled: true, documents_min: 500 }
    }
}

/// Settings of the detection of consumers that collect what there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Scraping {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Fewest distinct objects that a consumer got in an hour, 20 to 10 000 000.
    pub objects_min: u32,
    /// Smallest factor over what 999 of 1 000 consumers get, 1.0 to 1000.0.
    pub lift_min: f64,
    /// Largest probability, were all normal, that still fires, 0.0 to 0.1.
    pub probability_max: f64,
}

impl Default for Scraping {
    fn default() -> Self {
        Self { enabled: true, objects_min: 300, lift_min: 2.0, probability_max: 1e-6 }
    }
}

/// Settings of the detection of consumers that take out too much.
#[derive(Clone, Debug, PartialEq)]
pub struct Exfiltration {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Fewest megabytes of answers to a consumer in an hour, 1 to 1 000 000.
    pub megabytes_min: u32,
    /// Fewest records from endpoints with personal data in an hour, 10 to 100 000 000.
    pub records_min: u32,
    /// Smallest factor over what 99 of 100 consumers take, 1.0 to 1000.0.
    pub lift_min: f64,
    /// Largest probability, were all normal, that still fires, 0.0 to 0.1.
    pub probability_max: f64,
}

impl Default for Exfiltration {
    fn default() -> Self {
        Self {
            enabled: true,
            megabytes_min: 50,
            records_min: 1000,
            lift_min: 10.0,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of consumers that make an API work for them alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceExhaustion {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Smallest share of the time that a host worked in ten minutes, 0.01 to 1.0.
    pub share_min: f64,
    /// Fewest seconds of work for one consumer in ten minutes, 1 to 1 000 000.
    pub service_seconds_min: u32,
    /// Smallest factor over the limit that 99 of 100 ask for, 1.5 to 100000.0.
    pub limit_lift_min: f64,
    /// Fewest levels of a GraphQL query that are too many, 3 to 10 000.
    pub graph_depth_min: u32,
    /// Fewest aliases in a GraphQL request that are too many, 3 to 100 000.
    pub graph_aliases_min: u32,
    /// Fewest queries in a GraphQL request that are too many, 2 to 100 000.
    pub graph_batch_min: u32,
    /// Largest probability, were all normal, that still fires, 0.0 to 0.1.
    pub probability_max: f64,
}

impl Default for ResourceExhaustion {
    fn default() -> Self {
        Self {
            enabled: true,
            share_min: 0.2,
            service_seconds_min: 60,
            limit_lift_min: 10.0,
            graph_depth_min: 16,
            graph_aliases_min: 51,
            graph_batch_min: 21,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of steps that are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowViolation {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Sessions that reached a step before it is known what comes before it, 50 to 1 000 000.
    pub sessions_min: u32,
    /// Smallest share of them that had done something before, 0.8 to 1.0.
    pub share_min: f64,
    /// Successes without it within a day that are reported, 1 to 1 000.
    pub violations_min: u32,
}

impl Default for FlowViolation {
    fn default() -> Self {
        Self { enabled: true, sessions_min: 500, share_min: 0.98, violations_min: 3 }
    }
}
