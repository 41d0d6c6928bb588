//! Sensor devices.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, Enum, ID, Object};

use super::{
    air_quality_index::{self, AirQualityIndex, AirQualityScale},
    measurement::Measurement,
    measurement_connection::{MeasurementConnection, MeasurementScope},
    quantity::Quantity,
    sensor::Sensor,
    statistics::{self, Statistics},
    trip_connection::TripConnection,
};
use crate::{
    api_error::ApiError,
    concurrency::prehashed::Prehashed,
    domain,
    domain::{device::DeviceId, filter::Filter, position::Position, validity::CountedValues},
    graphql::{
        context::ContextExt as _,
        execute::projection,
        fast_json::{JsonRows, row_fields::row_fields},
        id::GlobalId,
        inputs::{
            filter::{MeasurementFilter, MeasurementOrder},
            interval::{DEFAULT_TIME_ZONE, Interval},
            range::TimeRange,
            statistics::{DEFAULT_CELL_RESOLUTION, Grouping, RequestedStatistics, StatisticsFill, StatisticsGroup},
        },
        loaders::{DevicePageKey, DeviceStatisticsKey, DeviceStatisticsResult, LatestKey, SensorsKey},
        page::PageArguments,
        queries::{measurement::MeasurementList, statistics::too_many_rows, trip::TripList},
        scalar::DateTime,
    },
};

/// Kind of a device: mobile or fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::device::DeviceKind")]
pub enum DeviceKind {
    /// Moves: every sample has its own position.
    Mobile,
    /// Stays in one place: the device has one position.
    Fixed,
}

/// A sensor device. Its row is loaded on the first use of a field that is not derived from its id.
pub struct Device {
    /// Primary key of its row.
    pub id: DeviceId,
    row: OnceLock<domain::device::Device>,
}

impl From<domain::device::Device> for Device {
    fn from(row: domain::device::Device) -> Self {
        Self { id: row.id, row: row.into() }
    }
}

impl Device {
    /// An existing device, its row not loaded yet.
    #[must_use]
    pub fn from_id(id: DeviceId) -> Self {
        Self { id, row: OnceLock::new() }
    }

    /// Its row, if loaded.
    pub(in crate::graphql) fn loaded_row(&self) -> Option<&domain::device::Device> {
        self.row.get()
    }

    /// Stores its row.
    pub(in crate::graphql) fn set_row(&self, row: domain::device::Device) -> &domain::device::Device {
        self.row.get_or_init(|| row)
    }

    /// Removes the devices from a filter of the measurements of `devices`. The filter may only name the device itself,
    /// as a filter by one of its trips does.
    pub(in crate::graphql) fn check_devices(devices: &[&Self], filter: &mut Filter) -> Result<(), ApiError> {
        let named = filter.devices.take();
        if named.is_some_and(|named| devices.iter().any(|device| named != [device.id])) {
            return Err(ApiError::bad_input(
                "filter.devices",
                "must not name other devices within `measurements` or `statistics` of a device",
            ));
        }
        Ok(())
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<&domain::device::Device, ApiError> {
        if let Some(row) = self.loaded_row() {
            return Ok(row);
        }
        // Boxed, as in `measurements`: the future of every field is as large as the largest one.
        let row = Box::pin(ctx.loader().load_one(self.id)).await?;
        row.map(|row| self.set_row(row)).ok_or_else(|| missing_device(self.id))
    }
}

/// The error for a device that was deleted after its id was read.
pub(in crate::graphql) fn missing_device(id: DeviceId) -> ApiError {
    tracing::debug!(device = id.0, "device was deleted while a request read it");
    ApiError::NotFound
}

row_fields! {
    /// The values of a device's row.
    DeviceRow(row of &Device) {
        /// Unique key, sent by the device with its samples, such as `bike-07`.
        key: &str = row.key.as_str();
        /// Display name. Null when it has none.
        name: Option<&str> = row.name.as_deref();
        /// Mobile or fixed.
        kind: DeviceKind = row.kind.into();
        /// Latitude of a fixed device, in degrees (WGS 84), north positive. Null when it has no fixed position.
        latitude: Option<f64> = row.position.map(Position::latitude);
        /// Longitude of a fixed device, in degrees (WGS 84), east positive. Null when it has no fixed position.
        longitude: Option<f64> = row.position.map(Position::longitude);
        /// Licence of its data, such as `CC-BY-4.0`. Null when not specified.
        licence: Option<&str> = row.licence.as_deref();
        /// Attribution required by users of its data. Null when not specified.
        attribution: Option<&str> = row.attribution.as_deref();
        /// Time the device was registered, or its first sample was recorded.
        created_at: DateTime = row.created_at.into();
    }
}

/// Sensor device: a box with one or more sensors that sends samples to the gateway.
#[Object]
impl Device {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Device(self.id).encode()
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> DeviceRow<'_> {
        DeviceRow(self)
    }

