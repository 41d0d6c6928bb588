//! Reads and writes of a recorder batch, one statement each. This is the hot path: a batch is small, and a round trip
//! to Postgres costs as much as many rows.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{Arguments as _, Connection as _, PgConnection, PgExecutor, error::BoxDynError, postgres::PgArguments};

use super::{
    DbError,
    dialect::Dialect,
    feed,
    feed::FeedRecord,
    latest, measurement,
    measurement::{NewMeasurement, position},
    multi_insert::MultiInsert,
    packet,
    packet::Packet,
    readings, rollup,
    rollup::HourlyRollups,
    uplink,
    uplink::UplinkRow,
};
use crate::domain::{
    api_key::ApiKeyId, device::DeviceId, measurement::MeasurementKey, readings::to_decimal,
    sample_history::SampleHistory,
};

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

/// The random number of the statement that wrote a row last. While it is the same, the row is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowVersion(pub(super) i64);

impl RowVersion {
    fn random() -> Self {
        Self(rand::random())
    }
}

/// Looks up devices and keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.recorder_batch.load_context", skip_all, fields(count = devices.len()))]
pub async fn load_context(
    db: impl PgExecutor<'_>,
    devices: &[&str],
    keys: &[ApiKeyId],
    now: DateTime<Utc>,
) -> Result<BatchContext, DbError> {
    let keys: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = sqlx::query!(
        r#"select keys.valid as "valid!", device.key as "key?", device.device_id as "device_id?",
                  l.measured_at as "latest_at?", l.latitude, l.longitude, l.pm2_5, l.pm10, l.exact_time, l.steady_since,
                  p.frame_counter as "frame_counter?", p.received_at as "received_at?", p.uplink_id as "uplink_id?",
                  p.first_at as "first_at?", p.last_at as "last_at?", p.latitude as "packet_latitude?",
                  p.longitude as "packet_longitude?",
                  l.version as "latest_version?", p.version as "packet_version?"
           from (
               select array(select api_key_id from api_key
                            where api_key_id = any($2) and revoked_at is null and (expires_at is null or expires_at > $3))
           ) as keys (valid)
           left join device on key = any($1)
           left join latest l using (device_id)
           left join packet p using (device_id)"#,
        devices as &[&str],
        &keys,
        now,
    )
    .fetch_all(db)
    .await?;
    let mut context = BatchContext::default();
    if let Some(first) = rows.first() {
        context.valid_keys = first.valid.iter().copied().map(ApiKeyId).collect();
    }
    for row in rows {
        // the row of an unknown device
        let (Some(key), Some(device_id)) = (row.key, row.device_id.map(DeviceId)) else { continue };
        let trace = row.latest_at.zip(row.exact_time).zip(row.steady_since);
        let trace = trace.map(|((measured_at, exact_time), steady_since)| SampleHistory {
            measured_at,
            exact_time,
            position: position(row.latitude, row.longitude),
            pm2_5: row.pm2_5.map(to_decimal),
            pm10: row.pm10.map(to_decimal),
            steady_since,
        });
        let packet = || {
            Some(Packet {
                device_id,
                frame_counter: row.frame_counter?,
                received_at: row.received_at?,
                uplink_id: row.uplink_id?,
                first_at: row.first_at?,
                last_at: row.last_at?,
                end: position(row.packet_latitude, row.packet_longitude)?,
            })
        };
        let device = KnownDevice {
            device_id,
            latest_at: row.latest_at,
            history: trace,
            packet: packet(),
            latest_version: row.latest_version.map(RowVersion),
            packet_version: row.packet_version.map(RowVersion),
        };
        context.devices.insert(key, device);
    }
    Ok(context)
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
    let mut inserts = MultiInsert::default();
    let version = RowVersion::random();
    add_inserts(&mut inserts, batch, recorded_at, version, db.is_in_transaction())?;
    Ok(inserts.execute_on(db, dialect).await?.then_some(version))
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
    let values = unchanged_arguments(context, recorded_at).map_err(sqlx::Error::Encode)?;
    let mut inserts = MultiInsert::with_condition(UNCHANGED_CONDITION, values);
    let version = RowVersion::random();
    add_inserts(&mut inserts, batch, recorded_at, version, db.is_in_transaction())?;
    Ok(inserts.execute_on(db, dialect).await?.then_some(version))
}

/// Whether these keys are valid at that time, and the rows of these devices have these versions. `= any` is there for
/// Citus, which then reads only the shards of these devices.
const UNCHANGED_CONDITION: &str = "
    (select count(*) from api_key
     where api_key_id = any($1::bigint[]) and revoked_at is null and (expires_at is null or expires_at > $2))
    = cardinality($1)
    and not exists (
        select from unnest($3::bigint[], $4::bigint[], $5::bigint[]) as known (device_id, latest_version, packet_version)
        left join (select device_id, version from latest where device_id = any($3)) as l using (device_id)
        left join (select device_id, version from packet where device_id = any($3)) as p using (device_id)
        where l.version is distinct from known.latest_version
           or p.version is distinct from known.packet_version
    )";

/// The bind values of [`UNCHANGED_CONDITION`].
fn unchanged_arguments(context: &BatchContext, now: DateTime<Utc>) -> Result<PgArguments, BoxDynError> {
    let devices = || context.devices.values();
    let version = |version: Option<RowVersion>| version.map(|version| version.0);
    let mut values = PgArguments::default();
    values.add(context.valid_keys.iter().map(|key| key.0).collect::<Vec<_>>())?;
    values.add(now)?;
    values.add(devices().map(|device| device.device_id.0).collect::<Vec<_>>())?;
    values.add(devices().map(|device| version(device.latest_version)).collect::<Vec<_>>())?;
    values.add(devices().map(|device| version(device.packet_version)).collect::<Vec<_>>())?;
    Ok(values)
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
