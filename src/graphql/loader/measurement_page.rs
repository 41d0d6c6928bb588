//! A page of each device's measurements, and their number. One statement for each distinct set of arguments.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{LoadError, Loader, grouped};
use crate::{
    db::{
        measurement_columns::MeasurementColumns,
        measurement_page::{self, MeasurementPage},
    },
    domain::{device::DeviceId, filter::Filter, measurement::Measurement},
};

/// A page of this device's measurements, with these columns at least.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageOf {
    /// The device.
    pub device: DeviceId,
    /// The page.
    pub page: Arc<MeasurementPage>,
    /// What is asked of it.
    pub columns: MeasurementColumns,
}

/// The number of this device's measurements, counted up to a bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountOf {
    /// The device.
    pub device: DeviceId,
    /// Which of its measurements.
    pub filter: Arc<Filter>,
    /// Where counting ends.
    pub bound: i64,
}

/// Devices, each once, and all columns that are asked of any of them: one statement for fields that differ only in that.
pub(super) fn together(
    asked: impl Iterator<Item = (DeviceId, MeasurementColumns)>,
) -> (Vec<DeviceId>, MeasurementColumns) {
    let mut all = MeasurementColumns::KEY;
    let devices: HashSet<_> = asked
        .map(|(device, columns)| {
            all = all | columns;
            device
        })
        .collect();
    (devices.into_iter().collect(), all)
}

impl async_graphql::dataloader::Loader<PageOf> for Loader {
    type Value = Vec<Measurement>;
    type Error = LoadError;

    async fn load(&self, keys: &[PageOf]) -> Result<HashMap<PageOf, Vec<Measurement>>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, asked) in grouped(keys, |key| (key.page.clone(), (key.device, key.columns))) {
            let (devices, columns) = together(asked.iter().copied());
            let lists = measurement_page::list_each(&self.db, &devices, &page, columns).await.map_err(Arc::new)?;
            pages.extend(asked.into_iter().filter_map(|(device, columns)| {
                Some((PageOf { device, page: page.clone(), columns }, lists.get(&device)?.clone()))
            }));
        }
        Ok(pages)
    }
}

impl async_graphql::dataloader::Loader<CountOf> for Loader {
    type Value = i64;
    type Error = LoadError;

    async fn load(&self, keys: &[CountOf]) -> Result<HashMap<CountOf, i64>, LoadError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for ((filter, bound), devices) in grouped(keys, |key| ((key.filter.clone(), key.bound), key.device)) {
            let each = measurement_page::count_each(&self.db, &devices, &filter, bound).await.map_err(Arc::new)?;
            let each = each.into_iter().map(|(device, n)| (CountOf { device, filter: filter.clone(), bound }, n));
            counts.extend(each);
        }
        Ok(counts)
    }
}
