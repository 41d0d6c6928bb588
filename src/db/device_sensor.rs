//! Table `device_sensor`: the quantities that the sensors of a device measure.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor};

use super::{DbError, device::to_bigints};
use crate::domain::{
    device::{DeviceId, DeviceKey},
    quantity::Quantity,
    sensor::Sensors,
};

/// The sensors of the device with this key. Empty for an unknown key.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_sensor.find_by_device_key", skip_all)]
pub async fn find_by_device_key(db: impl PgExecutor<'_>, key: &DeviceKey) -> Result<Sensors, DbError> {
    let rows = sqlx::query!(
        "select sensor, quantity from device_sensor join device using (device_id) where key = $1",
        key.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(Sensors::from_stored(rows.into_iter().filter_map(|row| parse_sensor(row.sensor, &row.quantity))))
}

/// The sensors of these devices. A device without sensors has no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_sensor.load_by_device_ids", skip_all, fields(count = ids.len()))]
pub async fn load_by_device_ids(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
) -> Result<HashMap<DeviceId, Sensors>, DbError> {
    let ids = to_bigints(ids);
    let rows = sqlx::query!("select device_id, sensor, quantity from device_sensor where device_id = any($1)", &ids)
        .fetch_all(db)
        .await?;
    let mut lists: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        lists.entry(DeviceId(row.device_id)).or_default().extend(parse_sensor(row.sensor, &row.quantity));
    }
    Ok(lists.into_iter().map(|(device, list)| (device, Sensors::from_stored(list))).collect())
}

/// Replaces the sensors of a device. Requires a transaction that holds the device's row, so that two changes can't mix.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device_sensor.replace", skip_all)]
pub async fn replace(db: &mut PgConnection, device: DeviceId, sensors: &Sensors) -> Result<(), DbError> {
    sqlx::query!("delete from device_sensor where device_id = $1", device.0).execute(&mut *db).await?;
    let (ids, quantities): (Vec<&str>, Vec<&str>) =
        sensors.iter().map(|(id, quantity)| (id, quantity.definition().name)).unzip();
    sqlx::query!(
        "insert into device_sensor (device_id, sensor, quantity)
         select $1, sensor, quantity from unnest($2::text[], $3::text[]) as new (sensor, quantity)",
        device.0,
        &ids as &[&str],
        &quantities as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Parses a row. `None` for a quantity that only a newer gateway supports.
fn parse_sensor(sensor: String, quantity: &str) -> Option<(String, Quantity)> {
    Some((sensor, Quantity::from_name(quantity)?))
}