    /// Single sensors of the device and their quantities, sorted by sensor id. Empty when it was registered without
    /// sensors.
    async fn sensors(&self, ctx: &Context<'_>) -> Result<Vec<Sensor>, ApiError> {
        let sensors = ctx.loader().load_one(SensorsKey(self.id)).await?;
        Ok(sensors.as_ref().map(Sensor::from_sensors).unwrap_or_default())
    }

    /// Newest measurement of the device. Null when it has none.
    async fn latest(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Return the newest measurement with a value of this quantity. Searches the newest 10,000 measurements of \
            the device; for a quantity of `weather`, `ambient`, `motion` or `status`, the newest 10,000 with this group."
        )]
        of: Option<Quantity>,
    ) -> Result<Option<Measurement>, ApiError> {
        let columns = projection::for_measurement(ctx.field());
        let latest = LatestKey { device: self.id, quantity: of.map(Into::into), columns };
        Ok(ctx.loader().load_one(latest).await?.map(Measurement))
    }

    /// Statistics of the measurements that match the filter: of all together, or of each bucket of time, cell, hour of
    /// the day and day of the week. Oldest first; without `fill` only groups with measurements are returned. Maximum
    /// 20,000 items for all devices of a list together. Values out of their quantity's range do not count, and
    /// positions at (0, 0) are in no cell and no area, unless `includeInvalid` is set.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements; must not name other devices.")] filter: Option<
            MeasurementFilter,
        >,
        #[graphql(
            desc = "Length of the buckets of time; needs `filter.measuredAt.from`. Maximum 10,000 buckets. The last one \
            contains the end of the filter, or now when it has none."
        )]
        every: Option<Interval>,
        #[graphql(desc = "Maximum number of buckets for `every: AUTO`, 1 to 10,000. Default 500. Only with `AUTO`.")]
        max_buckets: Option<i32>,
        #[graphql(
            default_with = "StatisticsFill::None",
            desc = "What is returned for buckets without measurements. `NULL` needs `every`, and can't be combined with \
            `groupBy: HOUR_OF_DAY` or `DAY_OF_WEEK`. With `groupBy: CELL` only cells with measurements are filled."
        )]
        fill: StatisticsFill,
        #[graphql(
            default_with = "DEFAULT_TIME_ZONE.to_owned()",
            desc = "Time zone of days, weeks, months, hours and `startLocal`: an IANA name such as `Europe/London`. \
            Default `UTC`."
        )]
        time_zone: String,
        #[graphql(desc = "Further grouping. `DEVICE` has no effect here.")] group_by: Option<Vec<StatisticsGroup>>,
        #[graphql(
            default_with = "DEFAULT_CELL_RESOLUTION",
            desc = "H3 resolution of cells for `groupBy: CELL`, 0 (edges of about 1000 km) to 12 (10 m). Default 8."
        )]
        cell_resolution: i32,
        #[graphql(
            default = false,
            desc = "Whether values out of their quantity's range, and positions at (0, 0), count too."
        )]
        include_invalid: bool,
    ) -> Result<JsonRows<Statistics>, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        let group_by = group_by.unwrap_or_default();
        let grouping = Grouping { every, max_buckets, fill, time_zone, group_by, cell_resolution, counted };
        Box::pin(self.load_statistics(ctx, filter.unwrap_or_default(), grouping)).await
    }

    /// Air-quality index of the device, over the full hours before `at`. Values out of their quantity's range do not
    /// count unless `includeInvalid` is set.
    async fn air_quality_index(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Scale of the index.")] scale: AirQualityScale,
        #[graphql(desc = "Time of the index: the period ends with the last full hour before it. Default: now.")]
        at: Option<DateTime>,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<AirQualityIndex, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        air_quality_index::device_index(ctx, self.id, scale, at, counted).await
    }

    /// Series of air-quality indices, oldest first: for each bucket of time the index at its end, as returned by
    /// `airQualityIndex`, over the averaging period of the scale. Every bucket has an item; its `value` is null when
    /// too few hours have data. The index of a bucket that has not ended is the current one. Maximum 1000 buckets and
    /// 10,000 hours.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn air_quality_indices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Scale of the index.")] scale: AirQualityScale,
        #[graphql(desc = "Time span of the series. `from` is required; `to` is now by default.")]
        measured_at: TimeRange,
        #[graphql(
            default_with = "Interval::Hour",
            desc = "Length of the buckets: `HOUR` or longer, or `AUTO`. Default `HOUR`."
        )]
        every: Interval,
        #[graphql(desc = "Maximum number of buckets for `every: AUTO`, 1 to 1000. Default 500. Only with `AUTO`.")]
        max_buckets: Option<i32>,
        #[graphql(
            default_with = "DEFAULT_TIME_ZONE.to_owned()",
            desc = "Time zone of days, weeks, months and `startLocal`: an IANA name such as `Europe/London`. Default `UTC`."
        )]
        time_zone: String,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<Vec<AirQualityIndex>, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        let span = measured_at.check("measuredAt")?;
        let now = ctx.state().clock.now();
        let buckets = air_quality_index::buckets(span, every, max_buckets, &time_zone, now)?;
        Box::pin(air_quality_index::device_index_series(ctx, self.id, scale, &buckets, now, counted)).await
    }

    /// Trips of the device in a span of time, newest first. A trip ends with a pause, or with a jump in position that
    /// is too fast to be real. Only the newest samples are read, 100,000 for all devices of a list together; earlier
    /// trips are missing (see `incompleteBefore`). Exposure and points exclude values out of their quantity's range
    /// unless `includeInvalid` is set.
    #[expect(clippy::too_many_arguments, reason = "parameters of a trip, and the arguments of a Relay connection")]
    async fn trips(
        &self,
        ctx: &Context<'_>,
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
        let list = TripList::check(&measured_at, (max_gap, min_distance), (first, after), include_invalid)?;
        Box::pin(list.page(ctx, &[self.id])).await
    }

    /// Measurements of the device. Default page size 50, maximum 10,000.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements; must not name other devices.")] filter: Option<
            MeasurementFilter,
        >,
        #[graphql(desc = "Sort order. Default `MEASURED_AT_DESC` (newest first).")] order_by: Option<MeasurementOrder>,
        #[graphql(desc = "Number of items from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Number of items from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Return only items before this cursor.")] before: Option<String>,
    ) -> Result<MeasurementConnection, ApiError> {
        let arguments = PageArguments { first, after, last, before };
        Box::pin(self.load_measurements(ctx, filter, order_by, arguments)).await
    }
}

