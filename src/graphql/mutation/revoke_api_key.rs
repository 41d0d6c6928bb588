//! Revoking a key.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    db,
    error::ApiError,
    graphql::{context::ContextExt as _, id::GlobalId, model::api_key::ApiKey},
};

/// Which key.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// The key's global id.
    id: ID,
}

/// What became of the key.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// Whether there is such a key.
    status: RevokeApiKeyStatus,
    /// The key, which opens nothing any more.
    api_key: Option<ApiKey>,
}

/// Whether a key is revoked.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RevokeApiKeyStatus {
    /// It is, now or since before.
    Revoked,
    /// There is no such key.
    NotFound,
}

#[derive(Default)]
pub struct RevokeApiKey;

#[Object]
impl RevokeApiKey {
    /// Revokes a key, at once and for good. Needs an admin's key.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, ApiError> {
        ctx.caller().must_be_admin()?;
        let GlobalId::ApiKey(id) = GlobalId::decode("input.id", &input.id)? else {
            return Err(ApiError::bad_input("input.id", "this is the id of something else than a key"));
        };
        db::api_key::revoke(ctx.writes(), id, ctx.state().clock.now()).await?;
        let api_key = db::api_key::lookup(ctx.writes(), id).await?;
        let status = if api_key.is_some() { RevokeApiKeyStatus::Revoked } else { RevokeApiKeyStatus::NotFound };
        Ok(RevokeApiKeyPayload { status, api_key: api_key.map(ApiKey) })
    }
}
