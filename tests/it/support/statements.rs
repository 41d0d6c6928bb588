//! Counting SQL statements.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{Event, Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _};

/// Counts the statements that sqlx logs on this thread, which is all of a `#[tokio::test]`.
pub struct Statements {
    count: Arc<AtomicUsize>,
    _guard: DefaultGuard,
}

struct Counter(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Statements {
    pub fn watch() -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Counter(count.clone()));
        Self { count, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// How many there were while the future ran.
    pub async fn of<T>(&self, future: impl Future<Output = T>) -> (usize, T) {
        let before = self.count.load(Ordering::Relaxed);
        let outcome = future.await;
        (self.count.load(Ordering::Relaxed) - before, outcome)
    }
}
