//! The deadline of a shutdown.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::time::timeout;

/// Ends the process when its shutdown takes too long. On a thread of its own, since the runtime itself may hang.
#[derive(Clone, Debug)]
pub struct ShutdownDeadline(Arc<Mutex<&'static str>>);

/// Timeout for writing the last log line: standard error may hang.
const LOG_WRITE_TIMEOUT: Duration = Duration::from_millis(500);

impl ShutdownDeadline {
    /// Ends the process after this time, unless it has ended by then.
    #[must_use]
    pub fn start(time: Duration) -> Self {
        let deadline = Self(Arc::new(Mutex::new("requests")));
        let phase = deadline.0.clone();
        thread::spawn(move || {
            thread::sleep(time.saturating_sub(LOG_WRITE_TIMEOUT));
            thread::spawn(move || {
                let phase = *phase.lock().unwrap_or_else(PoisonError::into_inner);
                tracing::error!(phase, seconds = time.as_secs(), "shutdown timed out; the process ends now");
            });
            thread::sleep(LOG_WRITE_TIMEOUT);
            std::process::exit(1);
        });
        deadline
    }

    /// Runs a phase of the shutdown; `None` after a timeout, which is logged.
    pub async fn run_phase<T>(&self, name: &'static str, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.set_phase(name);
        let done = timeout(time, work).await.ok();
        if done.is_none() {
            tracing::warn!(phase = name, seconds = time.as_secs(), "shutdown goes on without waiting any longer");
        }
        done
    }

    /// Names the current phase.
    pub fn set_phase(&self, name: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}
