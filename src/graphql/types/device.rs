//! A sensor device.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, Enum, ID, Object, resolver_utils::EnumType as _};

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
    domain,
    domain::{device::DeviceId, filter::Filter, position::Position, validity::CountedValues},
    graphql::{
        context::ContextExt as _,
        execute::projection,
        fast_json::JsonRows,
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

/// Whether a device moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::device::DeviceKind")]
pub enum DeviceKind {
    /// Carried about: every sample has its own position.
    Mobile,
    /// Stays where it was put.
    Fixed,
}

/// The name of a kind in the schema.
pub(in crate::graphql) fn kind_name(kind: domain::device::DeviceKind) -> &'static str {
    let kind = DeviceKind::from(kind);
    DeviceKind::items().iter().find(|item| item.value == kind).map_or("", |item| item.name)
}

/// A sensor device. Its row is read when something of it is asked for that doesn't come with its number.
pub struct Device {
    /// Its row number.
    pub id: DeviceId,
    row: OnceLock<domain::device::Device>,
}

impl From<domain::device::Device> for Device {
    fn from(row: domain::device::Device) -> Self {
        Self { id: row.id, row: row.into() }
    }
}

impl Device {
    /// A device that there is, by its number.
    #[must_use]
    pub fn from_id(id: DeviceId) -> Self {
        Self { id, row: OnceLock::new() }
    }

    /// Its row, where it was read.
    pub(in crate::graphql) fn loaded_row(&self) -> Option<&domain::device::Device> {
        self.row.get()
    }

    /// Takes its row.
    pub(in crate::graphql) fn set_row(&self, row: domain::device::Device) -> &domain::device::Device {
        self.row.get_or_init(|| row)
    }

    /// Takes the devices from a filter of its measurements: only it can be named there, if any, and so it is when a ride of
    /// its own is.
    pub(in crate::graphql) fn check_devices(devices: &[&Self], filter: &mut Filter) -> Result<(), ApiError> {
        let named = filter.devices.take();
        if named.is_some_and(|named| devices.iter().any(|device| named != [device.id])) {
            return Err(ApiError::bad_input("filter.devices", "a device's own measurements can't be of other devices"));
        }
        Ok(())
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<&domain::device::Device, ApiError> {
        if let Some(row) = self.loaded_row() {
            return Ok(row);
        }
        // Boxed, as in `measurements`: the future of every field is as large as the largest of them.
        let row = Box::pin(ctx.loader().load_one(self.id)).await?;
        row.map(|row| self.set_row(row)).ok_or_else(|| missing_device(self.id))
    }
}

/// The error of a device that was deleted since its number was read.
pub(in crate::graphql) fn missing_device(id: DeviceId) -> ApiError {
    tracing::debug!(device = id.0, "device was deleted while a request read it");
    ApiError::NotFound
}

/// A sensor device.
#[Object]
impl Device {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Device(self.id).encode()
    }

    /// What the sensor calls itself, such as `bike-07`. Unique.
    async fn key(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(self.row(ctx).await?.key.as_str().to_owned())
    }

