//! Trips of one or several devices.

use std::cmp::Reverse;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};

use crate::{
    api_error::ApiError,
    db::trip::DeviceSpan,
    domain::{
        device::DeviceId,
        trip::{TripKey, TripParams, newest_trips},
        validity::CountedValues,
    },
    graphql::{
        context::{ContextExt as _, may_read},
        cursor::TripCursor,
        inputs::{device_keys, range::TimeRange, trip as checked},
        loaders::NewestSamplesKey,
        page::{MAX_PAGE_SIZE, PageArguments, PageRequest},
        types::{trip::Trip, trip_connection::TripConnection},
    },
};

/// Maximum devices in a list of trips: they share the samples that are read.
const MAX_TRIP_DEVICES: usize = 100;

#[derive(Default)]
pub struct TripQuery;

#[Object(guard = "may_read")]
impl TripQuery {
    /// Trips of devices in a span of time, newest first. A trip ends with a pause, or with a jump in position that is
    /// too fast to be real. Only the newest samples are read, 100,000 for all devices together; earlier trips are
    /// missing (see `incompleteBefore`).
    #[expect(clippy::too_many_arguments, reason = "parameters of a trip, and the arguments of a Relay connection")]
    #[graphql(cache_control(max_age = 30))]
    async fn trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Keys of devices, at most 100. An unknown key matches nothing.")] devices: Vec<String>,
        #[graphql(desc = "Time span. Trips that extend beyond it are cut at its ends.")] measured_at: TimeRange,
        #[graphql(default = 300, desc = "Maximum pause within a trip, in seconds, 1 to 86,400. Default 300.")]
        max_gap: i32,
        #[graphql(
            default = 100,
            desc = "Minimum distance that a trip reaches from its start, in metres, 0 to 20,000,000. Default 100."
        )]
        min_distance: i32,
        #[graphql(default = 20, desc = "Number of trips in the page, 0 to 1000. Default 20.")] first: i32,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<TripConnection, ApiError> {
        if devices.len() > MAX_TRIP_DEVICES {
            return Err(ApiError::bad_input("devices", format!("{} keys; at most {MAX_TRIP_DEVICES}", devices.len())));
        }
        let list = TripList::check(&measured_at, (max_gap, min_distance), (first, after), include_invalid)?;
        let mut ids = device_keys::find_device_ids(ctx, "devices", &devices).await?;
        ids.sort_unstable();
        ids.dedup();
        list.page(ctx, &ids).await
    }
}

/// The checked arguments of a list of trips.
pub(in crate::graphql) struct TripList {
    span: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    params: TripParams,
    page: PageRequest<TripCursor>,
    counted: CountedValues,
}

impl TripList {
    /// Checks the arguments `measuredAt`, `maxGap` and `minDistance`, `first` and `after`.
    pub(in crate::graphql) fn check(
        measured_at: &TimeRange,
        (max_gap, min_distance): (i32, i32),
        (first, after): (i32, Option<String>),
        include_invalid: bool,
    ) -> Result<Self, ApiError> {
        let arguments = PageArguments { first: Some(first), after, ..PageArguments::default() };
        Ok(Self {
            span: measured_at.check("measuredAt")?,
            params: checked::trip_params(max_gap, min_distance)?,
            page: PageRequest::try_new(arguments, MAX_PAGE_SIZE)?,
            counted: CountedValues::from_include_invalid(include_invalid),
        })
    }

    /// The page of the merged trips of these devices, newest first.
    pub(in crate::graphql) async fn page(
        self,
        ctx: &Context<'_>,
        devices: &[DeviceId],
    ) -> Result<TripConnection, ApiError> {
        let Self { span: (from, to), params, page, counted } = self;
        let of = |&device: &DeviceId| NewestSamplesKey(DeviceSpan { device, from, to, counted });
        let found = ctx.loader().load_many(devices.iter().map(of)).await?;
        let (mut trips, mut incomplete_before) = (Vec::new(), None);
        for (NewestSamplesKey(DeviceSpan { device, .. }), read) in found {
            let found = newest_trips(&read.samples, params, read.has_older);
            incomplete_before = incomplete_before.max(found.missing_before);
            trips.extend(found.trips.into_iter().map(|trip| Trip { device, trip }));
        }
        let sort_key = |key: TripKey| Reverse((key.start, key.device_id, key.end));
        trips.sort_by_key(|trip| sort_key(trip.key()));
        if let Some(TripCursor(after)) = page.after {
            trips.retain(|trip| sort_key(trip.key()) > sort_key(after));
        }
        Ok(TripConnection::new(page.slice(trips), incomplete_before))
    }
}
