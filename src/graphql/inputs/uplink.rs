//! Filter of uplinks.

use async_graphql::{Context, InputObject};

use super::{
    device_keys::{DeviceKeys, ResolvedDevices},
    range::TimeRange,
};
use crate::{api_error::ApiError, db::uplink_page, graphql::types::uplink::UplinkOutcome};

/// Maximum formats in one filter.
const MAX_FORMATS_PER_FILTER: usize = 100;

/// Conditions on uplinks. All of them must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UplinkFilter {
    /// Received in this time span.
    received_at: Option<TimeRange>,
    /// Keys of devices, at most 1000. An uplink that could not be decoded has no device.
    devices: Option<Vec<String>>,
    /// Names of formats, such as `ttn-v2`, at most 100.
    formats: Option<Vec<String>>,
    /// Outcome of the uplinks.
    outcome: Option<UplinkOutcome>,
}

impl UplinkFilter {
    /// Checks the filter (argument `filter`) and resolves its device keys. Unknown keys match nothing.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub async fn check(self, ctx: &Context<'_>) -> Result<uplink_page::UplinkFilter, ApiError> {
        let known = self.device_keys()?.resolve(ctx).await?;
        self.resolve(&known)
    }

    /// Like [`Self::check`], but every device must exist.
    ///
    /// # Errors
    /// Also names the unknown device key.
    pub async fn check_strictly(self, ctx: &Context<'_>) -> Result<uplink_page::UplinkFilter, ApiError> {
        let known = self.device_keys()?.resolve_all(ctx).await?;
        self.resolve(&known)
    }

    fn device_keys(&self) -> Result<DeviceKeys, ApiError> {
        let mut keys = DeviceKeys::default();
        if let Some(devices) = &self.devices {
            keys.add("filter.devices", devices)?;
        }
        Ok(keys)
    }

    fn resolve(self, known: &ResolvedDevices) -> Result<uplink_page::UplinkFilter, ApiError> {
        let (from, to) = match self.received_at {
            Some(range) => range.check("filter.receivedAt")?,
            None => (None, None),
        };
        if self.formats.as_ref().is_some_and(|formats| formats.len() > MAX_FORMATS_PER_FILTER) {
            return Err(ApiError::bad_input("filter.formats", format!("at most {MAX_FORMATS_PER_FILTER}")));
        }
        if self.formats.iter().flatten().any(|format| format.contains('\0')) {
            return Err(ApiError::bad_input("filter.formats", "no format has a NUL in its name"));
        }
        Ok(uplink_page::UplinkFilter {
            from,
            to,
            devices: self.devices.map(|keys| known.ids(&keys)),
            formats: self.formats,
            outcome: self.outcome.map(Into::into),
        })
    }
}
