//! Samples for trips, of which one request reads a limited number. One statement for all spans.

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

/// Maximum samples read for trips in one request.
pub const MAX_TRIP_SAMPLES: usize = 100_000;

/// The samples of a span, or the error that the request exceeds the limit.
#[derive(Clone, Debug)]
pub enum TripSamples {
    /// The samples, oldest first.
    Loaded(Arc<[TripSample]>),
    /// All spans together have more than [`MAX_TRIP_SAMPLES`]; none of this batch was read.
    TooMany,
}

impl async_graphql::dataloader::Loader<DeviceSpan> for DatabaseLoader {
    type Value = TripSamples;
    type Error = LoadError;

    async fn load(&self, spans: &[DeviceSpan]) -> Result<HashMap<DeviceSpan, TripSamples>, LoadError> {
        let remaining = MAX_TRIP_SAMPLES.saturating_sub(self.loaded_trip_samples.load(Ordering::Relaxed));
        let Some(found) = db::trip::list_samples(&self.read_pool, spans, remaining).await.map_err(Arc::new)? else {
            return Ok(spans.iter().map(|&span| (span, TripSamples::TooMany)).collect());
        };
        for span in spans {
            self.read_pool.note_rows_read(span.from, span.to);
        }
        self.loaded_trip_samples.fetch_add(found.iter().map(Vec::len).sum(), Ordering::Relaxed);
        Ok(spans.iter().zip(found).map(|(&span, samples)| (span, TripSamples::Loaded(samples.into()))).collect())
    }
}

/// Key: the newest samples of a span. The request's remaining number of samples is divided evenly among the spans of a
/// batch, at least one each, so that an incomplete span always has a time from which it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewestSamplesKey(pub DeviceSpan);

impl async_graphql::dataloader::Loader<NewestSamplesKey> for DatabaseLoader {
    type Value = Arc<NewestSamples>;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[NewestSamplesKey],
    ) -> Result<HashMap<NewestSamplesKey, Arc<NewestSamples>>, LoadError> {
        let remaining = MAX_TRIP_SAMPLES.saturating_sub(self.loaded_trip_samples.load(Ordering::Relaxed));
        let spans: Vec<_> = keys.iter().map(|key| key.0).collect();
        let max = (remaining / spans.len().max(1)).max(1);
        let found = db::trip::list_newest_samples(&self.read_pool, &spans, max).await.map_err(Arc::new)?;
        for (span, read) in spans.iter().zip(&found) {
            let oldest = read.samples.first().filter(|_| read.has_older).map(|sample| sample.measured_at);
            self.read_pool.note_rows_read(oldest.or(span.from), span.to);
        }
        self.loaded_trip_samples.fetch_add(found.iter().map(|read| read.samples.len()).sum(), Ordering::Relaxed);
        Ok(keys.iter().copied().zip(found.into_iter().map(Arc::new)).collect())
    }
}
