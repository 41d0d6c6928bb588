//! Pages of measurements per device, and their total counts. One statement for each distinct set of arguments.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::try_join_all;

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    concurrency::prehashed::Prehashed,
    db::{
        measurement_page, measurement_page::MeasurementPage, measurement_projection::MeasurementProjection,
        measurement_total, total::Total,
    },
    domain::{device::DeviceId, filter::Filter, measurement::Measurement},
    graphql::execute::shared_reads,
};

/// Key: a page of a device's measurements, with at least these columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DevicePageKey {
    /// The device.
    pub device: DeviceId,
    /// The page.
    pub page: Arc<Prehashed<MeasurementPage>>,
    /// The columns to read.
    pub columns: MeasurementProjection,
}

/// Key: the total count of a device's measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceCountKey {
    /// The device.
    pub device: DeviceId,
    /// Filter of the measurements.
    pub filter: Arc<Filter>,
}

/// Key: the total count of measurements that match a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TotalCountKey(pub Arc<Filter>);

/// The distinct devices, and the union of their columns: one statement for fields that differ only in these.
pub(in crate::graphql) fn merge_columns(
    requested: impl Iterator<Item = (DeviceId, MeasurementProjection)>,
) -> (Vec<DeviceId>, MeasurementProjection) {
    let mut all = MeasurementProjection::KEY;
    let devices: HashSet<_> = requested
        .map(|(device, columns)| {
            all = all | columns;
            device
        })
        .collect();
    (devices.into_iter().collect(), all)
}

impl async_graphql::dataloader::Loader<DevicePageKey> for DatabaseLoader {
    /// Shared, since the loader copies each value for its caller.
    type Value = Arc<Vec<Measurement>>;
    type Error = LoadError;

    async fn load(&self, keys: &[DevicePageKey]) -> Result<HashMap<DevicePageKey, Self::Value>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, requested) in group_keys(keys, |key| (key.page.clone(), (key.device, key.columns))) {
            let (devices, columns) = merge_columns(requested.iter().copied());
            let lists = match (&devices[..], self.read_pool.shared()) {
                (&[device], Some(shared)) if !columns.is_joined() && shared_reads::is_shared(&page) => {
                    HashMap::from([(device, shared.list_newest(device, page.limit, columns).await?)])
                }
                _ => measurement_page::list_per_device(&self.read_pool, &devices, &page, columns)
                    .await
                    .map_err(Arc::new)?,
            };
            for device in &devices {
                let (from, to) = page.searched_span(lists.get(device).map_or(&[], Vec::as_slice));
                self.read_pool.note_rows_read(from, to);
            }
            let lists: HashMap<_, _> = lists.into_iter().map(|(device, rows)| (device, Arc::new(rows))).collect();
            pages.extend(requested.into_iter().filter_map(|(device, columns)| {
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
            self.read_pool.note_rows_read(filter.from, filter.to);
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
            self.read_pool.note_rows_read(key.0.from, key.0.to);
            Ok::<_, LoadError>((key.clone(), total))
        };
        let counts = try_join_all(keys.iter().map(count)).await?;
        Ok(counts.into_iter().collect())
    }
}
