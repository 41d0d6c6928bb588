//! Uplinks by key, and their bodies, of which one request reads a limited number of bytes.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use super::{DatabaseLoader, LoadError};
use crate::{
    db,
    domain::uplink::{Uplink, UplinkKey},
};

/// Maximum total size of uplink bodies in one request, in bytes.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// Key: the body of an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UplinkBodyKey {
    /// The uplink.
    pub uplink: UplinkKey,
    /// Size of its body.
    pub bytes: usize,
}

/// A body, or the error that the request exceeds the limit.
#[derive(Clone, Debug)]
pub enum UplinkBody {
    /// The body.
    Loaded(Arc<[u8]>),
    /// The request's bodies have more than [`MAX_BODY_BYTES`] in total; none of this batch was read.
    LimitExceeded,
}

impl async_graphql::dataloader::Loader<UplinkKey> for DatabaseLoader {
    type Value = Uplink;
    type Error = LoadError;

    async fn load(&self, keys: &[UplinkKey]) -> Result<HashMap<UplinkKey, Uplink>, LoadError> {
        db::uplink::load_by_keys(&self.read_pool, keys).await.map_err(Arc::new)
    }
}

impl async_graphql::dataloader::Loader<UplinkBodyKey> for DatabaseLoader {
    type Value = UplinkBody;
    type Error = LoadError;

    async fn load(&self, keys: &[UplinkBodyKey]) -> Result<HashMap<UplinkBodyKey, UplinkBody>, LoadError> {
        let bytes = keys.iter().fold(0_usize, |bytes, key| bytes.saturating_add(key.bytes));
        let before = self.loaded_body_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_BODY_BYTES {
            return Ok(keys.iter().map(|&key| (key, UplinkBody::LimitExceeded)).collect());
        }
        let uplinks: Vec<_> = keys.iter().map(|key| key.uplink).collect();
        let mut bodies = db::uplink::load_bodies(&self.read_pool, &uplinks).await.map_err(Arc::new)?;
        let read = keys.iter().filter_map(|&key| Some((key, UplinkBody::Loaded(bodies.remove(&key.uplink)?.into()))));
        Ok(read.collect())
    }
}
