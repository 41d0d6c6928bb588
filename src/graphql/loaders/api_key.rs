//! Keys by row number.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::api_key::{ApiKey, ApiKeyId},
};

impl async_graphql::dataloader::Loader<ApiKeyId> for Loader {
    type Value = ApiKey;
    type Error = LoadError;

    async fn load(&self, ids: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, ApiKey>, LoadError> {
        db::api_key::by_ids(&self.db, ids).await.map_err(Arc::new)
    }
}