// Separate boxed futures: otherwise the futures of all fields would be as large as the largest one.
impl Device {
    async fn load_statistics(
        &self,
        ctx: &Context<'_>,
        filter: MeasurementFilter,
        grouping: Grouping,
    ) -> Result<JsonRows<Statistics>, ApiError> {
        let mut filter = filter.check(ctx, "filter").await?;
        Self::check_devices(&[self], &mut filter)?;
        let (mut query, labels) =
            grouping.to_query(filter, RequestedStatistics::from_selection(ctx.field()), ctx.state().clock.now())?;
        query.by_device = true;
        let query = Arc::new(query);
        match ctx.loader().load_one(DeviceStatisticsKey { device: self.id, query: query.clone() }).await? {
            None | Some(DeviceStatisticsResult::TooMany) => Err(too_many_rows()),
            Some(DeviceStatisticsResult::Rows(rows)) => Ok(statistics::from_rows(rows, &query, labels)),
        }
    }

    async fn load_measurements(
        &self,
        ctx: &Context<'_>,
        filter: Option<MeasurementFilter>,
        order_by: Option<MeasurementOrder>,
        arguments: PageArguments,
    ) -> Result<MeasurementConnection, ApiError> {
        let page_info = projection::selects_page_info(ctx.field());
        let mut list = MeasurementList::check(ctx, filter, order_by, arguments, page_info).await?;
        Self::check_devices(&[self], &mut list.page.filter)?;
        let page = Arc::new(Prehashed::new(list.page));
        let of = DevicePageKey { device: self.id, page: page.clone(), columns: projection::for_page(ctx.field()) };
        let rows = if projection::selects_rows(ctx.field()) { ctx.loader().load_one(of).await? } else { None };
        let rows = rows.map(Arc::unwrap_or_clone).unwrap_or_default();
        let all = MeasurementScope::OfDevice(self.id, Arc::new(page.filter.clone()));
        Ok(MeasurementConnection::new(list.request.slice(rows), all))
    }
}
