//! API keys, without their secrets.

use async_graphql::{Context, Enum, ID, Object};

use crate::{
    api_error::ApiError,
    domain,
    domain::{api_key, device::DeviceKey},
    graphql::{context::ContextExt as _, id::GlobalId, scalar::DateTime},
};

/// Permissions of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "api_key::Role")]
pub enum Role {
    /// Read everything except uplinks and other admin fields.
    Reader,
    /// Read, and record measurements: of one device when the key is bound to it, else of any device.
    Sensor,
    /// All permissions.
    Admin,
}

/// API key of a sensor, a reader or an admin, without its secret. The secret is returned once, by `createApiKey`.
pub struct ApiKey(pub domain::api_key::ApiKey);

/// API key of a sensor, a reader or an admin, without its secret. The secret is returned once, by `createApiKey`.
#[Object]
impl ApiKey {
    /// Global id, for `revokeApiKey`.
    async fn id(&self) -> ID {
        GlobalId::ApiKey(self.0.id).encode()
    }

    /// Display name of the key.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Permissions of the key.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Key of the device that the API key is bound to. Null when it is not bound to a device.
    async fn device_key(&self) -> Option<&str> {
        self.0.device.as_ref().map(DeviceKey::as_str)
    }

    /// Time the key was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Time the key expires. Null when it does not expire.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// Time the key was revoked. Null when it is not revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(Into::into)
    }

    /// Time of the last use, with a precision of one minute. Null when the key has not been used.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// API key that created this key. Null for keys created on the command line or from the environment.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Self>, ApiError> {
        let Some(id) = self.0.created_by else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(ApiKey))
    }
}
