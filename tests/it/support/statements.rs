//! Counting SQL statements.

use std::{cell::Cell, sync::Once};

use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Counts the statements that sqlx logs on this thread, which is all of a `#[tokio::test]`.
pub struct Statements;

struct Counter;

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            COUNT.set(COUNT.get() + 1);
        }
    }
}

impl Statements {
    pub fn watch() -> Self {
        // One subscriber for all threads: with one a thread, a place in the code that another thread reached first
        // would stay silent for good.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Counter);
            tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
        });
        Self
    }

    /// How many there were while the future ran.
    pub async fn of<T>(&self, future: impl Future<Output = T>) -> (usize, T) {
        let before = COUNT.get();
        let outcome = future.await;
        (COUNT.get() - before, outcome)
    }
}
