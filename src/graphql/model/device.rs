//! A sensor device.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};

use super::{
    air_quality_index::{self, AirQualityIndex, AirQualityScale},
    connection::{MeasurementConnection, MeasurementTotal, of_measurements},
    measurement::Measurement,
    sensor::Sensor,
    trip::{self, Trip},
};
use crate::{
    db::trip::DeviceSpan,
    domain::{self, position::Position, sensor::Sensors},
    error::ApiError,
    graphql::{
        complexity,
        context::ContextExt as _,
        id::GlobalId,
        input::{
            filter::{MeasurementFilter, MeasurementOrder},
            range::TimeRange,
            trip as checked,
        },
        loader::{LatestOf, PageOf, SensorsOf, TripSamples},
        page::PageArguments,
        query::measurement::MeasurementList,
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

/// A sensor device.
pub struct Device(pub domain::device::Device);

/// A sensor device.
#[Object]
impl Device {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Device(self.0.id).encode()
    }

    /// What the sensor calls itself, such as `bike-07`. Unique.
    async fn key(&self) -> &str {
        self.0.key.as_str()
    }

    /// What people call it.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether it moves.
    async fn kind(&self) -> DeviceKind {
        self.0.kind.into()
    }

    /// Where a fixed device stands, in degrees north (`deg`, WGS 84).
    async fn latitude(&self) -> Option<f64> {
        self.0.position.map(Position::latitude)
    }

    /// Where a fixed device stands, in degrees east (`deg`, WGS 84).
    async fn longitude(&self) -> Option<f64> {
        self.0.position.map(Position::longitude)
    }

    /// What its data may be used for.
    async fn licence(&self) -> Option<&str> {
        self.0.licence.as_deref()
    }

    /// Who is to be named when they are used.
    async fn attribution(&self) -> Option<&str> {
        self.0.attribution.as_deref()
    }

    /// When the gateway first heard of it.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// What its single sensors measure, where it was registered with them: by their ids.
    #[graphql(complexity = "Sensors::MAX * child_complexity + 1")]
    async fn sensors(&self, ctx: &Context<'_>) -> Result<Vec<Sensor>, ApiError> {
        let sensors = ctx.loader().load_one(SensorsOf(self.0.id)).await?;
        Ok(sensors.as_ref().map(Sensor::list).unwrap_or_default())
    }

    /// Its newest measurement; null before the first.
    async fn latest(&self, ctx: &Context<'_>) -> Result<Option<Measurement>, ApiError> {
        Ok(ctx.loader().load_one(LatestOf(self.0.id)).await?.map(Measurement))
    }

    /// Its air-quality index, over the whole hours that had ended by a moment.
    async fn air_quality_index(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which scale.")] scale: AirQualityScale,
        #[graphql(desc = "By which moment; now unless told.")] at: Option<DateTime>,
    ) -> Result<AirQualityIndex, ApiError> {
        air_quality_index::of_device(ctx, self.0.id, scale, at).await
    }

    /// Its rides in a span of time, oldest first: its samples, cut where it paused, or where it came to be somewhere that
    /// it can't have ridden to. A ride that reaches beyond the span is told as far as the span goes. One request can have
    /// 100,000 samples cut, over all of its devices.
    #[graphql(complexity = "complexity::of_page(Some(first), None, child_complexity)")]
    async fn trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Taken in this span.")] measured_at: TimeRange,
        #[graphql(default = 300, desc = "The longest pause within a ride, in seconds (`s`).")] max_gap: i32,
        #[graphql(default = 100, desc = "How far a ride gets from where it began at least, in metres (`m`).")]
        min_distance: i32,
        #[graphql(default = 20, desc = "So many from the start of the span; 1000 at most.")] first: i32,
    ) -> Result<Vec<Trip>, ApiError> {
        let (from, to) = measured_at.check("measuredAt")?;
        let (cutting, first) = (checked::cutting(max_gap, min_distance)?, checked::count(first)?);
        let span = DeviceSpan { device: self.0.id, from, to };
        let samples = match ctx.loader().load_one(span).await? {
            Some(TripSamples::Read(samples)) => samples,
            Some(TripSamples::TooMany) => return Err(trip::too_many("measuredAt")),
            None => return Ok(Vec::new()),
        };
        let trips = domain::trip::cut(&samples, cutting).into_iter().take(first);
        Ok(trips.map(|trip| Trip { device: self.0.id, trip }).collect())
    }

    /// Its measurements, newest first unless ordered otherwise. 50 in a page unless told, 10,000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "complexity::of_page(first, last, child_complexity)")]
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
        let mut asked = MeasurementList::check(ctx, filter, order_by, arguments).await?;
        // Its own name says nothing, and a ride of its own no more than its time.
        if asked.page.filter.devices.take().is_some_and(|devices| devices != [self.0.id]) {
            return Err(ApiError::bad_input("filter.devices", "a device's own measurements can't be of other devices"));
        }
        let page = Arc::new(asked.page);
        let rows = ctx.loader().load_one(PageOf { device: self.0.id, page: page.clone() }).await?.unwrap_or_default();
        let total = MeasurementTotal::OfEach(self.0.id, Arc::new(page.filter.clone()));
        Ok(of_measurements(asked.request.slice(rows), total))
    }
}
