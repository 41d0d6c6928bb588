//! Readings of measurements other than particulates: weather, gases, motion, status. One statement per group.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    db,
    domain::{measurement::MeasurementKey, quantity::Group, readings::Readings},
};

/// Key: the readings of one group of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadingsKey {
    /// The group.
    pub group: Group,
    /// The measurement.
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
