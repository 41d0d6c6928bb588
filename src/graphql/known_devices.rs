//! The numbers of devices that were asked for lately, so that a list of one device's measurements is one statement.
//!
//! A device keeps its key and its number for good and is never deleted, so what is remembered stays true, whatever other
//! gateways do. It is forgotten all the same after a minute: somebody may put another database in the place of this one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::device::{DeviceId, DeviceKey};

/// For how long a number is remembered.
const MEMORY: Duration = Duration::from_mins(1);
/// Devices remembered at most; beyond it all are forgotten and looked up again.
const MOST: usize = 10_000;

/// What is remembered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct KnownDevices(Arc<Mutex<HashMap<DeviceKey, (DeviceId, Instant)>>>);

impl KnownDevices {
    /// The number of the device with this key, where it was looked up in the last minute.
    #[must_use]
    pub fn recall(&self, key: &DeviceKey) -> Option<DeviceId> {
        self.lock().get(key).filter(|(_, since)| since.elapsed() < MEMORY).map(|(id, _)| *id)
    }

    /// Remembers what was looked up just now.
    pub fn remember(&self, key: &DeviceKey, id: DeviceId) {
        let mut devices = self.lock();
        if devices.len() >= MOST && !devices.contains_key(key) {
            devices.clear();
        }
        devices.insert(key.clone(), (id, Instant::now()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceKey, (DeviceId, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a map is whole after any panic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let devices = KnownDevices::default();
        for n in 0..MOST + 5 {
            let key = DeviceKey::try_new(format!("bike-{n}")).expect("a key");
            let id = DeviceId(i64::try_from(n).expect("small"));
            devices.remember(&key, id);
            assert_eq!(devices.recall(&key), Some(id));
            assert!(devices.lock().len() <= MOST);
        }
        assert_eq!(devices.recall(&DeviceKey::try_new("bike-1".to_owned()).expect("a key")), None);
    }
}
