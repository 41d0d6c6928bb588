//! The end of the gateway, told to what would not end by itself.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether the gateway is ending. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Begins it. Whoever waits for [`Self::begun`] goes on.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Comes back once it has begun; at once when it has already.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut begun = self.0.subscribe();
        async move {
            // The sender ends only with the gateway itself.
            let _ = begun.wait_for(|begun| *begun).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_goes_on_when_it_begins() {
        let shutdown = Shutdown::default();
        let early = tokio::spawn(shutdown.begun());
        tokio::task::yield_now().await;
        assert!(!early.is_finished());
        shutdown.clone().begin();
        early.await.expect("no panic");
        shutdown.begun().await;
    }
}
