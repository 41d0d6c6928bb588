//! The newest measurement of a device.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::{device::DeviceId, measurement::Measurement},
};

/// The newest measurement of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatestOf(pub DeviceId);

impl async_graphql::dataloader::Loader<LatestOf> for Loader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[LatestOf]) -> Result<HashMap<LatestOf, Measurement>, LoadError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let latest = db::latest::by_devices(&self.db, &ids).await.map_err(Arc::new)?;
        Ok(latest.into_iter().map(|(id, measurement)| (LatestOf(id), measurement)).collect())
    }
}
