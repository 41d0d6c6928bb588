//! What one request takes of the database.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

tokio::task_local! {
    static STATEMENTS: Statements;
}

/// The statements of a request so far. Each question takes a connection for each of its statements, so it is connections
/// that are counted. What runs in a task of its own, such as the recorder, is not.
#[derive(Clone, Debug, Default)]
pub struct Statements(Arc<AtomicU32>);

impl Statements {
    /// Runs a request, and counts its statements.
    pub async fn during<T>(&self, request: impl Future<Output = T>) -> T {
        STATEMENTS.scope(self.clone(), request).await
    }

    /// How many there were so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection was handed out, to whatever request this is.
pub(super) fn connection_taken() {
    _ = STATEMENTS.try_with(|Statements(count)| count.fetch_add(1, Ordering::Relaxed)); // none: nobody counts
}
