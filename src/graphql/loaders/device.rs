//! Devices by row number and by key.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::device::{Device, DeviceId, DeviceKey},
};

impl async_graphql::dataloader::Loader<DeviceId> for Loader {
    type Value = Device;
    type Error = LoadError;

    async fn load(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Device>, LoadError> {
        db::device::by_ids(&self.db, ids).await.map_err(Arc::new)
    }
}

impl async_graphql::dataloader::Loader<DeviceKey> for Loader {
    type Value = Device;
    type Error = LoadError;

    async fn load(&self, keys: &[DeviceKey]) -> Result<HashMap<DeviceKey, Device>, LoadError> {
        db::device::by_keys(&self.db, keys).await.map_err(Arc::new)
    }
}
