//! Device keys that arguments name, looked up together.

use std::collections::HashMap;

use async_graphql::Context;

use super::text;
use crate::{
    domain::device::{DeviceId, DeviceKey},
    error::ApiError,
    graphql::context::ContextExt as _,
};

/// Device keys in one filter at most.
const MAX_DEVICES: usize = 1000;

/// Keys on their way to be looked up, with the argument that named them.
#[derive(Debug, Default)]
pub(super) struct DeviceKeys(Vec<(String, DeviceKey)>);

/// Devices by the keys that named them.
#[derive(Debug)]
pub(super) struct KnownDevices(HashMap<DeviceKey, DeviceId>);

impl DeviceKeys {
    /// Adds the keys of an argument.
    ///
    /// # Errors
    /// Names the key that can't be one.
    pub(super) fn add(&mut self, argument: &str, keys: &[String]) -> Result<(), ApiError> {
        if self.0.len() + keys.len() > MAX_DEVICES {
            let many = self.0.len() + keys.len();
            return Err(ApiError::bad_input(argument, format!("{many} keys; at most {MAX_DEVICES}")));
        }
        for (at, key) in keys.iter().enumerate() {
            let key = text::device_key(&format!("{argument}[{at}]"), key.clone())?;
            self.0.push((argument.to_owned(), key));
        }
        Ok(())
    }

    /// Looks all of them up, together with what other parents ask.
    ///
    /// # Errors
    /// Names the argument with a key that no device has.
    pub(super) async fn look_up(self, ctx: &Context<'_>) -> Result<KnownDevices, ApiError> {
        if self.0.is_empty() {
            return Ok(KnownDevices(HashMap::new()));
        }
        let found = ctx.loader().load_many(self.0.iter().map(|(_, key)| key.clone())).await?;
        match self.0.into_iter().find(|(_, key)| !found.contains_key(key)) {
            Some((argument, unknown)) => {
                Err(ApiError::bad_input(argument, format!("there is no device {:?}", unknown.as_str())))
            }
            None => Ok(KnownDevices(found.into_iter().map(|(key, device)| (key, device.id)).collect())),
        }
    }
}

/// The row numbers of the devices with these keys.
///
/// # Errors
/// Names the argument when one of them can't be a key, or no device has it.
pub async fn ids(ctx: &Context<'_>, argument: &str, keys: &[String]) -> Result<Vec<DeviceId>, ApiError> {
    let mut wanted = DeviceKeys::default();
    wanted.add(argument, keys)?;
    Ok(wanted.look_up(ctx).await?.ids(keys))
}

impl KnownDevices {
    /// The row numbers of the devices with these keys, all of which were looked up.
    pub(super) fn ids(&self, keys: &[String]) -> Vec<DeviceId> {
        let id = |key: &String| self.0.get(&DeviceKey::try_new(key.as_str()).ok()?).copied();
        keys.iter().filter_map(id).collect()
    }
}
