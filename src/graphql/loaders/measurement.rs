//! Measurements by key.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::measurement::{Measurement, MeasurementKey},
};

impl async_graphql::dataloader::Loader<MeasurementKey> for Loader {
    type Value = Measurement;
    type Error = LoadError;

    async fn load(&self, keys: &[MeasurementKey]) -> Result<HashMap<MeasurementKey, Measurement>, LoadError> {
        db::measurement::by_keys(&self.db, keys).await.map_err(Arc::new)
    }
}