    /// What people call it.
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(self.row(ctx).await?.name.clone())
    }

    /// Whether it moves.
    async fn kind(&self, ctx: &Context<'_>) -> Result<DeviceKind, ApiError> {
        Ok(self.row(ctx).await?.kind.into())
    }

    /// Where a fixed device stands, in degrees north (`deg`, WGS 84).
    async fn latitude(&self, ctx: &Context<'_>) -> Result<Option<f64>, ApiError> {
        Ok(self.row(ctx).await?.position.map(Position::latitude))
    }

    /// Where a fixed device stands, in degrees east (`deg`, WGS 84).
    async fn longitude(&self, ctx: &Context<'_>) -> Result<Option<f64>, ApiError> {
        Ok(self.row(ctx).await?.position.map(Position::longitude))
    }

    /// What its data may be used for.
    async fn licence(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(self.row(ctx).await?.licence.clone())
    }

    /// Who is to be named when they are used.
    async fn attribution(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(self.row(ctx).await?.attribution.clone())
    }

    /// When the gateway first heard of it.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.row(ctx).await?.created_at.into())
    }

    /// What its single sensors measure, where it was registered with them: by their ids.
    async fn sensors(&self, ctx: &Context<'_>) -> Result<Vec<Sensor>, ApiError> {
        let sensors = ctx.loader().load_one(SensorsKey(self.id)).await?;
        Ok(sensors.as_ref().map(Sensor::from_sensors).unwrap_or_default())
    }

    /// Its newest measurement; null before the first.
    async fn latest(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The newest that has this quantity: among the newest 10,000 of the device, and for what stands in \
            `weather`, `ambient`, `motion` or `status`, among the newest 10,000 that have one of these."
        )]
        of: Option<Quantity>,
    ) -> Result<Option<Measurement>, ApiError> {
        let columns = projection::for_measurement(ctx.field());
        let latest = LatestKey { device: self.id, quantity: of.map(Into::into), columns };
        Ok(ctx.loader().load_one(latest).await?.map(Measurement))
    }

    /// Statistics of its measurements that the filter matches: of all together, or of each bucket of time, cell, hour of the
    /// day and day of the week. In the order of time; without `fill` only where there are measurements. At most 20,000 items
    /// for all devices of the list together. Values out of their quantity's range do not count, and positions at (0, 0) are in
    /// no cell and no area, unless `includeInvalid` is set.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which measurements; `devices` can't be given here.")] filter: Option<MeasurementFilter>,
        #[graphql(
            desc = "Length of the buckets of time; needs `filter.measuredAt.from`. At most 10,000 buckets. The last one contains \
            the end of the filter, or now when it sets none."
        )]
        every: Option<Interval>,
        #[graphql(
            desc = "Maximum number of buckets that `every: AUTO` makes, 1 to 10,000. Default 500. Only with `AUTO`."
        )]
        max_buckets: Option<i32>,
        #[graphql(
            default_with = "StatisticsFill::None",
            desc = "What is returned for buckets without measurements. `NULL` needs `every`, and can't be combined with \
            `groupBy: HOUR_OF_DAY` or `DAY_OF_WEEK`. Cells have buckets where they have measurements."
        )]
        fill: StatisticsFill,
        #[graphql(
            default_with = "DEFAULT_TIME_ZONE.to_owned()",
            desc = "Time zone of days, weeks, months, hours and `startLocal`: a name of the IANA database."
        )]
        time_zone: String,
        #[graphql(desc = "By what else; `DEVICE` changes nothing here.")] group_by: Option<Vec<StatisticsGroup>>,
        #[graphql(
            default_with = "DEFAULT_CELL_RESOLUTION",
            desc = "The size of cells, where they are told apart: from 0 to 12."
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
        let parting = Grouping { every, max_buckets, fill, time_zone, group_by, cell_resolution, counted };
        Box::pin(self.load_statistics(ctx, filter.unwrap_or_default(), parting)).await
    }

    /// Its air-quality index, over the whole hours that had ended by a moment. Values out of their quantity's range do not
    /// count unless `includeInvalid` is set.
    async fn air_quality_index(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which scale.")] scale: AirQualityScale,
        #[graphql(desc = "By which moment; now unless told.")] at: Option<DateTime>,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<AirQualityIndex, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        air_quality_index::device_index(ctx, self.id, scale, at, counted).await
    }

    /// Its air-quality index at the end of each bucket of time, oldest first: over the scale's own averaging period, as
    /// `airQualityIndex` has it for one moment. Every bucket has an item; its `value` is null where too few hours are known. A
    /// bucket that has not ended yet has the index of now. At most 1000 buckets, which span 10,000 hours at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn air_quality_indices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which scale.")] scale: AirQualityScale,
        #[graphql(desc = "The span of the buckets. `from` is needed; without `to` it ends now.")]
        measured_at: TimeRange,
        #[graphql(default_with = "Interval::Hour", desc = "Length of the buckets: `HOUR`, longer, or `AUTO`.")]
        every: Interval,
        #[graphql(
            desc = "Maximum number of buckets that `every: AUTO` makes, 1 to 1000. Default 500. Only with `AUTO`."
        )]
        max_buckets: Option<i32>,
        #[graphql(
            default_with = "DEFAULT_TIME_ZONE.to_owned()",
            desc = "Time zone of days, weeks, months and `startLocal`: a name of the IANA database."
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

    /// Its rides in a span of time, newest first: its samples, cut where it paused, or where it came to be somewhere that it
    /// can't have ridden to. Only the newest samples are read, 100,000 for all devices of the list together;
    /// `incompleteBefore` is the time before which rides are missing for that reason. Exposure and points have no values out
    /// of their quantity's range, unless `includeInvalid` is set.
    #[expect(clippy::too_many_arguments, reason = "what a ride is, and the arguments of a Relay connection")]
    async fn trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Taken in this span. A ride that reaches beyond it is cut at its ends.")]
        measured_at: TimeRange,
        #[graphql(default = 300, desc = "The longest pause within a ride, in seconds (`s`), 1 to 86,400.")]
        max_gap: i32,
        #[graphql(default = 100, desc = "How far a ride gets from where it began at least, in metres (`m`).")]
        min_distance: i32,
        #[graphql(default = 20, desc = "Number of rides in the page. Default 20, maximum 1000.")] first: i32,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether values out of their quantity's range count too.")]
        include_invalid: bool,
    ) -> Result<TripConnection, ApiError> {
        let list = TripList::check(&measured_at, (max_gap, min_distance), (first, after), include_invalid)?;
        Box::pin(list.page(ctx, &[self.id])).await
    }

    /// Its measurements, newest first unless ordered otherwise. 50 in a page unless told, 10,000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; other devices can't be given here.")] filter: Option<MeasurementFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<MeasurementOrder>,
        #[graphql(desc = "So many from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<MeasurementConnection, ApiError> {
        let arguments = PageArguments { first, after, last, before };
        Box::pin(self.load_measurements(ctx, filter, order_by, arguments)).await
    }
}

