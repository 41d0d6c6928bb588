//! The sensors of a device.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::{device::DeviceId, sensor::Sensors},
};

/// Key: the sensors of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SensorsKey(pub DeviceId);

impl async_graphql::dataloader::Loader<SensorsKey> for DatabaseLoader {
    type Value = Sensors;
    type Error = LoadError;

    async fn load(&self, keys: &[SensorsKey]) -> Result<HashMap<SensorsKey, Sensors>, LoadError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let sensors = db::device_sensor::load_by_device_ids(&self.read_pool, &ids).await.map_err(Arc::new)?;
        Ok(sensors.into_iter().map(|(id, sensors)| (SensorsKey(id), sensors)).collect())
    }
}
