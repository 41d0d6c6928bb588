//! Devices by id and by key.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::device::{Device, DeviceId, DeviceKey},
};

impl async_graphql::dataloader::Loader<DeviceId> for DatabaseLoader {
    type Value = Device;
    type Error = LoadError;

    async fn load(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Device>, LoadError> {
        if let [id] = *ids
            && let Some(shared) = self.read_pool.shared()
        {
            return Ok(shared.load_device(id).await?.into_iter().map(|device| (id, device)).collect());
        }
        db::device::load_by_ids(&self.read_pool, ids).await.map_err(Arc::new)
    }
}

impl async_graphql::dataloader::Loader<DeviceKey> for DatabaseLoader {
    type Value = Device;
    type Error = LoadError;

    async fn load(&self, keys: &[DeviceKey]) -> Result<HashMap<DeviceKey, Device>, LoadError> {
        db::device::load_by_keys(&self.read_pool, keys).await.map_err(Arc::new)
    }
}
