//! Hourly means of devices or cells. One statement for each distinct span and set of counted values.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use h3o::CellIndex;

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    db::hourly_mean,
    domain::{air_quality_index::HourlyMeans, device::DeviceId, validity::CountedValues},
};

/// Key: the hourly means of a device or a cell, in a span of full hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HourlyMeansKey<P> {
    /// The device or the cell.
    pub parent: P,
    /// Start of the first hour.
    pub from: DateTime<Utc>,
    /// End of the last hour.
    pub to: DateTime<Utc>,
    /// Values that count.
    pub counted: CountedValues,
}

impl async_graphql::dataloader::Loader<HourlyMeansKey<DeviceId>> for DatabaseLoader {
    type Value = HourlyMeans;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[HourlyMeansKey<DeviceId>],
    ) -> Result<HashMap<HourlyMeansKey<DeviceId>, HourlyMeans>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for ((from, to, counted), devices) in group_keys(keys, |key| ((key.from, key.to, key.counted), key.parent)) {
            let means =
                hourly_mean::list_by_devices(&self.read_pool, &devices, from, to, counted).await.map_err(Arc::new)?;
            if counted == CountedValues::All {
                self.read_pool.note_rows_read(Some(from), Some(to)); // others are read from rollups
            }
            found
                .extend(means.into_iter().map(|(parent, means)| (HourlyMeansKey { parent, from, to, counted }, means)));
        }
        Ok(found)
    }
}

impl async_graphql::dataloader::Loader<HourlyMeansKey<CellIndex>> for DatabaseLoader {
    type Value = HourlyMeans;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[HourlyMeansKey<CellIndex>],
    ) -> Result<HashMap<HourlyMeansKey<CellIndex>, HourlyMeans>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for ((from, to, counted), cells) in group_keys(keys, |key| ((key.from, key.to, key.counted), key.parent)) {
            let means =
                hourly_mean::list_by_cells(&self.read_pool, &cells, from, to, counted).await.map_err(Arc::new)?;
            if cells.iter().any(|cell| !hourly_mean::is_in_rollup(*cell, counted)) {
                self.read_pool.note_rows_read(Some(from), Some(to));
            }
            found
                .extend(means.into_iter().map(|(parent, means)| (HourlyMeansKey { parent, from, to, counted }, means)));
        }
        Ok(found)
    }
}
