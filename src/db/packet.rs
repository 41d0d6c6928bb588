//! `packet`: the newest `CleanCycle` packet of each device.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{DbError, measurement::position};
use crate::domain::{device::DeviceId, position::Position, quality::QualityFlag};

/// A packet, as the one after it needs to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packet {
    /// The device that sent it.
    pub device_id: DeviceId,
    /// The LoRaWAN frame counter.
    pub frame_counter: i64,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The uplink that brought it.
    pub uplink_id: Uuid,
    /// When its first sample was taken, whose position is absolute.
    pub first_at: DateTime<Utc>,
    /// When its last sample was taken.
    pub last_at: DateTime<Utc>,
    /// Where its last sample was taken.
    pub end: Position,
}

/// The newest packets of these devices.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.packet.newest", skip_all, fields(count = devices.len()))]
pub async fn newest(db: impl PgExecutor<'_>, devices: &[DeviceId]) -> Result<HashMap<DeviceId, Packet>, DbError> {
    let devices: Vec<_> = devices.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "select device_id, frame_counter, received_at, uplink_id, first_at, last_at, latitude, longitude
         from packet where device_id = any($1)",
        &devices
    )
    .fetch_all(db)
    .await?;
    let packets = rows.into_iter().filter_map(|row| {
        let device_id = DeviceId(row.device_id);
        let packet = Packet {
            device_id,
            frame_counter: row.frame_counter,
            received_at: row.received_at,
            uplink_id: row.uplink_id,
            first_at: row.first_at,
            last_at: row.last_at,
            end: position(Some(row.latitude), Some(row.longitude))?,
        };
        Some((device_id, packet))
    });
    Ok(packets.collect())
}

/// Remembers these packets where they are newer than what is remembered: at most one a device, sorted by device, so that
/// two writers wait for each other in one order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.packet.remember", skip_all, fields(count = packets.len()))]
pub async fn remember(db: impl PgExecutor<'_>, packets: &[Packet]) -> Result<(), DbError> {
    fn column<T>(packets: &[Packet], value: impl Fn(&Packet) -> T) -> Vec<T> {
        packets.iter().map(value).collect()
    }
    sqlx::query!(
        "insert into packet (device_id, frame_counter, received_at, uplink_id, first_at, last_at, latitude, longitude)
         select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::timestamptz[],
                              $6::timestamptz[], $7::float8[], $8::float8[])
         on conflict (device_id) do update
         set (frame_counter, received_at, uplink_id, first_at, last_at, latitude, longitude)
             = (excluded.frame_counter, excluded.received_at, excluded.uplink_id, excluded.first_at, excluded.last_at,
                excluded.latitude, excluded.longitude)
         where excluded.received_at >= packet.received_at",
        &column(packets, |packet| packet.device_id.0),
        &column(packets, |packet| packet.frame_counter),
        &column(packets, |packet| packet.received_at),
        &column(packets, |packet| packet.uplink_id),
        &column(packets, |packet| packet.first_at),
        &column(packets, |packet| packet.last_at),
        &column(packets, |packet| packet.end.latitude()),
        &column(packets, |packet| packet.end.longitude()),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Flags the tails of these packets, all of their samples but the first, as ambiguous.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.packet.flag_tails", skip_all, fields(count = packets.len()))]
pub async fn flag_tails(db: impl PgExecutor<'_>, packets: &[Packet]) -> Result<(), DbError> {
    fn column<T>(packets: &[Packet], value: impl Fn(&Packet) -> T) -> Vec<T> {
        packets.iter().map(value).collect()
    }
    sqlx::query!(
        "update measurement m set flags = m.flags | $5
         from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
              as packet (device_id, uplink_id, first_at, last_at)
         where m.device_id = packet.device_id and m.uplink_id = packet.uplink_id
           and m.measured_at > packet.first_at and m.measured_at <= packet.last_at",
        &column(packets, |packet| packet.device_id.0),
        &column(packets, |packet| packet.uplink_id),
        &column(packets, |packet| packet.first_at),
        &column(packets, |packet| packet.last_at),
        QualityFlag::AmbiguousPacket as i32,
    )
    .execute(db)
    .await?;
    Ok(())
}
