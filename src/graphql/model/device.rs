//! A sensor device.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Enum, ID, Object};

use super::{
    measurement::Measurement,
    measurement_connection::{AllMeasurements, MeasurementConnection},
    sensor::Sensor,
};
use crate::{
    domain::{self, device::DeviceId, position::Position, sensor::Sensors},
    error::ApiError,
    graphql::{
        complexity,
        context::ContextExt as _,
        id::GlobalId,
        input::filter::{MeasurementFilter, MeasurementOrder},
        loader::{LatestOf, PageOf, SensorsOf},
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

/// A sensor device. Its row is read when something of it is asked for that doesn't come with its number.
pub struct Device {
    /// Its row number.
    pub id: DeviceId,
    row: Option<domain::device::Device>,
}

impl From<domain::device::Device> for Device {
    fn from(row: domain::device::Device) -> Self {
        Self { id: row.id, row: Some(row) }
    }
}

impl Device {
    /// A device that there is, by its number.
    #[must_use]
    pub fn numbered(id: DeviceId) -> Self {
        Self { id, row: None }
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<Cow<'_, domain::device::Device>, ApiError> {
        if let Some(row) = &self.row {
            return Ok(Cow::Borrowed(row));
        }
        // Boxed, as in `measurements`: the future of every field is as large as the largest of them.
        let row = Box::pin(ctx.loader().load_one(self.id)).await?;
        row.map(Cow::Owned).ok_or_else(|| ApiError::Internal(anyhow::anyhow!("there is no device {}", self.id.0)))
    }
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
    #[graphql(complexity = "Sensors::MAX * child_complexity + 1")]
    async fn sensors(&self, ctx: &Context<'_>) -> Result<Vec<Sensor>, ApiError> {
        let sensors = ctx.loader().load_one(SensorsOf(self.id)).await?;
        Ok(sensors.as_ref().map(Sensor::list).unwrap_or_default())
    }

    /// Its newest measurement; null before the first.
    async fn latest(&self, ctx: &Context<'_>) -> Result<Option<Measurement>, ApiError> {
        Ok(ctx.loader().load_one(LatestOf(self.id)).await?.map(Measurement))
    }

    /// Its measurements, newest first unless ordered otherwise. 50 in a page unless told, 10,000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "complexity::of_page(first, last, child_complexity)")]
    async fn measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; `devices` can't be given here.")] filter: Option<MeasurementFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<MeasurementOrder>,
        #[graphql(desc = "So many from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<MeasurementConnection, ApiError> {
        let arguments = PageArguments { first, after, last, before };
        Box::pin(self.page(ctx, filter, order_by, arguments)).await
    }
}

impl Device {
    async fn page(
        &self,
        ctx: &Context<'_>,
        filter: Option<MeasurementFilter>,
        order_by: Option<MeasurementOrder>,
        arguments: PageArguments,
    ) -> Result<MeasurementConnection, ApiError> {
        let asked = MeasurementList::check(ctx, filter, order_by, arguments).await?;
        if asked.page.filter.devices.is_some() {
            return Err(ApiError::bad_input("filter.devices", "a device's own measurements can't be of other devices"));
        }
        let page = Arc::new(asked.page);
        let rows = ctx.loader().load_one(PageOf { device: self.id, page: page.clone() }).await?.unwrap_or_default();
        let all = AllMeasurements::OfEach(self.id, Arc::new(page.filter.clone()));
        Ok(MeasurementConnection::new(asked.request.slice(rows), all))
    }
}
