//! A stored sample.

use std::borrow::Cow;

use async_graphql::{Context, ID, Object};
use h3o::Resolution;

use super::{
    device::Device,
    quality_flag::{self, QualityFlag},
    readings::{Ambient, DeviceStatus, Motion, Weather},
};
use crate::{
    api_error::ApiError,
    domain,
    domain::{
        cell::cell_at,
        joined_readings::GroupReadings,
        position::Position,
        quantity::Group,
        readings::{Readings, to_decimal},
    },
    graphql::{context::ContextExt as _, id::GlobalId, loaders::ReadingsKey, scalar::DateTime},
};

/// One sample of the air, taken by a device.
#[derive(Clone)]
pub struct Measurement(pub domain::measurement::Measurement);

/// One sample of the air, taken by a device.
#[Object]
impl Measurement {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Measurement(self.0.key).encode()
    }

    /// The device that took it.
    async fn device(&self) -> Device {
        Device::from_id(self.0.key.device_id)
    }

    /// When it was taken.
    async fn measured_at(&self) -> DateTime {
        self.0.key.measured_at.into()
    }

    /// When the gateway stored it.
    async fn recorded_at(&self) -> DateTime {
        self.0.recorded_at.into()
    }

    /// By how many seconds (`s`) it may be older than `measuredAt`; null where the sensor told the time itself.
    async fn time_uncertainty(&self) -> Option<i32> {
        self.0.time_uncertainty_s
    }

    /// Where it was taken, in degrees north (`deg`, WGS 84).
    async fn latitude(&self) -> Option<f64> {
        self.0.position.map(Position::latitude)
    }

    /// Where it was taken, in degrees east (`deg`, WGS 84).
    async fn longitude(&self) -> Option<f64> {
        self.0.position.map(Position::longitude)
    }

    /// The H3 cell it is counted in, at a resolution from 0 (about 1000 km) to 15 (about 1 m): up to 12 the ancestor of its
    /// cell at 12, so that a cell holds what its finer ones hold.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn cell(
        &self,
        #[graphql(default_with = "DEFAULT_RESOLUTION", desc = "From 0 to 15.")] resolution: i32,
    ) -> Result<Option<String>, ApiError> {
        let resolution = check_resolution(resolution)?;
        Ok(self.0.position.map(|position| cell_at(position, resolution).to_string()))
    }

    /// Particulate matter up to 1 µm, in `ug/m3`.
    async fn pm1(&self) -> Option<f64> {
        self.0.pm1.map(to_decimal)
    }

    /// Particulate matter up to 2.5 µm, in `ug/m3`.
    async fn pm25(&self) -> Option<f64> {
        self.0.pm2_5.map(to_decimal)
    }

    /// Particulate matter up to 4 µm, in `ug/m3`.
    async fn pm4(&self) -> Option<f64> {
        self.0.pm4.map(to_decimal)
    }

    /// Particulate matter up to 10 µm, in `ug/m3`.
    async fn pm10(&self) -> Option<f64> {
        self.0.pm10.map(to_decimal)
    }

    /// Reasons to doubt it. The values are told as they came.
    async fn flags(&self) -> Vec<QualityFlag> {
        quality_flag::from_set(self.0.flags)
    }

    /// The weather at the sensor; null where the sensor tells none.
    async fn weather(&self, ctx: &Context<'_>) -> Result<Option<Weather<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Weather).await?.map(Weather))
    }

    /// Gases, sound and light at the sensor; null where the sensor tells none.
    async fn ambient(&self, ctx: &Context<'_>) -> Result<Option<Ambient<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Ambient).await?.map(Ambient))
    }

    /// How the sensor moved; null where the sensor doesn't tell.
    async fn motion(&self, ctx: &Context<'_>) -> Result<Option<Motion<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Motion).await?.map(Motion))
    }

    /// How the device was; null where it doesn't tell.
    async fn status(&self, ctx: &Context<'_>) -> Result<Option<DeviceStatus<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Status).await?.map(DeviceStatus))
    }
}

impl Measurement {
    async fn readings(&self, ctx: &Context<'_>, group: Group) -> Result<Option<Cow<'_, Readings>>, ApiError> {
        match self.0.readings.group(group) {
            GroupReadings::Present(readings) => Ok(Some(Cow::Borrowed(readings))),
            GroupReadings::Absent => Ok(None),
            GroupReadings::NotRead => {
                let found = ctx.loader().load_one(ReadingsKey { group, measurement: self.0.key }).await?;
                Ok(found.map(Cow::Owned))
            }
        }
    }
}

/// The resolution of `cell` where none is told.
pub(in crate::graphql) const DEFAULT_RESOLUTION: i32 = 10;

/// The argument `resolution`.
pub(in crate::graphql) fn check_resolution(resolution: i32) -> Result<Resolution, ApiError> {
    let checked = u8::try_from(resolution).ok().and_then(|resolution| Resolution::try_from(resolution).ok());
    checked.ok_or_else(|| {
        ApiError::bad_input("resolution", format!("{resolution} is no H3 resolution; they go from 0 to 15"))
    })
}
