//! An operation while it runs, to be counted however it ends.

use std::time::{Duration, Instant};

use async_graphql::{Request, Response, parser::types::ExecutableDocument};

use super::documents;
use crate::{
    db::work::Statements,
    metrics::operations::{Operations, Outcome, kind},
};

/// A query or a mutation that was asked for. One that is dropped before it is answered was abandoned.
pub(super) struct Asked {
    operations: Operations,
    kind: &'static str,
    statements: Statements,
    began: Instant,
    outcome: Outcome,
}

impl Asked {
    pub fn begin(operations: &Operations, request: &Request, document: Option<&ExecutableDocument>) -> Self {
        let operation = document.and_then(|document| documents::operation(document, request.operation_name.as_deref()));
        Self {
            operations: operations.clone(),
            kind: kind(operation.map(|operation| operation.node.ty)),
            statements: Statements::default(),
            began: Instant::now(),
            outcome: Outcome::Abandoned,
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
    }

    fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.operations.ended(self.kind, self.outcome, self.took(), self.statements.count());
    }
}
