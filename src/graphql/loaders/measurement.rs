//! Measurements by key.

use std::{collections::HashMap, sync::Arc};

use chrono::TimeDelta;

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::measurement::{Measurement, MeasurementKey},
};

impl async_graphql::dataloader::Loader<MeasurementKey> for DatabaseLoader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[MeasurementKey]) -> Result<HashMap<MeasurementKey, Measurement>, LoadError> {
        let found = db::measurement::load_by_keys(&self.read_pool, keys).await.map_err(Arc::new)?;
        for key in keys.iter().filter(|&key| !found.contains_key(key)) {
            let end = key.measured_at + TimeDelta::microseconds(1); // exclusive
            self.read_pool.note_rows_read(Some(key.measured_at), Some(end));
        }
        Ok(found)
    }
}
