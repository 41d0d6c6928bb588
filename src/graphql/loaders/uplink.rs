//! Uplinks by key, and their bodies, of which one request may hold so many.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use super::{LoadError, Loader};
use crate::{
    db,
    domain::uplink::{Uplink, UplinkKey},
};

/// Bodies that one request may ask for, in bytes.
pub const MAX_BODIES: usize = 16 << 20;

/// The body of this uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodyOf {
    /// Which uplink.
    pub uplink: UplinkKey,
    /// How large its body is.
    pub bytes: usize,
}

/// A body, unless the request asks for more of them than it may.
#[derive(Clone, Debug)]
pub enum Body {
    /// It.
    Read(Arc<[u8]>),
    /// More than [`MAX_BODIES`] together were asked for, and none of this batch was read.
    TooMuch,
}

impl async_graphql::dataloader::Loader<UplinkKey> for Loader {
    type Value = Uplink;
    type Error = LoadError;

    async fn load(&self, keys: &[UplinkKey]) -> Result<HashMap<UplinkKey, Uplink>, LoadError> {
        db::uplink::by_keys(&self.db, keys).await.map_err(Arc::new)
    }
}

impl async_graphql::dataloader::Loader<BodyOf> for Loader {
    type Value = Body;
    type Error = LoadError;

    async fn load(&self, keys: &[BodyOf]) -> Result<HashMap<BodyOf, Body>, LoadError> {
        let bytes = keys.iter().fold(0_usize, |bytes, key| bytes.saturating_add(key.bytes));
        let before = self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_BODIES {
            return Ok(keys.iter().map(|&key| (key, Body::TooMuch)).collect());
        }
        let uplinks: Vec<_> = keys.iter().map(|key| key.uplink).collect();
        let mut bodies = db::uplink::bodies(&self.db, &uplinks).await.map_err(Arc::new)?;
        let read = keys.iter().filter_map(|&key| Some((key, Body::Read(bodies.remove(&key.uplink)?.into()))));
        Ok(read.collect())
    }
}
