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
    db::measurement_projection::MeasurementProjection,
    domain,
    domain::{cell::cell_at, joined_readings::GroupReadings, position::Position, quantity::Group, readings::Readings},
    graphql::{
        context::ContextExt as _,
        fast_json::row_fields::row_fields,
        id::GlobalId,
        loaders::ReadingsKey,
        scalar::{DateTime, Float32},
    },
};

/// One stored sample of a device: position, values and quality flags at one time.
#[derive(Clone)]
pub struct Measurement(pub domain::measurement::Measurement);

row_fields! {
    /// The values of a measurement's row.
    MeasurementRow(row: &domain::measurement::Measurement) reads MeasurementProjection {
        /// Time of the sample.
        measured_at: DateTime = row.key.measured_at.into(), reads KEY;
        /// Time the gateway stored the sample.
        recorded_at: DateTime = row.recorded_at.into(), reads RECORDED_AT;
        /// Maximum error of `measuredAt`, in seconds: the sample may be this much older. Null when the sensor sent the
        /// time.
        time_uncertainty: Option<i32> = row.time_uncertainty_s, reads TIME_UNCERTAINTY;
        /// Latitude of the sample, in degrees (WGS 84), north positive. Null when the sample has no position.
        latitude: Option<f64> = row.position.map(Position::latitude), reads POSITION;
        /// Longitude of the sample, in degrees (WGS 84), east positive. Null when the sample has no position.
        longitude: Option<f64> = row.position.map(Position::longitude), reads POSITION;
        /// Particulate matter up to 1 µm, in µg/m³ (`ug/m3`). Null when the sample has no value.
        pm1: Option<Float32> = row.pm1.map(Float32), reads PM1;
        /// Particulate matter up to 2.5 µm, in µg/m³ (`ug/m3`). Null when the sample has no value.
        pm25: Option<Float32> = row.pm2_5.map(Float32), reads PM2_5;
        /// Particulate matter up to 4 µm, in µg/m³ (`ug/m3`). Null when the sample has no value.
        pm4: Option<Float32> = row.pm4.map(Float32), reads PM4;
        /// Particulate matter up to 10 µm, in µg/m³ (`ug/m3`). Null when the sample has no value.
        pm10: Option<Float32> = row.pm10.map(Float32), reads PM10;
        /// Quality flags: reasons to doubt the sample. Values are returned unchanged, as they were received.
        flags: Vec<QualityFlag> = quality_flag::from_set(row.flags), reads FLAGS;
    }
}

/// One stored sample of a device: position, values and quality flags at one time.
#[Object]
impl Measurement {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Measurement(self.0.key).encode()
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> MeasurementRow<'_> {
        MeasurementRow(&self.0)
    }

    /// Device that took the sample.
    async fn device(&self) -> Device {
        Device::from_id(self.0.key.device_id)
    }

    /// Index of the H3 cell that contains the position. Up to resolution 12 it is the ancestor of the sample's cell at
    /// resolution 12, as in statistics: a cell contains exactly the samples of its child cells. Null when the sample
    /// has no position.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn cell(
        &self,
        #[graphql(
            default_with = "DEFAULT_RESOLUTION",
            desc = "H3 resolution, 0 (edges of about 1000 km) to 15 (about 1 m). Default 10."
        )]
        resolution: i32,
    ) -> Result<Option<String>, ApiError> {
        let resolution = check_resolution(resolution)?;
        Ok(self.0.position.map(|position| cell_at(position, resolution).to_string()))
    }

    /// Weather at the sensor. Null when the sample has no such value.
    async fn weather(&self, ctx: &Context<'_>) -> Result<Option<Weather<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Weather).await?.map(Weather))
    }

    /// Gases, sound and light at the sensor. Null when the sample has no such value.
    async fn ambient(&self, ctx: &Context<'_>) -> Result<Option<Ambient<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Ambient).await?.map(Ambient))
    }

    /// Motion of the sensor. Null when the sample has no such value.
    async fn motion(&self, ctx: &Context<'_>) -> Result<Option<Motion<'_>>, ApiError> {
        Ok(self.readings(ctx, Group::Motion).await?.map(Motion))
    }

    /// State of the device. Null when the sample has no such value.
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

/// Default of the argument `resolution` of `cell`.
pub(in crate::graphql) const DEFAULT_RESOLUTION: i32 = 10;

/// Checks the argument `resolution`.
pub(in crate::graphql) fn check_resolution(resolution: i32) -> Result<Resolution, ApiError> {
    let checked = u8::try_from(resolution).ok().and_then(|resolution| Resolution::try_from(resolution).ok());
    checked.ok_or_else(|| {
        ApiError::bad_input("resolution", format!("{resolution} is not an H3 resolution; must be between 0 and 15"))
    })
}
