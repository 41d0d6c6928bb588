//! The samples that rides are cut from, of which one request may ask for so many. One statement, whatever the spans.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use super::{LoadError, Loader};
use crate::{
    db::{self, trip::DeviceSpan},
    domain::trip::TripSample,
};

/// Samples that one request may have cut into rides.
pub const MAX_TRIP_SAMPLES: usize = 100_000;

/// The samples of a span, unless the request asks for more of them than it may.
#[derive(Clone, Debug)]
pub enum TripSamples {
    /// They, in the order of time.
    Read(Arc<[TripSample]>),
    /// All spans together have more than [`MAX_TRIP_SAMPLES`], and none of this batch was read.
    TooMany,
}

impl async_graphql::dataloader::Loader<DeviceSpan> for Loader {
    type Value = TripSamples;
    type Error = LoadError;

    async fn load(&self, spans: &[DeviceSpan]) -> Result<HashMap<DeviceSpan, TripSamples>, LoadError> {
        let left = MAX_TRIP_SAMPLES.saturating_sub(self.trip_samples.load(Ordering::Relaxed));
        let Some(found) = db::trip::samples(&self.db, spans, left).await.map_err(Arc::new)? else {
            return Ok(spans.iter().map(|&span| (span, TripSamples::TooMany)).collect());
        };
        self.trip_samples.fetch_add(found.iter().map(Vec::len).sum(), Ordering::Relaxed);
        Ok(spans.iter().zip(found).map(|(&span, samples)| (span, TripSamples::Read(samples.into()))).collect())
    }
}
