//! A ride of a mobile device.

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

/// A ride of a mobile device: samples without a long pause or a leap between them.
pub struct Trip {
    /// Whose.
    pub device: DeviceId,
    /// What was found.
    pub trip: trip::Trip,
}

/// What one quantity was on a ride.
#[derive(SimpleObject)]
pub struct TripExposure {
    /// Its mean over time, in `ug/m3`: between two samples it is taken to go from one value to the other in a straight
    /// line, so that a long wait at a junction counts for as long as it took.
    mean: f64,
    /// Its greatest value, in `ug/m3`.
    max: f64,
    /// Number of values that count (`1`).
    count: usize,
}

/// A place on a ride, and what was measured there.
#[derive(SimpleObject)]
pub struct TripPoint {
    /// In degrees north (`deg`, WGS 84).
    latitude: f64,
    /// In degrees east (`deg`, WGS 84).
    longitude: f64,
    /// When the device was there.
    measured_at: DateTime,
    /// Particulate matter up to 2.5 µm, in `ug/m3`. Null where there is no value that counts.
    pm25: Option<f64>,
    /// Particulate matter up to 10 µm, in `ug/m3`. Null where there is no value that counts.
    pm10: Option<f64>,
}

/// A ride of a mobile device: samples without a long pause or a leap between them.
#[Object]
impl Trip {
    /// Global id: opaque, stable, unique among all objects. It names all that the device measured from `start` to `end`.
    pub async fn id(&self) -> ID {
        GlobalId::Trip(self.key()).encode()
    }

    /// The device that made it.
    async fn device(&self, ctx: &Context<'_>) -> Result<Device, ApiError> {
        let device = ctx.loader().load_one(self.device).await?;
        device.map(Into::into).ok_or_else(|| ApiError::Internal(anyhow::anyhow!("a trip without its device")))
    }

    /// When its first sample was taken.
    async fn start(&self) -> DateTime {
        self.trip.start.into()
    }

    /// When its last sample was taken.
    async fn end(&self) -> DateTime {
        self.trip.end.into()
    }

    /// From `start` to `end`, in seconds (`s`).
    async fn duration(&self) -> f64 {
        self.trip.duration().as_seconds_f64()
    }

    /// The length of its path along the earth, taken for a sphere, in metres (`m`). Positions that can't be trusted are
    /// left out: without a fix, with an old one, in the tail of an ambiguous packet, or where nobody gets there so fast.
    async fn distance(&self) -> f64 {
        self.trip.distance_m
    }

    /// `distance` over `duration`, in `km/h`; null where it took no time.
    async fn speed(&self) -> Option<f64> {
        self.trip.speed()
    }

    /// The speed while it moved, in `km/h`: where it was slower than 3 km/h between two points, it stood. Null where it
    /// stood all the time.
    async fn moving_speed(&self) -> Option<f64> {
        self.trip.moving_speed
    }

    /// How many samples it has (`1`), with a position or without. A filter by `trip` finds them.
    async fn count(&self) -> usize {
        self.trip.count
    }

    /// What PM2.5 was on the way; null where no sample has a value that counts.
    async fn pm25(&self) -> Option<TripExposure> {
        self.trip.pm2_5.map(TripExposure::from)
    }

    /// What PM10 was on the way; null where no sample has a value that counts.
    async fn pm10(&self) -> Option<TripExposure> {
        self.trip.pm10.map(TripExposure::from)
    }

    /// Its path, ordered by time. If it has more points than `limit`, evenly spaced ones are returned, including the first
    /// and the last.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn points(
        &self,
        #[graphql(default = 1000, desc = "Maximum number of points, up to 10,000.")] limit: i32,
    ) -> Result<Vec<TripPoint>, ApiError> {
        let checked = usize::try_from(limit).ok().filter(|&limit| limit <= MAX_MEASUREMENT_PAGE_SIZE);
        let limit =
            checked.ok_or_else(|| ApiError::bad_input("limit", format!("must be between 0 and 10000, not {limit}")))?;
        Ok(self.trip.points(limit).map(TripPoint::from).collect())
    }
}

impl Trip {
    /// What names it.
    #[must_use]
    pub fn key(&self) -> TripKey {
        TripKey { device_id: self.device, start: self.trip.start, end: self.trip.end }
    }
}

/// The ride that an id names, given as this argument; none where there is no such any more.
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

/// The span given as this argument has more samples than a request may have cut.
fn too_many_samples(argument: &str) -> ApiError {
    let reason = format!(
        "more than {MAX_TRIP_SAMPLES} samples, over all devices of the request; ask for a shorter span or for fewer devices"
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
