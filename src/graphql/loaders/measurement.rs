//! Measurements by key.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::measurement::{Measurement, MeasurementKey},
};

impl async_graphql::dataloader::Loader<MeasurementKey> for DatabaseLoader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[MeasurementKey]) -> Result<HashMap<MeasurementKey, Measurement>, LoadError> {
        db::measurement::load_by_keys(&self.read_pool, keys).await.map_err(Arc::new)
    }
}
