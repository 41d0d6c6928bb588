//! API keys by id.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::api_key::{ApiKey, ApiKeyId},
};

impl async_graphql::dataloader::Loader<ApiKeyId> for DatabaseLoader {
    type Value = ApiKey;
    type Error = LoadError;

    async fn load(&self, ids: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, ApiKey>, LoadError> {
        db::api_key::load_by_ids(&self.read_pool, ids).await.map_err(Arc::new)
    }
}
