//! A writer's cache of the devices that it stored samples of, which saves a query per batch.
//!
//! Other writers and other gateways store too, so cached state is never trusted: the statement that stores a plain
//! batch compares the row versions, random numbers that each write changes
//! ([`write_if_unchanged`](crate::db::recorder_batch::write_if_unchanged)), and stores nothing if a row has changed
//! since. Then the state is queried as if nothing had been cached.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;

use super::{Submission, transaction};
use crate::db::{
    DbError,
    dialect::Dialect,
    recorder_batch::{BatchContext, BatchWrite, KnownDevice, RowVersion},
};

/// Maximum number of devices: some megabytes. The cache is cleared beyond it.
const MAX_DEVICES: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct DeviceCache {
    devices: HashMap<String, KnownDevice>,
    dialect: Option<Dialect>,
}

impl DeviceCache {
    /// Which database the connection leads to.
    ///
    /// # Errors
    /// When it is not cached and the database fails.
    pub async fn dialect(&mut self, db: &mut PgConnection) -> Result<Dialect, DbError> {
        let dialect = match self.dialect {
            Some(dialect) => dialect,
            None => Dialect::detect(db).await?,
        };
        self.dialect = Some(dialect);
        Ok(dialect)
    }

    /// The context of these submissions, if all of their devices are cached. Their keys are assumed to be valid.
    pub fn get(&self, submissions: &[&Submission]) -> Option<BatchContext> {
        let names = transaction::device_kinds(submissions).into_keys();
        let devices = names.map(|name| Some((name.to_owned(), *self.devices.get(name)?)));
        Some(BatchContext {
            devices: devices.collect::<Option<_>>()?,
            valid_keys: submissions.iter().filter_map(|submission| submission.api_key).collect(),
        })
    }

    /// Caches the context before a plain batch, updated by the batch.
    pub fn update(&mut self, known: BatchContext, batch_write: &BatchWrite<'_>, version: RowVersion) {
        if self.devices.len() + known.devices.len() > MAX_DEVICES {
            self.devices.clear();
        }
        let latest: BTreeMap<_, _> =
            batch_write.latest.iter().map(|(key, trace)| (key.device_id, (key, trace))).collect();
        let packets: BTreeMap<_, _> = batch_write.packets.iter().map(|packet| (packet.device_id, packet)).collect();
        for (name, mut device) in known.devices {
            if let Some(&(key, trace)) = latest.get(&device.device_id) {
                (device.latest_at, device.history) = (Some(key.measured_at), Some(*trace));
                device.latest_version = Some(version);
            }
            if let Some(&&packet) = packets.get(&device.device_id) {
                (device.packet, device.packet_version) = (Some(packet), Some(version));
            }
            self.devices.insert(name, device);
        }
    }

    /// Removes the devices that these submissions may have changed.
    pub fn remove(&mut self, submissions: &[&Submission]) {
        for name in transaction::device_kinds(submissions).into_keys() {
            self.devices.remove(name);
        }
    }

    /// Removes everything: the next connection may lead to another database, one that was restored.
    pub fn clear(&mut self) {
        self.devices.clear();
        self.dialect = None;
    }
}
