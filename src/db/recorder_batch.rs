//! Writes of a recorder batch, one statement each. This is the hot path: a batch is small, and a round trip to Postgres
//! costs as much as many rows. What it reads is in [`recorder_context`](super::recorder_context).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{Arguments as _, Connection as _, PgConnection};

use super::{
    DbError, dialect::Dialect, feed, feed::FeedRecord, latest, measurement, measurement::NewMeasurement,
    multi_insert::MultiInsert, packet, packet::Packet, readings, rollup, rollup::HourlyRollups, uplink,
    uplink::UplinkRow,
};
use crate::domain::{api_key::ApiKeyId, device::DeviceId, measurement::MeasurementKey, sample_history::SampleHistory};

/// Stored state of the keys and devices of a batch.
#[derive(Debug, Default)]
pub struct BatchContext {
    /// The valid ones of its keys.
    pub valid_keys: HashSet<ApiKeyId>,
    /// The known ones of its devices.
    pub devices: HashMap<String, KnownDevice>,
}

/// A device that is already stored.
#[derive(Clone, Copy, Debug)]
pub struct KnownDevice {
    /// Its row number.
    pub device_id: DeviceId,
    /// When its newest measurement was taken.
    pub latest_at: Option<DateTime<Utc>>,
    /// History that its next sample is validated against.
    pub history: Option<SampleHistory>,
    /// Its newest packet.
    pub packet: Option<Packet>,
    /// Version of its `latest` row.
    pub latest_version: Option<RowVersion>,
    /// Version of its `packet` row.
    pub packet_version: Option<RowVersion>,
}

impl KnownDevice {
    /// A device that has no measurements and no packets.
    pub(super) fn without_rows(device_id: DeviceId) -> Self {
        Self { device_id, latest_at: None, history: None, packet: None, latest_version: None, packet_version: None }
    }
}

/// The random number of the statement that wrote a row last. While it is the same, the row is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowVersion(pub(super) i64);

impl RowVersion {
    fn random() -> Self {
        Self(rand::random())
    }
}

/// Rows that a batch writes.
#[derive(Debug, Default)]
pub struct BatchWrite<'a> {
    /// Rows whose keys are free, for a batch without any other rows.
    pub new_rows: Vec<NewMeasurement<'a>>,
    /// Sums to add to the hourly rollups, of all rows stored in its transaction.
    pub hours: HourlyRollups,
    /// The newest measurements: at most one per device, sorted by device, so that concurrent writers wait for each
    /// other in one order.
    pub latest: Vec<(MeasurementKey, SampleHistory)>,
    /// The newest packets, likewise.
    pub packets: Vec<Packet>,
    /// The uplinks.
    pub uplinks: Vec<UplinkRow<'a>>,
    /// The record for followers of the feed; empty unless this is the last statement of its transaction.
    pub feed_record: FeedRecord,
}

/// Writes the whole batch at once: adds to the rollups, updates `latest` and `packet` where newer, and inserts the
/// rest. Returns the row version that it wrote.
///
/// # Errors
/// When the database fails; [`DbError::Violation`] when a row was already stored; [`DbError::MissingPartition`] when a
/// month has none. Nothing is stored then.
#[tracing::instrument(name = "db.recorder_batch.write", skip_all, fields(rows = batch.new_rows.len(), uplinks = batch.uplinks.len()))]
pub async fn write(
    db: &mut PgConnection,
    batch: &BatchWrite<'_>,
    recorded_at: DateTime<Utc>,
    dialect: Dialect,
) -> Result<Option<RowVersion>, DbError> {
    insert(db, MultiInsert::new(dialect), batch, recorded_at, dialect).await
}

