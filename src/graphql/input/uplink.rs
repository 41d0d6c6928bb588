//! Which uplinks.

use async_graphql::{Context, InputObject};

use super::{device_keys::DeviceKeys, range::TimeRange};
use crate::{db::uplink_page, error::ApiError, graphql::model::uplink::UplinkOutcome};

/// Formats in one filter at most.
const MAX_FORMATS: usize = 100;

/// Which uplinks are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UplinkFilter {
    /// Arrived in this span.
    received_at: Option<TimeRange>,
    /// Of the devices with these keys; at most 1000. One that could not be decoded is of no device.
    devices: Option<Vec<String>>,
    /// Of these formats, such as `ttn-v2`.
    formats: Option<Vec<String>>,
    /// Of which this became.
    outcome: Option<UplinkOutcome>,
}

impl UplinkFilter {
    /// Checks the filter, given as the argument `filter`, and looks its devices up.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub async fn check(self, ctx: &Context<'_>) -> Result<uplink_page::UplinkFilter, ApiError> {
        let (from, to) = match self.received_at {
            Some(range) => range.check("filter.receivedAt")?,
            None => (None, None),
        };
        if self.formats.as_ref().is_some_and(|formats| formats.len() > MAX_FORMATS) {
            return Err(ApiError::bad_input("filter.formats", format!("at most {MAX_FORMATS}")));
        }
        if self.formats.iter().flatten().any(|format| format.contains('\0')) {
            return Err(ApiError::bad_input("filter.formats", "no format has a NUL in its name"));
        }
        let devices = match self.devices {
            Some(keys) => {
                let mut asked = DeviceKeys::default();
                asked.add("filter.devices", &keys)?;
                Some(asked.look_up(ctx).await?.ids(&keys))
            }
            None => None,
        };
        Ok(uplink_page::UplinkFilter {
            from,
            to,
            devices,
            formats: self.formats,
            outcome: self.outcome.map(Into::into),
        })
    }
}
