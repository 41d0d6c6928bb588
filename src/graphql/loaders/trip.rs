//! The samples that trips are cut from, of which one request reads a limited number. One statement, whatever the spans.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use super::{DatabaseLoader, LoadError};
use crate::{
    db::{
        self,
        trip::{DeviceSpan, NewestSamples},
    },
    domain::trip::TripSample,
};

/// Samples that one request may have cut into trips.
pub const MAX_TRIP_SAMPLES: usize = 100_000;

/// The samples of a span, unless the request asks for more of them than it may.
#[derive(Clone, Debug)]
pub enum TripSamples {
    /// They, in the order of time.
    Loaded(Arc<[TripSample]>),
    /// All spans together have more than [`MAX_TRIP_SAMPLES`], and none of this batch was read.
    TooMany,
}

impl async_graphql::dataloader::Loader<DeviceSpan> for DatabaseLoader {
    type Value = TripSamples;
    type Error = LoadError;

    async fn load(&self, spans: &[DeviceSpan]) -> Result<HashMap<DeviceSpan, TripSamples>, LoadError> {
        let left = MAX_TRIP_SAMPLES.saturating_sub(self.loaded_trip_samples.load(Ordering::Relaxed));
        let Some(found) = db::trip::list_samples(&self.read_pool, spans, left).await.map_err(Arc::new)? else {
            return Ok(spans.iter().map(|&span| (span, TripSamples::TooMany)).collect());
        };
        self.loaded_trip_samples.fetch_add(found.iter().map(Vec::len).sum(), Ordering::Relaxed);
        Ok(spans.iter().zip(found).map(|(&span, samples)| (span, TripSamples::Loaded(samples.into()))).collect())
    }
}

/// The newest samples of a span: as many as are left to the request, shared evenly among the spans that are loaded together,
/// and at least one, so that an incomplete span always has a time that it is complete from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewestSamplesKey(pub DeviceSpan);

impl async_graphql::dataloader::Loader<NewestSamplesKey> for DatabaseLoader {
    type Value = Arc<NewestSamples>;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[NewestSamplesKey],
    ) -> Result<HashMap<NewestSamplesKey, Arc<NewestSamples>>, LoadError> {
        let left = MAX_TRIP_SAMPLES.saturating_sub(self.loaded_trip_samples.load(Ordering::Relaxed));
        let spans: Vec<_> = keys.iter().map(|key| key.0).collect();
        let max = (left / spans.len().max(1)).max(1);
        let found = db::trip::list_newest_samples(&self.read_pool, &spans, max).await.map_err(Arc::new)?;
        self.loaded_trip_samples.fetch_add(found.iter().map(|read| read.samples.len()).sum(), Ordering::Relaxed);
        Ok(keys.iter().copied().zip(found.into_iter().map(Arc::new)).collect())
    }
}
