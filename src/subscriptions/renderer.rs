//! Renders events as GraphQL responses, for all channels with the same selection and key.

use std::sync::Arc;

use backon::Retryable as _;
use bytes::Bytes;

use super::{
    channel_error::ChannelError,
    fair_permits::{FairPermits, PermitOwner},
    render_cache::{RenderCache, TotalRenderedBytes},
    retry::RetryPeriod,
};
use crate::{
    concurrency::retry::RETRY_DELAYS,
    domain::feed::FeedOffset,
    graphql::subscriptions::render::{DatabaseUnavailable, EventRenderer, Events},
};

/// Renders events.
pub(super) struct Renderer {
    event_renderer: EventRenderer,
    cache: RenderCache,
}

impl Renderer {
    pub(super) fn new(event_renderer: EventRenderer, in_all: TotalRenderedBytes) -> Self {
        Self { event_renderer, cache: RenderCache::new(in_all) }
    }

    /// The underlying renderer.
    pub(super) fn event_renderer(&self) -> &EventRenderer {
        &self.event_renderer
    }

    /// Renders events; retries while the database is unavailable. Each attempt takes a permit.
    ///
    /// # Errors
    /// When the database is unavailable for long.
    pub(super) async fn render(
        &self,
        events: &Events,
        permits: &FairPermits,
        of: PermitOwner<'_>,
    ) -> Result<Vec<Bytes>, ChannelError> {
        let attempt = || async {
            let _permit = permits.acquire(of).await;
            // Boxed, as thousands of tasks may wait for permits.
            Box::pin(self.event_renderer.render(events)).await
        };
        let period = RetryPeriod::start();
        let rendered = attempt.retry(RETRY_DELAYS).when(|_| period.is_open()).await;
        rendered.map_err(|DatabaseUnavailable(errors)| ChannelError(errors))
    }

    /// Renders events, except those that another channel has rendered recently.
    ///
    /// # Errors
    /// When the database is unavailable for long.
    pub(super) async fn render_once(
        self: &Arc<Self>,
        events: &Events,
        places: &[FeedOffset],
        permits: &FairPermits,
        of: PermitOwner<'_>,
    ) -> Result<Vec<Bytes>, ChannelError> {
        let is_shared = Arc::strong_count(self) > 1;
        if !is_shared {
            return self.render(events, permits, of).await;
        }
        let attempt = || async {
            if let Some(rendered) = self.cache.get(places).into_iter().collect() {
                return Ok(rendered);
            }
            let permit = permits.acquire(of).await;
            // Another channel may have rendered them in the meantime.
            let known = self.cache.get(places);
            let missing = known.iter().enumerate().filter(|(_, bytes)| bytes.is_none()).map(|(at, _)| at);
            let missing: Vec<_> = missing.collect();
            let new = match &missing[..] {
                [] => Vec::new(),
                missing => Box::pin(self.event_renderer.render(&events.at_positions(missing))).await?,
            };
            drop(permit);
            let missing_places = missing.iter().filter_map(|&at| places.get(at).copied());
            self.cache.insert(missing_places.zip(new.iter().cloned()));
            let mut new = new.into_iter();
            Ok::<Vec<_>, DatabaseUnavailable>(
                known.into_iter().map(|bytes| bytes.or_else(|| new.next()).unwrap_or_default()).collect(),
            )
        };
        let period = RetryPeriod::start();
        let rendered = attempt.retry(RETRY_DELAYS).when(|_| period.is_open()).await;
        rendered.map_err(|DatabaseUnavailable(errors)| ChannelError(errors))
    }

    /// Clears the cache of rendered events.
    pub(super) fn clear_cache(&self) {
        self.cache.clear();
    }
}
