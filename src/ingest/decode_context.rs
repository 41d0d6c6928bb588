//! Decoding with the data of the device that a format needs, which only this module loads.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{DecodeError, Decoded, format::Format};
use crate::{
    db::{DbError, device_sensor},
    domain::{device::DeviceKey, sensor::Sensors},
    recorder::Arrival,
};

/// Decodes a body. Runs a database statement only if the format needs the device's sensors.
///
/// # Errors
/// If the database fails.
#[tracing::instrument(name = "ingest.decode", skip_all, fields(format = format.name))]
pub async fn decode(
    db: impl PgExecutor<'_>,
    format: &Format,
    arrival: &Arrival,
    received_at: DateTime<Utc>,
) -> Result<Result<Decoded, DecodeError>, DbError> {
    let sensors = sensors(db, device(format, arrival).as_ref()).await?;
    Ok(arrival.decode(format, received_at, &sensors))
}

/// The sensors of a device; none, without a statement, if no device is named.
///
/// # Errors
/// If the database fails.
pub async fn sensors(db: impl PgExecutor<'_>, device: Option<&DeviceKey>) -> Result<Sensors, DbError> {
    match device {
        Some(device) => device_sensor::find_by_device_key(db, device).await,
        None => Ok(Sensors::default()),
    }
}

/// The device whose sensors the format needs: the one named outside the body.
#[must_use]
pub fn device(format: &Format, arrival: &Arrival) -> Option<DeviceKey> {
    let named = arrival.device_hint.as_deref().filter(|_| format.needs_sensors)?;
    DeviceKey::try_new(named).ok()
}
