//! What a writer remembers of the devices that it stored samples of, so that it needn't ask before each batch.
//!
//! Other writers and other gateways store too. So nothing remembered is trusted: the statement that stores a plain batch holds
//! it against the rows, by the transaction that wrote them ([`batch::note_if`](crate::db::recorder_batch::note_if)), and stores nothing
//! where one was written since. Then it is asked for as if nothing had been remembered.

use std::collections::{BTreeMap, HashMap};

use super::{Submission, transaction};
use crate::db::recorder_batch::{BatchContext, BatchWrite, KnownDevice, RowVersion};

/// Devices at most: some megabytes. Beyond that a writer begins anew.
const MAX_DEVICES: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct DeviceCache {
    devices: HashMap<String, KnownDevice>,
}

impl DeviceCache {
    /// What these submissions need to be known, where all of their devices are remembered. Their keys are taken for valid.
    pub fn get(&self, submissions: &[&Submission]) -> Option<BatchContext> {
        let names = transaction::device_kinds(submissions).into_keys();
        let devices = names.map(|name| Some((name.to_owned(), *self.devices.get(name)?)));
        Some(BatchContext {
            devices: devices.collect::<Option<_>>()?,
            valid_keys: submissions.iter().filter_map(|submission| submission.api_key).collect(),
        })
    }

    /// Remembers what was known before a plain batch, and what that has made of it.
    pub fn update(&mut self, known: BatchContext, note: &BatchWrite<'_>, version: RowVersion) {
        if self.devices.len() + known.devices.len() > MAX_DEVICES {
            self.devices.clear();
        }
        let latest: BTreeMap<_, _> = note.latest.iter().map(|(key, trace)| (key.device_id, (key, trace))).collect();
        let packets: BTreeMap<_, _> = note.packets.iter().map(|packet| (packet.device_id, packet)).collect();
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

    /// Forgets what these submissions may have changed.
    pub fn remove(&mut self, submissions: &[&Submission]) {
        for name in transaction::device_kinds(submissions).into_keys() {
            self.devices.remove(name);
        }
    }

    /// Forgets everything: it may be another database behind the next connection, one that was restored.
    pub fn clear(&mut self) {
        self.devices.clear();
    }
}
