//! Device keys in arguments, resolved in one batch.

use std::collections::HashMap;

use async_graphql::Context;

use crate::{
    api_error::ApiError,
    domain::device::{DeviceId, DeviceKey},
    graphql::context::ContextExt as _,
};

/// Maximum device keys in one filter.
const MAX_DEVICES_PER_FILTER: usize = 1000;

/// Keys to resolve, each with its path in the request.
#[derive(Debug, Default)]
pub(super) struct DeviceKeys(Vec<(String, String)>);

/// Ids of existing devices by key.
#[derive(Debug)]
pub(super) struct ResolvedDevices(HashMap<DeviceKey, DeviceId>);

impl DeviceKeys {
    /// Adds the keys of an argument.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(&mut self, argument: &str, keys: &[String]) -> Result<(), ApiError> {
        if self.0.len() + keys.len() > MAX_DEVICES_PER_FILTER {
            let count = self.0.len() + keys.len();
            return Err(ApiError::bad_input(argument, format!("{count} keys; at most {MAX_DEVICES_PER_FILTER}")));
        }
        self.0.extend(keys.iter().enumerate().map(|(at, key)| (format!("{argument}[{at}]"), key.clone())));
        Ok(())
    }

    /// Resolves all keys, in one statement with those of other parents. Unknown keys are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn resolve(&self, ctx: &Context<'_>) -> Result<ResolvedDevices, ApiError> {
        let load = async |keys: Vec<DeviceKey>| {
            let found = ctx.loader().load_many(keys).await?;
            Ok(found.into_iter().map(|(key, device)| (key, device.id)).collect())
        };
        self.resolve_with(load).await
    }

    /// The same by a function that returns the ids of existing devices.
    ///
    /// # Errors
    /// When the function fails.
    pub(super) async fn resolve_with(
        &self,
        load: impl AsyncFnOnce(Vec<DeviceKey>) -> Result<HashMap<DeviceKey, DeviceId>, ApiError>,
    ) -> Result<ResolvedDevices, ApiError> {
        let keys: Vec<_> = self.0.iter().filter_map(|(_, key)| DeviceKey::try_stored(key.as_str()).ok()).collect();
        Ok(ResolvedDevices(if keys.is_empty() { HashMap::new() } else { load(keys).await? }))
    }

    /// Like [`Self::resolve`], but every key must exist: in a mutation a mistyped key must not change the set of rows.
    ///
    /// # Errors
    /// Names the unknown key.
    pub(super) async fn resolve_all(&self, ctx: &Context<'_>) -> Result<ResolvedDevices, ApiError> {
        let known = self.resolve(ctx).await?;
        match self.0.iter().find(|(_, key)| known.id(key).is_none()) {
            Some((argument, key)) => Err(ApiError::bad_input(argument, format!("device not found: {key:?}"))),
            None => Ok(known),
        }
    }
}

/// The ids of the devices with these keys. Unknown keys are left out.
///
/// # Errors
/// When there are too many keys, or the database fails.
pub async fn find_device_ids(ctx: &Context<'_>, argument: &str, keys: &[String]) -> Result<Vec<DeviceId>, ApiError> {
    let mut keys_to_resolve = DeviceKeys::default();
    keys_to_resolve.add(argument, keys)?;
    Ok(keys_to_resolve.resolve(ctx).await?.ids(keys))
}

impl ResolvedDevices {
    fn id(&self, key: &str) -> Option<DeviceId> {
        self.0.get(&DeviceKey::try_stored(key).ok()?).copied()
    }

    /// The ids of the known ones of these keys.
    pub(super) fn ids(&self, keys: &[String]) -> Vec<DeviceId> {
        keys.iter().filter_map(|key| self.id(key)).collect()
    }
}