// Futures of their own, boxed: those of all other fields would be as large as the largest of them.
impl Device {
    async fn load_statistics(
        &self,
        ctx: &Context<'_>,
        filter: MeasurementFilter,
        parting: Grouping,
    ) -> Result<JsonRows<Statistics>, ApiError> {
        let mut filter = filter.check(ctx, "filter").await?;
        Self::check_devices(&[self], &mut filter)?;
        let (mut question, labels) =
            parting.to_query(filter, RequestedStatistics::from_selection(ctx.field()), ctx.state().clock.now())?;
        question.by_device = true;
        let question = Arc::new(question);
        match ctx.loader().load_one(DeviceStatisticsKey { device: self.id, query: question.clone() }).await? {
            None | Some(DeviceStatisticsResult::TooMany) => Err(too_many_rows()),
            Some(DeviceStatisticsResult::Rows(rows)) => Ok(statistics::from_rows(rows, &question, labels)),
        }
    }

    async fn load_measurements(
        &self,
        ctx: &Context<'_>,
        filter: Option<MeasurementFilter>,
        order_by: Option<MeasurementOrder>,
        arguments: PageArguments,
    ) -> Result<MeasurementConnection, ApiError> {
        let mut asked = MeasurementList::check(ctx, filter, order_by, arguments).await?;
        Self::check_devices(&[self], &mut asked.page.filter)?;
        let page = Arc::new(asked.page);
        let of = DevicePageKey { device: self.id, page: page.clone(), columns: projection::for_page(ctx.field()) };
        let rows = if projection::selects_rows(ctx.field()) { ctx.loader().load_one(of).await? } else { None };
        let rows = rows.unwrap_or_default();
        let all = MeasurementScope::OfDevice(self.id, Arc::new(page.filter.clone()));
        Ok(MeasurementConnection::new(asked.request.slice(rows), all))
    }
}
