//! Selects the events of a batch that belong to a topic.

use std::sync::Arc;

use sqlx::PgPool;

use super::{feed::batch::Batch, inbox::RowSelection};
use crate::{
    db::DbError,
    domain::feed::FeedOffset,
    graphql::{
        subscriptions::{render::Events, topic::Topic},
        types::{device_event::DeviceEvent, measurement::Measurement, measurement_event::MeasurementEvent},
    },
};

/// Events that are rendered together, each with its offset.
pub(super) struct EventChunk {
    pub events: Events,
    pub offsets: Vec<FeedOffset>,
}

/// The events of these rows of batches that belong to a topic, in order, in chunks of at most `at_once`.
///
/// # Errors
/// When the filter needs further readings and the database fails.
pub(super) async fn events_of_topic(
    topic: &Topic,
    batches: &[(Arc<Batch>, RowSelection)],
    db: &PgPool,
    at_once: usize,
) -> Result<Vec<EventChunk>, DbError> {
    match topic {
        Topic::Measurements(filter) => {
            let mut events = Vec::new();
            for (batch, rows) in batches {
                let matching = match rows {
                    RowSelection::All => batch.matching(filter, None, db).await?,
                    RowSelection::Candidates(rows) => batch.matching(filter, Some(rows), db).await?,
                    RowSelection::Matching(rows) => batch.rows(rows).cloned().collect(),
                };
                events.extend(matching.into_iter().map(|(index, row)| MeasurementEvent {
                    place: batch.offset(index),
                    measurement: Measurement(row),
                }));
            }
            Ok(chunk_events(events, at_once, |event| event.place, Events::Measurements))
        }
        Topic::Devices(devices) => {
            let events = batches.iter().flat_map(|(batch, _)| {
                let is_selected = |device| devices.as_ref().is_none_or(|devices| devices.binary_search(device).is_ok());
                let devices = batch.devices.iter().filter(move |(_, device)| is_selected(device));
                devices.map(|&(index, device)| DeviceEvent { place: batch.offset(index), device })
            });
            Ok(chunk_events(events.collect(), at_once, |event| event.place, Events::Devices))
        }
        Topic::Statistics(_) => Ok(Vec::new()), // not events of the feed
    }
}

fn chunk_events<T>(
    events: Vec<T>,
    at_once: usize,
    offset: impl Fn(&T) -> FeedOffset,
    kind: impl Fn(Arc<[T]>) -> Events,
) -> Vec<EventChunk> {
    let mut events = events.into_iter().peekable();
    let mut chunks = Vec::new();
    while events.peek().is_some() {
        let chunk: Arc<[T]> = events.by_ref().take(at_once).collect();
        chunks.push(EventChunk { offsets: chunk.iter().map(&offset).collect(), events: kind(chunk) });
    }
    chunks
}
