//! What a measurement tells beside particulates: weather, motion, the device's status. One statement a group.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    db,
    domain::{measurement::MeasurementKey, quantity::Group, readings::Readings},
};

/// The readings of one group that belong to a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadingsKey {
    /// Which readings.
    pub group: Group,
    /// Whose.
    pub measurement: MeasurementKey,
}

impl async_graphql::dataloader::Loader<ReadingsKey> for DatabaseLoader {
    type Value = Readings;
    type Error = LoadError;

    async fn load(&self, keys: &[ReadingsKey]) -> Result<HashMap<ReadingsKey, Readings>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (group, measurements) in group_keys(keys, |key| (key.group, key.measurement)) {
            let readings = db::readings::load_by_keys(&self.read_pool, group, &measurements).await.map_err(Arc::new)?;
            found.extend(
                readings.into_iter().map(|(measurement, readings)| (ReadingsKey { group, measurement }, readings)),
            );
        }
        Ok(found)
    }
}
