//! The root fields of subscriptions. Their resolvers only check what is asked, and leave it in the request's [`ResultSlot`]; what
//! is told comes by [`super::render`].

use async_graphql::{Context, Subscription, connection::CursorType as _};
use futures_util::stream::{self, Empty};

use super::topic::{CurrentStatistics, ResultSlot, SubscriptionRequest, Topic};
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, feed::FeedOffset, validity::CountedValues},
    graphql::{
        context::may_read,
        cursor::FeedCursor,
        fast_json::JsonRows,
        inputs::{
            device_keys,
            filter::MeasurementFilter,
            interval::{Interval, time_zone as check_time_zone},
        },
        types::{device_event::DeviceEvent, measurement_event::MeasurementEvent, statistics::Statistics},
    },
};

/// Devices that statistics are told of at once at most: they may be computed every second.
const MAX_STATISTICS_DEVICES: usize = 100;

/// What can be followed.
pub struct Subscription;

/// What can be followed as it happens. Each event is told once, in the order in which it was stored. Whoever subscribes again
/// with the last `cursor` it got as `after`, at whichever gateway of the database, misses nothing and gets nothing twice.
#[Subscription(guard = "may_read")]
impl Subscription {
    /// Measurements, as they are stored.
    async fn measurement_recorded(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<MeasurementFilter>,
        #[graphql(
            desc = "First what was stored after this cursor of an event, or this `feedCursor`; from now on unless told."
        )]
        after: Option<String>,
    ) -> Result<Empty<MeasurementEvent>, ApiError> {
        let after = parse_after(after)?;
        let filter = filter.unwrap_or_default().check(ctx, "filter").await?;
        Ok(store_request(ctx, Topic::Measurements(filter), after))
    }

    /// Devices that are registered or updated, or whose measurements are stored or deleted: one event of a device for all
    /// that was stored together.
    async fn device_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Those with these keys, at most 1000; all unless told. A key that no device has yet matches none, also later."
        )]
        devices: Option<Vec<String>>,
        #[graphql(
            desc = "First what was stored after this cursor of an event, or this `feedCursor`; from now on unless told."
        )]
        after: Option<String>,
    ) -> Result<Empty<DeviceEvent>, ApiError> {
        let after = parse_after(after)?;
        let devices = match devices {
            Some(keys) => Some(sort_devices(device_keys::find_device_ids(ctx, "devices", &keys).await?)),
            None => None,
        };
        Ok(store_request(ctx, Topic::Devices(devices), after))
    }

    /// Statistics of the present bucket of time, of each device that has measurements in it: at once, and again when they
    /// change, at most once a second. Values out of their quantity's range do not count unless `includeInvalid` is set.
    async fn statistics_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Of the devices with these keys, at most 100. A key that no device has yet matches none, also later."
        )]
        devices: Vec<String>,
        #[graphql(desc = "Length of the buckets; not `AUTO`.")] every: Interval,
        #[graphql(default = "UTC", desc = "Whose days, weeks, months and clocks: a name of the IANA database.")]
        time_zone: String,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<Empty<JsonRows<Statistics>>, ApiError> {
        if devices.len() > MAX_STATISTICS_DEVICES {
            return Err(ApiError::bad_input(
                "devices",
                format!("{} keys; at most {MAX_STATISTICS_DEVICES}", devices.len()),
            ));
        }
        let every = every.length().ok_or_else(|| {
            ApiError::bad_input("every", "AUTO is not allowed here: there is one bucket, the present one")
        })?;
        let zone = check_time_zone(&time_zone)?;
        let counted = CountedValues::from_include_invalid(include_invalid);
        let devices = sort_devices(device_keys::find_device_ids(ctx, "devices", &devices).await?);
        let topic = Topic::Statistics(CurrentStatistics { devices, every, zone, counted });
        Ok(store_request(ctx, topic, None))
    }
}

/// A cursor that was given as the argument `after`.
///
/// # Errors
/// When it is none.
pub(super) fn parse_after(cursor: Option<String>) -> Result<Option<FeedOffset>, ApiError> {
    let place = |cursor: String| FeedCursor::decode_cursor(&cursor).map(|cursor| cursor.0);
    cursor.map(place).transpose().map_err(|reason| ApiError::bad_input("after", reason))
}

fn sort_devices(mut devices: Vec<DeviceId>) -> Vec<DeviceId> {
    devices.sort_unstable();
    devices.dedup();
    devices
}

fn store_request<T>(ctx: &Context<'_>, topic: Topic, after: Option<FeedOffset>) -> Empty<T> {
    if let Some(slot) = ctx.data_opt::<ResultSlot>() {
        slot.set(SubscriptionRequest { topic, after });
    }
    stream::empty()
}
