//! What a subscriber missed, told from the stored feed, until the channel goes on.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    Event,
    channel::{Outlet, Stop},
    events::Portion,
    patience::Patience,
};
use crate::{
    domain::feed::Place,
    error::ApiError,
    feed::stored::{self, Unreadable},
    graphql::subscription::topic::Topic,
};

/// Before the stored feed is read again where it ended too early.
const PAUSE: Duration = Duration::from_secs(1);

/// Some of what a subscriber missed.
pub(super) struct Missed {
    /// The events, maybe none.
    pub events: Vec<Event>,
    /// Up to here these are all.
    pub until: Place,
}

/// Some of the stored events after a place.
///
/// # Errors
/// When they are not stored any more, or the database is away for long.
pub(super) async fn catch_up(outlet: Arc<Outlet>, place: Place) -> Result<Missed, Stop> {
    let _permit = outlet.source.limits.catching_up.acquire().await;
    let database = outlet.source.feed.database();
    let measurements = matches!(outlet.source.topic, Topic::Measurements(_));
    let mut patience = Patience::new();
    let stored = loop {
        match stored::after(database, place, measurements).await {
            Ok(stored) => break stored,
            Err(Unreadable::Forgotten) => return Err(ApiError::CursorExpired(ApiError::CURSOR_TOO_OLD).into()),
            Err(Unreadable::Failed(error)) => {
                if !patience.lasts().await {
                    return Err(error.into());
                }
            }
        }
    };
    if stored.until == place {
        sleep(PAUSE).await; // the channel has seen more: what was read is an older state of the database
    }
    let batches: Vec<_> = stored.batches.into_iter().map(Arc::new).collect();
    let mut told = Vec::new();
    for Portion { events, places } in outlet.events(&batches).await? {
        let payloads = outlet.tell(&events).await?;
        told.extend(places.into_iter().zip(payloads).map(|(place, payload)| Event { place: Some(place), payload }));
    }
    Ok(Missed { events: told, until: stored.until })
}
