//! What a measurement tells beside particulates: weather, motion, the device's status. One statement a group.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader, grouped};
use crate::{
    db,
    domain::{measurement::MeasurementKey, quantity::Group, readings::Readings},
};

/// The readings of one group that belong to a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadingsOf {
    /// Which readings.
    pub group: Group,
    /// Whose.
    pub measurement: MeasurementKey,
}

impl async_graphql::dataloader::Loader<ReadingsOf> for Loader {
    type Value = Readings;
    type Error = LoadError;

    async fn load(&self, keys: &[ReadingsOf]) -> Result<HashMap<ReadingsOf, Readings>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (group, measurements) in grouped(keys, |key| (key.group, key.measurement)) {
            let readings = db::readings::by_keys(&self.db, group, &measurements).await.map_err(Arc::new)?;
            found.extend(
                readings.into_iter().map(|(measurement, readings)| (ReadingsOf { group, measurement }, readings)),
            );
        }
        Ok(found)
    }
}
