//! GraphQL operations over any transport: outcome, duration, number of statements.

use std::time::Duration;

use async_graphql::{Response, Value, parser::types::OperationType};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Buckets, DURATION_BUCKETS};

/// Statements of one operation.
const STATEMENT_BUCKETS: Buckets = Buckets(&[0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0]);

/// Maximum counted errors of one response: a list may have one in each row.
const MAX_COUNTED_ERRORS: usize = 100;

type Label = [(&'static str, &'static str); 1];
type Labels = [(&'static str, &'static str); 2];

/// Outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationOutcome {
    /// Without errors; or a subscription started.
    Answered,
    /// Partial data and errors.
    Partial,
    /// Errors and no data.
    Failed,
    /// Not executed: syntax, validation, limits.
    Refused,
    /// Abandoned: it timed out, or its client disconnected.
    Abandoned,
}

impl OperationOutcome {
    /// The outcome of an operation with this response.
    #[must_use]
    pub fn from_response(response: &Response) -> Self {
        if response.errors.is_empty() {
            Self::Answered
        } else if response.data != Value::Null {
            Self::Partial
        } else if response.errors.iter().all(|error| error.path.is_empty()) {
            Self::Refused
        } else {
            Self::Failed
        }
    }

    /// The label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partly",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The kind of an operation as a label; unknown for an invalid document.
#[must_use]
pub const fn kind(ty: Option<OperationType>) -> &'static str {
    match ty {
        Some(OperationType::Query) => "query",
        Some(OperationType::Mutation) => "mutation",
        Some(OperationType::Subscription) => "subscription",
        None => "unknown",
    }
}

/// GraphQL operations. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OperationMetrics {
    total: Family<Labels, Counter>,
    errors: Family<[(&'static str, String); 1], Counter>,
    panics: Counter,
    duration: Family<Label, Histogram, Buckets>,
    statements: Family<Label, Histogram, Buckets>,
}

impl Default for OperationMetrics {
    fn default() -> Self {
        Self {
            total: Family::default(),
            errors: Family::default(),
            panics: Counter::default(),
            duration: Family::new_with_constructor(DURATION_BUCKETS),
            statements: Family::new_with_constructor(STATEMENT_BUCKETS),
        }
    }
}

impl OperationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("graphql_operations", "GraphQL operations, by kind and how they ended", self.total.clone());
        registry.register("graphql_errors", "Errors in responses to GraphQL operations, by code", self.errors.clone());
        registry.register("graphql_panics", "GraphQL operations that a panic ended", self.panics.clone());
        registry.register_with_unit(
            "graphql_operation_duration",
            "Time that GraphQL queries and mutations took, by kind",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "graphql_operation_statements",
            "SQL statements that a GraphQL query or mutation needed, by kind",
            self.statements.clone(),
        );
    }

    /// A query or a mutation ended.
    pub fn record_operation(&self, kind: &'static str, outcome: OperationOutcome, took: Duration, statements: u32) {
        self.count(kind, outcome);
        self.duration.get_or_create(&[("kind", kind)]).observe(took.as_secs_f64());
        self.statements.get_or_create(&[("kind", kind)]).observe(statements.into());
    }

    /// A panic ended an operation.
    pub fn count_panic(&self) {
        self.panics.inc();
    }

    /// Number of panics.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.get()
    }

    /// A subscription started, or was refused with this response.
    pub fn record_subscription_start(&self, outcome: Result<(), &Response>) {
        let kind = kind(Some(OperationType::Subscription));
        match outcome {
            Ok(()) => self.count(kind, OperationOutcome::Answered),
            Err(refusal) => {
                self.count(kind, OperationOutcome::Refused);
                self.count_errors(refusal);
            }
        }
    }

    fn count(&self, kind: &'static str, outcome: OperationOutcome) {
        self.total.get_or_create(&[("kind", kind), ("outcome", outcome.label())]).inc();
    }

    /// Counts the errors of a response. Their codes form a fixed list.
    pub fn count_errors(&self, response: &Response) {
        for error in response.errors.iter().take(MAX_COUNTED_ERRORS) {
            if let Some(Value::String(code)) = error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
                self.errors.get_or_create(&[("code", code.clone())]).inc();
            }
        }
    }
}
