//! Table `packet`: the newest `CleanCycle` packet of each device.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{DbError, device::to_bigints, multi_insert::record, recorder_batch::RowVersion};
use crate::domain::{device::DeviceId, position::Position, quality::QualityFlag};

/// A packet, with what the continuity check of the next packet needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packet {
    /// The device that sent it.
    pub device_id: DeviceId,
    /// The LoRaWAN frame counter.
    pub frame_counter: i64,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The uplink that contained it.
    pub uplink_id: Uuid,
    /// When its first sample was taken, whose position is absolute.
    pub first_at: DateTime<Utc>,
    /// When its last sample was taken.
    pub last_at: DateTime<Utc>,
    /// Where its last sample was taken.
    pub end: Position,
}

/// Updates a row only if the new one is newer.
pub(super) const UPSERT_IF_NEWER: &str = "on conflict (device_id) do update
    set (frame_counter, received_at, uplink_id, first_at, last_at, latitude, longitude, version)
        = (excluded.frame_counter, excluded.received_at, excluded.uplink_id, excluded.first_at, excluded.last_at,
           excluded.latitude, excluded.longitude, excluded.version)
    where excluded.received_at >= packet.received_at";

/// A packet as type `new_packet`.
#[derive(sqlx::Encode)]
pub(super) struct PacketInsert {
    device_id: i64,
    frame_counter: i64,
    received_at: DateTime<Utc>,
    uplink_id: Uuid,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    latitude: f64,
    longitude: f64,
    version: i64,
}

record!(
    PacketInsert,
    "packet",
    "new_packet",
    "device_id, frame_counter, received_at, uplink_id, first_at, last_at, latitude, longitude, version"
);

/// Packets as rows to insert.
pub(super) fn to_inserts(packets: &[Packet], version: RowVersion) -> Vec<PacketInsert> {
    packets
        .iter()
        .map(|packet| PacketInsert {
            device_id: packet.device_id.0,
            frame_counter: packet.frame_counter,
            received_at: packet.received_at,
            uplink_id: packet.uplink_id,
            first_at: packet.first_at,
            last_at: packet.last_at,
            latitude: packet.end.latitude(),
            longitude: packet.end.longitude(),
            version: version.0,
        })
        .collect()
}

/// Deletes the packets of those of these devices that have no measurements left.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.packet.delete_without_measurements", skip_all, fields(count = devices.len()))]
pub async fn delete_without_measurements(db: impl PgExecutor<'_>, devices: &[DeviceId]) -> Result<(), DbError> {
    let devices = to_bigints(devices);
    sqlx::query!(
        "delete from packet
         where device_id = any($1) and not exists (select from latest where latest.device_id = packet.device_id)",
        &devices
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
