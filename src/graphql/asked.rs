//! An operation while it runs, to be counted however it ends.

use std::time::{Duration, Instant};

use async_graphql::{Request, Response, parser::types::ExecutableDocument};

use super::{context::State, documents};
use crate::{
    db::work::Statements,
    metrics::operations::{Operations, Outcome, kind},
    otlp,
};

/// Characters of an operation's name that are logged at most.
const LONGEST_NAME: usize = 64;

/// A query or a mutation that was asked for. One that is dropped before it is answered was abandoned.
pub(super) struct Asked {
    operations: Operations,
    kind: &'static str,
    statements: Statements,
    began: Instant,
    outcome: Outcome,
    trace: otlp::Operation,
    /// What it calls itself, as its document does.
    name: Option<String>,
    /// What it was reckoned to cost, where that is told.
    cost: Option<String>,
    /// When it takes longer it is logged.
    slow: Duration,
}

impl Asked {
    pub fn begin(state: &State, request: &Request, document: Option<&ExecutableDocument>) -> Self {
        let asked_for = request.operation_name.as_deref();
        let operation = document.and_then(|document| documents::operation(document, asked_for));
        let name = document.filter(|_| operation.is_some()).and_then(|document| documents::name(document, asked_for));
        Self {
            name: name.map(|name| name.chars().take(LONGEST_NAME).collect()),
            cost: None,
            slow: state.about.slow_operation,
            operations: state.metrics.operations.clone(),
            kind: kind(operation.map(|operation| operation.node.ty)),
            statements: Statements::default(),
            began: Instant::now(),
            outcome: Outcome::Abandoned,
            trace: otlp::Operation::begin(),
        }
    }

    /// Its statements so far.
    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    /// It was answered.
    pub fn answered(mut self, response: &Response) {
        self.outcome = Outcome::of(response);
        self.operations.errors(response);
        self.cost = response.extensions.get("cost").map(ToString::to_string);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Self { kind, outcome, statements, name, cost, slow, trace, .. } = self;
        let (took, statements) = (self.began.elapsed(), statements.count());
        self.operations.ended(kind, *outcome, took, statements);
        trace.ended(kind, name.as_deref(), outcome.name(), statements);
        if took >= *slow {
            // The document and its variables tell of people; its name is for us to find it.
            let (operation, outcome) = (name.as_deref().unwrap_or("unnamed"), outcome.name());
            tracing::warn!(operation, kind, outcome, ?took, statements, cost, "slow operation");
        }
    }
}
