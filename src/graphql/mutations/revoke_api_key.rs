//! Revoking a key.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    api_error::ApiError,
    db,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        id::GlobalId,
        types::api_key::ApiKey,
    },
};

/// Which key.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// The key's global id.
    id: ID,
    /// Also revoke the keys that were created with it, directly or with one of these. Use it when the key has leaked; leave it
    /// out when the key is only replaced by another one.
    #[graphql(default)]
    include_descendants: bool,
}

/// What became of the key.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// Whether there is such a key.
    status: RevokeApiKeyStatus,
    /// The key, which opens nothing any more.
    api_key: Option<ApiKey>,
    /// Number of keys that were revoked with it.
    descendants_revoked: i32,
    /// Number of keys that were created with it, directly or with one of these, and are still valid.
    descendants_valid: i32,
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
    /// Revokes a key, at once and for good, at all gateways. Sockets and subscriptions that were opened with it are closed. Needs
    /// an admin's key.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, ApiError> {
        ctx.caller().require_admin()?;
        let GlobalId::ApiKey(id) = GlobalId::decode("input.id", &input.id)? else {
            return Err(ApiError::bad_input("input.id", "this is the id of something else than a key"));
        };
        if let Some(own) = ctx.caller().api_key_id().filter(|_| input.include_descendants)
            && db::api_key::is_descendant(ctx.write_pool(), own, id).await?
        {
            return Err(ApiError::bad_input(
                "input.includeDescendants",
                "the key of this request was created with that key and would be revoked too; use another admin key, or \
                 `airgraph keys revoke --descendants`",
            ));
        }
        let (pool, now) = (ctx.write_pool().clone(), ctx.state().clock.now());
        let (api_key, descendants) = run_to_completion(async move {
            let mut connection = pool.acquire().await?;
            let descendants = db::api_key::revoke(&mut connection, id, input.include_descendants, now).await?;
            Ok((db::api_key::find_by_id(&mut *connection, id).await?, descendants))
        })
        .await?;
        let status = if api_key.is_some() { RevokeApiKeyStatus::Revoked } else { RevokeApiKeyStatus::NotFound };
        Ok(RevokeApiKeyPayload {
            status,
            api_key: api_key.map(ApiKey),
            descendants_revoked: i32::try_from(descendants.revoked).unwrap_or(i32::MAX),
            descendants_valid: i32::try_from(descendants.valid).unwrap_or(i32::MAX),
        })
    }
}
