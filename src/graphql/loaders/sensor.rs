//! The sensors of a device.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::{device::DeviceId, sensor::Sensors},
};

/// The sensors of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SensorsOf(pub DeviceId);

impl async_graphql::dataloader::Loader<SensorsOf> for Loader {
    type Value = Sensors;
    type Error = LoadError;

    async fn load(&self, keys: &[SensorsOf]) -> Result<HashMap<SensorsOf, Sensors>, LoadError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let sensors = db::device_sensor::by_devices(&self.db, &ids).await.map_err(Arc::new)?;
        Ok(sensors.into_iter().map(|(id, sensors)| (SensorsOf(id), sensors)).collect())
    }
}
