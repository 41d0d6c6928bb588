//! The newest measurement of a device.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader, measurement_page::together};
use crate::{
    db::{self, measurement_columns::MeasurementColumns},
    domain::{device::DeviceId, measurement::Measurement},
};

/// The newest measurement of this device, with these columns at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatestOf {
    /// The device.
    pub device: DeviceId,
    /// What is asked of it.
    pub columns: MeasurementColumns,
}

impl async_graphql::dataloader::Loader<LatestOf> for Loader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[LatestOf]) -> Result<HashMap<LatestOf, Measurement>, LoadError> {
        let (ids, columns) = together(keys.iter().map(|key| (key.device, key.columns)));
        let latest = db::latest::by_devices(&self.db, &ids, columns).await.map_err(Arc::new)?;
        Ok(keys.iter().filter_map(|key| Some((*key, latest.get(&key.device)?.clone()))).collect())
    }
}
