//! Revokes an API key.

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

/// API key to revoke.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// Global id of the key.
    id: ID,
    /// Also revoke all keys created with this key, directly or indirectly. Use it when the key has leaked; not needed
    /// when the key is only replaced.
    #[graphql(default)]
    include_descendants: bool,
}

/// Result of `revokeApiKey`.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// Whether the key is revoked.
    status: RevokeApiKeyStatus,
    /// The revoked key. Null when it was not found.
    api_key: Option<ApiKey>,
    /// Number of other keys revoked by this request: keys created with this key, directly or indirectly.
    descendants_revoked: i32,
    /// Number of keys created with this key, directly or indirectly, that are still valid.
    descendants_valid: i32,
}

/// Whether a key is revoked.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RevokeApiKeyStatus {
    /// The key is revoked, by this request or an earlier one.
    Revoked,
    /// There is no key with this id.
    NotFound,
}

#[derive(Default)]
pub struct RevokeApiKey;

#[Object]
impl RevokeApiKey {
    /// Revokes an API key permanently and immediately, on all gateways. Sockets and subscriptions opened with it are
    /// closed. Admins only.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "API key to revoke.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, ApiError> {
        ctx.caller().require_admin()?;
        let GlobalId::ApiKey(id) = GlobalId::decode("input.id", &input.id)? else {
            return Err(ApiError::bad_input("input.id", "not the id of an API key"));
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
