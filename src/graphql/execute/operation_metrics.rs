//! Metrics and log of operations.

use std::time::{Duration, Instant};

use async_graphql::{Response, parser::types::OperationType};

use super::operation::Operation;
use crate::{
    db::cancellation::StatementCounter,
    graphql::context::State,
    observability::{
        metrics::operations::{OperationMetrics, OperationOutcome, kind},
        otlp,
    },
};

/// Maximum characters of an operation's name in the log.
const MAX_LOGGED_NAME_CHARS: usize = 64;

/// A running query or mutation. Dropped before `finish`, it is recorded as abandoned.
pub(crate) struct OperationObserver {
    operations: OperationMetrics,
    kind: &'static str,
    statements: StatementCounter,
    started_at: Instant,
    outcome: OperationOutcome,
    trace: otlp::OperationSpan,
    /// Name of the operation in its document.
    name: Option<String>,
    /// Computed cost, if it is part of the response.
    cost: Option<String>,
    /// Operations that take longer are logged.
    slow_threshold: Duration,
}

impl OperationObserver {
    /// `operation` is `None` when it was rejected; its kind may be known nevertheless.
    pub fn start(state: &State, kind_of: Option<OperationType>, operation: Option<&Operation>) -> Self {
        let name = operation.and_then(|operation| operation.name.as_deref());
        Self {
            name: name.map(|name| name.chars().take(MAX_LOGGED_NAME_CHARS).collect()),
            cost: None,
            slow_threshold: state.info.slow_operation_threshold,
            operations: state.metrics.operations.clone(),
            kind: kind(kind_of),
            statements: StatementCounter::default(),
            started_at: Instant::now(),
            outcome: OperationOutcome::Abandoned,
            trace: otlp::OperationSpan::current(),
        }
    }

    /// Counter of its statements.
    pub fn statements(&self) -> &StatementCounter {
        &self.statements
    }

    /// Records the response.
    pub fn finish(mut self, response: &Response) {
        self.outcome = OperationOutcome::from_response(response);
        self.operations.count_errors(response);
        self.cost = response.extensions.get("cost").map(ToString::to_string);
    }
}

impl Drop for OperationObserver {
    fn drop(&mut self) {
        let Self { kind, outcome, statements, name, cost, slow_threshold: slow, trace, .. } = self;
        let (took, statements) = (self.started_at.elapsed(), statements.count());
        self.operations.record_operation(kind, *outcome, took, statements);
        trace.record(kind, name.as_deref(), outcome.label(), statements);
        if took >= *slow {
            // The document and its variables may contain personal data and are not logged; the name identifies the
            // operation.
            let (operation, outcome) = (name.as_deref().unwrap_or("unnamed"), outcome.label());
            tracing::warn!(operation, kind, outcome, ?took, statements, cost, "slow operation");
        }
    }
}
