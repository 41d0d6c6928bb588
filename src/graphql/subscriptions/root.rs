//! The root fields of subscriptions. Their resolvers only check the arguments and store the checked request in the
//! [`ResultSlot`]; events are rendered by [`super::render`].

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

/// Maximum devices of a subscription to statistics, which may be computed every second.
const MAX_STATISTICS_DEVICES: usize = 100;

/// The root type of subscriptions.
pub struct Subscription;

/// Subscriptions: receive events as they are stored. Each event is sent once, in the order of storage. A client that
/// subscribes again with its last `cursor` as `after`, at any gateway of the same database, receives every event
/// exactly once.
#[Subscription(guard = "may_read")]
impl Subscription {
    /// Measurements as they are stored.
    async fn measurement_recorded(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements. Default: all measurements.")] filter: Option<
            MeasurementFilter,
        >,
        #[graphql(desc = "Start after this cursor, of an event or `feedCursor`. Default: only new events.")]
        after: Option<String>,
    ) -> Result<Empty<MeasurementEvent>, ApiError> {
        let after = parse_after(after)?;
        let filter = filter.unwrap_or_default().check(ctx, "filter").await?;
        Ok(store_request(ctx, Topic::Measurements(filter), after))
    }

    /// Devices that are registered or updated, or have measurements stored or deleted. Changes stored together are one
    /// event per device.
    async fn device_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Keys of devices, at most 1000. Default: all devices. Keys are resolved once, at the start: an unknown \
            key matches nothing."
        )]
        devices: Option<Vec<String>>,
        #[graphql(desc = "Start after this cursor, of an event or `feedCursor`. Default: only new events.")]
        after: Option<String>,
    ) -> Result<Empty<DeviceEvent>, ApiError> {
        let after = parse_after(after)?;
        let devices = match devices {
            Some(keys) => Some(sort_devices(device_keys::find_device_ids(ctx, "devices", &keys).await?)),
            None => None,
        };
        Ok(store_request(ctx, Topic::Devices(devices), after))
    }

    /// Statistics of the current bucket of time, for each device with measurements in it. Sent immediately, and again
    /// when they change, at most once a second. Values out of their quantity's range do not count unless
    /// `includeInvalid` is set.
    async fn statistics_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Keys of devices, at most 100. Keys are resolved once, at the start: an unknown key matches nothing."
        )]
        devices: Vec<String>,
        #[graphql(desc = "Length of the bucket. `AUTO` is not allowed.")] every: Interval,
        #[graphql(
            default = "UTC",
            desc = "Time zone of days, weeks and months: an IANA name such as `Europe/London`. Default `UTC`."
        )]
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
            ApiError::bad_input("every", "AUTO is not allowed: there is only one bucket, the current one")
        })?;
        let zone = check_time_zone(&time_zone)?;
        let counted = CountedValues::from_include_invalid(include_invalid);
        let devices = sort_devices(device_keys::find_device_ids(ctx, "devices", &devices).await?);
        let topic = Topic::Statistics(CurrentStatistics { devices, every, zone, counted });
        Ok(store_request(ctx, topic, None))
    }
}

/// Parses the argument `after`.
///
/// # Errors
/// When it is not a cursor of the feed.
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
