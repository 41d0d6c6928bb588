//! Trips of mobile devices.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::device::Device;
use crate::{
    api_error::ApiError,
    db::trip::DeviceSpan,
    domain::{
        device::DeviceId,
        readings::{to_decimal, to_f32},
        trip,
        trip::TripKey,
        validity::CountedValues,
    },
    graphql::{
        context::ContextExt as _,
        id::GlobalId,
        loaders::{MAX_TRIP_SAMPLES, TripSamples},
        page::MAX_MEASUREMENT_PAGE_SIZE,
        scalar::DateTime,
    },
};

/// Trip of a mobile device: consecutive samples without a long pause or an impossible jump in position.
pub struct Trip {
    /// Device that made the trip.
    pub device: DeviceId,
    /// Start, end, path and values.
    pub trip: trip::Trip,
}

/// Exposure to one pollutant during a trip.
#[derive(SimpleObject)]
pub struct TripExposure {
    /// Time-weighted mean, in µg/m³, with linear interpolation between samples: a long stop counts for its whole
    /// duration.
    mean: f64,
    /// Maximum value, in µg/m³.
    max: f64,
    /// Number of values included.
    count: usize,
}

/// Point on the path of a trip, with the values measured there.
#[derive(SimpleObject)]
pub struct TripPoint {
    /// Latitude in degrees (WGS 84), north positive.
    latitude: f64,
    /// Longitude in degrees (WGS 84), east positive.
    longitude: f64,
    /// Time of the sample.
    measured_at: DateTime,
    /// Particulate matter up to 2.5 µm, in µg/m³. Null when there is no valid value.
    pm25: Option<f64>,
    /// Particulate matter up to 10 µm, in µg/m³. Null when there is no valid value.
    pm10: Option<f64>,
}

/// Trip of a mobile device: consecutive samples without a long pause or an impossible jump in position.
#[Object]
impl Trip {
    /// Global id: opaque, stable, unique among all objects. It refers to all measurements of the device from `start` to
    /// `end`.
    pub async fn id(&self) -> ID {
        GlobalId::Trip(self.key()).encode()
    }

    /// Device that made the trip.
    async fn device(&self, ctx: &Context<'_>) -> Result<Device, ApiError> {
        let device = ctx.loader().load_one(self.device).await?;
        device.map(Into::into).ok_or_else(|| ApiError::Internal(anyhow::anyhow!("a trip without its device")))
    }

    /// Time of the first sample.
    async fn start(&self) -> DateTime {
        self.trip.start.into()
    }

    /// Time of the last sample.
    async fn end(&self) -> DateTime {
        self.trip.end.into()
    }

    /// Time from `start` to `end`, in seconds.
    async fn duration(&self) -> f64 {
        self.trip.duration().as_seconds_f64()
    }

    /// Length of the path, in metres, on a spherical earth. Doubtful positions are excluded: without a fix, with an old
    /// fix, in the tail of an ambiguous packet, or out of reach at a plausible speed.
    async fn distance(&self) -> f64 {
        self.trip.distance_m
    }

    /// Mean speed, in km/h: `distance` divided by `duration`. Null when the duration is 0.
    async fn speed(&self) -> Option<f64> {
        self.trip.speed()
    }

    /// Mean speed while moving, in km/h: parts of the path slower than 3 km/h are excluded. Null when the device did
    /// not move.
    async fn moving_speed(&self) -> Option<f64> {
        self.trip.moving_speed
    }

    /// Number of samples, with or without position. The filter `trip` matches them.
    async fn count(&self) -> usize {
        self.trip.count
    }

    /// Exposure to PM2.5. Null when no sample has a valid value.
    async fn pm25(&self) -> Option<TripExposure> {
        self.trip.pm2_5.map(TripExposure::from)
    }

    /// Exposure to PM10. Null when no sample has a valid value.
    async fn pm10(&self) -> Option<TripExposure> {
        self.trip.pm10.map(TripExposure::from)
    }

    /// Points of the path, oldest first. A path with more than `limit` points is thinned out evenly; the first and the
    /// last point are kept.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn points(
        &self,
        #[graphql(default = 1000, desc = "Maximum number of points, 0 to 10,000. Default 1000.")] limit: i32,
    ) -> Result<Vec<TripPoint>, ApiError> {
        let checked = usize::try_from(limit).ok().filter(|&limit| limit <= MAX_MEASUREMENT_PAGE_SIZE);
        let limit =
            checked.ok_or_else(|| ApiError::bad_input("limit", format!("must be between 0 and 10000, not {limit}")))?;
        Ok(self.trip.points(limit).map(TripPoint::from).collect())
    }
}

impl Trip {
    /// The key behind its global id.
    #[must_use]
    pub fn key(&self) -> TripKey {
        TripKey { device_id: self.device, start: self.trip.start, end: self.trip.end }
    }
}

/// Loads a trip by its key; `None` when it no longer exists. `argument` is the path of its id in the request.
pub(in crate::graphql) async fn find_trip(
    ctx: &Context<'_>,
    argument: &str,
    key: TripKey,
) -> Result<Option<Trip>, ApiError> {
    let span = DeviceSpan {
        device: key.device_id,
        from: Some(key.start),
        to: Some(key.after()),
        counted: CountedValues::Valid,
    };
    let samples = match ctx.loader().load_one(span).await? {
        Some(TripSamples::Loaded(samples)) => samples,
        Some(TripSamples::TooMany) => return Err(too_many_samples(argument)),
        None => return Ok(None),
    };
    let trip = trip::Trip::from_samples(&samples).filter(|trip| (trip.start, trip.end) == (key.start, key.end));
    Ok(trip.map(|trip| Trip { device: key.device_id, trip }))
}

/// The error for a span with more samples than a request may read.
fn too_many_samples(argument: &str) -> ApiError {
    let reason = format!(
        "more than {MAX_TRIP_SAMPLES} samples, over all devices of the request; use a shorter span or fewer devices"
    );
    ApiError::bad_input(argument, reason)
}

impl From<trip::Exposure> for TripExposure {
    fn from(exposure: trip::Exposure) -> Self {
        Self { mean: to_decimal(to_f32(exposure.mean)), max: to_decimal(exposure.max), count: exposure.count }
    }
}

impl From<&trip::TripPoint> for TripPoint {
    fn from(point: &trip::TripPoint) -> Self {
        Self {
            latitude: point.position.latitude(),
            longitude: point.position.longitude(),
            measured_at: point.measured_at.into(),
            pm25: point.pm2_5.map(to_decimal),
            pm10: point.pm10.map(to_decimal),
        }
    }
}
