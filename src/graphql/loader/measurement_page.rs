//! A page of each device's measurements, and their number. One statement for each distinct set of arguments.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader, grouped};
use crate::{
    db::measurement_page::{self, MeasurementPage},
    domain::{device::DeviceId, filter::Filter, measurement::Measurement},
};

/// A page of this device's measurements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageOf {
    /// The device.
    pub device: DeviceId,
    /// The page.
    pub page: Arc<MeasurementPage>,
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

impl async_graphql::dataloader::Loader<PageOf> for Loader {
    type Value = Vec<Measurement>;
    type Error = LoadError;

    async fn load(&self, keys: &[PageOf]) -> Result<HashMap<PageOf, Vec<Measurement>>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, devices) in grouped(keys, |key| (key.page.clone(), key.device)) {
            let lists = measurement_page::list_each(&self.db, &devices, &page).await.map_err(Arc::new)?;
            pages.extend(lists.into_iter().map(|(device, list)| (PageOf { device, page: page.clone() }, list)));
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
