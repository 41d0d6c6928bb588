//! The end of the gateway: a signal for what would not end by itself, and a deadline for all of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

/// Whether the gateway is ending. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShutdownSignal(Arc<watch::Sender<bool>>);

impl Default for ShutdownSignal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl ShutdownSignal {
    /// Begins it. Whoever waits for [`Self::begun`] goes on.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Comes back once it has begun; at once when it has already.
    pub fn triggered(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut begun = self.0.subscribe();
        async move {
            // The sender ends only with the gateway itself.
            let _ = begun.wait_for(|begun| *begun).await;
        }
    }
}

/// Ends the process when its shutdown takes too long. On a thread of its own, since whatever hangs may be the runtime.
#[derive(Clone, Debug)]
pub struct ShutdownDeadline(Arc<Mutex<&'static str>>);

/// For writing the last log line: standard error may be what hangs.
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

    /// Runs a phase of the shutdown; none when it takes longer than it may, which is logged.
    pub async fn run_phase<T>(&self, name: &'static str, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.set_phase(name);
        let done = timeout(time, work).await.ok();
        if done.is_none() {
            tracing::warn!(phase = name, seconds = time.as_secs(), "shutdown goes on without waiting any longer");
        }
        done
    }

    /// Names what is being waited for from now on.
    pub fn set_phase(&self, name: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_resume_when_shutdown_is_triggered() {
        let shutdown = ShutdownSignal::default();
        let early = tokio::spawn(shutdown.triggered());
        tokio::task::yield_now().await;
        assert!(!early.is_finished());
        shutdown.clone().trigger();
        early.await.expect("no panic");
        shutdown.triggered().await;
    }
}
