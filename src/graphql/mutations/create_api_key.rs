//! Creates an API key.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::{
    api_error::ApiError,
    auth::{INVALID_KEY_MESSAGE, Secret},
    db,
    db::api_key::NewApiKey,
    graphql::{
        context::ContextExt as _,
        inputs::text,
        scalar::DateTime,
        types::api_key::{ApiKey, Role},
    },
};

/// New API key.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// Display name of the key, such as `Bike 7`. At most 500 characters.
    name: String,
    /// Permissions of the key.
    role: Role,
    /// Key of the device that the API key is bound to. Only for role `SENSOR`. Without it the API key records for any
    /// device.
    device_key: Option<String>,
    /// Time the key expires. Without it the key does not expire.
    expires_at: Option<DateTime>,
}

/// The new API key.
#[derive(SimpleObject)]
pub struct CreateApiKeyPayload {
    /// Secret of the key, sent by clients as bearer token. It is returned only here and can't be read later.
    key: String,
    /// Properties of the key.
    api_key: ApiKey,
}

#[derive(Default)]
pub struct CreateApiKey;

#[Object]
impl CreateApiKey {
    /// Creates an API key. Admins only.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Properties of the new key.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload, ApiError> {
        ctx.caller().require_admin()?;
        let now = ctx.state().clock.now();
        let name = text::optional("input.name", Some(input.name))?
            .ok_or_else(|| ApiError::bad_input("input.name", "must not be empty"))?;
        if input.device_key.is_some() && input.role != Role::Sensor {
            return Err(ApiError::bad_input("input.deviceKey", "only a sensor's key can be bound to a device"));
        }
        if input.expires_at.is_some_and(|expires_at| expires_at.0 <= now) {
            return Err(ApiError::bad_input("input.expiresAt", "must be in the future"));
        }
        let device_id = match input.device_key {
            None => None,
            Some(key) => {
                let key = text::stored_device_key("input.deviceKey", key)?;
                let ids = db::device::load_ids_by_keys(ctx.write_pool(), &[key.as_str()]).await?;
                let id = ids.get(key.as_str()).copied().ok_or_else(|| {
                    ApiError::bad_input(
                        "input.deviceKey",
                        format!("device not found: {:?}; register it first", key.as_str()),
                    )
                })?;
                Some(id)
            }
        };
        let secret = Secret::random();
        let new = NewApiKey {
            name: &name,
            role: input.role.into(),
            hash: secret.hash(),
            device_id,
            expires_at: input.expires_at.map(|time| time.0),
            created_by: ctx.caller().api_key_id(),
        };
        let id = db::api_key::insert(ctx.write_pool(), &new, now).await?;
        let id = id.ok_or(ApiError::Unauthenticated(INVALID_KEY_MESSAGE))?; // revoked since this request began
        let api_key = db::api_key::find_by_id(ctx.write_pool(), id).await?;
        let api_key = api_key.ok_or_else(|| ApiError::Internal(anyhow::anyhow!("inserted API key not found")))?;
        Ok(CreateApiKeyPayload { key: secret.reveal().to_owned(), api_key: ApiKey(api_key) })
    }
}
