//! The newest measurement of a device, or the newest with a value of a quantity. One statement for each quantity.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError, group_keys, merge_columns};
use crate::{
    db::{latest, measurement_projection::MeasurementProjection},
    domain::{device::DeviceId, measurement::Measurement, quantity::Quantity},
};

/// Key: the newest measurement of a device, with at least these columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatestKey {
    /// The device.
    pub device: DeviceId,
    /// A quantity that it must have.
    pub quantity: Option<Quantity>,
    /// The columns to read.
    pub columns: MeasurementProjection,
}

impl async_graphql::dataloader::Loader<LatestKey> for DatabaseLoader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[LatestKey]) -> Result<HashMap<LatestKey, Measurement>, LoadError> {
        if let [key @ LatestKey { device, quantity: None, columns }] = *keys
            && !columns.is_joined()
            && let Some(shared) = self.read_pool.shared()
        {
            return Ok(shared.load_latest(device, columns).await?.into_iter().map(|latest| (key, latest)).collect());
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (quantity, requested) in group_keys(keys, |key| (key.quantity, (key.device, key.columns))) {
            let (ids, columns) = merge_columns(requested.iter().copied());
            let latest = match quantity {
                Some(quantity) => latest::load_with_quantity(&self.read_pool, &ids, quantity, columns).await,
                None => latest::load_by_device_ids(&self.read_pool, &ids, columns).await,
            }
            .map_err(Arc::new)?;
            if quantity.is_some() {
                // Searched back to the measurement that has a value, or to the first one.
                for id in &ids {
                    let from = latest.get(id).map(|row| row.key.measured_at);
                    self.read_pool.note_rows_read(from, None);
                }
            }
            found.extend(requested.into_iter().filter_map(|(device, columns)| {
                Some((LatestKey { device, quantity, columns }, latest.get(&device)?.clone()))
            }));
        }
        Ok(found)
    }
}
