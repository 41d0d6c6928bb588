//! A key, without the key itself.

use async_graphql::{Context, Enum, ID, Object};

use crate::{
    api_error::ApiError,
    domain,
    domain::{api_key, device::DeviceKey},
    graphql::{context::ContextExt as _, id::GlobalId, scalar::DateTime},
};

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "api_key::Role")]
pub enum Role {
    /// Read.
    Reader,
    /// Read, and record measurements: of one device where the key names it, of any otherwise.
    Sensor,
    /// Everything.
    Admin,
}

/// A key of a sensor, a reader or an admin. The key itself is told once, when it is made.
pub struct ApiKey(pub domain::api_key::ApiKey);

/// A key of a sensor, a reader or an admin. The key itself is told once, when it is made.
#[Object]
impl ApiKey {
    /// Global id, to revoke it by.
    async fn id(&self) -> ID {
        GlobalId::ApiKey(self.0.id).encode()
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What its holder may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// The key of the one device it records for; null for any device.
    async fn device_key(&self) -> Option<&str> {
        self.0.device.as_ref().map(DeviceKey::as_str)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it ends to work by itself.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(Into::into)
    }

    /// When it was last used, to the minute.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// Key that created it. Null for keys from the command line or the environment.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Self>, ApiError> {
        let Some(id) = self.0.created_by else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(ApiKey))
    }
}
