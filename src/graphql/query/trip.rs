//! Rides across devices.

use std::cmp::Reverse;

use async_graphql::{Context, Object};

use crate::{
    db,
    domain::{
        trip::{TripKey, newest},
        validity::CountedValues,
    },
    error::ApiError,
    graphql::{
        complexity,
        context::{ContextExt as _, may_read},
        cursor::TripCursor,
        input::{device_keys, range::TimeRange, trip as checked},
        loader::MAX_TRIP_SAMPLES,
        model::{trip::Trip, trip_connection::TripConnection},
        page::{MAX_PAGE, PageArguments, PageRequest},
    },
};

/// Devices in a list of rides at most: they share the samples that are read.
const MAX_DEVICES: usize = 100;

#[derive(Default)]
pub struct TripQuery;

#[Object(guard = "may_read")]
impl TripQuery {
    /// Rides of some devices in a span of time, newest first: samples, cut where a device paused, or where it came to be
    /// somewhere that it can't have ridden to. Of each device only the newest samples are read, 100,000 of all devices
    /// together; `incompleteBefore` tells where that was not all.
    #[expect(clippy::too_many_arguments, reason = "what a ride is, and the arguments of a Relay connection")]
    #[graphql(
        cache_control(max_age = 30),
        complexity = "complexity::of_page(Some(first), None, child_complexity) + complexity::NEWEST_TRIPS"
    )]
    async fn trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of the devices with these keys, at most 100. A key that no device has matches none.")]
        devices: Vec<String>,
        #[graphql(desc = "Taken in this span.")] measured_at: TimeRange,
        #[graphql(default = 300, desc = "The longest pause within a ride, in seconds (`s`).")] max_gap: i32,
        #[graphql(default = 100, desc = "How far a ride gets from where it began at least, in metres (`m`).")]
        min_distance: i32,
        #[graphql(default = 20, desc = "So many; 1000 at most.")] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<TripConnection, ApiError> {
        if devices.len() > MAX_DEVICES {
            return Err(ApiError::bad_input("devices", format!("{} keys; at most {MAX_DEVICES}", devices.len())));
        }
        let (from, to) = measured_at.check("measuredAt")?;
        let counted = CountedValues::including_invalid(include_invalid);
        let cutting = checked::cutting(max_gap, min_distance)?;
        let arguments = PageArguments { first: Some(first), after, ..PageArguments::default() };
        let request = PageRequest::<TripCursor>::try_new(arguments, MAX_PAGE)?;
        let mut ids = device_keys::ids(ctx, "devices", &devices).await?;
        ids.sort_unstable();
        ids.dedup();
        let most = MAX_TRIP_SAMPLES / ids.len().max(1);
        let (mut trips, mut incomplete_before) = (Vec::new(), None);
        for read in db::trip::newest_samples(ctx.reads(), &ids, from, to, counted, most).await? {
            let found = newest(&read.samples, cutting, read.has_older);
            incomplete_before = incomplete_before.max(found.missing_before);
            trips.extend(found.trips.into_iter().map(|trip| Trip { device: read.device, trip }));
        }
        let place = |key: TripKey| Reverse((key.start, key.device_id, key.end));
        trips.sort_by_key(|trip| place(trip.key()));
        if let Some(TripCursor(after)) = request.after {
            trips.retain(|trip| place(trip.key()) > place(after));
        }
        Ok(TripConnection::new(request.slice(trips), incomplete_before))
    }
}