/// Like [`write`], but only if the context is still current: every key is valid, and the `latest` and `packet` rows of
/// every device have the same versions. Otherwise stores nothing and returns `None`.
///
/// # Errors
/// Those of [`write`].
#[tracing::instrument(name = "db.recorder_batch.write_if_unchanged", skip_all, fields(rows = batch.new_rows.len(), uplinks = batch.uplinks.len()))]
pub async fn write_if_unchanged(
    db: &mut PgConnection,
    context: &BatchContext,
    batch: &BatchWrite<'_>,
    recorded_at: DateTime<Utc>,
    dialect: Dialect,
) -> Result<Option<RowVersion>, DbError> {
    let mut inserts = MultiInsert::new(dialect);
    add_conditions(&mut inserts, context, recorded_at)?;
    insert(db, inserts, batch, recorded_at, dialect).await
}

/// Adds the inserts of a batch and runs them. Returns the row version that they wrote, if they did.
async fn insert(
    db: &mut PgConnection,
    mut inserts: MultiInsert,
    batch: &BatchWrite<'_>,
    recorded_at: DateTime<Utc>,
    dialect: Dialect,
) -> Result<Option<RowVersion>, DbError> {
    let version = RowVersion::random();
    let in_transaction = db.is_in_transaction() || dialect.is_citus;
    add_inserts(&mut inserts, batch, recorded_at, version, in_transaction)?;
    Ok(inserts.execute(db).await?.then_some(version))
}

/// Adds the conditions that the keys are valid, and that the rows of the devices have the same versions.
fn add_conditions(inserts: &mut MultiInsert, context: &BatchContext, now: DateTime<Utc>) -> Result<(), DbError> {
    inserts.add_condition(
        |[keys, now]| {
            format!(
                "(select count(*) from api_key where api_key_id = any({keys}::bigint[]) and revoked_at is null
                    and (expires_at is null or expires_at > {now})) = cardinality({keys})"
            )
        },
        |values| {
            values.add(context.valid_keys.iter().map(|key| key.0).collect::<Vec<_>>())?;
            values.add(now)
        },
    )?;
    let devices = || context.devices.values();
    let version = |version: Option<RowVersion>| version.map(|version| version.0);
    inserts.add_condition(
        // `= any` is there for Citus, which then reads only the shards of these devices.
        |[devices, latest, packet]| {
            format!(
                "not exists (
                     select from unnest({devices}::bigint[], {latest}::bigint[], {packet}::bigint[])
                         as known (device_id, latest_version, packet_version)
                     left join (select device_id, version from latest where device_id = any({devices})) as l using (device_id)
                     left join (select device_id, version from packet where device_id = any({devices})) as p using (device_id)
                     where l.version is distinct from known.latest_version
                        or p.version is distinct from known.packet_version
                 )"
            )
        },
        |values| {
            values.add(devices().map(|device| device.device_id.0).collect::<Vec<_>>())?;
            values.add(devices().map(|device| version(device.latest_version)).collect::<Vec<_>>())?;
            values.add(devices().map(|device| version(device.packet_version)).collect::<Vec<_>>())
        },
    )
}

fn add_inserts(
    inserts: &mut MultiInsert,
    batch: &BatchWrite<'_>,
    recorded_at: DateTime<Utc>,
    version: RowVersion,
    in_transaction: bool,
) -> Result<(), DbError> {
    if !batch.new_rows.is_empty() {
        inserts.add_records("", measurement::to_inserts(&batch.new_rows, recorded_at))?;
        readings::add_inserts(inserts, &batch.new_rows)?;
    }
    rollup::add_inserts(inserts, &batch.hours)?;
    if !batch.latest.is_empty() {
        inserts.add_records(latest::UPSERT_IF_NEWER, latest::to_inserts(&batch.latest, version))?;
    }
    if !batch.packets.is_empty() {
        inserts.add_records(packet::UPSERT_IF_NEWER, packet::to_inserts(&batch.packets, version))?;
    }
    if !batch.uplinks.is_empty() {
        inserts.add_records("", uplink::to_inserts(&batch.uplinks))?;
    }
    // the last insert, since it may take the lock of the feed
    feed::add_insert(inserts, &batch.feed_record, in_transaction)
}
