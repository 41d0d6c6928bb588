//! Device keys that arguments name, looked up together.

use std::collections::HashMap;

use async_graphql::Context;

use crate::{
    api_error::ApiError,
    domain::device::{DeviceId, DeviceKey},
    graphql::context::ContextExt as _,
};

/// Device keys in one filter at most.
const MAX_DEVICES_PER_FILTER: usize = 1000;

/// Keys on their way to be looked up, with the argument that named them.
#[derive(Debug, Default)]
pub(super) struct DeviceKeys(Vec<(String, String)>);

/// Devices by the keys that named them.
#[derive(Debug)]
pub(super) struct ResolvedDevices(HashMap<DeviceKey, DeviceId>);

impl DeviceKeys {
    /// Adds the keys of an argument.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(&mut self, argument: &str, keys: &[String]) -> Result<(), ApiError> {
        if self.0.len() + keys.len() > MAX_DEVICES_PER_FILTER {
            let many = self.0.len() + keys.len();
            return Err(ApiError::bad_input(argument, format!("{many} keys; at most {MAX_DEVICES_PER_FILTER}")));
        }
        self.0.extend(keys.iter().enumerate().map(|(at, key)| (format!("{argument}[{at}]"), key.clone())));
        Ok(())
    }

    /// Looks all of them up, together with those of other parents. Keys that no device has are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn resolve(&self, ctx: &Context<'_>) -> Result<ResolvedDevices, ApiError> {
        let keys: Vec<_> = self.0.iter().filter_map(|(_, key)| DeviceKey::try_stored(key.as_str()).ok()).collect();
        if keys.is_empty() {
            return Ok(ResolvedDevices(HashMap::new()));
        }
        let found = ctx.loader().load_many(keys).await?;
        Ok(ResolvedDevices(found.into_iter().map(|(key, device)| (key, device.id)).collect()))
    }

    /// Like [`Self::resolve`], for mutations: there a mistyped key must not change what is meant.
    ///
    /// # Errors
    /// Names the key that no device has.
    pub(super) async fn resolve_all(&self, ctx: &Context<'_>) -> Result<ResolvedDevices, ApiError> {
        let known = self.resolve(ctx).await?;
        match self.0.iter().find(|(_, key)| known.id(key).is_none()) {
            Some((argument, key)) => Err(ApiError::bad_input(argument, format!("device not found: {key:?}"))),
            None => Ok(known),
        }
    }
}

/// The row numbers of the devices with these keys; keys that no device has are left out.
///
/// # Errors
/// When there are too many keys, or the database fails.
pub async fn find_device_ids(ctx: &Context<'_>, argument: &str, keys: &[String]) -> Result<Vec<DeviceId>, ApiError> {
    let mut wanted = DeviceKeys::default();
    wanted.add(argument, keys)?;
    Ok(wanted.resolve(ctx).await?.ids(keys))
}

impl ResolvedDevices {
    fn id(&self, key: &str) -> Option<DeviceId> {
        self.0.get(&DeviceKey::try_stored(key).ok()?).copied()
    }

    /// The row numbers of those of these keys that are known.
    pub(super) fn ids(&self, keys: &[String]) -> Vec<DeviceId> {
        keys.iter().filter_map(|key| self.id(key)).collect()
    }
}
