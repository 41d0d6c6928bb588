//! The means of whole hours, of a device or of a cell. One statement for each distinct span and set of counted values.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use h3o::CellIndex;

use super::{LoadError, Loader, grouped};
use crate::{
    db::hourly_mean,
    domain::{air_quality_index::HourlyMeans, device::DeviceId, validity::CountedValues},
};

/// The means of this device's or this cell's hours, in a span of whole hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoursOf<P> {
    /// The device or the cell.
    pub parent: P,
    /// The first hour.
    pub from: DateTime<Utc>,
    /// The end of the last hour.
    pub to: DateTime<Utc>,
    /// Which values count.
    pub counted: CountedValues,
}

impl async_graphql::dataloader::Loader<HoursOf<DeviceId>> for Loader {
    type Value = HourlyMeans;
    type Error = LoadError;

    async fn load(&self, keys: &[HoursOf<DeviceId>]) -> Result<HashMap<HoursOf<DeviceId>, HourlyMeans>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for ((from, to, counted), devices) in grouped(keys, |key| ((key.from, key.to, key.counted), key.parent)) {
            let means = hourly_mean::of_devices(&self.db, &devices, from, to, counted).await.map_err(Arc::new)?;
            found.extend(means.into_iter().map(|(parent, means)| (HoursOf { parent, from, to, counted }, means)));
        }
        Ok(found)
    }
}

impl async_graphql::dataloader::Loader<HoursOf<CellIndex>> for Loader {
    type Value = HourlyMeans;
    type Error = LoadError;

    async fn load(&self, keys: &[HoursOf<CellIndex>]) -> Result<HashMap<HoursOf<CellIndex>, HourlyMeans>, LoadError> {
        let mut found = HashMap::with_capacity(keys.len());
        for ((from, to, counted), cells) in grouped(keys, |key| ((key.from, key.to, key.counted), key.parent)) {
            let means = hourly_mean::list_by_cells(&self.db, &cells, from, to, counted).await.map_err(Arc::new)?;
            found.extend(means.into_iter().map(|(parent, means)| (HoursOf { parent, from, to, counted }, means)));
        }
        Ok(found)
    }
}
