//! A page of each device's measurements, and their number. One statement for each distinct set of arguments.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::try_join_all;

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    db::{
        measurement_page, measurement_page::MeasurementPage, measurement_projection::MeasurementProjection,
        measurement_total, total::Total,
    },
    domain::{device::DeviceId, filter::Filter, measurement::Measurement},
};

/// A page of this device's measurements, with these columns at least.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DevicePageKey {
    /// The device.
    pub device: DeviceId,
    /// The page.
    pub page: Arc<MeasurementPage>,
    /// What is asked of it.
    pub columns: MeasurementProjection,
}

/// The number of this device's measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceCountKey {
    /// The device.
    pub device: DeviceId,
    /// Which of its measurements.
    pub filter: Arc<Filter>,
}

/// The number of measurements that a filter lets through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TotalCountKey(pub Arc<Filter>);

/// Devices, each once, and all columns that are asked of any of them: one statement for fields that differ only in that.
pub(super) fn merge_columns(
    asked: impl Iterator<Item = (DeviceId, MeasurementProjection)>,
) -> (Vec<DeviceId>, MeasurementProjection) {
    let mut all = MeasurementProjection::KEY;
    let devices: HashSet<_> = asked
        .map(|(device, columns)| {
            all = all | columns;
            device
        })
        .collect();
    (devices.into_iter().collect(), all)
}

impl async_graphql::dataloader::Loader<DevicePageKey> for DatabaseLoader {
    type Value = Vec<Measurement>;
    type Error = LoadError;

    async fn load(&self, keys: &[DevicePageKey]) -> Result<HashMap<DevicePageKey, Vec<Measurement>>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, asked) in group_keys(keys, |key| (key.page.clone(), (key.device, key.columns))) {
            let (devices, columns) = merge_columns(asked.iter().copied());
            let lists =
                measurement_page::list_per_device(&self.read_pool, &devices, &page, columns).await.map_err(Arc::new)?;
            pages.extend(asked.into_iter().filter_map(|(device, columns)| {
                Some((DevicePageKey { device, page: page.clone(), columns }, lists.get(&device)?.clone()))
            }));
        }
        Ok(pages)
    }
}

impl async_graphql::dataloader::Loader<DeviceCountKey> for DatabaseLoader {
    type Value = Total;
    type Error = LoadError;

    async fn load(&self, keys: &[DeviceCountKey]) -> Result<HashMap<DeviceCountKey, Total>, LoadError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for (filter, devices) in group_keys(keys, |key| (key.filter.clone(), key.device)) {
            let each =
                measurement_total::count_per_device(&self.read_pool, &devices, &filter).await.map_err(Arc::new)?;
            counts.extend(each.into_iter().map(|(device, n)| (DeviceCountKey { device, filter: filter.clone() }, n)));
        }
        Ok(counts)
    }
}

impl async_graphql::dataloader::Loader<TotalCountKey> for DatabaseLoader {
    type Value = Total;
    type Error = LoadError;

    async fn load(&self, keys: &[TotalCountKey]) -> Result<HashMap<TotalCountKey, Total>, LoadError> {
        let count = async |key: &TotalCountKey| {
            let total = measurement_page::count(&self.read_pool, &key.0).await.map_err(Arc::new)?;
            Ok::<_, LoadError>((key.clone(), total))
        };
        let counts = try_join_all(keys.iter().map(count)).await?;
        Ok(counts.into_iter().collect())
    }
}
