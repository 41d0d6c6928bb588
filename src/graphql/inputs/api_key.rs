//! Filter of API keys.

use async_graphql::InputObject;

use super::text;
use crate::{api_error::ApiError, db::api_key_page, graphql::types::api_key::Role};

/// Conditions on API keys. All of them must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ApiKeyFilter {
    /// Role of the keys.
    role: Option<Role>,
    /// Key of the device that the API keys are bound to.
    device_key: Option<String>,
    /// Text that the name or the key of the device contains, ignoring case. 1 to 100 characters.
    text: Option<String>,
    /// True: only valid keys; false: only expired and revoked ones.
    is_valid: Option<bool>,
}

impl ApiKeyFilter {
    /// Checks the filter (argument `filter`).
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn check(self) -> Result<api_key_page::ApiKeyFilter, ApiError> {
        if let Some(text) = &self.text {
            text::search("filter.text", text)?;
        }
        let device_key = self.device_key.map(|key| text::stored_device_key("filter.deviceKey", key)).transpose()?;
        Ok(api_key_page::ApiKeyFilter {
            role: self.role.map(Into::into),
            device_key: device_key.map(|key| key.as_str().to_owned()),
            text: self.text,
            is_valid: self.is_valid,
        })
    }
}
